//! The calendar file keeps to RFC 5545: line ends and lengths, escapes, times.

use super::Coming;
use super::ical::calendar;
use super::tests::{local, show, utc};
use crate::planner::hours::zone;
use grimnir_events::show::{Exception, Moved};

/// As a reader has it: lines that go on are one, each with its name and value.
fn read(file: &str) -> Vec<(String, String)> {
    let whole = file.replace("\r\n ", "");
    let lines = whole.strip_suffix("\r\n").expect("ends with a line end").split("\r\n");
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').expect("a name and a value");
        (name.to_owned(), value.to_owned())
    };
    lines.map(pair).collect()
}

#[test]
fn every_instance_is_an_event_with_its_own_times_in_utc() {
    let mut kept = show(1, "2026-10-24T02:30:00", 60, "FREQ=DAILY;COUNT=3");
    kept.show.name = "Öl; Met, und \\ \"Skald\"\nNachts".into();
    kept.show.description = "ñandú — ".repeat(40);
    let moved = Moved { to: local("2026-10-26T05:00:00"), duration_s: 600 };
    kept.exceptions = [
        (local("2026-10-24T02:30:00"), Exception { cancelled: true, ..Exception::default() }),
        (local("2026-10-26T02:30:00"), Exception { moved: Some(moved), ..Exception::default() }),
    ]
    .into();
    let zone = zone("Europe/Berlin");
    let from = utc("2026-10-01T00:00:00Z");
    let instances = Coming::of(&kept).instances(&zone, from, utc("2026-11-01T00:00:00Z"));
    let file = calendar("Grimnir, One", "Europe/Berlin", &instances, from);
    assert!(!file.replace("\r\n", "").contains(['\r', '\n']), "every line end is CRLF");
    assert!(file.split("\r\n").all(|line| line.len() <= 75), "no line is longer than 75 bytes");
    let lines = read(&file);
    let all = |name: &str| -> Vec<&str> {
        let named = lines.iter().filter(|(found, _)| found == name);
        named.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(all("X-WR-CALNAME"), ["Grimnir\\, One"]);
    assert_eq!(all("DTSTART"), ["20261024T003000Z", "20261025T003000Z", "20261026T040000Z"]);
    assert_eq!(all("DTEND"), ["20261024T013000Z", "20261025T013000Z", "20261026T041000Z"]);
    assert_eq!(all("STATUS"), ["CANCELLED", "CONFIRMED", "CONFIRMED"]);
    assert_eq!(all("SUMMARY")[0], "Öl\\; Met\\, und \\\\ \"Skald\"\\nNachts");
    assert_eq!(all("DESCRIPTION")[0], kept.show.description);
    assert_eq!(all("DTSTAMP"), ["20261001T000000Z"; 3]);
    let mut uids = all("UID");
    uids.dedup();
    assert_eq!(uids.len(), 3, "each has an id of its own, also where it was moved");
    let begins = all("BEGIN");
    assert_eq!((begins[0], begins.len(), all("END").len()), ("VCALENDAR", 4, 4));
}
