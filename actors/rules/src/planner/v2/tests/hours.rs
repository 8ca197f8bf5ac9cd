//! Hours as a whole: equal inputs give equal bytes, and how an hour is asked for does not matter.

use super::*;
use crate::planner::world::{category, songs};
use crate::planner::{hours, hours_to_plan, plan_hour};
use grimnir_events::grid::Grid;
use grimnir_events::timeline::FormatClock;
use grimnir_events::{ClockId, codec};

fn rich() -> World {
    let rules = BlockRules {
        weights: vec![Weight { rule: rule(Field::Mood, Op::Is, text("calm")), weight_x100: 50 }],
        quotas: vec![Quota {
            field: Field::Genre,
            values: vec!["rock".into()],
            min: Some(1),
            max: Some(4),
            window_sec: 3_600,
        }],
        ..BlockRules::default()
    };
    let mut world = blocked(90, rules);
    let playlist_id = PlaylistId([3; 16]);
    let by = |mode| SlotSource::PlaylistBy { playlist_id, mode };
    let slots = vec![
        slot(0, SlotStart::Hard, SlotSource::SmartBlock { block_id: BLOCK }),
        slot(900, SlotStart::Free, by(PlaylistMode::Sequential)),
        slot(1_500, SlotStart::Soft { grace_ms: 60_000 }, by(PlaylistMode::Shuffled)),
        slot(2_100, SlotStart::Free, by(PlaylistMode::Rotation)),
        slot(2_700, SlotStart::Hard, crate::planner::world::category("gold")),
    ];
    world.clock = Some(crate::planner::world::clock(slots));
    world.playlists.insert(playlist_id, ("List".into(), (1..=20).map(media).collect()));
    world.rules.performance_complement = true;
    world
}

fn bytes(plans: &[HourPlan]) -> Vec<u8> {
    plans.iter().flat_map(|plan| codec::encode(plan).expect("encodes").bytes).collect()
}

#[test]
fn equal_inputs_give_equal_bytes_and_every_seed_its_own() {
    let mut world = rich();
    let mut seen = BTreeSet::new();
    for station in 0..40 {
        world.station = station;
        let first = bytes(&plan(&world, 2));
        assert_eq!(first, bytes(&plan(&world, 2)), "station {station}");
        assert!(seen.insert(first), "station {station} has picks of its own");
    }
}

#[test]
fn what_does_not_concern_the_hours_changes_nothing() {
    let world = rich();
    let before = bytes(&plan(&world, 6));
    let mut other = rich();
    other.station = 77;
    assert_ne!(bytes(&plan(&other, 6)), before);
    let mut more = world.clone();
    let mut unused = block(BlockRules {
        separation: BlockSeparation {
            fields: vec![FieldSeparation { field: Field::Language, sec: 600 }],
            ..apart(60)
        },
        ..BlockRules::default()
    });
    unused.id = SmartBlockId([1; 16]);
    more.blocks.insert(unused.id, unused);
    assert_eq!(bytes(&plan(&more, 6)), before, "a block that no slot names");
}

#[test]
fn a_day_hour_by_hour_is_the_day_at_once() {
    let world = rich();
    let at_once = plan(&world, 24);
    let mut known = BTreeMap::new();
    for n in 0..24 {
        let plan = plan_hour(&world.inputs(), &known, hour(n));
        known.insert(plan.hour, plan);
    }
    assert_eq!(at_once, known.into_values().collect::<Vec<_>>());
    assert!(at_once.iter().all(|plan| plan.planner_version == 2));
}

#[test]
fn an_hour_between_planned_ones_keeps_its_distance_from_both() {
    let mut rules = free();
    rules.separation.artist_sec = Some(1_800);
    let world = blocked(90, rules);
    let mut known: BTreeMap<UtcMicros, HourPlan> =
        plan(&world, 3).into_iter().map(|plan| (plan.hour, plan)).collect();
    let held = known.remove(&hour(1)).expect("planned");
    // Other items than before: what was picked is gone.
    let mut less = world.clone();
    for line in &held.lines {
        less.media.remove(&line.media_id);
    }
    let again = plan_hour(&less.inputs(), &known, hour(1));
    assert!(!again.lines.is_empty() && again.notes.is_empty(), "{:?}", again.notes);
    for line in &again.lines {
        for other in known.values().flat_map(|plan| &plan.lines) {
            let apart = (line.planned_at.0 - other.planned_at.0).abs();
            assert!(line.artist != other.artist || apart >= 1_800_000_000, "{}", line.artist);
        }
    }
}

#[test]
fn explaining_an_hour_plans_the_very_same_hour() {
    let world = rich();
    let plans = plan(&world, 3);
    let known: BTreeMap<_, _> = plans.iter().map(|plan| (plan.hour, plan.clone())).collect();
    let explained = explain_hour(&world.inputs(), &known, hour(2));
    assert_eq!(explained.plan, plans[2]);
    let picked = explained.picks.iter().filter(|(id, _)| id.is_some());
    assert!(picked.clone().count() >= 10);
    for (id, trace) in picked {
        assert!(trace.candidates > 0 && trace.hole.is_none() && trace.seed.len() == 64);
        assert_eq!(trace.ranking.first().map(|first| first.media_id), trace.picked);
        let winner = &trace.ranking[0];
        let sum = 100 + winner.weights + winner.rest + winner.curve + winner.chance;
        assert_eq!(winner.total, sum, "the parts are the whole");
        let line = plans[2].lines.iter().find(|line| Some(line.id) == *id);
        assert!(line.is_none_or(|line| Some(line.media_id) == trace.picked));
    }
    let removed = explained.picks.iter().flat_map(|(_, trace)| trace.removed.keys());
    let removed: BTreeSet<&String> = removed.collect();
    assert!(removed.iter().any(|rule| rule.starts_with("artist separation")), "{removed:?}");
}

