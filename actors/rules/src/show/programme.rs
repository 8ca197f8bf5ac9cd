//! What rules which stretch of time: instances of shows, and the grid's clocks where none is on.
//!
//! At every instant at most one instance rules: the one of the highest priority, of equal ones the
//! one that began first. One whose content is automation changes nothing of what is planned.

use super::{Coming, Instance};
use crate::planner::hours::{Hour, ruling_clock, slots_in};
use grimnir_events::grid::Grid;
use grimnir_events::show::{ShowContent, Shows};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_events::{ClockId, PlaylistId, ShowId, UtcMicros};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// How far back a rebroadcast looks for what it repeats.
const LOOK_BACK_US: i64 = 400 * 24 * 3_600_000_000;

/// Shows, grid and clocks of a station.
#[derive(Clone, Debug)]
pub struct Programme<'a> {
    /// The station's zone.
    pub zone: TimeZone,
    shows: Vec<Coming<'a>>,
    grid: &'a Grid,
    clock: Option<&'a FormatClock>,
    clocks: &'a BTreeMap<ClockId, FormatClock>,
}

/// A stretch of time with one ruler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruled {
    /// First instant.
    pub from: UtcMicros,
    /// Instant after the last.
    pub until: UtcMicros,
    /// The instance; `None` leaves it to the grid.
    pub instance: Option<Instance>,
}

/// The slots of an hour, and which of them are of shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Composed {
    /// Slots, by their time from the hour's first instant.
    pub slots: Vec<ClockSlot>,
    /// Instances by the places of their slots.
    pub shows: BTreeMap<usize, Instance>,
    /// What cannot be as it is asked for.
    pub notes: Vec<String>,
}

impl<'a> Programme<'a> {
    /// Reads the shows.
    pub fn new(
        zone: TimeZone,
        shows: &'a Shows,
        grid: &'a Grid,
        clock: Option<&'a FormatClock>,
        clocks: &'a BTreeMap<ClockId, FormatClock>,
    ) -> Self {
        let shows = shows.values().map(Coming::of).collect();
        Self { zone, shows, grid, clock, clocks }
    }

    /// The instances of all shows that are on at some time in `from..until`, cancelled ones too.
    pub fn instances(&self, from: UtcMicros, until: UtcMicros) -> Vec<Instance> {
        let each = self.shows.iter().map(|show| show.instances(&self.zone, from, until));
        let mut all: Vec<Instance> = each.flatten().collect();
        all.sort_by_key(|instance| (instance.from, instance.show_id, instance.original));
        all
    }

    /// The last instance of a show that is over at an instant, and aired.
    pub fn last_before(&self, show_id: ShowId, at: UtcMicros) -> Option<Instance> {
        let show = self.shows.iter().find(|show| show.kept.show.id == show_id)?;
        let mut back = LOOK_BACK_US / 64;
        // Mostly the last one is near: further back is looked only where it is not.
        loop {
            let found = show.instances(&self.zone, at.plus(-back), at);
            let over = found.into_iter().filter(|found| found.airs() && found.until <= at);
            let last = over.max_by_key(|found| (found.until, found.original));
            if last.is_some() || back >= LOOK_BACK_US {
                return last;
            }
            back *= 4;
        }
    }

    /// Who rules `from..until`, whole and without overlap, as far as `counts` says that it counts.
    pub fn ruled(
        &self,
        from: UtcMicros,
        until: UtcMicros,
        counts: impl Fn(&Instance) -> bool,
    ) -> Vec<Ruled> {
        ruled(&self.instances(from, until), from, until, counts)
    }

    /// The slots of an hour: of the grid's clock, and of the shows that are on in it.
    pub fn composed(&self, hour: &Hour) -> Composed {
        self.composed_of(hour, &self.instances(hour.from, hour.until))
    }

