//! The words of a station: what it is called, where it is, what it offers to listeners.

use crate::codec::Payload;
use crate::dsp::DspGraph;
use crate::ids::{MediaId, MountId, OutputId};
use crate::output::Output;
use serde::{Deserialize, Serialize};

/// What happened to a station.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationEvent {
    /// It exists from here on.
    Created {
        /// Name shown to people.
        name: String,
        /// Name in paths: lower case letters, digits and dashes.
        slug: String,
        /// IANA time zone.
        time_zone: String,
        /// How it plays.
        settings: StationSettings,
    },
    /// It has another name.
    Renamed {
        /// The new name.
        name: String,
    },
    /// It keeps another time.
    TimeZoneChanged {
        /// IANA time zone.
        time_zone: String,
    },
    /// It plays in another way.
    SettingsChanged {
        /// All settings, as they are now.
        settings: StationSettings,
    },
    /// A listening point was added.
    MountAdded {
        /// The mount.
        mount: Mount,
    },
    /// A listening point was removed.
    MountRemoved {
        /// Which.
        mount_id: MountId,
    },
    /// Sign-on: the station is to be on air.
    Started {},
    /// Sign-off: the station is to leave the air.
    Stopped {},
    /// Another item is the last rung; `None` plays silence there.
    FallbackChanged {
        /// The item held in memory by the engine.
        media_id: Option<MediaId>,
    },
    /// The programme is shaped in another way.
    DspGraphSet {
        /// All of it, as it is now.
        graph: Box<DspGraph>,
    },
    /// Items are joined in another way in hours planned from here on.
    TransitionsChosen {
        /// In which.
        mode: TransitionMode,
    },
    /// An output is as this says from here on, a new one or one that was there.
    OutputSet {
        /// All of it.
        output: Box<Output>,
    },
    /// An output was removed.
    OutputRemoved {
        /// Which.
        output_id: OutputId,
    },
}

impl Payload for StationEvent {
    const NAME: &'static str = "station.event";
    const VERSION: u16 = 1;
}

/// How a station plays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct StationSettings {
    /// Overlap of two automation items where neither gives a segue mark.
    pub crossfade_ms: u32,
    /// Gain shape of the overlap.
    pub fade_curve: FadeCurve,
    /// Fade of what plays when tier 1 or 2 takes the air.
    pub override_fade_ms: u32,
    /// Fade of the programme at sign-off.
    pub sign_off_ms: u32,
    /// Longest time one emergency may hold the air.
    pub emergency_max_s: u32,
    /// Longest time one live or override source may hold the air.
    pub override_max_s: u32,
    /// Least time between two plays of one artist.
    pub artist_separation_s: u32,
    /// Least time between two plays of one title.
    pub title_separation_s: u32,
    /// Loudness that items are levelled to, in hundredths of LUFS.
    pub target_lufs_x100: i32,
    /// Below this airtime an item is not started.
    pub min_airtime_ms: u32,
}

impl Default for StationSettings {
    fn default() -> Self {
        Self {
            crossfade_ms: 3_000,
            fade_curve: FadeCurve::EqualPower,
            override_fade_ms: 500,
            sign_off_ms: 2_000,
            emergency_max_s: 600,
            override_max_s: 4 * 3_600,
            artist_separation_s: 1_800,
            title_separation_s: 3_600,
            target_lufs_x100: -1_600,
            min_airtime_ms: 10_000,
        }
    }
}

/// How the planner joins two items of automation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitionMode {
    /// The next item starts at the segue mark, at full level; an item without one is overlapped
    /// by the station's crossfade.
    #[default]
    Segue,
    /// Every overlap is the station's crossfade, wherever analysis put the segue mark. A mark that
    /// a person set stands.
    Fixed,
    /// Overlap and fades are computed for each pair of items from what was measured in them.
    Smart,
}

/// Gain shape of an overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FadeCurve {
    /// Gains add up to 1: for material that is alike.
    Linear,
    /// Squares of the gains add up to 1: for material that is unlike.
    #[default]
    EqualPower,
    /// `log10(1 + 9x)` at part x of the way in, its mirror on the way out: early up, late down.
    Logarithmic,
    /// `(10^x - 1) / 9`: late up, early down; the junction dips.
    Exponential,
    /// `(1 - cos(πx)) / 2`: gains add up to 1, with no corner at either end.
    SCurve,
}

/// A named listening point.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// Its id.
    pub id: MountId,
    /// Name shown to people.
    pub name: String,
    /// HTTP path, beginning with a slash.
    pub path: String,
    /// How it is encoded.
    pub format: MountFormat,
    /// Bit rate; 0 where the format has none.
    pub bitrate_kbps: u16,
}

/// How a mount is encoded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountFormat {
    /// MPEG-1 layer III at 48 kHz stereo, by LAME.
    Mp3,
    /// AAC-LC at 48 kHz stereo, in ADTS frames.
    AacLc,
    /// Opus in Ogg, 48 kHz stereo.
    Opus,
    /// Vorbis in Ogg, 48 kHz stereo.
    Vorbis,
    /// FLAC in Ogg, 48 kHz stereo, 16 bits; without a bit rate.
    Flac,
}
