//! Reads a rule, and names the part that cannot be taken.

use super::{Freq, MAX_COUNT, MAX_INTERVAL, MAX_TEXT, NthDay, Recurrence, RuleFault, Until, YEARS};
use jiff::civil::{Date, DateTime, Weekday};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The parts that are known.
const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "WKST",
];
/// The same, as they are told.
const KNOWN: &str = "FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, BYHOUR, \
                     BYMINUTE or WKST, each once";
/// Most values in one part.
const MAX_VALUES: usize = 366;

fn fault<T>(part: &str, found: &str, expected: &'static str) -> Result<T, RuleFault> {
    let found = found.chars().take(80).collect();
    Err(RuleFault { part: part.chars().take(40).collect(), found, expected })
}

impl Recurrence {
    /// Reads a rule as RFC 5545 writes it, with or without `RRULE:` before it.
    pub fn parse(text: &str) -> Result<Self, RuleFault> {
        if text.len() > MAX_TEXT {
            return fault("RRULE", text, "at most 1,000 bytes");
        }
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut parts: BTreeMap<&str, &str> = BTreeMap::new();
        for part in text.split(';') {
            let Some((name, value)) = part.split_once('=') else {
                return fault("RRULE", part, "parts like FREQ=WEEKLY, with ; between them");
            };
            if !PARTS.contains(&name) || parts.insert(name, value).is_some() {
                return fault("RRULE", name, KNOWN);
            }
        }
        let mut take = |name: &str| parts.remove(name);
        let freq = match take("FREQ") {
            Some("DAILY") => Freq::Daily,
            Some("WEEKLY") => Freq::Weekly,
            Some("MONTHLY") => Freq::Monthly,
            Some("YEARLY") => Freq::Yearly,
            found => {
                return fault(
                    "FREQ",
                    found.unwrap_or_default(),
                    "DAILY, WEEKLY, MONTHLY or YEARLY",
                );
            }
        };
        let interval = take("INTERVAL").map(|text| number("INTERVAL", text, 1, MAX_INTERVAL, N1));
        let count = take("COUNT").map(|text| number("COUNT", text, 1, MAX_COUNT, N2));
        let rule = Self {
            freq,
            interval: interval.transpose()?.unwrap_or(1),
            count: count.transpose()?,
            until: take("UNTIL").map(until).transpose()?,
            days: take("BYDAY").map_or_else(|| Ok(Vec::new()), days)?,
            month_days: list("BYMONTHDAY", take("BYMONTHDAY"), -31, 31, "1 to 31 or -1 to -31")?,
            months: list("BYMONTH", take("BYMONTH"), 1, 12, "1 to 12")?,
            positions: list("BYSETPOS", take("BYSETPOS"), -366, 366, "1 to 366 or -1 to -366")?,
            hours: list("BYHOUR", take("BYHOUR"), 0, 23, "0 to 23")?,
            minutes: list("BYMINUTE", take("BYMINUTE"), 0, 59, "0 to 59")?,
            week_start: take("WKST").map_or(Ok(Weekday::Monday), week_start)?,
        };
        rule.checked()
    }

    /// What RFC 5545 forbids together.
    fn checked(self) -> Result<Self, RuleFault> {
        if self.count.is_some() && self.until.is_some() {
            return fault("UNTIL", "beside COUNT", "one of UNTIL and COUNT");
        }
        let nth = self.days.iter().any(|day| day.nth.is_some());
        if nth && matches!(self.freq, Freq::Daily | Freq::Weekly) {
            let expected = "weekdays without a number, unless FREQ is MONTHLY or YEARLY";
            return fault("BYDAY", "numbered", expected);
        }
        if !self.month_days.is_empty() && self.freq == Freq::Weekly {
            return fault("BYMONTHDAY", "with FREQ=WEEKLY", "no BYMONTHDAY there");
        }
        let parts = [
            self.days.is_empty(),
            self.month_days.is_empty(),
            self.months.is_empty(),
            self.hours.is_empty(),
            self.minutes.is_empty(),
        ];
        if !self.positions.is_empty() && parts.iter().all(|empty| *empty) {
            return fault("BYSETPOS", "alone", "another BY… part beside it");
        }
        Ok(self)
    }
}

const N1: &str = "1 to 1,000";
const N2: &str = "1 to 10,000";

fn number<T: FromStr + PartialOrd>(
    part: &str,
    text: &str,
    from: T,
    to: T,
    expected: &'static str,
) -> Result<T, RuleFault> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = (1..=5).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<T>() {
        Ok(number) if digits && number >= from && number <= to => Ok(number),
        _ => fault(part, text, expected),
    }
}

/// Values of a part, in order and each once; 0 only where the range begins with it.
fn list<T: FromStr + Ord + Copy + Default>(
    part: &str,
    text: Option<&str>,
    from: T,
    to: T,
    expected: &'static str,
) -> Result<Vec<T>, RuleFault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    if text.split(',').count() > MAX_VALUES {
        return fault(part, text, "at most 366 values");
    }
    let mut values = Vec::new();
    for text in text.split(',') {
        let value = number(part, text, from, to, expected)?;
        if value == T::default() && from < T::default() {
            return fault(part, text, expected);
        }
        values.push(value);
    }
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

fn week_start(text: &str) -> Result<Weekday, RuleFault> {
    weekday(text).map_or_else(|| fault("WKST", text, "MO, TU, WE, TH, FR, SA or SU"), Ok)
}

fn days(text: &str) -> Result<Vec<NthDay>, RuleFault> {
    const EXPECTED: &str =
        "MO, TU, WE, TH, FR, SA or SU, with 1 to 53 or -1 to -53 before it or not";
    if text.split(',').count() > MAX_VALUES {
        return fault("BYDAY", text, "at most 366 values");
    }
    let mut days = Vec::new();
    for text in text.split(',') {
        // Two bytes from the end may lie inside of a letter.
        let cut = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at));
        let Some((nth, day)) = cut.map(|at| text.split_at(at)) else {
            return fault("BYDAY", text, EXPECTED);
        };
        let Some(day) = weekday(day) else { return fault("BYDAY", text, EXPECTED) };
        let nth = match nth {
            "" => None,
            nth => match number("BYDAY", nth, -53_i8, 53, EXPECTED)? {
                0 => return fault("BYDAY", text, EXPECTED),
                nth => Some(nth),
            },
        };
        days.push(NthDay { nth, day });
    }
    Ok(days)
}

fn until(text: &str) -> Result<Until, RuleFault> {
    const EXPECTED: &str =
        "a local time like 20261231T235959, or a day like 20261231, of the years 1970 to 2199";
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let known = |date: &Date| YEARS.contains(&date.year());
    let read = match text.split_once('T') {
        Some((date, time))
            if date.len() == 8 && time.len() == 6 && digits(date) && digits(time) =>
        {
            let at = DateTime::strptime("%Y%m%dT%H%M%S", text).ok();
            at.filter(|at| known(&at.date())).map(Until::Time)
        }
        None if text.len() == 8 && digits(text) => {
            Date::strptime("%Y%m%d", text).ok().filter(known).map(Until::Day)
        }
        _ => None,
    };
    read.map_or_else(|| fault("UNTIL", text, EXPECTED), Ok)
}
