//! Version 1 of the planner: slots by offset, categories by rotation and separation.
//!
//! Reading order: [`catalogue`](Catalogue), history, pick, chain, and the hour itself here.
//! A change that could alter a plan is a new version beside this one.

mod catalogue;
mod history;
mod pick;
pub(super) mod playlist;
pub(super) mod slots;

pub use catalogue::Catalogue;

use crate::planner::chain::Chain;
use crate::planner::joint::Joins;
use crate::planner::{PlanInputs, TZDB_VERSION};
use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::timeline::{Anchor, ClockSlot, HourPlan, Line, SlotStart};
use grimnir_events::{AirFrame, LineId, UtcMicros};
use sha2::{Digest, Sha256};
use slots::Slots;
use std::collections::{BTreeMap, BTreeSet};

/// Version of this planner, recorded in every plan.
pub const PLANNER_VERSION: u32 = 1;
/// How long the hour before may run into an hour: longer than most songs.
pub const HOUR_GRACE_US: i64 = 10 * 60 * 1_000_000;
/// A chain that ends this much before the hour would pull the hour forward; then its first line
/// waits for its time instead.
const EARLY_US: i64 = 60 * 1_000_000;
/// Most bytes that all notes of an hour take.
const NOTES_BYTES: usize = 4 * 1024;

/// Plans `hours` one after the other, each knowing the ones before it.
pub fn plan_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &BTreeSet<UtcMicros>,
) -> Vec<HourPlan> {
    let catalogue = Catalogue::of(inputs.media);
    let mut known: BTreeMap<UtcMicros, HourPlan> = planned.clone();
    // A stale plan of an hour that is about to be planned must not speak for it.
    known.retain(|hour, _| !hours.contains(hour));
    let plan = |hour: &UtcMicros| {
        let plan = plan_hour(inputs, &catalogue, &known, *hour);
        known.insert(*hour, plan.clone());
        plan
    };
    hours.iter().map(plan).collect()
}

/// Plans one hour, looking back at the earlier ones of `planned`.
pub fn plan_hour(
    inputs: &PlanInputs<'_>,
    catalogue: &Catalogue<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
) -> HourPlan {
    let seed = hour_seed(inputs, hour);
    let earlier: Vec<&HourPlan> = planned.range(..hour).map(|(_, plan)| plan).collect();
    let inputs = &PlanInputs { joins: Joins::default(), ..*inputs };
    let history = history::History::of(catalogue, &earlier, inputs.played, hour);
    let slots = inputs.clock.map_or(&[][..], |clock| &clock.slots);
    let (from, anchor, note) = entry(&earlier, slots, hour, false);
    let chain = Chain::new(inputs, hour, from, anchor);
    let mut slots = Slots::new(inputs, catalogue, &earlier, chain, history, seed);
    slots.notes.extend(note);
    slots.fill(hour);
    let (lines, mut notes) = slots.finish();
    let lines = settle(inputs, lines, from, &mut notes);
    if lines.is_empty() {
        notes.insert(0, "nothing can be planned: the library has no item for this hour".into());
    }
    HourPlan {
        hour,
        lines,
        input_seq: inputs.input_seq,
        seed,
        planner_version: PLANNER_VERSION,
        tzdb: TZDB_VERSION.into(),
        notes: bounded(notes),
    }
}

/// Where the chain stands when the hour begins, and what the hour's first line hangs on. `cuts`
/// says that a line ends where the next one cuts it; version 1 did not know.
pub(super) fn entry(
    earlier: &[&HourPlan],
    slots: &[ClockSlot],
    hour: UtcMicros,
    cuts: bool,
) -> (AirFrame, Anchor, Option<String>) {
    let first = slots.first();
    let grace_us = match first.filter(|slot| slot.opens_the_hour()).map(|slot| slot.start) {
        Some(SlotStart::Hard) => 0,
        Some(SlotStart::Soft { grace_ms }) => i64::from(grace_ms) * 1_000,
        Some(SlotStart::Free) | None => HOUR_GRACE_US,
    };
    let soft = Anchor::Soft { at: hour, grace_us };
    let before = earlier.iter().rev().find(|plan| !plan.lines.is_empty());
    let junctions = |plan: &&HourPlan| -> Vec<AirFrame> {
        let junction = |(at, line): (usize, &Line)| {
            let whole = line.planned_at.frame().plus(line.cues.airtime());
            let next = plan.lines.get(at + 1).filter(|_| cuts);
            next.map_or(whole, |next| whole.min(next.planned_at.frame()))
        };
        plan.lines.iter().enumerate().map(junction).collect()
    };
    let junctions = before.map(junctions).unwrap_or_default();
    // Lines after the first junction in this hour are passed by its first line.
    let reached = junctions.iter().find(|junction| **junction >= hour.frame());
    match reached.or(junctions.last()) {
        Some(junction) if *junction < hour.plus(-EARLY_US).frame() => {
            let end = junction.utc();
            let note = format!("the chain before ends at {end}: the first line waits for its time");
            (hour.frame(), Anchor::Hard { at: hour }, Some(note))
        }
        Some(junction) => {
            let grace = hour.plus(grace_us).frame();
            let latest = slots::first_cut(slots, hour).map_or(grace, |cut| cut.min(grace));
            ((*junction).clamp(hour.frame(), latest), soft, None)
        }
        None => (hour.frame(), soft, None),
    }
}

/// Lets the resolver say when each line airs; what it drops is not planned.
pub(super) fn settle(
    inputs: &PlanInputs<'_>,
    lines: Vec<Line>,
    from: AirFrame,
    notes: &mut Vec<String>,
) -> Vec<Line> {
    let settings = ResolveSettings {
        crossfade_frames: super::sound::crossfade_frames(inputs.settings),
        curve: inputs.settings.fade_curve,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    let resolution = resolve(&lines, &Cursor { at: from, playing: None }, &settings);
    let title_of = |line_id: &LineId| {
        lines.iter().find(|line| line.id == *line_id).map_or("", |line| line.title.as_str())
    };
    for line_id in &resolution.moved {
        let title = title_of(line_id);
        notes.push(format!("\"{title}\" must air and moves behind the line with a fixed time"));
    }
    for (line_id, reason) in &resolution.dropped {
        let title = title_of(line_id);
        notes.push(format!(
            "\"{title}\" has no room before the line with a fixed time ({reason:?})"
        ));
    }
    let place = |resolved: &crate::timeline::resolve::Resolved| {
        let line = &lines[resolved.index];
        let moved = resolution.moved.contains(&line.id);
        Line {
            planned_at: resolved.start.utc(),
            anchor: if moved { Anchor::AfterPrevious } else { line.anchor },
            ..line.clone()
        }
    };
    resolution.lines.iter().map(place).collect()
}

fn hour_seed(inputs: &PlanInputs<'_>, hour: UtcMicros) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"grimnir planner seed");
    hasher.update(inputs.station.0);
    hasher.update(hour.0.to_be_bytes());
    hasher.update(PLANNER_VERSION.to_be_bytes());
    hasher.finalize().into()
}

/// Notes that fit; the rest is counted.
pub(super) fn bounded(notes: Vec<String>) -> Vec<String> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    let total = notes.len();
    for note in notes {
        bytes += note.len() + 4;
        if bytes > NOTES_BYTES {
            kept.push(format!("and {} more notes", total - kept.len()));
            break;
        }
        kept.push(note);
    }
    kept
}
