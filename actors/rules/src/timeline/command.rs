//! What can be asked of a timeline.

use super::edits::command::EditCommand;
use super::shows::command::ShowCommand;
use grimnir_events::clock::{ClockV1, LegalIdRule};
use grimnir_events::grid::Grid;
use grimnir_events::roll::{Horizon, HourRecord, LineTime, Origin, RepairReason};
use grimnir_events::smart_block::{SmartBlock, StationRules};
use grimnir_events::timeline::{DropReason, FormatClock, HourPlan, Line};
use grimnir_events::{ClockId, LineId, MediaId, Payload, SmartBlockId, UtcMicros};
use serde::{Deserialize, Serialize};

/// A command to a timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineCommand {
    /// Make a format clock, or give it other slots; [`ClockCommand::Set`] is what is asked now.
    SetClock {
        /// The clock; 1 to 200 slots with rising offsets within the hour.
        clock: ClockV1,
    },
    /// Remove a format clock.
    RemoveClock {
        /// Which.
        clock_id: ClockId,
    },
    /// Choose the clock of every hour.
    ChooseDefaultClock {
        /// Which; `None` plans from the whole library.
        clock_id: Option<ClockId>,
    },
    /// Enter the planner's hour. Refused for an hour that is planned already unless `replace`.
    CommitHour {
        /// The plan.
        plan: Box<HourPlan>,
        /// Take the place of what was planned.
        replace: bool,
    },
    /// Take a planned line out.
    DropLine {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why.
        reason: String,
    },
    /// Give the hours of the week and of dated days other clocks.
    SetGrid {
        /// The grid, whole.
        grid: Grid,
    },
    /// Take a planned hour out, whole.
    ClearHour {
        /// Start of the hour.
        hour: UtcMicros,
        /// Why.
        reason: String,
    },
    /// Make a smart block, or give it other rules.
    SetSmartBlock {
        /// The block; its rules make sense and its fallbacks exist.
        block: Box<SmartBlock>,
    },
    /// Remove a smart block that nothing names.
    RemoveSmartBlock {
        /// Which.
        block_id: SmartBlockId,
    },
    /// Set what the station asks of every pick.
    SetStationRules {
        /// All of it.
        rules: Box<StationRules>,
    },
    /// Something about format clocks or the orders beside them.
    Clock(ClockCommand),
    /// Something about a show.
    Show(ShowCommand),
    /// Let the plan go on with time.
    Roll(RollCommand),
    /// Work on the plan by hand.
    Edit(Box<EditCommand>),
}

/// What can be asked about format clocks and the orders beside them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockCommand {
    /// Make a format clock, or give it other slots.
    Set {
        /// The clock; 1 to 200 slots, the offsets rising within the hour.
        clock: Box<FormatClock>,
    },
    /// Put legal IDs around the hour, in another way, or none.
    SetLegalId {
        /// How.
        rule: Option<LegalIdRule>,
    },
    /// Give a recorded item to a voice track's place in one hour, or take it away.
    AssignVoice {
        /// First instant of the hour.
        hour: UtcMicros,
        /// Name of the place; a clock has it.
        track: String,
        /// What takes it.
        media_id: Option<MediaId>,
    },
    /// The station signs on.
    SignOn {},
}

/// What the planner asks as time goes on; and how far it is to plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollCommand {
    /// Plan another distance ahead.
    SetHorizon {
        /// How far.
        horizon: Horizon,
    },
    /// Enter an hour, or its first lines, and what it was planned from.
    CommitPlan {
        /// The plan; its lines are those of this commit.
        plan: Box<HourPlan>,
        /// What it was planned from; the instant is that of the decision.
        record: Box<HourRecord>,
        /// Take the place of what was planned.
        replace: bool,
    },
    /// Enter more lines of an hour, behind those that came.
    ContinuePlan {
        /// Start of the hour.
        hour: UtcMicros,
        /// Lines that came before.
        first: u32,
        /// The lines.
        lines: Vec<Line>,
        /// Where they come from.
        origins: Vec<Origin>,
    },
    /// Put another line in the place of one that cannot stay, or none.
    RepairLine {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why it cannot stay.
        reason: RepairReason,
        /// What takes its place.
        with: Option<Box<Line>>,
        /// Ledger position its inputs were read at.
        input_seq: u64,
        /// Seed of the pick.
        seed: [u8; 32],
    },
    /// Let lines start at other times by the plan.
    RetimeLines {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which, and when.
        times: Vec<LineTime>,
    },
    /// Say of lines of an hour that is over that they never aired.
    PassLines {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which.
        lines: Vec<LineId>,
        /// Why.
        reason: DropReason,
    },
}

impl Payload for TimelineCommand {
    const NAME: &'static str = "timeline.command";
    const VERSION: u16 = 1;
}
