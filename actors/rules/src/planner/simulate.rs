//! What a format clock would make of some hours; nothing is planned.

use super::hours::{hours_between, zone};
use super::{PlanInputs, plan_hours};
use grimnir_events::grid::Grid;
use grimnir_events::timeline::{FormatClock, HourPlan};
use grimnir_events::{StationId, UtcMicros, derive_id};
use std::collections::BTreeMap;

/// Plans `count` hours from the one that holds `at` on, as if the clock ruled each of them.
///
/// What is planned around them counts, and what is planned of themselves does not. Without a seed
/// it comes out as the plan would; another seed draws anew.
pub fn simulate(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    clock: &FormatClock,
    at: UtcMicros,
    count: u32,
    seed: Option<u64>,
) -> Vec<HourPlan> {
    let zone = zone(inputs.time_zone);
    // A change of the clocks parts an hour in two; a week of them is too few to matter.
    let until = at.plus((i64::from(count) + 1).saturating_mul(crate::timeline::decide::HOUR_US));
    let hours = hours_between(&zone, at, until).into_iter().take(count as usize);
    let hours: Vec<UtcMicros> = hours.map(|hour| hour.from).collect();
    // What chance is drawn from holds the station: another one draws otherwise.
    let station = match seed {
        None => inputs.station,
        Some(seed) => StationId(derive_id("simulate", &[&inputs.station.0, &seed.to_be_bytes()])),
    };
    let grid = Grid::default();
    let inputs = PlanInputs { station, clock: Some(clock), grid: &grid, ..*inputs };
    plan_hours(&inputs, planned, &hours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::world::{World, category, clock, hour, item, media_of, slot, songs};
    use grimnir_events::timeline::{SlotSource, SlotStart};

    #[test]
    fn a_simulated_clock_rules_its_hours_and_comes_out_the_same_for_a_seed() {
        let mut media = songs(60);
        media.extend(media_of(vec![item(500, 30, "jingle")]));
        let world = World::of(media.clone(), vec![slot(0, SlotStart::Free, category("gold"))]);
        let jingle = item(500, 30, "jingle");
        let slots = vec![
            slot(0, SlotStart::Free, SlotSource::HardItem { media_id: jingle.id }),
            slot(30, SlotStart::Free, category("gold")),
        ];
        let planned = BTreeMap::new();
        let at = hour(3).plus(1_000_000);
        let run = |seed| simulate(&world.inputs(), &planned, &clock(slots.clone()), at, 2, seed);
        let plans = run(None);
        let starts: Vec<UtcMicros> = plans.iter().map(|plan| plan.hour).collect();
        assert_eq!(starts, [hour(3), hour(4)]);
        assert!(plans.iter().all(|plan| plan.lines[0].media_id == jingle.id));
        assert_eq!(plans, run(None));
        let items = |plans: &[HourPlan]| -> Vec<_> {
            plans.iter().flat_map(|plan| &plan.lines).map(|line| line.media_id).collect()
        };
        assert_eq!(items(&run(Some(1))), items(&run(Some(1))));
        assert_ne!(items(&run(Some(1))), items(&run(Some(2))));
    }
}
