//! The ladder: five tiers of claims, exactly one owner of the air.
//!
//! Emergency 0, live override 1, live scheduled 2, automation 3, fallback 4: the lower number wins;
//! at an equal tier the incumbent stays until take, release, or the end of its window and the start
//! of the other's. Automation and fallback always hold a claim each and are never raised.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `RaiseSource` | `SourceRaised`, or `SourceRefused` with its reason | a malformed claim |
//! | `ReleaseSource` | `SourceReleased` | `UnknownClaim`, `NotReleasable` |
//! | `ReportFailure` | `SourceFailed` | `UnknownClaim` |
//! | `ReportRecovery` | `SourceRecovered` | `UnknownClaim` |
//! | `ForgetFailures` | `SourceRecovered`, each | |
//! | `Expire` | `SourceReleased`, each | |
//! | `AcceptEmergency` | `SourceRaised` | `NotAnEmergency`, `BadId` |
//! | `AcceptLive` | `SourceRaised` | `NotLive`, `BadId` |
//! | `Live` | `Live`, each | of [`crate::live`] |
//! | `SignOff` | `SourceReleased`, each | |
//!
//! Each may be followed by `OwnerChanged`. Before and after the command, claims that are over by
//! the clock or ended on air are released, so that every decision leaves the owner that the rules
//! name. What is so already changes nothing.

pub mod arbiter;
mod check;
pub mod command;
mod decide;
mod draft;
mod evolve;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod stories;
mod rejection;
mod state;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;

pub use check::{CLAIM_BYTES_MAX, CLAIM_ITEMS_MAX, FADE_MAX_MS, LENGTH_MAX_US};
pub use decide::CLAIMS_MAX;
pub use rejection::LadderRejection;
pub use state::{ENDED_KEPT, LadderState, RaisedClaim, Witnessed};

use crate::{Aggregate, Context};
use command::LadderCommand;
use grimnir_events::StreamKind;
use grimnir_events::air::AirFact;
use grimnir_events::ladder::LadderEvent;

/// The ladder aggregate.
pub struct Ladder;

impl Aggregate for Ladder {
    const KIND: StreamKind = StreamKind::Ladder;
    type Command = LadderCommand;
    type Event = LadderEvent;
    type State = LadderState;
    type Rejection = LadderRejection;

    fn decide(
        state: &LadderState,
        command: &LadderCommand,
        ctx: &Context,
    ) -> Result<Vec<LadderEvent>, LadderRejection> {
        decide::decide(state, command, ctx.now)
    }
    fn evolve(state: &mut LadderState, event: &LadderEvent) {
        evolve::evolve(state, event);
    }
    fn witness(state: &mut LadderState, fact: &AirFact) {
        evolve::witness(&mut state.witnessed, fact);
    }
}
