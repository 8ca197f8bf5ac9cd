//! What is taken and what is refused of shows and their instances.

use super::command::ShowCommand;
use super::*;
use crate::given::{Given, given};
use crate::timeline::Timeline;
use crate::timeline::command::TimelineCommand;
use grimnir_events::show::{Exception, Moved};
use grimnir_events::{ClockId, PlaylistId};

fn local(text: &str) -> LocalTime {
    text.parse().expect("a time")
}

fn id(n: u8) -> ShowId {
    ShowId([n; 16])
}

fn show(n: u8, start: &str, rrule: &str) -> Show {
    Show {
        id: id(n),
        name: format!("Show {n}"),
        description: String::new(),
        host: String::new(),
        colour: "#20c0a8".into(),
        start: local(start),
        duration_s: 3_600,
        rrule: rrule.into(),
        begins: SlotStart::Soft { grace_ms: 300_000 },
        content: ShowContent::Playlist { playlist_id: PlaylistId([1; 16]) },
        live: None,
        linked: false,
        priority: 0,
    }
}

fn put(show: Show) -> TimelineCommand {
    TimelineCommand::Show(ShowCommand::SetShow { show: Box::new(show) })
}

fn was_put(show: Show) -> TimelineEvent {
    TimelineEvent::Show(ShowEvent::ShowSet { show: Box::new(show) })
}

fn daily() -> Show {
    show(1, "2026-11-02T10:00:00", "FREQ=DAILY")
}

/// 2026-11-21T12:00:00Z, with these shows.
fn timeline(shows: &[Show]) -> Given<Timeline> {
    let events: Vec<TimelineEvent> = shows.iter().cloned().map(was_put).collect();
    given::<Timeline>(&events).at(UtcMicros(1_795_262_400_000_000))
}

const AT: &str = "2026-11-23T10:00:00";

fn ask(command: ShowCommand) -> TimelineCommand {
    TimelineCommand::Show(command)
}

fn cancel(at: &str) -> TimelineCommand {
    let (original, note) = (local(at), "ill".into());
    ask(ShowCommand::CancelInstance { show_id: id(1), original, note })
}

fn moves(to: &str, duration_s: u32) -> TimelineCommand {
    let (original, to) = (local(AT), local(to));
    ask(ShowCommand::MoveInstance { show_id: id(1), original, to, duration_s })
}

fn restore() -> TimelineCommand {
    ask(ShowCommand::RestoreInstance { show_id: id(1), original: local(AT) })
}

#[test]
fn a_show_is_set_once_and_removed_with_its_exceptions() {
    let set = timeline(&[]).when(put(daily())).then(&[was_put(daily())]);
    let set = set.when(put(daily())).then_nothing();
    let cancelled =
        ShowEvent::InstanceCancelled { show_id: id(1), original: local(AT), note: "ill".into() };
    let set = set.when(cancel(AT)).then(&[TimelineEvent::Show(cancelled)]);
    let set = set.when(cancel(AT)).then_nothing();
    assert!(set.state.shows[&id(1)].exceptions[&local(AT)].cancelled);
    let gone = TimelineEvent::Show(ShowEvent::ShowRemoved { show_id: id(1) });
    let gone = set.when(ask(ShowCommand::RemoveShow { show_id: id(1) })).then(&[gone]);
    assert!(gone.state.shows.is_empty());
    gone.when(ask(ShowCommand::RemoveShow { show_id: id(1) })).rejected("show_not_found");
}

