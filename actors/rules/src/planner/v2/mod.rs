//! Version 2 of the planner: smart blocks, and one selector behind every slot.
//!
//! Reading order: text, column, catalogue, prepared, history, criteria, source, hard, pick, score,
//! then how an hour is filled (slots, show, run, ask), and what is told of it (explain, tryout).
//! A change that could alter a plan is a new version beside this one.

mod ask;
mod breaks;
mod catalogue;
mod column;
mod criteria;
mod edges;
mod best;
mod explain;
mod filling;
mod fill;
mod hard;
mod legal;
mod names;
mod packaging;
mod history;
mod intern;
mod pick;
mod prepared;
mod repair;
mod run;
mod score;
mod set;
mod show;
mod slots;
mod source;
pub(crate) mod text;
mod tryout;
mod ways;
#[cfg(test)]
mod tests;

pub use explain::{PickTrace, Scored};
pub use prepared::Prepared;
pub use repair::{Repair, breaks, repair};
pub use source::Counts;
pub use text::each_artist;
pub use tryout::{BlockTest, Materialized, lines, materialize, test};

use crate::planner::hours::{Hour, hour_of};
use crate::planner::{PlanInputs, TZDB_VERSION, v1};
use crate::show::{Instance, Programme};
use crate::timeline::decide::HOUR_US;
use catalogue::{ALBUM, ARTIST, Catalogue, LABEL, TITLE};
use column::Key;
use grimnir_events::library::MediaItem;
use grimnir_events::roll::{Origin, Part};
use grimnir_events::smart_block::Field;
use grimnir_events::timeline::{ClockSlot, FormatClock, HourPlan, Line, SlotSource};
use grimnir_events::{LineId, UtcMicros};
use history::History;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use source::{Reader, Source, SourceKey};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use ways::{Draft, Way};

/// Version of this planner, recorded in every plan.
pub const PLANNER_VERSION: u32 = 2;

/// Plans `hours` one after the other, each knowing the ones before it and those planned after it.
pub fn plan_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &BTreeSet<UtcMicros>,
) -> Vec<HourPlan> {
    plan_with_origins(inputs, planned, hours).into_iter().map(|(plan, _)| plan).collect()
}

/// Plans hours as [`plan_hours`] does, each with where its lines come from.
pub fn plan_with_origins(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &BTreeSet<UtcMicros>,
) -> Vec<(HourPlan, Vec<Origin>)> {
    let Some(first) = hours.first() else { return Vec::new() };
    let mut planner = Planner::new(inputs, planned, *first);
    // A stale plan of an hour that is about to be planned must not speak for it.
    planner.known.retain(|hour, _| !hours.contains(hour));
    let plans: Vec<HourPlan> = hours.iter().map(|hour| planner.planned(*hour)).collect();
    plans.into_iter().zip(planner.origins).collect()
}

/// Plans one hour again and tells how each of its picks came about.
pub fn explain_hour(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
) -> Explained {
    let mut planner = Planner::new(inputs, planned, hour);
    planner.known.remove(&hour);
    planner.traces = Some(Vec::new());
    let plan = planner.planned(hour);
    Explained { plan, picks: planner.traces.unwrap_or_default() }
}

/// Plans `hours` as [`plan_hours`] does and tells how each of their picks came about.
pub fn explain_hours(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hours: &BTreeSet<UtcMicros>,
) -> Vec<Explained> {
    let Some(first) = hours.first() else { return Vec::new() };
    let mut planner = Planner::new(inputs, planned, *first);
    planner.known.retain(|hour, _| !hours.contains(hour));
    let explained = |hour: &UtcMicros| {
        planner.traces = Some(Vec::new());
        let plan = planner.planned(*hour);
        Explained { plan, picks: planner.traces.take().unwrap_or_default() }
    };
    hours.iter().map(explained).collect()
}

/// An hour and how its picks came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// The hour as it is planned from these inputs.
    pub plan: HourPlan,
    /// Every pick by its line, in order; a hole has no line.
    pub picks: Vec<(Option<LineId>, PickTrace)>,
}

