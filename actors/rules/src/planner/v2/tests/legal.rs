//! Legal IDs: at the natural break nearest to the hour, never cutting and never cut, or missed with
//! a word.

use super::*;
use crate::planner::world::{category, clock, songs};
use grimnir_events::clock::{ClockSlot, LegalIdRule};
use grimnir_events::library::CueMarks;
use grimnir_events::timeline::Anchor;

const MINUTE_US: i64 = 60_000_000;

fn station(slots: Vec<ClockSlot>, minutes: u32) -> World {
    let mut world = World { media: songs(80), station: 5, ..World::default() };
    world.settings.artist_separation_s = 0;
    world.clock = Some(clock(slots));
    for n in 400..403 {
        let mut id = item(n, 6 + i64::from(n % 3), "ids");
        id.kind = ItemKind::LegalId;
        world.media.insert(id.id, id);
    }
    let after_ms = minutes * 60_000;
    world.orders.legal_id =
        Some(LegalIdRule { before_ms: after_ms, after_ms, category: String::new() });
    world
}

fn end(line: &Line) -> UtcMicros {
    line.planned_at.frame().plus(line.cues.airtime()).utc()
}

/// Lines of all hours, and for every full hour within them the legal IDs near it.
fn near_hours(plans: &[HourPlan], minutes: i64) -> (Vec<&Line>, Vec<Vec<usize>>) {
    let lines: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
    let near = |plan: &HourPlan| {
        let is_near = |line: &Line| line.planned_at.since(plan.hour).abs() <= minutes * MINUTE_US;
        let ids = lines.iter().enumerate().filter(|(_, line)| line.kind == ItemKind::LegalId);
        ids.filter(|(_, line)| is_near(line)).map(|(at, _)| at).collect()
    };
    let found = plans.iter().map(near).collect();
    (lines, found)
}

fn gold() -> Vec<ClockSlot> {
    vec![slot(0, SlotStart::Free, category("gold"))]
}

#[test]
fn every_hour_has_one_at_the_break_nearest_to_it() {
    let plans = plan(&station(gold(), 5), 24);
    let (lines, found) = near_hours(&plans, 5);
    let used: BTreeSet<u16> =
        found.iter().flatten().map(|at| number(lines[*at].media_id)).collect();
    assert_eq!(used.len(), 3, "they rotate");
    for (plan, near) in plans.iter().zip(&found).skip(1) {
        let [at] = near[..] else { panic!("{near:?}: {:?}", plan.notes) };
        let start = lines[at].planned_at;
        let off = start.since(plan.hour).abs();
        // The breaks beside it: the start of the line before, and the end of the line after
        // without it.
        let before = lines[at - 1].planned_at.since(plan.hour).abs();
        let length = end(lines[at]).since(start);
        let after = (end(lines[at + 1]).since(plan.hour) - length).abs();
        // The pick behind a legal ID is another than the one it was weighed against.
        assert!(off <= before && off <= after + 120_000_000, "{off} {before} {after}");
        assert_eq!(start, end(lines[at - 1]), "nothing is cut for it");
        assert_eq!(lines[at + 1].planned_at, end(lines[at]), "and it is not cut");
        assert!(!plan.notes.iter().any(|note| note.contains("legal ID")), "{:?}", plan.notes);
    }
}

#[test]
fn before_a_fixed_time_room_is_kept_for_it() {
    for start in [SlotStart::Hard, SlotStart::Soft { grace_ms: 60_000 }] {
        let slots = vec![
            slot(0, start, SlotSource::HardItem { media_id: media(3) }),
            ClockSlot::next(category("gold")),
        ];
        let plans = plan(&station(slots, 5), 12);
        let (lines, found) = near_hours(&plans, 5);
        for (plan, near) in plans.iter().zip(&found).skip(1) {
            let [at] = near[..] else { panic!("{near:?}: {:?}", plan.notes) };
            let (id, next) = (lines[at], lines[at + 1]);
            assert!(next.planned_at >= end(id), "whole: {id:?} {next:?}");
            assert_eq!(id.anchor, Anchor::AfterPrevious);
            let top = lines.iter().find(|line| line.planned_at >= plan.hour).expect("one");
            assert_eq!(number(top.media_id), 3, "the hour begins with its own");
            if start == SlotStart::Hard {
                assert_eq!(top.planned_at, plan.hour);
            }
        }
    }
}

