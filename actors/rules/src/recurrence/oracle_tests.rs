//! A naive oracle goes through the calendar day by day and asks of each whether it belongs.

use super::Recurrence;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday, date};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The parts of a rule by their names, with values as text.
type Parts = BTreeMap<&'static str, Vec<String>>;

fn numbers(parts: &Parts, name: &str) -> Option<Vec<i64>> {
    parts.get(name).map(|values| values.iter().map(|v| v.parse().expect("a number")).collect())
}

/// Which period a day is in, counted from that of the start.
fn period(parts: &Parts, start: Date, day: Date) -> i64 {
    let days = |from: Date, to: Date| to.duration_since(from).as_hours() / 24;
    match parts["FREQ"][0].as_str() {
        "DAILY" => days(start, day),
        "WEEKLY" => {
            let first = parts.get("WKST").map_or("MO", |values| values[0].as_str());
            let first = DAYS.iter().position(|d| *d == first).expect("a day") as i64;
            // 1970-01-05 was a Monday.
            let week = |d: Date| (days(date(1970, 1, 5), d) - first).div_euclid(7);
            week(day) - week(start)
        }
        "MONTHLY" => {
            let month = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
            month(day) - month(start)
        }
        _ => i64::from(day.year()) - i64::from(start.year()),
    }
}

/// How many days of that weekday there are from `day` on, one way, in its month or year.
fn rank(day: Date, step: i64, in_year: bool) -> i64 {
    let same = |d: Date| d.year() == day.year() && (in_year || d.month() == day.month());
    let mut count = 0;
    let mut at = day;
    while same(at) {
        count += 1;
        at = at.checked_add((7 * step).days()).expect("a day");
    }
    count
}

fn belongs(parts: &Parts, start: Date, day: Date) -> bool {
    let freq = parts["FREQ"][0].as_str();
    let months = numbers(parts, "BYMONTH");
    if months.as_ref().is_some_and(|months| !months.contains(&i64::from(day.month()))) {
        return false;
    }
    let of_month = numbers(parts, "BYMONTHDAY");
    let back = i64::from(day.day()) - i64::from(day.days_in_month()) - 1;
    if let Some(wanted) = &of_month
        && !wanted.contains(&i64::from(day.day()))
        && !wanted.contains(&back)
    {
        return false;
    }
    let named = |day: Weekday| DAYS[day.to_monday_zero_offset() as usize];
    if let Some(wanted) = parts.get("BYDAY") {
        let in_year = freq == "YEARLY" && months.is_none();
        return wanted.iter().any(|wanted| {
            let (nth, name) = wanted.split_at(wanted.len() - 2);
            let nth: i64 = if nth.is_empty() { 0 } else { nth.parse().expect("a number") };
            let right = nth == 0
                || (nth > 0 && rank(day, -1, in_year) == nth)
                || (nth < 0 && rank(day, 1, in_year) == -nth);
            name == named(day.weekday()) && right
        });
    }
    match freq {
        "WEEKLY" => day.weekday() == start.weekday(),
        "MONTHLY" if of_month.is_none() => day.day() == start.day(),
        "YEARLY" if of_month.is_none() => {
            day.day() == start.day() && (months.is_some() || day.month() == start.month())
        }
        _ => true,
    }
}

