//! The words of control: who starts what automation plays next.

use crate::codec::Payload;
use crate::ids::{LineId, StartId};
use serde::{Deserialize, Serialize};

/// Who starts the lines of the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlMode {
    /// The system starts them by the plan.
    #[default]
    Automatic,
    /// The system makes the next one ready, a person starts it; nobody's time starts any.
    Assist,
    /// What is on air plays to its end, then as [`ControlMode::Hold`].
    StopAfter {
        /// The line on air when it was asked.
        line_id: LineId,
    },
    /// None is started; what automation plays is left at once, and the last rung holds the air.
    Hold,
}

impl ControlMode {
    /// The mode as it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Assist => "assist",
            Self::StopAfter { .. } => "stop_after",
            Self::Hold => "hold",
        }
    }
}

/// How an engine is to start lines; handed over beside the claims, at their ledger position.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineControl {
    /// Who starts them.
    pub mode: ControlMode,
    /// Starts that were asked for, each carried out once.
    pub starts: Vec<StartId>,
}

impl Payload for EngineControl {
    const NAME: &'static str = "handover.control";
    const VERSION: u16 = 1;
}
