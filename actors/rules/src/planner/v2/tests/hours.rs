//! Hours as a whole: equal inputs give equal bytes, and how an hour is asked for does not matter.

use super::*;
use crate::planner::plan_hour;
use grimnir_events::codec;

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
