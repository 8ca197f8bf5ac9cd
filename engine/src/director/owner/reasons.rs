//! What a change of owner is called, and what it means for the claim that goes.

use grimnir_events::ladder::{OwnerReason, ReleaseReason, Tier};
use std::cmp::Ordering;

/// Why the air goes from a tier to another that was not waiting for its end.
pub(super) fn reason_between(from: Tier, to: Tier) -> OwnerReason {
    match from.cmp(&to) {
        Ordering::Greater if from == Tier::Fallback && to == Tier::Automation => {
            OwnerReason::Recovered
        }
        Ordering::Greater => OwnerReason::Preempted,
        Ordering::Equal => OwnerReason::Taken,
        Ordering::Less => OwnerReason::Failed,
    }
}

/// How a claim that gives the air away for this reason ends; `None` where it does not.
pub(super) fn release_of(reason: OwnerReason) -> Option<ReleaseReason> {
    match reason {
        OwnerReason::Completed => Some(ReleaseReason::Completed),
        OwnerReason::Expired => Some(ReleaseReason::Expired),
        OwnerReason::Failed => Some(ReleaseReason::Failed),
        OwnerReason::Released => Some(ReleaseReason::Released),
        OwnerReason::Preempted
        | OwnerReason::Recovered
        | OwnerReason::Taken
        | OwnerReason::SignOn
        | OwnerReason::Held => None,
    }
}
