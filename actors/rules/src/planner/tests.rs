//! What the planner makes of a library and a clock.

use super::chain::line_id;
use super::world::*;
use super::*;
use crate::timeline::decide::HOUR_US;
use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::codec;
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::{Anchor, Line, SlotSource, SlotStart, Transition};

fn v1_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &[UtcMicros],
) -> Vec<HourPlan> {
    plan_hours_by(1, inputs, planned, hours).expect("is known")
}

fn v1_hour(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
) -> HourPlan {
    v1_hours(inputs, planned, &[hour]).remove(0)
}

fn lines_of(plans: &[HourPlan]) -> Vec<&Line> {
    plans.iter().flat_map(|plan| &plan.lines).collect()
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_a_thousand_hours() {
    let world = World::of(songs(40), vec![]);
    let bytes = |plan: &HourPlan| codec::encode(plan).expect("encodes").bytes;
    let (mut different, mut last) = (0, Vec::new());
    for n in 0..1_000 {
        let plan = |_| v1_hour(&world.inputs(), &BTreeMap::new(), hour(n));
        let first = bytes(&plan(1));
        assert_eq!(first, bytes(&plan(2)), "hour {n}");
        different += u32::from(first != last);
        last = first;
    }
    assert_eq!(different, 1_000, "every hour has a seed of its own");
}

#[test]
fn another_station_has_other_picks() {
    let world = World::of(songs(40), vec![]);
    let other = World { station: 1, ..world.clone() };
    let titles = |world: &World| -> Vec<String> {
        lines_of(&world.plan(1)).iter().map(|line| line.title.clone()).collect()
    };
    assert_ne!(titles(&world), titles(&other));
}

#[test]
fn a_day_planned_hour_by_hour_is_the_day_planned_at_once() {
    let playlist = PlaylistId([3; 16]);
    let mut world = World::of(
        songs(60),
        vec![
            slot(0, SlotStart::Hard, SlotSource::Playlist { playlist_id: playlist }),
            slot(1_200, SlotStart::Soft { grace_ms: 60_000 }, category("gold")),
            slot(3_000, SlotStart::Free, category("")),
        ],
    );
    let ids: Vec<MediaId> = world.media.keys().copied().take(7).collect();
    world.playlists.insert(playlist, ("Seven".into(), ids));
    let at_once = world.plan(24);
    let mut known = BTreeMap::new();
    for n in 0..24 {
        let plan = v1_hour(&world.inputs(), &known, hour(n));
        known.insert(plan.hour, plan);
    }
    assert_eq!(at_once, known.into_values().collect::<Vec<_>>());
}

#[test]
fn a_playlist_goes_on_in_its_order_over_hours_and_edits() {
    let playlist_id = PlaylistId([3; 16]);
    let source = SlotSource::Playlist { playlist_id };
    let slots = vec![
        slot(0, SlotStart::Free, source.clone()),
        slot(900, SlotStart::Free, category("")),
        slot(2_400, SlotStart::Free, source),
    ];
    let mut world = World::of(songs(20), slots);
    let ids: Vec<MediaId> = world.media.keys().copied().collect();
    // One item stands twice: what comes after it tells which of the two was last.
    let order = vec![ids[0], ids[1], ids[2], ids[1], ids[3], ids[4], ids[5]];
    world.playlists.insert(playlist_id, ("Order".into(), order.clone()));
    let plans = world.plan(12);
    let mut expected = order.iter().cycle();
    for plan in &plans {
        for (index, line) in plan.lines.iter().enumerate() {
            let station = StationId([0; 16]);
            let own = |playlist| {
                (index..index + 3).any(|index| {
                    line_id(station, plan.hour, index, line.media_id, playlist) == line.id
                })
            };
            if own(Some(playlist_id)) {
                assert_eq!(Some(&line.media_id), expected.next(), "{} {index}", plan.hour);
            } else {
                assert!(own(None), "an id is that of its place");
            }
        }
    }
}

#[test]
fn items_gone_from_a_playlist_are_passed_over() {
    let playlist_id = PlaylistId([3; 16]);
    let slots = vec![slot(0, SlotStart::Free, SlotSource::Playlist { playlist_id })];
    let mut world = World::of(songs(4), slots);
    let mut ids: Vec<MediaId> = world.media.keys().copied().collect();
    ids.insert(1, MediaId([0xEE; 16]));
    world.playlists.insert(playlist_id, ("List".into(), ids.clone()));
    let plans = world.plan(1);
    let played: Vec<MediaId> = plans[0].lines.iter().take(5).map(|line| line.media_id).collect();
    assert_eq!(played, [ids[0], ids[2], ids[3], ids[4], ids[0]]);
    assert!(plans[0].notes.is_empty());
}

#[test]
fn an_hour_adds_cue_in_to_segue_lengths_up_to_its_end_and_not_much_over() {
    let world = World::of(songs(60), vec![]);
    let plans = world.plan(24);
    let all = lines_of(&plans);
    for pair in all.windows(2) {
        let expected = pair[0].planned_at.frame().plus(pair[0].cues.airtime());
        assert_eq!(pair[1].planned_at.frame(), expected, "one chain over all hours");
    }
    for plan in &plans {
        let last = plan.lines.last().expect("has lines");
        let end = plan.hour.plus(HOUR_US);
        assert!(last.planned_at < end, "nothing is planned to be dropped");
        assert!(last.planned_at.frame().plus(last.cues.airtime()) >= end.frame());
        let first = plan.lines[0].anchor;
        assert_eq!(first, Anchor::Soft { at: plan.hour, grace_us: 600_000_000 });
        assert!(plan.lines[1..].iter().all(|line| line.anchor == Anchor::AfterPrevious));
    }
}

fn berlin() -> jiff::tz::TimeZone {
    hours::zone("Europe/Berlin")
}

#[test]
fn a_change_of_local_time_neither_doubles_nor_skips_an_hour() {
    // 2026-10-25 in Europe/Berlin: 02:00 to 03:00 comes twice. 2026-03-29: it does not come.
    for start in ["2026-10-24T22:10:00Z", "2026-03-28T22:59:59.999999Z"] {
        let now: jiff::Timestamp = start.parse().expect("a time");
        let now_us = UtcMicros(now.as_microsecond());
        let hours = hours_to_plan(&berlin(), now_us, &BTreeSet::new(), 24);
        assert_eq!(hours.len(), 24);
        assert!(hours.windows(2).all(|pair| pair[1].since(pair[0]) == HOUR_US));
        assert!(hours[0].0 <= now.as_microsecond() && hours[1].0 > now.as_microsecond());
        let world = World::of(songs(60), vec![]);
        let plans = v1_hours(&world.inputs(), &BTreeMap::new(), &hours);
        let ids: BTreeSet<_> = lines_of(&plans).iter().map(|line| line.id).collect();
        assert_eq!(ids.len(), lines_of(&plans).len(), "every line is one of its own");
    }
}

#[test]
fn after_a_change_of_zone_the_begun_hour_goes_on_and_the_coming_ones_are_stale() {
    let planned: BTreeSet<UtcMicros> = [hour(0), hour(1), hour(2)].into();
    let (now, kolkata) = (HOUR.plus(600_000_000), hours::zone("Asia/Kolkata"));
    let half = |n: i64| hour(n).plus(HOUR_US / 2);
    assert_eq!(hours_to_plan(&kolkata, now, &planned, 3), [half(0), half(1)]);
    assert_eq!(stale_hours(&kolkata, now, &planned), [hour(1), hour(2)]);
    assert_eq!(hours_to_plan(&kolkata, now, &BTreeSet::new(), 2), [half(-1), half(0)]);
    assert_eq!(stale_hours(&berlin(), now, &planned), []);
}

#[test]
fn planned_hours_are_not_asked_for_again() {
    let planned: BTreeSet<UtcMicros> = [hour(0), hour(2)].into();
    assert_eq!(hours_to_plan(&berlin(), HOUR.plus(5), &planned, 4), [hour(1), hour(3)]);
    // Where the calendar ends, so do its hours.
    for micros in [i64::MIN, i64::MAX] {
        assert!(hours_to_plan(&berlin(), UtcMicros(micros), &BTreeSet::new(), 2).len() < 200);
    }
}

#[test]
fn a_hard_slot_starts_on_its_time_and_what_is_before_it_is_planned_for() {
    let mut id = item(900, 12, "id");
    id.kind = ItemKind::LegalId;
    let hard_item = SlotSource::HardItem { media_id: id.id };
    let slots = vec![
        slot(0, SlotStart::Hard, hard_item),
        slot(12, SlotStart::Free, category("gold")),
        slot(1_800, SlotStart::Hard, category("gold")),
    ];
    let mut world = World::of(songs(60), slots);
    world.media.insert(id.id, id.clone());
    for plan in world.plan(24) {
        assert_eq!((plan.lines[0].media_id, plan.lines[0].planned_at), (id.id, plan.hour));
        assert_eq!(plan.lines[0].anchor, Anchor::Hard { at: plan.hour });
        assert_eq!(plan.lines[0].transition, Transition::Segue, "an identification is not faded");
        let at = plan.hour.plus(1_800_000_000);
        let hard: Vec<_> = plan.lines.iter().filter(|l| l.anchor == Anchor::Hard { at }).collect();
        assert_eq!((hard.len(), hard[0].planned_at), (1, at));
        let last = plan.lines.last().expect("has lines");
        assert_eq!(last.transition, Transition::Segue, "it hands over to the identification");
    }
}

#[test]
fn an_empty_library_gives_a_plan_without_lines_and_a_note() {
    let slots = vec![slot(0, SlotStart::Free, category("gold"))];
    for world in [World::default(), World::of(BTreeMap::new(), slots)] {
        let plans = world.plan(2);
        assert!(plans.iter().all(|plan| plan.lines.is_empty() && !plan.notes.is_empty()));
    }
}

#[test]
fn without_a_clock_packaging_is_left_out() {
    let mut world = World::of(songs(12), vec![]);
    for (n, kind) in [
        (100, ItemKind::LegalId),
        (101, ItemKind::Spot),
        (102, ItemKind::Imaging),
        (103, ItemKind::Emergency),
    ] {
        let item = MediaItem { kind, ..item(n, 100, "gold") };
        world.media.insert(item.id, item);
    }
    assert!(lines_of(&world.plan(24)).iter().all(|line| line.kind == ItemKind::Music));
}

#[test]
fn a_source_that_ends_early_is_followed_by_the_library() {
    let one = item(1, 200, "one");
    let slots = vec![slot(0, SlotStart::Free, SlotSource::HardItem { media_id: one.id })];
    let mut world = World::of(songs(30), slots);
    world.media.insert(one.id, one.clone());
    for plan in world.plan(3) {
        assert_eq!(plan.lines[0].media_id, one.id);
        let last = plan.lines.last().expect("has lines");
        assert!(last.planned_at >= plan.hour.plus(3_000_000_000), "the hour is filled");
        assert!(plan.notes.iter().any(|note| note.contains("filled from the library")));
    }
}

#[test]
fn an_hour_after_one_that_ends_early_waits_for_its_time() {
    let mut id = item(1, 8, "id");
    id.kind = ItemKind::LegalId;
    let slots = vec![slot(0, SlotStart::Free, SlotSource::HardItem { media_id: id.id })];
    let plans = World::of(media_of(vec![id]), slots).plan(3);
    assert_eq!(plans[0].lines.len(), 1);
    assert_eq!(plans[2].lines[0].anchor, Anchor::Hard { at: plans[2].hour });
}

#[test]
fn an_hour_of_tiny_items_stays_within_a_commit() {
    let mut items: Vec<MediaItem> = (1..400).map(|n| item(n, 2, "gold")).collect();
    for item in &mut items {
        item.tags.title = "ü".repeat(900);
        item.tags.artist = "ü".repeat(900);
        item.category = "ü".repeat(100);
    }
    let slots = (0..200).map(|n| slot(n * 18, SlotStart::Free, category("none"))).collect();
    for world in [World::of(media_of(items.clone()), vec![]), World::of(media_of(items), slots)] {
        for plan in world.plan(3) {
            let bytes = codec::encode(&plan).expect("encodes").bytes.len();
            assert!(bytes <= crate::timeline::decide::MAX_PLAN_BYTES, "{bytes} bytes");
            assert!(plan.lines.len() <= 150);
            assert!(!plan.notes.is_empty());
        }
    }
}

#[test]
fn gain_levels_without_a_true_peak_above_the_limit() {
    let settings = StationSettings::default();
    let gain = |loudness, peak| {
        let mut item = item(1, 100, "");
        (item.loudness_lufs_x100, item.true_peak_dbtp_x100) = (loudness, peak);
        gain_db_x100(&item, &settings)
    };
    assert_eq!(gain(Some(-1_000), Some(50)), -600);
    assert_eq!(gain(Some(-2_300), Some(-1_000)), 700);
    assert_eq!(gain(Some(-2_300), Some(-500)), 400, "the peak ends at -1 dBTP");
    assert_eq!(gain(Some(-1_600), Some(100)), -200, "a hot peak is brought down");
    assert_eq!((gain(None, None), gain(Some(-3_000), None)), (0, 0));
    assert!(gain(Some(i32::MIN), Some(i32::MIN)) > 0, "no overflow at the ends");
}

#[test]
fn crossfades_are_set_between_long_items_and_own_marks_are_kept() {
    let mut world = World::of(songs(20), vec![]);
    world.settings.crossfade_ms = 4_000;
    for line in world.media.values_mut().step_by(2) {
        line.cues.segue -= 7 * S;
    }
    for line in lines_of(&world.plan(6)) {
        let own = world.media[&line.media_id].cues;
        assert_eq!((line.cues.cue_in, line.cues.cue_out), (own.cue_in, own.cue_out));
        if own.segue < own.cue_out {
            assert_eq!((line.cues, line.transition), (own, Transition::Segue));
        } else {
            assert_eq!(line.cues.segue, own.cue_out - 4 * S);
            let curve = FadeCurve::EqualPower;
            assert_eq!(line.transition, Transition::Crossfade { curve });
        }
    }
}

#[test]
fn a_whole_day_resolves_to_its_planned_times() {
    let mut id = item(900, 12, "id");
    id.kind = ItemKind::LegalId;
    let hard_item = SlotSource::HardItem { media_id: id.id };
    let slots = vec![
        slot(0, SlotStart::Soft { grace_ms: 90_000 }, hard_item),
        slot(12, SlotStart::Free, category("gold")),
        slot(1_200, SlotStart::Soft { grace_ms: 20_000 }, category("")),
        slot(2_400, SlotStart::Hard, category("gold")),
    ];
    let mut world = World::of(songs(80), slots);
    world.media.insert(id.id, id);
    let plans = world.plan(24);
    let lines: Vec<Line> = plans.into_iter().flat_map(|plan| plan.lines).collect();
    let cursor = Cursor { at: HOUR.frame(), playing: None };
    let (curve, anchor_fade_frames) = (FadeCurve::EqualPower, ANCHOR_FADE_FRAMES);
    let settings = ResolveSettings { crossfade_frames: 0, curve, anchor_fade_frames };
    let day = resolve(&lines, &cursor, &settings);
    assert_eq!((day.dropped, day.moved), (vec![], vec![]));
    for resolved in &day.lines {
        let line = &lines[resolved.index];
        assert_eq!(resolved.start, line.planned_at.frame(), "{} {}", line.title, line.planned_at);
    }
}
