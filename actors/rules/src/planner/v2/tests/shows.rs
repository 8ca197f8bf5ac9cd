//! Hours that shows rule, in part or whole: their clocks and lists, their starts, rebroadcasts.

use super::*;
use crate::planner::hours::{hours_between, zone};
use crate::planner::world::{category, clock, media_of};
use crate::show::Coming;
use grimnir_events::show::{Exception, KeptShow, LocalTime, Moved, Show, ShowContent, instance_id};
use grimnir_events::timeline::{Anchor, ClockSlot};
use grimnir_events::{ClockId, ShowId};

const LIST: PlaylistId = PlaylistId([3; 16]);
const OWN: ClockId = ClockId([6; 16]);

fn at(text: &str) -> UtcMicros {
    UtcMicros(text.parse::<jiff::Timestamp>().expect("an instant").as_microsecond())
}

fn show(n: u8, start: &str, minutes: u32, content: ShowContent) -> KeptShow {
    let show = Show {
        id: ShowId([n; 16]),
        name: format!("Show {n}"),
        description: String::new(),
        host: String::new(),
        colour: "#20c0a8".into(),
        start: start.parse().expect("a time"),
        duration_s: minutes * 60,
        rrule: "FREQ=DAILY".into(),
        begins: SlotStart::Hard,
        content,
        live: None,
        linked: false,
        priority: 0,
    };
    KeptShow { show, exceptions: BTreeMap::new() }
}

fn list() -> ShowContent {
    ShowContent::Playlist { playlist_id: LIST }
}

/// Gold on the grid, new in the clock of shows, a list of 60 deep items of 300 s; nothing is kept
/// apart.
fn world(shows: impl IntoIterator<Item = KeptShow>) -> World {
    let all = (1..=240).map(|n| {
        let group = ["gold", "new", "deep"][usize::from(n) / 81];
        item(n, if group == "deep" { 300 } else { 180 }, group)
    });
    let mut world =
        World::of(media_of(all.collect()), vec![slot(0, SlotStart::Free, category("gold"))]);
    let own = vec![
        slot(0, SlotStart::Free, category("new")),
        slot(1_800, SlotStart::Free, category("new")),
    ];
    world.clocks.insert(OWN, FormatClock { id: OWN, ..clock(own) });
    world.playlists.insert(LIST, ("List".into(), (181..=240).map(media).collect()));
    (world.settings.artist_separation_s, world.settings.title_separation_s) = (0, 0);
    world.shows = shows.into_iter().map(|kept| (kept.show.id, kept)).collect();
    world
}

/// Plans from one instant to another, hour by hour, each knowing the ones before.
fn planned(world: &World, zone_name: &'static str, from: &str, until: &str) -> Vec<HourPlan> {
    let inputs = PlanInputs { time_zone: zone_name, ..world.inputs() };
    let hours = hours_between(&zone(zone_name), at(from), at(until));
    let hours: Vec<UtcMicros> = hours.into_iter().map(|hour| hour.from).collect();
    let plans = plan_hours(&inputs, &BTreeMap::new(), &hours);
    let mut known = BTreeMap::new();
    for hour in hours {
        let plan = crate::planner::plan_hour(&inputs, &known, hour);
        known.insert(hour, plan);
    }
    assert_eq!(plans, known.into_values().collect::<Vec<_>>(), "at once as hour by hour");
    plans
}

fn lines(plans: &[HourPlan]) -> Vec<&Line> {
    plans.iter().flat_map(|plan| &plan.lines).collect()
}

/// The groups of items in the order they come, each once.
fn groups(world: &World, lines: &[&Line]) -> Vec<String> {
    let mut groups: Vec<String> =
        lines.iter().map(|line| world.media[&line.media_id].category.clone()).collect();
    groups.dedup();
    groups
}

fn within<'l>(lines: &[&'l Line], from: &str, until: &str) -> Vec<&'l Line> {
    let inside = |line: &&&Line| (at(from)..at(until)).contains(&line.planned_at);
    lines.iter().filter(inside).copied().collect()
}

