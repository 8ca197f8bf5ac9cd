//! Format clocks and the orders beside them, given / when / then.

use super::Timeline;
use super::command::{ClockCommand, TimelineCommand};
use super::decide::HOUR_US;
use super::tests::{HOUR, line, plan, planned};
use crate::given::{Given, given};
use grimnir_events::clock::{
    ClockEvent, ClockSlot, ClockV1, FormatClock, LegalIdRule, SlotV1, Stopset, StopsetSource,
};
use grimnir_events::edit::{EditEvent, Pin};
use grimnir_events::smart_block::{BlockSeparation, Field, FieldSeparation};
use grimnir_events::timeline::{SlotSource, SlotStart, TimelineEvent as Event};
use grimnir_events::{ClockId, MediaId, SmartBlockId};

fn clock(slots: Vec<ClockSlot>) -> FormatClock {
    FormatClock { id: ClockId([1; 16]), name: "Clock".into(), slots, min_airtime_ms: None }
}

fn set(clock: FormatClock) -> TimelineCommand {
    TimelineCommand::Clock(ClockCommand::Set { clock: Box::new(clock) })
}

fn was_set(clock: FormatClock) -> Event {
    Event::Clock(ClockEvent::Set { clock: Box::new(clock) })
}

fn gold() -> SlotSource {
    SlotSource::Category { category: "gold".into() }
}

fn track(name: &str) -> SlotSource {
    SlotSource::VoiceTrack { track: name.into() }
}

fn stopset(length_ms: u32) -> Stopset {
    Stopset {
        from: StopsetSource::Category("spots".into()),
        length_ms,
        tolerance_ms: 500,
        max_items: None,
        separation: BlockSeparation::default(),
    }
}

fn in_break(stopset: Stopset) -> SlotSource {
    SlotSource::Stopset { stopset: Box::new(stopset) }
}

fn refused(slots: Vec<ClockSlot>) -> String {
    given::<Timeline>(&[]).when(set(clock(slots))).rejected("clock_slot_value")
}

#[test]
fn a_clock_of_old_is_the_same_clock() {
    let slots = vec![SlotV1 { offset_ms: 5, start: SlotStart::Hard, source: gold() }];
    let old = ClockV1 { id: ClockId([1; 16]), name: "Clock".into(), slots };
    let new = clock(vec![ClockSlot::at(5, SlotStart::Hard, gold())]);
    let stored = given::<Timeline>(&[Event::ClockSet { clock: old.clone() }]);
    assert_eq!(stored.state.clocks.values().collect::<Vec<_>>(), [&new]);
    stored.when(set(new)).then_nothing();
    let asked = TimelineCommand::SetClock { clock: old.clone() };
    given::<Timeline>(&[]).when(asked).then(&[Event::ClockSet { clock: old }]);
}

#[test]
fn slots_by_position_stand_between_rising_offsets() {
    let slots = vec![
        ClockSlot::next(gold()),
        ClockSlot::at(0, SlotStart::Free, gold()),
        ClockSlot::next(track("one")),
        ClockSlot { items: Some(150), ..ClockSlot::next(gold()) },
        ClockSlot::at(1, SlotStart::Hard, in_break(stopset(60_000))),
    ];
    given::<Timeline>(&[]).when(set(clock(slots.clone()))).then(&[was_set(clock(slots))]);
    let late = [
        ClockSlot::at(7, SlotStart::Free, gold()),
        ClockSlot::next(gold()),
        ClockSlot::at(7, SlotStart::Free, gold()),
    ];
    let message =
        given::<Timeline>(&[]).when(set(clock(late.into()))).rejected("clock_slot_offset");
    assert_eq!(message, "slot 2 has offset 7 ms, expected 8 to 3599999 ms");
}

