//! Decides what is asked of a ladder.

use super::command::LadderCommand;
use super::draft::{Draft, owner_reason};
use super::{LadderRejection as No, LadderState, check};
use crate::{live, text};
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Claim, FALLBACK_CLAIM, LadderEvent, RefusalReason, ReleaseReason, Tier,
};
use grimnir_events::live::is_live;
use grimnir_events::{ClaimId, UtcMicros};

/// Claims that may be raised at once; they are handed to the engine as a whole.
pub const CLAIMS_MAX: usize = 64;
/// Longest reason of a failure that is kept, in characters.
const REASON_MAX: usize = 200;

/// Decides one command.
pub fn decide(
    state: &LadderState,
    command: &LadderCommand,
    now: UtcMicros,
) -> Result<Vec<LadderEvent>, No> {
    let mut draft = Draft::new(state, now);
    draft.settle();
    let taker = handle(&mut draft, command, now)?;
    draft.arbitrate(taker);
    // What the command raised may be over on air already: an emergency entered after the fact.
    draft.settle();
    Ok(draft.events)
}

/// Answers who takes its tier by this command.
fn handle(
    draft: &mut Draft,
    command: &LadderCommand,
    now: UtcMicros,
) -> Result<Option<ClaimId>, No> {
    match command {
        LadderCommand::RaiseSource { claim, take, on_air } => {
            check::claim(claim)?;
            if draft.state.knows(claim.id) {
                return Ok(None);
            }
            if let Some(reason) = refusal(&draft.state, claim, *on_air, now) {
                let (claim_id, tier) = (claim.id, claim.tier);
                draft.push(LadderEvent::SourceRefused { claim_id, tier, reason });
                return Ok(None);
            }
            draft.push(LadderEvent::SourceRaised { claim: claim.clone() });
            Ok(take.then_some(claim.id))
        }
        LadderCommand::ReleaseSource { claim_id, reason } => release(draft, *claim_id, *reason),
        LadderCommand::ReportFailure { claim_id, reason } => {
            if is_source(&draft.state, *claim_id)? && !draft.state.failed.contains(claim_id) {
                let reason = text::clip(reason, REASON_MAX);
                draft.push(LadderEvent::SourceFailed { claim_id: *claim_id, reason });
            }
            Ok(None)
        }
        LadderCommand::ReportRecovery { claim_id } => {
            if is_source(&draft.state, *claim_id)? && draft.state.failed.contains(claim_id) {
                draft.recover(*claim_id);
            }
            Ok(None)
        }
        LadderCommand::Expire {} => Ok(None),
        LadderCommand::AcceptEmergency { claim } => accept(draft, claim),
        LadderCommand::SignOff { reason } => {
            let claims = draft.state.claims.iter();
            let ids: Vec<_> = claims.map(|raised| raised.claim.id).collect();
            for id in ids {
                draft.release(id, ReleaseReason::SignOff, *reason);
            }
            Ok(None)
        }
        LadderCommand::AcceptLive { claim } => accept_live(draft, claim),
        LadderCommand::Live(command) => {
            let seen = &draft.state.witnessed.live;
            for event in live::decide(&draft.state.live, seen, command, now).map_err(No::Live)? {
                draft.push(LadderEvent::Live(Box::new(event)));
            }
            Ok(None)
        }
        LadderCommand::ForgetFailures {} => {
            for id in draft.state.failed.clone() {
                draft.recover(id);
            }
            Ok(None)
        }
    }
}

fn refusal(
    state: &LadderState,
    claim: &Claim,
    on_air: bool,
    now: UtcMicros,
) -> Option<RefusalReason> {
    if claim.tier >= Tier::Automation {
        return Some(RefusalReason::TierNotRaisable);
    }
    if !on_air {
        return Some(RefusalReason::OffAir);
    }
    if claim.items.is_empty() {
        return Some(RefusalReason::NothingToPlay);
    }
    if claim.window_end.is_some_and(|end| end <= now) {
        return Some(RefusalReason::WindowOver);
    }
    (state.claims.len() >= CLAIMS_MAX).then_some(RefusalReason::TooMany)
}

fn release(draft: &mut Draft, id: ClaimId, reason: ReleaseReason) -> Result<Option<ClaimId>, No> {
    if id == AUTOMATION_CLAIM || id == FALLBACK_CLAIM {
        return Err(No::NotReleasable { claim_id: id });
    }
    if is_source(&draft.state, id)? {
        draft.release(id, reason, owner_reason(reason));
    }
    Ok(None)
}

/// True for automation, fallback and raised claims; false for ended ones, which is no fault.
fn is_source(state: &LadderState, id: ClaimId) -> Result<bool, No> {
    if state.tier(id).is_some() {
        return Ok(true);
    }
    if state.ended.contains(&id) { Ok(false) } else { Err(No::UnknownClaim { claim_id: id }) }
}

/// It played: so neither limits nor the state of the station can refuse it.
fn accept(draft: &mut Draft, claim: &Claim) -> Result<Option<ClaimId>, No> {
    check::id(claim.id)?;
    if claim.tier != Tier::Emergency {
        return Err(No::NotAnEmergency { claim_id: claim.id, found: claim.tier });
    }
    if draft.state.knows(claim.id) {
        return Ok(None);
    }
    let heard = draft.state.witnessed.heard.contains_key(&claim.id);
    draft.push(LadderEvent::SourceRaised { claim: Box::new(claim.clone()) });
    // Heard beside another emergency, it was taken, and the engine saw to that.
    Ok(heard.then_some(claim.id))
}

/// A live input was let in by a session of ours, and holds its claim already.
fn accept_live(draft: &mut Draft, claim: &Claim) -> Result<Option<ClaimId>, No> {
    check::id(claim.id)?;
    let tiered = matches!(claim.tier, Tier::LiveOverride | Tier::LiveScheduled);
    if !tiered || !is_live(claim) {
        return Err(No::NotLive { claim_id: claim.id, found: claim.tier });
    }
    if draft.state.knows(claim.id) {
        return Ok(None);
    }
    draft.push(LadderEvent::SourceRaised { claim: Box::new(claim.clone()) });
    Ok(Some(claim.id))
}
