//! A plan that goes on with time, given / when / then.

use super::Timeline;
use super::command::{RollCommand, TimelineCommand};
use super::decide::HOUR_US;
use super::state::KEEP_US;
use super::tests::{HOUR, line, plan};
use crate::given::{Given, given};
use grimnir_events::air::{AirEvent, AirFact, EndReason, ItemStarted};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Tier};
use grimnir_events::library::ItemKind;
use grimnir_events::roll::{Horizon, HourRecord, LineTime, Origin, Part, RepairReason, RollEvent};
use grimnir_events::timeline::{DropReason, HourPlan, Line, SlotSource, TimelineEvent as Event};
use grimnir_events::{ContentHash, EngineRunId, LineId, MediaId, UtcMicros};

fn roll(command: RollCommand) -> TimelineCommand {
    TimelineCommand::Roll(command)
}

fn origin(first: u32, slot: u32) -> Origin {
    let source = SlotSource::Category { category: "gold".into() };
    Origin { first, slot: Some(slot), source, part: Part::Main }
}

fn enter(plan: HourPlan, lines: u32, origins: Vec<Origin>) -> TimelineCommand {
    let record = Box::new(HourRecord { lines, origins, ..HourRecord::default() });
    roll(RollCommand::CommitPlan { plan: Box::new(plan), record, replace: true })
}

fn hour(n: i64) -> UtcMicros {
    HOUR.plus(n * HOUR_US)
}

fn at(n: i64, lines: Vec<Line>) -> HourPlan {
    HourPlan { hour: hour(n), notes: vec!["as planned".into()], ..plan(lines) }
}

fn fact(journal_seq: u64, at: UtcMicros, event: AirEvent) -> AirFact {
    let (run, frame) = (EngineRunId([1; 16]), at.frame());
    AirFact { run, journal_seq, frame, at, event }
}

