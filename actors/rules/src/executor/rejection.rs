//! Why an executor says no.

use crate::{Reject, RejectClass};
use grimnir_events::executor::PlayoutState;

/// Why an executor says no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExecutorRejection {
    /// Playout does not go that way.
    #[error("playout does not go from {from:?} to {to:?}")]
    NoSuchStep {
        /// What it does.
        from: PlayoutState,
        /// What was asked.
        to: PlayoutState,
    },
    /// There is nothing to skip.
    #[error("nothing is on air that could be skipped: playout is idle")]
    NothingOnAir,
    /// The skip names nobody.
    #[error("claim_id is the nil id, expected the claim whose item is on air")]
    NilId,
}

impl Reject for ExecutorRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchStep { .. } => "no_such_step",
            Self::NothingOnAir => "nothing_on_air",
            Self::NilId => "nil_id",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchStep { .. } => Some("state"),
            Self::NothingOnAir => None,
            Self::NilId => Some("claim_id"),
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::NoSuchStep { .. } | Self::NothingOnAir => RejectClass::Conflict,
            Self::NilId => RejectClass::Invalid,
        }
    }
}
