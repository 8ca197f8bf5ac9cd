//! The words of recordings: which file holds which frames of the programme.

use crate::ids::ContentHash;
use crate::output::Encoding;
use crate::units::AirFrame;
use serde::{Deserialize, Serialize};

/// What the engine reports of a recording's files. Names of files are those below its folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingReport {
    /// A file was begun.
    Opened {
        /// Its name.
        file: String,
        /// How the sound is encoded.
        encoding: Encoding,
        /// First frame of the programme in it.
        first: AirFrame,
    },
    /// A file is complete, on disk, and will not change any more.
    Closed(Recorded),
    /// A file was removed.
    Removed {
        /// Its name.
        file: String,
        /// Why.
        reason: RemovalReason,
    },
}

/// A file that is complete.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Its name.
    pub file: String,
    /// How the sound is encoded.
    pub encoding: Encoding,
    /// First frame of the programme in it.
    pub first: AirFrame,
    /// Frames in it, without a gap.
    pub frames: i64,
    /// Frames that a decoder which passes over the container's word on the encoder's delay gives
    /// before `first`.
    pub lead: u32,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Why it ended where it does.
    pub end: RecordingEnd,
}

/// Why a file ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingEnd {
    /// The next one begins at the same frame: the hour turned.
    HourTurn,
    /// The station went off air, or the output was changed or removed.
    Stopped,
    /// The engine died; the next run closed the file.
    EngineLost,
    /// Blocks of the programme did not come: the next file begins behind the gap.
    Gap,
    /// It could not be written on.
    Fault {
        /// What was seen.
        reason: String,
    },
}

/// Why a file was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// It is older than files are kept.
    Age,
    /// All files were larger than they may be.
    Size,
}
