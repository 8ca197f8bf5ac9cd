//! Now playing: of the items that started and did not end, the one people hear.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::NowPlayingRow;
use grimnir_events::air::{AirEvent, AirFact, EndReason, ItemStarted};
use grimnir_events::ladder::{FALLBACK_CLAIM, Tier};
use grimnir_events::library::ItemKind;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{EngineRunId, MediaId, StationId, UtcMicros};
use serde::{Deserialize, Serialize};

/// More than these never overlap: the oldest is taken for ended.
const OPEN_PLAYS_MAX: usize = 32;

/// One station's air, as far as it was reported.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct NowPlayingTable {
    /// Plays that started and did not end.
    pub open: Vec<OpenPlay>,
    /// Digital silence is on air.
    pub silent: bool,
    /// When the last fact happened.
    pub at: UtcMicros,
}

/// A play that did not end yet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenPlay {
    /// The run that plays it.
    pub run: EngineRunId,
    /// Its number in the run.
    pub play: u64,
    /// What it is.
    pub row: NowPlayingRow,
}

impl NowPlayingTable {
    /// The play of the highest tier; of several, the one that started last.
    pub fn best(&self) -> Option<&NowPlayingRow> {
        if self.silent {
            return None;
        }
        let rank = |row: &&NowPlayingRow| (std::cmp::Reverse(row.tier), row.started_at);
        self.open.iter().map(|play| &play.row).max_by_key(rank)
    }

    /// Folds one fact.
    pub fn apply(&mut self, station: StationId, fact: &AirFact) {
        self.at = fact.at;
        match &fact.event {
            AirEvent::EngineStarted { .. } => self.open.retain(|play| play.run == fact.run),
            AirEvent::EngineStopped {} => self.open.retain(|play| play.run != fact.run),
            AirEvent::ItemStarted(item) => {
                // An engine owns its station's air alone: another run's plays are over.
                self.open.retain(|open| open.run == fact.run && open.play != item.play);
                if self.open.len() == OPEN_PLAYS_MAX {
                    self.open.remove(0);
                }
                self.silent = false;
                let row = started(station, fact.at, item);
                self.open.push(OpenPlay { run: fact.run, play: item.play, row });
            }
            AirEvent::ItemEnded { play, .. } => {
                // The engine that comes after a lost one ends its play, under its own run.
                let own = self.open.iter().any(|o| (o.run, o.play) == (fact.run, *play));
                self.open.retain(|o| o.play != *play || (own && o.run != fact.run));
            }
            AirEvent::SilenceEntered { .. } => self.silent = true,
            AirEvent::SilenceLeft {} => self.silent = false,
            _ => {}
        }
    }
}

/// The row of an item that started.
pub fn started(station_id: StationId, at: UtcMicros, item: &ItemStarted) -> NowPlayingRow {
    NowPlayingRow {
        station_id,
        status: "playing".to_owned(),
        media_id: item.media_id,
        line_id: item.line_id,
        claim_id: item.claim_id,
        tier: item.tier,
        title: item.title.clone(),
        artist: item.artist.clone(),
        kind: item.kind,
        started_at: at,
        ends_at: at.plus(micros_of_frames(item.expected_frames)),
    }
}

/// The row of a station with nothing on air since `at`.
pub fn idle(station_id: StationId, at: UtcMicros) -> NowPlayingRow {
    NowPlayingRow {
        station_id,
        status: "idle".to_owned(),
        media_id: MediaId::default(),
        line_id: None,
        claim_id: FALLBACK_CLAIM,
        tier: Tier::Fallback,
        title: String::new(),
        artist: String::new(),
        kind: ItemKind::Music,
        started_at: at,
        ends_at: at,
    }
}

/// Folds one fact.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    let station = place.station();
    model.now_playing.entry(station).or_default().apply(station, fact);
}

/// Tells what is on air now, where the fact alone says so.
pub(crate) fn tell(out: &mut Changes, station: StationId, fact: &AirFact) {
    match &fact.event {
        AirEvent::ItemStarted(item) => {
            out.push("now_playing", &started(station, fact.at, item));
        }
        AirEvent::EngineStopped {}
        | AirEvent::SilenceEntered { .. }
        | AirEvent::ItemEnded { reason: EndReason::SignOff, .. } => {
            out.push("now_playing", &idle(station, fact.at));
        }
        _ => {}
    }
}
