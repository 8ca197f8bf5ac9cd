//! The fold of a ladder's stream, and of what the air stream says about claims.

use super::arbiter::Contender;
use crate::live::{LiveSessions, Seen};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, FALLBACK_CLAIM, ReleaseReason, Tier};
use grimnir_events::{ClaimId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ended claims that are remembered: more than can be raised in an outage that is still worth
/// catching up with (four times the claims that may be held at once).
pub const ENDED_KEPT: usize = 256;

/// Who claims the air and who owns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LadderState {
    /// The one owner of the air.
    pub owner: ClaimId,
    /// Claims that are raised and not released, in the order they were raised.
    pub claims: Vec<RaisedClaim>,
    /// Sources with nothing to give now; automation and fallback may be among them.
    pub failed: BTreeSet<ClaimId>,
    /// Claims that ended lately, oldest first.
    pub ended: VecDeque<ClaimId>,
    /// Raises and changes of owner so far: the number of the next turn.
    pub turns: u64,
    /// The claim of the event folded last, where that was a raise.
    pub just_raised: Option<ClaimId>,
    /// Who may send sound in.
    pub live: LiveSessions,
    /// What the engine reported; written by facts only, never by events.
    pub witnessed: Witnessed,
}

/// A claim on the ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RaisedClaim {
    /// The claim.
    pub claim: Claim,
    /// The turn in which it was raised.
    pub raised_in: u64,
    /// The turn in which it last came to own the air; its window has opened then.
    pub owned_in: Option<u64>,
    /// Since when it owns the air, where it did so as it was raised.
    pub owned_since: Option<UtcMicros>,
}

/// What was seen on air of claims, bounded to the latest [`ENDED_KEPT`] of each.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Witnessed {
    /// First heard: journal number and instant.
    pub heard: BTreeMap<ClaimId, (u64, UtcMicros)>,
    /// Ended on air: journal number and why.
    pub ended: BTreeMap<ClaimId, (u64, ReleaseReason)>,
    /// Who sends sound in.
    pub live: Seen,
}

impl Default for LadderState {
    fn default() -> Self {
        Self {
            owner: AUTOMATION_CLAIM,
            claims: vec![],
            failed: BTreeSet::new(),
            ended: VecDeque::new(),
            turns: 0,
            just_raised: None,
            live: LiveSessions::default(),
            witnessed: Witnessed::default(),
        }
    }
}

impl LadderState {
    /// The raised claim with this id.
    pub fn find(&self, id: ClaimId) -> Option<&RaisedClaim> {
        self.claims.iter().find(|raised| raised.claim.id == id)
    }
    /// It is raised, or was and ended lately.
    pub fn knows(&self, id: ClaimId) -> bool {
        self.find(id).is_some() || self.ended.contains(&id)
    }
    /// The tier of a claim, automation and fallback too.
    pub fn tier(&self, id: ClaimId) -> Option<Tier> {
        match id {
            AUTOMATION_CLAIM => Some(Tier::Automation),
            FALLBACK_CLAIM => Some(Tier::Fallback),
            _ => self.find(id).map(|raised| raised.claim.tier),
        }
    }
    /// Claims that are raised, waiting ones too, in the order they were raised.
    pub fn active_claims(&self) -> Vec<&Claim> {
        self.claims.iter().map(|raised| &raised.claim).collect()
    }
    /// Claims that ended lately, oldest first.
    pub fn ended_claims(&self) -> Vec<ClaimId> {
        self.ended.iter().copied().collect()
    }
    /// Everybody who could own the air at `now`.
    pub fn contenders(&self, now: UtcMicros) -> Vec<Contender> {
        let rung = |id, tier| Contender {
            id,
            tier,
            order: 0,
            ready: true,
            healthy: !self.failed.contains(&id),
            took: false,
        };
        let raised = self.claims.iter().map(|raised| Contender {
            id: raised.claim.id,
            tier: raised.claim.tier,
            order: raised.owned_in.unwrap_or(raised.raised_in),
            ready: self.is_ready(raised, now),
            healthy: !self.failed.contains(&raised.claim.id),
            took: raised.owned_in.is_some(),
        });
        let rungs =
            [rung(AUTOMATION_CLAIM, Tier::Automation), rung(FALLBACK_CLAIM, Tier::Fallback)];
        raised.chain(rungs).collect()
    }
    /// When a claim's longest time began: when it first owned the air, as far as that is known.
    pub fn began(&self, raised: &RaisedClaim) -> Option<UtcMicros> {
        let heard = self.witnessed.heard.get(&raised.claim.id).map(|(_, at)| *at);
        [raised.owned_since, heard].into_iter().flatten().min()
    }
    /// When a claim is over by its window or its longest time; `None` while nothing says so.
    pub fn over_at(&self, raised: &RaisedClaim) -> Option<UtcMicros> {
        let longest = self.began(raised).map(|at| at.plus(raised.claim.max_length_us));
        [raised.claim.window_end, longest].into_iter().flatten().min()
    }
    /// The first instant after `now` at which time alone changes something: when to `Expire`.
    pub fn next_deadline(&self, now: UtcMicros) -> Option<UtcMicros> {
        let instants = |raised: &RaisedClaim| {
            let opens = raised.claim.window_start.filter(|_| raised.owned_in.is_none());
            [opens, self.over_at(raised)]
        };
        self.claims.iter().flat_map(instants).flatten().filter(|at| *at > now).min()
    }
    fn is_ready(&self, raised: &RaisedClaim, now: UtcMicros) -> bool {
        // A window that let its claim on air stays open, even where a clock is set back.
        let opened = raised.owned_in.is_some();
        let open = opened || raised.claim.window_start.is_none_or(|start| start <= now);
        let over = self.over_at(raised).is_some_and(|end| end <= now);
        open && !over && !raised.claim.items.is_empty()
    }
}
