//! Folds a ladder's events, and the facts of the air that bear on claims.

use super::state::{ENDED_KEPT, LadderState, RaisedClaim, Witnessed};
use crate::live;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::{Claim, LadderEvent, Tier};
use grimnir_events::{ClaimId, UtcMicros};
use std::collections::BTreeMap;

/// Folds one event.
pub fn evolve(state: &mut LadderState, event: &LadderEvent) {
    let just_raised = state.just_raised.take();
    match event {
        LadderEvent::SourceRaised { claim } => raise(state, claim),
        LadderEvent::SourceRefused { .. } => {}
        LadderEvent::OwnerChanged { to, .. } => seat(state, *to, just_raised == Some(*to)),
        LadderEvent::SourceReleased { claim_id, .. } => {
            state.claims.retain(|raised| raised.claim.id != *claim_id);
            state.failed.remove(claim_id);
            state.ended.push_back(*claim_id);
            while state.ended.len() > ENDED_KEPT {
                state.ended.pop_front();
            }
        }
        LadderEvent::SourceFailed { claim_id, .. } => {
            state.failed.insert(*claim_id);
        }
        LadderEvent::SourceRecovered { claim_id } => {
            state.failed.remove(claim_id);
        }
        LadderEvent::Live(event) => live::evolve(&mut state.live, event),
    }
}

fn raise(state: &mut LadderState, claim: &Claim) {
    state.just_raised = Some(claim.id);
    let raised_in = turn(state);
    let claim = claim.clone();
    state.claims.push(RaisedClaim { claim, raised_in, owned_in: None, owned_since: None });
}

fn seat(state: &mut LadderState, owner: ClaimId, at_once: bool) {
    state.owner = owner;
    let turn = turn(state);
    let found = state.claims.iter_mut().find(|raised| raised.claim.id == owner);
    let Some(raised) = found else { return };
    raised.owned_in = Some(turn);
    let raised_at = raised.claim.raised_at;
    if at_once && raised.claim.window_start.is_none_or(|start| start <= raised_at) {
        // Events carry no instant of their own, but this one is the claim's. A window that opens
        // later is the next event as well, and not this one.
        raised.owned_since = Some(raised_at);
    }
}

fn turn(state: &mut LadderState) -> u64 {
    state.turns += 1;
    state.turns
}

/// Folds one fact; writes [`Witnessed`] only.
pub fn witness(seen: &mut Witnessed, fact: &AirFact) {
    let (seq, at) = (fact.journal_seq, fact.at);
    live::witness(&mut seen.live, fact);
    match &fact.event {
        AirEvent::OwnerChanged { to, tier, .. } => hear(seen, *to, *tier, seq, at),
        AirEvent::ItemStarted(item) => hear(seen, item.claim_id, item.tier, seq, at),
        AirEvent::ClaimEnded { claim_id, reason } => {
            seen.ended.entry(*claim_id).or_insert((seq, *reason));
            keep_latest(&mut seen.ended);
        }
        AirEvent::EngineStarted { .. }
        | AirEvent::EngineStopped {}
        | AirEvent::AirInterrupted { .. }
        | AirEvent::ItemEnded { .. }
        | AirEvent::LineDropped { .. }
        | AirEvent::LineMoved { .. }
        | AirEvent::EmergencyInserted { .. }
        | AirEvent::SourceFailed { .. }
        | AirEvent::SourceRecovered { .. }
        | AirEvent::SilenceEntered { .. }
        | AirEvent::SilenceLeft {}
        | AirEvent::AirStalled { .. }
        | AirEvent::ProgrammeSilent { .. }
        | AirEvent::OutputReported { .. }
        | AirEvent::ProgrammeHeard {}
        | AirEvent::Sound(_)
        | AirEvent::Live(_)
        | AirEvent::Webstream(_)
        | AirEvent::NonFiniteSamples { .. }
        | AirEvent::OutputUp { .. }
        | AirEvent::OutputDown { .. } => {}
    }
}

fn hear(seen: &mut Witnessed, id: ClaimId, tier: Tier, seq: u64, at: UtcMicros) {
    if tier < Tier::Automation {
        seen.heard.entry(id).or_insert((seq, at));
        keep_latest(&mut seen.heard);
    }
}

fn keep_latest<T>(seen: &mut BTreeMap<ClaimId, (u64, T)>) {
    while seen.len() > ENDED_KEPT {
        let oldest = seen.iter().min_by_key(|(id, (seq, _))| (*seq, **id)).map(|(id, _)| *id);
        let Some(oldest) = oldest else { return };
        seen.remove(&oldest);
    }
}
