//! Slots of every kind: by offset and by position, breaks, imaging, recorded links, fixed times.

use super::*;
use crate::planner::world::{category, clock, media_of, songs};
use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::clock::{ClockSlot, ImagingRole, Stopset, StopsetSource};
use grimnir_events::timeline::Anchor;
use grimnir_events::{AirFrame, units::frames_of_ms};

/// Songs 1 to 60 of four minutes or so, spots from 200 on, sweepers from 300, legal IDs from 400.
pub(super) fn station() -> World {
    let mut world = World { media: songs(60), station: 4, ..World::default() };
    (world.settings.crossfade_ms, world.settings.artist_separation_s) = (0, 0);
    let mut add = |n: u16, seconds: i64, category: &str, kind: ItemKind| {
        let mut item = item(n, seconds, category);
        (item.kind, item.tags.artist) = (kind, String::new());
        world.media.insert(item.id, item);
    };
    (200..212).for_each(|n| add(n, 15 + 5 * i64::from(n % 4), "spots", ItemKind::Spot));
    (300..304).for_each(|n| add(n, 6, "sweeper", ItemKind::Imaging));
    (400..402).for_each(|n| add(n, 9, "ids", ItemKind::LegalId));
    world
}

pub(super) fn ruled(mut world: World, slots: Vec<ClockSlot>) -> World {
    world.clock = Some(clock(slots));
    world
}

fn sweeper() -> SlotSource {
    SlotSource::Imaging { role: ImagingRole::Sweeper, category: String::new() }
}

pub(super) fn spots(length_ms: u32, max_items: Option<u32>) -> Stopset {
    Stopset {
        from: StopsetSource::Category("spots".into()),
        length_ms,
        tolerance_ms: 2_000,
        max_items,
        separation: BlockSeparation::default(),
    }
}

pub(super) fn in_break(stopset: Stopset) -> SlotSource {
    SlotSource::Stopset { stopset: Box::new(stopset) }
}

/// Planned end of a line.
fn end(line: &Line) -> UtcMicros {
    line.planned_at.frame().plus(line.cues.airtime()).utc()
}

pub(super) fn of(plan: &HourPlan, kind: ItemKind) -> Vec<&Line> {
    plan.lines.iter().filter(|line| line.kind == kind).collect()
}

#[test]
fn slots_by_position_follow_one_another_and_take_their_share() {
    let two = ClockSlot { items: Some(2), ..ClockSlot::next(category("gold")) };
    let slots = vec![
        ClockSlot::next(category("gold")),
        ClockSlot::next(sweeper()),
        two,
        ClockSlot::next(sweeper()),
        slot(1_800, SlotStart::Hard, category("gold")),
    ];
    let plans = plan(&ruled(station(), slots), 2);
    for plan in &plans {
        let kinds: Vec<bool> =
            plan.lines.iter().take(5).map(|line| line.kind == ItemKind::Imaging).collect();
        assert_eq!(kinds, [false, true, false, false, true], "{:?}", plan.notes);
        // The last by position leaves its rest to the library, and says so.
        assert!(plan.notes.iter().any(|note| note.starts_with("slot 3: its source ends early")));
        let half = plan.hour.plus(1_800_000_000);
        assert!(plan.lines.iter().any(|line| line.planned_at == half));
    }
    assert_ne!(of(&plans[0], ItemKind::Imaging)[0].media_id, {
        of(&plans[0], ItemKind::Imaging)[1].media_id
    });
}

#[test]
fn a_slot_takes_no_more_items_than_it_says() {
    let some =
        |items| ClockSlot { items: Some(items), ..slot(0, SlotStart::Free, category("gold")) };
    for items in [1, 4, 9] {
        let slots = vec![some(items), ClockSlot::next(sweeper())];
        let plans = plan(&ruled(station(), slots), 1);
        let at = plans[0].lines.iter().position(|line| line.kind == ItemKind::Imaging);
        assert_eq!(at, Some(usize::from(items)));
    }
}

