//! What is refused, and that no rule runs away.

use super::{Recurrence, localised};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

fn start() -> DateTime {
    date(2026, 1, 1).at(2, 30, 0, 0)
}

fn end() -> DateTime {
    date(2200, 1, 1).at(0, 0, 0, 0)
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_by_the_part_that_makes_none() {
    for (text, part) in [
        ("", "RRULE"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=HOURLY", "FREQ"),
        ("FREQ=DAILY;", "RRULE"),
        ("FREQ=DAILY;=3", "RRULE"),
        ("FREQ=DAILY;FREQ=DAILY", "RRULE"),
        ("FREQ=DAILY;EACH=3", "RRULE"),
        ("FREQ=YEARLY;BYWEEKNO=20", "RRULE"),
        ("FREQ=DAILY;BYSECOND=1", "RRULE"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=10001", "COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260105", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260101T250000", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260105T000000Z", "UNTIL"),
        ("FREQ=DAILY;UNTIL=99991231", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=ÄÖ", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=", "BYDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS"),
        ("FREQ=WEEKLY;WKST=1", "WKST"),
    ] {
        let fault = Recurrence::parse(text).expect_err(text);
        assert_eq!(fault.part, part, "{text}: {fault}");
    }
    let long = format!("FREQ=DAILY;BYHOUR={}", "1,".repeat(600));
    assert_eq!(Recurrence::parse(&long).expect_err("too long").part, "RRULE");
}

#[test]
fn a_rule_is_read_however_it_is_written() {
    let plain = Recurrence::parse("FREQ=WEEKLY;BYDAY=MO,FR").expect("reads");
    assert_eq!(Recurrence::parse("RRULE:freq=weekly;byday=mo,fr"), Ok(plain));
}

#[test]
fn rules_that_never_occur_and_rules_that_always_do_come_to_an_end() {
    for never in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=10000",
        "FREQ=DAILY;INTERVAL=1000;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
    ] {
        let rule = Recurrence::parse(never).expect("reads");
        assert_eq!(rule.between(start(), start(), end(), 1), [], "{never}");
    }
    let all: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let (hours, minutes) = (all[..24].join(","), all.join(","));
    let always =
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={hours};BYMINUTE={minutes}");
    let rule = Recurrence::parse(&always).expect("reads");
    let found = rule.between(start(), date(2199, 12, 31).at(23, 50, 0, 0), DateTime::MAX, 100);
    assert_eq!(found.len(), 10, "the years end: {found:?}");
    assert_eq!(rule.between(DateTime::MAX, DateTime::MIN, DateTime::MAX, 9), []);
    assert_eq!(rule.between(DateTime::MIN, DateTime::MIN, DateTime::MAX, 9), []);
}

#[test]
fn a_day_as_the_end_is_whole_and_an_end_in_utc_is_made_local() {
    let between = |text: &str| {
        let rule = Recurrence::parse(text).expect("reads");
        rule.between(start(), start(), end(), 100).len()
    };
    assert_eq!(between("FREQ=DAILY;UNTIL=20260103"), 3);
    assert_eq!(between("FREQ=DAILY;UNTIL=20260103T022959"), 2);
    let zone = TimeZoneDatabase::bundled().get("America/New_York").expect("a zone");
    let text = localised("FREQ=DAILY;UNTIL=20260103T073000Z;BYHOUR=2", &zone);
    assert_eq!(text, "FREQ=DAILY;UNTIL=20260103T023000;BYHOUR=2");
    assert_eq!(between(&text), 3);
    assert_eq!(localised("FREQ=DAILY;UNTIL=Z", &zone), "FREQ=DAILY;UNTIL=Z");
}

proptest! {
    #[test]
    fn no_text_brings_it_down(
        text in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);)?([A-Z]{2,9}=[-+0-9A-Zä,;]{0,12};?){0,4}",
    ) {
        if let Ok(rule) = Recurrence::parse(&text) {
            rule.between(start(), start(), end(), 5);
        }
    }
}
