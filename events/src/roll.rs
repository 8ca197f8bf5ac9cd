//! The words of a rolling plan: how far it reaches, what an hour was planned from, and what changed
//! in it line by line.

use crate::ids::{ContentHash, LineId};
use crate::timeline::{DropReason, Line, SlotSource};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// What happened to a plan as time went on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollEvent {
    /// The plan is to reach another distance ahead.
    HorizonSet {
        /// How far.
        horizon: Horizon,
    },
    /// What the hour planned in the same commit was planned from.
    HourRead {
        /// All of it.
        record: Box<HourRecord>,
    },
    /// More lines of a planned hour, behind those that it has.
    HourContinued {
        /// Start of the hour.
        hour: UtcMicros,
        /// Lines of the hour before these.
        first: u32,
        /// The lines, in order.
        lines: Vec<Line>,
        /// Where they come from.
        origins: Vec<Origin>,
    },
    /// One line could not stay and was picked again, or was left out.
    LineRepaired {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why it could not stay.
        reason: RepairReason,
        /// What takes its place; `None` where nothing could.
        with: Option<Box<Line>>,
        /// Ledger position its inputs were read at.
        input_seq: u64,
        /// Seed of the pick.
        seed: [u8; 32],
    },
    /// Lines start at other times by the plan, because of what changed before them.
    LinesRetimed {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which, and when.
        times: Vec<LineTime>,
    },
    /// Lines of an hour that is over neither aired nor were reported by an engine.
    LinesPassed {
        /// Start of the hour.
        hour: UtcMicros,
        /// Which.
        lines: Vec<LineId>,
        /// Why.
        reason: DropReason,
    },
}

/// How far ahead a station is planned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Horizon {
    /// Hours that are kept planned, the running one among them.
    pub plan_hours: u32,
    /// Of these, the ones whose lines stay what they are while they can.
    pub firm_hours: u32,
}

impl Horizon {
    /// Most hours: fourteen days.
    pub const MOST: u32 = 14 * 24;
    /// Least hours: the running one and the next.
    pub const LEAST: u32 = 2;
}

impl Default for Horizon {
    fn default() -> Self {
        Self { plan_hours: 48, firm_hours: 24 }
    }
}

/// What an hour was planned from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HourRecord {
    /// Start of the hour.
    pub hour: UtcMicros,
    /// When it was planned.
    pub at: UtcMicros,
    /// Lines that it has, those that later commits bring among them.
    pub lines: u32,
    /// SHA-256 over everything that people set and that the plan follows from.
    pub inputs: ContentHash,
    /// SHA-256 over the hour's plan, whole.
    pub plan: ContentHash,
    /// How far the station's witnessed stream was folded.
    pub air_version: u64,
    /// Where the lines of this commit come from.
    pub origins: Vec<Origin>,
}

/// Where a run of lines comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Place of the first of them among the lines of its commit.
    pub first: u32,
    /// The slot of the format clock; `None` where no slot asked for them.
    pub slot: Option<u32>,
    /// What the slot is filled from.
    pub source: SlotSource,
    /// What of it.
    pub part: Part,
}

/// What of a slot's source gave a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The source itself, or a fallback of it.
    #[default]
    Main,
    /// The bumpers of a smart block.
    Bumpers,
    /// One source of the interstitials of a smart block.
    Interstitial {
        /// Its place.
        at: u32,
    },
    /// The library, because the source ended early.
    Fill,
}

/// When a line starts by the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineTime {
    /// Which.
    pub line_id: LineId,
    /// When.
    pub planned_at: UtcMicros,
}

/// Why a line could not stay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairReason {
    /// Its item left the library.
    Removed,
    /// Its item cannot be played.
    Unplayable {
        /// Why.
        reason: String,
    },
    /// Its item has other audio now.
    AudioReplaced,
    /// Its item is not valid at that time.
    NotValid,
    /// Its item may not air in that part of the week.
    Daypart,
    /// The block or playlist that it came from is gone.
    SourceGone,
    /// It breaks a rule that is never relaxed.
    HardRule {
        /// Which.
        rule: String,
    },
}
