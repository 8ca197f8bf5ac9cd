//! Answers a timeline's commands.

use super::command::TimelineCommand;
use super::edits;
use super::grid;
use super::rejection::TimelineRejection as No;
use super::roll;
use super::shows;
use super::state::TimelineState;
use super::{blocks, clocks};
use grimnir_events::clock::ClockV1;
use grimnir_events::timeline::{Anchor, HourPlan, Line, TimelineEvent};
use grimnir_events::{UtcMicros, codec};
use std::collections::BTreeSet;

/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// Hours of every zone begin on a quarter of an hour of UTC.
const QUARTER_US: i64 = HOUR_US / 4;
/// Most slots of a clock.
pub const MAX_SLOTS: usize = 200;
/// Most clocks of a station.
pub const MAX_CLOCKS: usize = 200;
/// Longest name of a clock or category, in characters.
pub const MAX_NAME: usize = 100;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// Largest encoded hour. A commit of at most 60 KiB holds the plan twice, in the command and in
/// the event; 4 KiB are left for envelope and context: (60 - 4) / 2.
pub const MAX_PLAN_BYTES: usize = 28 * 1024;

/// The events that follow from `command`, or why not.
pub fn decide(
    state: &TimelineState,
    command: &TimelineCommand,
    now: UtcMicros,
) -> Result<Vec<TimelineEvent>, No> {
    match command {
        TimelineCommand::SetClock { clock } => set_clock(state, clock),
        TimelineCommand::RemoveClock { clock_id } => {
            if !state.clocks.contains_key(clock_id) {
                return Err(No::UnknownClock(*clock_id));
            }
            let mut events = Vec::new();
            if let Some(grid) = grid::without(&state.grid, *clock_id) {
                events.push(TimelineEvent::GridSet { grid });
            }
            if state.default_clock == Some(*clock_id) {
                events.push(TimelineEvent::DefaultClockChosen { clock_id: None });
            }
            events.push(TimelineEvent::ClockRemoved { clock_id: *clock_id });
            Ok(events)
        }
        TimelineCommand::ChooseDefaultClock { clock_id } => {
            if let Some(id) = clock_id.filter(|id| !state.clocks.contains_key(id)) {
                return Err(No::UnknownClock(id));
            }
            let changed = state.default_clock != *clock_id;
            let event = TimelineEvent::DefaultClockChosen { clock_id: *clock_id };
            Ok(changed.then_some(event).into_iter().collect())
        }
        TimelineCommand::CommitHour { plan, replace } => commit_hour(state, plan, *replace),
        TimelineCommand::DropLine { hour, line_id, reason } => {
            let plan = state.hours.get(hour).ok_or(No::UnknownHour(*hour))?;
            if !plan.lines.iter().any(|line| line.id == *line_id) {
                return Err(No::UnknownLine { hour: *hour, line_id: *line_id });
            }
            check_reason(reason)?;
            roll::check_unlocked(state, *line_id)?;
            let (hour, line_id, reason) = (*hour, *line_id, reason.clone());
            Ok(vec![TimelineEvent::LineDropped { hour, line_id, reason }])
        }
        TimelineCommand::SetGrid { grid } => {
            grid::check(grid, &state.clocks)?;
            let changed = state.grid != *grid;
            Ok(changed.then(|| TimelineEvent::GridSet { grid: grid.clone() }).into_iter().collect())
        }
        TimelineCommand::ClearHour { hour, reason } => {
            state.hours.get(hour).ok_or(No::UnknownHour(*hour))?;
            check_reason(reason)?;
            Ok(vec![TimelineEvent::HourCleared { hour: *hour, reason: reason.clone() }])
        }
        TimelineCommand::SetSmartBlock { block } => blocks::set(state, block),
        TimelineCommand::RemoveSmartBlock { block_id } => blocks::remove(state, *block_id),
        TimelineCommand::SetStationRules { rules } => blocks::set_rules(state, rules),
        TimelineCommand::Edit(edit) => edits::decide(state, edit, now),
        TimelineCommand::Clock(command) => clocks::decide(state, command, now),
        TimelineCommand::Show(command) => shows::decide(state, command, now),
        TimelineCommand::Roll(command) => roll::decide(state, command, now),
    }
}

