//! What can be asked of a library's stock.

use super::super::command::LibraryCommand;
use grimnir_events::library::MediaItem;
use grimnir_events::stock::{EntryTimes, Folder, PendingItem};
use grimnir_events::{ContentHash, ImportId, MediaId, PlaylistId, UtcMicros};
use serde::{Deserialize, Serialize};

/// A command to a library's stock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockCommand {
    /// Take a folder in.
    TakeFolder {
        /// Under which id.
        import_id: ImportId,
        /// Which, and how.
        folder: Folder,
    },
    /// Files of a folder were looked at.
    TakeFiles {
        /// The folder.
        import_id: ImportId,
        /// The files.
        files: Vec<FoundFile>,
    },
    /// Files of a folder are not there any more.
    MissFiles {
        /// The folder.
        import_id: ImportId,
        /// Their paths in it.
        paths: Vec<String>,
    },
    /// Every file that was there has been looked at.
    FinishFolder {
        /// The folder.
        import_id: ImportId,
    },
    /// Look at a folder no more; its items stay.
    LeaveFolder {
        /// The folder.
        import_id: ImportId,
    },
    /// The bytes of an item cannot be measured.
    FailMeasuring {
        /// Which.
        media_id: MediaId,
        /// SHA-256 of the bytes.
        hash: ContentHash,
        /// Why.
        reason: String,
    },
    /// Give an item other audio under the same id.
    ReplaceAudio {
        /// All of it, as it is to be.
        item: Box<MediaItem>,
    },
    /// Plan an item no more until it is restored.
    DeleteMedia {
        /// Which.
        media_id: MediaId,
    },
    /// Plan a deleted item again.
    RestoreMedia {
        /// Which.
        media_id: MediaId,
    },
    /// Make a playlist, or change it; entries may have marks of their own.
    SetEntries {
        /// Which.
        playlist_id: PlaylistId,
        /// Its name, 1 to 100 characters.
        name: String,
        /// Its entries, in order, at most 1,800.
        entries: Vec<(MediaId, EntryTimes)>,
    },
    /// Carry out each of these that can be; what cannot changes nothing.
    Several {
        /// The commands; none of them is this one.
        commands: Vec<LibraryCommand>,
    },
}

/// A file of a folder as it was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundFile {
    /// Its path in the folder.
    pub path: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// When it was written last.
    pub modified_at: UtcMicros,
    /// A file of the folder that has gone, of which it has the bytes.
    pub instead_of: Option<String>,
    /// What is in it.
    pub content: FoundContent,
}

/// What a file was found to hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundContent {
    /// Something that says it is sound.
    Sound {
        /// The item that it is to be where its bytes are new.
        item: Box<PendingItem>,
    },
    /// Nothing that can be taken in.
    Unfit {
        /// SHA-256 of the bytes, where they could be read.
        hash: Option<ContentHash>,
        /// Why.
        reason: String,
    },
}
