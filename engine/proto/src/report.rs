//! What `grimnir-engine analyze` prints, as JSON on one line.

use serde::{Deserialize, Serialize};

/// What was measured in a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AnalysisReport {
    /// Codec it came in: `mp3`, `flac`, `vorbis`, `opus`, `aac`, `alac`, `pcm` …
    pub codec: String,
    /// SHA-256 of the file, hexadecimal.
    pub hash: String,
    /// SHA-256 of the file that plays: the same, or the FLAC play copy's.
    pub play_hash: String,
    /// A play copy was written to the path asked for.
    pub play_copy: bool,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Frames at 48 kHz.
    pub duration_frames: i64,
    /// Sample rate it came in.
    pub source_rate_hz: u32,
    /// Channels it came in.
    pub channels: u16,
    /// Integrated loudness in hundredths of LUFS; `None` for silence.
    pub loudness_lufs_x100: Option<i32>,
    /// True peak over all channels in hundredths of dBTP; `None` for silence.
    pub true_peak_dbtp_x100: Option<i32>,
    /// First frame that is not silence, at 48 kHz.
    pub cue_in: i64,
    /// Frame at which the next item may start.
    pub segue: i64,
    /// Frame after the last that is not silence.
    pub cue_out: i64,
    /// Title tag, may be empty.
    pub title: String,
    /// Artist tag, may be empty.
    pub artist: String,
    /// Album tag, may be empty.
    pub album: String,
    /// Genre tag, may be empty.
    pub genre: String,
    /// Year tag.
    pub year: Option<u16>,
    /// ISRC tag, may be empty.
    pub isrc: String,
}

/// Why a file was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnalysisRefusal {
    /// What a person should read.
    pub error: String,
}
