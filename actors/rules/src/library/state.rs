//! The fold of a library's stream.

use super::analysis::AnalysisEntry;
use grimnir_events::analysis::AnalysisFailure;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::{ContentHash, MediaId, PlaylistId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media and playlists of a station.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LibraryState {
    /// Items that were taken in and not removed.
    pub media: BTreeMap<MediaId, MediaEntry>,
    /// The same items by the SHA-256 of the file as it came.
    pub by_hash: BTreeMap<ContentHash, MediaId>,
    /// What else is said about items.
    pub details: BTreeMap<MediaId, MediaDetails>,
    /// What is known of their analyses.
    pub analyses: BTreeMap<MediaId, AnalysisEntry>,
    /// Playlists.
    pub playlists: BTreeMap<PlaylistId, Playlist>,
}

/// One item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MediaEntry {
    /// What it is.
    pub item: MediaItem,
    /// Why its audio cannot be read; `None` when it can.
    pub lost: Option<String>,
}

/// One playlist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Playlist {
    /// Its name.
    pub name: String,
    /// Its items, in order.
    pub items: Vec<MediaId>,
}

impl LibraryState {
    /// Items whose audio can be read and whose last analysis did not fail, by id.
    pub fn playable(&self) -> impl Iterator<Item = &MediaItem> {
        let whole =
            |entry: &&MediaEntry| entry.lost.is_none() && self.failure(entry.item.id).is_none();
        self.media.values().filter(whole).map(|entry| &entry.item)
    }

    /// Why the last analysis of an item failed; `None` when it did not.
    pub fn failure(&self, media_id: MediaId) -> Option<&AnalysisFailure> {
        self.analyses.get(&media_id)?.failure.as_ref()
    }
}
