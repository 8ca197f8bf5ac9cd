//! What can be asked of a library.

use super::analysis::AnalysisCommand;
use super::stock::command::StockCommand;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::{ContentHash, MediaId, Payload, PlaylistId};
use serde::{Deserialize, Serialize};

/// A command to a library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LibraryCommand {
    /// Take in a measured item. The bytes of a lost item bring it back; those of any
    /// other are refused.
    AddMedia {
        /// The item.
        item: Box<MediaItem>,
    },
    /// Record that a file was refused.
    RefuseMedia {
        /// Its name as given.
        file_name: String,
        /// SHA-256 of its bytes, where it could be read.
        hash: Option<ContentHash>,
        /// Why.
        reason: String,
    },
    /// Change what is said about an item.
    DescribeMedia {
        /// Which.
        media_id: MediaId,
        /// New tags.
        tags: Option<Tags>,
        /// New category.
        category: Option<String>,
        /// New kind.
        kind: Option<ItemKind>,
        /// New cue marks.
        cues: Option<CueMarks>,
        /// New must-air mark.
        must_air: Option<bool>,
        /// New long-form mark.
        long_form: Option<bool>,
    },
    /// Its audio was seen to be unreadable.
    LoseMedia {
        /// Which.
        media_id: MediaId,
        /// What was seen.
        reason: String,
    },
    /// Its audio was seen to be readable again.
    FindMedia {
        /// Which.
        media_id: MediaId,
    },
    /// Take an item out of planning.
    RemoveMedia {
        /// Which.
        media_id: MediaId,
    },
    /// Make a playlist, or give it another name or other items.
    SetPlaylist {
        /// Which.
        playlist_id: PlaylistId,
        /// Its name, 1 to 100 characters.
        name: String,
        /// Its items, in order, at most 1,800; each must be in the library.
        items: Vec<MediaId>,
    },
    /// Remove a playlist.
    RemovePlaylist {
        /// Which.
        playlist_id: PlaylistId,
    },
    /// Say more about an item, or give it rules of its own.
    DetailMedia {
        /// Which.
        media_id: MediaId,
        /// All of it; lists of at most 50 texts, each at most 300 characters.
        details: Box<MediaDetails>,
    },
    /// Folders, replaced audio, deletion, marks of playlists, several at once.
    Stock(StockCommand),
    /// About the analysis of an item.
    Analysis(AnalysisCommand),
}

impl LibraryCommand {
    /// It holds other commands.
    pub(super) fn is_several(&self) -> bool {
        matches!(self, Self::Stock(StockCommand::Several { .. }))
    }
}

impl Payload for LibraryCommand {
    const NAME: &'static str = "library.command";
    const VERSION: u16 = 1;
}