#[test]
fn a_show_within_an_hour_begins_on_its_frame_and_gives_the_hour_back() {
    let world = world([show(1, "2026-11-01T10:20:00", 25, ShowContent::Clock { clock_id: OWN })]);
    let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z");
    let lines = lines(&plans);
    assert_eq!(groups(&world, &lines), ["gold", "new", "gold"]);
    let first = lines.iter().find(|line| world.media[&line.media_id].category == "new");
    let begins = at("2026-11-21T10:20:00Z");
    let first = first.expect("the show");
    assert_eq!((first.planned_at, first.anchor), (begins, Anchor::Hard { at: begins }));
    let back = within(&lines, "2026-11-21T10:45:00Z", "2026-11-21T11:00:00Z");
    assert_eq!(groups(&world, &back), ["gold"]);
    // What comes before fits, or is cut with enough of it heard.
    let before = within(&lines, "2026-11-21T10:00:00Z", "2026-11-21T10:20:00Z");
    let last = before.last().expect("lines");
    assert!(begins.since(last.planned_at) >= 10_000_000);
    assert!(last.planned_at.frame().plus(last.cues.airtime()) >= begins.plus(-2_000_000).frame());
}

#[test]
fn a_soft_show_waits_for_the_junction_and_a_free_one_follows() {
    let mut soft = show(1, "2026-11-01T10:20:00", 60, list());
    soft.show.begins = SlotStart::Soft { grace_ms: 240_000 };
    let first = |kept: KeptShow| {
        let world = world([kept]);
        let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
        let lines = lines(&plans);
        let found = lines.iter().find(|line| world.media[&line.media_id].category == "deep");
        let found = found.expect("the show");
        (found.planned_at, found.anchor)
    };
    let begins = at("2026-11-21T10:20:00Z");
    let (found, anchor) = first(soft.clone());
    assert_eq!(anchor, Anchor::Soft { at: begins, grace_us: 240_000_000 });
    assert!(found >= begins && found.since(begins) < 180_000_000, "{found}");
    soft.show.begins = SlotStart::Free;
    assert_eq!(first(soft), (found, Anchor::AfterPrevious));
}

#[test]
fn a_list_goes_on_over_the_hours_of_an_instance_and_begins_anew_with_the_next() {
    let world = world([show(1, "2026-11-01T10:30:00", 150, list())]);
    let plans = planned(&world, "UTC", "2026-11-20T10:00:00Z", "2026-11-21T14:00:00Z");
    let lines = lines(&plans);
    for day in [20, 21] {
        let (from, until) =
            (format!("2026-11-{day}T10:30:00Z"), format!("2026-11-{day}T13:00:00Z"));
        let on: Vec<u16> =
            within(&lines, &from, &until).iter().map(|line| number(line.media_id)).collect();
        // 150 minutes of 300 s, three seconds of each under the next.
        let expected: Vec<u16> = (181..).take(on.len()).collect();
        assert_eq!(on, expected);
        assert!((30..=31).contains(&on.len()), "{}", on.len());
    }
    let after = within(&lines, "2026-11-21T13:06:00Z", "2026-11-21T14:00:00Z");
    assert_eq!(groups(&world, &after), ["gold"]);
}

#[test]
fn a_list_that_ends_early_gives_the_time_to_what_would_be_planned_without_the_show() {
    let mut world = world([show(1, "2026-11-01T10:10:00", 100, list())]);
    world.playlists.insert(LIST, ("List".into(), (181..=194).map(media).collect()));
    let halves = vec![
        slot(0, SlotStart::Free, category("gold")),
        slot(1_800, SlotStart::Hard, category("new")),
    ];
    world.clock = Some(clock(halves));
    let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
    let lines = lines(&plans);
    // 14 items end at about 11:20: then the grid's first half, and on its frame the second.
    assert_eq!(groups(&world, &lines), ["gold", "deep", "gold", "new"]);
    let second = lines.iter().find(|line| world.media[&line.media_id].category == "new");
    let half = at("2026-11-21T11:30:00Z");
    assert_eq!(second.map(|line| line.anchor), Some(Anchor::Hard { at: half }));
    assert!(
        plans[1].notes.iter().any(|note| note.contains("list ends early")),
        "{:?}",
        plans[1].notes
    );
}

