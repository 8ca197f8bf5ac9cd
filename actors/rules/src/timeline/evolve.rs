//! Folds a timeline's events.

use super::state::TimelineState;
use grimnir_events::timeline::TimelineEvent;

/// Folds one event; what names something unknown changes nothing.
pub fn evolve(state: &mut TimelineState, event: &TimelineEvent) {
    match event {
        TimelineEvent::ClockSet { clock } => {
            state.clocks.insert(clock.id, clock.clone());
        }
        TimelineEvent::ClockRemoved { clock_id } => {
            state.clocks.remove(clock_id);
        }
        TimelineEvent::DefaultClockChosen { clock_id } => state.default_clock = *clock_id,
        TimelineEvent::HourPlanned { plan } => {
            state.hours.insert(plan.hour, plan.clone());
            state.roll.hours.remove(&plan.hour);
            state.forget();
        }
        TimelineEvent::LineInserted { hour, index, line } => {
            if let Some(plan) = state.hours.get_mut(hour) {
                let index = (*index as usize).min(plan.lines.len());
                plan.lines.insert(index, (**line).clone());
            }
        }
        TimelineEvent::LineDropped { hour, line_id, reason: _ } => {
            if let Some(plan) = state.hours.get_mut(hour) {
                plan.lines.retain(|line| line.id != *line_id);
            }
        }
        TimelineEvent::GridSet { grid } => state.grid = grid.clone(),
        TimelineEvent::HourCleared { hour, reason: _ } => {
            state.hours.remove(hour);
            state.roll.hours.remove(hour);
        }
        TimelineEvent::SmartBlockSet { block } => {
            state.blocks.insert(block.id, (**block).clone());
        }
        TimelineEvent::SmartBlockRemoved { block_id } => {
            state.blocks.remove(block_id);
        }
        TimelineEvent::StationRulesSet { rules } => state.rules.clone_from(rules),
        TimelineEvent::Rolled(event) => super::roll::evolve(state, event),
    }
}
