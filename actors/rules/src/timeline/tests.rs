//! What a timeline answers.

use super::command::{ClockCommand, TimelineCommand as Command};
use super::decide::{MAX_PLAN_BYTES, MAX_SLOTS};
use super::*;
use crate::Reject;
use grimnir_events::clock::ClockEvent;
use grimnir_events::grid::{DatedSet, Days, Grid, LocalDate};
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::{
    Anchor, ClockSlot, FormatClock, HourPlan, Line, SlotSource, SlotStart, TimelineEvent as Event,
    Transition,
};
use grimnir_events::{ClockId, ContentHash, LineId, MediaId, UtcMicros};

pub(super) const HOUR: UtcMicros = UtcMicros(497_000 * 3_600_000_000);

pub(super) fn given(events: &[Event]) -> TimelineState {
    let mut state = TimelineState::default();
    events.iter().for_each(|event| Timeline::evolve(&mut state, event));
    state
}

fn when(state: &TimelineState, command: Command) -> Result<Vec<Event>, TimelineRejection> {
    Timeline::decide(state, &command, &Context::default())
}

fn code(answer: Result<Vec<Event>, TimelineRejection>) -> &'static str {
    answer.expect_err("refused").code()
}

fn clock(offsets: &[u32]) -> FormatClock {
    let source = SlotSource::Category { category: "gold".into() };
    let slot = |offset_ms: &u32| ClockSlot::at(*offset_ms, SlotStart::Free, source.clone());
    let slots = offsets.iter().map(slot).collect();
    FormatClock { id: ClockId([1; 16]), name: "Daytime".into(), slots, min_airtime_ms: None }
}

fn was_set(clock: FormatClock) -> Event {
    Event::Clock(ClockEvent::Set { clock: Box::new(clock) })
}

fn set_to(clock: FormatClock) -> Command {
    Command::Clock(ClockCommand::Set { clock: Box::new(clock) })
}

pub(super) fn line(n: u8, seconds: i64) -> Line {
    Line {
        id: LineId([n; 16]),
        media_id: MediaId([n; 16]),
        play_hash: ContentHash([n; 32]),
        title: "Title".into(),
        artist: "Artist".into(),
        kind: ItemKind::Music,
        planned_at: HOUR.plus(seconds * 1_000_000),
        anchor: Anchor::AfterPrevious,
        cues: CueMarks { cue_in: 0, segue: 48_000 * 60, cue_out: 48_000 * 63 },
        gain_db_x100: 0,
        transition: Transition::Crossfade { curve: FadeCurve::EqualPower },
        min_airtime: 480_000,
        must_air: false,
        long_form: false,
    }
}

pub(super) fn plan(lines: Vec<Line>) -> HourPlan {
    HourPlan {
        hour: HOUR,
        lines,
        input_seq: 7,
        seed: [0; 32],
        planner_version: 1,
        tzdb: "2026b".into(),
        notes: Vec::new(),
    }
}

fn commit(plan: HourPlan, replace: bool) -> Command {
    Command::CommitHour { plan: Box::new(plan), replace }
}

pub(super) fn planned(plan: HourPlan) -> Event {
    Event::HourPlanned { plan }
}

#[test]
fn a_clock_is_set_once_and_changed_only_by_other_slots() {
    let set = was_set(clock(&[0, 1_800_000]));
    let command = set_to(clock(&[0, 1_800_000]));
    assert_eq!(when(&given(&[]), command.clone()), Ok(vec![set.clone()]));
    assert_eq!(when(&given(&[set]), command), Ok(vec![]));
}

