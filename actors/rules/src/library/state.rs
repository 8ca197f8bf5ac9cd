//! The fold of a library's stream.

use super::analysis::AnalysisEntry;
use super::stock::state::{Deleted, FolderState, Stage, Times};
use crate::common::Common;
use grimnir_events::analysis::AnalysisFailure;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::{ContentHash, ImportId, MediaId, PlaylistId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media and playlists of a station.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LibraryState {
    /// Items that were taken in and not removed.
    pub media: BTreeMap<MediaId, Common<MediaEntry>>,
    /// The same items by the SHA-256 of the file as it came.
    pub by_hash: Common<BTreeMap<ContentHash, MediaId>>,
    /// What else is said about items, but for when they came in, which their entries say: mostly
    /// nothing more is.
    pub details: BTreeMap<MediaId, MediaDetails>,
    /// What is known of their analyses.
    pub analyses: BTreeMap<MediaId, AnalysisEntry>,
    /// Playlists.
    pub playlists: BTreeMap<PlaylistId, Playlist>,
    /// Folders that were taken in.
    pub folders: BTreeMap<ImportId, FolderState>,
}

/// One item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MediaEntry {
    /// What it is.
    pub item: MediaItem,
    /// Why its audio cannot be read; `None` when it can.
    pub lost: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// Why it was deleted; `None` when it was not.
    pub deleted: Deleted,
    /// When it came in, as its description says it.
    pub added_at: Option<UtcMicros>,
}

impl MediaEntry {
    /// It can be planned and played: measured, there, and not deleted.
    pub fn is_playable(&self) -> bool {
        self.lost.is_none() && self.deleted.is_none() && self.stage == Stage::Measured
    }
    /// Why it cannot be planned; `None` when it can.
    pub fn fault(&self) -> Option<String> {
        match (&self.lost, &self.deleted, &self.stage) {
            (Some(reason), _, _) => Some(reason.clone()),
            (None, Some(_), _) => Some("it is deleted".into()),
            (None, None, Stage::Pending) => Some("it is not measured yet".into()),
            (None, None, Stage::Failed(reason)) => Some(reason.to_string()),
            (None, None, Stage::Measured) => None,
        }
    }
}

/// One playlist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Playlist {
    /// Its name.
    pub name: String,
    /// Its items, in order.
    pub items: Vec<MediaId>,
    /// Marks that entries have for themselves, by their places.
    pub times: Times,
}

impl LibraryState {
    /// Marks that entries of playlists have for themselves.
    pub fn playlist_times(&self) -> BTreeMap<PlaylistId, Times> {
        let timed = self.playlists.iter().filter(|(_, list)| !list.times.is_empty());
        timed.map(|(id, list)| (*id, list.times.clone())).collect()
    }
    /// Items that can be planned and played, by id.
    pub fn playable(&self) -> impl Iterator<Item = &MediaItem> {
        self.media.values().filter(|entry| entry.is_playable()).map(|entry| &entry.item)
    }

    /// What else is said about an item; `None` where nothing is.
    pub fn described(&self, id: MediaId) -> Option<MediaDetails> {
        let added_at = self.media.get(&id).and_then(|entry| entry.added_at);
        match self.details.get(&id) {
            Some(details) => Some(MediaDetails { added_at, ..details.clone() }),
            None => added_at.map(|at| MediaDetails { added_at: Some(at), ..Default::default() }),
        }
    }

    /// Keeps what is said about an item that is there.
    pub(super) fn describe(&mut self, id: MediaId, details: &MediaDetails) {
        let Some(entry) = self.media.get_mut(&id) else { return };
        entry.added_at = details.added_at;
        let rest = MediaDetails { added_at: None, ..details.clone() };
        if entry.added_at.is_some() && rest == MediaDetails::default() {
            self.details.remove(&id);
        } else {
            self.details.insert(id, rest);
        }
    }

    /// Why the last analysis of an item failed; `None` when it did not.
    pub fn failure(&self, media_id: MediaId) -> Option<&AnalysisFailure> {
        self.analyses.get(&media_id)?.failure.as_ref()
    }
}
