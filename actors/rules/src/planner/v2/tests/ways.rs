//! Hours that the rules leave silent: filled in other ways, and never against what is not relaxed.

use super::*;
use crate::planner::world::{category, media_of};
use grimnir_events::UtcMicros;
use std::collections::BTreeMap as Map;

/// Songs of two albums under the performance complement, which lets six of them air in three hours.
fn scarce() -> World {
    let song = |n: u16| {
        let mut item = item(n, 100 + i64::from(n) * 25, "gold");
        item.tags.album = format!("Album {}", n % 2);
        item
    };
    let slots = vec![slot(0, SlotStart::Free, category("gold"))];
    let mut world = World::of(media_of((1..=8).map(song).collect()), slots);
    world.rules.performance_complement = true;
    world
}

fn told(plan: &HourPlan) -> Vec<&String> {
    plan.notes.iter().filter(|note| note.starts_with("the rules leave ")).collect()
}

#[test]
fn a_silent_hour_is_filled_in_another_way_that_says_so_and_keeps_the_law() {
    let world = scarce();
    let plan = plan(&world, 1).remove(0);
    let airtime: i64 = plan.lines.iter().map(|line| line.cues.airtime()).sum();
    let longest: i64 = [8, 7, 6, 5, 4, 3].map(|n| 100 + n * 25).iter().sum();
    assert!(airtime >= longest * S - 6 * 6 * S, "{} s: {:?}", airtime / S, plan.notes);
    assert_eq!(told(&plan).len(), 1, "{:?}", plan.notes);
    assert_eq!(plan.lines.len(), 6, "three of each album");
    let mut albums: Map<u16, usize> = Map::new();
    plan.lines.iter().for_each(|l| *albums.entry(number(l.media_id) % 2).or_default() += 1);
    assert_eq!(albums.into_values().collect::<Vec<_>>(), [3, 3]);
    // What it relaxed for that is told.
    let twice = plan
        .lines
        .iter()
        .any(|line| plan.lines.iter().filter(|other| other.media_id == line.media_id).count() > 1);
    let admitted = plan.notes.iter().any(|note| note.contains("title separation"));
    assert_eq!(twice, admitted, "{:?}", plan.notes);
}

#[test]
fn an_hour_that_the_rules_fill_knows_no_other_way() {
    let mut world = scarce();
    world.rules.performance_complement = false;
    let plan = plan(&world, 1).remove(0);
    assert_eq!(told(&plan), [&""; 0]);
    assert!(plan.lines.len() > 12, "{:?}", plan.lines.len());
}

#[test]
fn an_explained_hour_tells_of_the_picks_that_stand() {
    let world = scarce();
    let known = Map::new();
    let explained = explain_hour(&world.inputs(), &known, hour(0));
    assert_eq!(explained.plan, plan(&world, 1).remove(0));
    let picked: Vec<_> = explained.picks.iter().filter_map(|(line, _)| *line).collect();
    let lines: Vec<_> = explained.plan.lines.iter().map(|line| line.id).collect();
    assert_eq!(picked, lines);
    let at: Vec<UtcMicros> = explained.picks.iter().map(|(_, trace)| trace.at).collect();
    assert!(at.is_sorted(), "picks of one way: {at:?}");
    for (line, trace) in explained.picks.iter().filter(|(line, _)| line.is_some()) {
        let relaxed = trace.relaxed.iter().filter(|rule| *rule != "fit");
        for rule in relaxed {
            let noted = explained.plan.notes.iter().any(|note| note.contains(rule.as_str()));
            assert!(noted, "{line:?} relaxed {rule}: {:?}", explained.plan.notes);
        }
    }
}

#[test]
fn a_way_that_does_not_weigh_counts_exclusions_alone() {
    use super::super::pick::{EXCLUDE, QUOTA, REST};
    use super::super::ways::Way;
    let broken = EXCLUDE | QUOTA | REST;
    assert_eq!([Way::Rules, Way::Long].map(|way| way.counted(broken)), [broken; 2]);
    assert_eq!([Way::Rested, Way::Most].map(|way| way.counted(broken)), [EXCLUDE; 2]);
    assert_eq!([Way::Rested, Way::Most].map(|way| way.counted(QUOTA)), [0; 2]);
}
