//! What was heard of a station last, for an engine that is started where it did not play before.
//!
//! Upstream: the witnessed stream, and when the owner before was seen to live. Downstream: the
//! command line of the engine, which goes on from its own journal where that is the newer one.

use crate::ownership::pace::{DEAD_AT_LEAST, DEAD_AT_MOST};
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::ladder::AUTOMATION_CLAIM;
use grimnir_events::{
    AirFrame, EngineRunId, LineId, StationId, StreamId, StreamKind, UtcMicros, codec,
};
use grimnir_ledger::{Ledger, Recorded};

/// Commits of the air that are looked through: an hour of short items at least.
const LOOK_BACK: u64 = 512;

/// What was heard last.
#[derive(Default)]
struct Heard {
    run: Option<EngineRunId>,
    play: u64,
    until: Option<AirFrame>,
    /// Number of the play, its line, and when the first frame of its file was on air.
    playing: Option<(u64, LineId, AirFrame)>,
    done: Vec<LineId>,
    /// It ended in order.
    over: bool,
}

/// The arguments that tell an engine of it; `seen` is when the owner before was last seen to live.
pub async fn arguments(
    ledger: &dyn Ledger,
    station: StationId,
    seen: Option<UtcMicros>,
) -> Vec<String> {
    let air = StreamId::of_station(StreamKind::Air, station);
    let version = ledger.version(air).await.unwrap_or(0);
    let from = version.saturating_sub(LOOK_BACK) + 1;
    let Ok(tail) = ledger.read(air, from, LOOK_BACK as usize).await else { return vec![] };
    let mut heard = Heard::default();
    for recorded in &tail {
        heard.take(recorded);
    }
    heard.arguments(seen)
}

impl Heard {
    fn take(&mut self, recorded: &Recorded) {
        for event in &recorded.commit.events {
            // What cannot be read here stops the folds, which say so.
            let Ok(fact) = codec::decode::<AirFact>(event) else { continue };
            (self.run, self.until) = (Some(fact.run), Some(fact.frame));
            match fact.event {
                AirEvent::ItemStarted(item) => {
                    self.over = false;
                    self.play = self.play.max(item.play);
                    self.done.extend(item.line_id);
                    let line = item.line_id.filter(|_| item.claim_id == AUTOMATION_CLAIM);
                    let zero = AirFrame(fact.frame.0 - item.from_frame);
                    self.playing = line.map(|line| (item.play, line, zero));
                }
                AirEvent::ItemEnded { play, reason, .. } => {
                    self.over = reason == EndReason::SignOff;
                    self.playing = self.playing.filter(|(number, ..)| *number != play);
                }
                AirEvent::LineDropped { line_id, .. } => self.done.push(line_id),
                AirEvent::EngineStopped {} => self.over = true,
                _ => {}
            }
        }
    }

    fn arguments(self, seen: Option<UtcMicros>) -> Vec<String> {
        let Some((run, until)) = self.run.zip(self.until) else { return vec![] };
        let mut told = vec![format!("--last-run={run}"), format!("--last-play={}", self.play)];
        told.push(format!("--last-frame={}", until.0));
        told.extend(self.done.iter().map(|line| format!("--done={line}")));
        if self.over {
            return told;
        }
        if let Some((_, line, zero)) = self.playing {
            told.push(format!("--playing={line}"));
            told.push(format!("--playing-zero={}", zero.0));
        }
        // Its engine lived as long as it did, as far as anybody can know from here.
        let lived = seen.map(|seen| (seen.plus(-micros(DEAD_AT_LEAST))).frame());
        let lost = lived.filter(|lived| *lived > until);
        let bound = lost.map_or(0, |lost| {
            (micros(DEAD_AT_MOST - DEAD_AT_LEAST) * 48 / 1_000).min(lost.since(until))
        });
        told.push(format!("--heard-until={}", lost.unwrap_or(until).0));
        told.push(format!("--heard-bound={bound}"));
        told
    }
}

fn micros(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
