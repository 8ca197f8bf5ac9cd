//! Folds an executor's events.

use super::ExecutorState;
use super::state::{LEGAL_IDS_KEPT, SKIPS_KEPT, STARTS_KEPT};
use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason};
use grimnir_events::executor::ExecutorEvent;
use grimnir_events::ladder::FAREWELL_CLAIM;
use grimnir_events::library::ItemKind;

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
        ExecutorEvent::LegalIdMissed { hour, .. } => state.missed = Some(*hour),
        ExecutorEvent::EngineCrashed { crash, answer } => state.crashes.crashed(crash, *answer),
        ExecutorEvent::EngineWhole { why: _ } => state.crashes.whole(),
    }
}

/// Folds one fact of the air.
pub fn witness(state: &mut ExecutorState, fact: &AirFact) {
    let heard = &mut state.heard;
    heard.told_to = heard.told_to.max(Some(fact.at));
    match &fact.event {
        AirEvent::ItemStarted(item) => {
            if item.claim_id != FAREWELL_CLAIM {
                heard.on_air_from.get_or_insert(fact.at);
            }
            if item.kind == ItemKind::LegalId {
                heard.starts.push_back(fact.at);
                while heard.starts.len() > LEGAL_IDS_KEPT {
                    heard.starts.pop_front();
                }
            }
        }
        // The first that fades at sign-off says when; what fades beside it and the legal ID after
        // it say nothing new.
        AirEvent::ItemEnded { reason: EndReason::SignOff, .. } => {
            if heard.on_air_from.take().is_some() {
                heard.left_at = Some(fact.at);
            }
        }
        AirEvent::EngineStopped {}
        | AirEvent::AirInterrupted { reason: InterruptReason::OffAir, .. } => {
            heard.on_air_from = None;
        }
        AirEvent::EngineStarted { .. }
        | AirEvent::AirInterrupted { reason: InterruptReason::EngineLost, .. }
        | AirEvent::ItemEnded { .. }
        | AirEvent::LineDropped { .. }
        | AirEvent::LineMoved { .. }
        | AirEvent::EmergencyInserted { .. }
        | AirEvent::OwnerChanged { .. }
        | AirEvent::ClaimEnded { .. }
        | AirEvent::SourceFailed { .. }
        | AirEvent::SourceRecovered { .. }
        | AirEvent::SilenceEntered { .. }
        | AirEvent::SilenceLeft {}
        | AirEvent::AirStalled { .. }
        | AirEvent::NonFiniteSamples { .. }
        | AirEvent::OutputUp { .. }
        | AirEvent::OutputDown { .. }
        | AirEvent::ProgrammeSilent { .. }
        | AirEvent::ProgrammeHeard {}
        | AirEvent::OutputReported { .. }
        | AirEvent::Sound(_)
        | AirEvent::Live(_) => {}
    }
}
