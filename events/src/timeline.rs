//! The words of a timeline: where the lines of an hour come from, and the lines that are to air.

use crate::clock::{ClockEvent, ClockV1, ImagingRole, Stopset};
use crate::codec::Payload;
use crate::edit::EditEvent;
use crate::grid::Grid;
use crate::ids::{ClockId, ContentHash, LineId, MediaId, PlaylistId, SmartBlockId};
use crate::library::{CueMarks, ItemKind};
use crate::show::{LiveAccess, ShowEvent};
use crate::smart_block::{SmartBlock, StationRules};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

pub use crate::clock::{ClockSlot, FormatClock};

/// What happened to a timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineEvent {
    /// A format clock exists, or has other slots now; [`ClockEvent::Set`] is what is written.
    ClockSet {
        /// The clock.
        clock: ClockV1,
    },
    /// A format clock is gone.
    ClockRemoved {
        /// Which.
        clock_id: ClockId,
    },
    /// Another clock rules every hour that has none of its own.
    DefaultClockChosen {
        /// Which; `None` plans from the whole library.
        clock_id: Option<ClockId>,
    },
    /// One hour of the plan, whole; a later one for the same hour takes its place.
    HourPlanned {
        /// The hour.
        plan: HourPlan,
    },
    /// A line was put into an hour.
    LineInserted {
        /// Start of the hour.
        hour: UtcMicros,
        /// Place in the hour's chain.
        index: u32,
        /// The line.
        line: Box<Line>,
    },
    /// A planned line is not to air.
    LineDropped {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why.
        reason: String,
    },
    /// Other clocks rule the hours of the week and of dated days.
    GridSet {
        /// The grid, whole.
        grid: Grid,
    },
    /// A planned hour is none any more, e.g. after a change of the station's time zone.
    HourCleared {
        /// Start of the hour.
        hour: UtcMicros,
        /// Why.
        reason: String,
    },
    /// A smart block exists, or has other rules now.
    SmartBlockSet {
        /// The block.
        block: Box<SmartBlock>,
    },
    /// A smart block is gone.
    SmartBlockRemoved {
        /// Which.
        block_id: SmartBlockId,
    },
    /// The station asks something else of every pick.
    StationRulesSet {
        /// All of it, as it is now.
        rules: Box<StationRules>,
    },
    /// A person worked on the plan.
    Edited(Box<EditEvent>),
    /// Something happened to format clocks or to the orders beside them.
    Clock(ClockEvent),
    /// Something about a show.
    Show(ShowEvent),
    /// The plan went on with time.
    Rolled(crate::roll::RollEvent),
}

impl Payload for TimelineEvent {
    const NAME: &'static str = "timeline.event";
    const VERSION: u16 = 1;
}

/// How a slot's first line starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotStart {
    /// After whatever comes before.
    #[default]
    Free,
    /// Next at the first junction once its time has come; cut in after the grace.
    Soft {
        /// How long the running item may go on.
        grace_ms: u32,
    },
    /// Its first frame is on the frame of its time; what plays is cut.
    Hard,
}

/// Where a slot's lines come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotSource {
    /// A playlist, in its order, going on where the slot before left it; fills to the next slot.
    Playlist {
        /// Which.
        playlist_id: PlaylistId,
    },
    /// Items of a category, by rotation and separation; fills to the next slot.
    Category {
        /// Which; empty means the whole library.
        category: String,
    },
    /// One item, once.
    HardItem {
        /// Which.
        media_id: MediaId,
    },
    /// Items of a smart block, by its rules.
    SmartBlock {
        /// Which.
        block_id: SmartBlockId,
    },
    /// Items of a playlist, not in its order; fills to the next slot.
    PlaylistBy {
        /// Which.
        playlist_id: PlaylistId,
        /// In which way.
        mode: PlaylistMode,
    },
    /// A break, once.
    Stopset {
        /// What it is.
        stopset: Box<Stopset>,
    },
    /// Imaging by rotation, one item unless the slot says how many.
    Imaging {
        /// What it is for.
        role: ImagingRole,
        /// Items of this category; empty takes what is known for the role.
        category: String,
    },
    /// A place that a recorded item takes, hour by hour; left out where none did.
    VoiceTrack {
        /// Its name in the clock.
        track: String,
    },
    /// A time for live sources, to the next slot; a category is planned underneath.
    LiveWindow {
        /// Who may go live.
        live: LiveAccess,
        /// What is planned; empty means the whole library.
        category: String,
    },
    /// A time for a stream from elsewhere, to the next slot; a category is planned underneath.
    Webstream {
        /// Its addresses, the first one first, the others where it fails.
        urls: Vec<String>,
        /// What is planned; empty means the whole library.
        category: String,
    },
}

