//! Lines by SRT and RTP: each a process of its own that has the network and nothing else, while its
//! session is valid.
//!
//! What comes over the network is taken apart and decoded there; frames come out at its standard
//! output, words at its standard error. Whoever is heard first signs in to the gate, as an encoder
//! at the harbor does; from there on both are the same. Reading order: this file, [`play`] (the
//! process), [`times`] (of packets). Not here: who goes on air.

mod play;
mod times;

pub use play::command;

use super::gate::{Admitted, Denial};
use super::harbor::Harbor;
use super::pump::{self, Incoming};
use super::{Connected, InputWord};
use crate::air::clock;
use bytes::{Bytes, BytesMut};
use grimnir_engine_proto::bounds;
use grimnir_events::line::LiveLine;
use grimnir_events::live::LiveSession;
use grimnir_events::{ContentHash, LiveSessionId};
use grimnir_mix::live::{TARGET_FRAMES, live};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How often it is looked which lines are to be open.
const LOOK: Duration = Duration::from_millis(250);
/// A sender that is heard no more for so long is gone.
const SILENT: Duration = Duration::from_secs(3);
/// Between two processes of a line: one that cannot begin, or is called in vain, waits ever longer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
/// Reads that may wait for the mix, of at most so many bytes each: 85 ms.
const QUEUE: usize = 4;
const READ_BYTES: usize = 32 * 1024;
/// Longest word of the process, in bytes.
const WORD_BYTES: u64 = 200;

/// What the process is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The line.
    pub line: LiveLine,
    /// Whose it is.
    pub session_id: LiveSessionId,
    /// What its password comes to.
    pub digest: ContentHash,
    /// What the line is encrypted with. It is told over standard input: a command line is for
    /// everybody to read.
    #[serde(skip)]
    pub passphrase: Option<String>,
}

impl Task {
    fn of(session: &LiveSession, line: LiveLine, passphrase: Option<String>) -> Self {
        Self { line, session_id: session.id, digest: session.digest, passphrase }
    }
}

