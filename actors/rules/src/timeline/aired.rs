//! What a timeline knows of the air: what is heard, which lines were heard or dropped, how often
//! every item has played.
//!
//! Upstream: the station's witnessed stream. Downstream: decisions, which leave alone what is on
//! air and what comes next; the planner, whose rules count what aired. Folding decided events
//! touches nothing of it.

use crate::planner::{Play, Tally};
use grimnir_events::air::{AirEvent, AirFact, ItemStarted};
use grimnir_events::ladder::Tier;
use grimnir_events::{EngineRunId, LineId, MediaId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Plays and lines older than this leave the lists; the tally keeps counting them. As long as
/// hours of plan are kept.
const KEEP_US: i64 = super::state::KEEP_US;
/// Most plays that are listed: one every six seconds.
const MOST_PLAYS: usize = 28_800;

/// The fold of the air.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Aired {
    /// The line that automation is heard with.
    pub on_air: Option<OnAir>,
    /// Lines that were heard, and since when.
    pub started: BTreeMap<LineId, UtcMicros>,
    /// Lines that an engine said will not be.
    pub dropped: BTreeMap<LineId, UtcMicros>,
    /// Plays of the last two days, oldest first; those of lines name them.
    pub plays: VecDeque<(Option<LineId>, Play)>,
    /// Every play there was, by item.
    pub tally: BTreeMap<MediaId, Tally>,
    /// The latest fact.
    pub at: UtcMicros,
}

/// A line on air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OnAir {
    /// The run that plays it.
    pub run: EngineRunId,
    /// Number of the play in that run.
    pub play: u64,
    /// The line.
    pub line_id: LineId,
    /// When it began.
    pub at: UtcMicros,
    /// Frame of its file it began with.
    pub from_frame: i64,
}

impl Aired {
    /// Folds one fact.
    pub fn witness(&mut self, fact: &AirFact) {
        self.at = self.at.max(fact.at);
        match &fact.event {
            AirEvent::ItemStarted(item) => self.starts(item, fact.run, fact.at),
            AirEvent::ItemEnded { play, .. } => {
                self.on_air.take_if(|on| on.run == fact.run && on.play == *play);
            }
            AirEvent::LineDropped { line_id, .. } => {
                self.dropped.insert(*line_id, fact.at);
            }
            // A new run tells itself what it begins with.
            AirEvent::EngineStarted { .. } | AirEvent::EngineStopped {} => self.on_air = None,
            AirEvent::AirInterrupted { .. }
            | AirEvent::LineMoved { .. }
            | AirEvent::EmergencyInserted { .. }
            | AirEvent::OwnerChanged { .. }
            | AirEvent::ClaimEnded { .. }
            | AirEvent::SourceFailed { .. }
            | AirEvent::SourceRecovered { .. }
            | AirEvent::SilenceEntered { .. }
            | AirEvent::SilenceLeft {}
            | AirEvent::AirStalled { .. }
            | AirEvent::NonFiniteSamples { .. }
            | AirEvent::ProgrammeSilent { .. }
            | AirEvent::OutputReported { .. }
            | AirEvent::ProgrammeHeard {}
            | AirEvent::Sound(_)
            | AirEvent::Live(_)
            | AirEvent::Webstream(_)
            | AirEvent::OutputUp { .. }
            | AirEvent::OutputDown { .. } => {}
        }
    }

    fn starts(&mut self, item: &ItemStarted, run: EngineRunId, at: UtcMicros) {
        if item.tier == Tier::Automation {
            let (play, from_frame) = (item.play, item.from_frame);
            let on_air = |line_id| OnAir { run, play, line_id, at, from_frame };
            self.on_air = item.line_id.map(on_air);
        }
        // A line that goes on where it was cut is the same play.
        let again = item.line_id.is_some_and(|line| self.started.insert(line, at).is_some());
        if item.media_id.is_nil() || again {
            return;
        }
        let tally = self.tally.entry(item.media_id).or_default();
        tally.plays = tally.plays.saturating_add(1);
        tally.last_at = tally.last_at.max(Some(at));
        let play = Play {
            at,
            media_id: item.media_id,
            artist: item.artist.clone(),
            title: item.title.clone(),
        };
        let place = self.plays.partition_point(|(_, other)| other.at <= at);
        self.plays.insert(place, (item.line_id, play));
        self.forget();
    }

    fn forget(&mut self) {
        let oldest = self.at.plus(-KEEP_US);
        while self.plays.len() > MOST_PLAYS
            || self.plays.front().is_some_and(|(_, play)| play.at < oldest)
        {
            self.plays.pop_front();
        }
        // Every few hundred plays, so that a fact costs little.
        if self.started.len() + self.dropped.len() > 2 * self.plays.len() + 512 {
            self.started.retain(|_, at| *at >= oldest);
            self.dropped.retain(|_, at| *at >= oldest);
        }
    }

    /// An engine has said what became of the line.
    pub fn is_done(&self, line: &LineId) -> bool {
        self.started.contains_key(line) || self.dropped.contains_key(line)
    }
}
