//! What rules an hour, thought out again by the plainest means: shows day by day, the stretches
//! between their edges, and the slots of whatever clock rules each.

use super::clocks::{local, ruling, zone};
use super::world::World;
use grimnir_events::grid::LocalDate;
use grimnir_events::show::{KeptShow, LocalTime, ShowContent, instance_id};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_events::{InstanceId, PlaylistId, ShowId, UtcMicros};
use jiff::civil::Date;

const HOUR_MS: i64 = 3_600_000;

/// One time that a show is on.
#[derive(Clone, PartialEq, Debug)]
pub struct On {
    pub id: InstanceId,
    pub show: ShowId,
    pub name: String,
    pub from: UtcMicros,
    pub until: UtcMicros,
    pub priority: u8,
    pub begins: SlotStart,
    pub content: ShowContent,
}

/// A slot as it rules: when it begins and ends, and for whom.
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    pub slot: ClockSlot,
    /// Milliseconds from the start of the hour.
    pub begins_ms: i64,
    /// The next time that a clock or a show names.
    pub ends_ms: i64,
    pub on: Option<On>,
}

/// What airs once and does not fill.
pub fn once(source: &SlotSource) -> bool {
    matches!(
        source,
        SlotSource::HardItem { .. }
            | SlotSource::Stopset { .. }
            | SlotSource::Imaging { .. }
            | SlotSource::VoiceTrack { .. }
    )
}

/// When each slot begins: one without a time of its own with the one before.
pub fn begins_ms(slots: &[ClockSlot], at: usize) -> i64 {
    slots[..=at].iter().rev().find_map(|slot| slot.offset_ms).map_or(0, i64::from)
}

fn instant(world: &World, date: Date, second: u32) -> UtcMicros {
    let midnight = date.at(0, 0, 0, 0);
    let at = midnight + jiff::Span::new().seconds(i64::from(second));
    UtcMicros(at.to_zoned(zone(world)).expect("a time").timestamp().as_microsecond())
}

/// The show comes that day by its rule: once, daily, or on some days of the week.
fn comes(kept: &KeptShow, date: Date) -> bool {
    let first = kept.show.start.date.civil().expect("a day");
    let word =
        ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][date.weekday().to_monday_zero_offset() as usize];
    match kept.show.rrule.as_str() {
        "" => date == first,
        "FREQ=DAILY" => date >= first,
        rule => {
            let days = rule.strip_prefix("FREQ=WEEKLY;BYDAY=").expect("a rule that is known here");
            date >= first && days.split(',').any(|day| day == word)
        }
    }
}

/// Every time that a show is on, of those that begin near `at`.
pub fn instances(world: &World, at: UtcMicros) -> Vec<On> {
    let today = local(world, at).date();
    let mut found = Vec::new();
    for kept in world.shows.values() {
        for day in -9..=9_i64 {
            let date = today + jiff::Span::new().days(day);
            if !comes(kept, date) {
                continue;
            }
            let show = &kept.show;
            let original = LocalTime { date: LocalDate::from(date), second: show.start.second };
            let (mut start, mut second, mut seconds) = (date, show.start.second, show.duration_s);
            let (mut name, mut content) = (show.name.clone(), show.content);
            if let Some(other) = kept.exceptions.get(&original) {
                if other.cancelled {
                    continue;
                }
                if let Some(moved) = other.moved {
                    start = moved.to.date.civil().expect("a day");
                    (second, seconds) = (moved.to.second, moved.duration_s);
                }
                if let Some(with) = &other.with {
                    name = with.name.clone().unwrap_or(name);
                    content = with.content.unwrap_or(content);
                }
            }
            let from = instant(world, start, second);
            let until = from.plus(i64::from(seconds) * 1_000_000);
            let id = instance_id(show.id, original);
            let (priority, begins, show) = (show.priority, show.begins, show.id);
            found.push(On { id, show, name, from, until, priority, begins, content });
        }
    }
    found
}

/// Who is on at an instant: the highest priority, then who began first.
fn on_air(on: &[On], at: UtcMicros) -> Option<&On> {
    let here = on.iter().filter(|on| on.from <= at && at < on.until);
    let here = here.filter(|on| on.content != ShowContent::Automation);
    here.min_by_key(|on| (u8::MAX - on.priority, on.from, on.show))
}

