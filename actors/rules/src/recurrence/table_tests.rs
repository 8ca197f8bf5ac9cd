//! Against occurrences that python-dateutil 2.9 computed, put into zones by Python's own data:
//! `table.txt` holds a rule, its start, a zone, and the first eight instants until 2060.

use super::Recurrence;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZoneDatabase;

#[test]
fn every_rule_of_the_table_occurs_when_the_table_says() {
    let (mut rules, mut instants) = (0, 0);
    let end = date(2060, 1, 1).at(0, 0, 0, 0);
    for line in include_str!("table.txt").lines() {
        let [rule, start, zone, expected] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        let start = DateTime::strptime("%Y%m%dT%H%M%S", start).expect("a start");
        let zone = TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let read = Recurrence::parse(rule).unwrap_or_else(|fault| panic!("{rule}: {fault}"));
        let found = read.between(start, start, end, 8);
        let instant = |at: &DateTime| {
            let at = zone.to_ambiguous_timestamp(*at).compatible().expect("an instant");
            at.strftime("%Y%m%dT%H%M%SZ").to_string()
        };
        let shown: Vec<String> = found.iter().map(instant).collect();
        let expected: Vec<&str> = expected.split(',').filter(|text| *text != "-").collect();
        assert_eq!(shown, expected, "{line}");
        // From the middle on it is the same, though it is reached in another way.
        for (n, at) in found.iter().enumerate() {
            assert_eq!(read.between(start, *at, end, 8 - n), found[n..], "{line}");
            assert!(read.holds(start, *at), "{line}");
        }
        (rules, instants) = (rules + 1, instants + shown.len());
    }
    assert!(rules >= 400 && instants >= 2_000, "{rules} rules, {instants} instants");
}
