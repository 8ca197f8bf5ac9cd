//! Each rule broken once, and once just kept.

use super::*;
use crate::planner::hand::hand_line;
use crate::planner::world::{S, World, clock, hour, item, media_of, slot};
use grimnir_events::details::{Daypart, ItemRules, MediaDetails};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::{BlockRules, Field, Quota, SmartBlock};
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{Anchor, SlotSource, SlotStart};
use grimnir_events::{SmartBlockId, UtcMicros};

const SECOND: i64 = 1_000_000;

/// Items of `minutes` each, one after the other, from the first hour on.
fn planned(items: &[MediaItem], minutes: i64) -> BTreeMap<UtcMicros, HourPlan> {
    let mut hours = BTreeMap::new();
    for (n, item) in items.iter().enumerate() {
        let at = hour(0).plus(n as i64 * minutes * 60 * SECOND);
        let of = hour(n as i64 * minutes / 60);
        let mut item = item.clone();
        item.duration_frames = minutes * 60 * S;
        (item.cues.segue, item.cues.cue_out) = (item.duration_frames, item.duration_frames);
        let settings = StationSettings { crossfade_ms: 0, ..StationSettings::default() };
        let id = LineId([n as u8 + 1; 16]);
        let line = hand_line(&settings, &item, id, at, Anchor::AfterPrevious).expect("airs");
        let plan = hours.entry(of).or_insert_with(|| HourPlan {
            hour: of,
            lines: Vec::new(),
            input_seq: 1,
            seed: [0; 32],
            planner_version: 2,
            tzdb: String::new(),
            notes: Vec::new(),
        });
        plan.lines.push(line);
    }
    hours
}

fn songs(count: u16) -> Vec<MediaItem> {
    (1..=count).map(|n| item(n, 300, "gold")).collect()
}

fn world(items: &[MediaItem]) -> World {
    let mut world = World::of(media_of(items.to_vec()), vec![]);
    world.settings.artist_separation_s = 3_600;
    world.settings.title_separation_s = 0;
    world
}

fn judged(world: &World, hours: &BTreeMap<UtcMicros, HourPlan>) -> Vec<Violation> {
    violations(&world.inputs(), hours, hour(0), hour(24))
}

fn codes(found: &[Violation]) -> Vec<(&'static str, u8)> {
    found.iter().map(|v| (v.code, v.line_id.map_or(0, |id| id.0[0]))).collect()
}

#[test]
fn a_good_plan_breaks_nothing() {
    let items = songs(24);
    assert_eq!(judged(&world(&items), &planned(&items, 5)), []);
}

#[test]
fn alike_lines_are_kept_apart() {
    let mut items = songs(24);
    items[13].tags.artist = "Artist 1 feat. Artist 3".into();
    let hours = planned(&items, 5);
    let mut world = world(&items);
    let found = judged(&world, &hours);
    // 14 begins 65 minutes after 1, and 55 after 3.
    assert_eq!(codes(&found), [("artist_separation", 14)]);
    assert_eq!(found[0].severity, Severity::Soft);
    assert!(found[0].detail.contains("3300 s after \"artist 3\""), "{}", found[0].detail);
    world.settings.artist_separation_s = 3_300;
    assert_eq!(judged(&world, &hours), []);
    world.rules.separation.artist_sec = Some(3_301);
    assert_eq!(codes(&judged(&world, &hours)), [("artist_separation", 14)]);
    world.settings.title_separation_s = 7_200;
    let mut twice = items;
    twice[20].tags.title = " TITLE  2".into();
    world.media = media_of(twice.clone());
    let found = codes(&judged(&world, &planned(&twice, 5)));
    assert_eq!(found, [("artist_separation", 14), ("title_separation", 21)]);
}

#[test]
fn what_an_item_asks_for_itself_is_hard() {
    let items = songs(12);
    let hours = planned(&items, 5);
    let at = |n: i64| hour(0).plus(n * 300 * SECOND);
    let with = |n: usize, rules: ItemRules| {
        let mut world = world(&items);
        let details = MediaDetails { rules, ..MediaDetails::default() };
        world.details.insert(items[n].id, details);
        let found = judged(&world, &hours);
        assert!(found.iter().all(|v| v.severity == Severity::Hard));
        codes(&found)
    };
    let rules = ItemRules::default;
    assert_eq!(with(2, ItemRules { valid_from: Some(at(2)), ..rules() }), []);
    assert_eq!(
        with(2, ItemRules { valid_from: Some(at(2).plus(1)), ..rules() }),
        [("not_valid", 3)]
    );
    assert_eq!(with(2, ItemRules { valid_to: Some(at(2)), ..rules() }), [("not_valid", 3)]);
    // The first hour is 08:00 UTC on a Saturday, 10:00 in Berlin.
    let part = |from_minute| Daypart { days: 0b010_0000, from_minute, to_minute: 660 };
    assert_eq!(with(2, ItemRules { dayparts: vec![part(600)], ..rules() }), []);
    assert_eq!(with(2, ItemRules { dayparts: vec![part(620)], ..rules() }), [("daypart", 3)]);
    assert_eq!(with(2, ItemRules { play_limit: Some(0), ..rules() }), [("play_limit", 3)]);
    assert_eq!(with(2, ItemRules { play_limit: Some(1), ..rules() }), []);
    let mut twice = items.clone();
    twice[7] = items[2].clone();
    let mut world = world(&items);
    world.settings.artist_separation_s = 0;
    let details = |rest_s| MediaDetails {
        rules: ItemRules { rest_s: Some(rest_s), ..rules() },
        ..MediaDetails::default()
    };
    world.details.insert(items[2].id, details(1_500));
    assert_eq!(judged(&world, &planned(&twice, 5)), []);
    world.details.insert(items[2].id, details(1_501));
    assert_eq!(codes(&judged(&world, &planned(&twice, 5))), [("rest_time", 8)]);
    world.media.remove(&items[4].id);
    let found = codes(&judged(&world, &hours));
    assert_eq!(found, [("media_missing", 5)]);
}

