//! The fold of an executor's stream.

use super::crashes::Crashes;
use grimnir_events::control::ControlMode;
use grimnir_events::executor::PlayoutState;
use grimnir_events::{ClaimId, LineId, StartId, UtcMicros};
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
    /// The last hour that was found without a legal ID.
    pub missed: Option<UtcMicros>,
    /// What the air told of legal IDs.
    pub heard: LegalIdsHeard,
    /// Crashes of engines.
    pub crashes: Crashes,
}

/// Starts of legal IDs that are remembered: more than there are in the time between two judgements.
pub const LEGAL_IDS_KEPT: usize = 16;

/// What the air told of legal IDs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LegalIdsHeard {
    /// Since when the station has been on air without signing off.
    pub on_air_from: Option<UtcMicros>,
    /// When the programme had faded at the last sign-off.
    pub left_at: Option<UtcMicros>,
    /// The last instant that the air told of.
    pub told_to: Option<UtcMicros>,
    /// When legal IDs started, oldest first.
    pub starts: VecDeque<UtcMicros>,
}

impl LegalIdsHeard {
    /// The air was told of from before `from` until after `until`, and no legal ID started there.
    pub fn lacks(&self, from: UtcMicros, until: UtcMicros) -> bool {
        self.on_air_from.is_some_and(|since| since <= from)
            && self.told_to.is_some_and(|told| told > until)
            && !self.any(from, until)
    }

    /// The station signed off at this instant, and no legal ID started between these times.
    pub fn lacks_farewell(&self, left: UtcMicros, from: UtcMicros, until: UtcMicros) -> bool {
        self.left_at == Some(left) && !self.any(from, until)
    }

    fn any(&self, from: UtcMicros, until: UtcMicros) -> bool {
        self.starts.iter().any(|at| (from..=until).contains(at))
    }
}

impl ExecutorState {
    /// Items and their claims that are to be skipped, oldest first.
    pub fn skips(&self) -> Vec<(LineId, ClaimId)> {
        self.skipped.iter().copied().collect()
    }
}
