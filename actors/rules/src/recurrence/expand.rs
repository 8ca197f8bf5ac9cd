//! Expands a rule, period by period: the dates of a period, times of the day at each, then the
//! positions of the set that are asked for.

use super::{Freq, NthDay, Recurrence, YEARS};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, ToSpan};

impl Recurrence {
    /// The occurrences in `from..until` of a rule that counts from `start`, in order, `most` at
    /// most. Years out of bounds hold none.
    pub fn between(
        &self,
        start: DateTime,
        from: DateTime,
        until: DateTime,
        most: usize,
    ) -> Vec<DateTime> {
        let mut found = Vec::new();
        let Some(last) = self.last(start, until) else { return found };
        let mut counted = 0;
        // What is counted has to be counted from the start.
        let mut period = if self.count.is_some() { 0 } else { self.periods_before(start, from) };
        while found.len() < most && self.count.is_none_or(|count| counted < count) {
            let Some(first) = self.period(start.date(), period) else { break };
            if first > last.date() {
                break;
            }
            period += 1;
            for at in self.set(start, first) {
                if at < start || self.count.is_some_and(|count| counted >= count) {
                    continue;
                }
                if at > last {
                    return found;
                }
                counted += 1;
                if at >= from && found.len() < most {
                    found.push(at);
                }
            }
        }
        found
    }

    /// Whether it occurs just then.
    pub fn holds(&self, start: DateTime, at: DateTime) -> bool {
        let after = at.checked_add(1.second());
        after.is_ok_and(|after| !self.between(start, at, after, 1).is_empty())
    }

    /// The last instant that is looked at for occurrences before `until`.
    fn last(&self, start: DateTime, until: DateTime) -> Option<DateTime> {
        let before = until.checked_sub(1.second()).ok()?;
        let last = self.ends().map_or(before, |ends| ends.min(before));
        let bound = Date::new(*YEARS.end(), 12, 31).ok()?.at(23, 59, 59, 0);
        let last = last.min(bound);
        (start <= last && YEARS.contains(&start.date().year())).then_some(last)
    }

    /// Whole periods that can be passed over on the way to `from`.
    fn periods_before(&self, start: DateTime, from: DateTime) -> i64 {
        let (start, from) = (start.date(), from.date());
        let days = from.duration_since(start).as_hours() / 24;
        let years = i64::from(from.year()) - i64::from(start.year());
        let months = years * 12 + i64::from(from.month()) - i64::from(start.month());
        let units = match self.freq {
            Freq::Daily => days,
            Freq::Weekly => days / 7,
            Freq::Monthly => months,
            Freq::Yearly => years,
        };
        // One to spare: a period may begin before the day that it is counted from.
        (units / i64::from(self.interval) - 1).max(0)
    }

    /// The first day of the n-th period; `None` beyond the calendar.
    fn period(&self, start: Date, n: i64) -> Option<Date> {
        let n = n.checked_mul(i64::from(self.interval))?;
        let (first, span) = match self.freq {
            Freq::Daily => (start, Span::new().try_days(n)),
            Freq::Weekly => (self.week_of(start)?, Span::new().try_weeks(n)),
            Freq::Monthly => (start.first_of_month(), Span::new().try_months(n)),
            Freq::Yearly => (start.first_of_year(), Span::new().try_years(n)),
        };
        first.checked_add(span.ok()?).ok()
    }

    fn week_of(&self, date: Date) -> Option<Date> {
        let back = date.weekday().since(self.week_start);
        date.checked_sub(i64::from(back).days()).ok()
    }

