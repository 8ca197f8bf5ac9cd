//! Hours beside every kind of change of the clocks, and the clocks that rule them.

use super::*;
use grimnir_events::grid::DatedSet;
use proptest::prelude::*;

fn at(text: &str) -> UtcMicros {
    UtcMicros(text.parse::<Timestamp>().expect("a time").as_microsecond())
}

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

/// The hours between two instants, as `(date, hour, skipped minutes, length in minutes)`.
fn told(name: &str, from: &str, until: &str) -> Vec<(String, u8, u32, i64)> {
    let hours = hours_between(&zone(name), at(from), at(until));
    let minutes = |hour: &Hour| hour.until.since(hour.from) / 60_000_000;
    hours
        .iter()
        .map(|hour| (hour.date.to_string(), hour.hour, hour.skipped_ms / 60_000, minutes(hour)))
        .collect()
}

fn whole(date: &str, hour: u8) -> (String, u8, u32, i64) {
    (date.into(), hour, 0, 60)
}

#[test]
fn an_hour_that_comes_twice_is_two_and_one_that_does_not_come_is_none() {
    let autumn = told("Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
    assert_eq!(autumn, [1, 2, 2, 3].map(|hour| whole("2026-10-25", hour)));
    let spring = told("Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z");
    assert_eq!(spring, [1, 3, 4].map(|hour| whole("2026-03-29", hour)));
    let year = told("Europe/Berlin", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z");
    assert_eq!(year.len(), 365 * 24);
}

#[test]
fn hours_of_a_half_hour_zone_begin_at_its_own_full_hours() {
    let found = told("Asia/Kolkata", "2026-11-21T18:30:00Z", "2026-11-21T20:30:00Z");
    assert_eq!(found, [0, 1].map(|hour| whole("2026-11-22", hour)));
    let within = hour_of(&zone("Asia/Kathmandu"), at("2026-11-21T18:20:00Z"));
    assert_eq!((within.from, within.hour), (at("2026-11-21T18:15:00Z"), 0));
}

#[test]
fn where_the_clocks_change_by_half_an_hour_a_part_of_one_stands_alone() {
    let name = "Australia/Lord_Howe";
    // 2026-10-04: 02:00 becomes 02:30. 2026-04-05: 02:00 becomes 01:30.
    let spring = told(name, "2026-10-03T14:30:00Z", "2026-10-03T18:00:00Z");
    let date = "2026-10-04";
    assert_eq!(spring, [whole(date, 1), (date.into(), 2, 30, 30), whole(date, 3), whole(date, 4)]);
    let autumn = told(name, "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z");
    let date = "2026-04-05";
    assert_eq!(autumn, [whole(date, 1), (date.into(), 1, 30, 30), whole(date, 2)]);
}

#[test]
fn the_ends_of_time_have_hours_too() {
    for micros in [i64::MIN, i64::MAX] {
        let hour = hour_of(&zone("Europe/Berlin"), UtcMicros(micros));
        let until = UtcMicros(micros).plus(1);
        assert!(hours_between(&zone("Europe/Berlin"), UtcMicros(micros), until).len() < 2);
        assert!(hour.from <= hour.until);
    }
}

proptest! {
    #[test]
    fn every_instant_lies_in_one_hour_of_its_own_calendar(
        seconds in 0_i64..4_000_000_000,
        name in prop::sample::select(vec![
            "UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
            "America/New_York", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll",
        ]),
    ) {
        let (zone, instant) = (zone(name), UtcMicros(seconds * 1_000_000));
        let hour = hour_of(&zone, instant);
        prop_assert!(hour.from <= instant && instant < hour.until);
        prop_assert!(hour.until.since(hour.from) <= HOUR_US);
        let local = zone.to_datetime(timestamp(instant));
        prop_assert_eq!(hour.date, local.date().into());
        prop_assert_eq!(i32::from(hour.hour), i32::from(local.hour()));
        // The same from its first instant and from its last.
        prop_assert_eq!(hour_of(&zone, hour.from), hour);
        prop_assert_eq!(hour_of(&zone, hour.until.plus(-1)), hour);
        prop_assert_eq!(hour_of(&zone, hour.until).from, hour.until);
    }
}

fn clock(n: u8) -> FormatClock {
    FormatClock {
        id: ClockId([n; 16]),
        name: format!("Clock {n}"),
        slots: vec![],
        min_airtime_ms: None,
    }
}

#[test]
fn a_dated_set_comes_before_the_week_and_the_week_before_the_default() {
    let clocks = (1..=4).map(|n| (ClockId([n; 16]), clock(n))).collect();
    let one = |n: u8| Some(ClockId([n; 16]));
    let mut week = vec![None; WEEK_HOURS];
    // Saturday 2026-11-21, 07:00 to 09:00.
    week[5 * 24 + 7] = one(2);
    week[5 * 24 + 8] = one(9);
    let mut hours = vec![None; DAY_HOURS];
    hours[7] = one(3);
    let dates = vec!["2026-11-28".parse::<Date>().expect("a date").into()];
    let set = |name: &str, hours| DatedSet {
        name: name.into(),
        days: Days::Dates { dates: dates.clone() },
        hours,
    };
    let mut second = vec![one(4); DAY_HOURS];
    second[8] = one(9);
    let grid = Grid { week, sets: vec![set("First", hours), set("Second", second)] };
    let ruling = |text: &str, default: Option<FormatClock>| {
        let hour = hour_of(&zone("Europe/Berlin"), at(text));
        ruling_clock(&grid, default.as_ref(), &clocks, &hour).map(|clock| clock.id.0[0])
    };
    assert_eq!(ruling("2026-11-21T06:30:00Z", Some(clock(1))), Some(2));
    assert_eq!(ruling("2026-11-21T07:30:00Z", Some(clock(1))), Some(1), "clock 9 does not exist");
    assert_eq!(ruling("2026-11-21T05:30:00Z", Some(clock(1))), Some(1));
    assert_eq!(ruling("2026-11-21T05:30:00Z", None), None);
    assert_eq!(
        ruling("2026-11-28T06:30:00Z", Some(clock(1))),
        Some(3),
        "the first set that rules it"
    );
    assert_eq!(ruling("2026-11-28T05:30:00Z", Some(clock(1))), Some(4));
    assert_eq!(ruling("2026-11-28T07:30:00Z", Some(clock(1))), Some(1));
}

#[test]
fn days_are_named_in_every_way() {
    let among = |days: Days, date: &str| holds(&days, day(date));
    let span = Days::Span { from: day("2026-12-24").into(), until: day("2027-01-06").into() };
    for (date, expected) in
        [("2026-12-23", false), ("2026-12-24", true), ("2027-01-06", true), ("2027-01-07", false)]
    {
        assert_eq!(among(span.clone(), date), expected, "{date}");
    }
    let yearly = Days::Yearly { month: 2, day: 29 };
    assert!(among(yearly.clone(), "2028-02-29") && !among(yearly, "2027-03-01"));
    let nth = |nth, weekday, month| Days::Weekday { month, weekday, nth };
    assert!(among(nth(4, 4, 11), "2026-11-26"), "the fourth Thursday");
    assert!(among(nth(-1, 1, 5), "2026-05-25"), "the last Monday");
    assert!(!among(nth(5, 1, 2), "2026-02-23"), "there is no fifth");
    assert!(!among(nth(0, 1, 2), "2026-02-23") && !among(nth(1, 9, 2), "2026-02-02"));
    for sunday in ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25"] {
        assert!(among(Days::Easter { offset_days: 0 }, sunday), "{sunday}");
    }
    assert!(among(Days::Easter { offset_days: 1 }, "2026-04-06"));
    assert!(among(Days::Easter { offset_days: -2 }, "2026-04-03"));
    assert!(!among(Days::Easter { offset_days: -2 }, "2026-04-05"));
}

#[test]
fn a_part_of_an_hour_goes_on_with_what_fills_it_and_does_not_say_twice_what_is_said_once() {
    let slot = |minutes: u32, start, source| ClockSlot::at(minutes * 60_000, start, source);
    let once = || SlotSource::HardItem { media_id: grimnir_events::MediaId([1; 16]) };
    let fill = |name: &str| SlotSource::Category { category: name.into() };
    let mut clock = clock(1);
    clock.slots = vec![
        slot(0, SlotStart::Hard, once()),
        slot(1, SlotStart::Free, fill("gold")),
        slot(20, SlotStart::Hard, fill("new")),
        slot(25, SlotStart::Free, once()),
        slot(45, SlotStart::Hard, fill("late")),
    ];
    let hour = |skipped: u32, length: i64| Hour {
        from: UtcMicros(0),
        until: UtcMicros(length * 60_000_000),
        date: LocalDate::default(),
        hour: 2,
        skipped_ms: skipped * 60_000,
    };
    assert_eq!(slots_in(&clock, &hour(0, 60)), clock.slots);
    assert_eq!(slots_in(&clock, &hour(0, 30)), clock.slots[..4]);
    let late = slot(15, SlotStart::Hard, fill("late"));
    let rest = [slot(0, SlotStart::Free, fill("new")), late];
    assert_eq!(slots_in(&clock, &hour(30, 30)), rest);
    assert_eq!(slots_in(&clock, &hour(45, 15)), [slot(0, SlotStart::Hard, fill("late"))]);
}
