//! What a library keeps of its folders and of the stage an item is at.

use crate::common::Common;
use grimnir_events::stock::{DeletedFor, EntryTimes, Folder};
use grimnir_events::{ContentHash, MediaId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far an item is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Stage {
    /// Measured: it can be planned.
    #[default]
    Measured,
    /// Known by its tags.
    Pending,
    /// It could not be measured, for this reason.
    Failed(Box<str>),
}

/// Why an item was deleted, small where nothing is said.
pub type Deleted = Option<Box<DeletedFor>>;

/// Marks of a playlist's entries by their places.
pub type Times = BTreeMap<u16, EntryTimes>;

/// A folder and its files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FolderState {
    /// The folder.
    pub folder: Folder,
    /// What was looked at, by path in the folder.
    pub files: Common<BTreeMap<Box<str>, FileState>>,
    /// Everything that was there has been looked at.
    pub done: bool,
}

/// A file that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileState {
    /// Its bytes.
    pub size_bytes: u64,
    /// When it was written last.
    pub modified_at: UtcMicros,
    /// What it is.
    pub what: FileIs,
}

/// What a file is to the library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FileIs {
    /// An item's own.
    Own(MediaId),
    /// An item's own, with other bytes than the item has: those of this hash.
    Changed(MediaId, Box<ContentHash>),
    /// Another file with the bytes of an item.
    Known(MediaId),
    /// Not taken in, for this reason.
    Refused(Box<str>),
}

impl FileIs {
    /// The item whose own file it is.
    pub const fn own(&self) -> Option<MediaId> {
        match self {
            Self::Own(id) | Self::Changed(id, _) => Some(*id),
            Self::Known(_) | Self::Refused(_) => None,
        }
    }
}

/// How many files of a folder came to what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FolderTally {
    /// Looked at.
    pub found: usize,
    /// Items.
    pub taken: usize,
    /// Known from elsewhere.
    pub duplicate: usize,
    /// Refused.
    pub refused: usize,
}

impl FolderState {
    /// How many of its files came to what.
    pub fn tally(&self) -> FolderTally {
        let mut tally = FolderTally { found: self.files.len(), ..FolderTally::default() };
        for file in self.files.values() {
            match file.what {
                FileIs::Own(_) | FileIs::Changed(..) => tally.taken += 1,
                FileIs::Known(_) => tally.duplicate += 1,
                FileIs::Refused(_) => tally.refused += 1,
            }
        }
        tally
    }
}
