//! What an engine on another host left on air, as the control plane tells the engine it starts.
//!
//! An engine goes on from its own journal. Where the last run that the ledger knows is not in it,
//! the station was heard from another host since, and that is where this run goes on.

use crate::journal::Recovered;
use grimnir_events::air::InterruptReason;
use grimnir_events::{AirFrame, EngineRunId, LineId};
use grimnir_rules::timeline::resolve::Interrupted;

/// What was heard from another host.
#[derive(clap::Args, Default)]
pub struct Elsewhere {
    /// The run that was heard last.
    #[arg(long)]
    last_run: Option<EngineRunId>,
    /// Frame of its last fact.
    #[arg(long, default_value_t = 0)]
    last_frame: i64,
    /// Highest number of a play.
    #[arg(long, default_value_t = 0)]
    last_play: u64,
    /// Frame of the air from which on nothing was heard.
    #[arg(long)]
    heard_until: Option<i64>,
    /// The silence began so many frames earlier at most.
    #[arg(long, default_value_t = 0)]
    heard_bound: i64,
    /// The line that played.
    #[arg(long, requires = "playing_zero")]
    playing: Option<LineId>,
    /// Frame of the air at which the first frame of its file was heard, or would have been.
    #[arg(long)]
    playing_zero: Option<i64>,
    /// A line that has started or was dropped; given once for each.
    #[arg(long)]
    done: Vec<LineId>,
}

/// Where the air is to be taken up.
pub struct TakenUp {
    /// The line and the place in its file that the programme has reached.
    pub line: Option<Interrupted>,
    /// What nobody heard, until this run is.
    pub interruption: Option<(AirFrame, InterruptReason, i64)>,
}

impl Elsewhere {
    /// Adds it to what the own journal tells a run that begins at `start`; `None` where the
    /// station was heard from here last.
    pub fn take_up(&self, recovered: &mut Recovered, start: AirFrame) -> Option<TakenUp> {
        let here = recovered.last_frame.is_some_and(|own| own.0 >= self.last_frame);
        let run = self.last_run.filter(|run| !here && !recovered.runs.contains(run))?;
        recovered.done.extend(&self.done);
        recovered.last_play = recovered.last_play.max(self.last_play);
        tracing::warn!(run = %run, "the station was heard from another host last");
        let line = self.playing.zip(self.playing_zero);
        let reached = |(line_id, zero)| Interrupted { line_id, at_frame: start.0 - zero };
        let lost = |from| (AirFrame(from), InterruptReason::EngineLost, self.heard_bound);
        Some(TakenUp { line: line.map(reached), interruption: self.heard_until.map(lost) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const LINE: LineId = LineId([3; 16]);

    fn told() -> Elsewhere {
        Elsewhere {
            last_run: Some(EngineRunId([9; 16])),
            last_frame: 800,
            last_play: 7,
            heard_until: Some(900),
            heard_bound: 50,
            playing: Some(LINE),
            playing_zero: Some(400),
            done: vec![LINE],
        }
    }

    #[test]
    fn the_programme_goes_on_where_it_would_be_now() {
        let mut recovered = Recovered::default();
        let taken = told().take_up(&mut recovered, AirFrame(1_000)).expect("heard elsewhere");
        assert_eq!(taken.line, Some(Interrupted { line_id: LINE, at_frame: 600 }));
        let lost = (AirFrame(900), InterruptReason::EngineLost, 50);
        assert_eq!(taken.interruption, Some(lost));
        assert_eq!((recovered.last_play, recovered.done), (7, BTreeSet::from([LINE])));
    }

    #[test]
    fn the_own_journal_is_believed_where_it_holds_that_run() {
        let mut recovered = Recovered::default();
        recovered.runs.insert(EngineRunId([9; 16]));
        assert!(told().take_up(&mut recovered, AirFrame(1_000)).is_none());
        // Its file is gone since, and what came after it is there.
        let newer = Recovered { last_frame: Some(AirFrame(800)), ..Recovered::default() };
        assert!(told().take_up(&mut { newer }, AirFrame(1_000)).is_none());
        assert!(Elsewhere::default().take_up(&mut recovered, AirFrame(1_000)).is_none());
        assert_eq!(recovered.last_play, 0);
    }
}
