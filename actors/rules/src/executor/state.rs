//! The fold of an executor's stream.

use grimnir_events::control::ControlMode;
use grimnir_events::executor::PlayoutState;
use grimnir_events::{ClaimId, LineId, StartId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Skips that are remembered and handed over, newest last; an engine that lost the call itself is
/// told again until this many came after it.
pub const SKIPS_KEPT: usize = 16;
/// Starts that are remembered and handed over, as skips are.
pub const STARTS_KEPT: usize = 16;

/// What playout does.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ExecutorState {
    /// What it does now.
    pub playout: PlayoutState,
    /// Why it came to that.
    pub reason: String,
    /// What people asked to leave, oldest first.
    pub skipped: VecDeque<(LineId, ClaimId)>,
    /// Who starts lines.
    #[serde(default)]
    pub mode: ControlMode,
    /// Starts by people, oldest first.
    #[serde(default)]
    pub starts: VecDeque<StartId>,
}

impl ExecutorState {
    /// Items and their claims that are to be skipped, oldest first.
    pub fn skips(&self) -> Vec<(LineId, ClaimId)> {
        self.skipped.iter().copied().collect()
    }
}
