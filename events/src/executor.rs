//! The words of an executor: what playout does now, and what people asked of it.

use crate::codec::Payload;
use crate::control::ControlMode;
use crate::crash::{CrashAnswer, EngineCrash, WholeAgain};
use crate::ids::{ClaimId, LineId, StartId};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// What happened to an executor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorEvent {
    /// Playout does something else now.
    StateChanged {
        /// What it did.
        from: PlayoutState,
        /// What it does.
        to: PlayoutState,
        /// Why.
        reason: String,
    },
    /// Somebody asked for the next item.
    SkipRequested {
        /// What was on air: a line of the timeline, else an id of that one play.
        line_id: LineId,
        /// Whose item it was.
        claim_id: ClaimId,
    },
    /// Lines are started in another way.
    ModeChanged {
        /// How they were.
        from: ControlMode,
        /// How they are.
        to: ControlMode,
    },
    /// Somebody started the line that was ready.
    StartRequested {
        /// This start.
        start_id: StartId,
    },
    /// The time around an hour, or after a sign-off, passed and no legal ID had started in it.
    LegalIdMissed {
        /// The hour; of a sign-off, when the programme had faded.
        hour: UtcMicros,
        /// From when one could have started.
        from: UtcMicros,
        /// Until when.
        until: UtcMicros,
        /// Why, as far as the air tells.
        reason: String,
    },
    /// An engine's process ended without an order.
    EngineCrashed {
        /// How.
        crash: Box<EngineCrash>,
        /// What follows.
        answer: CrashAnswer,
    },
    /// Engines may play everything again.
    EngineWhole {
        /// Why.
        why: WholeAgain,
    },
}

impl Payload for ExecutorEvent {
    const NAME: &'static str = "executor.event";
    const VERSION: u16 = 1;
}

/// What playout does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayoutState {
    /// Off air.
    #[default]
    Idle,
    /// The first item is being made ready.
    Preloading,
    /// Automation or the fallback plays.
    Playing,
    /// Two items overlap.
    Fading,
    /// Tier 1 or 2 owns the air.
    Live,
    /// Tier 0 owns the air.
    Emergency,
}
