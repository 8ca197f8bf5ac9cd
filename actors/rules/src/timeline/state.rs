//! What a timeline's decisions need to know.

use super::decide::HOUR_US;
use grimnir_events::clock::LegalIdRule;
use grimnir_events::edit::Pin;
use grimnir_events::grid::Grid;
use grimnir_events::show::Shows;
use grimnir_events::smart_block::{SmartBlock, StationRules};
use grimnir_events::timeline::{FormatClock, HourPlan};
use grimnir_events::{ClockId, LineId, MediaId, SmartBlockId, UtcMicros};
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
    /// Shows, and what is different about their instances.
    pub shows: Shows,
    /// Planned hours by their first instant.
    pub hours: BTreeMap<UtcMicros, HourPlan>,
    /// Lines of these hours that planning leaves as they are.
    pub pins: BTreeMap<LineId, Pin>,
    /// What is ordered for hours beside their clocks.
    pub orders: Orders,
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

impl TimelineState {
    /// The oldest hour that is still kept; `None` before the first plan.
    pub fn oldest_kept(&self) -> Option<UtcMicros> {
        self.hours.keys().next_back().map(|newest| newest.plus(-KEEP_US))
    }
}