    /// The occurrences of the period that begins on `first`, in order.
    fn set(&self, start: DateTime, first: Date) -> Vec<DateTime> {
        let dates = self.dates(start.date(), first);
        let own = |list: &[i8], own: i8| if list.is_empty() { vec![own] } else { list.to_vec() };
        let (hours, minutes) = (own(&self.hours, start.hour()), own(&self.minutes, start.minute()));
        let per_day = hours.len() * minutes.len();
        let at = |n: usize| {
            let date = dates.get(n / per_day)?;
            let time = n % per_day;
            let (hour, minute) = (hours[time / minutes.len()], minutes[time % minutes.len()]);
            Some(date.at(hour, minute, start.second(), 0))
        };
        let all = dates.len() * per_day;
        if self.positions.is_empty() {
            return (0..all).filter_map(at).collect();
        }
        let place = |position: &i16| {
            let off = usize::from(position.unsigned_abs());
            if *position > 0 { Some(off - 1) } else { all.checked_sub(off) }
        };
        let mut places: Vec<usize> = self.positions.iter().filter_map(place).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(at).collect()
    }

    /// The days of the period that begins on `first`.
    fn dates(&self, start: Date, first: Date) -> Vec<Date> {
        let month = |date: Date| {
            (self.months.is_empty() || self.months.contains(&date.month())).then_some(date)
        };
        match self.freq {
            Freq::Daily => {
                let plain =
                    self.days.is_empty() || self.days.iter().any(|d| d.day == first.weekday());
                let fits = plain && self.is_month_day(first);
                month(first).filter(|_| fits).into_iter().collect()
            }
            Freq::Weekly => {
                let wanted = |day: Weekday| match self.days.is_empty() {
                    true => day == start.weekday(),
                    false => self.days.iter().any(|wanted| wanted.day == day),
                };
                let days = run(first, 7).filter(|date| wanted(date.weekday()));
                days.filter_map(month).collect()
            }
            Freq::Monthly => match month(first) {
                Some(first) => self.in_month(first, start.day()),
                None => Vec::new(),
            },
            Freq::Yearly => self.in_year(start, first),
        }
    }

    fn is_month_day(&self, date: Date) -> bool {
        let back = date.day() - date.days_in_month() - 1;
        let wanted = |day: &i8| *day == date.day() || *day == back;
        self.month_days.is_empty() || self.month_days.iter().any(wanted)
    }

    /// Days of a month, by number and weekday; of neither part, the start's own.
    fn in_month(&self, first: Date, own: i8) -> Vec<Date> {
        let count = i16::from(first.days_in_month());
        let plain = self.days.is_empty() && self.month_days.is_empty();
        let days = run(first, count).filter(|date| !plain || date.day() == own);
        let days = days.filter(|date| self.is_month_day(*date));
        days.filter(|date| self.is_nth(*date, i16::from(date.day()), count)).collect()
    }

    fn in_year(&self, start: Date, first: Date) -> Vec<Date> {
        let by_day = !self.days.is_empty();
        let months = match (self.months.is_empty(), by_day, self.month_days.is_empty()) {
            (false, ..) => self.months.clone(),
            (true, false, true) => vec![start.month()],
            // Weekdays of no month are counted over the whole year.
            (true, true, _) => {
                let count = first.days_in_year();
                let days = run(first, count).filter(|date| self.is_month_day(*date));
                return days.filter(|date| self.is_nth(*date, date.day_of_year(), count)).collect();
            }
            (true, false, false) => (1..=12).collect(),
        };
        let month = |month: &i8| Date::new(first.year(), *month, 1).ok();
        months
            .iter()
            .filter_map(month)
            .flat_map(|month| self.in_month(month, start.day()))
            .collect()
    }

    /// Whether a day's weekday is wanted, it being the `place`-th of `count` days.
    fn is_nth(&self, date: Date, place: i16, count: i16) -> bool {
        let (ahead, behind) = ((place - 1) / 7 + 1, (count - place) / 7 + 1);
        let wanted = |wanted: &NthDay| {
            let nth = wanted.nth.map(i16::from);
            wanted.day == date.weekday()
                && nth.is_none_or(|nth| if nth > 0 { nth == ahead } else { -nth == behind })
        };
        self.days.is_empty() || self.days.iter().any(wanted)
    }
}

fn run(first: Date, count: i16) -> impl Iterator<Item = Date> {
    (0..i64::from(count)).map_while(move |n| first.checked_add(n.days()).ok())
}
