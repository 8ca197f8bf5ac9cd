//! Instances in zones whose clocks change, exceptions, and who rules when two are on at once.

use super::*;
use crate::planner::hours::zone;
use grimnir_events::grid::Grid;
use grimnir_events::show::{
    Exception, KeptShow, LocalTime, Moved, Show, ShowContent, Shows, Substitute,
};
use grimnir_events::timeline::SlotStart;
use grimnir_events::{PlaylistId, ShowId, UtcMicros};
use std::collections::BTreeMap;

pub(super) fn utc(text: &str) -> UtcMicros {
    let at: jiff::Timestamp = text.parse().expect("an instant");
    UtcMicros(at.as_microsecond())
}

pub(super) fn local(text: &str) -> LocalTime {
    text.parse().expect("a time")
}

pub(super) fn show(n: u8, start: &str, minutes: u32, rrule: &str) -> KeptShow {
    let show = Show {
        id: ShowId([n; 16]),
        name: format!("Show {n}"),
        description: String::new(),
        host: "Bragi".into(),
        colour: "#20c0a8".into(),
        start: local(start),
        duration_s: minutes * 60,
        rrule: rrule.into(),
        begins: SlotStart::Hard,
        content: ShowContent::Playlist { playlist_id: PlaylistId([n; 16]) },
        live: None,
        linked: false,
        priority: 0,
    };
    KeptShow { show, exceptions: BTreeMap::new() }
}

pub(super) fn kept(shows: impl IntoIterator<Item = KeptShow>) -> Shows {
    shows.into_iter().map(|kept| (kept.show.id, kept)).collect()
}

