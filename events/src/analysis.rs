//! The words of analysis: what was measured in an item's sound, and how far the measuring is.
//!
//! Upstream: the engine's analyser. Downstream: cue marks and gains of items, transitions that the
//! planner computes. Frames are at 48 kHz from the file's first frame; levels are in hundredths.

use crate::ids::MediaId;
use crate::library::{CueMarks, MediaItem};
use serde::{Deserialize, Serialize};

/// What happened to the analysis of an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisEvent {
    /// It is to be measured again; what was measured before counts on.
    Queued {
        /// Which item.
        media_id: MediaId,
    },
    /// It is being measured.
    Begun {
        /// Which item.
        media_id: MediaId,
    },
    /// It was measured.
    Measured {
        /// Which item.
        media_id: MediaId,
        /// What was found.
        analysis: Box<Analysis>,
    },
    /// It cannot be measured; it is not planned until it is measured, replaced or removed.
    Failed {
        /// Which item.
        media_id: MediaId,
        /// Why.
        failure: AnalysisFailure,
    },
    /// Its marks are the measured ones again, not those that a person set.
    MarksReturned {
        /// Which item.
        media_id: MediaId,
    },
}

impl AnalysisEvent {
    /// The item that it is about.
    pub const fn media_id(&self) -> MediaId {
        match self {
            Self::Queued { media_id }
            | Self::Begun { media_id }
            | Self::Measured { media_id, .. }
            | Self::Failed { media_id, .. }
            | Self::MarksReturned { media_id } => *media_id,
        }
    }
}

/// What was measured in a sound.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Analysis {
    /// Version of the analyser; another one may measure otherwise.
    pub analyser_version: u32,
    /// Length in frames.
    pub duration_frames: i64,
    /// Integrated loudness in hundredths of LUFS; `None` for silence.
    pub loudness_lufs_x100: Option<i32>,
    /// Loudness range in hundredths of LU; `None` for silence.
    pub range_lu_x100: Option<i32>,
    /// True peak in hundredths of dBTP; `None` for silence.
    pub true_peak_dbtp_x100: Option<i32>,
    /// Where the sound begins, may hand over, and ends.
    pub cues: CueMarks,
    /// Frames of silence before the sound.
    pub leading_silence: i64,
    /// Frames of silence after it.
    pub trailing_silence: i64,
    /// How it begins.
    pub head: Head,
    /// How it ends.
    pub tail: Tail,
    /// Frame at which the intro is over, where the file's tags say it.
    pub intro_end: Option<i64>,
    /// Beats a minute in hundredths, where the file's tags say it.
    pub bpm_x100: Option<u32>,
    /// Musical key, where the file's tags say it; may be empty.
    pub key: String,
    /// Its place on its album, where the file's tags say it.
    pub album_place: Option<AlbumPlace>,
}

/// How a sound begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Head {
    /// First frame at which it is as loud as a segue asks for: 7 LU below its loudness.
    pub full_from: i64,
    /// Level of its first 400 ms against its loudness, in hundredths of LU.
    pub level_lu_x100: i32,
}

/// How a sound ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tail {
    /// Its shape.
    pub shape: TailShape,
    /// How steeply it falls from the segue mark to its end, in hundredths of LU a second.
    pub fall_lu_per_s_x100: u32,
}

/// The shape of an ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailShape {
    /// It stops.
    #[default]
    Cold,
    /// It falls within the longest overlap.
    Falling,
    /// A last sound is held: the segue mark is where that one falls.
    Sustained,
    /// It falls longer than the longest overlap.
    Long,
}

/// A place on an album.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct AlbumPlace {
    /// Disc, from 1.
    pub disc: u16,
    /// Track, from 1.
    pub track: u16,
}

/// Why a sound could not be measured.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnalysisFailure {
    /// Version of the analyser.
    pub analyser_version: u32,
    /// What kind of failure.
    pub kind: FailureKind,
    /// What a person should read.
    pub reason: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The file is not there.
    Missing,
    /// The file is not sound that plays.
    Refused,
    /// The decoder crashed over it.
    Crashed,
    /// It took longer than is allowed.
    TimedOut,
    /// It took more memory than is allowed.
    OutOfMemory,
    /// The file is not the one that was taken in.
    Changed,
}

impl FailureKind {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Crashed => "crashed",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::Changed => "changed",
        }
    }
}

/// How far the analysis of an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Nothing is asked for.
    #[default]
    Idle,
    /// It waits for its turn.
    Queued,
    /// It is being measured.
    Begun,
}

/// What is known of one item's analysis.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AnalysisEntry {
    /// How far what was asked for is.
    pub progress: Progress,
    /// The last that succeeded.
    pub measured: Option<Box<Analysis>>,
    /// Why the last failed, if it did.
    pub failure: Option<AnalysisFailure>,
    /// A person set the item's marks.
    pub marks_by_hand: bool,
}

impl AnalysisEntry {
    /// Folds one event about an item. Marks of a person stand while they fit into the sound.
    pub fn apply(&mut self, item: &mut MediaItem, event: &AnalysisEvent) {
        match event {
            AnalysisEvent::Queued { .. } => self.progress = Progress::Queued,
            AnalysisEvent::Begun { .. } => self.progress = Progress::Begun,
            AnalysisEvent::Measured { analysis, .. } => {
                item.duration_frames = analysis.duration_frames;
                item.loudness_lufs_x100 = analysis.loudness_lufs_x100;
                item.true_peak_dbtp_x100 = analysis.true_peak_dbtp_x100;
                self.marks_by_hand &= item.cues.cue_out <= analysis.duration_frames;
                if !self.marks_by_hand {
                    item.cues = analysis.cues;
                }
                self.measured = Some(analysis.clone());
                self.failure = None;
                self.progress = Progress::Idle;
            }
            AnalysisEvent::Failed { failure, .. } => {
                self.failure = Some(failure.clone());
                self.progress = Progress::Idle;
            }
            AnalysisEvent::MarksReturned { .. } => {
                self.marks_by_hand = false;
                if let Some(measured) = &self.measured {
                    item.cues = measured.cues;
                }
            }
        }
    }

    /// How far it is, as it is shown: `queued`, `analysing`, `failed` or `complete`.
    pub const fn word(&self) -> &'static str {
        match (self.progress, &self.failure) {
            (Progress::Queued, _) => "queued",
            (Progress::Begun, _) => "analysing",
            (Progress::Idle, Some(_)) => "failed",
            (Progress::Idle, None) => "complete",
        }
    }
}