#[test]
fn a_clock_out_of_bounds_is_refused() {
    let set = |clock| code(when(&given(&[]), set_to(clock)));
    assert_eq!(set(clock(&[])), "clock_slot_count");
    assert_eq!(set(clock(&(0..=MAX_SLOTS as u32).collect::<Vec<_>>())), "clock_slot_count");
    assert_eq!(set(clock(&[0, 5, 5])), "clock_slot_offset");
    assert_eq!(set(clock(&[0, 3_600_000])), "clock_slot_offset");
    assert_eq!(set(FormatClock { name: " ".into(), ..clock(&[0]) }), "clock_name_length");
    assert_eq!(set(FormatClock { name: "x".repeat(101), ..clock(&[0]) }), "clock_name_length");
    let mut late = clock(&[0]);
    late.slots[0].start = SlotStart::Soft { grace_ms: 3_600_001 };
    assert_eq!(set(late), "clock_slot_grace");
    assert!(when(&given(&[]), set_to(clock(&[0, 3_599_999]))).is_ok());
}

#[test]
fn removing_the_default_clock_plans_from_the_library_again() {
    let clock_id = ClockId([1; 16]);
    let chosen = Event::DefaultClockChosen { clock_id: Some(clock_id) };
    let state = given(&[was_set(clock(&[0])), chosen]);
    let events = when(&state, Command::RemoveClock { clock_id }).expect("accepted");
    assert_eq!(
        events,
        [Event::DefaultClockChosen { clock_id: None }, Event::ClockRemoved { clock_id }]
    );
    let gone = given(&[]);
    assert_eq!(code(when(&gone, Command::RemoveClock { clock_id })), "clock_not_found");
    let choose = Command::ChooseDefaultClock { clock_id: Some(clock_id) };
    assert_eq!(code(when(&gone, choose.clone())), "clock_not_found");
    assert_eq!(when(&state, choose), Ok(vec![]), "chosen already");
}

#[test]
fn an_hour_is_planned_once_unless_it_is_replaced() {
    let (first, second) = (plan(vec![line(1, 0)]), plan(vec![line(2, 0)]));
    let state = given(&[planned(first.clone())]);
    assert_eq!(when(&given(&[]), commit(first.clone(), false)), Ok(vec![planned(first.clone())]));
    assert_eq!(when(&state, commit(first, false)), Ok(vec![]), "the same plan");
    assert_eq!(code(when(&state, commit(second.clone(), false))), "hour_already_planned");
    assert_eq!(when(&state, commit(second.clone(), true)), Ok(vec![planned(second)]));
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let refused = |plan| code(when(&given(&[]), commit(plan, false)));
    assert_eq!(refused(plan(vec![])), "plan_empty_without_note");
    assert_eq!(refused(plan(vec![line(1, 0), line(1, 60)])), "plan_line_repeated");
    assert_eq!(refused(plan(vec![line(1, 60), line(2, 59)])), "line_planned_backwards");
    let mut odd = plan(vec![line(1, 0)]);
    odd.hour = HOUR.plus(1);
    assert_eq!(refused(odd), "plan_not_an_hour");
    let mut half = plan(vec![line(1, 1_800)]);
    half.hour = HOUR.plus(1_800_000_000);
    assert!(when(&given(&[]), commit(half, false)).is_ok(), "an hour of a half-hour zone");
    let marked = |cue_in, segue, cue_out| {
        plan(vec![Line { cues: CueMarks { cue_in, segue, cue_out }, ..line(1, 0) }])
    };
    for (cue_in, segue, cue_out) in [(-1, 5, 9), (5, 5, 9), (0, 9, 8)] {
        assert_eq!(refused(marked(cue_in, segue, cue_out)), "line_cue_order");
    }
    for seconds in [-1, 3_600] {
        let at = HOUR.plus(seconds * 1_000_000);
        for anchor in [Anchor::Hard { at }, Anchor::Soft { at, grace_us: 0 }] {
            let anchored = plan(vec![Line { anchor, ..line(1, 0) }]);
            assert_eq!(refused(anchored), "line_anchor_outside_hour");
        }
    }
    let mut noted = plan(vec![]);
    noted.notes.push("the library is empty".into());
    assert!(when(&given(&[]), commit(noted, false)).is_ok());
}

