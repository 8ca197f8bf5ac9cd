//! Why a library says no.

use crate::text::TextFault;
use crate::{Reject, RejectClass};
use grimnir_events::{ContentHash, ImportId, MediaId, PlaylistId};

/// Why a library says no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LibraryRejection {
    /// The all-zero id or hash names nothing.
    #[error("{field} is all zero, expected one that names something")]
    NilId {
        /// Which field.
        field: &'static str,
    },
    /// A text is too short, too long or holds a control character.
    #[error("{field} {fault}")]
    Text {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        fault: TextFault,
    },
    /// Categories are compared as they are written.
    #[error("category \"{found}\" has capitals or blanks at an end, expected lower case, trimmed")]
    Category {
        /// As given.
        found: String,
    },
    /// A measured value makes no sense.
    #[error("{field} is {found}, expected {min} to {max}")]
    Measure {
        /// Which field.
        field: &'static str,
        /// As given.
        found: i64,
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// The cue marks are out of order.
    #[error(
        "cue marks are in {cue_in}, segue {segue}, out {cue_out} frames, \
         expected 0 <= in < segue <= out <= {duration}"
    )]
    Cues {
        /// First frame that airs.
        cue_in: i64,
        /// Frame at which the next starts.
        segue: i64,
        /// Frame after the last that airs.
        cue_out: i64,
        /// Length of the item.
        duration: i64,
    },
    /// The same bytes are in already.
    #[error("the file is in the library already as {media_id} (SHA-256 {hash})")]
    Duplicate {
        /// As which item.
        media_id: MediaId,
        /// SHA-256 of the file.
        hash: ContentHash,
    },
    /// Another item has the id.
    #[error("item {media_id} exists already with other properties")]
    MediaExists {
        /// Which.
        media_id: MediaId,
    },
    /// No such item.
    #[error("there is no item {media_id}")]
    UnknownMedia {
        /// Which.
        media_id: MediaId,
    },
    /// A playlist would hold what the library does not.
    #[error("item {media_id} of the playlist is not in the library")]
    UnknownItem {
        /// Which.
        media_id: MediaId,
    },
    /// A playlist holds it.
    #[error("item {media_id} is in playlist {playlist_id}, expected in none")]
    InPlaylist {
        /// Which.
        media_id: MediaId,
        /// Where.
        playlist_id: PlaylistId,
    },
    /// No such playlist.
    #[error("there is no playlist {playlist_id}")]
    UnknownPlaylist {
        /// Which.
        playlist_id: PlaylistId,
    },
    /// No such folder.
    #[error("there is no import {import_id}")]
    UnknownFolder {
        /// Which.
        import_id: ImportId,
    },
    /// The folder, or one that holds it or is in it, is taken in already.
    #[error("folder \"{path}\" is taken in already as {import_id}")]
    FolderHeld {
        /// Where it lies.
        path: String,
        /// As which import.
        import_id: ImportId,
    },
    /// Too long for one commit.
    #[error("the playlist has {found} items, limit {limit}")]
    PlaylistLength {
        /// Items given.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// No room for more.
    #[error("the library has {found} {what}, limit {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many may be.
        limit: usize,
    },
}

impl Reject for LibraryRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NilId { .. } => "nil_id",
            Self::Text { .. } => "bad_text",
            Self::Category { .. } => "bad_category",
            Self::Measure { .. } => "measure_out_of_range",
            Self::Cues { .. } => "bad_cue_marks",
            Self::Duplicate { .. } => "duplicate_media",
            Self::MediaExists { .. } => "media_exists",
            Self::UnknownMedia { .. } => "media_not_found",
            Self::UnknownItem { .. } => "playlist_item_not_found",
            Self::InPlaylist { .. } => "media_in_playlist",
            Self::UnknownPlaylist { .. } => "playlist_not_found",
            Self::PlaylistLength { .. } => "playlist_too_long",
            Self::UnknownFolder { .. } => "import_not_found",
            Self::FolderHeld { .. } => "folder_taken",
            Self::TooMany { .. } => "library_full",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NilId { field } | Self::Text { field, .. } | Self::Measure { field, .. } => {
                Some(field)
            }
            Self::Category { .. } => Some("category"),
            Self::Cues { .. } => Some("cues"),
            Self::Duplicate { .. } => Some("file"),
            Self::UnknownItem { .. } | Self::PlaylistLength { .. } => Some("items"),
            Self::FolderHeld { .. } => Some("path"),
            Self::MediaExists { .. }
            | Self::UnknownFolder { .. }
            | Self::UnknownMedia { .. }
            | Self::InPlaylist { .. }
            | Self::UnknownPlaylist { .. }
            | Self::TooMany { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::UnknownMedia { .. }
            | Self::UnknownPlaylist { .. }
            | Self::UnknownFolder { .. } => RejectClass::NotFound,
            Self::Duplicate { .. }
            | Self::FolderHeld { .. }
            | Self::MediaExists { .. }
            | Self::InPlaylist { .. }
            | Self::TooMany { .. } => RejectClass::Conflict,
            Self::NilId { .. }
            | Self::Text { .. }
            | Self::Category { .. }
            | Self::Measure { .. }
            | Self::Cues { .. }
            | Self::UnknownItem { .. }
            | Self::PlaylistLength { .. } => RejectClass::Invalid,
        }
    }
}
