//! Whatever people do to a plan, in whatever order: it stays a plan.

use super::Timeline;
use super::decide::HOUR_US;
use super::edit_tests::{NEXT, edit, id, song, two_hours};
use super::edits::Reach;
use super::edits::command::{EditCommand, Place};
use super::tests::HOUR;
use crate::given::given;
use crate::{Aggregate, Context};
use grimnir_events::timeline::{Anchor, Line};
use grimnir_events::{LineId, UtcMicros};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
struct Step {
    what: u8,
    hour: bool,
    line: u8,
    to: u8,
    seconds: i64,
}

fn step() -> impl Strategy<Value = Step> {
    (0..8u8, any::<bool>(), 0..40u8, 0..16u8, 1..400i64)
        .prop_map(|(what, hour, line, to, seconds)| Step { what, hour, line, to, seconds })
}

/// The command of a step; ids rise with its number, so that none comes twice.
fn command(step: &Step, number: u8, first: &grimnir_events::timeline::HourPlan) -> EditCommand {
    let hour = if step.hour { HOUR } else { NEXT };
    let known: Vec<LineId> = first.lines.iter().map(|line| line.id).collect();
    let line_id = known.get(usize::from(step.line)).copied().unwrap_or(id(step.line));
    let place = match step.to % 3 {
        0 => Place::After(line_id),
        _ => Place::Index(u32::from(step.to)),
    };
    let mut line: Line = song(100 + number, 0);
    line.cues.segue = step.seconds * 48_000;
    line.cues.cue_out = line.cues.segue;
    let line = Box::new(line);
    let new_id = id(100 + number);
    match step.what {
        0 => EditCommand::Insert { hour, place, line },
        1 => {
            let (to_hour, anchor) = (HOUR, Anchor::AfterPrevious);
            EditCommand::Move { hour, line_id, to_hour, place, anchor, new_id }
        }
        2 => EditCommand::Replace { hour, line_id, line },
        3 => EditCommand::Drop { hour, line_id, reason: String::new() },
        4 => EditCommand::Hold { hour, line_id, locked: step.to.is_multiple_of(2) },
        5 => EditCommand::Shuffle { hour: Some(hour), seed: [number; 16] },
        6 => EditCommand::QueueNext { line },
        _ => EditCommand::RestoreHour { plan: Box::new(first.clone()), pins: vec![], to_seq: 1 },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn edits_never_break_a_plan(
        steps in prop::collection::vec(step(), 1..25),
        minute in -30..110i64,
    ) {
        let now = HOUR.plus(minute * 60_000_000);
        let mut given = given::<Timeline>(&two_hours());
        let context = Context { now, ..Context::default() };
        for (number, step) in steps.iter().enumerate() {
            let hour = if step.hour { HOUR } else { NEXT };
            let before = given.state.clone();
            let command = command(step, number as u8, &before.hours[&hour]);
            let Ok(events) = Timeline::decide(&before, &edit(command.clone()), &context) else {
                continue;
            };
            events.iter().for_each(|event| Timeline::evolve(&mut given.state, event));
            let state = &given.state;
            let mut seen = BTreeSet::new();
            for (hour, plan) in &state.hours {
                let mut previous = UtcMicros(i64::MIN);
                for line in &plan.lines {
                    prop_assert!(seen.insert(line.id), "{} stands twice: {command:?}", line.id);
                    prop_assert!(line.planned_at >= previous, "out of order: {command:?}");
                    previous = line.planned_at;
                }
                prop_assert!(plan.lines.len() <= 150 && hour.0 % HOUR_US == 0);
            }
            prop_assert!(state.pins.keys().all(|id| seen.contains(id)), "a pin of no line");
            // What could not be touched stands where it stood.
            for hour in [HOUR, NEXT] {
                let fixed = Reach::of(&before, now).first_free(hour);
                let ids = |state: &super::TimelineState| -> Vec<LineId> {
                    let lines = state.hours.get(&hour).into_iter().flat_map(|plan| &plan.lines);
                    lines.map(|line| line.id).take(fixed).collect()
                };
                prop_assert_eq!(ids(state), ids(&before), "{:?}", command);
            }
            let again = Timeline::decide(&before, &edit(command), &context);
            prop_assert_eq!(again.expect("accepted as before"), events);
        }
    }
}