#[test]
fn a_break_adds_up_to_its_length_and_says_where_it_does_not() {
    let slots = |stopset| {
        vec![
            slot(0, SlotStart::Free, category("gold")),
            slot(1_200, SlotStart::Free, in_break(stopset)),
            ClockSlot::next(category("gold")),
        ]
    };
    let plans = plan(&ruled(station(), slots(spots(90_000, None))), 6);
    for plan in &plans {
        let spots = of(plan, ItemKind::Spot);
        let length: i64 = spots.iter().map(|line| line.cues.airtime()).sum();
        assert!((length / S - 90).abs() <= 2, "{} s: {:?}", length / S, plan.notes);
        let first = plan.lines.iter().position(|line| line.kind == ItemKind::Spot).expect("one");
        let row = &plan.lines[first..first + spots.len()];
        assert!(row.iter().all(|line| line.kind == ItemKind::Spot), "in one row");
        let ids: BTreeSet<MediaId> = row.iter().map(|line| line.media_id).collect();
        assert_eq!(ids.len(), row.len(), "none twice");
        assert!(!plan.notes.iter().any(|note| note.contains("short of its")), "{:?}", plan.notes);
    }
    let plans = plan(&ruled(station(), slots(spots(600_000, None))), 1);
    let note = plans[0].notes.iter().find(|note| note.contains("short of its 600000 ms"));
    assert!(note.is_some_and(|note| note.contains("(12 items)")), "{:?}", plans[0].notes);
    let plans = plan(&ruled(station(), slots(spots(90_000, Some(2)))), 1);
    assert_eq!(of(&plans[0], ItemKind::Spot).len(), 2);
}

#[test]
fn imaging_rotates() {
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(900, SlotStart::Free, sweeper()),
        ClockSlot::next(category("gold")),
        slot(2_700, SlotStart::Free, sweeper()),
        ClockSlot::next(category("gold")),
    ];
    let plans = plan(&ruled(station(), slots), 4);
    let aired: Vec<u16> = plans
        .iter()
        .flat_map(|plan| of(plan, ItemKind::Imaging))
        .map(|line| number(line.media_id))
        .collect();
    assert_eq!(aired.len(), 8);
    let first: BTreeSet<u16> = aired[..4].iter().copied().collect();
    assert_eq!(first.len(), 4, "all four before any comes again: {aired:?}");
    assert_eq!(aired[..4], aired[4..], "and in the same order: longest rested first");
}

#[test]
fn a_recorded_link_takes_its_place_and_an_open_place_is_said() {
    let track = SlotSource::VoiceTrack { track: "link one".into() };
    let slots = vec![
        ClockSlot::next(category("gold")),
        ClockSlot::next(track),
        ClockSlot::next(category("gold")),
    ];
    let mut world = ruled(station(), slots);
    let mut voice = item(500, 21, "links");
    voice.kind = ItemKind::Feature;
    world.media.insert(voice.id, voice.clone());
    let tracks = [("link one".to_owned(), voice.id)];
    world.orders.voice.insert(hour(1), tracks.into());
    let plans = plan(&world, 2);
    let open = "slot 1: warning: voice track \"link one\" is not recorded and left out";
    assert_eq!(plans[0].notes, [open]);
    assert_eq!(plans[1].lines[1].media_id, voice.id);
    assert!(plans[1].notes.is_empty(), "{:?}", plans[1].notes);
}

#[test]
fn below_its_least_useful_airtime_nothing_is_started() {
    let least = |clock_ms, slot_ms| {
        let mut slots = vec![
            slot(0, SlotStart::Free, category("gold")),
            slot(3_000, SlotStart::Hard, category("gold")),
        ];
        slots[0].min_airtime_ms = slot_ms;
        let mut world = ruled(station(), slots);
        world.clock.as_mut().expect("a clock").min_airtime_ms = clock_ms;
        world.settings.min_airtime_ms = 5_000;
        plan(&world, 8)
    };
    let frames = |plans: &[HourPlan]| {
        let before = |plan: &HourPlan| {
            let fixed = plan.hour.plus(3_000_000_000);
            let lines = plan.lines.iter().filter(move |line| line.planned_at < fixed);
            lines.map(|line| line.min_airtime).collect::<Vec<_>>()
        };
        plans.iter().flat_map(before).collect::<BTreeSet<i64>>()
    };
    assert_eq!(frames(&least(None, None)), [5 * S].into());
    assert_eq!(frames(&least(Some(60_000), None)), [60 * S].into());
    assert_eq!(frames(&least(Some(60_000), Some(90_000))), [90 * S].into());
    for plan in least(None, Some(90_000)) {
        let fixed = plan.hour.plus(3_000_000_000);
        for line in plan.lines.iter().filter(|line| line.planned_at < fixed) {
            assert!(fixed.since(line.planned_at) >= 90_000_000, "{line:?}");
        }
    }
}

