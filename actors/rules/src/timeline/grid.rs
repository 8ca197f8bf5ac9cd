//! Checks a grid, and takes a clock out of it.

use super::decide::{MAX_NAME, MAX_PLAN_BYTES};
use super::rejection::TimelineRejection as No;
use grimnir_events::grid::{DAY_HOURS, DatedSet, Days, Grid, LocalDate, WEEK_HOURS};
use grimnir_events::timeline::{FormatClock, TimelineEvent};
use grimnir_events::{ClockId, codec};
use std::collections::BTreeMap;

/// Most dated sets of a grid.
pub const MAX_SETS: usize = 40;
/// Most single days of a dated set.
pub const MAX_DATES: usize = 100;

/// Whether the grid is whole and names clocks and days that there are.
pub fn check(grid: &Grid, clocks: &BTreeMap<ClockId, FormatClock>) -> Result<(), No> {
    let found = grid.week.len();
    if found != 0 && found != WEEK_HOURS {
        return Err(No::GridWeek { found, limit: WEEK_HOURS });
    }
    let found = grid.sets.len();
    if found > MAX_SETS {
        return Err(No::DatedSetCount { found, limit: MAX_SETS });
    }
    for (index, set) in grid.sets.iter().enumerate() {
        let found = set.name.trim().chars().count();
        if found == 0 || found > MAX_NAME {
            return Err(No::DatedSetName { index, found, limit: MAX_NAME });
        }
        let found = set.hours.len();
        if found != DAY_HOURS {
            return Err(No::DatedSetHours { index, found, limit: DAY_HOURS });
        }
        check_days(index, &set.days)?;
    }
    let named = grid.sets.iter().flat_map(|set| &set.hours).chain(&grid.week);
    if let Some(unknown) = named.flatten().find(|clock_id| !clocks.contains_key(clock_id)) {
        return Err(No::UnknownClock(*unknown));
    }
    let event = TimelineEvent::GridSet { grid: grid.clone() };
    let found = codec::encode(&event).map_or(usize::MAX, |encoded| encoded.bytes.len());
    if found > MAX_PLAN_BYTES {
        return Err(No::GridTooLarge { found, limit: MAX_PLAN_BYTES });
    }
    Ok(())
}

fn check_days(index: usize, days: &Days) -> Result<(), No> {
    let refused = |found: String, expected| Err(No::DatedSetDays { index, found, expected });
    let there = |date: &LocalDate| date.civil().is_some();
    match days {
        Days::Dates { dates } if dates.is_empty() || dates.len() > MAX_DATES => {
            refused(format!("{} days", dates.len()), "1 to 100 days")
        }
        Days::Dates { dates } => match dates.iter().find(|date| !there(date)) {
            Some(date) => refused(date.to_string(), "days of the calendar"),
            None => Ok(()),
        },
        Days::Span { from, until } if !there(from) || !there(until) || until < from => {
            refused(format!("{from} to {until}"), "a first day and one not before it")
        }
        Days::Yearly { month, day }
            if (LocalDate { year: 2_000, month: *month, day: *day }).civil().is_none() =>
        {
            refused(format!("day {day} of month {month}"), "a day that some year has")
        }
        Days::Weekday { month, weekday, nth } => {
            let known = (1..=12).contains(month) && (1..=7).contains(weekday);
            if known && *nth != 0 && (-5..=5).contains(nth) {
                return Ok(());
            }
            let found = format!("weekday {weekday}, number {nth} of month {month}");
            refused(found, "a weekday 1 to 7, a number -5 to 5 but 0, a month 1 to 12")
        }
        Days::Easter { offset_days } if !(-366..=366).contains(offset_days) => {
            refused(format!("{offset_days} days from Easter"), "-366 to 366 days")
        }
        Days::Span { .. } | Days::Yearly { .. } | Days::Easter { .. } => Ok(()),
    }
}

/// The grid without a clock; `None` where it does not name it.
pub fn without(grid: &Grid, clock_id: ClockId) -> Option<Grid> {
    let clear = |hours: &[Option<ClockId>]| -> Vec<Option<ClockId>> {
        hours.iter().map(|hour| hour.filter(|id| *id != clock_id)).collect()
    };
    let set = |set: &DatedSet| DatedSet { hours: clear(&set.hours), ..set.clone() };
    let cleared = Grid { week: clear(&grid.week), sets: grid.sets.iter().map(set).collect() };
    (cleared != *grid).then_some(cleared)
}
