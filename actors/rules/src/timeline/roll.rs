//! Answers and folds what lets a plan go on: hours with what they were planned from, lines
//! picked again one by one, other times, and how far ahead all of it reaches.

use super::command::RollCommand;
use super::decide::{MAX_PLAN_BYTES, check_commit, check_line};
use super::rejection::TimelineRejection as No;
use super::state::{Kept, TimelineState};
use crate::{Reject, RejectClass};
use grimnir_events::roll::{Horizon, HourRecord, Origin, RollEvent};
use grimnir_events::timeline::{HourPlan, Line, TimelineEvent};
use grimnir_events::{LineId, UtcMicros, codec};
use std::collections::BTreeSet;

/// Why a plan cannot go on as asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RollRejection {
    /// A horizon out of bounds.
    #[error("{what} is {found} hours, expected {least} to {most}")]
    Horizon {
        /// Which of the two.
        what: &'static str,
        /// Hours.
        found: u32,
        /// Least.
        least: u32,
        /// Most.
        most: u32,
    },
    /// It is on air, or comes next.
    #[error("line {0} is on air or comes next, and stays as it is")]
    LineLocked(LineId),
    /// Lines that do not follow on those that came.
    #[error("hour {hour} has {found} lines so far, these are {lines} and follow on {first}")]
    OutOfPlace {
        /// The hour.
        hour: UtcMicros,
        /// Lines that came.
        found: u32,
        /// Lines they follow on.
        first: u32,
        /// Lines they are.
        lines: usize,
    },
}

impl Reject for RollRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Horizon { .. } => "horizon_out_of_range",
            Self::LineLocked(_) => "line_on_air",
            Self::OutOfPlace { .. } => "plan_lines_out_of_place",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Horizon { what, .. } => Some(what),
            Self::LineLocked(_) => Some("line_id"),
            Self::OutOfPlace { .. } => Some("lines"),
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::Horizon { .. } => RejectClass::Invalid,
            Self::LineLocked(_) | Self::OutOfPlace { .. } => RejectClass::Conflict,
        }
    }
}

/// The events that follow from `command`, or why not.
pub fn decide(
    state: &TimelineState,
    command: &RollCommand,
    now: UtcMicros,
) -> Result<Vec<TimelineEvent>, No> {
    let event = match command {
        RollCommand::SetHorizon { horizon } => {
            check_horizon(*horizon)?;
            if state.roll.horizon == *horizon {
                return Ok(Vec::new());
            }
            RollEvent::HorizonSet { horizon: *horizon }
        }
        RollCommand::CommitPlan { plan, record, replace } => {
            check_commit(state, plan, *replace)?;
            let record = HourRecord { hour: plan.hour, at: now, ..(**record).clone() };
            let read = RollEvent::HourRead { record: Box::new(record) };
            let planned = TimelineEvent::HourPlanned { plan: (**plan).clone() };
            let events = vec![planned, TimelineEvent::Rolled(read)];
            check_size(&events)?;
            return Ok(events);
        }
        RollCommand::ContinuePlan { hour, first, lines, origins } => {
            let (hour, first) = (*hour, *first);
            check_continuation(state, hour, first, lines)?;
            let (lines, origins) = (lines.clone(), origins.clone());
            let event = RollEvent::HourContinued { hour, first, lines, origins };
            let events = vec![TimelineEvent::Rolled(event)];
            check_size(&events)?;
            return Ok(events);
        }
        RollCommand::RepairLine { hour, line_id, reason, with, input_seq, seed } => {
            find(state, *hour, *line_id)?;
            check_unlocked(state, *line_id)?;
            if let Some(line) = with {
                check_line(*hour, line)?;
            }
            RollEvent::LineRepaired {
                hour: *hour,
                line_id: *line_id,
                reason: reason.clone(),
                with: with.clone(),
                input_seq: *input_seq,
                seed: *seed,
            }
        }
        RollCommand::RetimeLines { hour, times } => {
            let plan = planned(state, *hour)?;
            let moves = |line: &Line| {
                times
                    .iter()
                    .any(|time| time.line_id == line.id && time.planned_at != line.planned_at)
            };
            if !plan.lines.iter().any(moves) {
                return Ok(Vec::new());
            }
            RollEvent::LinesRetimed { hour: *hour, times: times.clone() }
        }
        RollCommand::PassLines { hour, lines, reason } => {
            planned(state, *hour)?;
            let passed = state.roll.passed.get(hour);
            let new = |line: &&LineId| {
                !state.aired.is_done(line) && !passed.is_some_and(|passed| passed.contains(line))
            };
            let lines: Vec<LineId> = lines.iter().filter(new).copied().collect();
            if lines.is_empty() {
                return Ok(Vec::new());
            }
            RollEvent::LinesPassed { hour: *hour, lines, reason: *reason }
        }
    };
    Ok(vec![TimelineEvent::Rolled(event)])
}