/// The slots of a clock in a part of an hour: what begins in it, and what had begun to fill.
fn part(clock: Option<&FormatClock>, from_ms: i64, until_ms: i64, whole: bool) -> Vec<ClockSlot> {
    let slots: &[ClockSlot] = clock.map_or(&[], |clock| &clock.slots);
    let useful = clock.and_then(|clock| clock.min_airtime_ms);
    let mut found: Vec<ClockSlot> = Vec::new();
    for (at, slot) in slots.iter().enumerate() {
        let begins = begins_ms(slots, at);
        let mut slot = slot.clone();
        slot.min_airtime_ms = slot.min_airtime_ms.or(useful);
        if begins >= until_ms || (begins < from_ms && once(&slot.source)) {
            continue;
        }
        if begins < from_ms {
            (slot.offset_ms, slot.start) = (Some(from_ms as u32), SlotStart::Free);
            found.clear();
        } else if i64::from(slot.offset_ms.unwrap_or(u32::MAX)) == from_ms {
            found.clear();
        }
        found.push(slot);
    }
    if whole {
        return found;
    }
    // A part is filled from its first instant on.
    match found.first_mut() {
        Some(first) if first.start == SlotStart::Free => first.offset_ms = Some(from_ms as u32),
        Some(first) if i64::from(first.offset_ms.unwrap_or(u32::MAX)) == from_ms => {}
        _ => {
            let source = SlotSource::Category { category: String::new() };
            found.insert(0, ClockSlot::at(from_ms as u32, SlotStart::Free, source));
        }
    }
    found
}

/// The slots of the whole hour that begins here.
pub fn places(world: &World, hour: UtcMicros) -> Vec<Place> {
    let on = instances(world, hour);
    let ms = |at: UtcMicros| (at.since(hour) / 1_000).clamp(0, HOUR_MS);
    let mut edges: Vec<i64> = on.iter().flat_map(|on| [ms(on.from), ms(on.until)]).collect();
    edges.extend([0, HOUR_MS]);
    edges.sort_unstable();
    edges.dedup();
    let mut stretches: Vec<(i64, i64, Option<&On>)> = Vec::new();
    for pair in edges.windows(2) {
        let ruler = on_air(&on, hour.plus(pair[0] * 1_000));
        match stretches.last_mut() {
            Some(last) if last.2 == ruler => last.1 = pair[1],
            _ => stretches.push((pair[0], pair[1], ruler)),
        }
    }
    let mut found: Vec<Place> = Vec::new();
    let alone = stretches.len() == 1 && stretches[0].2.is_none();
    for (from, until, on) in stretches {
        let by_grid = || part(ruling(world, hour), from, until, alone);
        let own = |id| world.clocks.get(id);
        let mut slots = match on.map(|on| on.content) {
            Some(ShowContent::Clock { clock_id }) if own(&clock_id).is_some() => {
                part(own(&clock_id), from, until, false)
            }
            Some(ShowContent::Playlist { .. } | ShowContent::Rebroadcast { .. }) => {
                let id = on.expect("a show").id;
                let source = SlotSource::Playlist { playlist_id: PlaylistId(id.0) };
                vec![ClockSlot::at(from as u32, SlotStart::Free, source)]
            }
            _ => by_grid(),
        };
        if let Some(on) = on
            && ms(on.from) == from
            && on.from >= hour
            && on.begins != SlotStart::Free
            && slots[0].start != SlotStart::Hard
        {
            slots[0].start = on.begins;
        }
        let begins: Vec<i64> = (0..slots.len()).map(|at| begins_ms(&slots, at)).collect();
        for (slot, begins_ms) in slots.into_iter().zip(begins) {
            found.push(Place { slot, begins_ms, ends_ms: HOUR_MS, on: on.cloned() });
        }
    }
    for at in 0..found.len() {
        let next = found[at + 1..].iter().find_map(|next| next.slot.offset_ms);
        found[at].ends_ms = next.map_or(HOUR_MS, i64::from);
    }
    found
}

/// The slots that rule the hour without any show.
pub fn underneath(world: &World, hour: UtcMicros) -> Vec<ClockSlot> {
    part(ruling(world, hour), 0, HOUR_MS, true)
}
