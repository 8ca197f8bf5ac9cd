//! Why a timeline says no.

use super::shows::rejection::ShowRejection;
use crate::{Reject, RejectClass};
use grimnir_events::smart_block::BlockFault;
use grimnir_events::{ClockId, LineId, SmartBlockId, UtcMicros};

/// A refused command. Each text names the thing, what was found and the limit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimelineRejection {
    /// The clock's name is empty or too long.
    #[error("the clock's name has {found} characters, expected 1 to {limit}")]
    ClockName {
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// No slots, or too many.
    #[error("the clock has {found} slots, expected 1 to {limit}")]
    SlotCount {
        /// Slots.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// An offset does not rise, or is outside the hour.
    #[error("slot {index} has offset {found} ms, expected {at_least} to 3599999 ms")]
    SlotOffset {
        /// Place of the slot, from 0.
        index: usize,
        /// Its offset.
        found: u32,
        /// One more than the slot before, 0 for the first.
        at_least: u32,
    },
    /// A grace longer than an hour.
    #[error("slot {index} has a grace of {found} ms, limit {limit} ms")]
    SlotGrace {
        /// Place of the slot, from 0.
        index: usize,
        /// Its grace.
        found: u32,
        /// Most.
        limit: u32,
    },
    /// A category's name is too long.
    #[error("slot {index} names a category of {found} characters, limit {limit}")]
    SlotCategory {
        /// Place of the slot, from 0.
        index: usize,
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// A value of a slot or of the legal ID rule is out of bounds.
    #[error("{0}")]
    Slot(BlockFault),
    /// A clock is too large for a commit.
    #[error("the clock takes {found} bytes, limit {limit}")]
    ClockTooLarge {
        /// Encoded.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// No clock has such a voice track.
    #[error("no format clock has a voice track \"{0}\"")]
    UnknownTrack(String),
    /// There are enough voice tracks.
    #[error("{limit} voice tracks are assigned, which is the limit")]
    TooManyVoiceTracks {
        /// Most.
        limit: usize,
    },
    /// There are enough clocks.
    #[error("{limit} format clocks exist, which is the limit")]
    TooManyClocks {
        /// Most.
        limit: usize,
    },
    /// No such clock.
    #[error("format clock {0} does not exist")]
    UnknownClock(ClockId),
    /// A grid whose week is neither empty nor whole.
    #[error("the grid's week has {found} hours, expected 0 or {limit}")]
    GridWeek {
        /// Hours.
        found: usize,
        /// Hours of a week.
        limit: usize,
    },
    /// Too many dated sets.
    #[error("the grid has {found} dated sets, limit {limit}")]
    DatedSetCount {
        /// Sets.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// A dated set without a name, or with one that is too long.
    #[error("dated set {index} has a name of {found} characters, expected 1 to {limit}")]
    DatedSetName {
        /// Its place, from 0.
        index: usize,
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// A dated set that is not of a day's hours.
    #[error("dated set {index} has {found} hours, expected {limit}")]
    DatedSetHours {
        /// Its place, from 0.
        index: usize,
        /// Hours.
        found: usize,
        /// Hours of a day.
        limit: usize,
    },
    /// Days that no calendar has.
    #[error("dated set {index} names {found}, expected {expected}")]
    DatedSetDays {
        /// Its place, from 0.
        index: usize,
        /// What it names.
        found: String,
        /// What there is.
        expected: &'static str,
    },
    /// Too large for a commit.
    #[error("the grid takes {found} bytes, limit {limit}")]
    GridTooLarge {
        /// Encoded size.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// The plan does not begin on an hour.
    #[error("the plan begins at {0}, expected a whole quarter of an hour")]
    NotAnHour(UtcMicros),
    /// The hour has a plan.
    #[error("hour {0} is planned already; replace it explicitly")]
    AlreadyPlanned(UtcMicros),
    /// The hour is so old that its plan is not held any more.
    #[error("hour {hour} is too old: plans are kept from {oldest} on")]
    TooOld {
        /// The hour.
        hour: UtcMicros,
        /// The oldest that is kept.
        oldest: UtcMicros,
    },
    /// Nothing is planned, and nothing says why.
    #[error("hour {0} has no lines and no note that says why")]
    EmptyWithoutNote(UtcMicros),
    /// Two lines of one id.
    #[error("line {line_id} stands twice, the second time at place {index}")]
    RepeatedLine {
        /// Place, from 0.
        index: usize,
        /// Its id.
        line_id: LineId,
    },
    /// Cue marks out of order.
    #[error(
        "line {line_id} has cue in {cue_in}, segue {segue}, cue out {cue_out}; \
         expected 0 <= cue in < segue <= cue out"
    )]
    CueOrder {
        /// The line.
        line_id: LineId,
        /// First frame.
        cue_in: i64,
        /// Segue mark.
        segue: i64,
        /// Frame after the last.
        cue_out: i64,
    },
    /// An anchor outside its hour.
    #[error("line {line_id} is anchored at {found}, expected a time in the hour from {hour}")]
    AnchorOutside {
        /// The line.
        line_id: LineId,
        /// Its anchor's time.
        found: UtcMicros,
        /// The hour.
        hour: UtcMicros,
    },
    /// A planned time before that of the line before.
    #[error("line {line_id} is planned at {found}, before the line ahead of it at {previous}")]
    PlannedBackwards {
        /// The line.
        line_id: LineId,
        /// Its time.
        found: UtcMicros,
        /// That of the one before.
        previous: UtcMicros,
    },
    /// Too large for a commit.
    #[error("the plan of the hour takes {found} bytes, limit {limit}")]
    TooLarge {
        /// Encoded size; 0 where it cannot be encoded at all.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// No such hour.
    #[error("hour {0} is not planned")]
    UnknownHour(UtcMicros),
    /// No such line.
    #[error("hour {hour} has no line {line_id}")]
    UnknownLine {
        /// The hour.
        hour: UtcMicros,
        /// The line.
        line_id: LineId,
    },
    /// A block or the station's rules make no sense.
    #[error("{0}")]
    Rules(BlockFault),
    /// There are enough smart blocks.
    #[error("{limit} smart blocks exist, which is the limit")]
    TooManyBlocks {
        /// Most.
        limit: usize,
    },
    /// A block is too large for a commit.
    #[error("smart block {block_id} takes {found} bytes, limit {limit}")]
    BlockTooLarge {
        /// Which.
        block_id: SmartBlockId,
        /// Encoded.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// No such smart block.
    #[error("smart block {0} does not exist")]
    UnknownBlock(SmartBlockId),
    /// Fallbacks lead back to where they began, or too far.
    #[error(
        "the fallbacks of smart block {block_id} lead over {found} blocks, limit {limit} without \
         a circle"
    )]
    FallbackDepth {
        /// Which.
        block_id: SmartBlockId,
        /// How many follow on one another.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// Something names the block.
    #[error("smart block {block_id} is named by {by}")]
    BlockInUse {
        /// Which.
        block_id: SmartBlockId,
        /// What names it.
        by: String,
    },
    /// Something about a show.
    #[error(transparent)]
    Show(#[from] ShowRejection),
    /// The reason is too long.
    #[error("the reason has {found} characters, limit {limit}")]
    ReasonLength {
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
}

impl Reject for TimelineRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::ClockName { .. } => "clock_name_length",
            Self::SlotCount { .. } => "clock_slot_count",
            Self::SlotOffset { .. } => "clock_slot_offset",
            Self::SlotGrace { .. } => "clock_slot_grace",
            Self::SlotCategory { .. } => "clock_slot_category",
            Self::Slot(_) => "clock_slot_value",
            Self::ClockTooLarge { .. } => "clock_too_large",
            Self::UnknownTrack(_) => "voice_track_not_found",
            Self::TooManyVoiceTracks { .. } => "too_many_voice_tracks",
            Self::TooManyClocks { .. } => "too_many_clocks",
            Self::GridWeek { .. } => "grid_week",
            Self::GridTooLarge { .. } => "grid_too_large",
            Self::DatedSetCount { .. } => "dated_set_count",
            Self::DatedSetName { .. } => "dated_set_name_length",
            Self::DatedSetHours { .. } => "dated_set_hours",
            Self::DatedSetDays { .. } => "dated_set_days",
            Self::UnknownClock(_) => "clock_not_found",
            Self::NotAnHour(_) => "plan_not_an_hour",
            Self::AlreadyPlanned(_) => "hour_already_planned",
            Self::TooOld { .. } => "hour_too_old",
            Self::EmptyWithoutNote(_) => "plan_empty_without_note",
            Self::RepeatedLine { .. } => "plan_line_repeated",
            Self::CueOrder { .. } => "line_cue_order",
            Self::AnchorOutside { .. } => "line_anchor_outside_hour",
            Self::PlannedBackwards { .. } => "line_planned_backwards",
            Self::TooLarge { .. } => "plan_too_large",
            Self::UnknownHour(_) => "unknown_hour",
            Self::UnknownLine { .. } => "unknown_line",
            Self::ReasonLength { .. } => "reason_length",
            Self::Rules(_) => "smart_block_rules",
            Self::TooManyBlocks { .. } => "too_many_smart_blocks",
            Self::BlockTooLarge { .. } => "smart_block_too_large",
            Self::UnknownBlock(_) => "smart_block_not_found",
            Self::FallbackDepth { .. } => "smart_block_fallback_depth",
            Self::BlockInUse { .. } => "smart_block_in_use",
            Self::Show(no) => no.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::ClockName { .. } => Some("name"),
            Self::SlotCount { .. }
            | Self::SlotOffset { .. }
            | Self::SlotGrace { .. }
            | Self::SlotCategory { .. }
            | Self::Slot(_)
            | Self::ClockTooLarge { .. } => Some("slots"),
            Self::UnknownTrack(_) => Some("track"),
            Self::Show(no) => no.field(),
            Self::UnknownClock(_) => Some("clock_id"),
            Self::GridWeek { .. } => Some("week"),
            Self::DatedSetCount { .. }
            | Self::DatedSetName { .. }
            | Self::DatedSetHours { .. }
            | Self::DatedSetDays { .. }
            | Self::GridTooLarge { .. } => Some("sets"),
            Self::Rules(_) | Self::BlockTooLarge { .. } => Some("rules"),
            Self::UnknownBlock(_) | Self::BlockInUse { .. } => Some("smart_block_id"),
            Self::FallbackDepth { .. } => Some("fallbacks"),
            Self::TooManyClocks { .. }
            | Self::TooManyVoiceTracks { .. }
            | Self::TooManyBlocks { .. } => None,
            Self::NotAnHour(_)
            | Self::AlreadyPlanned(_)
            | Self::TooOld { .. }
            | Self::UnknownHour(_) => Some("hour"),
            Self::EmptyWithoutNote(_)
            | Self::RepeatedLine { .. }
            | Self::CueOrder { .. }
            | Self::AnchorOutside { .. }
            | Self::PlannedBackwards { .. }
            | Self::TooLarge { .. } => Some("lines"),
            Self::UnknownLine { .. } => Some("line_id"),
            Self::ReasonLength { .. } => Some("reason"),
        }
    }

    fn class(&self) -> RejectClass {
        match self {
            Self::UnknownClock(_)
            | Self::UnknownHour(_)
            | Self::UnknownLine { .. }
            | Self::UnknownTrack(_)
            | Self::UnknownBlock(_) => RejectClass::NotFound,
            Self::AlreadyPlanned(_)
            | Self::TooOld { .. }
            | Self::TooManyClocks { .. }
            | Self::TooManyVoiceTracks { .. }
            | Self::TooManyBlocks { .. }
            | Self::BlockInUse { .. } => RejectClass::Conflict,
            Self::ClockName { .. }
            | Self::SlotCount { .. }
            | Self::SlotOffset { .. }
            | Self::SlotGrace { .. }
            | Self::SlotCategory { .. }
            | Self::Slot(_)
            | Self::ClockTooLarge { .. }
            | Self::GridWeek { .. }
            | Self::DatedSetCount { .. }
            | Self::DatedSetName { .. }
            | Self::DatedSetHours { .. }
            | Self::DatedSetDays { .. }
            | Self::GridTooLarge { .. }
            | Self::NotAnHour(_)
            | Self::EmptyWithoutNote(_)
            | Self::RepeatedLine { .. }
            | Self::CueOrder { .. }
            | Self::AnchorOutside { .. }
            | Self::PlannedBackwards { .. }
            | Self::TooLarge { .. }
            | Self::Rules(_)
            | Self::BlockTooLarge { .. }
            | Self::FallbackDepth { .. }
            | Self::ReasonLength { .. } => RejectClass::Invalid,
            Self::Show(no) => no.class(),
        }
    }
}