#[test]
fn shows_begin_where_the_clocks_say_on_the_days_they_change() {
    let begins = |zone_name, start: &str, from: &str, until: &str| {
        let world = world([show(1, start, 60, list())]);
        let plans = planned(&world, zone_name, from, until);
        let lines = lines(&plans);
        let first = lines.iter().filter(|line| matches!(line.anchor, Anchor::Hard { .. }));
        let found: Vec<UtcMicros> = first.map(|line| line.planned_at).collect();
        let starts: Vec<&&Line> =
            lines.iter().filter(|line| number(line.media_id) == 181).collect();
        assert_eq!(starts.len(), found.len(), "once a day, from its first item on");
        found
    };
    let spring = begins(
        "Europe/Berlin",
        "2026-01-01T02:30:00",
        "2026-03-28T22:00:00Z",
        "2026-03-29T05:00:00Z",
    );
    assert_eq!(spring, [at("2026-03-29T01:30:00Z")]);
    let autumn = begins(
        "Europe/Berlin",
        "2026-01-01T02:30:00",
        "2026-10-24T22:00:00Z",
        "2026-10-25T05:00:00Z",
    );
    assert_eq!(autumn, [at("2026-10-25T00:30:00Z")]);
    let south = begins(
        "Australia/Lord_Howe",
        "2026-01-01T02:15:00",
        "2026-10-03T13:30:00Z",
        "2026-10-03T18:00:00Z",
    );
    assert_eq!(south, [at("2026-10-03T15:45:00Z")]);
    let south = begins(
        "Australia/Lord_Howe",
        "2026-01-01T01:45:00",
        "2026-04-04T13:00:00Z",
        "2026-04-04T18:00:00Z",
    );
    assert_eq!(south, [at("2026-04-04T14:45:00Z")]);
}

#[test]
fn a_cancelled_instance_is_not_planned_and_a_moved_one_is_where_it_was_moved() {
    let mut kept = show(1, "2026-11-01T10:00:00", 30, list());
    let original: LocalTime = "2026-11-21T10:00:00".parse().expect("a time");
    let to: LocalTime = "2026-11-21T11:15:00".parse().expect("a time");
    let moved = Exception { moved: Some(Moved { to, duration_s: 600 }), ..Exception::default() };
    kept.exceptions.insert(original, moved);
    let plan = |kept: &KeptShow| {
        let world = world([kept.clone()]);
        let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
        let lines = lines(&plans);
        let on = lines.iter().filter(|line| world.media[&line.media_id].category == "deep");
        on.map(|line| line.planned_at).collect::<Vec<_>>()
    };
    let found = plan(&kept);
    assert_eq!((found.len(), found[0]), (3, at("2026-11-21T11:15:00Z")), "{found:?}");
    kept.exceptions.insert(original, Exception { cancelled: true, ..Exception::default() });
    assert_eq!(plan(&kept), []);
}

#[test]
fn a_rebroadcast_is_what_the_last_instance_aired_by_the_plan_or_in_fact() {
    let first = show(1, "2026-11-01T10:00:00", 60, ShowContent::Clock { clock_id: OWN });
    let again = ShowContent::Rebroadcast { show_id: first.show.id };
    let mut world = world([first, show(2, "2026-11-01T12:30:00", 60, again)]);
    let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T14:00:00Z");
    let on = |plans: &[HourPlan], from, until| -> Vec<MediaId> {
        within(&lines(plans), from, until).iter().map(|line| line.media_id).collect()
    };
    let aired = on(&plans, "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z");
    let again = on(&plans, "2026-11-21T12:30:00Z", "2026-11-21T13:29:00Z");
    assert!(again.len() >= 19, "{}", again.len());
    assert_eq!(again, aired[..again.len()]);
    // What aired in fact is known: that is repeated, whatever was planned.
    let original = "2026-11-21T10:00:00".parse().expect("a time");
    let facts: Vec<MediaId> = (1..=30).rev().map(media).collect();
    world.aired.insert(instance_id(ShowId([1; 16]), original), facts.clone());
    let plans = planned(&world, "UTC", "2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z");
    let again = on(&plans, "2026-11-21T12:30:00Z", "2026-11-21T13:29:00Z");
    assert_eq!(again, facts[..again.len()]);
    // Nothing is known of it: said, and planned as without the show.
    world.aired.clear();
    let plans = planned(&world, "UTC", "2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z");
    assert!(
        plans[0].notes.iter().any(|note| note.contains("nothing is known")),
        "{:?}",
        plans[0].notes
    );
    assert_eq!(groups(&world, &lines(&plans)), ["gold"]);
}