#[test]
fn playlists_go_on_in_their_mode() {
    let playlist_id = PlaylistId([3; 16]);
    let played = |mode| {
        let mut world = world(30);
        let source = SlotSource::PlaylistBy { playlist_id, mode };
        let slots = vec![slot(0, SlotStart::Free, source)];
        world.clock = Some(crate::planner::world::clock(slots));
        world.playlists.insert(playlist_id, ("List".into(), (1..=12).map(media).collect()));
        (world.settings.artist_separation_s, world.settings.title_separation_s) = (0, 0);
        let plans = plan(&world, 4);
        plans.iter().flat_map(|plan| numbers(&plan.lines)).collect::<Vec<u16>>()
    };
    let order = played(PlaylistMode::Sequential);
    assert!(order.iter().zip((1..=12).cycle()).all(|(found, wanted)| *found == wanted));
    let rotated = played(PlaylistMode::Rotation);
    let first: BTreeSet<u16> = rotated[..12].iter().copied().collect();
    assert_eq!(first.len(), 12, "everything comes once before anything comes twice");
    assert!(rotated.iter().skip(12).zip(&rotated).all(|(later, earlier)| later == earlier));
    let shuffled = played(PlaylistMode::Shuffled);
    assert_ne!(shuffled[..12], order[..12]);
    for (at, found) in shuffled.iter().enumerate() {
        let before = &shuffled[at.saturating_sub(6)..at];
        assert!(!before.contains(found), "half of the others come in between");
    }
    assert!(shuffled.iter().skip(12).zip(&shuffled).any(|(later, earlier)| later != earlier));
}

/// A clock of one category, by its number.
fn of_category(n: u8, name: &str) -> FormatClock {
    let slots = vec![slot(0, SlotStart::Free, category(name))];
    FormatClock { id: ClockId([n; 16]), name: name.into(), slots, min_airtime_ms: None }
}

#[test]
fn each_hour_is_filled_by_the_clock_that_the_grid_gives_it_in_the_stations_own_time() {
    let mut world = World::of(songs(60), vec![]);
    for (n, item) in world.media.values_mut().enumerate() {
        item.category = ["gold", "new"][n % 2].into();
    }
    world.clock = Some(of_category(1, "gold"));
    world.clocks = [of_category(1, "gold"), of_category(2, "new")].map(|c| (c.id, c)).into();
    let mut week = vec![None; 168];
    // Saturday, 2026-11-21, 14:00 to 15:00 in Kolkata is 08:30 to 09:30 of UTC.
    week[5 * 24 + 14] = Some(ClockId([2; 16]));
    world.grid = Grid { week, sets: vec![] };
    let at =
        |text: &str| UtcMicros(text.parse::<jiff::Timestamp>().expect("a time").as_microsecond());
    let inputs = PlanInputs { time_zone: "Asia/Kolkata", ..world.inputs() };
    let zone = hours::zone(inputs.time_zone);
    let now = at("2026-11-21T07:45:00Z");
    let begins = hours_to_plan(&zone, now, &BTreeSet::new(), 3);
    assert_eq!(begins, ["07:30", "08:30", "09:30"].map(|t| at(&format!("2026-11-21T{t}:00Z"))));
    let plans = plan_hours(&inputs, &BTreeMap::new(), &begins);
    for (plan, expected) in plans.iter().zip(["gold", "new", "gold"]) {
        let found: BTreeSet<&str> =
            plan.lines.iter().map(|line| world.media[&line.media_id].category.as_str()).collect();
        assert_eq!(found, [expected].into(), "{}", plan.hour);
        let last = plan.lines.last().expect("lines");
        let end = plan.hour.plus(3_600_000_000);
        assert!(last.planned_at < end);
        assert!(last.planned_at.frame().plus(last.cues.airtime()) >= end.frame());
    }
}

#[test]
fn a_part_of_an_hour_is_filled_to_its_end_and_no_further() {
    let world = World::of(songs(60), vec![slot(0, SlotStart::Hard, category("gold"))]);
    let inputs = PlanInputs { time_zone: "Australia/Lord_Howe", ..world.inputs() };
    let zone = hours::zone(inputs.time_zone);
    // 2026-10-04: 02:00 becomes 02:30, half an hour before 03:00.
    let now: jiff::Timestamp = "2026-10-03T15:00:00Z".parse().expect("a time");
    let now = UtcMicros(now.as_microsecond());
    let begins = hours_to_plan(&zone, now, &BTreeSet::new(), 3);
    assert_eq!(begins[1].since(begins[0]), 3_600_000_000);
    assert_eq!(begins[2].since(begins[1]), 1_800_000_000);
    let plans = plan_hours(&inputs, &BTreeMap::new(), &begins);
    let lines = plans.iter().flat_map(|plan| &plan.lines);
    let starts: Vec<UtcMicros> = lines.map(|line| line.planned_at).collect();
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "one chain, nothing twice");
    let part = &plans[1];
    assert!(part.lines.iter().all(|line| line.planned_at < begins[2]), "{:?}", part.notes);
    assert!(part.lines.len() >= 6, "half an hour of songs of 150 to 270 s: {}", part.lines.len());
}
