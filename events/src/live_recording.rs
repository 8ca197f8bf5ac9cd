//! The words of recordings of live sessions: what a source sent, and which of it was on air.

use crate::codec::Payload;
use crate::ids::{LiveSessionId, StationId};
use crate::output::Encoding;
use crate::recording::{Recorded, RemovalReason};
use crate::units::AirFrame;
use serde::{Deserialize, Serialize};

/// How what comes in with a session is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveRecording {
    /// How the sound is encoded: `flac`, `mp3` or `opus`.
    pub encoding: Encoding,
    /// Files older than this are removed; 0 keeps them.
    pub keep_days: u16,
    /// The oldest are removed while all are larger; 0 keeps them.
    pub keep_bytes: u64,
}

/// The sessions that are recorded; handed over to an engine whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineLiveRecordings {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// Each with how it is recorded.
    pub recordings: Vec<(LiveSessionId, LiveRecording)>,
}

impl Payload for EngineLiveRecordings {
    const NAME: &'static str = "handover.live_recordings";
    const VERSION: u16 = 1;
}

/// What the engine reports of a session's files. Names of files are those below the station's
/// folder of live recordings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveRecordingReport {
    /// A file was begun.
    Begun {
        /// Its name.
        file: String,
        /// How the sound is encoded.
        encoding: Encoding,
        /// Frame of the air when the first of it came in.
        first: AirFrame,
    },
    /// A file is complete, on disk, and will not change any more.
    Finished {
        /// The file. Its first frame is that of the air when its first sound came in; its frames
        /// are those that the source sent, whether they were heard or not.
        recorded: Recorded,
        /// What of it was on air, in order.
        aired: Vec<Aired>,
    },
    /// A file was removed.
    Removed {
        /// Its name.
        file: String,
        /// Why.
        reason: RemovalReason,
    },
    /// Nothing can be written just now; it is tried again.
    Failed {
        /// What was seen.
        reason: String,
    },
}

/// A stretch of a recording that was on air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Aired {
    /// First frame of the programme that it was heard in.
    pub first: AirFrame,
    /// Frames of the programme.
    pub frames: i64,
    /// Frame of the file that was heard first.
    pub offset: i64,
}