fn naive(parts: &Parts, start: DateTime, end: DateTime) -> Vec<DateTime> {
    let interval = numbers(parts, "INTERVAL").map_or(1, |n| n[0]);
    let own = |name, own| {
        let mut values = numbers(parts, name).unwrap_or_else(|| vec![i64::from(own)]);
        values.sort_unstable();
        values.dedup();
        values
    };
    let mut sets: BTreeMap<i64, Vec<DateTime>> = BTreeMap::new();
    let mut day = start.date().checked_sub(400.days()).expect("a day");
    let last = end.date().checked_add(400.days()).expect("a day");
    while day < last {
        let period = period(parts, start.date(), day);
        if period >= 0 && period % interval == 0 && belongs(parts, start.date(), day) {
            for hour in own("BYHOUR", start.hour()) {
                for minute in own("BYMINUTE", start.minute()) {
                    let at = day.at(hour as i8, minute as i8, start.second(), 0);
                    sets.entry(period).or_default().push(at);
                }
            }
        }
        day = day.tomorrow().expect("a day");
    }
    let mut all: Vec<DateTime> = Vec::new();
    for set in sets.into_values() {
        let count = set.len() as i64;
        let chosen = |n: i64| {
            let wanted = numbers(parts, "BYSETPOS");
            wanted.is_none_or(|wanted| wanted.contains(&(n + 1)) || wanted.contains(&(n - count)))
        };
        all.extend((0..count).filter(|n| chosen(*n)).map(|n| set[n as usize]));
    }
    all.retain(|at| *at >= start);
    if let Some(count) = numbers(parts, "COUNT") {
        all.truncate(count[0] as usize);
    }
    all.retain(|at| *at < end);
    all
}

fn listed(from: i64, to: i64) -> impl Strategy<Value = Option<Vec<String>>> {
    let value = (from..=to).prop_filter("not 0", move |n| *n != 0 || from == 0);
    let values = prop::collection::vec(value.prop_map(|n| n.to_string()), 1..4);
    prop::option::weighted(0.35, values)
}

fn rules() -> impl Strategy<Value = Parts> {
    let freq = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    let nth = prop::option::weighted(0.4, (-5..=5_i8).prop_filter("not 0", |n| *n != 0));
    let day = (nth, 0..7_usize);
    let days = prop::option::weighted(0.5, prop::collection::vec(day, 1..4));
    let one = |from, to| prop::option::weighted(0.4, from..=to);
    let lists = (listed(-31, 31), listed(1, 12), listed(-4, 4), listed(0, 23), listed(0, 59));
    (freq, days, one(1_usize, 5), one(1, 40), one(0, 6), lists).prop_map(
        |(freq, days, interval, count, wkst, (month_days, months, positions, hours, minutes))| {
            let mut parts = Parts::from([("FREQ", vec![freq.to_owned()])]);
            let numbered = matches!(freq, "MONTHLY" | "YEARLY");
            let day = |(nth, day): (Option<i8>, usize)| {
                let nth = nth.filter(|_| numbered).map(|n| n.to_string()).unwrap_or_default();
                format!("{nth}{}", DAYS[day])
            };
            let mut put = |name, values: Option<Vec<String>>| {
                values.map(|values| parts.insert(name, values));
            };
            let by = days.is_some() || months.is_some() || hours.is_some();
            put("BYDAY", days.map(|days| days.into_iter().map(day).collect()));
            put("BYMONTHDAY", month_days.filter(|_| freq != "WEEKLY"));
            put("BYMONTH", months);
            put("BYHOUR", hours);
            put("BYMINUTE", minutes);
            put("BYSETPOS", positions.filter(|_| by));
            put("INTERVAL", interval.map(|n| vec![n.to_string()]));
            put("COUNT", count.map(|n| vec![n.to_string()]));
            put("WKST", wkst.map(|n| vec![DAYS[n].to_owned()]));
            parts
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_rule_occurs_when_a_walk_through_the_calendar_says(
        parts in rules(), day in 0..1_500_i64, second in 0..86_400_i64, into in 0..900_i64,
    ) {
        let start = date(2023, 1, 1).at(0, 0, 0, 0);
        let start = start.checked_add(day.days().seconds(second)).expect("a time");
        let end = start.checked_add(1_000.days()).expect("a time");
        let text: Vec<String> =
            parts.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        let text = text.join(";");
        let rule = Recurrence::parse(&text).expect("is a rule");
        let expected = naive(&parts, start, end);
        let found = rule.between(start, start, end, usize::MAX);
        prop_assert_eq!(&found, &expected, "{} {}", start, text);
        let from = start.checked_add(into.days()).expect("a time");
        let until = from.checked_add(40.days()).expect("a time").min(end);
        let inside: Vec<DateTime> =
            expected.into_iter().filter(|at| *at >= from && *at < until).collect();
        prop_assert_eq!(rule.between(start, from, until, usize::MAX), inside, "{} {}", start, text);
    }
}
