//! The shape of one run of a block: which items, how many, how long, what stands between them.

use super::composed::Place;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::SmartBlockId;
use grimnir_events::smart_block::{BlockRules, Logic, Strategy};
use grimnir_events::timeline::{HourPlan, SlotSource};
use std::collections::BTreeSet;

/// What is wrong with the runs of blocks in one hour.
pub fn runs(world: &World, takes: &[Take], plan: &HourPlan, hour: usize) -> Vec<Complaint> {
    let mut found = Vec::new();
    let places = super::composed::places(world, plan.hour);
    for (at, place) in places.iter().enumerate() {
        let SlotSource::SmartBlock { block_id } = &place.slot.source else { continue };
        let Some(block) = world.blocks.get(block_id) else { continue };
        let in_slot = |take: &&Take| take.hour == hour && take.slot == Some(at);
        let run: Vec<&Take> = takes.iter().filter(in_slot).collect();
        if run.is_empty() {
            continue;
        }
        let told = |words: &str| {
            let label = format!("slot {at}: ");
            plan.notes.iter().any(|note| note.starts_with(&label) && note.contains(words))
        };
        let mut wrong = |rule: &str, what: String| found.push(Complaint::new(rule, run[0], what));
        members(&run, *block_id, &block.rules, &told, &mut wrong);
        lengths(world, &run, &block.rules, (plan, place), &told, &mut wrong);
        between(world, &run, *block_id, &block.rules, &told, &mut wrong);
    }
    found
}

type Told<'a> = dyn Fn(&str) -> bool + 'a;

fn members(
    run: &[&Take],
    id: SmartBlockId,
    rules: &BlockRules,
    told: &Told<'_>,
    wrong: &mut impl FnMut(&str, String),
) {
    let lent = |take: &&&Take| matches!(take.asked, Asked::Block(of) if of != id);
    if run.iter().filter(lent).count() > 0 && !told("from fallback") {
        wrong("fallback", "items of another block".into());
    }
    let main: Vec<_> = run
        .iter()
        .filter(|take| take.asked == Asked::Block(id))
        .map(|take| take.media_id)
        .collect();
    let once: BTreeSet<_> = main.iter().collect();
    if !rules.loop_to_fill && once.len() < main.len() {
        wrong("loop", "an item comes again in a run that does not loop".into());
    }
    if rules.duration.max_items.is_some_and(|most| main.len() > most as usize)
        && !told("filled from the library")
    {
        wrong("max items", format!("{} items", main.len()));
    }
}

/// The airtime of a run whose end its target gives.
fn lengths(
    world: &World,
    run: &[&Take],
    rules: &BlockRules,
    (plan, place): (&HourPlan, &Place),
    told: &Told<'_>,
    wrong: &mut impl FnMut(&str, String),
) {
    let Some(target) = rules.duration.target_ms.map(|ms| i64::from(ms) * 48) else { return };
    let ids: BTreeSet<_> = run.iter().map(|take| (take.at, take.media_id)).collect();
    let own =
        |line: &&grimnir_events::timeline::Line| ids.contains(&(line.planned_at, line.media_id));
    let aired: i64 = plan.lines.iter().filter(own).map(|line| line.cues.airtime()).sum();
    // One that follows by position begins when the slot before it is done.
    let room = plan.hour.plus(place.ends_ms * 1_000).frame().since(run[0].at.frame());
    let full = place.slot.items.is_some_and(|most| run.len() >= usize::from(most));
    // Whether its last line is overlapped is seen when the next slot's first one comes.
    let tail = i64::from(rules.duration.tolerance_ms) + i64::from(world.settings.crossfade_ms);
    let tolerance = tail * 48;
    // A slot that ends before the target ends the block; a hole that is told of, too.
    if room < target + tolerance + 600 * 48_000 || told("filled from the library") {
        return;
    }
    let short =
        aired < target - tolerance && !told("short of its target") && !told("nothing to plan");
    let short = short && !full;
    let wrongly = match rules.duration.strategy {
        Strategy::Under => aired > target + tolerance || short,
        Strategy::Over => aired < target && !full && !told("nothing to plan"),
        Strategy::Closest | Strategy::ExactFit => short,
    };
    if wrongly {
        let (aired, target) = (aired / 48, target / 48);
        wrong("target", format!("{aired} ms of {target} with {:?}", rules.duration.strategy));
    }
}

/// Bumpers and interstitials stand where and as many as they may.
fn between(
    world: &World,
    run: &[&Take],
    id: SmartBlockId,
    rules: &BlockRules,
    told: &Told<'_>,
    wrong: &mut impl FnMut(&str, String),
) {
    let seconds = |take: &Take| {
        take.item(world).map_or(0, |item| (item.cues.segue - item.cues.cue_in) / 48_000)
    };
    let bumpers: Vec<_> = run.iter().filter(|take| take.asked == Asked::Bumper(id)).collect();
    if bumpers.len() > rules.bumpers.max_per_gap as usize
        || bumpers.iter().any(|take| seconds(take) > i64::from(rules.bumpers.max_duration_sec))
    {
        wrong("bumpers", format!("{} of them, or too long", bumpers.len()));
    }
    let extras = &rules.interstitials;
    let (mut since, mut in_break) = (0, 0);
    for take in run {
        match &take.asked {
            Asked::Interstitial(..) => {
                if in_break == 0 && since != extras.every {
                    wrong("interstitials", format!("after {since} items"));
                }
                if seconds(take) > i64::from(extras.max_duration_sec) {
                    wrong("interstitials", format!("{} is too long", take.title));
                }
                (since, in_break) = (0, in_break + 1);
            }
            Asked::Block(_) => {
                if extras.enabled && since >= extras.every && !told("interstitials") {
                    wrong("interstitials", format!("{since} items without a break"));
                }
                (since, in_break) = (since + 1, 0);
            }
            _ => {}
        }
        let most = match extras.logic {
            Logic::Any => extras.per_break as usize,
            Logic::All => extras.sources.len(),
        };
        if in_break > most {
            wrong("interstitials", format!("{in_break} in one break"));
        }
    }
}