pub(super) fn with<T>(zone_name: &str, shows: &Shows, ask: impl FnOnce(&Programme<'_>) -> T) -> T {
    let (grid, clocks) = (Grid::default(), BTreeMap::new());
    ask(&Programme::new(zone(zone_name), shows, &grid, None, &clocks))
}

/// Starts and lengths in minutes, in UTC.
fn times(zone_name: &str, kept: &KeptShow, from: &str, until: &str) -> Vec<(String, i64)> {
    let found = Coming::of(kept).instances(&zone(zone_name), utc(from), utc(until));
    let shown = |instance: &Instance| {
        let at = jiff::Timestamp::from_microsecond(instance.from.0).expect("an instant");
        (at.strftime("%d %H:%M").to_string(), instance.until.since(instance.from) / 60_000_000)
    };
    found.iter().map(shown).collect()
}

fn starts(zone_name: &str, at: &str, from: &str, until: &str) -> Vec<String> {
    let kept = show(1, at, 90, "FREQ=DAILY");
    times(zone_name, &kept, from, until).into_iter().map(|(at, _)| at).collect()
}

#[test]
fn a_start_that_does_not_come_shifts_by_the_gap_and_one_that_comes_twice_comes_once() {
    // Berlin: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
    let spring = starts(
        "Europe/Berlin",
        "2026-01-01T02:30:00",
        "2026-03-28T12:00:00Z",
        "2026-03-30T12:00:00Z",
    );
    assert_eq!(spring, ["29 01:30", "30 00:30"], "03:30 by the clocks on the 29th");
    let autumn = starts(
        "Europe/Berlin",
        "2026-01-01T02:30:00",
        "2026-10-24T12:00:00Z",
        "2026-10-26T12:00:00Z",
    );
    assert_eq!(autumn, ["25 00:30", "26 01:30"], "the first 02:30 of the 25th");
    // Sydney, south: 02:00 becomes 03:00 on 4 October, 03:00 becomes 02:00 on 5 April.
    let spring = starts(
        "Australia/Sydney",
        "2026-01-01T02:30:00",
        "2026-10-02T18:00:00Z",
        "2026-10-04T18:00:00Z",
    );
    assert_eq!(spring, ["03 16:30", "04 15:30"]);
    let autumn = starts(
        "Australia/Sydney",
        "2026-01-01T02:30:00",
        "2026-04-03T18:00:00Z",
        "2026-04-05T18:00:00Z",
    );
    assert_eq!(autumn, ["04 15:30", "05 16:30"]);
    // Lord Howe: by half an hour, 02:00 becomes 02:30 on 4 October, 02:00 becomes 01:30 on 5 April.
    let spring = starts(
        "Australia/Lord_Howe",
        "2026-01-01T02:15:00",
        "2026-10-02T18:00:00Z",
        "2026-10-04T18:00:00Z",
    );
    assert_eq!(spring, ["03 15:45", "04 15:15"], "02:45 by the clocks on the 4th");
    let autumn = starts(
        "Australia/Lord_Howe",
        "2026-01-01T01:45:00",
        "2026-04-03T17:00:00Z",
        "2026-04-05T18:00:00Z",
    );
    assert_eq!(autumn, ["04 14:45", "05 15:15"], "the first 01:45 of the 5th");
}

#[test]
fn a_show_is_as_long_as_it_is_while_the_clocks_change() {
    let kept = show(1, "2026-03-29T01:30:00", 120, "");
    let found = times("Europe/Berlin", &kept, "2026-03-29T02:20:00Z", "2026-03-29T02:21:00Z");
    assert_eq!(found, [("29 00:30".into(), 120)]);
    assert_eq!(times("Europe/Berlin", &kept, "2026-03-29T02:30:00Z", "2026-03-30T00:00:00Z"), []);
}

#[test]
fn what_is_different_about_an_instance_is_found_where_it_is_and_with_what_it_has() {
    let mut kept = show(1, "2026-11-02T10:00:00", 60, "FREQ=DAILY");
    let moved = Moved { to: local("2026-12-24T18:00:00"), duration_s: 1_800 };
    let content = ShowContent::Rebroadcast { show_id: ShowId([2; 16]) };
    let guest = Substitute { name: Some("Guest".into()), host: None, content: Some(content) };
    kept.exceptions = [
        ("2026-11-21T10:00:00", Exception { cancelled: true, ..Exception::default() }),
        ("2026-11-22T10:00:00", Exception { moved: Some(moved), ..Exception::default() }),
        ("2026-11-23T10:00:00", Exception { with: Some(guest), ..Exception::default() }),
        // Left over from an older rule: nothing comes then.
        ("2026-11-24T09:00:00", Exception { moved: Some(moved), ..Exception::default() }),
    ]
    .map(|(at, exception)| (local(at), exception))
    .into();
    let zone = zone("UTC");
    let within = |from, until| Coming::of(&kept).instances(&zone, utc(from), utc(until));
    let found = within("2026-11-21T00:00:00Z", "2026-11-25T00:00:00Z");
    let shown: Vec<_> = found.iter().map(|i| (i.starts, i.airs(), i.name.as_str())).collect();
    let at = |day| local(&format!("2026-11-{day}T10:00:00"));
    assert_eq!(
        shown,
        [(at(21), false, "Show 1"), (at(23), true, "Guest"), (at(24), true, "Show 1")]
    );
    assert_eq!((found[1].content, found[1].substituted), (content, true));
    assert_eq!(found[1].host, "Bragi", "what is not said is the show's");
    let eve = within("2026-12-24T18:15:00Z", "2026-12-24T18:16:00Z");
    assert_eq!((eve.len(), eve[0].moved, eve[0].original), (1, true, at(22)));
    assert_eq!(eve[0].until.since(eve[0].from), 1_800_000_000);
    assert_eq!(Coming::of(&kept).instance_of(&zone, at(22)).map(|i| i.starts), Some(moved.to));
    kept.show.linked = true;
    let found = Coming::of(&kept).instances(
        &zone,
        utc("2026-11-23T00:00:00Z"),
        utc("2026-11-24T00:00:00Z"),
    );
    assert_eq!(found[0].content, kept.show.content, "all of a linked show have the same");
}

#[test]
fn of_shows_that_are_on_at_once_the_higher_priority_rules_and_of_equal_ones_the_first() {
    let mut special = show(3, "2026-11-21T10:30:00", 20, "");
    special.show.priority = 5;
    let first = show(2, "2026-11-21T10:00:00", 60, "");
    let second = show(1, "2026-11-21T10:45:00", 60, "");
    let shows = kept([special, first, second]);
    let ruled = with("UTC", &shows, |programme| {
        programme.ruled(utc("2026-11-21T09:30:00Z"), utc("2026-11-21T12:00:00Z"), |_| true)
    });
    let hours = |at: UtcMicros| at.since(utc("2026-11-21T00:00:00Z")) / 60_000_000;
    let who = |ruled: &Ruled| ruled.instance.as_ref().map(|instance| instance.show_id.0[0]);
    let shown: Vec<_> = ruled.iter().map(|r| (hours(r.from), hours(r.until), who(r))).collect();
    assert_eq!(
        shown,
        [
            (570, 600, None),
            (600, 630, Some(2)),
            (630, 650, Some(3)),
            (650, 660, Some(2)),
            (660, 705, Some(1)),
            (705, 720, None),
        ]
    );
}

#[test]
fn the_last_instance_before_is_the_one_that_was_over_and_aired() {
    let mut weekly = show(1, "2026-01-05T20:00:00", 60, "FREQ=WEEKLY");
    weekly.exceptions.insert(
        local("2026-11-16T20:00:00"),
        Exception { cancelled: true, ..Exception::default() },
    );
    let yearly = show(2, "2025-12-24T20:00:00", 60, "FREQ=YEARLY");
    let shows = kept([weekly, yearly]);
    let last = |id, at: &str| {
        let found = with("UTC", &shows, |p| p.last_before(ShowId([id; 16]), utc(at)));
        found.map(|instance| instance.original)
    };
    assert_eq!(last(1, "2026-11-21T00:00:00Z"), Some(local("2026-11-09T20:00:00")));
    assert_eq!(last(1, "2026-11-09T20:59:59Z"), Some(local("2026-11-02T20:00:00")));
    assert_eq!(last(2, "2026-11-21T00:00:00Z"), Some(local("2025-12-24T20:00:00")));
    assert_eq!(last(1, "2026-01-05T20:30:00Z"), None);
    assert_eq!(last(9, "2026-11-21T00:00:00Z"), None);
}