#[test]
fn the_performance_complement_is_hard_where_it_is_switched_on() {
    let mut items = songs(24);
    for n in [0, 3, 6, 9] {
        items[n].tags.album = "Album".into();
    }
    let mut world = world(&items);
    assert_eq!(judged(&world, &planned(&items, 5)), []);
    world.rules.performance_complement = true;
    let found = judged(&world, &planned(&items, 5));
    assert_eq!(codes(&found), [("performance_complement", 10)]);
    assert_eq!(found[0].severity, Severity::Hard);
    items[1].tags.album = "Album".into();
    items[9].tags.album = String::new();
    items[2].kind = ItemKind::Imaging;
    world.media = media_of(items.clone());
    // 1, 2 and 4 in a row, for what is no track does not part them, and 7 is the fourth.
    let found = codes(&judged(&world, &planned(&items, 5)));
    assert_eq!(found, [("performance_complement", 4), ("performance_complement", 7)]);
}

#[test]
fn a_blocks_quotas_count_in_its_slots() {
    let mut items = songs(12);
    for n in [0, 1, 2, 7] {
        items[n].category = "power".into();
    }
    let mut world = world(&items);
    let block_id = SmartBlockId([9; 16]);
    let source = SlotSource::SmartBlock { block_id };
    let other = SlotSource::Category { category: "gold".into() };
    let slots = vec![slot(0, SlotStart::Free, source), slot(1_800, SlotStart::Free, other)];
    world.clock = Some(clock(slots));
    let mut with = |min, max, window_sec| {
        let values = vec!["Power".into()];
        let quota = Quota { field: Field::Category, values, min, max, window_sec };
        let rules = BlockRules { quotas: vec![quota], ..BlockRules::default() };
        let block =
            SmartBlock { id: block_id, name: "Block".into(), description: String::new(), rules };
        world.blocks.insert(block_id, block);
        codes(&judged(&world, &planned(&items, 5)))
    };
    assert_eq!(with(None, Some(3), 0), []);
    assert_eq!(with(None, Some(2), 0), [("quota", 3)], "and not 8, which the block did not give");
    assert_eq!(with(None, Some(2), 600), []);
    assert_eq!(with(None, Some(2), 601), [("quota", 3)]);
    assert_eq!(with(Some(3), None, 0), []);
    assert_eq!(with(Some(4), None, 0), [("quota", 6)]);
}

#[test]
fn hard_starts_that_collide_lines_without_room_and_gaps_are_told() {
    let items = songs(12);
    let world = world(&items);
    let mut hours = planned(&items, 5);
    let plan = hours.get_mut(&hour(0)).expect("is planned");
    let at = |seconds: i64| hour(0).plus(seconds * SECOND);
    plan.lines[4].anchor = Anchor::Hard { at: at(1_200) };
    plan.lines[5].anchor = Anchor::Hard { at: at(1_500) };
    assert_eq!(judged(&world, &hours), [], "where they fall anyway");
    let lines = hours[&hour(0)].lines.clone();
    let with = |n: usize, seconds| {
        let mut hours = hours.clone();
        let plan = hours.get_mut(&hour(0)).expect("is planned");
        plan.lines[n].anchor = Anchor::Hard { at: at(seconds) };
        codes(&judged(&world, &hours))
    };
    let least = lines[4].min_airtime / S;
    let close = with(5, 1_200 + least - 1);
    assert!(close.contains(&("hard_start_collision", 6)), "{close:?}");
    assert!(close.contains(&("will_not_air", 5)), "{close:?}");
    let cut = with(5, 1_440);
    assert!(cut.contains(&("cut_short", 5)), "{cut:?}");
    assert!(!cut.iter().any(|(code, _)| *code == "hard_start_collision"), "{cut:?}");
    assert!(cut.contains(&("under_fill", 0)), "the hour ends a minute early: {cut:?}");
    let gap = with(5, 1_560);
    assert!(gap.contains(&("gap", 0)), "{gap:?}");
}

#[test]
fn only_what_is_new_is_told_of_an_edit() {
    let found = |code, n: u8, detail: &str| Violation {
        at: hour(0),
        code,
        severity: Severity::Soft,
        hour: hour(0),
        line_id: (n > 0).then_some(LineId([n; 16])),
        detail: detail.into(),
    };
    let before = [found("quota", 1, "a"), found("gap", 0, "b")];
    let after = vec![
        found("quota", 1, "other words"),
        found("quota", 2, "a"),
        found("gap", 0, "b"),
        found("gap", 0, "c"),
    ];
    assert_eq!(newly(&before, after), [found("quota", 2, "a"), found("gap", 0, "c")]);
}
