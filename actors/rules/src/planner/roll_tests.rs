//! A plan as time goes on: extended, repaired line by line, told other times, looked through.

use super::invalid::{Invalid, Standing, invalid};
use super::problems::{Look, ProblemKind, Severity, problems};
use super::retime::retime;
use super::world::*;
use super::*;
use crate::given::given;
use crate::timeline::Timeline;
use crate::timeline::decide::HOUR_US;
use crate::timeline::state::Kept;
use entry::{Basis, entry};
use grimnir_events::details::{Daypart, ItemRules};
use grimnir_events::library::ItemKind;
use grimnir_events::roll::{Part, RepairReason};
use grimnir_events::smart_block::BlockRules;
use grimnir_events::timeline::{Anchor, Line, SlotSource, SlotStart};
use proptest::prelude::*;

type Plans = BTreeMap<UtcMicros, HourPlan>;

fn planned(world: &World, hours: impl Iterator<Item = i64>) -> Plans {
    let hours: Vec<UtcMicros> = hours.map(hour).collect();
    let plans = plan_hours(&world.inputs(), &BTreeMap::new(), &hours);
    plans.into_iter().map(|plan| (plan.hour, plan)).collect()
}

fn block(world: &mut World) -> SlotSource {
    let block_id = SmartBlockId([7; 16]);
    let rules = BlockRules { loop_to_fill: true, ..BlockRules::default() };
    let (name, description) = ("Block".into(), String::new());
    world.blocks.insert(block_id, SmartBlock { id: block_id, name, description, rules });
    SlotSource::SmartBlock { block_id }
}

/// A block until half past, then a category; items of many artists.
fn world() -> World {
    let mut world = World::of(songs(90), vec![]);
    let block = block(&mut world);
    world.clock = Some(clock(vec![
        slot(0, SlotStart::Soft { grace_ms: 60_000 }, block),
        slot(1_800, SlotStart::Hard, category("gold")),
    ]));
    world.settings.artist_separation_s = 1_200;
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn a_plan_extended_piece_by_piece_is_the_plan_made_at_once(
        cuts in prop::collection::vec(1i64..7, 4..10), songs_of in 40u16..90, start in 0i64..500,
    ) {
        let mut world = world();
        world.media = songs(songs_of);
        let total: i64 = cuts.iter().sum();
        let at_once = planned(&world, start..start + total);
        let (mut known, mut from) = (Plans::new(), start);
        for cut in cuts {
            let hours: Vec<UtcMicros> = (from..from + cut).map(hour).collect();
            for plan in plan_hours(&world.inputs(), &known, &hours) {
                known.insert(plan.hour, plan);
            }
            from += cut;
        }
        prop_assert_eq!(known, at_once);
    }
}

fn asked<'r>(line: &Line, at: i64, reason: &'r RepairReason) -> Repair<'r> {
    Repair { hour: hour(at), line_id: line.id, origin: None, run: &[], reason }
}

#[test]
fn a_removed_item_is_picked_again_for_its_place_alone_and_always_the_same() {
    let mut world = world();
    let plans = planned(&world, 0..6);
    for place in [2, 12] {
        let old = plans[&hour(3)].lines[place].clone();
        world.media.remove(&old.media_id);
        let reason = RepairReason::Removed;
        let repaired = repair(&world.inputs(), &plans, &asked(&old, 3, &reason)).expect("is there");
        assert_eq!(
            repair(&world.inputs(), &plans, &asked(&old, 3, &reason)).as_ref(),
            Some(&repaired)
        );
        let new = repaired.0.expect("another item");
        assert_ne!((new.media_id, new.id), (old.media_id, old.id));
        assert_eq!((new.planned_at, new.anchor), (old.planned_at, old.anchor));
        // Apart from what stands on both sides, by the station's rule.
        let near = plans.values().flat_map(|plan| &plan.lines).filter(|line| line.id != old.id);
        let near = near.filter(|line| {
            line.planned_at.since(new.planned_at).abs() < 1_200_000_000 && line.artist == new.artist
        });
        assert_eq!(near.count(), 0, "{}", new.artist);
        let off = (new.cues.airtime() - old.cues.airtime()).abs();
        assert!(off <= 60 * S, "{off} frames longer or shorter");
    }
}

