//! What can be asked of a ladder.

use crate::live::LiveCommand;
use grimnir_events::ladder::{Claim, OwnerReason, ReleaseReason};
use grimnir_events::{ClaimId, Payload};
use serde::{Deserialize, Serialize};

/// A command to a ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LadderCommand {
    /// Claim the air for a source. Its items were looked up in the library by the caller.
    RaiseSource {
        /// The claim.
        claim: Box<Claim>,
        /// Take the air from an incumbent of the same tier.
        take: bool,
        /// The station is signed on, as the caller read it.
        on_air: bool,
    },
    /// Let go of a claim.
    ReleaseSource {
        /// Which.
        claim_id: ClaimId,
        /// Why.
        reason: ReleaseReason,
    },
    /// A source was seen to have nothing to give.
    ReportFailure {
        /// Which; automation and fallback too.
        claim_id: ClaimId,
        /// What was seen.
        reason: String,
    },
    /// A failed source was seen to give again.
    ReportRecovery {
        /// Which.
        claim_id: ClaimId,
    },
    /// Time has passed: claims over their window or longest time end, waiting windows open.
    Expire {},
    /// The engine took an emergency on its own; enter it after the fact.
    AcceptEmergency {
        /// The claim, as the engine played it.
        claim: Box<Claim>,
    },
    /// Sign-off: every raised claim ends.
    SignOff {
        /// Why, for the record.
        reason: OwnerReason,
    },
    /// Another engine run plays: failures seen by the one before count no more.
    ForgetFailures {},
    /// A live input claims the air at the engine; enter it after the fact.
    AcceptLive {
        /// The claim, as the engine holds it.
        claim: Box<Claim>,
    },
    /// Something about who may send sound in.
    Live(Box<LiveCommand>),
}

impl Payload for LadderCommand {
    const NAME: &'static str = "ladder.command";
    const VERSION: u16 = 1;
}
