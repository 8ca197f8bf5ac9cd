//! What a timeline's decisions need to know.

use grimnir_events::edit::Pin;
use grimnir_events::grid::Grid;
use grimnir_events::smart_block::{SmartBlock, StationRules};
use grimnir_events::timeline::{FormatClock, HourPlan};
use grimnir_events::{ClockId, LineId, SmartBlockId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Plans of hours this much older than the newest are forgotten here; the ledger keeps them.
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
    /// Planned hours by their first instant.
    pub hours: BTreeMap<UtcMicros, HourPlan>,
    /// Lines of these hours that planning leaves as they are.
    pub pins: BTreeMap<LineId, Pin>,
}

impl TimelineState {
    /// The oldest hour that is still kept; `None` before the first plan.
    pub fn oldest_kept(&self) -> Option<UtcMicros> {
        self.hours.keys().next_back().map(|newest| newest.plus(-KEEP_US))
    }
}
