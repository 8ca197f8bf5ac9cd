//! What the control plane hands to an engine, in the ledger's own encoding.
//!
//! The engine keeps each hand-over on disk, so that one started alone plays the same programme.
//! An hour of timeline is handed over as [`HourPlan`].

use crate::codec::Payload;
use crate::ids::{ClaimId, LineId, StationId};
use crate::ladder::{Claim, ClaimItem};
use crate::station::{Mount, StationSettings};
use crate::timeline::HourPlan;
use serde::{Deserialize, Serialize};

/// How the engine is to play.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EngineConfig {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// Name that listeners see.
    pub name: String,
    /// Programme is to be on air.
    pub on_air: bool,
    /// How it plays.
    pub settings: StationSettings,
    /// What it offers to listeners.
    pub mounts: Vec<Mount>,
    /// The last rung; decoded into memory.
    pub fallback: Option<ClaimItem>,
    /// A rotation for when the timeline ends, least recently played first.
    pub rotation: Vec<ClaimItem>,
    /// Emergency audio that is kept decoded in memory.
    pub preload: Vec<ClaimItem>,
}

impl Payload for EngineConfig {
    const NAME: &'static str = "handover.config";
    const VERSION: u16 = 1;
}

/// Who claims the air, beside automation and fallback.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EngineClaims {
    /// Ledger position it was read at.
    pub revision: u64,
    /// Claims that hold, in the order they were raised.
    pub claims: Vec<Claim>,
    /// Claims that ended lately: an engine that still plays one lets go of it.
    pub ended: Vec<ClaimId>,
    /// Who owns the air by the ladder: among equals it is preferred, so that a take is heard.
    pub owner: ClaimId,
    /// Items (a line, else an id of one play) and claims to be skipped, each once.
    pub skips: Vec<(LineId, ClaimId)>,
}

impl Payload for EngineClaims {
    const NAME: &'static str = "handover.claims";
    const VERSION: u16 = 1;
}

/// What is heard last when the station signs off; handed over beside the claims.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineFarewell {
    /// The legal ID, which airs whole; `None` ends with the programme.
    pub legal_id: Option<ClaimItem>,
}

impl Payload for EngineFarewell {
    const NAME: &'static str = "handover.farewell";
    const VERSION: u16 = 1;
}

impl Payload for HourPlan {
    const NAME: &'static str = "handover.hour";
    const VERSION: u16 = 1;
}

impl Payload for Claim {
    const NAME: &'static str = "handover.claim";
    const VERSION: u16 = 1;
}
