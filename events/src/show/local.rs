//! A time of the station's calendar, to the second, in no particular time zone.

use crate::grid::LocalDate;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt::{Debug, Display, Formatter};
use std::str::FromStr;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// A time of a calendar. Reads and writes as `2026-11-21T14:00:00` where a person reads it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocalTime {
    /// The day.
    pub date: LocalDate,
    /// Seconds from its midnight.
    pub second: u32,
}

impl LocalTime {
    /// As the calendar has it; `None` for a time that does not exist, such as 25 o'clock.
    pub fn civil(self) -> Option<DateTime> {
        let small = |number: u32| i8::try_from(number).ok();
        let hour = small(self.second / 3_600)?;
        let (minute, second) = (small(self.second / 60 % 60)?, small(self.second % 60)?);
        let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
        Some(self.date.civil()?.to_datetime(time))
    }

    /// Seconds since the first day of the year 1; 0 for a time before it or none at all.
    pub(super) fn seconds(self) -> u64 {
        let first = jiff::civil::date(1, 1, 1);
        let days = self.date.civil().map_or(0, |date| date.duration_since(first).as_hours() / 24);
        u64::try_from(days).unwrap_or_default() * DAY_S + u64::from(self.second)
    }

    /// The time that this many seconds after the first day of the year 1 are.
    pub(super) fn of_seconds(seconds: u64) -> Option<Self> {
        let days = i64::try_from(seconds / DAY_S).ok()?;
        let span = jiff::Span::new().try_days(days).ok()?;
        let date = jiff::civil::date(1, 1, 1).checked_add(span).ok()?;
        Some(Self { date: date.into(), second: u32::try_from(seconds % DAY_S).ok()? })
    }
}

impl From<DateTime> for LocalTime {
    fn from(at: DateTime) -> Self {
        // Parts of a time of day are 0 to 59.
        let part = |number: i8| u32::from(number.unsigned_abs());
        let second = part(at.hour()) * 3_600 + part(at.minute()) * 60 + part(at.second());
        Self { date: at.date().into(), second }
    }
}

impl FromStr for LocalTime {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<DateTime>().map(Self::from)
    }
}

impl Display for LocalTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (hour, minute, second) = (self.second / 3_600, self.second / 60 % 60, self.second % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.date)
    }
}
impl Debug for LocalTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, f)
    }
}
impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            (self.date, self.second).serialize(s)
        }
    }
}
impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
            // An offset or a zone would be passed over in silence.
            let civil = text.bytes().all(|b| b.is_ascii_digit() || b"T:- ".contains(&b));
            if !civil {
                return Err(D::Error::custom(format!(
                    "\"{text}\" is not a time of the station's calendar like 2026-11-21T14:00:00"
                )));
            }
            text.parse().map_err(D::Error::custom)
        } else {
            let (date, second) = Deserialize::deserialize(d)?;
            Ok(Self { date, second })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_it_prints_and_names_no_zone() {
        let text = "\"2026-11-21T14:05:09\"";
        let at: LocalTime = serde_json::from_str(text).expect("reads");
        assert_eq!(at.second, 14 * 3_600 + 5 * 60 + 9);
        assert_eq!(serde_json::to_string(&at).expect("prints"), text);
        assert_eq!(at.civil().map(LocalTime::from), Some(at));
        for wrong in ["2026-11-21T14:00:00Z", "2026-11-21T14:00:00+01:00", "2026-02-30T14:00:00"] {
            assert!(serde_json::from_str::<LocalTime>(&format!("\"{wrong}\"")).is_err(), "{wrong}");
        }
        assert_eq!(LocalTime { second: 86_400, ..at }.civil(), None);
    }
}