/// What is planned in one go: an hour or the part of one, and what it leads to.
struct Stretch {
    /// First instant.
    from: UtcMicros,
    /// Instant after the last.
    until: UtcMicros,
    /// Slots, by their time from the first instant.
    slots: Vec<ClockSlot>,
    /// Slots of what follows.
    next: Vec<ClockSlot>,
    /// It begins with a full hour, and what follows does.
    whole: (bool, bool),
    /// Instances of shows by the places of their slots.
    shows: BTreeMap<usize, Instance>,
    /// The hour, as the station's calendar has it.
    hour: Hour,
}

/// What stays the same over the hours of one plan.
pub struct Planner<'a> {
    inputs: PlanInputs<'a>,
    catalogue: Arc<Catalogue>,
    history: History,
    rested: Vec<u32>,
    base: Vec<i64>,
    sources: BTreeMap<SourceKey, Option<Rc<Source>>>,
    zone: TimeZone,
    programme: Programme<'a>,
    known: BTreeMap<UtcMicros, HourPlan>,
    /// Hours whose lines the history holds end here.
    read_to: UtcMicros,
    traces: Option<Vec<(Option<LineId>, PickTrace)>>,
    /// Where the lines of the hours planned so far come from.
    origins: Vec<Vec<Origin>>,
    /// How the hour in the making is filled, and whether a source had nothing that may air.
    way: Way,
    hole: bool,
}

impl<'a> Planner<'a> {
    /// Reads library, blocks and history for hours from `first` on, to be asked for in their order.
    pub fn new(
        inputs: &PlanInputs<'a>,
        planned: &BTreeMap<UtcMicros, HourPlan>,
        first: UtcMicros,
    ) -> Self {
        let catalogue = Prepared::catalogue(inputs);
        let apart = prepared::separated(inputs);
        let mut history = History::new(&catalogue, tracked(&catalogue, &apart), inputs.tally);
        for play in inputs.played.iter().filter(|play| play.at < first) {
            history.note(&catalogue, History::aired(&catalogue, play));
        }
        for plan in planned.range(..first).map(|(_, plan)| plan) {
            for play in History::planned(&catalogue, plan) {
                history.note(&catalogue, play);
            }
        }
        let (rested, base) = history.rest_order(&catalogue);
        let zone = crate::planner::hours::zone(inputs.time_zone);
        let PlanInputs { shows, grid, clock, clocks, .. } = *inputs;
        let programme = Programme::new(zone.clone(), shows, grid, clock, clocks);
        Self {
            inputs: *inputs,
            catalogue,
            history,
            rested,
            base,
            sources: BTreeMap::new(),
            zone,
            programme,
            known: planned.clone(),
            read_to: first,
            traces: None,
            origins: Vec::new(),
            way: Way::Rules,
            hole: false,
        }
    }

    /// Plans the hour of the station's own time that begins here, or the part of one, by the shows
    /// that are on in it and the clock that the grid gives it.
    pub fn planned(&mut self, from: UtcMicros) -> HourPlan {
        let hour = hour_of(&self.zone, from);
        let after = hour_of(&self.zone, hour.until);
        let whole = (hour.skipped_ms == 0 && hour.from == from, after.skipped_ms == 0);
        let hour = Hour { from, ..hour };
        let composed = self.programme.composed(&hour);
        let (slots, shows, until) = (composed.slots, composed.shows, hour.until);
        let next = self.programme.composed(&after).slots;
        self.stretch(&Stretch { from, until, slots, next, whole, shows, hour }, composed.notes)
    }

    /// Plans a whole hour by a clock, which rules the next one too.
    pub fn hour(&mut self, from: UtcMicros, clock: Option<&FormatClock>) -> HourPlan {
        let slots = clock.map_or_else(Vec::new, |clock| clock.slots.clone());
        let (until, next, shows) = (from.plus(HOUR_US), slots.clone(), BTreeMap::new());
        let (hour, whole) = (hour_of(&self.zone, from), (true, true));
        self.stretch(&Stretch { from, until, slots, next, whole, shows, hour }, Vec::new())
    }