#[test]
fn a_plan_as_large_as_allowed_fits_a_commit_twice() {
    let title = "t".repeat(MAX_PLAN_BYTES);
    let large = plan(vec![Line { title, ..line(1, 0) }]);
    assert_eq!(code(when(&given(&[]), commit(large, false))), "plan_too_large");
    let mut fits = plan(vec![line(1, 0)]);
    let bytes = |plan: &HourPlan| grimnir_events::codec::encode(plan).expect("encodes").bytes.len();
    // A longer title's length takes two bytes more.
    fits.lines[0].title = "t".repeat(MAX_PLAN_BYTES - bytes(&fits) + 5 - 2);
    assert_eq!(bytes(&fits), MAX_PLAN_BYTES);
    let command = commit(fits, false);
    let events = when(&given(&[]), command.clone()).expect("accepted");
    let encode = grimnir_events::codec::encode::<Event>;
    let event = encode(&events[0]).expect("encodes").bytes.len();
    let command = grimnir_events::codec::encode(&command).expect("encodes").bytes.len();
    assert!(event + command + 1_024 < grimnir_events::envelope::MAX_COMMIT_BYTES);
}

#[test]
fn hours_two_days_older_than_the_newest_are_forgotten_and_refused() {
    let hour = |n: i64| HOUR.plus(n * 3_600_000_000);
    let noted = |n| HourPlan { hour: hour(n), notes: vec!["empty".into()], ..plan(vec![]) };
    let state = given(&[planned(noted(0)), planned(noted(1)), planned(noted(49))]);
    assert_eq!(state.hours.keys().copied().collect::<Vec<_>>(), [hour(1), hour(49)]);
    assert_eq!(code(when(&state, commit(noted(0), false))), "hour_too_old");
    assert!(when(&state, commit(noted(2), false)).is_ok());
}

#[test]
fn a_line_is_dropped_by_name() {
    let state = given(&[planned(plan(vec![line(1, 0), line(2, 60)]))]);
    let drop = |hour, n: u8, reason: &str| {
        let (line_id, reason) = (LineId([n; 16]), reason.into());
        when(&state, Command::DropLine { hour, line_id, reason })
    };
    let events = drop(HOUR, 1, "withdrawn").expect("accepted");
    let mut after = state.clone();
    events.iter().for_each(|event| Timeline::evolve(&mut after, event));
    assert_eq!(after.hours[&HOUR].lines, [line(2, 60)]);
    assert_eq!(code(drop(HOUR, 3, "")), "unknown_line");
    assert_eq!(code(drop(HOUR.plus(3_600_000_000), 1, "")), "unknown_hour");
    assert_eq!(code(drop(HOUR, 1, &"x".repeat(501))), "reason_length");
}

fn grid_of(clock: u8, days: Days) -> Grid {
    let hours = vec![Some(ClockId([clock; 16])); 24];
    let week = vec![None; 168];
    Grid { week, sets: vec![DatedSet { name: "Holiday".into(), days, hours }] }
}

#[test]
fn a_grid_names_clocks_and_days_that_there_are() {
    let state = given(&[was_set(clock(&[0]))]);
    let set = |grid: Grid| when(&state, Command::SetGrid { grid });
    let good = grid_of(1, Days::Easter { offset_days: 1 });
    assert_eq!(set(good.clone()), Ok(vec![Event::GridSet { grid: good.clone() }]));
    assert_eq!(set(Grid::default()), Ok(vec![]), "it is so already");
    assert_eq!(code(set(grid_of(2, Days::Easter { offset_days: 1 }))), "clock_not_found");
    assert_eq!(code(set(Grid { week: vec![None; 167], sets: vec![] })), "grid_week");
    let mut week = vec![None; 168];
    week[167] = Some(ClockId([2; 16]));
    assert_eq!(code(set(Grid { week, sets: vec![] })), "clock_not_found");
    let changed = |change: fn(&mut DatedSet)| {
        let mut grid = good.clone();
        change(&mut grid.sets[0]);
        code(set(grid))
    };
    assert_eq!(changed(|set| set.name = " ".into()), "dated_set_name_length");
    assert_eq!(changed(|set| set.name = "x".repeat(101)), "dated_set_name_length");
    assert_eq!(changed(|set| set.hours.truncate(23)), "dated_set_hours");
    let many = |count| Grid { sets: vec![good.sets[0].clone(); count], ..good.clone() };
    assert_eq!(code(set(many(41))), "dated_set_count");
    assert!(set(many(40)).is_ok());
    let mut large = many(40);
    for set in &mut large.sets {
        set.days = Days::Dates { dates: vec![LocalDate { year: 2_026, month: 1, day: 1 }; 100] };
    }
    assert_eq!(code(set(large)), "grid_too_large");
}

