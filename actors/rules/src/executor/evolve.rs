//! Folds an executor's events.

use super::ExecutorState;
use super::state::{SKIPS_KEPT, STARTS_KEPT};
use grimnir_events::executor::ExecutorEvent;

/// Folds one event.
pub fn evolve(state: &mut ExecutorState, event: &ExecutorEvent) {
    match event {
        ExecutorEvent::StateChanged { from: _, to, reason } => {
            state.playout = *to;
            state.reason.clone_from(reason);
        }
        ExecutorEvent::SkipRequested { line_id, claim_id } => {
            state.skipped.push_back((*line_id, *claim_id));
            while state.skipped.len() > SKIPS_KEPT {
                state.skipped.pop_front();
            }
        }
        ExecutorEvent::ModeChanged { from: _, to } => state.mode = *to,
        ExecutorEvent::StartRequested { start_id } => {
            state.starts.push_back(*start_id);
            while state.starts.len() > STARTS_KEPT {
                state.starts.pop_front();
            }
        }
    }
}