#[test]
fn what_has_its_order_or_no_other_is_left_out() {
    let mut world = world();
    let playlist_id = PlaylistId([3; 16]);
    let ids: Vec<MediaId> = world.media.keys().copied().take(9).collect();
    world.playlists.insert(playlist_id, ("Serial".into(), ids));
    let plans = planned(&world, 0..2);
    let old = &plans[&hour(1)].lines[1];
    let reason = RepairReason::NotValid;
    let with = |source: SlotSource, part| {
        let origin = Origin { first: 0, slot: Some(0), source, part };
        let asked = Repair { origin: Some(&origin), ..asked(old, 1, &reason) };
        repair(&world.inputs(), &plans, &asked).expect("is there").0
    };
    assert_eq!(with(SlotSource::Playlist { playlist_id }, Part::Main), None);
    assert_eq!(with(SlotSource::HardItem { media_id: old.media_id }, Part::Main), None);
    assert!(with(SlotSource::HardItem { media_id: old.media_id }, Part::Fill).is_some());
    let shuffled = SlotSource::PlaylistBy {
        playlist_id,
        mode: grimnir_events::timeline::PlaylistMode::Shuffled,
    };
    let picked = with(shuffled, Part::Main).expect("one of nine");
    assert!(world.playlists[&playlist_id].1.contains(&picked.media_id));
    // A source that is gone gives way to what the clock says now.
    let gone = SlotSource::SmartBlock { block_id: SmartBlockId([9; 16]) };
    assert!(with(gone, Part::Main).is_some());
}

#[test]
fn other_audio_of_an_item_takes_the_place_of_the_old() {
    let mut world = world();
    let plans = planned(&world, 0..2);
    let old = &plans[&hour(1)].lines[2];
    let item = world.media.get_mut(&old.media_id).expect("is there");
    item.play_hash = grimnir_events::ContentHash([77; 32]);
    item.cues.segue -= 5 * S;
    item.cues.cue_out -= 5 * S;
    let reason = RepairReason::AudioReplaced;
    let (line, _) = repair(&world.inputs(), &plans, &asked(old, 1, &reason)).expect("is there");
    let line = line.expect("the same item");
    assert_eq!((line.media_id, line.play_hash.0[0]), (old.media_id, 77));
    assert_eq!(line.cues.airtime(), old.cues.airtime() - 5 * S);
}

