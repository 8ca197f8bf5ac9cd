//! Hours of local time, both ways over a change of the clock.

use super::*;

fn berlin() -> Zone {
    Zone::named("Europe/Berlin").expect("is bundled")
}

fn hours(zone: &Zone, text: &str) -> Vec<String> {
    let spans = zone.hour(text).expect("reads");
    spans.iter().map(|s| format!("{}+{}min", s.from, (s.to.0 - s.from.0) / 60_000_000)).collect()
}

#[test]
fn an_hour_is_the_stations_own() {
    assert_eq!(hours(&berlin(), "2026-11-21T14"), ["2026-11-21T13:00:00.000000Z+60min"]);
    assert_eq!(hours(&berlin(), "2026-07-21T14"), ["2026-07-21T12:00:00.000000Z+60min"]);
    assert_eq!(hours(&berlin(), "2026-11-21T14+01:00"), ["2026-11-21T13:00:00.000000Z+60min"]);
    assert_eq!(hours(&berlin(), "2026-11-21T13Z"), ["2026-11-21T13:00:00.000000Z+60min"]);
}

#[test]
fn a_doubled_hour_is_two_and_an_offset_picks_one() {
    let (first, second) =
        ("2026-10-25T00:00:00.000000Z+60min", "2026-10-25T01:00:00.000000Z+60min");
    assert_eq!(hours(&berlin(), "2026-10-25T02"), [first, second]);
    assert_eq!(hours(&berlin(), "2026-10-25T02+02:00"), [first]);
    assert_eq!(hours(&berlin(), "2026-10-25T02+01"), [second]);
    assert_eq!(berlin().instants("2026-10-25T02:30").map(|i| i.len()), Ok(2));
}

#[test]
fn a_missing_hour_says_so() {
    let error = berlin().hour("2026-03-29T02").expect_err("was skipped").to_string();
    let expected = "2026-03-29T02 was skipped in Europe/Berlin: its clocks went from \
                    2026-03-29T02:00:00 to 2026-03-29T03:00:00";
    assert_eq!(error, expected);
    assert!(matches!(berlin().instants("2026-03-29T02:30:00"), Err(ReplayError::Skipped { .. })));
}

#[test]
fn a_change_of_half_an_hour_makes_an_hour_of_ninety_minutes_or_thirty() {
    let lord_howe = Zone::named("Australia/Lord_Howe").expect("is bundled");
    let doubled = ["2026-04-04T14:00:00.000000Z+60min", "2026-04-04T15:00:00.000000Z+30min"];
    assert_eq!(hours(&lord_howe, "2026-04-05T01"), doubled);
    assert_eq!(hours(&lord_howe, "2026-10-04T02"), ["2026-10-03T15:30:00.000000Z+30min"]);
}

#[test]
fn an_offset_the_station_did_not_keep_is_refused() {
    let error = berlin().hour("2026-11-21T14+05:00").expect_err("is refused").to_string();
    assert_eq!(error, "Europe/Berlin was not at +05:00 in that hour; it was at +01:00");
}

#[test]
fn what_is_no_hour_or_time_is_refused_with_the_expected_form() {
    let texts = [
        "",
        "14",
        "2026-11-21",
        "2026-11-21T24",
        "2026-11-21T14:30",
        "2026-13-21T14",
        "yesterday",
        "2026-11-21T14+1",
        "2026-11-21T14+01:xx",
        "2026-11-21T14Zulu",
        "2026-11-21Tß4",
        "T",
        "Z",
        "9999-12-31T23",
        "-9999-01-01T00",
        "2026-11-21T14+25:59",
    ];
    for text in texts {
        let answer = berlin().hour(text);
        assert!(
            matches!(answer, Err(ReplayError::Hour { .. } | ReplayError::Offset { .. })),
            "{text}: {answer:?}"
        );
    }
    for text in ["", "2026-11-21", "2026-11-21T14", "now", "2026-11-21T14:03:05+", "14:03"] {
        let answer = berlin().instants(text);
        assert!(matches!(answer, Err(ReplayError::Time { .. })), "{text}: {answer:?}");
    }
}

#[test]
fn a_time_is_read_with_and_without_an_offset() {
    let texts =
        ["2026-11-21T14:03:05.25", "2026-11-21T14:03:05.250+01:00", "2026-11-21T13:03:05.25Z"];
    for text in texts {
        assert_eq!(berlin().instants(text), Ok(vec![UtcMicros(1_795_266_185_250_000)]), "{text}");
    }
}
