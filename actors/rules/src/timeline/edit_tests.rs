//! Work on a plan by hand, given / when / then.

use super::command::TimelineCommand as Command;
use super::decide::HOUR_US;
use super::edits::command::{EditCommand, Place};
use super::tests::{HOUR, line, plan, planned};
use super::{Timeline, TimelineState};
use crate::given::{Given, given};
use grimnir_events::air::{AirEvent, AirFact, EndReason, ItemStarted};
use grimnir_events::edit::{EditEvent, Pin};
use grimnir_events::ladder::Tier;
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::timeline::{Anchor, HourPlan, Line, TimelineEvent as Event, Transition};
use grimnir_events::{AirFrame, ClaimId, ContentHash, EngineRunId, LineId, MediaId, UtcMicros};

const MINUTE: i64 = 60_000_000;
pub(super) const NEXT: UtcMicros = HOUR.plus(HOUR_US);

pub(super) fn id(n: u8) -> LineId {
    LineId([n; 16])
}

/// A song of five minutes that hands over without overlap.
pub(super) fn song(n: u8, minute: i64) -> Line {
    let cues = CueMarks { cue_in: 0, segue: 48_000 * 300, cue_out: 48_000 * 300 };
    let planned_at = HOUR.plus(minute * MINUTE);
    Line { cues, planned_at, transition: Transition::Segue, ..line(n, 0) }
}

/// Two hours of twelve songs each, the first of either waiting for its hour: 1 to 12, 21 to 32.
pub(super) fn two_hours() -> Vec<Event> {
    let hour = |hour: UtcMicros, first: u8, minute: i64| {
        let mut lines: Vec<Line> =
            (0..12).map(|n| song(first + n, minute + 5 * i64::from(n))).collect();
        lines[0].anchor = Anchor::Soft { at: hour, grace_us: 5 * MINUTE };
        planned(HourPlan { hour, ..plan(lines) })
    };
    vec![hour(HOUR, 1, 0), hour(NEXT, 21, 60)]
}

pub(super) fn before() -> Given<Timeline> {
    given::<Timeline>(&two_hours()).at(HOUR.plus(-10 * MINUTE))
}

pub(super) fn edit(command: EditCommand) -> Command {
    Command::Edit(Box::new(command))
}

fn order(state: &TimelineState, hour: UtcMicros) -> Vec<u8> {
    state.hours[&hour].lines.iter().map(|line| line.id.0[0]).collect()
}

fn minutes(state: &TimelineState, hour: UtcMicros) -> Vec<i64> {
    let lines = state.hours[&hour].lines.iter();
    lines.map(|line| line.planned_at.since(hour) / MINUTE).collect()
}

#[track_caller]
fn done(given: Given<Timeline>, command: EditCommand) -> Given<Timeline> {
    let answer = given.when(edit(command));
    answer.result.expect("accepted");
    answer.given
}

#[track_caller]
fn refused(given: Given<Timeline>, command: EditCommand, code: &str) -> String {
    given.when(edit(command)).rejected(code)
}

fn insert(n: u8, hour: UtcMicros, place: Place) -> EditCommand {
    EditCommand::Insert { hour, place, line: Box::new(song(n, 0)) }
}

fn fact(number: u64, minute: i64, event: AirEvent) -> AirFact {
    let at = HOUR.plus(minute * MINUTE);
    AirFact { run: EngineRunId([1; 16]), journal_seq: number, frame: AirFrame(0), at, event }
}