#[test]
fn parts_out_of_bounds_are_refused_by_name() {
    let refused = |code: &str, change: fn(&mut Show)| {
        let mut wrong = daily();
        change(&mut wrong);
        timeline(&[]).when(put(wrong)).rejected(code)
    };
    for (part, change) in [
        ("name", (|s: &mut Show| s.name = " ".into()) as fn(&mut Show)),
        ("description", |s| s.description = "d".repeat(2_001)),
        ("host", |s| s.host = "h".repeat(101)),
        ("colour", |s| s.colour = "red".into()),
        ("start", |s| s.start = local("1969-12-31T10:00:00")),
        ("duration_s", |s| s.duration_s = 59),
        ("duration_s", |s| s.duration_s = 86_401),
        ("grace_ms", |s| s.begins = SlotStart::Soft { grace_ms: 3_600_001 }),
        ("priority", |s| s.priority = 10),
        ("live", |s| s.live = Some(LiveAccess { users: vec![], names: vec![" ".into()] })),
        ("live", |s| s.live = Some(LiveAccess { users: vec![], names: vec!["n".into(); 51] })),
    ] {
        let message = refused("show_field", change);
        assert!(message.starts_with(&format!("the show's {part} is ")), "{message}");
    }
    let message = refused("show_rrule", |s| s.rrule = "FREQ=WEEKLY;BYDAY=2MO".into());
    assert!(message.contains("BYDAY"), "{message}");
    refused("show_rrule", |s| s.rrule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30".into());
    refused("show_rrule", |s| s.rrule = "FREQ=DAILY;UNTIL=20261101".into());
    let unknown = |s: &mut Show| s.content = ShowContent::Clock { clock_id: ClockId([7; 16]) };
    refused("clock_not_found", unknown);
    refused("show_not_found", |s| s.content = ShowContent::Rebroadcast { show_id: id(9) });
}

#[test]
fn two_shows_of_one_priority_are_never_on_at_once() {
    let late = |n, start| Show { name: "Late".into(), ..show(n, start, "FREQ=WEEKLY;BYDAY=SU") };
    let message =
        timeline(&[daily()]).when(put(late(2, "2026-11-22T10:59:59"))).rejected("show_overlap");
    for part in ["\"Late\" from 2026-11-22T10:59:59", "\"Show 1\"", "2026-11-22T10:00:00"] {
        assert!(message.contains(part), "{message}");
    }
    let beside = late(2, "2026-11-22T11:00:00");
    timeline(&[daily()]).when(put(beside.clone())).then(&[was_put(beside)]);
    let above = Show { priority: 1, ..late(2, "2026-11-22T10:30:00") };
    timeline(&[daily()]).when(put(above.clone())).then(&[was_put(above)]);
    // With itself.
    let long =
        Show { duration_s: 7_200, ..show(1, "2026-11-22T10:00:00", "FREQ=DAILY;BYHOUR=1,2") };
    timeline(&[]).when(put(long)).rejected("show_overlap");
    // What began before the show that is set, and past midnight.
    let night = Show { duration_s: 10_800, ..show(2, "2026-11-20T23:00:00", "") };
    let early = show(1, "2026-11-21T01:30:00", "");
    timeline(&[night]).when(put(early)).rejected("show_overlap");
    // Long ago does not matter.
    let old = show(2, "2020-01-01T10:00:00", "FREQ=DAILY;COUNT=100");
    let oldest = show(1, "2019-01-01T10:30:00", "FREQ=DAILY;UNTIL=20210101");
    timeline(&[old]).when(put(oldest.clone())).then(&[was_put(oldest)]);
}

#[test]
fn an_instance_is_moved_where_there_is_room_and_restored_where_there_still_is() {
    let noon = show(2, "2026-11-01T12:00:00", "FREQ=DAILY");
    let shows = [daily(), noon];
    let message = timeline(&shows).when(moves("2026-11-23T12:30:00", 600)).rejected("show_overlap");
    assert!(message.contains("Show 2"), "{message}");
    timeline(&shows).when(moves("2026-11-24T10:30:00", 600)).rejected("show_overlap");
    timeline(&shows).when(moves("2026-11-23T20:00:00", 30)).rejected("show_field");
    let (show_id, original) = (id(1), local(AT));
    let to = local("2026-11-23T20:00:00");
    let moved = ShowEvent::InstanceMoved { show_id, original, to, duration_s: 600 };
    let after = timeline(&shows)
        .when(moves("2026-11-23T20:00:00", 600))
        .then(&[TimelineEvent::Show(moved)]);
    let exception =
        Exception { moved: Some(Moved { to, duration_s: 600 }), ..Exception::default() };
    assert_eq!(after.state.shows[&id(1)].exceptions[&original], exception);
    let after = after.when(moves("2026-11-23T20:00:00", 600)).then_nothing();
    // Somebody took its place.
    let taken = show(3, "2026-11-23T10:15:00", "");
    let after = after.when(put(taken.clone())).then(&[was_put(taken)]);
    let after = after.when(restore()).rejected("show_overlap");
    assert!(after.contains("Show 3"), "{after}");
    let restored = TimelineEvent::Show(ShowEvent::InstanceRestored { show_id, original });
    let moved = timeline(&shows).when(moves("2026-11-23T20:00:00", 600)).given;
    let back = moved.when(restore()).then(&[restored]);
    assert!(back.state.shows[&id(1)].exceptions.is_empty());
    back.when(restore()).then_nothing();
}

#[test]
fn an_instance_that_does_not_come_has_no_exceptions() {
    timeline(&[daily()]).when(cancel("2026-11-23T10:00:01")).rejected("show_instance_not_found");
    timeline(&[daily()]).when(cancel("2026-11-01T10:00:00")).rejected("show_instance_not_found");
    timeline(&[]).when(cancel(AT)).rejected("show_not_found");
    let note =
        ShowCommand::CancelInstance { show_id: id(1), original: local(AT), note: "n".repeat(501) };
    timeline(&[daily()]).when(ask(note)).rejected("reason_length");
}

#[test]
fn content_put_into_one_instance_of_a_linked_show_is_put_into_all() {
    let content = ShowContent::Playlist { playlist_id: PlaylistId([2; 16]) };
    let (show_id, original) = (id(1), local(AT));
    let all = Substitute { name: Some("Guest".into()), host: None, content: Some(content) };
    let substitute = |with: &Substitute| {
        ask(ShowCommand::SubstituteInstance { show_id, original, with: with.clone() })
    };
    let event = |with: Substitute| {
        TimelineEvent::Show(ShowEvent::InstanceSubstituted { show_id, original, with })
    };
    let alone = timeline(&[daily()]).when(substitute(&all)).then(&[event(all.clone())]);
    alone.when(substitute(&all)).then_nothing();
    let linked = Show { linked: true, ..daily() };
    let own = Substitute { content: None, ..all.clone() };
    let changed = Show { content, ..linked.clone() };
    let after = timeline(&[linked]).when(substitute(&all)).then(&[was_put(changed), event(own)]);
    after.when(substitute(&all)).then_nothing();
    let nobody = Substitute { name: Some(String::new()), ..Substitute::default() };
    timeline(&[daily()]).when(substitute(&nobody)).rejected("show_field");
}

#[test]
fn exceptions_are_bounded_and_the_oldest_is_forgotten_once_it_is_over() {
    let first = "2026-11-23T10:00:00".parse::<jiff::civil::DateTime>().expect("a time");
    let cancelled = |n: i64| {
        let at = first.checked_add(jiff::Span::new().days(n)).expect("a time");
        let (original, note) = (LocalTime::from(at), String::new());
        TimelineEvent::Show(ShowEvent::InstanceCancelled { show_id: id(1), original, note })
    };
    let fill = |from: i64| {
        let mut events = vec![was_put(daily())];
        events.extend((from..from + MAX_EXCEPTIONS as i64).map(cancelled));
        given::<Timeline>(&events).at(UtcMicros(1_795_262_400_000_000))
    };
    fill(1).when(cancel(AT)).rejected("too_many_show_exceptions");
    let mut past = fill(-10);
    let later = cancelled(MAX_EXCEPTIONS as i64);
    let command = |event: &TimelineEvent| match event {
        TimelineEvent::Show(ShowEvent::InstanceCancelled { original, .. }) => {
            cancel(&original.to_string())
        }
        other => panic!("{other:?}"),
    };
    past = past.when(command(&later)).given;
    let kept = &past.state.shows[&id(1)].exceptions;
    assert_eq!(kept.len(), MAX_EXCEPTIONS);
    assert!(!kept.contains_key(&local("2026-11-13T10:00:00")), "the oldest is gone");
}