/// Keeps the lines open that are to be, until the process ends.
pub async fn keep(harbor: Arc<Harbor>) {
    let mut open: BTreeMap<LiveSessionId, (Task, JoinHandle<()>)> = BTreeMap::new();
    loop {
        let wanted = harbor.gate.open_lines(clock::utc_now());
        let wanted: BTreeMap<LiveSessionId, Task> = wanted
            .into_iter()
            .map(|(s, line, secret)| (s.id, Task::of(&s, line, secret)))
            .collect();
        open.retain(|id, (task, running)| {
            let stays = wanted.get(id) == Some(task);
            if !stays {
                running.abort();
            }
            stays
        });
        for (id, task) in wanted {
            open.entry(id).or_insert_with(|| {
                let running = Running { harbor: harbor.clone(), task: task.clone() };
                (task, tokio::spawn(running.run()))
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One line, as long as it is to be open. Its process dies with it, and its source leaves.
struct Running {
    harbor: Arc<Harbor>,
    task: Task,
}

/// A source of a line that is in; it leaves when this goes.
struct Source {
    harbor: Arc<Harbor>,
    admitted: Admitted,
    tx: mpsc::Sender<Bytes>,
    cut: Arc<Notify>,
    bytes: u64,
    reason: String,
}

impl Drop for Source {
    fn drop(&mut self) {
        let (key, bytes) = (self.admitted.key, self.bytes);
        let reason = std::mem::take(&mut self.reason);
        tracing::info!(key, reason, bytes, "a source is gone");
        // First told, then let go: whoever comes next is not to be heard of before.
        (self.harbor.tell)(InputWord::Ended { key, reason, bytes });
        self.harbor.gate.leave(&self.admitted);
    }
}

impl Running {
    async fn run(self) {
        if self.task.line.passphrase().is_some() && self.task.passphrase.is_none() {
            // Until it is there, which is another task.
            self.turned_away("its passphrase is not in the secrets store: it is to be set again");
            return std::future::pending().await;
        }
        let mut pause = PAUSES.0;
        loop {
            let began = tokio::time::Instant::now();
            match self.start() {
                Ok(child) => self.serve(child).await,
                Err(reason) => tracing::error!(reason, "a line cannot be opened"),
            }
            // What held for a while was no failure.
            pause = if began.elapsed() > PAUSES.1 { PAUSES.0 } else { (2 * pause).min(PAUSES.1) };
            tokio::time::sleep(pause).await;
        }
    }

    fn start(&self) -> Result<Child, String> {
        let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
        let task = serde_json::to_string(&self.task).map_err(|e| e.to_string())?;
        Command::new(program)
            .args(["line", "--task", &task])
            .env_clear()
            .envs(bounds::environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("the process of a line cannot start: {e}"))
    }

    /// Takes what a process gives until it ends or is to.
    async fn serve(&self, mut child: Child) {
        let (Some(frames), Some(words)) = (child.stdout.take(), child.stderr.take()) else {
            return;
        };
        if let (Some(mut told), Some(passphrase)) = (child.stdin.take(), &self.task.passphrase) {
            // Where it cannot be told, the process ends.
            let _ = told.write_all(passphrase.as_bytes()).await;
        }
        tokio::select! {
            () = self.listen(frames) => {}
            () = self.hear(words) => {}
        }
        let _ = child.kill().await;
    }

    /// What the process says: a line each for whoever is turned away, and why it ends.
    async fn hear(&self, words: ChildStderr) {
        let mut words = BufReader::new(words).take(WORD_BYTES).lines();
        loop {
            match words.next_line().await {
                Ok(Some(word)) if word == play::TURNED_AWAY => {
                    self.turned_away("its stream id is not the password of the session");
                }
                Ok(Some(word)) if word == play::OTHER_KEY => {
                    self.turned_away("its passphrase is not that of the line");
                }
                Ok(Some(word)) if word == play::IN_VAIN => {
                    self.turned_away("it does not answer, or its passphrase is another");
                }
                Ok(Some(word)) => {
                    let session = self.task.session_id;
                    tracing::warn!(session = %session, word, "the process of a line says");
                }
                // Its frames end as well.
                Ok(None) | Err(_) => std::future::pending().await,
            }
            words.get_mut().set_limit(WORD_BYTES);
        }
    }

    fn turned_away(&self, reason: &str) {
        let (address, mount) = (self.address(), self.harbor.gate.mount_of(self.task.session_id));
        let (mount, reason) = (mount.unwrap_or_default(), reason.to_owned());
        (self.harbor.tell)(InputWord::Refused { address, mount, reason });
    }

    /// Where it is heard, or who is called.
    fn address(&self) -> String {
        match &self.task.line {
            LiveLine::SrtListener { address, port, .. }
            | LiveLine::EncryptedSrtListener { address, port, .. }
            | LiveLine::Rtp { address, port, .. } => format!("{address}:{port}"),
            LiveLine::SrtCaller { host, port, .. }
            | LiveLine::EncryptedSrtCaller { host, port, .. } => format!("{host}:{port}"),
        }
    }

    /// Frames of one sender after the other: whoever is heard signs in, and leaves with silence.
    async fn listen(&self, mut frames: ChildStdout) {
        let mut source: Option<Source> = None;
        let mut held = BytesMut::new();
        loop {
            held.reserve(READ_BYTES);
            let patience = if source.is_some() { SILENT } else { Duration::MAX };
            let cut = source.as_ref().map(|source| source.cut.clone());
            let cut = async {
                match cut {
                    Some(cut) => cut.notified().await,
                    None => std::future::pending().await,
                }
            };
            let read = tokio::select! {
                read = timeout(patience, frames.read_buf(&mut held)) => read,
                () = cut => {
                    Self::over(source, "it was disconnected");
                    return;
                }
            };
            match read {
                Ok(Ok(1..)) => {}
                Ok(_) => return Self::over(source, "the sender ended"),
                Err(_) => {
                    Self::over(source.take(), "it sent nothing for 3 s");
                    continue;
                }
            }
            let bytes = held.split().freeze();
            if source.is_none() {
                source = self.sign_in();
            }
            let Some(of) = &mut source else { continue };
            of.bytes += bytes.len() as u64;
            if of.tx.send(bytes).await.is_err() {
                return Self::over(source, "its sound cannot be taken");
            }
        }
    }

    fn over(source: Option<Source>, reason: &str) {
        if let Some(mut source) = source {
            source.reason = reason.to_owned();
        }
    }

    fn sign_in(&self) -> Option<Source> {
        let admitted = match self.harbor.gate.admit_line(self.task.session_id, clock::utc_now()) {
            Ok(admitted) => admitted,
            Err(Denial::Busy) => {
                self.turned_away(Denial::Busy.reason());
                return None;
            }
            Err(_) => return None,
        };
        let (feed, tap) = live(TARGET_FRAMES);
        let (tx, rx) = mpsc::channel(QUEUE);
        let (key, cut) = (admitted.key, Arc::new(Notify::new()));
        let incoming = Incoming::new(rx, &feed).towards(self.harbor.gate.target_lufs());
        let protocol = self.task.line.protocol();
        let scribe = self.harbor.records.scribe(admitted.session_id, admitted.name.clone());
        let aired = scribe.aired();
        let spawned = std::thread::Builder::new()
            .name(format!("live-{key}"))
            .spawn(move || pump::run_frames(incoming, feed, scribe));
        if let Err(error) = spawned {
            tracing::error!(%error, "a line has no thread");
            self.harbor.gate.leave(&admitted);
            return None;
        }
        tracing::info!(key, mount = admitted.mount, protocol, "a source is in");
        (self.harbor.tell)(InputWord::Connected(Box::new(Connected {
            key,
            session_id: admitted.session_id,
            address: self.address(),
            client: String::new(),
            protocol,
            tap,
            aired,
            cut: cut.clone(),
        })));
        let format = play::format_of(&self.task.line);
        (self.harbor.tell)(InputWord::Recognised { key, format });
        let harbor = self.harbor.clone();
        let reason = "the line was closed".to_owned();
        Some(Source { harbor, admitted, tx, cut, bytes: 0, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::gate::{Gate, tests::grant};
    use crate::output::record::live::Records;
    use grimnir_events::live::EngineInputs;
    use grimnir_events::{StationId, UtcMicros};

    #[test]
    fn that_a_source_is_gone_is_told_before_another_can_be_there() {
        let gate = Arc::new(Gate::default());
        let grants = vec![grant(1, "", "/live")];
        gate.set(EngineInputs { revision: 1, station_id: StationId([1; 16]), grants });
        let (session, now) = (LiveSessionId([1; 16]), UtcMicros(150));
        let admitted = gate.admit_line(session, now).expect("is let in");
        let key = admitted.key;
        let (told, word) = std::sync::mpsc::channel();
        let asked = gate.clone();
        let tell = Box::new(move |word| {
            let ended = matches!(word, InputWord::Ended { key: gone, .. } if gone == key);
            let _ = told.send((ended, asked.admit_line(session, now).err()));
        });
        let harbor = Arc::new(Harbor::new(gate.clone(), Records::unused(), tell, None));
        let (tx, _rx) = mpsc::channel(1);
        let (cut, reason) = (Arc::new(Notify::new()), "the sender ended".to_owned());
        drop(Source { harbor, admitted, tx, cut, bytes: 0, reason });
        assert_eq!(word.recv(), Ok((true, Some(Denial::Busy))));
        assert!(gate.admit_line(session, now).is_ok());
    }
}
