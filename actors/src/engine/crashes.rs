//! Ends of engines that nobody ordered: taken down with their last words, counted by the executor's
//! rules, answered with a whole engine or with the smallest one.

use super::link::LinkState;
use crate::meta::Meta;
use grimnir_engine_proto::v1;
use grimnir_events::crash::{EngineCrash, WholeAgain};
use grimnir_events::{StreamId, StreamKind};
use grimnir_rules::Executor;
use grimnir_rules::executor::command::ExecutorCommand;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use tracing::{error, warn};

/// So much of the end of a log is looked through for last words: 64 KiB.
const LOG_TAIL: u64 = 65_536;

impl LinkState {
    /// The process ended: takes it down where that was no order. `status` is known of a child.
    pub(super) async fn report_end(&mut self, pid: u32, status: Option<ExitStatus>) {
        let ended = match status {
            Some(status) if is_orderly(status) => return,
            Some(status) => how(status),
            // One that ends in an orderly way takes its socket away.
            None if !self.place.socket().exists() => return,
            None => "not our child: its socket is still there".into(),
        };
        let crash = EngineCrash {
            pid,
            at: crate::clock::now(),
            ended,
            lived_ms: self.started.map(|at| at.elapsed().as_millis() as u64),
            last_words: last_words(&self.place.dir.join("engine.log")),
            minimal: self.plays_minimal,
        };
        error!(
            station.id = %self.place.station, pid, ended = crash.ended, words = crash.last_words,
            "the engine crashed"
        );
        self.tell(ExecutorCommand::ReportCrash { crash: Box::new(crash) }).await;
    }

    /// Only the smallest engine is to play: there were too many crashes, and not long ago.
    pub(super) async fn is_to_be_minimal(&mut self) -> bool {
        let stream = StreamId::of_station(StreamKind::Executor, self.place.station);
        let Ok(executor) = self.shared.directory.inspect::<Executor>(stream).await else {
            return self.plays_minimal;
        };
        let crashes = &executor.state.crashes;
        if crashes.is_over(crate::clock::now()) {
            return !self
                .tell(ExecutorCommand::RestoreEngine { why: WholeAgain::TimeHasPassed })
                .await;
        }
        crashes.minimal_since.is_some()
    }

    /// The smallest engine makes room once a whole one may play again.
    pub(super) async fn make_room(&mut self, status: &v1::StatusResponse) {
        self.plays_minimal = status.minimal;
        if !status.minimal || self.is_to_be_minimal().await {
            return;
        }
        let pid = self.place.description().and_then(|card| Pid::from_raw(card.pid as i32));
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, Signal::TERM)) {
            warn!(station.id = %self.place.station, %error, "the smallest engine cannot be ended");
        }
    }

    async fn tell(&self, command: ExecutorCommand) -> bool {
        let stream = StreamId::of_station(StreamKind::Executor, self.place.station);
        let told = self.shared.directory.decide::<Executor>(stream, command, Meta::own()).await;
        if let Err(error) = &told {
            warn!(station.id = %self.place.station, %error, "a crash could not be taken down");
        }
        told.is_ok()
    }
}

/// Ended as told, or said itself that it cannot run: no fault that starting less would mend.
fn is_orderly(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 1))
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("exit code {}", code.unwrap_or_default()),
    }
}

/// The last panic that a log tells of, else its last error; empty where it tells of none.
fn last_words(log: &Path) -> String {
    let read = || {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    // A run begins anew: what an earlier one said is not of this.
    let begun = lines.iter().rposition(|line| line.contains("listeners are served")).unwrap_or(0);
    let of_run = &lines[begun..];
    if let Some(at) = of_run.iter().rposition(|line| line.contains("panicked at")) {
        return of_run[at..].iter().take(2).copied().collect::<Vec<_>>().join(" ");
    }
    let last_error = of_run.iter().rev().find(|line| line.contains("ERROR"));
    last_error.map(|line| (*line).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_last_panic_else_the_last_error_of_the_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = dir.path().join("engine.log");
        assert_eq!(last_words(&log), "");
        let mut text = String::from("ERROR of an earlier run\nINFO listeners are served\n");
        std::fs::write(&log, &text).expect("writes");
        assert_eq!(last_words(&log), "", "what an earlier run said is not of this one");
        text += "ERROR a deck failed\nINFO on\n";
        std::fs::write(&log, &text).expect("writes");
        assert_eq!(last_words(&log), "ERROR a deck failed");
        text += "thread 'director' panicked at a.rs:1:\nindex out of bounds\nERROR the end\n";
        std::fs::write(&log, &text).expect("writes");
        assert_eq!(last_words(&log), "thread 'director' panicked at a.rs:1: index out of bounds");
        let long = format!("{}\nERROR at the end\n", "x".repeat(200_000));
        std::fs::write(&log, long).expect("writes");
        assert_eq!(last_words(&log), "ERROR at the end", "only the end of a long log is read");
    }

    #[test]
    fn a_signal_and_a_panic_are_crashes_and_an_ordered_end_is_none() {
        let of = ExitStatus::from_raw;
        assert!(is_orderly(of(0)) && is_orderly(of(1 << 8)));
        for (raw, text) in [(6, "signal 6"), (9, "signal 9"), (101 << 8, "exit code 101")] {
            assert!(!is_orderly(of(raw)));
            assert_eq!(how(of(raw)), text);
        }
    }
}
