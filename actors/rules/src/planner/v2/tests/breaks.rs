//! Breaks: whose spots must not meet, and what gives way where there are too few.

use super::slots::{in_break, of, ruled, spots, station};
use super::*;
use crate::planner::world::category;
use grimnir_events::clock::{ClockSlot, Stopset, StopsetSource};

/// Spots of so many products.
fn advertised(products: u16) -> World {
    let mut world = station();
    for n in 200..212_u16 {
        let value = format!("P{}", n % products);
        let custom = vec![CustomField { name: "product".into(), value }];
        world.details.insert(media(n), MediaDetails { custom, ..MediaDetails::default() });
    }
    world
}

fn by_product(sec: u32) -> Vec<FieldSeparation> {
    vec![FieldSeparation { field: Field::Custom("product".into()), sec }]
}

#[test]
fn products_of_a_break_keep_apart() {
    let mut stopset = spots(60_000, None);
    stopset.separation.fields = by_product(600);
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(1_200, SlotStart::Free, in_break(stopset)),
        ClockSlot::next(category("gold")),
    ];
    for plan in plan(&ruled(advertised(3), slots), 4) {
        let spots = of(&plan, ItemKind::Spot);
        let products: BTreeSet<u16> = spots.iter().map(|l| number(l.media_id) % 3).collect();
        assert!(spots.len() >= 3, "{:?}", plan.notes);
        assert_eq!(products.len(), spots.len(), "{:?}", plan.notes);
    }
}

#[test]
fn a_break_stays_short_and_says_so_before_two_competitors_air() {
    let mut stopset = spots(240_000, None);
    stopset.separation.fields = by_product(1_500);
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(900, SlotStart::Free, in_break(stopset.clone())),
        ClockSlot::next(category("gold")),
        slot(1_800, SlotStart::Free, in_break(stopset)),
        ClockSlot::next(category("gold")),
    ];
    for plan in plan(&ruled(advertised(3), slots), 3) {
        let aired = of(&plan, ItemKind::Spot);
        for (at, line) in aired.iter().enumerate() {
            let near = |other: &&&Line| line.planned_at.since(other.planned_at) < 1_500 * 1_000_000;
            let alike = |other: &&&Line| number(other.media_id) % 3 == number(line.media_id) % 3;
            assert!(!aired[..at].iter().filter(near).any(|other| alike(&other)), "{aired:?}");
        }
        assert!((3..=5).contains(&aired.len()), "{} spots", aired.len());
        let said = |words: &str| plan.notes.iter().filter(|note| note.contains(words)).count();
        assert_eq!(said("short of its 240000 ms"), 2, "{:?}", plan.notes);
        assert_eq!(said("by separation that the break keeps"), 2, "{:?}", plan.notes);
        assert_eq!(said("relaxed"), 0, "{:?}", plan.notes);
    }
}

#[test]
fn what_a_break_leaves_to_its_block_is_relaxed_from_break_to_break_and_never_within_one() {
    let mut world = advertised(3);
    let mut rules = BlockRules {
        include: vec![all(vec![rule(Field::Kind, Op::Is, text("spot"))])],
        ..BlockRules::default()
    };
    rules.separation.fields = by_product(7_200);
    (rules.separation.artist_sec, rules.separation.title_sec) = (Some(0), Some(0));
    world.blocks.insert(BLOCK, block(rules));
    let from = StopsetSource::SmartBlock(BLOCK);
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(1_200, SlotStart::Free, in_break(Stopset { from, ..spots(240_000, None) })),
        ClockSlot::next(category("gold")),
    ];
    for (n, plan) in plan(&ruled(world, slots), 4).iter().enumerate() {
        let aired = of(plan, ItemKind::Spot);
        let products: BTreeSet<u16> = aired.iter().map(|l| number(l.media_id) % 3).collect();
        assert_eq!((aired.len(), products.len()), (3, 3), "{:?}", plan.notes);
        let note = "product separation of 7200 s relaxed 3 times";
        let told = plan.notes.iter().any(|told| told.contains(note));
        assert_eq!(told, n > 0, "{:?}", plan.notes);
    }
}

#[test]
fn what_the_whole_station_keeps_apart_is_no_rule_of_a_break_from_a_category() {
    let mut world = advertised(1);
    world.rules.separation.fields = by_product(3_600);
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(1_200, SlotStart::Free, in_break(spots(90_000, None))),
        ClockSlot::next(category("gold")),
    ];
    let plan = plan(&ruled(world, slots), 1).remove(0);
    assert!(of(&plan, ItemKind::Spot).len() > 1, "{:?}", plan.notes);
    assert!(!plan.notes.iter().any(|note| note.contains("short of its")), "{:?}", plan.notes);
    assert!(!plan.notes.iter().any(|note| note.contains("product")), "{:?}", plan.notes);
}

#[test]
fn a_break_begins_nothing_after_its_hour_even_what_must_air() {
    let mut world = advertised(12);
    for item in world.media.values_mut().filter(|item| item.kind == ItemKind::Spot) {
        item.must_air = true;
    }
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(3_590, SlotStart::Free, in_break(spots(240_000, None))),
    ];
    let plans = plan(&ruled(world, slots), 4);
    let until = |plan: &HourPlan| plan.hour.plus(3_600_000_000);
    for plan in &plans {
        assert!(plan.lines.iter().all(|line| line.planned_at < until(plan)), "{:?}", plan.lines);
        assert!(plan.notes.iter().any(|note| note.contains("short of its")), "{:?}", plan.notes);
    }
    let lines: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
    assert!(lines.windows(2).all(|pair| pair[0].planned_at < pair[1].planned_at));
}

#[test]
fn what_must_air_moves_up_where_the_line_before_it_is_taken_out() {
    let mut world = advertised(12);
    let must = world.media.values().find(|item| item.kind == ItemKind::Spot).expect("one").id;
    world.media.get_mut(&must).expect("is there").must_air = true;
    let song = world.media.values().find(|item| item.kind == ItemKind::Music).expect("one").id;
    let slots = vec![
        slot(0, SlotStart::Hard, category("gold")),
        slot(3_590, SlotStart::Free, SlotSource::HardItem { media_id: song }),
        ClockSlot::next(SlotSource::HardItem { media_id: must }),
    ];
    let plans = plan(&ruled(world, slots), 6);
    let mut taken_out = 0;
    for plan in &plans {
        let Some(last) = plan.lines.iter().rposition(|line| line.media_id == must) else {
            continue;
        };
        let (before, line) = (&plan.lines[last - 1], &plan.lines[last]);
        let ends = before.planned_at.frame().plus(before.cues.airtime());
        let late = line.planned_at.frame().since(ends);
        assert!(late <= 0, "{late} frames after the line before it: {:?}", plan.notes);
        taken_out += plan.notes.iter().filter(|note| note.contains("has no room before")).count();
    }
    assert!(taken_out > 0, "{plans:?}");
}