    fn stretch(&mut self, stretch: &Stretch, notes: Vec<String>) -> HourPlan {
        let hour = stretch.from;
        self.read_on(hour);
        let seed = hour_seed(&self.inputs, hour);
        let known = std::mem::take(&mut self.known);
        let earlier: Vec<&HourPlan> = known.range(..hour).map(|(_, plan)| plan).collect();
        let Draft { lines, mut notes, origins, .. } = self.draft(stretch, &earlier, seed, &notes);
        self.origins.push(runs(&lines, &origins, &stretch.slots));
        if lines.is_empty() {
            notes.insert(0, "nothing can be planned: the library has no item for this hour".into());
        }
        let plan = HourPlan {
            hour,
            lines,
            input_seq: self.inputs.input_seq,
            seed,
            planner_version: PLANNER_VERSION,
            tzdb: TZDB_VERSION.into(),
            notes: v1::bounded(notes),
        };
        self.known = known;
        self.known.insert(hour, plan.clone());
        plan
    }

    /// Takes what is planned and aired before `hour` into the history, and what is planned after
    /// it as what picks keep their distance from.
    fn read_on(&mut self, hour: UtcMicros) {
        for plan in self.known.range(self.read_to..hour).map(|(_, plan)| plan) {
            for play in History::planned(&self.catalogue, plan) {
                self.history.note(&self.catalogue, play);
            }
        }
        let read_to = self.read_to;
        let new = |play: &&crate::planner::Play| play.at >= read_to && play.at < hour;
        for play in self.inputs.played.iter().filter(new) {
            self.history.note(&self.catalogue, History::aired(&self.catalogue, play));
        }
        self.read_to = self.read_to.max(hour);
        let after = self.known.range(hour.plus(1)..).map(|(_, plan)| plan);
        let later = after.flat_map(|plan| History::planned(&self.catalogue, plan)).collect();
        self.history.set_later(&self.catalogue, later);
    }

    /// The item at a place of the catalogue, where the library still has it.
    fn item(&self, place: usize) -> Option<&'a MediaItem> {
        self.inputs.media.get(self.catalogue.entries[place].id)
    }

    /// The source of a key, read once.
    fn source(&mut self, key: &SourceKey) -> Option<Rc<Source>> {
        if let Some(known) = self.sources.get(key) {
            return known.clone();
        }
        let reader = Reader {
            inputs: &self.inputs,
            catalogue: &self.catalogue,
            history: &self.history,
            rested: &self.rested,
        };
        let source = reader.read(key).map(Rc::new);
        self.sources.insert(key.clone(), source.clone());
        source
    }
}

/// Places of the dimensions that items are kept apart by.
fn tracked(catalogue: &Catalogue, apart: &BTreeSet<Key>) -> Vec<usize> {
    let named = apart.iter().filter_map(|key| catalogue.column(key));
    let all: BTreeSet<usize> = [ARTIST, TITLE, ALBUM, LABEL].into_iter().chain(named).collect();
    all.into_iter().collect()
}

/// Runs of lines that come from the same.
fn runs(
    lines: &[Line],
    origins: &[(LineId, Option<u32>, Part)],
    slots: &[ClockSlot],
) -> Vec<Origin> {
    let mut runs: Vec<Origin> = Vec::new();
    let known: BTreeMap<LineId, (Option<u32>, Part)> =
        origins.iter().map(|(id, slot, part)| (*id, (*slot, *part))).collect();
    for (first, line) in (0..).zip(lines) {
        let (slot, part) = known.get(&line.id).copied().unwrap_or_default();
        if runs.last().is_some_and(|run| (run.slot, run.part) == (slot, part)) {
            continue;
        }
        let source = slot.and_then(|slot| slots.get(slot as usize)).map(|slot| slot.source.clone());
        let library = || SlotSource::Category { category: String::new() };
        runs.push(Origin { first, slot, source: source.unwrap_or_else(library), part });
    }
    runs
}

fn hour_seed(inputs: &PlanInputs<'_>, hour: UtcMicros) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"grimnir planner seed");
    hasher.update(inputs.station.0);
    hasher.update(hour.0.to_be_bytes());
    hasher.update(PLANNER_VERSION.to_be_bytes());
    hasher.finalize().into()
}

/// The word of a field, as it is written in rules.
pub fn field_word(field: &Field) -> String {
    if let Field::Custom(name) = field {
        return name.clone();
    }
    format!("{field:?}").chars().fold(String::new(), |mut word, c| {
        if c.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(c.to_lowercase());
        word
    })
}