/// How a playlist is played.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaylistMode {
    /// In its order, going on where the slot before left it.
    #[default]
    Sequential,
    /// By chance; an item rests until half of the others came.
    Shuffled,
    /// Longest rested first, whatever slot, hour or other source it played in last.
    Rotation,
}

/// One hour of plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HourPlan {
    /// First instant of the hour.
    pub hour: UtcMicros,
    /// The chain, in order.
    pub lines: Vec<Line>,
    /// Ledger position its inputs were read at.
    pub input_seq: u64,
    /// Seed of its picks.
    pub seed: [u8; 32],
    /// Version of the planner.
    pub planner_version: u32,
    /// Release of the time-zone data, e.g. `2026b`.
    pub tzdb: String,
    /// What could not be done as asked, e.g. a relaxed separation or an empty category.
    pub notes: Vec<String>,
}

/// One line of the programme log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its id, derived from station, hour, place and item.
    pub id: LineId,
    /// What airs.
    pub media_id: MediaId,
    /// The bytes that play.
    pub play_hash: ContentHash,
    /// Title at planning time.
    pub title: String,
    /// Artist at planning time.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// When it is to start by the plan.
    pub planned_at: UtcMicros,
    /// What its start hangs on.
    pub anchor: Anchor,
    /// Where it starts, hands over and ends.
    pub cues: CueMarks,
    /// Gain on air in hundredths of dB.
    pub gain_db_x100: i32,
    /// How it hands over to the next line.
    pub transition: Transition,
    /// Below this many frames of airtime it is not started.
    pub min_airtime: i64,
    /// It moves to the next break when its time has passed.
    pub must_air: bool,
    /// It resumes where it was cut.
    pub long_form: bool,
}

/// What the start of a line hangs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The segue mark of the line before.
    #[default]
    AfterPrevious,
    /// The first junction from `at - grace_us` on, `at + grace_us` at the latest; a chain that is
    /// free before that waits for `at`.
    Soft {
        /// From when.
        at: UtcMicros,
        /// How long the running line may go on past `at`, and how early this one may start.
        grace_us: i64,
    },
    /// Exactly `at`.
    Hard {
        /// When.
        at: UtcMicros,
    },
}

/// How a line hands over to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// Next starts at the segue mark; both overlap until cue out, with fades.
    Crossfade {
        /// Gain shape.
        curve: crate::station::FadeCurve,
    },
    /// Next starts at the segue mark; both play at full level until cue out.
    Segue,
    /// Next starts at the segue mark; fades were computed for these two items. What is said is
    /// never overlapped: an item of another kind than music starts at cue out.
    Smart {
        /// Frames over which this line fades out, ending at cue out; at most the overlap.
        fade_out: u32,
        /// Frames over which the next line fades in, from its start.
        fade_in: u32,
        /// Gain shape of both.
        curve: crate::station::FadeCurve,
    },
}

/// Why a line did not air, or not whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Its time was over: a higher tier held the air, or the engine was down.
    TimePassed,
    /// A line with a fixed time came before it could start.
    PassedByAnchor,
    /// Less than its least useful airtime was left.
    NoUsefulAirtime,
    /// It was playing when a higher tier took the air, and does not resume.
    Interrupted,
    /// Its audio is missing.
    MissingFile,
    /// Its audio cannot be decoded.
    Undecodable,
    /// Somebody skipped it before it started.
    Skipped,
    /// The station was off air.
    OffAir,
    /// Lines were held when its time came.
    Held,
}
