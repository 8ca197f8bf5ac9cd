//! All tables of the site, and the fold of one commit into them.
//!
//! Pure: the same commits give the same model, one by one or from zero; a commit folded twice
//! counts once. Nothing here fails: what cannot be read is counted and traced.

use crate::as_run::AsRun;
use crate::change::changes_of;
use crate::decoded::{Decoded, Event};
use crate::ladder::LadderTable;
use crate::library::LibraryTable;
use crate::live_recordings::LiveRecordings;
use crate::now_playing::NowPlayingTable;
use crate::recordings::Recordings;
use crate::rows::{Change, ExecutorRow, StationRow, UserRow};
use crate::timeline::TimelineTable;
use crate::{
    access, as_run, executor, ladder, library, live_recordings, now_playing, recordings, station,
    timeline,
};
use grimnir_events::{ContentHash, StationId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shape and meaning of [`Model`]; raised on every change of either, so that an older snapshot is
/// folded again.
pub const MODEL_VERSION: u32 = 7;

/// Every read model.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    /// Ledger position of the last commit folded; 0: none.
    pub position: u64,
    /// Hash of that commit.
    pub hash: ContentHash,
    /// Events that could not be read.
    pub faults: u64,
    /// Stations.
    pub stations: BTreeMap<StationId, StationRow>,
    /// Ladders.
    pub ladders: BTreeMap<StationId, LadderTable>,
    /// Executors.
    pub executors: BTreeMap<StationId, ExecutorRow>,
    /// Timelines.
    pub timelines: BTreeMap<StationId, TimelineTable>,
    /// Libraries.
    pub libraries: BTreeMap<StationId, LibraryTable>,
    /// Users of the site.
    pub users: BTreeMap<UserId, UserRow>,
    /// What is on air.
    pub now_playing: BTreeMap<StationId, NowPlayingTable>,
    /// What aired in the last days.
    pub as_run: BTreeMap<StationId, AsRun>,
    /// Files of recordings.
    pub recordings: BTreeMap<StationId, Recordings>,
    /// Files of live sessions.
    pub live_recordings: BTreeMap<StationId, LiveRecordings>,
}

impl Model {
    /// Folds one commit and answers the changes that follow; none for one folded before.
    pub fn apply(&mut self, commit: &Decoded) -> Vec<Change> {
        if !self.fold(commit) {
            return Vec::new();
        }
        changes_of(commit)
    }

    /// Folds one commit; false for one folded before.
    pub fn fold(&mut self, commit: &Decoded) -> bool {
        let place = &commit.place;
        if place.seq <= self.position {
            return false;
        }
        for fault in commit.faults() {
            self.faults = self.faults.saturating_add(1);
            tracing::warn!(
                event.seq = place.seq,
                stream = %place.stream,
                outcome = %fault,
                "an event could not be read and was passed over"
            );
        }
        for event in commit.known() {
            self.fold_event(commit, event);
        }
        (self.position, self.hash) = (place.seq, commit.hash);
        true
    }

    fn fold_event(&mut self, commit: &Decoded, event: &Event) {
        let place = &commit.place;
        match event {
            Event::Station(event) => {
                station::apply(self, place, event);
                executor::created(self, place, event);
            }
            Event::Ladder(event) => {
                ladder::apply(self, place, event);
                executor::decided(self, place, event);
            }
            Event::Executor(event) => executor::apply(self, place, event),
            Event::Timeline(event) => timeline::apply(self, place, event),
            Event::Library(event) => library::apply(self, place, event),
            Event::Access(event) => access::apply(self, event),
            Event::Webstream(_) | Event::Site(_) => {}
            Event::Air(fact) => {
                executor::witnessed(self, place, fact);
                now_playing::witnessed(self, place, fact);
                as_run::witnessed(self, place, fact);
                timeline::witnessed(self, place, fact);
                recordings::witnessed(self, place, fact);
                live_recordings::witnessed(self, place, fact);
            }
        }
    }
}