#[test]
fn the_gap_before_a_fixed_time_is_small() {
    // Few enough lengths that the last two have to be chosen together.
    for (count, most_ms) in [(24, 12_000), (60, 2_000), (200, 1_500)] {
        let mut world = World { media: songs(count), ..World::default() };
        (world.settings.crossfade_ms, world.settings.artist_separation_s) = (0, 0);
        (world.settings.title_separation_s, world.station) = (0, 2);
        let slots = vec![
            slot(0, SlotStart::Hard, category("gold")),
            slot(1_500, SlotStart::Hard, category("gold")),
        ];
        let plans = plan(&ruled(world, slots), 24);
        let lines: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
        let gaps: Vec<i64> = lines
            .windows(2)
            .filter(|pair| matches!(pair[1].anchor, Anchor::Hard { .. }))
            .map(|pair| (pair[1].planned_at.since(end(pair[0])) / 1_000).abs())
            .collect();
        let mean = gaps.iter().sum::<i64>() / gaps.len() as i64;
        assert!(mean <= most_ms, "{count} songs: {mean} ms a gap or cut, {gaps:?}");
        let idle: i64 = gaps.iter().sum();
        assert!(idle * 100 <= 24 * 3_600_000, "less than 1 % of the day is not filled");
    }
}

#[test]
fn a_fixed_items_first_frame_is_on_its_frame_after_a_fade_of_300_ms() {
    let news = SlotSource::HardItem { media_id: media(401) };
    let slots = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(1_337, SlotStart::Hard, news),
        ClockSlot::next(category("gold")),
    ];
    let mut world = ruled(station(), slots);
    // Three of them are too short and four too long.
    world.media.retain(|id, _| number(*id) > 60);
    world.media.extend((1..3).map(|n| item(n, 400, "gold")).map(|item| (item.id, item)));
    let plan = plan(&world, 1).remove(0);
    let settings = ResolveSettings {
        crossfade_frames: 0,
        curve: world.settings.fade_curve,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    let cursor = Cursor { at: hour(0).frame(), playing: None };
    let resolved = resolve(&plan.lines, &cursor, &settings);
    let at: AirFrame = hour(0).plus(1_337_000_000).frame();
    let fixed = resolved.lines.iter().position(|line| line.start == at).expect("on its frame");
    assert_eq!(plan.lines[resolved.lines[fixed].index].media_id, media(401));
    let before = &resolved.lines[fixed - 1];
    assert!(before.cut && before.end == at, "{before:?}");
    assert_eq!(before.fade_out, frames_of_ms(300));
}

#[test]
fn a_shuffled_playlist_remembers_over_hours_and_restarts() {
    let playlist_id = PlaylistId([6; 16]);
    let source = SlotSource::PlaylistBy { playlist_id, mode: PlaylistMode::Shuffled };
    let mut world = ruled(station(), vec![slot(0, SlotStart::Free, source)]);
    let list: Vec<MediaId> = (1..=60).map(media).collect();
    world.playlists.insert(playlist_id, ("List".into(), list));
    let at_once = plan(&world, 6);
    let mut known = BTreeMap::new();
    for n in 0..6 {
        // Nothing is kept between these but the plans.
        let plans = plan_hours(&world.inputs(), &known, &[hour(n)]);
        known.insert(hour(n), plans[0].clone());
    }
    assert_eq!(known.into_values().collect::<Vec<_>>(), at_once);
    let aired: Vec<u16> = at_once.iter().flat_map(|plan| numbers(&plan.lines)).collect();
    for (at, item) in aired.iter().enumerate() {
        let since = aired[..at].iter().rev().position(|other| other == item);
        assert!(since.is_none_or(|since| since >= 25), "{item} after {since:?}");
    }
    let sorted: Vec<u16> = (1..=10).collect();
    assert_ne!(aired[..10], sorted[..], "not in the list's order");
}