#[test]
fn a_live_show_and_a_show_whose_clock_is_gone_leave_the_plan_as_it_is() {
    let without = planned(&world([]), "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
    let live = world([show(1, "2026-11-01T10:20:00", 60, ShowContent::Automation)]);
    let plans = planned(&live, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
    assert_eq!(plans, without);
    let gone = ShowContent::Clock { clock_id: ClockId([77; 16]) };
    let gone = world([show(1, "2026-11-01T10:20:00", 60, gone)]);
    let plans = planned(&gone, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z");
    assert_eq!(groups(&gone, &lines(&plans)), ["gold"]);
    assert!(plans[0].notes.iter().any(|note| note.contains("does not exist")));
}

#[test]
fn windows_in_a_clock_have_their_category_planned_underneath() {
    let mut world = world([]);
    let live = grimnir_events::show::LiveAccess::default();
    let urls = vec!["https://one.example/".to_owned()];
    world.clock = Some(clock(vec![
        slot(0, SlotStart::Free, SlotSource::LiveWindow { live, category: "new".into() }),
        slot(1_800, SlotStart::Hard, SlotSource::Webstream { urls, category: "Gold".into() }),
    ]));
    let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z");
    assert_eq!(groups(&world, &lines(&plans)), ["new", "gold"]);
}

#[test]
fn hours_of_shows_without_end_are_planned_in_bounded_time() {
    // Every minute of the day another instance, each hard.
    let minutes: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let hours: Vec<String> = (0..24).map(|n| n.to_string()).collect();
    let mut kept = show(1, "2026-11-01T00:00:00", 1, list());
    kept.show.rrule =
        format!("FREQ=DAILY;BYHOUR={};BYMINUTE={}", hours.join(","), minutes.join(","));
    assert_eq!(
        Coming::of(&kept)
            .instances(&zone("UTC"), at("2026-11-21T10:00:00Z"), at("2026-11-21T11:00:00Z"))
            .len(),
        60
    );
    let world = world([kept]);
    let plans = planned(&world, "UTC", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z");
    assert_eq!(plans[0].lines.len(), 60);
    assert!(plans[0].lines.iter().all(|line| number(line.media_id) == 181));
}

#[test]
fn a_row_of_slots_that_is_done_early_is_filled_up_to_a_show() {
    let mut show = show(1, "2026-11-10T10:30:00", 30, list());
    show.show.begins = SlotStart::Free;
    let mut world = world([show]);
    let row = vec![
        ClockSlot { items: Some(1), ..slot(0, SlotStart::Free, category("gold")) },
        ClockSlot::next(SlotSource::HardItem { media_id: media(7) }),
    ];
    world.clock = Some(clock(row));
    let plan = planned(&world, "UTC", "2026-11-16T10:00:00Z", "2026-11-16T11:00:00Z").remove(0);
    let half = at("2026-11-16T10:30:00Z");
    let first = plan.lines.iter().find(|line| line.planned_at >= half).expect("of the list");
    assert_eq!(number(first.media_id), 181, "{:?}", plan.lines);
    let note = "its source ends early, filled from the library";
    assert!(plan.notes.iter().any(|told| told.contains(note)), "{:?}", plan.notes);
}
