//! What `grimnir-engine analyze` prints, as JSON on one line.

use grimnir_events::analysis::{AlbumPlace, Analysis, FailureKind};
use serde::{Deserialize, Serialize};

/// Version of the analyser: another one may measure otherwise.
pub const ANALYSER_VERSION: u32 = 1;

/// What was measured in a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
    /// Sample rate it came in.
    pub source_rate_hz: u32,
    /// Channels it came in.
    pub channels: u16,
    /// What was measured in its sound.
    pub analysis: Analysis,
    /// What the file says about itself.
    pub tags: TagReport,
}

/// What a file says about itself; texts may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TagReport {
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// Album.
    pub album: String,
    /// Genre.
    pub genre: String,
    /// Year.
    pub year: Option<u16>,
    /// ISRC.
    pub isrc: String,
    /// Artist of the album.
    pub album_artist: String,
    /// Record label.
    pub label: String,
    /// Mood.
    pub mood: String,
    /// Language.
    pub language: String,
    /// Composer.
    pub composer: String,
    /// Publisher.
    pub publisher: String,
    /// Musical key.
    pub key: String,
    /// Beats a minute, in hundredths.
    pub bpm_x100: Option<u32>,
    /// The compilation it comes from.
    pub compilation: String,
    /// Words not fit for every hour.
    pub explicit: bool,
    /// Its place on its album.
    pub album_place: Option<AlbumPlace>,
    /// Where its intro ends, in milliseconds.
    pub intro_ms: Option<u32>,
}

/// Why a file was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnalysisRefusal {
    /// What a person should read.
    pub error: String,
    /// What kind of failure.
    pub kind: FailureKind,
}

/// What `grimnir-engine scan` prints of a file, as JSON on one line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ScanReport {
    /// Somebody is writing it: nothing else is said.
    pub busy: bool,
    /// SHA-256 of the file, hexadecimal; empty where it could not be read.
    pub hash: String,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// What the file says about itself.
    pub tags: TagReport,
    /// Why it cannot be sound; `None` where it may be.
    pub error: Option<String>,
}
