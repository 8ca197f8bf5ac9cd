//! The words of a grid: which format clock rules which hour of the week, and of dated days.
//!
//! Hours are hours of the station's own time; days are days of its calendar.

use crate::ids::ClockId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Hours of a week.
pub const WEEK_HOURS: usize = 168;
/// Hours of a day.
pub const DAY_HOURS: usize = 24;

/// Which clock rules which hour.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Grid {
    /// A clock for each hour of the week, Monday 00:00 first; empty for none at all. `None` leaves
    /// the hour to the default clock.
    pub week: Vec<Option<ClockId>>,
    /// Days that are not like others; the first that names a day rules it.
    pub sets: Vec<DatedSet>,
}

/// Clocks of days that are not like others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DatedSet {
    /// Its name, e.g. `Christmas`.
    pub name: String,
    /// The days.
    pub days: Days,
    /// A clock for each of the 24 hours; `None` leaves the hour to the week.
    pub hours: Vec<Option<ClockId>>,
}

/// Days of a calendar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// These.
    Dates {
        /// The days, in any order.
        dates: Vec<LocalDate>,
    },
    /// From one day to another, both among them.
    Span {
        /// The first.
        from: LocalDate,
        /// The last.
        until: LocalDate,
    },
    /// The same day of every year.
    Yearly {
        /// 1 to 12.
        month: u8,
        /// 1 to 31; the 29th of February comes in leap years only.
        day: u8,
    },
    /// The n-th weekday of a month of every year.
    Weekday {
        /// 1 to 12.
        month: u8,
        /// 1 (Monday) to 7 (Sunday).
        weekday: u8,
        /// 1 to 5 from the start of the month, -1 to -5 from its end.
        nth: i8,
    },
    /// So many days after Western Easter Sunday; negative before it.
    Easter {
        /// -366 to 366.
        offset_days: i16,
    },
}

/// A day of the calendar, in no particular time zone. Reads and writes as `2026-12-24` where a
/// person reads it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocalDate {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl std::fmt::Display for LocalDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
impl std::fmt::Debug for LocalDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
impl Serialize for LocalDate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            (self.year, self.month, self.day).serialize(s)
        }
    }
}
impl<'de> Deserialize<'de> for LocalDate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
            let date: jiff::civil::Date = text.parse().map_err(D::Error::custom)?;
            Ok(Self::from(date))
        } else {
            let (year, month, day) = Deserialize::deserialize(d)?;
            Ok(Self { year, month, day })
        }
    }
}

impl From<jiff::civil::Date> for LocalDate {
    fn from(date: jiff::civil::Date) -> Self {
        // Months and days of a date are 1 to 31.
        let small = |number: i8| u8::try_from(number).unwrap_or_default();
        Self { year: date.year(), month: small(date.month()), day: small(date.day()) }
    }
}

impl LocalDate {
    /// As the calendar has it; `None` for a day that does not exist, such as the 30th of February.
    pub fn civil(self) -> Option<jiff::civil::Date> {
        let small = |number: u8| i8::try_from(number).ok();
        jiff::civil::Date::new(self.year, small(self.month)?, small(self.day)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_as_it_prints_and_has_no_day_that_does_not_exist() {
        let eve = LocalDate { year: 2026, month: 12, day: 24 };
        let text = serde_json::to_string(&eve).expect("encodes");
        assert_eq!(text, "\"2026-12-24\"");
        assert_eq!(serde_json::from_str::<LocalDate>(&text).expect("decodes"), eve);
        assert!(serde_json::from_str::<LocalDate>("\"2026-02-30\"").is_err());
        assert_eq!(LocalDate { day: 30, month: 2, ..eve }.civil(), None);
        assert_eq!(LocalDate { month: 255, ..eve }.civil(), None);
    }
}
