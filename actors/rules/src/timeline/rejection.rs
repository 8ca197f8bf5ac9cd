//! Why a timeline says no.

mod answers;

use super::edits::rejection::EditRejection;
use super::roll::RollRejection;
use super::shows::rejection::ShowRejection;
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
    /// The plan is not changed by hand.
    #[error(transparent)]
    Edit(EditRejection),
    /// Something about a show.
    #[error(transparent)]
    Show(#[from] ShowRejection),
    /// The plan cannot go on like that.
    #[error("{0}")]
    Roll(RollRejection),
    /// The reason is too long.
    #[error("the reason has {found} characters, limit {limit}")]
    ReasonLength {
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
}
