//! Work on a plan by hand: insert, move, replace, drop, hold, shuffle, queue next, restore.
//!
//! Upstream: commands with whole lines; the facts of the air say what cannot be touched any more.
//! Every edit works on a draft: a copy of the hours to which its events are folded at once. In the
//! end the chain is joined and timed anew, so that planned times are what the resolver says.
//! Not here: which item may air when (`planner::violations`).

pub mod command;
pub mod diff;
mod draft;
mod reach;
pub mod rejection;
mod restore;
mod retime;
mod shuffle;
pub mod templates;

pub use reach::Reach;

use super::decide::check_reason;
use super::rejection::TimelineRejection as No;
use super::state::TimelineState;
use command::{EditCommand, Place};
use draft::Draft;
use grimnir_events::edit::Pin;
use grimnir_events::timeline::{Anchor, HourPlan, Line, TimelineEvent};
use grimnir_events::{LineId, UtcMicros};
use rejection::EditRejection;

/// The events that follow from an edit, or why not.
pub fn decide(
    state: &TimelineState,
    command: &EditCommand,
    now: UtcMicros,
) -> Result<Vec<TimelineEvent>, No> {
    let reach = Reach::of(state, now);
    let mut draft = Draft::of(state);
    match command {
        EditCommand::Insert { hour, place, line } => {
            let index = place_in(planned(state, *hour)?, *place)?;
            insert(&mut draft, &reach, *hour, index, line)?;
        }
        EditCommand::Move { hour, line_id, to_hour, place, anchor, new_id } => {
            let line = touchable(state, &reach, *hour, *line_id)?;
            let line = Line { id: *new_id, anchor: *anchor, ..line.clone() };
            draft.drop_line(*hour, *line_id, format!("moved, now {new_id}"));
            let plan = draft.hours().get(to_hour).ok_or(No::UnknownHour(*to_hour))?;
            let mut index = place_in(plan, *place)?;
            // The dropped line no longer counts, but what may be touched was counted with it.
            index = index.max(if hour == to_hour { reach.first_free(*hour) } else { index });
            insert(&mut draft, &reach, *to_hour, index, &line)?;
        }
        EditCommand::Replace { hour, line_id, line } => {
            let old = touchable(state, &reach, *hour, *line_id)?;
            let index = position(planned(state, *hour)?, *line_id)?;
            let line = Line { anchor: old.anchor, ..(**line).clone() };
            let reason = format!("replaced by {}", line.id);
            insert(&mut draft, &reach, *hour, index, &line)?;
            draft.drop_line(*hour, *line_id, reason);
        }
        EditCommand::Drop { hour, line_id, reason } => {
            touchable(state, &reach, *hour, *line_id)?;
            check_reason(reason)?;
            draft.drop_line(*hour, *line_id, reason.clone());
        }
        EditCommand::Hold { hour, line_id, locked } => {
            position(planned(state, *hour)?, *line_id)?;
            reach.check_line(*line_id).map_err(No::Edit)?;
            // What is let go stays where a person had it.
            let pin = match (locked, state.pins.get(line_id)) {
                (true, _) => Some(Pin::Locked),
                (false, None) => None,
                (false, Some(Pin::Locked | Pin::Hand)) => Some(Pin::Hand),
                (false, Some(Pin::Voice)) => Some(Pin::Voice),
            };
            draft.pin(*hour, *line_id, pin);
            return Ok(draft.events);
        }
        EditCommand::Shuffle { hour, seed } => {
            let hour = match hour {
                Some(hour) => *hour,
                None => reach.running().ok_or(No::UnknownHour(now))?,
            };
            planned(state, hour)?;
            shuffle::shuffle(&mut draft, &reach, hour, seed)?;
        }
        EditCommand::QueueNext { line } => {
            let (hour, index) = reach.queue().ok_or(No::UnknownHour(now))?;
            let line = Line { anchor: Anchor::AfterPrevious, ..(**line).clone() };
            insert(&mut draft, &reach, hour, index, &line)?;
        }
        EditCommand::RestoreHour { plan, pins, to_seq: _ } => {
            restore::restore(&mut draft, &reach, plan, pins, now)?;
        }
        EditCommand::FillHour { plan, template_id: _ } => {
            let pins = plan.lines.iter().map(|line| (line.id, Pin::Hand));
            restore::restore(&mut draft, &reach, plan, &pins.collect::<Vec<_>>(), now)?;
            if state.templates.waiting.contains_key(&plan.hour) {
                draft.filled(plan.hour);
            }
        }
        EditCommand::SetTemplate { template_id, name, description, span } => {
            return templates::set(state, *template_id, (name, description, *span));
        }
        EditCommand::TakeHours { template_id, hours, lines } => {
            return templates::take(state, *template_id, hours, *lines);
        }
        EditCommand::RemoveTemplate { template_id } => {
            return templates::remove(state, *template_id);
        }
        EditCommand::AssignHours { template_id, hours } => {
            return templates::assign(state, *template_id, hours);
        }
        EditCommand::GiveUpHour { hour } => {
            if state.templates.waiting.contains_key(hour) {
                draft.filled(*hour);
            }
            return Ok(draft.events);
        }
    }
    // A whole hour twice, as it is restored, leaves room for the times of few.
    let restores =
        matches!(command, EditCommand::RestoreHour { .. } | EditCommand::FillHour { .. });
    let hours = if restores { 1 } else { retime::MAX_HOURS };
    retime::retime(&mut draft, state, &reach, now, hours)?;
    Ok(draft.events)
}

fn insert(
    draft: &mut Draft,
    reach: &Reach<'_>,
    hour: UtcMicros,
    index: usize,
    line: &Line,
) -> Result<(), No> {
    reach.check_place(hour, index).map_err(No::Edit)?;
    if draft.hours().values().flat_map(|plan| &plan.lines).any(|other| other.id == line.id) {
        return Err(No::Edit(EditRejection::IdTaken(line.id)));
    }
    draft.insert(hour, index, line.clone());
    Ok(())
}

fn planned(state: &TimelineState, hour: UtcMicros) -> Result<&HourPlan, No> {
    state.hours.get(&hour).ok_or(No::UnknownHour(hour))
}

fn position(plan: &HourPlan, line_id: LineId) -> Result<usize, No> {
    let at = plan.lines.iter().position(|line| line.id == line_id);
    at.ok_or(No::UnknownLine { hour: plan.hour, line_id })
}

fn place_in(plan: &HourPlan, place: Place) -> Result<usize, No> {
    match place {
        Place::Index(index) => Ok(plan.lines.len().min(index as usize)),
        Place::After(line_id) => Ok(position(plan, line_id)? + 1),
    }
}

/// A line that is neither past, on air, next nor locked.
fn touchable<'a>(
    state: &'a TimelineState,
    reach: &Reach<'_>,
    hour: UtcMicros,
    line_id: LineId,
) -> Result<&'a Line, No> {
    let plan = planned(state, hour)?;
    let line = &plan.lines[position(plan, line_id)?];
    reach.check_line(line_id).map_err(No::Edit)?;
    if state.pins.get(&line_id) == Some(&Pin::Locked) {
        return Err(No::Edit(EditRejection::Locked { line_id, title: line.title.clone() }));
    }
    Ok(line)
}
