//! Why an executor says no.

use crate::{Reject, RejectClass};
use grimnir_events::control::ControlMode;
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
    /// There is no line to stop after.
    #[error("no line of the plan is on air that could be the last one")]
    NoLineOnAir,
    /// The system starts lines, or nobody does.
    #[error("lines are started by a person in mode assist, the mode is {}", mode.word())]
    NotInAssist {
        /// The mode.
        mode: ControlMode,
    },
    /// The air is not automation's to take.
    #[error("no line can be started while playout is {playout:?}")]
    NothingStarts {
        /// What playout does.
        playout: PlayoutState,
    },
    /// No smaller engine plays.
    #[error("the engine is whole: nothing is to be restored")]
    EngineIsWhole,
}

impl Reject for ExecutorRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchStep { .. } => "no_such_step",
            Self::NothingOnAir => "nothing_on_air",
            Self::NilId => "nil_id",
            Self::NoLineOnAir => "no_line_on_air",
            Self::NotInAssist { .. } => "not_in_assist",
            Self::NothingStarts { .. } => "nothing_starts",
            Self::EngineIsWhole => "engine_is_whole",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchStep { .. } => Some("state"),
            Self::NothingOnAir | Self::NothingStarts { .. } | Self::EngineIsWhole => None,
            Self::NoLineOnAir | Self::NotInAssist { .. } => Some("mode"),
            Self::NilId => Some("claim_id"),
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::NoSuchStep { .. }
            | Self::NothingOnAir
            | Self::NoLineOnAir
            | Self::NotInAssist { .. }
            | Self::NothingStarts { .. }
            | Self::EngineIsWhole => RejectClass::Conflict,
            Self::NilId => RejectClass::Invalid,
        }
    }
}
