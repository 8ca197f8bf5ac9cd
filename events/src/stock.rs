//! The words of what a library keeps beyond single uploads: folders that are taken in and watched,
//! items that wait for their measuring, audio that was replaced, items that were deleted and can
//! come back, and playlists whose entries have marks of their own.

use crate::details::MediaDetails;
use crate::ids::{ContentHash, ImportId, MediaId, PlaylistId};
use crate::library::{ItemKind, MediaItem, Tags};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// What happened to a library's stock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockEvent {
    /// A folder is taken in, and watched if it says so.
    FolderTaken {
        /// Under which id.
        import_id: ImportId,
        /// Which, and how.
        folder: Folder,
    },
    /// Files of a folder were looked at.
    FilesTaken {
        /// The folder.
        import_id: ImportId,
        /// Each file and what it came to.
        files: Vec<FileTaken>,
    },
    /// A file of a folder is not there any more.
    FileGone {
        /// The folder.
        import_id: ImportId,
        /// Its path in the folder.
        path: String,
    },
    /// Every file that was there when the folder was looked through has been taken or refused.
    FolderDone {
        /// The folder.
        import_id: ImportId,
    },
    /// The folder is not looked at any more; its items stay.
    FolderLeft {
        /// The folder.
        import_id: ImportId,
    },
    /// An item cannot be measured; it is not planned until it can.
    MeasuringFailed {
        /// Which.
        media_id: MediaId,
        /// Why.
        reason: String,
    },
    /// An item has other audio now, under the same id.
    AudioReplaced {
        /// All of it, as it is now.
        item: Box<MediaItem>,
    },
    /// An item is not to be planned until it is restored.
    MediaDeleted {
        /// Which.
        media_id: MediaId,
        /// Why.
        why: DeletedFor,
    },
    /// A deleted item may be planned again.
    MediaRestored {
        /// Which.
        media_id: MediaId,
    },
    /// Entries of a playlist have marks of their own; those of earlier are gone.
    PlaylistTimed {
        /// Which.
        playlist_id: PlaylistId,
        /// The marks, each with the place of its entry, rising.
        times: Vec<(u16, EntryTimes)>,
    },
}

/// A folder that is taken in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Folder {
    /// Where it lies, absolute, without links.
    pub path: String,
    /// Category of its items.
    pub category: String,
    /// What its items are.
    pub kind: ItemKind,
    /// With the folders in it.
    pub recursive: bool,
    /// Its changes are followed.
    pub watch: bool,
}

/// A file of a folder that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileTaken {
    /// Its path in the folder.
    pub path: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// When it was written last.
    pub modified_at: UtcMicros,
    /// What it came to.
    pub outcome: FileOutcome,
}

/// What a file came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOutcome {
    /// It is an item now, which waits for its measuring.
    Added {
        /// The item.
        item: Box<PendingItem>,
    },
    /// Its bytes are those of an item that was known.
    Known {
        /// The item.
        media_id: MediaId,
    },
    /// Its bytes are those of an item whose own file of this folder has gone: it was moved here.
    Moved {
        /// The item.
        media_id: MediaId,
        /// Where it was.
        from: String,
    },
    /// The item that it is has other bytes now, which wait for their measuring.
    Changed {
        /// The item.
        media_id: MediaId,
        /// SHA-256 of the new bytes.
        hash: ContentHash,
    },
    /// It cannot be taken in.
    Refused {
        /// Why.
        reason: String,
    },
}

/// An item that is known by its tags and not measured yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingItem {
    /// Its id.
    pub id: MediaId,
    /// SHA-256 of the file as it came.
    pub hash: ContentHash,
    /// Name it came with.
    pub file_name: String,
    /// Bytes as it came.
    pub size_bytes: u64,
    /// What is said about it.
    pub tags: Tags,
    /// Its category.
    pub category: String,
    /// What it is.
    pub kind: ItemKind,
    /// What more is said about it.
    pub details: MediaDetails,
}

/// Why an item was deleted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedFor {
    /// Somebody asked for it.
    Asked,
    /// Its file went from the folder that it came from; it returns with the file.
    FileGone {
        /// Where the file was, in its folder.
        path: String,
    },
}

/// Marks that an entry of a playlist has for itself; what is `None` is the item's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EntryTimes {
    /// First frame that airs, at 48 kHz.
    pub cue_in: Option<i64>,
    /// Frame at which the next item starts.
    pub segue: Option<i64>,
    /// Frame after the last that airs.
    pub cue_out: Option<i64>,
    /// How long the item before fades into this one, in milliseconds; 0 for not at all.
    pub fade_in_ms: Option<u32>,
    /// How long this one fades into the next, in milliseconds; 0 for not at all.
    pub fade_out_ms: Option<u32>,
}

impl EntryTimes {
    /// Nothing is said.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