fn starts(play: u64, line: Option<u8>, media: u8, at: UtcMicros) -> AirFact {
    let item = ItemStarted {
        play,
        claim_id: AUTOMATION_CLAIM,
        tier: Tier::Automation,
        line_id: line.map(|n| LineId([n; 16])),
        media_id: MediaId([media; 16]),
        play_hash: ContentHash([media; 32]),
        title: "Title".into(),
        artist: "Artist".into(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 48_000,
        gain_db_x100: 0,
    };
    fact(play, at, AirEvent::ItemStarted(Box::new(item)))
}

/// Two hours of two lines each, entered at the first.
fn two_hours() -> Given<Timeline> {
    let shifted = |n, s: i64| line(n, s + 3_600);
    given(&[])
        .at(HOUR)
        .when(enter(at(0, vec![line(1, 0), line(2, 60)]), 2, vec![origin(0, 3), origin(1, 4)]))
        .given
        .when(enter(at(1, vec![shifted(3, 0), shifted(4, 60)]), 2, vec![]))
        .given
}

fn repair(n: u8, with: Option<Line>) -> TimelineCommand {
    roll(RollCommand::RepairLine {
        hour: HOUR,
        line_id: LineId([n; 16]),
        reason: RepairReason::Removed,
        with: with.map(Box::new),
        input_seq: 9,
        seed: [8; 32],
    })
}

fn ids(given: &Given<Timeline>, n: i64) -> Vec<u8> {
    given.state.hours[&hour(n)].lines.iter().map(|line| line.id.0[0]).collect()
}

#[test]
fn a_plan_that_reaches_fourteen_days_forgets_nothing_that_runs() {
    let mut timeline = given::<Timeline>(&[]).at(HOUR);
    for n in 0..=14 * 24 {
        timeline = timeline.when(enter(at(n, vec![]), 0, vec![])).given;
    }
    assert_eq!(timeline.state.hours.len(), 14 * 24 + 1);
    assert!(timeline.state.hours.contains_key(&HOUR), "the running hour is kept");
    // Two days and an hour later the first hours go, with what is known of them.
    let later = timeline.at(HOUR.plus(KEEP_US + HOUR_US)).when(enter(at(337, vec![]), 0, vec![]));
    let state = later.given.state;
    assert_eq!(state.hours.keys().next(), Some(&hour(1)));
    assert_eq!(state.roll.hours.keys().next(), Some(&hour(1)));
    assert_eq!(state.oldest_kept(), Some(hour(1)));
}

#[test]
fn what_an_hour_was_planned_from_stands_beside_it_with_the_instant_of_the_decision() {
    let planned = at(0, vec![line(1, 0)]);
    let read = HourRecord { hour: HOUR, at: HOUR.plus(5), lines: 1, ..HourRecord::default() };
    given::<Timeline>(&[]).at(HOUR.plus(5)).when(enter(planned.clone(), 1, vec![])).then(&[
        Event::HourPlanned { plan: planned },
        Event::Rolled(RollEvent::HourRead { record: Box::new(read) }),
    ]);
}

#[test]
fn an_hour_of_several_commits_is_whole_once_all_of_them_came() {
    let first = enter(at(0, vec![line(1, 0), line(2, 60)]), 4, vec![origin(0, 1)]);
    let timeline = given::<Timeline>(&[]).at(HOUR).when(first).given;
    assert!(!timeline.state.roll.hours[&HOUR].is_whole());
    let more = |first, lines: Vec<Line>| {
        let origins = vec![origin(0, 1), origin(1, 2)];
        roll(RollCommand::ContinuePlan { hour: HOUR, first, lines, origins })
    };
    let refused = |first, lines, code: &str| {
        let again = enter(at(0, vec![line(1, 0), line(2, 60)]), 4, vec![origin(0, 1)]);
        let timeline = given::<Timeline>(&[]).at(HOUR).when(again).given;
        timeline.when(more(first, lines)).rejected(code)
    };
    refused(1, vec![line(3, 120)], "plan_lines_out_of_place");
    refused(2, vec![], "plan_lines_out_of_place");
    let message = refused(2, vec![line(3, 1), line(4, 2), line(5, 3)], "plan_lines_out_of_place");
    assert!(message.contains("has 2 lines so far, these are 3"), "{message}");
    refused(2, vec![line(3, 120), line(1, 180)], "plan_line_repeated");
    refused(2, vec![line(3, 30)], "line_planned_backwards");
    let whole = timeline.when(more(2, vec![line(3, 120), line(4, 180)])).given;
    assert_eq!(ids(&whole, 0), [1, 2, 3, 4]);
    let kept = &whole.state.roll.hours[&HOUR];
    let slot = |n| kept.origin(&LineId([n; 16])).and_then(|origin| origin.slot);
    assert!(kept.is_whole());
    assert_eq!([1, 2, 3, 4].map(slot), [Some(1), Some(1), Some(1), Some(2)]);
}

#[test]
fn a_repaired_line_keeps_its_place_and_its_source() {
    let repaired = two_hours().when(repair(2, Some(line(9, 60)))).given;
    assert_eq!(ids(&repaired, 0), [1, 9]);
    let slot = repaired.state.origin(HOUR, &LineId([9; 16])).and_then(|origin| origin.slot);
    assert_eq!(slot, Some(4));
    assert_eq!(repaired.state.origin(HOUR, &LineId([2; 16])), None);
    let left_out = two_hours().when(repair(1, None)).given;
    assert_eq!(ids(&left_out, 0), [2]);
    two_hours().when(repair(7, None)).rejected("unknown_line");
}

#[test]
fn what_is_on_air_and_what_comes_next_are_locked() {
    let drop = |n| TimelineCommand::DropLine {
        hour: if n < 3 { HOUR } else { hour(1) },
        line_id: LineId([n; 16]),
        reason: String::new(),
    };
    let heard = || two_hours().witnessed(&[starts(7, Some(2), 2, HOUR)]);
    assert_eq!(heard().state.locked(), [LineId([2; 16]), LineId([3; 16])]);
    let message = heard().when(drop(2)).rejected("line_on_air");
    assert!(message.contains(&LineId([2; 16]).to_string()), "{message}");
    heard().when(drop(3)).rejected("line_on_air");
    heard().when(repair(2, None)).rejected("line_on_air");
    heard().when(enter(at(1, vec![]), 0, vec![])).rejected("line_on_air");
    // With both of them in it, the hour may be another otherwise.
    let same = at(0, vec![line(2, 60), line(8, 120)]);
    assert!(heard().when(enter(same, 2, vec![])).result.is_ok());
    assert!(heard().when(drop(1)).result.is_ok(), "it has played");
    assert!(heard().when(drop(4)).result.is_ok(), "it comes after the next");
    let dropped = AirEvent::LineDropped {
        line_id: LineId([3; 16]),
        media_id: MediaId([3; 16]),
        title: "Title".into(),
        planned_at: hour(1),
        reason: DropReason::Skipped,
    };
    let passed = heard().witnessed(&[fact(8, HOUR, dropped)]);
    assert_eq!(passed.state.locked(), [LineId([2; 16]), LineId([4; 16])]);
    let ended = AirEvent::ItemEnded { play: 7, frames: 5, reason: EndReason::Completed };
    assert_eq!(heard().witnessed(&[fact(8, HOUR, ended)]).state.locked(), []);
}

#[test]
fn lines_are_told_other_times_and_only_where_they_change() {
    let times = |n, s: i64| vec![LineTime { line_id: LineId([n; 16]), planned_at: HOUR.plus(s) }];
    let retime = |times| roll(RollCommand::RetimeLines { hour: HOUR, times });
    let told = Event::Rolled(RollEvent::LinesRetimed { hour: HOUR, times: times(2, 70) });
    let after = two_hours().when(retime(times(2, 70))).then(&[told]);
    assert_eq!(after.state.hours[&HOUR].lines[1].planned_at, HOUR.plus(70));
    after.when(retime(times(2, 70))).then_nothing();
    two_hours().when(retime(times(9, 70))).then_nothing();
}

#[test]
fn the_horizon_is_between_two_hours_and_fourteen_days() {
    let set = |plan_hours, firm_hours| {
        roll(RollCommand::SetHorizon { horizon: Horizon { plan_hours, firm_hours } })
    };
    let timeline = || given::<Timeline>(&[]);
    timeline().when(set(48, 24)).then_nothing();
    assert_eq!(timeline().when(set(336, 336)).given.state.roll.horizon.plan_hours, 336);
    let message = timeline().when(set(337, 24)).rejected("horizon_out_of_range");
    assert_eq!(message, "plan_hours is 337 hours, expected 2 to 336");
    timeline().when(set(1, 1)).rejected("horizon_out_of_range");
    timeline().when(set(48, 0)).rejected("horizon_out_of_range");
    let message = timeline().when(set(48, 49)).rejected("horizon_out_of_range");
    assert_eq!(message, "firm_hours is 49 hours, expected 1 to 48");
}

#[test]
fn lines_that_never_aired_are_told_once() {
    let pass = |lines: &[u8]| {
        let (lines, reason) =
            (lines.iter().map(|n| LineId([*n; 16])).collect(), DropReason::TimePassed);
        roll(RollCommand::PassLines { hour: HOUR, lines, reason })
    };
    let told = |lines: &[u8]| {
        let lines = lines.iter().map(|n| LineId([*n; 16])).collect();
        let reason = DropReason::TimePassed;
        Event::Rolled(RollEvent::LinesPassed { hour: HOUR, lines, reason })
    };
    let after = two_hours()
        .witnessed(&[starts(7, Some(1), 1, HOUR)])
        .when(pass(&[1, 2]))
        .then(&[told(&[2])]);
    after.when(pass(&[1, 2])).then_nothing();
}

#[test]
fn plays_are_counted_for_good_and_listed_for_two_days() {
    let later = HOUR.plus(KEEP_US + 1);
    let facts = [
        starts(1, Some(1), 1, HOUR),
        starts(2, None, 9, HOUR.plus(1)),
        // It goes on where it was cut: the same play.
        starts(3, Some(1), 1, HOUR.plus(2)),
        starts(4, Some(2), 1, later),
    ];
    let aired = given::<Timeline>(&[]).witnessed(&facts[..3]).state.aired;
    assert_eq!(aired.plays.len(), 2);
    let aired = given::<Timeline>(&[]).witnessed(&facts).state.aired;
    let count = |n: u8| aired.tally.get(&MediaId([n; 16])).map(|tally| tally.plays);
    assert_eq!((count(1), count(9), count(2)), (Some(2), Some(1), None));
    assert_eq!(aired.tally[&MediaId([1; 16])].last_at, Some(later));
    let listed: Vec<_> = aired.plays.iter().map(|(_, play)| play.at).collect();
    assert_eq!(listed, [HOUR.plus(1), later]);
}
