//! Decides what is asked of an executor.

use super::command::ExecutorCommand;
use super::crashes;
use super::{ExecutorRejection as No, ExecutorState};
use crate::text;
use grimnir_events::control::ControlMode;
use grimnir_events::executor::{ExecutorEvent, PlayoutState};

/// Longest reason that is kept, in characters.
pub const REASON_MAX: usize = 200;

/// Decides one command.
pub fn decide(state: &ExecutorState, command: &ExecutorCommand) -> Result<Vec<ExecutorEvent>, No> {
    match command {
        ExecutorCommand::Enter { state: to, reason } => {
            let from = state.playout;
            if from == *to {
                return Ok(vec![]);
            }
            if !may_follow(from, *to) {
                return Err(No::NoSuchStep { from, to: *to });
            }
            let reason = text::clip(reason, REASON_MAX);
            Ok(vec![ExecutorEvent::StateChanged { from, to: *to, reason }])
        }
        ExecutorCommand::Skip { line_id, claim_id } => {
            if claim_id.is_nil() {
                return Err(No::NilId);
            }
            if state.playout == PlayoutState::Idle {
                return Err(No::NothingOnAir);
            }
            if state.skipped.back() == Some(&(*line_id, *claim_id)) {
                return Ok(vec![]);
            }
            let (line_id, claim_id) = (*line_id, *claim_id);
            Ok(vec![ExecutorEvent::SkipRequested { line_id, claim_id }])
        }
        ExecutorCommand::SetMode { mode: ControlMode::StopAfter { line_id } }
            if line_id.is_nil() =>
        {
            Err(No::NoLineOnAir)
        }
        ExecutorCommand::SetMode { mode: to } => {
            let from = state.mode;
            let changed = from != *to;
            let event = ExecutorEvent::ModeChanged { from, to: *to };
            Ok(changed.then_some(event).into_iter().collect())
        }
        ExecutorCommand::Start { start_id } => {
            if state.mode != ControlMode::Assist {
                return Err(No::NotInAssist { mode: state.mode });
            }
            if matches!(state.playout, PlayoutState::Idle | PlayoutState::Emergency) {
                return Err(No::NothingStarts { playout: state.playout });
            }
            if state.starts.contains(start_id) {
                return Ok(vec![]);
            }
            Ok(vec![ExecutorEvent::StartRequested { start_id: *start_id }])
        }
        ExecutorCommand::ReportCrash { crash } => Ok(crashes::report(state, crash)),
        ExecutorCommand::RestoreEngine { why } => crashes::restore(state, why),
        ExecutorCommand::JudgeLegalId { hour, from, until } => {
            let (hour, from, until) = (*hour, *from, *until);
            if state.missed < Some(hour) && state.heard.lacks_farewell(hour, from, until) {
                let reason = "no legal ID was heard at sign-off".into();
                return Ok(vec![ExecutorEvent::LegalIdMissed { hour, from, until, reason }]);
            }
            if state.missed >= Some(hour) || !state.heard.lacks(from, until) {
                return Ok(vec![]);
            }
            let reason = match state.playout {
                PlayoutState::Live | PlayoutState::Emergency => {
                    "no legal ID started; a live or override source held the air"
                }
                PlayoutState::Idle
                | PlayoutState::Preloading
                | PlayoutState::Playing
                | PlayoutState::Fading => "no legal ID started",
            };
            Ok(vec![ExecutorEvent::LegalIdMissed { hour, from, until, reason: reason.into() }])
        }
    }
}

/// Whether playout can go from one state to another.
pub fn may_follow(from: PlayoutState, to: PlayoutState) -> bool {
    use PlayoutState::{Emergency, Fading, Idle, Live, Playing, Preloading};
    match from {
        Idle => matches!(to, Preloading | Playing | Live | Emergency),
        Preloading => matches!(to, Idle | Playing | Live | Emergency),
        Playing | Fading | Live | Emergency => to != from,
    }
}