    /// The same, of instances that are known; others than those of the hour do not matter.
    pub(super) fn composed_of(&self, hour: &Hour, instances: &[Instance]) -> Composed {
        let mut composed = Composed::default();
        let counts = |on: &Instance| on.content != ShowContent::Automation;
        let ruled = ruled(instances, hour.from, hour.until, counts);
        if let [Ruled { instance: None, .. }] | [] = ruled[..] {
            composed.slots =
                self.by_grid(hour).map_or_else(Vec::new, |clock| slots_in(clock, hour));
            return composed;
        }
        for Ruled { from, until, instance } in ruled {
            let Some(instance) = instance else {
                let slots = self.automation(hour, from, until);
                composed.slots.extend(slots);
                continue;
            };
            let first = composed.slots.len();
            let known = match instance.content {
                ShowContent::Clock { clock_id } => match self.clocks.get(&clock_id) {
                    Some(clock) => {
                        composed.slots.extend(part(Some(clock), hour, from, until));
                        true
                    }
                    None => {
                        let name = &instance.name;
                        let note = format!("show \"{name}\": {clock_id} does not exist");
                        composed.notes.push(note);
                        composed.slots.extend(self.automation(hour, from, until));
                        false
                    }
                },
                ShowContent::Playlist { .. } | ShowContent::Rebroadcast { .. } => {
                    // Filled by the instance: its id stands for the list.
                    let source = SlotSource::Playlist { playlist_id: PlaylistId(instance.id.0) };
                    let offset_ms = offset(hour, from);
                    composed.slots.push(ClockSlot::at(offset_ms, SlotStart::Free, source));
                    true
                }
                ShowContent::Automation => false,
            };
            if instance.from == from
                && instance.begins != SlotStart::Free
                && let Some(slot) = composed.slots.get_mut(first)
                && slot.start != SlotStart::Hard
            {
                slot.start = instance.begins;
            }
            if known {
                let places = first..composed.slots.len();
                composed.shows.extend(places.map(|place| (place, instance.clone())));
            }
        }
        composed
    }

    /// What is planned in a part of an hour without a show.
    pub fn automation(&self, hour: &Hour, from: UtcMicros, until: UtcMicros) -> Vec<ClockSlot> {
        part(self.by_grid(hour), hour, from, until)
    }

    fn by_grid(&self, hour: &Hour) -> Option<&'a FormatClock> {
        ruling_clock(self.grid, self.clock, self.clocks, hour)
    }
}

fn offset(hour: &Hour, at: UtcMicros) -> u32 {
    u32::try_from(at.since(hour.from) / 1_000).unwrap_or_default()
}

/// The slots of a clock in a part of an hour, one of them from its first instant on.
fn part(
    clock: Option<&FormatClock>,
    hour: &Hour,
    from: UtcMicros,
    until: UtcMicros,
) -> Vec<ClockSlot> {
    let before_ms = offset(hour, from);
    let skipped_ms = hour.skipped_ms + before_ms;
    let inner = Hour { from, until, skipped_ms, ..*hour };
    let mut slots = clock.map_or_else(Vec::new, |clock| slots_in(clock, &inner));
    match slots.first_mut() {
        Some(first) if first.start == SlotStart::Free => first.offset_ms = Some(0),
        Some(first) if first.offset_ms == Some(0) => {}
        _ => {
            let source = SlotSource::Category { category: String::new() };
            slots.insert(0, ClockSlot::at(0, SlotStart::Free, source));
        }
    }
    for slot in &mut slots {
        slot.offset_ms = slot.offset_ms.map(|offset_ms| offset_ms + before_ms);
    }
    slots
}

/// Who of these rules `from..until`.
pub(super) fn ruled(
    instances: &[Instance],
    from: UtcMicros,
    until: UtcMicros,
    counts: impl Fn(&Instance) -> bool,
) -> Vec<Ruled> {
    let near = |on: &&Instance| on.from < until && on.until > from;
    let airs = instances.iter().filter(near).filter(|on| on.airs() && counts(on));
    let on: Vec<&Instance> = airs.collect();
    let edges = on.iter().flat_map(|instance| [instance.from, instance.until]);
    let mut edges: Vec<UtcMicros> = edges.filter(|at| *at > from && *at < until).collect();
    edges.extend([from, until]);
    edges.sort_unstable();
    edges.dedup();
    let mut ruled: Vec<Ruled> = Vec::new();
    for pair in edges.windows(2) {
        let (from, until) = (pair[0], pair[1]);
        let here = on.iter().filter(|instance| instance.from <= from && instance.until >= until);
        let first = here.min_by_key(|instance| instance.rank());
        match ruled.last_mut() {
            Some(last) if last.instance.as_ref() == first.copied() => last.until = until,
            _ => {
                let instance = first.map(|instance| (*instance).clone());
                ruled.push(Ruled { from, until, instance });
            }
        }
    }
    ruled
}
