//! Whether a chain of lines can air as it is planned: nothing over another, no hole that nobody
//! tells of, fixed times to the frame, and what each plan says of its making.

use super::composed::{Place, places, underneath};
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::timeline::{Anchor, ClockSlot, HourPlan, Line, SlotStart, Transition};
use grimnir_events::{AirFrame, LineId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// What notes say where something has nothing to plan.
const HOLES: [&str; 6] = [
    "nothing to plan",
    "nothing can be planned",
    "waits for its time",
    "has a hole",
    "must not air now",
    "cannot be planned",
];
/// Silence up to this many frames is no hole of a source: it must be told to the millisecond.
const SHORT: i64 = 60 * 48_000;

/// A line with the place of its hour.
type Placed<'a> = (usize, &'a Line);

/// All that is wrong with the chain of these hours.
pub fn chain(world: &World, plans: &[HourPlan], takes: &[Take]) -> Vec<Complaint> {
    let all: Vec<Placed<'_>> = plans
        .iter()
        .enumerate()
        .flat_map(|(hour, plan)| plan.lines.iter().map(move |line| (hour, line)))
        .collect();
    let mut found = Vec::new();
    for pair in all.windows(2) {
        neighbours(plans, pair[0], pair[1], &mut found);
    }
    let judged: Vec<&Take> = takes.iter().filter(|take| take.asked != Asked::Before).collect();
    let slots = |plan: &HourPlan| (places(world, plan.hour), underneath(world, plan.hour));
    let known: Vec<(Vec<Place>, Vec<ClockSlot>)> = plans.iter().map(slots).collect();
    for (at, (hour, line)) in all.iter().enumerate() {
        let take = judged[at];
        own(world, *hour, line, take, &mut found);
        let next = all.get(at + 1).map(|(_, line)| line.planned_at.frame());
        let whole = line.cues.cue_out - line.cues.cue_in;
        let heard = next.map_or(whole, |next| whole.min(next.since(line.planned_at.frame())));
        if heard < line.min_airtime {
            found.push(of(*hour, "useful airtime", line, format!("{heard} frames are heard")));
        }
        let least = useful(world, &known[*hour], take);
        let is = |least: &u32| {
            line.min_airtime == (i64::from(*least) * 48).min(line.cues.airtime()).max(1)
        };
        if !least.iter().any(is) {
            found.push(of(*hour, "useful airtime", line, format!("says {}", line.min_airtime)));
        }
    }
    for (hour, plan) in plans.iter().enumerate() {
        fixed(world, plan, hour, &mut found);
        let empty = plan.notes.iter().any(|note| note.contains("nothing can be planned"));
        if plan.lines.is_empty() && !empty {
            found.push(Complaint::of_hour("gap", hour, "an empty hour says nothing of it"));
        }
    }
    if let (Some(plan), Some((hour, last))) = (plans.last(), all.last()) {
        let end = last.planned_at.frame().plus(last.cues.cue_out - last.cues.cue_in);
        let left = plan.hour.plus(3_600_000_000).frame().since(end);
        // What is short is told by the hour after it.
        if left > SHORT && *hour + 1 == plans.len() && !accounts(plan, None, left) {
            found.push(Complaint::of_hour("gap", *hour, format!("{left} frames at its end")));
        }
    }
    found
}

/// The least airtime that is worth a start: the slot's, its clock's, the station's. A legal ID
/// that the rule puts takes that of the slot in whose time it comes.
fn useful(world: &World, (places, under): &(Vec<Place>, Vec<ClockSlot>), take: &Take) -> Vec<u32> {
    let station = world.settings.min_airtime_ms;
    let own = |slot: &ClockSlot| slot.min_airtime_ms.unwrap_or(station);
    match (take.slot, take.inner) {
        // Which of two slots with one source it was is not told.
        (_, Some(inner)) => {
            let alike = |slot: &&ClockSlot| {
                take.asked == Asked::Library || slot.source == under[inner].source
            };
            // What stands before the first of them is the station's.
            let before = (take.asked == Asked::Library).then_some(station);
            under.iter().filter(alike).map(own).chain(before).collect()
        }
        (Some(slot), None) => vec![own(&places[slot].slot)],
        (None, None) if take.asked == Asked::Id => {
            let slots = places.iter().map(|place| &place.slot).chain(under);
            slots.map(own).chain([station]).collect()
        }
        (None, None) => vec![station],
    }
}

fn of(hour: usize, rule: &str, line: &Line, what: String) -> Complaint {
    Complaint::of_hour(rule, hour, format!("{} at {}: {what}", line.title, line.planned_at))
}

/// The hour's notes tell of so many frames without a line before this one.
fn accounts(plan: &HourPlan, next: Option<&Line>, frames: i64) -> bool {
    let anchored = next.is_none_or(|next| next.anchor != Anchor::AfterPrevious);
    let unfilled = |note: &String| {
        let (before, _) =
            note.split_once(" ms before ").filter(|_| note.ends_with("not filled"))?;
        before.rsplit(' ').next()?.parse::<i64>().ok()
    };
    let told: i64 = plan.notes.iter().filter_map(unfilled).sum();
    told >= frames / 48
        || plan.notes.iter().any(|note| {
            let dropped = note.contains("has no room before") && anchored;
            dropped || (frames > SHORT && HOLES.iter().any(|words| note.contains(words)))
        })
}