/// A line starts at a minute of the first hour.
fn started(n: u8, minute: i64) -> AirFact {
    let started = ItemStarted {
        play: u64::from(n),
        claim_id: ClaimId([1; 16]),
        tier: Tier::Automation,
        line_id: Some(id(n)),
        media_id: MediaId([n; 16]),
        play_hash: ContentHash([n; 32]),
        title: "Title".into(),
        artist: "Artist".into(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 48_000 * 300,
        gain_db_x100: 0,
    };
    fact(u64::from(n), minute, AirEvent::ItemStarted(Box::new(started)))
}

#[test]
fn an_inserted_line_is_held_and_moves_what_follows() {
    let after = done(before(), insert(50, HOUR, Place::Index(2)));
    let state = &after.state;
    assert_eq!(order(state, HOUR)[..5], [1, 2, 50, 3, 4]);
    assert_eq!(minutes(state, HOUR)[..5], [0, 5, 10, 15, 20]);
    assert_eq!(state.pins.get(&id(50)), Some(&Pin::Hand));
    assert_eq!(minutes(state, NEXT), (0..12).map(|n| 5 * n).collect::<Vec<_>>(), "its own hour");
    let after = done(after, insert(51, HOUR, Place::After(id(50))));
    assert_eq!(order(&after.state, HOUR)[..5], [1, 2, 50, 51, 3]);
    let after = done(after, insert(52, NEXT, Place::Index(99)));
    assert_eq!(order(&after.state, NEXT).last(), Some(&52));
}

#[test]
fn a_line_before_the_first_opens_the_hour_in_its_place() {
    let after = done(before(), insert(50, NEXT, Place::Index(0)));
    let lines = &after.state.hours[&NEXT].lines;
    assert_eq!((lines[0].id, lines[1].id), (id(50), id(21)));
    assert!(matches!(lines[0].anchor, Anchor::Soft { at, .. } if at == NEXT));
    assert_eq!(lines[1].anchor, Anchor::AfterPrevious);
    assert_eq!(minutes(&after.state, NEXT)[..3], [0, 5, 10]);
    // And goes back when it is taken out again.
    let (line_id, reason) = (id(50), String::new());
    let after = done(after, EditCommand::Drop { hour: NEXT, line_id, reason });
    let lines = &after.state.hours[&NEXT].lines;
    assert!(matches!(lines[0].anchor, Anchor::Soft { at, .. } if at == NEXT));
    assert_eq!((lines.len(), lines[0].planned_at), (12, NEXT));
}

#[test]
fn a_line_moves_within_and_across_hours_under_a_new_id() {
    let moved = |line_id, to_hour, place| EditCommand::Move {
        hour: HOUR,
        line_id,
        to_hour,
        place,
        anchor: Anchor::AfterPrevious,
        new_id: id(60),
    };
    let after = done(before(), moved(id(5), HOUR, Place::Index(1)));
    assert_eq!(order(&after.state, HOUR)[..6], [1, 60, 2, 3, 4, 6]);
    assert_eq!(minutes(&after.state, HOUR)[..6], [0, 5, 10, 15, 20, 25]);
    assert_eq!(after.state.hours[&HOUR].lines[1].media_id, MediaId([5; 16]));
    let after = done(before(), moved(id(5), NEXT, Place::After(id(21))));
    assert_eq!(order(&after.state, NEXT)[..3], [21, 60, 22]);
    assert_eq!(order(&after.state, HOUR).len(), 11);
    assert_eq!(minutes(&after.state, HOUR)[3..5], [15, 20], "what follows comes earlier");
    assert_eq!(after.state.pins.keys().collect::<Vec<_>>(), [&id(60)]);
    refused(before(), moved(id(5), NEXT.plus(HOUR_US), Place::Index(0)), "unknown_hour");
    refused(before(), moved(id(99), NEXT, Place::Index(0)), "unknown_line");
    refused(before(), moved(id(5), NEXT, Place::After(id(99))), "unknown_line");
    refused(before(), moved(id(5), NEXT, Place::After(id(6))), "unknown_line");
}

#[test]
fn a_replaced_line_leaves_its_place_and_anchor() {
    let replace = EditCommand::Replace { hour: NEXT, line_id: id(21), line: song(50, 0).into() };
    let after = done(before(), replace);
    let first = &after.state.hours[&NEXT].lines[0];
    assert_eq!((first.id, first.media_id), (id(50), MediaId([50; 16])));
    assert!(matches!(first.anchor, Anchor::Soft { .. }));
    assert_eq!(after.state.hours[&NEXT].lines[1].anchor, Anchor::AfterPrevious);
    assert_eq!(after.state.pins.get(&id(50)), Some(&Pin::Hand));
    let taken = EditCommand::Replace { hour: NEXT, line_id: id(22), line: song(21, 0).into() };
    refused(before(), taken, "line_id_taken");
}

#[test]
fn a_locked_line_is_neither_moved_nor_replaced_nor_dropped() {
    let hold = |locked| EditCommand::Hold { hour: HOUR, line_id: id(3), locked };
    let pinned = |pin| {
        let event = EditEvent::LinePinned { hour: HOUR, line_id: id(3), pin: Some(pin) };
        Event::Edited(Box::new(event))
    };
    let held = before().when(edit(hold(true))).then(&[pinned(Pin::Locked)]);
    let held = held.when(edit(hold(true))).then_nothing();
    let drop = || EditCommand::Drop { hour: HOUR, line_id: id(3), reason: String::new() };
    let replace = EditCommand::Replace { hour: HOUR, line_id: id(3), line: song(50, 0).into() };
    let again = || Given::<Timeline> { state: held.state.clone(), now: held.now };
    assert!(refused(again(), drop(), "line_locked").contains(&id(3).to_string()));
    refused(again(), replace, "line_locked");
    let free = held.when(edit(hold(false))).then(&[pinned(Pin::Hand)]);
    done(free, drop());
    before().when(edit(hold(false))).then_nothing();
    let other = EditCommand::Hold { hour: HOUR, line_id: id(21), locked: true };
    refused(before(), other, "unknown_line");
}

#[test]
fn what_is_on_air_next_or_past_is_not_touched() {
    // 12 minutes past: song 3 runs since 11, a minute late.
    let running = || {
        let facts = [started(1, 0), started(2, 5), started(3, 11)];
        given::<Timeline>(&two_hours()).at(HOUR.plus(12 * MINUTE)).witnessed(&facts)
    };
    let drop = |n| EditCommand::Drop { hour: HOUR, line_id: id(n), reason: String::new() };
    let message = refused(running(), drop(3), "line_on_air");
    assert_eq!(message, format!("line {} (\"Title\") is on air", id(3)));
    refused(running(), drop(4), "line_comes_next");
    refused(running(), drop(2), "line_past");
    let hold = EditCommand::Hold { hour: HOUR, line_id: id(3), locked: true };
    refused(running(), hold, "line_on_air");
    for place in [Place::Index(3), Place::After(id(3)), Place::Index(0)] {
        refused(running(), insert(50, HOUR, place), "place_past");
    }
    let after = done(running(), insert(50, HOUR, Place::After(id(4))));
    assert_eq!(order(&after.state, HOUR)[..6], [1, 2, 3, 4, 50, 5]);
    // Times follow the air: 3 began at 11, so 4 comes at 16, and 50 at 21.
    assert_eq!(minutes(&after.state, HOUR)[..6], [0, 5, 11, 16, 21, 26]);
    done(running(), drop(5));
    // A line that was dropped on air is passed over: then 5 is next.
    let dropped = AirEvent::LineDropped {
        line_id: id(4),
        media_id: MediaId([4; 16]),
        title: "Title".into(),
        planned_at: HOUR,
        reason: grimnir_events::timeline::DropReason::Undecodable,
    };
    let skipped = || running().witnessed(&[fact(9, 12, dropped.clone())]);
    refused(skipped(), drop(5), "line_comes_next");
    refused(skipped(), drop(4), "line_past");
}

#[test]
fn where_nothing_of_the_plan_is_on_air_its_times_rule() {
    let ended = AirEvent::ItemEnded { play: 1, frames: 1, reason: EndReason::Preempted };
    let facts = [started(1, 0), fact(2, 3, ended)];
    let live = || given::<Timeline>(&two_hours()).at(HOUR.plus(12 * MINUTE)).witnessed(&facts);
    let drop = |n| EditCommand::Drop { hour: HOUR, line_id: id(n), reason: String::new() };
    refused(live(), drop(3), "line_past");
    done(live(), drop(4));
    let late = || given::<Timeline>(&two_hours()).at(NEXT.plus(1));
    refused(late(), insert(50, HOUR, Place::Index(99)), "hour_past");
    refused(late(), insert(50, NEXT, Place::Index(0)), "place_past");
    done(late(), insert(50, NEXT, Place::Index(1)));
}

#[test]
fn a_queued_line_comes_behind_the_next_one() {
    let queue = |n| EditCommand::QueueNext { line: song(n, 0).into() };
    let running = given::<Timeline>(&two_hours()).at(HOUR.plus(MINUTE)).witnessed(&[started(1, 0)]);
    let after = done(done(running, queue(50)), queue(51));
    assert_eq!(order(&after.state, HOUR)[..5], [1, 2, 51, 50, 3]);
    assert_eq!(minutes(&after.state, HOUR)[..5], [0, 5, 10, 15, 20]);
    // At the end of the hour the one that opens the next hour is next, and it comes behind that.
    let last =
        given::<Timeline>(&two_hours()).at(HOUR.plus(56 * MINUTE)).witnessed(&[started(12, 55)]);
    let after = done(last, queue(50));
    assert_eq!(order(&after.state, NEXT)[..3], [21, 50, 22]);
    refused(given::<Timeline>(&[]), queue(50), "unknown_hour");
}

#[test]
fn a_shuffle_keeps_held_and_anchored_lines_and_comes_out_the_same_again() {
    let shuffle = |n| EditCommand::Shuffle { hour: Some(HOUR), seed: [n; 16] };
    let hold = EditCommand::Hold { hour: HOUR, line_id: id(4), locked: true };
    let held = || done(before(), hold.clone());
    let first = order(&done(held(), shuffle(1)).state, HOUR);
    assert_eq!(first, order(&done(held(), shuffle(1)).state, HOUR));
    assert_ne!(first, order(&done(held(), shuffle(2)).state, HOUR));
    assert_ne!(first, (1..=12).collect::<Vec<_>>());
    assert_eq!((first[0], first[3]), (1, 4), "anchored and held");
    let mut sorted = first;
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=12).collect::<Vec<_>>());
    // Of the running hour, what is still to come.
    let running = given::<Timeline>(&two_hours()).at(HOUR.plus(MINUTE)).witnessed(&[started(1, 0)]);
    let after = done(running, EditCommand::Shuffle { hour: None, seed: [1; 16] });
    assert_eq!(order(&after.state, HOUR)[..2], [1, 2]);
    assert_eq!(order(&after.state, NEXT), (21..=32).collect::<Vec<_>>());
    refused(
        before(),
        EditCommand::Shuffle { hour: Some(HOUR.plus(1)), seed: [1; 16] },
        "unknown_hour",
    );
}