#[test]
fn days_that_no_calendar_has_are_refused() {
    let state = given(&[was_set(clock(&[0]))]);
    let taken = |days| when(&state, Command::SetGrid { grid: grid_of(1, days) }).is_ok();
    let date = |year, month, day| LocalDate { year, month, day };
    assert!(taken(Days::Dates { dates: vec![date(2028, 2, 29)] }));
    assert!(!taken(Days::Dates { dates: vec![date(2027, 2, 29)] }));
    assert!(!taken(Days::Dates { dates: vec![] }));
    assert!(!taken(Days::Dates { dates: vec![date(2027, 2, 1); 101] }));
    assert!(taken(Days::Span { from: date(2026, 12, 24), until: date(2026, 12, 24) }));
    assert!(!taken(Days::Span { from: date(2026, 12, 24), until: date(2026, 12, 23) }));
    assert!(!taken(Days::Span { from: date(2026, 0, 1), until: date(2026, 12, 23) }));
    assert!(taken(Days::Yearly { month: 2, day: 29 }));
    assert!(!taken(Days::Yearly { month: 2, day: 30 }));
    let weekday = |month, weekday, nth| Days::Weekday { month, weekday, nth };
    assert!(taken(weekday(12, 7, -5)) && taken(weekday(1, 1, 5)));
    for (month, day, nth) in [(0, 1, 1), (13, 1, 1), (1, 0, 1), (1, 8, 1), (1, 1, 0), (1, 1, 6)] {
        assert!(!taken(weekday(month, day, nth)), "{month} {day} {nth}");
    }
    assert!(taken(Days::Easter { offset_days: -366 }));
    assert!(!taken(Days::Easter { offset_days: 367 }));
}

#[test]
fn a_removed_clock_is_taken_out_of_the_grid() {
    let clock_id = ClockId([1; 16]);
    let grid = grid_of(1, Days::Yearly { month: 12, day: 25 });
    let set = Event::GridSet { grid: grid.clone() };
    let state = given(&[was_set(clock(&[0])), set]);
    let events = when(&state, Command::RemoveClock { clock_id }).expect("accepted");
    let mut cleared = grid;
    cleared.sets[0].hours = vec![None; 24];
    assert_eq!(events, [Event::GridSet { grid: cleared }, Event::ClockRemoved { clock_id }]);
}

#[test]
fn an_hour_is_cleared_whole() {
    let state = given(&[planned(plan(vec![line(1, 0)]))]);
    let clear =
        |hour, reason: &str| when(&state, Command::ClearHour { hour, reason: reason.into() });
    let events = clear(HOUR, "another time zone").expect("accepted");
    assert_eq!(events, [Event::HourCleared { hour: HOUR, reason: "another time zone".into() }]);
    let mut after = state.clone();
    Timeline::evolve(&mut after, &events[0]);
    assert_eq!(after, given(&[]));
    assert_eq!(code(clear(HOUR.plus(1), "")), "unknown_hour");
    assert_eq!(code(clear(HOUR, &"x".repeat(501))), "reason_length");
}