#[test]
fn where_no_break_lies_near_the_hour_it_is_said_and_nothing_is_cut() {
    let mut world = station(gold(), 2);
    world.media.retain(|id, _| number(*id) >= 400);
    for n in 1..=4 {
        let long = item(n, 53 * 60, "gold");
        world.media.insert(long.id, long);
    }
    world.settings.title_separation_s = 0;
    let plans = plan(&world, 12);
    let (lines, found) = near_hours(&plans, 2);
    assert!(found.iter().filter(|near| near.is_empty()).count() >= 6);
    for (plan, near) in plans.iter().zip(&found) {
        let said = plan.notes.iter().any(|note| note.starts_with("warning: no legal ID"));
        assert_eq!(said, near.is_empty(), "{}: {:?}", plan.hour, plan.notes);
    }
    for pair in lines.windows(2).filter(|pair| pair[1].kind == ItemKind::LegalId) {
        assert!(pair[1].planned_at >= end(pair[0]), "nothing is cut for it");
    }
}

#[test]
fn a_clock_that_has_one_of_its_own_gets_no_other() {
    let source = SlotSource::Imaging {
        role: grimnir_events::clock::ImagingRole::LegalId,
        category: String::new(),
    };
    let slots = vec![
        slot(0, SlotStart::Soft { grace_ms: 120_000 }, source),
        ClockSlot::next(category("gold")),
    ];
    let plans = plan(&station(slots, 5), 8);
    let (_, found) = near_hours(&plans, 5);
    assert!(found.iter().all(|near| near.len() == 1), "{found:?}");
}

#[test]
fn the_first_break_after_sign_on_has_one_and_the_other_lines_stay() {
    let mut world = station(gold(), 5);
    let rule = world.orders.legal_id.take();
    let before = plan(&world, 1).remove(0);
    world.orders.legal_id = rule;
    let on = hour(0).plus(25 * MINUTE_US);
    world.orders.signed_on = Some(on);
    let after = plan(&world, 1).remove(0);
    let at = after.lines.iter().position(|line| line.kind == ItemKind::LegalId).expect("one");
    let (id, next) = (&after.lines[at], &after.lines[at + 1]);
    assert!(id.must_air && id.planned_at <= on && end(next) > on, "{id:?} {next:?}");
    let earlier = &after.lines[..at];
    assert!(earlier.iter().all(|line| line.kind != ItemKind::LegalId), "one is enough");
    let ids = |lines: &[Line]| lines.iter().map(|line| line.id).collect::<Vec<_>>();
    assert_eq!(ids(earlier), ids(&before.lines)[..at]);
    assert_eq!(next.id, before.lines[at].id, "a legal ID changes no other line's id");
}

#[test]
fn without_the_rule_nothing_is_put_and_without_an_item_it_is_said() {
    let mut world = station(gold(), 5);
    world.media.retain(|id, _| number(*id) < 400);
    let plans = plan(&world, 2);
    assert!(plans[1].notes.iter().any(|note| note.starts_with("legal id: nothing to plan")));
    world.orders.legal_id = None;
    let plain = plan(&world, 2);
    assert!(plain.iter().all(|plan| plan.notes.is_empty()), "{:?}", plain[1].notes);
    assert_eq!(plain[0].lines, plans[0].lines);
}

#[test]
fn room_that_is_kept_and_not_taken_is_told() {
    let mut world = station(vec![slot(0, SlotStart::Hard, category("gold"))], 1);
    world.settings.crossfade_ms = 0;
    // Ten songs leave 40 s of the hour, where 50 s are kept free.
    for item in world.media.values_mut() {
        let seconds = if item.kind == ItemKind::LegalId { 50 } else { 356 };
        let cue_out = seconds * 48_000;
        item.cues = CueMarks { cue_in: 0, segue: cue_out, cue_out };
        item.duration_frames = cue_out;
    }
    let plans = plan(&world, 24);
    let mut silent = 0;
    for (plan, next) in plans.iter().zip(&plans[1..]) {
        let Some(last) = plan.lines.last() else { continue };
        let rest = next.lines[0].planned_at.since(end(last)) / 1_000;
        let ms = |note: &String| -> Option<i64> {
            let (before, _) = note.split_once(" ms before the next fixed time are not filled")?;
            before.rsplit(' ').next()?.parse().ok()
        };
        let told: i64 = plan.notes.iter().filter_map(ms).sum();
        assert!(rest <= told + 1, "{rest} ms, told {told}: {:?}", plan.notes);
        silent += usize::from(rest > 10_000);
    }
    assert!(silent > 0, "no hour kept room that it did not take");
}