#[test]
fn a_song_before_a_jingle_is_heard_to_its_end() {
    let mut song = song(50, 0);
    song.cues.segue -= 48_000 * 3;
    let curve = grimnir_events::station::FadeCurve::EqualPower;
    song.transition = Transition::Crossfade { curve };
    let faded = EditCommand::Insert { hour: HOUR, place: Place::Index(2), line: song.into() };
    let with = done(before(), faded);
    assert!(matches!(with.state.hours[&HOUR].lines[2].transition, Transition::Crossfade { .. }));
    let mut jingle = line(51, 0);
    jingle.kind = ItemKind::Imaging;
    let place = Place::After(id(50));
    let after = done(with, EditCommand::Insert { hour: HOUR, place, line: jingle.into() });
    let before_it = &after.state.hours[&HOUR].lines[2];
    assert_eq!(before_it.transition, Transition::Segue);
    assert_eq!(before_it.cues.segue, before_it.cues.cue_out);
}

#[test]
fn an_hour_is_restored_behind_what_has_aired() {
    let as_it_was = before().state.hours[&HOUR].clone();
    let restore = |plan: &HourPlan, pins| EditCommand::RestoreHour {
        plan: plan.clone().into(),
        pins,
        to_seq: 7,
    };
    let changed = || {
        done(done(before(), insert(50, HOUR, Place::Index(5))), insert(51, HOUR, Place::Index(7)))
    };
    let after = done(changed(), restore(&as_it_was, vec![]));
    assert_eq!(after.state.hours, before().state.hours);
    assert_eq!(after.state.pins.len(), 0);
    after.when(edit(restore(&as_it_was, vec![]))).then_nothing();
    // With the hour running, what has aired stays, and so does what comes next.
    let facts = [started(1, 0), started(2, 5), started(3, 10), started(4, 15), started(5, 20)];
    let running = || Given { now: HOUR.plus(21 * MINUTE), ..changed().witnessed(&facts) };
    let after = done(running(), restore(&as_it_was, vec![(id(8), Pin::Locked)]));
    assert_eq!(order(&after.state, HOUR), [1, 2, 3, 4, 5, 50, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(after.state.pins.get(&id(8)), Some(&Pin::Locked));
    let message = refused(after, restore(&as_it_was, vec![]), "line_locked");
    assert!(message.contains(&id(8).to_string()), "{message}");
    let late = Given::<Timeline> { now: NEXT, ..changed() };
    refused(late, restore(&as_it_was, vec![]), "hour_past");
    let odd = HourPlan { hour: HOUR.plus(1), ..as_it_was };
    refused(before(), restore(&odd, vec![]), "plan_not_an_hour");
}

#[test]
fn an_hour_takes_no_more_lines_than_a_plan() {
    let lines = (0..150u8).map(|n| Line { planned_at: HOUR, ..song(n, 0) }).collect::<Vec<_>>();
    let full = || given::<Timeline>(&[planned(plan(Vec::clone(&lines)))]).at(HOUR.plus(-1));
    refused(full(), insert(200, HOUR, Place::Index(3)), "too_many_lines");
}