pub(super) fn standing<T>(
    world: &World,
    kept: &BTreeMap<UtcMicros, Kept>,
    look: impl FnOnce(&Standing<'_>) -> T,
) -> T {
    let known = |id| world.media.get(&id).ok_or(RepairReason::Removed);
    let zone = hours::zone("Europe/Berlin");
    look(&Standing {
        known: &known,
        details: &world.details,
        kept,
        blocks: &world.blocks,
        playlist: &|id| world.playlists.contains_key(id),
        zone: &zone,
    })
}

#[test]
fn lines_that_cannot_stay_are_found_with_the_reason() {
    let mut world = world();
    let hours: Vec<UtcMicros> = (0..2).map(hour).collect();
    let with_origins = plan_with_origins(&world.inputs(), &BTreeMap::new(), &hours);
    let mut timeline = given::<Timeline>(&[]).at(HOUR);
    for (plan, origins) in &with_origins {
        for command in entry(plan, origins, Basis::default(), false) {
            timeline = timeline.when(command).given;
        }
    }
    let state = timeline.state;
    let look = |world: &World| {
        standing(world, &state.roll.hours, |standing| invalid(standing, state.hours.values(), HOUR))
    };
    assert_eq!(look(&world), []);
    let lines: Vec<Line> = state.hours[&hour(1)].lines.iter().take(5).cloned().collect();
    world.media.remove(&lines[0].media_id);
    let rules = |rules: ItemRules| MediaDetails { rules, ..MediaDetails::default() };
    let over = ItemRules { valid_to: Some(lines[1].planned_at), ..ItemRules::default() };
    let never = Daypart { days: 0, from_minute: 0, to_minute: 1 };
    let apart = ItemRules { dayparts: vec![never], ..ItemRules::default() };
    world.details.insert(lines[1].media_id, rules(over));
    world.details.insert(lines[2].media_id, rules(apart));
    let item = world.media.get_mut(&lines[3].media_id).expect("is there");
    item.play_hash = grimnir_events::ContentHash([77; 32]);
    let found = look(&world);
    let reason = |line: &Line| {
        let of = |invalid: &&Invalid| invalid.line_id == line.id;
        found.iter().find(of).map(|invalid| invalid.reason.clone())
    };
    let expected = [
        Some(RepairReason::Removed),
        Some(RepairReason::NotValid),
        Some(RepairReason::Daypart),
        Some(RepairReason::AudioReplaced),
        None,
    ];
    assert_eq!(lines.iter().map(reason).collect::<Vec<_>>(), expected);
    world.blocks.clear();
    let of_block = |line: &&Line| line.planned_at < hour(1).plus(HOUR_US / 2);
    let gone = look(&world).iter().filter(|i| i.reason == RepairReason::SourceGone).count();
    let from_block = state.hours.values().flat_map(|plan| &plan.lines).filter(of_block).count();
    assert!(gone > 8 && gone < from_block, "{gone} of {from_block}");
}

#[test]
fn a_plan_that_nobody_touched_is_told_no_other_times() {
    let world = world();
    let plans = planned(&world, 0..24);
    assert_eq!(retime(&world.settings, &plans, HOUR, &|_| false), []);
}

#[test]
fn what_follows_on_a_longer_line_moves_up_to_the_next_fixed_time() {
    let world = world();
    let mut plans = planned(&world, 0..3);
    let line = &mut plans.get_mut(&hour(1)).expect("is there").lines[1];
    line.cues.segue += 20 * S;
    line.cues.cue_out += 20 * S;
    let moved = retime(&world.settings, &plans, HOUR, &|_| false);
    let [(at, times)] = &moved[..] else { panic!("one hour: {moved:?}") };
    let plan = &plans[&hour(1)];
    let hard = plan.lines.iter().position(|line| matches!(line.anchor, Anchor::Hard { .. }));
    let hard = hard.expect("at half past");
    assert_eq!(*at, hour(1));
    let told: Vec<_> = times.iter().map(|time| time.line_id).collect();
    let behind: Vec<_> = plan.lines[2..hard].iter().map(|line| line.id).collect();
    assert_eq!(told, behind);
    assert_eq!(times[0].planned_at.since(plan.lines[2].planned_at), 20_000_000);
    // What has played keeps its times, and what comes next its own.
    let done: Vec<_> = plan.lines[..3].iter().map(|line| line.id).collect();
    assert_eq!(retime(&world.settings, &plans, HOUR, &|line| done.contains(line)), []);
    for (at, times) in &moved {
        for time in times {
            let lines = &mut plans.get_mut(at).expect("is there").lines;
            let line = lines.iter_mut().find(|line| line.id == time.line_id).expect("is there");
            line.planned_at = time.planned_at;
        }
    }
    assert_eq!(retime(&world.settings, &plans, HOUR, &|_| false), [], "told once");
}

#[test]
fn an_hour_of_very_many_items_is_planned_whole_and_entered_in_parts() {
    let short = (1..=900).map(|n| {
        let mut item = item(n, 8, "short");
        item.tags.title = format!("A title of a common length, number {n}");
        item
    });
    let mut world = World::of(media_of(short.collect()), vec![]);
    world.settings.crossfade_ms = 0;
    world.settings.artist_separation_s = 0;
    let (plan, origins) = plan_with_origins(&world.inputs(), &BTreeMap::new(), &[HOUR]).remove(0);
    assert!(plan.lines.len() > 440, "{} lines", plan.lines.len());
    let commands = entry(&plan, &origins, Basis::default(), false);
    assert!(commands.len() > 3, "{} commits", commands.len());
    let mut timeline = given::<Timeline>(&[]).at(HOUR);
    for command in commands {
        let answer = timeline.when(command);
        assert!(answer.result.is_ok(), "{:?}", answer.result);
        timeline = answer.given;
    }
    assert_eq!(timeline.state.hours[&HOUR], plan);
    let kept = &timeline.state.roll.hours[&HOUR];
    assert!(kept.is_whole() && plan.lines.iter().all(|line| kept.origin(&line.id).is_some()));
    assert_eq!(kept.record.plan, digest::plan(&plan));
}

#[test]
fn a_digest_tells_every_change_of_the_inputs_and_nothing_else() {
    let world = world();
    let of = |world: &World| {
        let library = digest::library(
            (&world.media).into(),
            &world.playlists,
            &world.details,
            &BTreeMap::new(),
        );
        digest::inputs(&world.inputs(), library)
    };
    let first = of(&world);
    let changes: [fn(&mut World); 8] = [
        |world| world.settings.crossfade_ms += 1,
        |world| world.rules.performance_complement = true,
        |world| world.blocks.values_mut().for_each(|block| block.rules.loop_to_fill = false),
        |world| world.clock.as_mut().expect("is there").slots[1].offset_ms = Some(1_799_000),
        |world| world.grid.week = vec![None; 168],
        |world| world.media.values_mut().for_each(|item| item.cues.segue -= 1),
        |world| drop(world.details.insert(MediaId([1; 16]), MediaDetails::default())),
        |world| drop(world.playlists.insert(PlaylistId([1; 16]), ("x".into(), vec![]))),
    ];
    let digests: BTreeSet<_> = changes
        .iter()
        .map(|change| {
            let mut other = world.clone();
            change(&mut other);
            of(&other)
        })
        .chain([first])
        .collect();
    assert_eq!(digests.len(), 9);
    let played = World {
        played: vec![Play {
            at: HOUR,
            media_id: MediaId([1; 16]),
            artist: String::new(),
            title: String::new(),
        }],
        ..world.clone()
    };
    assert_eq!(of(&played), first);
}

fn look_through(world: &World, plans: &Plans, legal_ids: bool) -> Vec<(ProblemKind, Severity)> {
    let kept = BTreeMap::new();
    let found = standing(world, &kept, |standing| {
        let (from, until) = (HOUR, hour(3));
        let settings = &world.settings;
        let instances = &[];
        problems(&Look { settings, hours: plans, standing, from, until, legal_ids, instances })
    });
    let mut found: Vec<_> = found.iter().map(|found| (found.kind, found.severity)).collect();
    found.dedup();
    found
}

#[test]
fn every_kind_of_problem_is_found_in_a_plan_that_has_it() {
    use ProblemKind::*;
    let world = world();
    let plans = planned(&world, 0..3);
    let cuts = look_through(&world, &plans, false);
    assert!(cuts.iter().all(|found| *found == (Cut, Severity::Info)), "{cuts:?}");
    let with = |change: &dyn Fn(&mut Plans, &mut World)| {
        let (mut plans, mut world) = (plans.clone(), world.clone());
        change(&mut plans, &mut world);
        look_through(&world, &plans, false)
    };
    let has = |found: Vec<_>, kind, severity| {
        assert!(found.contains(&(kind, severity)), "{kind:?} is not in {found:?}");
    };
    has(with(&|plans, _| drop(plans.remove(&hour(1)))), Unplanned, Severity::Critical);
    has(with(&|plans, _| drop(plans.remove(&hour(2)))), Unplanned, Severity::Warning);
    fn at(plans: &mut Plans) -> &mut Vec<Line> {
        &mut plans.get_mut(&hour(1)).expect("is there").lines
    }
    has(with(&|plans, _| at(plans).clear()), UnderFill, Severity::Critical);
    has(with(&|plans, _| drop(at(plans).pop())), UnderFill, Severity::Warning);
    let missing = with(&|plans, world| drop(world.media.remove(&at(plans)[1].media_id)));
    has(missing, MissingAudio, Severity::Critical);
    let gap = with(&|plans, _| drop(at(plans).remove(3)));
    has(gap, Gap, Severity::Warning);
    let collide = with(&|plans, _| {
        let hard = at(plans).iter().position(|line| matches!(line.anchor, Anchor::Hard { .. }));
        let (hard, lines) = (hard.expect("at half past"), at(plans));
        let just_before = hour(1).plus(HOUR_US / 2 - 2_000_000);
        lines[hard - 1].anchor = Anchor::Hard { at: just_before };
        lines[hard - 1].planned_at = just_before;
    });
    has(collide, Conflict, Severity::Critical);
    let squeezed = with(&|plans, _| {
        let lines = at(plans);
        lines[2].cues.segue += 1_500 * S;
        lines[2].cues.cue_out += 1_500 * S;
    });
    has(squeezed, Suppressed, Severity::Warning);
    let legal = look_through(&world, &plans, true);
    assert!(legal.contains(&(LegalIdMissing, Severity::Warning)), "{legal:?}");
    let mut named = plans.clone();
    named.values_mut().for_each(|plan| plan.lines[0].kind = ItemKind::LegalId);
    let legal = look_through(&world, &named, true);
    assert!(!legal.contains(&(LegalIdMissing, Severity::Warning)), "{legal:?}");
}

#[test]
fn a_line_that_a_hand_made_break_a_hard_rule_is_found() {
    let mut world = world();
    let mut plans = planned(&world, 0..3);
    let lines = &plans[&hour(1)].lines;
    let rest = |seconds| MediaDetails {
        rules: ItemRules { rest_s: Some(seconds), ..ItemRules::default() },
        ..MediaDetails::default()
    };
    let (first, other) = (lines[1].clone(), lines[6].clone());
    world.details.insert(first.media_id, rest(3_000));
    let stays = |line: &grimnir_events::LineId| *line == other.id;
    let breaks = |plans: &Plans| v2::breaks(&world.inputs(), plans, hour(1), &stays);
    assert_eq!(breaks(&plans), []);
    // A hand puts the same item there once more, and holds it.
    plans.get_mut(&hour(1)).expect("is there").lines[6].media_id = first.media_id;
    assert_eq!(breaks(&plans), [(first.id, "rest time of the item")]);
}
