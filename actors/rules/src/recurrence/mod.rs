//! Recurrence as RFC 5545 writes it (RRULE), over times of a calendar without a zone.
//!
//! Parsed strictly: a part that is not known, or stands where RFC 5545 section 3.3.10 forbids it,
//! is refused by its name. Expanded lazily, period by period, and bounded in every direction, so
//! that no rule can hold anybody up. A start that its own rule does not name is not an occurrence.
//! Our own, because the libraries that do this bring a second library of time zones.
//! Upstream: the text of a show. Downstream: the show's decisions and instances, which put the
//! times into the station's zone.

mod expand;
mod parse;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime, Weekday};
use std::fmt::Write;

/// Most occurrences that a rule counts.
pub const MAX_COUNT: u32 = 10_000;
/// Longest interval.
pub const MAX_INTERVAL: u32 = 1_000;
/// Longest text of a rule, in bytes.
pub const MAX_TEXT: usize = 1_000;
/// First and last year in which anything can occur.
pub const YEARS: std::ops::RangeInclusive<i16> = 1_970..=2_199;

/// How often a period comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freq {
    /// Days.
    Daily,
    /// Weeks.
    Weekly,
    /// Months.
    Monthly,
    /// Years.
    Yearly,
}

/// The n-th of a weekday in its month or year, from the end where negative; every one without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NthDay {
    /// Which of them.
    pub nth: Option<i8>,
    /// The day.
    pub day: Weekday,
}

/// A rule, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recurrence {
    freq: Freq,
    interval: u32,
    count: Option<u32>,
    until: Option<Until>,
    days: Vec<NthDay>,
    month_days: Vec<i8>,
    months: Vec<i8>,
    positions: Vec<i16>,
    hours: Vec<i8>,
    minutes: Vec<i8>,
    week_start: Weekday,
}

/// When it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    /// With this day.
    Day(Date),
    /// With this instant of the calendar.
    Time(DateTime),
}

impl Until {
    fn last(self) -> DateTime {
        match self {
            Self::Day(date) => date.at(23, 59, 59, 0),
            Self::Time(at) => at,
        }
    }
}

/// Why a rule is refused: a part of it, what was found there, what can stand there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{part} is {found:?}, expected {expected}")]
pub struct RuleFault {
    /// The part, e.g. `BYMONTHDAY`; `RRULE` for the whole.
    pub part: String,
    /// What was found, cut.
    pub found: String,
    /// What can stand there.
    pub expected: &'static str,
}

/// The rule with the end of its `UNTIL`, if that is given in UTC, as a time of the calendar of
/// `zone`: what shows keep. Anything else stays as it is.
pub fn localised(text: &str, zone: &jiff::tz::TimeZone) -> String {
    let local = |part: &str| -> Option<String> {
        let (name, value) = part.split_once('=')?;
        let utc = value.strip_suffix(['Z', 'z'])?;
        if !name.trim().eq_ignore_ascii_case("UNTIL") {
            return None;
        }
        let at = DateTime::strptime("%Y%m%dT%H%M%S", utc.to_ascii_uppercase()).ok()?;
        let at = jiff::tz::TimeZone::UTC.to_timestamp(at).ok()?;
        Some(format!("UNTIL={}", stamp(zone.to_datetime(at))))
    };
    let parts = text.split(';').map(|part| local(part).unwrap_or_else(|| part.to_owned()));
    parts.collect::<Vec<_>>().join(";")
}

/// A time as RFC 5545 writes it, without a zone.
pub fn stamp(at: DateTime) -> String {
    let mut text = String::new();
    let (date, time) = (at.date(), at.time());
    // Writing to a string cannot fail.
    let _ = write!(text, "{:04}{:02}{:02}", date.year(), date.month(), date.day());
    let _ = write!(text, "T{:02}{:02}{:02}", time.hour(), time.minute(), time.second());
    text
}

impl Recurrence {
    /// When it ends, where it does by a time.
    pub fn ends(&self) -> Option<DateTime> {
        self.until.map(Until::last)
    }
}
