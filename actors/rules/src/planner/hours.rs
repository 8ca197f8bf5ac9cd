//! The hours of a station: which stretch of time is which hour of its calendar, and which format
//! clock rules it.
//!
//! Upstream: the station's zone and its grid. Downstream: the planner, which fills hour by hour.
//! An hour ends where the next begins or where the clocks change, so every instant lies in exactly
//! one: an hour that comes twice is two, one that does not come is none, and where the clocks
//! change by half an hour a part of one stands alone.

use crate::timeline::decide::HOUR_US;
use grimnir_events::grid::{DAY_HOURS, Days, Grid, LocalDate, WEEK_HOURS};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_events::{ClockId, UtcMicros};
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::{BTreeMap, BTreeSet};

/// An hour of a station, or the part of one beside a change of the clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hour {
    /// First instant.
    pub from: UtcMicros,
    /// Instant after the last; an hour later at most.
    pub until: UtcMicros,
    /// Its day.
    pub date: LocalDate,
    /// 0 (from midnight) to 23.
    pub hour: u8,
    /// Milliseconds of the hour that come before `from`: 0 but beside a change of the clocks.
    pub skipped_ms: u32,
}

/// The zone of this IANA name; UTC for one that is not known, which no station has.
pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

/// The hour that holds `at`.
pub fn hour_of(zone: &TimeZone, at: UtcMicros) -> Hour {
    let instant = timestamp(at);
    let local = zone.to_datetime(instant);
    let minutes = i64::from(local.minute()) * 60 + i64::from(local.second());
    let into_us = minutes * 1_000_000 + i64::from(local.subsec_nanosecond()) / 1_000;
    let begun = at.plus(-into_us);
    let changed = zone.preceding(timestamp(at.plus(1))).next();
    let changes = zone.following(instant).next();
    let micros =
        |change: jiff::tz::TimeZoneTransition<'_>| UtcMicros(change.timestamp().as_microsecond());
    let from = changed.map(micros).filter(|change| *change > begun && *change <= at);
    let from = from.unwrap_or(begun);
    let until = begun.plus(HOUR_US);
    let until = changes.map(micros).map_or(until, |change| change.min(until));
    let skipped_ms = u32::try_from(from.since(begun) / 1_000).unwrap_or_default();
    let hour = u8::try_from(local.hour()).unwrap_or_default();
    Hour { from, until, date: local.date().into(), hour, skipped_ms }
}

/// Day of the week (0 is Monday) and minute of the day of an instant.
pub fn local_minute(zone: &TimeZone, at: UtcMicros) -> (u8, u16) {
    let local = zone.to_datetime(timestamp(at));
    let day = local.weekday().to_monday_zero_offset().unsigned_abs();
    (day, u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs()))
}

/// The hours from the one that holds `from` to the one that holds the last instant before `until`.
pub fn hours_between(zone: &TimeZone, from: UtcMicros, until: UtcMicros) -> Vec<Hour> {
    let mut hours = Vec::new();
    let mut at = from;
    while at < until {
        let hour = hour_of(zone, at);
        hours.push(hour);
        // The end of the range of times has no hour after it.
        if hour.until <= at {
            break;
        }
        at = hour.until;
    }
    hours
}

/// First instants of the hours without a plan, from the running one on. Where the clocks of a
/// station were set to another zone, a plan that was begun goes on for its hour.
pub fn hours_to_plan(
    zone: &TimeZone,
    now: UtcMicros,
    planned: &BTreeSet<UtcMicros>,
    horizon_hours: u32,
) -> Vec<UtcMicros> {
    let running = hour_of(zone, now).from;
    let until = running.plus(i64::from(horizon_hours).saturating_mul(HOUR_US));
    let begun = planned.range(..=now).next_back();
    let goes_on = begun.is_some_and(|begun| now.since(*begun) < HOUR_US);
    let hours = hours_between(zone, running, until).into_iter().map(|hour| hour.from);
    let kept = |hour: &UtcMicros| planned.contains(hour) || (goes_on && *hour == running);
    hours.filter(|hour| !kept(hour)).collect()
}

/// Planned hours to come that begin where no hour of the station begins any more.
pub fn stale_hours(
    zone: &TimeZone,
    now: UtcMicros,
    planned: &BTreeSet<UtcMicros>,
) -> Vec<UtcMicros> {
    let coming = planned.range(now.plus(1)..).copied();
    coming.filter(|hour| hour_of(zone, *hour).from != *hour).collect()
}

