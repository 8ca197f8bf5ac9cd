//! What a timeline's decisions need to know.

use super::aired::Aired;
use super::decide::HOUR_US;
use super::edits::templates::Templates;
use grimnir_events::clock::LegalIdRule;
use grimnir_events::edit::Pin;
use grimnir_events::grid::Grid;
use grimnir_events::roll::{Horizon, HourRecord, Origin};
use grimnir_events::show::Shows;
use grimnir_events::smart_block::{SmartBlock, StationRules};
use grimnir_events::timeline::{FormatClock, HourPlan, Line};
use grimnir_events::{ClockId, LineId, MediaId, SmartBlockId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Plans of hours that began this long ago are forgotten here; the ledger keeps them.
pub const KEEP_US: i64 = 48 * 3_600_000_000;

/// The fold of a timeline.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TimelineState {
    /// Format clocks.
    pub clocks: BTreeMap<ClockId, FormatClock>,
    /// The clock of every hour; `None` plans from the whole library.
    pub default_clock: Option<ClockId>,
    /// Which clock rules which hour.
    pub grid: Grid,
    /// Smart blocks.
    pub blocks: BTreeMap<SmartBlockId, SmartBlock>,
    /// What the station asks of every pick.
    pub rules: StationRules,
    /// Shows, and what is different about their instances.
    pub shows: Shows,
    /// Planned hours by their first instant.
    pub hours: BTreeMap<UtcMicros, HourPlan>,
    /// Lines of these hours that planning leaves as they are.
    pub pins: BTreeMap<LineId, Pin>,
    /// Templates of days and weeks.
    pub templates: Templates,
    /// What is ordered for hours beside their clocks.
    pub orders: Orders,
    /// How the plan goes on with time.
    pub roll: Roll,
    /// What was heard of it.
    pub aired: Aired,
}

/// What is ordered for hours beside their clocks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Orders {
    /// How legal IDs are put around the hour; `None` puts none.
    pub legal_id: Option<LegalIdRule>,
    /// Recorded items by hour and voice track; hours that are too old are forgotten.
    pub voice: BTreeMap<UtcMicros, BTreeMap<String, MediaId>>,
    /// When the station signed on last, as far as legal IDs were put then.
    pub signed_on: Option<UtcMicros>,
    /// The hour of that instant was planned since.
    pub sign_on_planned: bool,
}

impl Orders {
    /// The hour from here holds the last sign-on, and was not planned since.
    pub fn awaits_sign_on(&self, hour: UtcMicros) -> bool {
        let holds = |at: UtcMicros| hour <= at && at.since(hour) < HOUR_US;
        !self.sign_on_planned && self.signed_on.is_some_and(holds)
    }

    /// Nothing is ordered.
    pub const NONE: Self =
        Self { legal_id: None, voice: BTreeMap::new(), signed_on: None, sign_on_planned: false };
}

/// How a plan goes on with time.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Roll {
    /// How far it reaches.
    pub horizon: Horizon,
    /// When an hour was planned last; `None` before the first whose record says it.
    pub at: Option<UtcMicros>,
    /// What the kept hours were planned from; one may be missing.
    pub hours: BTreeMap<UtcMicros, Kept>,
    /// Lines of kept hours that are over and never aired, by hour.
    pub passed: BTreeMap<UtcMicros, BTreeSet<LineId>>,
}

/// What is known of a planned hour beside its lines.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// What it was planned from; the origins are those below.
    pub record: HourRecord,
    /// Lines that came so far.
    pub came: u32,
    /// Where lines come from.
    pub origins: Vec<Origin>,
    /// Which of them each line has.
    pub of: BTreeMap<LineId, u32>,
}

impl Kept {
    /// All lines of the hour came.
    pub fn is_whole(&self) -> bool {
        self.came >= self.record.lines
    }
    /// Where a line comes from.
    pub fn origin(&self, line: &LineId) -> Option<&Origin> {
        self.of.get(line).and_then(|at| self.origins.get(*at as usize))
    }
    /// Takes in lines and where they come from.
    pub(super) fn take(&mut self, lines: &[Line], origins: &[Origin]) {
        let base = self.origins.len();
        for (place, line) in lines.iter().enumerate() {
            let run = origins.partition_point(|origin| origin.first as usize <= place);
            if let Some(at) = run.checked_sub(1) {
                self.of.insert(line.id, u32::try_from(base + at).unwrap_or(u32::MAX));
            }
        }
        self.origins.extend_from_slice(origins);
        self.came = self.came.saturating_add(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    }
}

impl TimelineState {
    /// The oldest hour that is still kept; `None` before the first plan.
    ///
    /// Counted from when hours were planned, not from the hours: a plan that reaches far ahead
    /// forgets nothing that runs. Plans of before that was recorded count from the newest hour.
    pub fn oldest_kept(&self) -> Option<UtcMicros> {
        let newest = self.hours.keys().next_back().copied();
        self.roll.at.or(newest).map(|from| from.plus(-KEEP_US))
    }

    /// What is on air and what comes next: nothing that was decided later touches them.
    pub fn locked(&self) -> Vec<LineId> {
        let Some(on_air) = self.aired.on_air.map(|on| on.line_id) else { return Vec::new() };
        let mut lines = self.hours.values().flat_map(|plan| &plan.lines).map(|line| line.id);
        if !lines.any(|line| line == on_air) {
            return vec![on_air];
        }
        let next = lines.find(|line| !self.aired.is_done(line));
        std::iter::once(on_air).chain(next).collect()
    }

    /// Where a planned line comes from; `None` where that was not recorded.
    pub fn origin(&self, hour: UtcMicros, line: &LineId) -> Option<&Origin> {
        self.roll.hours.get(&hour)?.origin(line)
    }

    /// Somebody has said that the line is to stay what it is.
    pub fn is_pinned(&self, line: &LineId) -> bool {
        self.pins.contains_key(line)
    }

    /// An hour that somebody had a hand in: it is not planned anew as a whole.
    pub fn has_pins(&self, plan: &HourPlan) -> bool {
        plan.lines.iter().any(|line| self.is_pinned(&line.id))
    }

    /// Forgets hours that are older than is kept.
    pub(super) fn forget(&mut self) {
        let Some(oldest) = self.oldest_kept() else { return };
        let kept = self.hours.split_off(&oldest);
        let forgotten = std::mem::replace(&mut self.hours, kept);
        for line in forgotten.values().flat_map(|plan| &plan.lines) {
            self.pins.remove(&line.id);
        }
        self.roll.hours = self.roll.hours.split_off(&oldest);
        self.roll.passed = self.roll.passed.split_off(&oldest);
        self.orders.voice = self.orders.voice.split_off(&oldest);
    }
}
