//! Windows of shows and of slots, by the calendar and by whoever rules.

use super::tests::{kept, local, show, utc};
use super::{Programme, Window, WindowKind};
use crate::planner::hours::zone;
use grimnir_events::grid::Grid;
use grimnir_events::show::{LiveAccess, ShowContent, Shows, Substitute};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_events::{ClockId, UtcMicros};
use std::collections::BTreeMap;

fn clock(slots: Vec<ClockSlot>) -> FormatClock {
    crate::planner::world::clock(slots)
}

fn slot(minute: u32, source: SlotSource) -> ClockSlot {
    crate::planner::world::slot(minute * 60, SlotStart::Free, source)
}

fn live(names: &[&str]) -> LiveAccess {
    LiveAccess { users: vec![], names: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn windows(shows: &Shows, clock: &FormatClock, from: &str, until: &str) -> Vec<Window> {
    let (grid, clocks) = (Grid::default(), BTreeMap::from([(ClockId([5; 16]), clock.clone())]));
    let programme = Programme::new(zone("UTC"), shows, &grid, Some(clock), &clocks);
    programme.windows_between(utc(from), utc(until))
}

/// Kind, first and last minute of the day, who.
fn shown(windows: &[Window]) -> Vec<(WindowKind, i64, i64, &str)> {
    let minute = |at: UtcMicros| at.since(utc("2026-11-21T00:00:00Z")) / 60_000_000;
    let who = |w: &Window| {
        let named = w.live.names.first().or(w.urls.first());
        named.map_or("", |name| name.clone().leak() as &str)
    };
    windows.iter().map(|w| (w.kind, minute(w.from), minute(w.until), who(w))).collect()
}

#[test]
fn slots_of_the_clock_are_windows_to_the_next_slot_hour_by_hour() {
    let category = String::new();
    let urls = vec!["https://one.example/".to_owned()];
    let hours = clock(vec![
        slot(0, SlotSource::Category { category: category.clone() }),
        slot(20, SlotSource::LiveWindow { live: live(&["a"]), category: category.clone() }),
        slot(30, SlotSource::Category { category: category.clone() }),
        slot(50, SlotSource::Webstream { urls: urls.clone(), category: category.clone() }),
    ]);
    let none = Shows::new();
    let found = windows(&none, &hours, "2026-11-21T10:25:00Z", "2026-11-21T11:55:00Z");
    let (l, w) = (WindowKind::Live, WindowKind::Webstream);
    let url = "https://one.example/";
    assert_eq!(
        shown(&found),
        [(l, 625, 630, "a"), (w, 650, 660, url), (l, 680, 690, "a"), (w, 710, 715, url)]
    );
    // One that fills the hour goes on with the next hour.
    let whole = clock(vec![slot(0, SlotSource::Webstream { urls, category })]);
    let found = windows(&none, &whole, "2026-11-21T10:25:00Z", "2026-11-21T13:10:00Z");
    assert_eq!(shown(&found), [(w, 625, 790, url)]);
}

#[test]
fn a_live_show_is_a_window_as_long_as_it_rules_whatever_is_planned_underneath() {
    let mut morning = show(1, "2026-11-01T10:30:00", 90, "FREQ=DAILY");
    (morning.show.content, morning.show.live) = (ShowContent::Automation, Some(live(&["dj"])));
    let mut news = show(2, "2026-11-21T11:00:00", 5, "");
    news.show.priority = 3;
    let any = slot(0, SlotSource::Category { category: String::new() });
    let hours = clock(vec![any]);
    let mut shows = kept([morning, news]);
    let (from, until) = ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
    let found = windows(&shows, &hours, from, until);
    let l = WindowKind::Live;
    assert_eq!(shown(&found), [(l, 630, 660, "dj"), (l, 665, 720, "dj")]);
    assert!(found.iter().all(|window| window.of.is_some() && window.name == "Show 1"));
    let original = local("2026-11-21T10:30:00");
    let with = Substitute { name: Some("Guest".into()), ..Substitute::default() };
    let morning = shows.values_mut().next().expect("a show");
    morning.exceptions.entry(original).or_default().with = Some(with);
    assert_eq!(windows(&shows, &hours, from, until)[0].name, "Guest");
    let morning = shows.values_mut().next().expect("a show");
    morning.exceptions.entry(original).or_default().cancelled = true;
    assert_eq!(windows(&shows, &hours, from, until), []);
}