pub(super) fn check_reason(reason: &str) -> Result<(), No> {
    match reason.chars().count() {
        found if found > MAX_REASON => Err(No::ReasonLength { found, limit: MAX_REASON }),
        _ => Ok(()),
    }
}

/// A clock as it was asked for before slots could stand by position.
fn set_clock(state: &TimelineState, clock: &ClockV1) -> Result<Vec<TimelineEvent>, No> {
    let new = clocks::is_new(state, &clock.clone().into())?;
    let event = TimelineEvent::ClockSet { clock: clock.clone() };
    Ok(new.then_some(event).into_iter().collect())
}

fn commit_hour(
    state: &TimelineState,
    plan: &HourPlan,
    replace: bool,
) -> Result<Vec<TimelineEvent>, No> {
    if state.hours.get(&plan.hour) == Some(plan) {
        return Ok(Vec::new());
    }
    check_commit(state, plan, replace)?;
    let mut events = vec![TimelineEvent::HourPlanned { plan: plan.clone() }];
    events.extend(clocks::voice_pins(state, plan));
    Ok(events)
}

/// An hour may be entered.
pub(super) fn check_commit(
    state: &TimelineState,
    plan: &HourPlan,
    replace: bool,
) -> Result<(), No> {
    let known = state.hours.get(&plan.hour);
    check_plan(plan)?;
    if known.is_some() && !replace {
        return Err(No::AlreadyPlanned(plan.hour));
    }
    if let Some(oldest) = state.oldest_kept().filter(|oldest| plan.hour < *oldest) {
        return Err(No::TooOld { hour: plan.hour, oldest });
    }
    let lines = known.into_iter().flat_map(|known| &known.lines);
    let mut gone = lines.filter(|line| !plan.lines.contains(line));
    gone.try_for_each(|line| roll::check_unlocked(state, line.id))
}

pub(super) fn check_plan(plan: &HourPlan) -> Result<(), No> {
    if plan.hour.0.rem_euclid(QUARTER_US) != 0 {
        return Err(No::NotAnHour(plan.hour));
    }
    if plan.lines.is_empty() && plan.notes.is_empty() {
        return Err(No::EmptyWithoutNote(plan.hour));
    }
    let mut seen = BTreeSet::new();
    let mut previous = UtcMicros(i64::MIN);
    for (index, line) in plan.lines.iter().enumerate() {
        if !seen.insert(line.id) {
            return Err(No::RepeatedLine { index, line_id: line.id });
        }
        check_line(plan.hour, line)?;
        if line.planned_at < previous {
            let (line_id, found) = (line.id, line.planned_at);
            return Err(No::PlannedBackwards { line_id, found, previous });
        }
        previous = line.planned_at;
    }
    let found = codec::encode(plan).map_or(0, |encoded| encoded.bytes.len());
    if found == 0 || found > MAX_PLAN_BYTES {
        return Err(No::TooLarge { found, limit: MAX_PLAN_BYTES });
    }
    Ok(())
}

pub(super) fn check_line(hour: UtcMicros, line: &Line) -> Result<(), No> {
    let c = &line.cues;
    if c.cue_in < 0 || c.segue <= c.cue_in || c.cue_out < c.segue {
        return Err(No::CueOrder {
            line_id: line.id,
            cue_in: c.cue_in,
            segue: c.segue,
            cue_out: c.cue_out,
        });
    }
    let anchored = match line.anchor {
        Anchor::AfterPrevious => return Ok(()),
        Anchor::Soft { at, .. } | Anchor::Hard { at } => at,
    };
    if anchored < hour || anchored >= hour.plus(HOUR_US) {
        return Err(No::AnchorOutside { line_id: line.id, found: anchored, hour });
    }
    Ok(())
}