/// The clock that rules an hour: that of the first dated set which names its day and gives the
/// hour one, else the week's, else the default; `None` plans from the whole library. Clocks that
/// do not exist rule nothing.
pub fn ruling_clock<'a>(
    grid: &Grid,
    default: Option<&'a FormatClock>,
    clocks: &'a BTreeMap<ClockId, FormatClock>,
    hour: &Hour,
) -> Option<&'a FormatClock> {
    let known = |id: &Option<ClockId>| id.as_ref().and_then(|id| clocks.get(id));
    let date = hour.date.civil();
    let dated = grid.sets.iter().filter(|set| date.is_some_and(|date| holds(&set.days, date)));
    let at = usize::from(hour.hour);
    let dated = dated.filter_map(|set| set.hours.get(at)).find_map(known);
    let weekday = date.map_or(0, |date| date.weekday().to_monday_zero_offset().unsigned_abs());
    let of_week = (usize::from(weekday) * DAY_HOURS + at) % WEEK_HOURS;
    dated.or_else(|| grid.week.get(of_week).and_then(known)).or(default)
}

/// The slots of a clock in an hour: all of them in a whole one. In a part of an hour, those that
/// begin in it, and before them what the clock had begun to fill from. A slot without an offset
/// goes with the one it follows.
pub fn slots_in(clock: &FormatClock, hour: &Hour) -> Vec<ClockSlot> {
    let length_ms = hour.until.since(hour.from) / 1_000;
    let end_ms = i64::from(hour.skipped_ms) + length_ms;
    let mut slots: Vec<ClockSlot> = Vec::with_capacity(clock.slots.len());
    let mut begun_ms = 0;
    for slot in &clock.slots {
        begun_ms = slot.offset_ms.unwrap_or(begun_ms);
        if i64::from(begun_ms) >= end_ms {
            break;
        }
        let mut slot = slot.clone();
        slot.min_airtime_ms = slot.min_airtime_ms.or(clock.min_airtime_ms);
        match begun_ms.checked_sub(hour.skipped_ms) {
            Some(offset_ms) => slot.offset_ms = slot.offset_ms.map(|_| offset_ms),
            None if airs_once(&slot.source) => continue,
            None => {
                (slot.offset_ms, slot.start) = (Some(0), SlotStart::Free);
                slots.clear();
            }
        }
        // What was begun before gives way to a slot that begins with the part.
        if slot.opens_the_hour() {
            slots.clear();
        }
        slots.push(slot);
    }
    slots
}

/// The source has its turn once, and does not fill.
pub const fn airs_once(source: &SlotSource) -> bool {
    match source {
        SlotSource::HardItem { .. }
        | SlotSource::Stopset { .. }
        | SlotSource::Imaging { .. }
        | SlotSource::VoiceTrack { .. } => true,
        SlotSource::Playlist { .. }
        | SlotSource::PlaylistBy { .. }
        | SlotSource::Category { .. }
        | SlotSource::SmartBlock { .. }
        | SlotSource::LiveWindow { .. }
        | SlotSource::Webstream { .. } => false,
    }
}

/// Whether a day is among these.
pub fn holds(days: &Days, date: Date) -> bool {
    match days {
        Days::Dates { dates } => dates.contains(&date.into()),
        Days::Span { from, until } => (*from..=*until).contains(&date.into()),
        Days::Yearly { month, day } => {
            let found = LocalDate::from(date);
            (found.month, found.day) == (*month, *day)
        }
        Days::Weekday { month, weekday, nth } => {
            let found = LocalDate::from(date);
            let day =
                i8::try_from(*weekday).ok().and_then(|w| Weekday::from_monday_one_offset(w).ok());
            let nth =
                day.and_then(|day| date.first_of_month().nth_weekday_of_month(*nth, day).ok());
            found.month == *month && nth == Some(date)
        }
        Days::Easter { offset_days } => {
            let sunday = date.checked_sub(jiff::Span::new().days(*offset_days));
            sunday.is_ok_and(|sunday| easter(sunday.year()) == Some(sunday))
        }
    }
}

/// Western Easter Sunday of a year, by the anonymous Gregorian computus.
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y.rem_euclid(19), y.div_euclid(100), y.rem_euclid(100));
    let (d, e) = (b.div_euclid(4), b.rem_euclid(4));
    let g = (8 * b + 13).div_euclid(25);
    let h = (19 * a + b - d - g + 15).rem_euclid(30);
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).ok()
}

/// As close as the calendar reaches.
fn timestamp(at: UtcMicros) -> Timestamp {
    let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(at.0).unwrap_or(end)
}

#[cfg(test)]
#[path = "hours_tests.rs"]
mod tests;
