//! The words of a library: media items and playlists.

use crate::analysis::AnalysisEvent;
use crate::codec::Payload;
use crate::details::MediaDetails;
use crate::ids::{ContentHash, MediaId, PlaylistId};
use crate::stock::StockEvent;
use serde::{Deserialize, Serialize};

/// What happened in a library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LibraryEvent {
    /// An item was taken in, measured and found playable.
    MediaAdded {
        /// The item.
        item: Box<MediaItem>,
    },
    /// A file was refused.
    MediaRefused {
        /// Its name as given.
        file_name: String,
        /// SHA-256 of its bytes, where it could be read.
        hash: Option<ContentHash>,
        /// Why.
        reason: String,
    },
    /// What is said about an item changed.
    MediaDescribed {
        /// Which.
        media_id: MediaId,
        /// All tags, as they are now.
        tags: Tags,
        /// Its category now.
        category: String,
        /// What it is.
        kind: ItemKind,
        /// Cue marks now.
        cues: CueMarks,
        /// It must air even when its time has passed.
        must_air: bool,
        /// It resumes where it was cut.
        long_form: bool,
    },
    /// Its audio cannot be read any more; it is not planned until it can.
    MediaLost {
        /// Which.
        media_id: MediaId,
        /// Why.
        reason: String,
    },
    /// Its audio can be read again.
    MediaFound {
        /// Which.
        media_id: MediaId,
    },
    /// It is not to be planned any more; its history stays.
    MediaRemoved {
        /// Which.
        media_id: MediaId,
    },
    /// A playlist exists, or has other items now.
    PlaylistSet {
        /// Which.
        playlist_id: PlaylistId,
        /// Its name.
        name: String,
        /// Its items, in order.
        items: Vec<MediaId>,
    },
    /// A playlist is gone.
    PlaylistRemoved {
        /// Which.
        playlist_id: PlaylistId,
    },
    /// More is said about an item, or its own rules changed.
    MediaDetailed {
        /// Which.
        media_id: MediaId,
        /// All of it, as it is now.
        details: Box<MediaDetails>,
    },
    /// Folders, replaced audio, deletion, marks of playlists.
    Stock(StockEvent),
    /// Its sound is measured, or was.
    Analysis(AnalysisEvent),
}

impl Payload for LibraryEvent {
    const NAME: &'static str = "library.event";
    const VERSION: u16 = 1;
}

/// A media item.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MediaItem {
    /// Its id.
    pub id: MediaId,
    /// SHA-256 of the file as it came.
    pub hash: ContentHash,
    /// SHA-256 of the file that plays: the same, or a FLAC play copy.
    pub play_hash: ContentHash,
    /// Name it came with.
    pub file_name: String,
    /// Codec it came in, e.g. `mp3`, `opus`.
    pub codec: String,
    /// Bytes as it came.
    pub size_bytes: u64,
    /// Length in frames at 48 kHz.
    pub duration_frames: i64,
    /// Sample rate it came in.
    pub source_rate_hz: u32,
    /// Channels it came in.
    pub channels: u16,
    /// Integrated loudness in hundredths of LUFS; `None` for silence.
    pub loudness_lufs_x100: Option<i32>,
    /// True peak in hundredths of dBTP; `None` for silence.
    pub true_peak_dbtp_x100: Option<i32>,
    /// Where it starts, hands over and ends.
    pub cues: CueMarks,
    /// What is said about it.
    pub tags: Tags,
    /// Items of a category are scheduled alike; lower case, may be empty.
    pub category: String,
    /// What it is.
    pub kind: ItemKind,
    /// It must air even when its time has passed.
    pub must_air: bool,
    /// It resumes where it was cut.
    pub long_form: bool,
}

/// First, handing-over and last frame of an item, at 48 kHz from the file's first frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CueMarks {
    /// First frame that airs.
    pub cue_in: i64,
    /// Frame at which the next item starts; at most `cue_out`.
    pub segue: i64,
    /// Frame after the last that airs.
    pub cue_out: i64,
}

impl CueMarks {
    /// Frames from cue in to segue: what an hour adds up.
    pub const fn airtime(&self) -> i64 {
        self.segue - self.cue_in
    }
}

/// What is said about an item.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tags {
    /// Title; the file name where the file has none.
    pub title: String,
    /// Artist as credited.
    pub artist: String,
    /// Album.
    pub album: String,
    /// Genre.
    pub genre: String,
    /// Year of release.
    pub year: Option<u16>,
    /// International Standard Recording Code.
    pub isrc: String,
}

/// What an item is on air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Music.
    #[default]
    Music,
    /// The required station identification.
    LegalId,
    /// Liners, sweepers, bumpers.
    Imaging,
    /// Paid announcements.
    Spot,
    /// Speech, features, recorded shows.
    Feature,
    /// Alerts.
    Emergency,
}