/// Everything that a clock can hold.
fn every_source(n: u8) -> SlotSource {
    match n {
        0 => category("gold"),
        1 => category(""),
        2 => SlotSource::HardItem { media_id: media(7) },
        3 => in_break(spots(60_000, Some(4))),
        4 => sweeper(),
        5 => SlotSource::Imaging { role: ImagingRole::LegalId, category: "ids".into() },
        6 => SlotSource::VoiceTrack { track: "link".into() },
        _ => SlotSource::SmartBlock { block_id: BLOCK },
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn fixed_times_are_exact_and_no_gap_or_overlap_lacks_a_reason(
        slots in proptest::collection::vec(
            (0..3_600u32, 0..8u8, 0..4u8, 0..300u32, 0..4u16), 1..9,
        ),
        rule in proptest::option::of((0..900u32, 60..900u32)),
    ) {
        let mut world = station();
        world.blocks.insert(BLOCK, block(BlockRules { loop_to_fill: true, ..free() }));
        let mut slots = slots;
        slots.sort();
        slots.dedup_by_key(|slot| slot.0);
        let clock_slots = slots.into_iter().map(|(offset, source, start, grace, items)| {
            let source = every_source(source);
            let mut slot = match start {
                0 => slot(offset, SlotStart::Free, source),
                1 => slot(offset, SlotStart::Soft { grace_ms: grace * 1_000 }, source),
                2 => slot(offset, SlotStart::Hard, source),
                _ => ClockSlot::next(source),
            };
            slot.items = (items > 0).then_some(items);
            slot
        });
        let mut world = ruled(world, clock_slots.collect());
        world.orders.legal_id = rule.map(|(before, after)| grimnir_events::clock::LegalIdRule {
            before_ms: before * 1_000,
            after_ms: after * 1_000,
            category: String::new(),
        });
        let plans = plan(&world, 4);
        for plan in &plans {
            for line in &plan.lines {
                if let Anchor::Hard { at } = line.anchor {
                    proptest::prop_assert_eq!(line.planned_at.frame(), at.frame());
                }
            }
        }
        let lines: Vec<(&HourPlan, &Line)> =
            plans.iter().flat_map(|plan| plan.lines.iter().map(move |line| (plan, line))).collect();
        for pair in lines.windows(2) {
            let ((of, before), (plan, line)) = (pair[0], pair[1]);
            let gap = line.planned_at.since(end(before));
            if gap > 1_000 {
                let noted = !plan.notes.is_empty() || !of.notes.is_empty();
                let waits = line.anchor != Anchor::AfterPrevious;
                proptest::prop_assert!(noted && waits, "{} ms before {:?}", gap / 1_000, line);
            }
            if gap < -1_000 {
                // Only a line with a time of its own comes before the other's end.
                let cuts = line.anchor != Anchor::AfterPrevious;
                proptest::prop_assert!(cuts, "{gap}: {before:?} {line:?}");
            }
        }
        let again = plan(&world, 4);
        proptest::prop_assert_eq!(plans, again);
    }
}

#[test]
fn what_was_stored_before_slots_had_positions_plans_the_same() {
    let world = ruled(station(), vec![slot(0, SlotStart::Hard, category("gold"))]);
    let old = grimnir_events::clock::ClockV1 {
        id: world.clock.as_ref().expect("a clock").id,
        name: "Clock".into(),
        slots: vec![grimnir_events::clock::SlotV1 {
            offset_ms: 0,
            start: SlotStart::Hard,
            source: category("gold"),
        }],
    };
    let before = World { clock: Some(old.into()), ..world.clone() };
    assert_eq!(plan(&before, 2), plan(&world, 2));
    assert!(media_of(Vec::new()).is_empty());
}
