//! Held lines of a timeline: folded, and forgotten with their hours.

use super::decide::HOUR_US;
use super::tests::{HOUR, given, line, plan, planned};
use grimnir_events::edit::{Arranged, EditEvent, Pin};
use grimnir_events::timeline::{HourPlan, TimelineEvent as Event};
use grimnir_events::{LineId, UtcMicros};

fn pinned(hour: UtcMicros, n: u8, pin: Option<Pin>) -> Event {
    Event::Edited(Box::new(EditEvent::LinePinned { hour, line_id: LineId([n; 16]), pin }))
}

fn pins(events: &[Event]) -> Vec<(u8, Pin)> {
    given(events).pins.iter().map(|(id, pin)| (id.0[0], *pin)).collect()
}

#[test]
fn a_line_is_held_until_it_is_let_go() {
    let hour = planned(plan(vec![line(1, 0), line(2, 60)]));
    let held = [hour.clone(), pinned(HOUR, 1, Some(Pin::Hand)), pinned(HOUR, 2, Some(Pin::Voice))];
    assert_eq!(pins(&held), [(1, Pin::Hand), (2, Pin::Voice)]);
    let other = [&held[..], &[pinned(HOUR, 1, Some(Pin::Locked))]].concat();
    assert_eq!(pins(&other), [(1, Pin::Locked), (2, Pin::Voice)]);
    assert_eq!(pins(&[&other[..], &[pinned(HOUR, 1, None)]].concat()), [(2, Pin::Voice)]);
    let unknown =
        [hour, pinned(HOUR, 9, Some(Pin::Hand)), pinned(UtcMicros(0), 1, Some(Pin::Hand))];
    assert_eq!(pins(&unknown), []);
}

#[test]
fn pins_go_with_their_lines() {
    let hour = planned(plan(vec![line(1, 0), line(2, 60)]));
    let held = [hour, pinned(HOUR, 1, Some(Pin::Hand)), pinned(HOUR, 2, Some(Pin::Locked))];
    let then = |event: Event| pins(&[&held[..], &[event]].concat());
    let dropped =
        |n| Event::LineDropped { hour: HOUR, line_id: LineId([n; 16]), reason: "withdrawn".into() };
    assert_eq!(then(dropped(1)), [(2, Pin::Locked)]);
    assert_eq!(then(planned(plan(vec![line(2, 0), line(3, 60)]))), [(2, Pin::Locked)]);
    assert_eq!(then(Event::HourCleared { hour: HOUR, reason: "moved".into() }), []);
    let later = |hours| HourPlan {
        hour: HOUR.plus(hours * HOUR_US),
        notes: vec!["empty".into()],
        ..plan(vec![])
    };
    assert_eq!(then(planned(later(48))).len(), 2, "the hour is kept");
    assert_eq!(then(planned(later(49))), []);
}

#[test]
fn an_hour_is_put_into_another_order_with_other_times() {
    let hour = planned(plan(vec![line(1, 0), line(2, 60), line(3, 120), line(4, 180)]));
    let at = |n, seconds: i64| Arranged {
        line_id: LineId([n; 16]),
        planned_at: HOUR.plus(seconds * 1_000_000),
    };
    let lines = vec![at(3, 5), at(9, 6), at(1, 7)];
    let arranged = Event::Edited(Box::new(EditEvent::HourArranged { hour: HOUR, lines }));
    let state = given(&[hour, arranged]);
    let found = state.hours[&HOUR].lines.iter();
    let found: Vec<_> = found.map(|l| (l.id.0[0], (l.planned_at.0 - HOUR.0) / 1_000_000)).collect();
    assert_eq!(found, [(3, 5), (1, 7), (2, 60), (4, 180)]);
}