fn check_horizon(horizon: Horizon) -> Result<(), No> {
    let (least, most) = (Horizon::LEAST, Horizon::MOST);
    let Horizon { plan_hours, firm_hours } = horizon;
    if !(least..=most).contains(&plan_hours) {
        return Err(No::Roll(RollRejection::Horizon {
            what: "plan_hours",
            found: plan_hours,
            least,
            most,
        }));
    }
    if !(1..=plan_hours).contains(&firm_hours) {
        let (what, found) = ("firm_hours", firm_hours);
        return Err(No::Roll(RollRejection::Horizon { what, found, least: 1, most: plan_hours }));
    }
    Ok(())
}

/// What is on air and what comes next stay as they are.
pub fn check_unlocked(state: &TimelineState, line_id: LineId) -> Result<(), No> {
    if state.locked().contains(&line_id) {
        Err(No::Roll(RollRejection::LineLocked(line_id)))
    } else {
        Ok(())
    }
}

fn planned(state: &TimelineState, hour: UtcMicros) -> Result<&HourPlan, No> {
    state.hours.get(&hour).ok_or(No::UnknownHour(hour))
}

fn find(state: &TimelineState, hour: UtcMicros, line_id: LineId) -> Result<&Line, No> {
    let mut lines = planned(state, hour)?.lines.iter();
    lines.find(|line| line.id == line_id).ok_or(No::UnknownLine { hour, line_id })
}

fn check_continuation(
    state: &TimelineState,
    hour: UtcMicros,
    first: u32,
    lines: &[Line],
) -> Result<(), No> {
    let plan = planned(state, hour)?;
    let found = state.roll.hours.get(&hour).map_or(0, |kept| kept.came);
    let room = state.roll.hours.get(&hour).map_or(0, |kept| kept.record.lines - kept.came);
    if found != first || lines.is_empty() || lines.len() > room as usize {
        let lines = lines.len();
        return Err(No::Roll(RollRejection::OutOfPlace { hour, found, first, lines }));
    }
    let mut seen: BTreeSet<LineId> = plan.lines.iter().map(|line| line.id).collect();
    let mut previous = plan.lines.last().map_or(hour, |line| line.planned_at);
    for (index, line) in lines.iter().enumerate() {
        if !seen.insert(line.id) {
            return Err(No::RepeatedLine { index: index + first as usize, line_id: line.id });
        }
        check_line(hour, line)?;
        if line.planned_at < previous {
            let (line_id, found) = (line.id, line.planned_at);
            return Err(No::PlannedBackwards { line_id, found, previous });
        }
        previous = line.planned_at;
    }
    Ok(())
}

/// A commit holds the events, and as much again in the command.
fn check_size(events: &[TimelineEvent]) -> Result<(), No> {
    let size = |event| codec::encode(event).map_or(MAX_PLAN_BYTES + 1, |it| it.bytes.len());
    let found = events.iter().map(size).sum();
    if found > MAX_PLAN_BYTES {
        return Err(No::TooLarge { found, limit: MAX_PLAN_BYTES });
    }
    Ok(())
}

/// Folds one event; what names something unknown changes nothing.
pub fn evolve(state: &mut TimelineState, event: &RollEvent) {
    match event {
        RollEvent::HorizonSet { horizon } => state.roll.horizon = *horizon,
        RollEvent::HourRead { record } => read(state, record),
        RollEvent::HourContinued { hour, first: _, lines, origins } => {
            let (Some(plan), Some(kept)) =
                (state.hours.get_mut(hour), state.roll.hours.get_mut(hour))
            else {
                return;
            };
            plan.lines.extend_from_slice(lines);
            kept.take(lines, origins);
        }
        RollEvent::LineRepaired { hour, line_id, with, .. } => {
            state.pins.remove(line_id);
            repaired(state, *hour, *line_id, with.as_deref());
        }
        RollEvent::LinesRetimed { hour, times } => {
            let Some(plan) = state.hours.get_mut(hour) else { return };
            for time in times {
                let line = plan.lines.iter_mut().find(|line| line.id == time.line_id);
                line.into_iter().for_each(|line| line.planned_at = time.planned_at);
            }
        }
        RollEvent::LinesPassed { hour, lines, reason: _ } => {
            state.roll.passed.entry(*hour).or_default().extend(lines);
        }
    }
}

fn read(state: &mut TimelineState, record: &HourRecord) {
    state.roll.at = state.roll.at.max(Some(record.at));
    let origins: &[Origin] = &record.origins;
    let mut kept =
        Kept { record: HourRecord { origins: Vec::new(), ..record.clone() }, ..Kept::default() };
    if let Some(plan) = state.hours.get(&record.hour) {
        kept.take(&plan.lines, origins);
        state.roll.hours.insert(record.hour, kept);
    }
    state.forget();
}

fn repaired(state: &mut TimelineState, hour: UtcMicros, line_id: LineId, with: Option<&Line>) {
    let Some(plan) = state.hours.get_mut(&hour) else { return };
    let Some(place) = plan.lines.iter().position(|line| line.id == line_id) else { return };
    match with {
        Some(line) => plan.lines[place] = line.clone(),
        None => drop(plan.lines.remove(place)),
    }
    let Some(kept) = state.roll.hours.get_mut(&hour) else { return };
    if let (Some(from), Some(line)) = (kept.of.remove(&line_id), with) {
        kept.of.insert(line.id, from);
    }
}
