//! A library that is kept from plan to plan: it saves time and changes no plan.

use super::worlds::{Dice, any_item, any_world};
use super::*;
use crate::common::Common;
use crate::library::MediaEntry;
use crate::planner::Media;

/// All that planning answers: hours, hours between planned ones, explanations, blocks tried out.
fn answers(world: &World, prepared: Option<&Prepared>) -> String {
    let inputs = PlanInputs { prepared, ..world.inputs() };
    let plans = plan_hours(&inputs, &BTreeMap::new(), &[hour(0), hour(1), hour(2)]);
    let known: BTreeMap<UtcMicros, HourPlan> =
        plans.iter().map(|plan| (plan.hour, plan.clone())).collect();
    let again = plan_hours(&inputs, &known, &[hour(1)]);
    let explained = explain_hour(&inputs, &known, hour(2));
    let block = world.blocks.values().next().expect("a block");
    let tried = materialize(&inputs, &known, block, hour(1).plus(5), 600_000, 3);
    let tested = test(&inputs, &known, block, hour(1));
    format!("{plans:?}{again:?}{explained:?}{tried:?}{tested:?}")
}

/// Changes the library by chance; says what changed.
fn change(world: &mut World, dice: &mut Dice) -> BTreeSet<MediaId> {
    let ids: Vec<MediaId> = world.media.keys().copied().collect();
    let mut changed = BTreeSet::new();
    for _ in 0..1 + dice.of(6) {
        let fresh = 2_000 + dice.of(3_000) as u16;
        let id = if dice.one_in(3) { media(fresh) } else { dice.pick(&ids) };
        changed.insert(id);
        if dice.one_in(3) {
            world.media.remove(&id);
            continue;
        }
        let (item, details) = any_item(number(id), dice);
        world.media.insert(id, item);
        if dice.one_in(3) {
            world.details.remove(&id);
        } else {
            world.details.insert(id, details);
        }
    }
    changed
}

#[test]
fn a_library_that_was_kept_plans_what_one_read_anew_plans() {
    for seed in 300..310 {
        let mut world = any_world(seed);
        let mut dice = Dice(seed);
        let mut kept = Prepared::of(&world.inputs());
        assert_eq!(answers(&world, Some(&kept)), answers(&world, None), "seed {seed}");
        for turn in 0..3 {
            let changed = change(&mut world, &mut dice);
            kept = kept.changed(&world.inputs(), &changed);
            let (warm, cold) = (answers(&world, Some(&kept)), answers(&world, None));
            assert_eq!(warm, cold, "seed {seed}, change {turn}: {changed:?}");
        }
    }
}

#[test]
fn what_is_picked_quickly_is_what_an_explanation_finds_by_looking_at_everything() {
    for seed in 400..412 {
        let world = any_world(seed);
        let inputs = world.inputs();
        let mut known = BTreeMap::new();
        for n in 0..3 {
            let plan = plan_hours(&inputs, &known, &[hour(n)]).remove(0);
            assert_eq!(explain_hour(&inputs, &known, hour(n)).plan, plan, "seed {seed}, hour {n}");
            known.insert(hour(n), plan);
        }
        for block in world.blocks.values() {
            let at = hour(1).plus(77);
            let told = materialize(&inputs, &known, block, at, 900_000, seed).lines;
            assert_eq!(lines(&inputs, &known, block, at, 900_000, seed), told, "seed {seed}");
        }
    }
}

#[test]
fn rules_that_change_are_followed_without_reading_the_library_again() {
    for seed in 320..324 {
        let mut world = any_world(seed);
        world.blocks.clear();
        world.rules.separation = BlockSeparation::default();
        // It knows of no rule yet.
        let kept = Prepared::of(&world.inputs());
        let other = any_world(seed + 40);
        (world.blocks, world.rules) = (other.blocks, other.rules);
        assert_eq!(answers(&world, Some(&kept)), answers(&world, None), "seed {seed}");
        let ready = kept.ready(&world.inputs());
        assert_eq!(answers(&world, Some(&ready)), answers(&world, None), "seed {seed}");
    }
}

#[test]
fn many_changes_read_the_library_again() {
    let mut world = any_world(330);
    let mut kept = Prepared::of(&world.inputs());
    let begun = kept.texts();
    for n in 0..1_500 {
        let id = media(1 + n % 3);
        let mut item = item(1 + n % 3, 180, "gold");
        item.tags.title = format!("Take {n}");
        world.media.insert(id, item);
        kept = kept.changed(&world.inputs(), &[id].into());
        let grown = kept.texts().saturating_sub(begun);
        assert!(grown < 700, "{grown} more texts after {n} changes");
    }
    assert_eq!(answers(&world, Some(&kept)), answers(&world, None));
}

#[test]
fn another_stations_library_is_not_planned_from() {
    let (world, other) = (any_world(340), any_world(341));
    assert_ne!(world.station, other.station);
    let kept = Prepared::of(&other.inputs());
    assert_eq!(answers(&world, Some(&kept)), answers(&world, None));
}

#[test]
fn an_item_that_left_behind_the_plans_back_ends_the_hour_there() {
    let mut world = blocked(30, free());
    let kept = Prepared::of(&world.inputs());
    let gone = plan(&world, 1)[0].lines[3].media_id;
    world.media.remove(&gone);
    let inputs = PlanInputs { prepared: Some(&kept), ..world.inputs() };
    let plans = plan_hours(&inputs, &BTreeMap::new(), &[hour(0)]);
    assert_eq!(plans[0].lines.len(), 3);
    let note = format!("{gone} left the library while it was planned");
    assert_eq!(plans[0].notes, [note]);
}

#[test]
fn a_library_is_planned_from_where_it_lies_without_what_is_lost() {
    for seed in 350..353 {
        let mut world = any_world(seed);
        let lost = |id: &MediaId| number(*id).is_multiple_of(5);
        let entry = |(id, item): (&MediaId, &MediaItem)| {
            let lost = lost(id).then(|| "unreadable".to_owned());
            let (stage, deleted) = Default::default();
            // As the library keeps it: when an item came in stands beside it.
            let added_at = world.details.get(id).and_then(|details| details.added_at);
            let item = item.clone();
            (*id, Common::new(MediaEntry { item, lost, stage, deleted, added_at }))
        };
        let entries: BTreeMap<MediaId, Common<MediaEntry>> =
            world.media.iter().map(entry).collect();
        world.media.retain(|id, _| !lost(id));
        let hours = [hour(0), hour(1), hour(2)];
        let mut details = world.details.clone();
        details.values_mut().for_each(|details| details.added_at = None);
        details.retain(|_, said| *said != MediaDetails::default());
        let media = Media::Entries(&entries);
        let inputs = PlanInputs { media, details: &details, ..world.inputs() };
        let (lying, copied) = (
            plan_hours(&inputs, &BTreeMap::new(), &hours),
            plan_hours(&world.inputs(), &BTreeMap::new(), &hours),
        );
        assert_eq!(lying, copied, "seed {seed}");
        let by_first = |inputs| crate::planner::plan_hours_by(1, inputs, &BTreeMap::new(), &hours);
        assert_eq!(by_first(&inputs), by_first(&world.inputs()), "seed {seed}");
    }
}