#[test]
fn what_is_out_of_bounds_is_refused_by_slot_value_and_limit() {
    let first = ClockSlot::at(0, SlotStart::Free, gold());
    let with = |slot: ClockSlot| refused(vec![first.clone(), slot]);
    let hard = ClockSlot { start: SlotStart::Hard, ..ClockSlot::next(gold()) };
    let found = with(hard);
    assert_eq!(found, "slots[1].start is hard, expected free for a slot without an offset");
    let items = |items, source| ClockSlot { items: Some(items), ..ClockSlot::next(source) };
    assert_eq!(with(items(0, gold())), "slots[1].items is 0, expected 1 to 150");
    assert_eq!(with(items(151, gold())), "slots[1].items is 151, expected 1 to 150");
    let once = with(items(2, in_break(stopset(60_000))));
    assert!(once.starts_with("slots[1].items is 2, expected none"), "{once}");
    let useless = ClockSlot { min_airtime_ms: Some(600_001), ..ClockSlot::next(gold()) };
    assert_eq!(with(useless), "slots[1].min_airtime_ms is 600001, expected 0 to 600000");
    let short = with(ClockSlot::next(in_break(stopset(999))));
    assert_eq!(short, "slots[1].stopset.length_ms is 999, expected 1000 to 3600000");
    let loose = Stopset { tolerance_ms: 60_001, ..stopset(60_000) };
    let found = with(ClockSlot::next(in_break(loose)));
    assert_eq!(found, "slots[1].stopset.tolerance_ms is 60001, expected 0 to 60000");
    let nothing = Stopset { from: StopsetSource::Category(" ".into()), ..stopset(60_000) };
    let found = with(ClockSlot::next(in_break(nothing)));
    assert!(found.starts_with("slots[1].stopset.category is empty"), "{found}");
    let fields = vec![FieldSeparation { field: Field::Bpm, sec: 1 }];
    let apart = BlockSeparation { fields, ..BlockSeparation::default() };
    let found = with(ClockSlot::next(in_break(Stopset { separation: apart, ..stopset(60_000) })));
    assert!(found.starts_with("slots[1].stopset.separation.fields[0].field is Bpm"), "{found}");
    let found = refused(vec![ClockSlot::next(track("a")), ClockSlot::next(track("a"))]);
    assert_eq!(found, "slots[1].track is a, expected a name of its own in the clock");
    let found = with(ClockSlot::next(track(" ")));
    assert_eq!(found, "slots[1].track is 0 characters, expected 1 to 100 characters");
    let unknown = StopsetSource::SmartBlock(SmartBlockId([9; 16]));
    let slots = vec![ClockSlot::next(in_break(Stopset { from: unknown, ..stopset(60_000) }))];
    given::<Timeline>(&[]).when(set(clock(slots))).rejected("smart_block_not_found");
    let least = FormatClock { min_airtime_ms: Some(600_001), ..clock(vec![first]) };
    given::<Timeline>(&[]).when(set(least)).rejected("clock_slot_value");
    let field = Field::Custom("y".repeat(50));
    let fields = vec![FieldSeparation { field, sec: 1 }; 4];
    let apart = BlockSeparation { fields, ..BlockSeparation::default() };
    let wide = in_break(Stopset { separation: apart, ..stopset(60_000) });
    let large = set(clock(vec![ClockSlot::next(wide); 200]));
    let message = given::<Timeline>(&[]).when(large).rejected("clock_too_large");
    assert!(message.ends_with("limit 28672"), "{message}");
}

#[test]
fn legal_ids_are_ruled_once_and_within_half_an_hour() {
    let rule = LegalIdRule { before_ms: 300_000, after_ms: 240_000, category: String::new() };
    let ask = |rule: Option<LegalIdRule>| TimelineCommand::Clock(ClockCommand::SetLegalId { rule });
    let event = |rule| Event::Clock(ClockEvent::LegalIdSet { rule });
    given::<Timeline>(&[])
        .when(ask(None))
        .then_nothing()
        .when(ask(Some(rule.clone())))
        .then(&[event(Some(rule.clone()))])
        .when(ask(Some(rule.clone())))
        .then_nothing()
        .when(ask(None))
        .then(&[event(None)]);
    let refused = |rule| given::<Timeline>(&[]).when(ask(Some(rule))).rejected("clock_slot_value");
    let far = refused(LegalIdRule { after_ms: 1_800_001, ..rule.clone() });
    assert_eq!(far, "after_ms is 1800001, expected 0 to 1800000");
    let narrow = refused(LegalIdRule { before_ms: 30_000, after_ms: 29_999, ..rule });
    assert!(narrow.contains("59999 ms, expected a minute at least"), "{narrow}");
}

