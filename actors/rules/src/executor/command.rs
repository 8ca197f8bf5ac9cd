//! What can be asked of an executor.

use grimnir_events::control::ControlMode;
use grimnir_events::crash::{EngineCrash, WholeAgain};
use grimnir_events::executor::PlayoutState;
use grimnir_events::{ClaimId, LineId, Payload, StartId, UtcMicros};
use serde::{Deserialize, Serialize};

/// A command to an executor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorCommand {
    /// Go on to the next item. Names what was on air, so that asked twice it skips once.
    Skip {
        /// The line on air, else an id of that one play.
        line_id: LineId,
        /// Whose item was on air.
        claim_id: ClaimId,
    },
    /// Enter a state the engine was seen in.
    Enter {
        /// The state.
        state: PlayoutState,
        /// What was seen.
        reason: String,
    },
    /// Start lines in another way.
    SetMode {
        /// How; `StopAfter` names the line on air.
        mode: ControlMode,
    },
    /// Start the line that is ready.
    Start {
        /// This start; each is carried out once.
        start_id: StartId,
    },
    /// Say whether a legal ID started around an hour, once its time is over, or at a sign-off.
    JudgeLegalId {
        /// The hour; of a sign-off, when the programme had faded.
        hour: UtcMicros,
        /// From when one could have started.
        from: UtcMicros,
        /// Until when.
        until: UtcMicros,
    },
    /// Take down that an engine ended without an order.
    ReportCrash {
        /// How; last words of any length.
        crash: Box<EngineCrash>,
    },
    /// Let a whole engine play again after too many crashes.
    RestoreEngine {
        /// Why.
        why: WholeAgain,
    },
}

impl Payload for ExecutorCommand {
    const NAME: &'static str = "executor.command";
    const VERSION: u16 = 1;
}
