//! Claims: who may own the air, and who does.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::ClaimRow;
use grimnir_events::ClaimId;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, LadderEvent, Tier};
use grimnir_events::live::LiveEvent;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One station's ladder.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LadderTable {
    /// Claims that were raised and not released.
    pub claims: BTreeMap<ClaimId, Claim>,
    /// Who owns the air by the ladder.
    pub owner: ClaimId,
    /// Claims with nothing to give now; automation and fallback may be among them.
    pub failed: BTreeSet<ClaimId>,
}

impl Default for LadderTable {
    fn default() -> Self {
        Self { claims: BTreeMap::new(), owner: AUTOMATION_CLAIM, failed: BTreeSet::new() }
    }
}

impl LadderTable {
    /// The raised claims, highest tier first, then as they were raised.
    pub fn rows(&self) -> Vec<ClaimRow> {
        let row = |claim: &Claim| ClaimRow {
            claim: claim.clone(),
            owner: claim.id == self.owner,
            failed: self.failed.contains(&claim.id),
        };
        let mut rows: Vec<_> = self.claims.values().map(row).collect();
        rows.sort_by_key(|r| (r.claim.tier, r.claim.raised_at, r.claim.id));
        rows
    }

    /// Folds one event.
    pub fn apply(&mut self, event: &LadderEvent) {
        match event {
            LadderEvent::SourceRaised { claim } => {
                self.claims.insert(claim.id, (**claim).clone());
            }
            LadderEvent::SourceRefused { .. } => {}
            LadderEvent::OwnerChanged { to, .. } => self.owner = *to,
            LadderEvent::SourceReleased { claim_id, .. } => {
                self.claims.remove(claim_id);
                self.failed.remove(claim_id);
            }
            LadderEvent::SourceFailed { claim_id, .. } => {
                self.failed.insert(*claim_id);
            }
            LadderEvent::SourceRecovered { claim_id } => {
                self.failed.remove(claim_id);
            }
            LadderEvent::Live(_) => {}
        }
    }
}

/// Folds one event.
pub(crate) fn apply(model: &mut Model, place: &Place, event: &LadderEvent) {
    model.ladders.entry(place.station()).or_default().apply(event);
}

/// Tells what changed.
pub(crate) fn tell(out: &mut Changes, event: &LadderEvent) {
    match event {
        LadderEvent::SourceRaised { claim } if claim.tier == Tier::Emergency => {
            out.push("priority.emergency", claim);
        }
        LadderEvent::SourceRaised { claim } => out.push("priority.override", claim),
        LadderEvent::SourceReleased { .. } => out.push("priority.released", event),
        LadderEvent::OwnerChanged { .. }
        | LadderEvent::SourceRefused { .. }
        | LadderEvent::SourceFailed { .. }
        | LadderEvent::SourceRecovered { .. } => out.push("priority.change", event),
        LadderEvent::Live(event) => out.push(live_word(event), event),
    }
}

/// What a change of the live sessions is called.
fn live_word(event: &LiveEvent) -> &'static str {
    match event {
        LiveEvent::SessionCreated { .. } => "live.session_created",
        LiveEvent::SessionRevoked { .. } => "live.session_revoked",
        LiveEvent::HandoverRequested { .. } => "live.handover",
        LiveEvent::DisconnectRequested { .. } => "live.disconnect",
        LiveEvent::LineSet { .. } => "live.line",
        LiveEvent::RecordingSet { .. } => "live.recording",
    }
}
