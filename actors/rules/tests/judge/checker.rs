//! The judge: all rules over all plays, and what the plans' own notes excuse.

use super::clocks::Claims;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use super::{air, apart, breaks, clocks, criteria, ids, items, law, placed, sequence, shape};
use grimnir_events::timeline::HourPlan;
use grimnir_rules::planner::Play;
use std::collections::BTreeMap;

/// What was heard before the plans that are judged.
fn history(played: &[Play]) -> Vec<Take> {
    let mut takes: Vec<Take> = played
        .iter()
        .map(|play| Take {
            at: play.at,
            media_id: play.media_id,
            title: play.title.clone(),
            artist: play.artist.clone(),
            hour: usize::MAX,
            slot: None,
            inner: None,
            asked: Asked::Before,
        })
        .collect();
    takes.sort_by_key(|take| take.at);
    takes
}

/// The plays of the plans, after what was heard before, and what nobody asked for.
pub fn takes(world: &World, plans: &[HourPlan], claims: &Claims) -> (Vec<Take>, Vec<Complaint>) {
    let (mut all, mut found) = (history(&world.played), Vec::new());
    for (hour, plan) in plans.iter().enumerate() {
        found.extend(clocks::read(world, claims, plan, hour, &mut all));
    }
    (all, found)
}

/// Rules that are never relaxed, of every play.
pub fn firm(world: &World, takes: &[Take]) -> Vec<Complaint> {
    let judged = (0..takes.len()).filter(|at| takes[*at].asked != Asked::Before);
    judged
        .flat_map(|at| [items::item(world, takes, at), law::complement(world, takes, at)].concat())
        .collect()
}

/// Rules that may be relaxed, of every play.
pub fn soft(world: &World, takes: &[Take]) -> Vec<Complaint> {
    let judged = (0..takes.len()).filter(|at| takes[*at].asked != Asked::Before);
    judged
        .flat_map(|at| {
            [
                criteria::criteria(world, takes, at),
                apart::separation(world, takes, at),
                apart::quotas(world, takes, at),
                sequence::sequence(world, takes, at),
            ]
            .concat()
        })
        .collect()
}

/// How often an hour's notes admit a rule in a slot.
pub fn admitted(plan: &HourPlan, label: &str, rule: &str) -> usize {
    let times = |note: &String| {
        let rest = note.strip_prefix(&format!("{label}: {rule} relaxed "))?;
        rest.strip_suffix(" times")?.parse::<usize>().ok()
    };
    // What did not fit into the commit may have said anything.
    let cut = plan.notes.iter().any(|note| note.ends_with(" more notes"));
    if cut { usize::MAX } else { plan.notes.iter().filter_map(times).sum() }
}

/// What of these the notes do not admit.
pub fn unexcused(plans: &[HourPlan], found: Vec<Complaint>) -> Vec<Complaint> {
    let mut grouped: BTreeMap<(usize, String, String), Vec<Complaint>> = BTreeMap::new();
    for complaint in found {
        let key = (complaint.hour, complaint.label.clone(), complaint.rule.clone());
        grouped.entry(key).or_default().push(complaint);
    }
    let excess = |((hour, label, rule), found): ((usize, String, String), Vec<Complaint>)| {
        let excused = admitted(&plans[hour], &label, &rule);
        found.into_iter().skip(excused).collect::<Vec<_>>()
    };
    grouped.into_iter().flat_map(excess).collect()
}

/// All that is wrong with these plans, one after the other.
pub fn complaints(world: &World, plans: &[HourPlan], claims: &Claims) -> Vec<Complaint> {
    let (takes, refused) = takes(world, plans, claims);
    let mut found =
        [refused, air::chain(world, plans, &takes), air::records(world, plans)].concat();
    found.extend(firm(world, &takes));
    found.extend(unexcused(plans, soft(world, &takes)));
    for (hour, plan) in plans.iter().enumerate() {
        found.extend(shape::runs(world, &takes, plan, hour));
        found.extend(breaks::breaks(world, &takes, plan, hour));
        found.extend(placed::placed(world, &takes, plan, hour));
    }
    found.extend(ids::around_the_hours(world, plans, &takes));
    found
}

/// Fails with all that is wrong.
pub fn acquit(world: &World, plans: &[HourPlan], claims: &Claims, what: &str) {
    let found = complaints(world, plans, claims);
    let shown: Vec<String> = found
        .iter()
        .take(12)
        .map(|c| format!("hour {} {} {}: {}", c.hour, c.label, c.rule, c.what))
        .collect();
    let notes: Vec<&Vec<String>> =
        found.iter().take(2).filter_map(|c| plans.get(c.hour)).map(|plan| &plan.notes).collect();
    let shown = shown.join("\n");
    assert!(found.is_empty(), "{what}: {} complaints\n{shown}\nnotes: {notes:#?}", found.len());
}