#[test]
fn a_sign_on_counts_where_legal_ids_are_put_until_its_hour_is_planned() {
    let sign_on = || TimelineCommand::Clock(ClockCommand::SignOn {});
    given::<Timeline>(&[]).when(sign_on()).then_nothing();
    let rule = LegalIdRule { before_ms: 300_000, after_ms: 240_000, category: String::new() };
    let ruled = Event::Clock(ClockEvent::LegalIdSet { rule: Some(rule) });
    let at = HOUR.plus(5_000_000);
    let signed = Event::Clock(ClockEvent::SignedOn { at });
    let waits = given::<Timeline>(&[ruled.clone(), signed.clone()]).state.orders;
    assert!(waits.awaits_sign_on(HOUR) && !waits.awaits_sign_on(HOUR.plus(HOUR_US)));
    let hour = planned(plan(vec![line(1, 0)]));
    let done = given::<Timeline>(&[ruled.clone(), signed.clone(), hour.clone()]).state.orders;
    assert!(!done.awaits_sign_on(HOUR));
    let before = given::<Timeline>(&[ruled, hour, signed]).state.orders;
    assert!(before.awaits_sign_on(HOUR), "it was planned before");
}

fn with_a_track() -> Given<Timeline> {
    given::<Timeline>(&[was_set(clock(vec![ClockSlot::next(track("one"))]))])
}

fn assign(name: &str, media: Option<u8>) -> TimelineCommand {
    let (track, media_id) = (name.to_owned(), media.map(|n| MediaId([n; 16])));
    TimelineCommand::Clock(ClockCommand::AssignVoice { hour: HOUR, track, media_id })
}

#[test]
fn a_voice_track_is_assigned_taken_back_and_forgotten_with_its_hour() {
    let event = |media: Option<u8>| {
        let media_id = media.map(|n| MediaId([n; 16]));
        Event::Clock(ClockEvent::VoiceTracked { hour: HOUR, track: "one".into(), media_id })
    };
    with_a_track()
        .when(assign("one", None))
        .then_nothing()
        .when(assign("one", Some(1)))
        .then(&[event(Some(1))])
        .when(assign("one", Some(1)))
        .then_nothing()
        .when(assign("one", Some(2)))
        .then(&[event(Some(2))])
        .when(assign("one", None))
        .then(&[event(None)]);
    with_a_track().when(assign("two", Some(1))).rejected("voice_track_not_found");
    let off = ClockCommand::AssignVoice {
        hour: HOUR.plus(1),
        track: "one".into(),
        media_id: Some(MediaId([1; 16])),
    };
    with_a_track().when(TimelineCommand::Clock(off)).rejected("plan_not_an_hour");
    let mut later = plan(vec![line(1, 0)]);
    later.hour = HOUR.plus(49 * HOUR_US);
    later.lines[0].planned_at = later.hour;
    let state = given::<Timeline>(&[event(Some(1)), planned(later)]).state;
    assert!(state.orders.voice.is_empty());
}

#[test]
fn a_recorded_link_is_held_where_it_is_planned() {
    let assigned = with_a_track().when(assign("one", Some(2)));
    let plan = plan(vec![line(1, 0), line(2, 60)]);
    let command = TimelineCommand::CommitHour { plan: Box::new(plan.clone()), replace: false };
    let (line_id, pin) = (plan.lines[1].id, Some(Pin::Voice));
    let held = EditEvent::LinePinned { hour: HOUR, line_id, pin };
    let known = [
        was_set(clock(vec![ClockSlot::next(track("one"))])),
        Event::Clock(ClockEvent::VoiceTracked {
            hour: HOUR,
            track: "one".into(),
            media_id: Some(MediaId([2; 16])),
        }),
    ];
    drop(assigned);
    let after = given::<Timeline>(&known)
        .when(command)
        .then(&[planned(plan), Event::Edited(Box::new(held))]);
    assert_eq!(after.state.pins.get(&line_id), Some(&Pin::Voice));
}