fn neighbours(
    plans: &[HourPlan],
    (hour, line): Placed<'_>,
    (next_hour, next): Placed<'_>,
    found: &mut Vec<Complaint>,
) {
    let (start, after) = (line.planned_at.frame(), next.planned_at.frame());
    if after <= start {
        found.push(of(next_hour, "overlap", next, "starts before the one before it".into()));
        return;
    }
    let junction = start.plus(line.cues.airtime());
    let silent = start.plus(line.cues.cue_out - line.cues.cue_in);
    // Only a fixed time may cut, a soft one when its grace is over.
    let cuts = match next.anchor {
        Anchor::Hard { at } => at.frame() == after,
        Anchor::Soft { at, grace_us } => at.plus(grace_us).frame() == after,
        Anchor::AfterPrevious => false,
    };
    if after < junction && !cuts {
        let early = junction.since(after);
        found.push(of(next_hour, "overlap", next, format!("{early} frames before the segue")));
    }
    // Rounding to microseconds and back never loses a frame; beyond the tail nothing sounds.
    let frames = after.since(silent);
    let told = accounts(&plans[hour], Some(next), frames)
        || (next_hour > hour && accounts(&plans[next_hour], Some(next), frames));
    if frames > 0 && !told {
        found.push(of(next_hour, "gap", next, format!("{frames} frames of silence before it")));
    }
}

/// A line against its item and its own anchor.
fn own(world: &World, hour: usize, line: &Line, take: &Take, found: &mut Vec<Complaint>) {
    let mut wrong = |rule: &str, what: String| found.push(of(hour, rule, line, what));
    match line.anchor {
        Anchor::Hard { at } if line.planned_at.frame() != at.frame() => {
            wrong("hard start", format!("should be at {at}"));
        }
        Anchor::Soft { at, grace_us } => {
            let (from, to) = (at.plus(-grace_us).frame(), at.plus(grace_us).frame());
            let start = line.planned_at.frame();
            if start < from || start > to {
                wrong("soft start", format!("should be within {grace_us} us of {at}"));
            }
        }
        Anchor::Hard { .. } | Anchor::AfterPrevious => {}
    }
    let Some(item) = world.media.get(&line.media_id) else {
        return wrong("unknown item", "is not in the library".into());
    };
    // A legal ID that the rule puts moves to the next break when its own is passed.
    let must_air = item.must_air || take.asked == Asked::Id;
    let said = (&line.play_hash, line.kind, line.must_air, line.long_form);
    if said != (&item.play_hash, item.kind, must_air, item.long_form) {
        wrong("line", "is not what the item says".into());
    }
    if !item.tags.title.starts_with(&line.title) || !item.tags.artist.starts_with(&line.artist) {
        wrong("line", "bears another name than the item".into());
    }
    let mut cues = item.cues;
    if let Transition::Crossfade { .. } = line.transition {
        cues.segue = cues.cue_out - i64::from(world.settings.crossfade_ms) * 48;
    }
    if cues != line.cues {
        wrong("line", format!("marks {:?}, the item's {cues:?}", line.cues));
    }
}

/// Every slot with a hard time begins on its frame, or the hour tells why not.
fn fixed(world: &World, plan: &HourPlan, hour: usize, found: &mut Vec<Complaint>) {
    let places = places(world, plan.hour);
    let hard = places.iter().enumerate().filter(|(_, place)| place.slot.start == SlotStart::Hard);
    for (at, place) in hard {
        let start = plan.hour.plus(place.begins_ms * 1_000);
        let begins = |line: &&Line| line.anchor == Anchor::Hard { at: start };
        let told = |note: &String| {
            note.starts_with(&format!("slot {at}: "))
                || HOLES.iter().any(|hole| note.contains(hole))
        };
        if !plan.lines.iter().any(|line| begins(&line)) && !plan.notes.iter().any(told) {
            let what = format!("slot {at} has no line at {start}");
            found.push(Complaint::of_hour("hard start", hour, what));
        }
    }
}

/// What each plan records: inputs, seed, version, time-zone data; ids that are nobody else's.
pub fn records(world: &World, plans: &[HourPlan]) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut seeds: BTreeMap<[u8; 32], UtcMicros> = BTreeMap::new();
    let mut ids: BTreeSet<LineId> = BTreeSet::new();
    for (hour, plan) in plans.iter().enumerate() {
        let mut wrong = |what: String| found.push(Complaint::of_hour("record", hour, what));
        if plan.input_seq != world.input_seq {
            wrong(format!("position {}, read at {}", plan.input_seq, world.input_seq));
        }
        let version = grimnir_rules::planner::PLANNER_VERSION;
        let tzdb = grimnir_rules::planner::TZDB_VERSION;
        if plan.planner_version != version || plan.tzdb != tzdb {
            wrong(format!("made by version {} with {}", plan.planner_version, plan.tzdb));
        }
        if let Some(other) = seeds.insert(plan.seed, plan.hour) {
            wrong(format!("the seed of {other}"));
        }
        for line in &plan.lines {
            if !ids.insert(line.id) {
                wrong(format!("{} is named twice", line.id));
            }
        }
    }
    found
}

/// Airtime of a chain: what is heard of it between two instants, in frames.
pub fn airtime(plans: &[HourPlan], from: UtcMicros, until: UtcMicros) -> i64 {
    let all: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
    let (mut heard_to, mut heard) = (from.frame(), 0);
    for (at, line) in all.iter().enumerate() {
        let start = line.planned_at.frame().max(heard_to);
        let next = all.get(at + 1).map_or(AirFrame(i64::MAX), |next| next.planned_at.frame());
        let natural = line.planned_at.frame().plus(line.cues.cue_out - line.cues.cue_in);
        let end = natural.min(next).min(until.frame());
        heard += end.since(start).max(0);
        heard_to = heard_to.max(end);
    }
    heard
}
