//! A decision in the making: a copy of the state that every event is folded into at once, so that
//! each step is decided on what the step before left.

use super::arbiter;
use super::evolve::evolve;
use super::state::LadderState;
use grimnir_events::ladder::{LadderEvent, OwnerReason, ReleaseReason, Tier};
use grimnir_events::{ClaimId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// The draft.
pub struct Draft {
    /// The state after the events so far.
    pub state: LadderState,
    /// The events so far.
    pub events: Vec<LadderEvent>,
    now: UtcMicros,
    /// The owner as the step found it: a released one is not in the state any more.
    seat: Seat,
    released: BTreeMap<ClaimId, OwnerReason>,
    recovered: BTreeSet<ClaimId>,
}

#[derive(Clone, Copy)]
struct Seat {
    id: ClaimId,
    tier: Tier,
    fade_ms: u32,
}

impl Draft {
    /// Begins on a copy of `state`.
    pub fn new(state: &LadderState, now: UtcMicros) -> Self {
        Self {
            state: state.clone(),
            events: vec![],
            now,
            seat: seat(state),
            released: BTreeMap::new(),
            recovered: BTreeSet::new(),
        }
    }
    /// Adds an event.
    pub fn push(&mut self, event: LadderEvent) {
        evolve(&mut self.state, &event);
        self.events.push(event);
    }
    /// Ends a claim; should it own the air, that changes hands for `owner_reason`.
    pub fn release(&mut self, id: ClaimId, reason: ReleaseReason, owner_reason: OwnerReason) {
        self.released.insert(id, owner_reason);
        self.push(LadderEvent::SourceReleased { claim_id: id, reason });
    }
    /// A failed source gives again.
    pub fn recover(&mut self, id: ClaimId) {
        self.recovered.insert(id);
        self.push(LadderEvent::SourceRecovered { claim_id: id });
    }
    /// Releases what is over by the clock or ended on air, and gives the air to whom it belongs.
    pub fn settle(&mut self) {
        let over = |raised: &super::RaisedClaim| {
            let ended = self.state.witnessed.ended.get(&raised.claim.id).map(|(_, why)| *why);
            let end = self.state.over_at(raised).filter(|end| *end <= self.now);
            let why = ended.or(end.map(|_| ReleaseReason::Expired))?;
            Some((raised.claim.id, why))
        };
        let over: Vec<_> = self.state.claims.iter().filter_map(over).collect();
        for (id, reason) in over {
            self.release(id, reason, owner_reason(reason));
        }
        self.arbitrate(None);
    }
    /// Gives the air to whom it belongs; `taker` counts as having taken its tier.
    pub fn arbitrate(&mut self, taker: Option<ClaimId>) {
        let mut contenders = self.state.contenders(self.now);
        for contender in &mut contenders {
            contender.took |= Some(contender.id) == taker;
        }
        let to = arbiter::owner(&contenders, self.state.owner);
        if to != self.seat.id {
            let tier = self.state.tier(to).unwrap_or(Tier::Fallback);
            let from_healthy = !self.state.failed.contains(&self.seat.id)
                && self.released.get(&self.seat.id) != Some(&OwnerReason::Failed);
            let fade_ms =
                self.state.find(to).map_or(self.seat.fade_ms, |raised| raised.claim.fade_ms);
            self.push(LadderEvent::OwnerChanged {
                from: self.seat.id,
                to,
                tier,
                reason: self.reason(to, tier),
                entry: arbiter::entry(self.seat.tier, from_healthy, tier, fade_ms),
            });
        }
        self.seat = seat(&self.state);
        self.released.clear();
        self.recovered.clear();
    }
    fn reason(&self, to: ClaimId, tier: Tier) -> OwnerReason {
        if let Some(reason) = self.released.get(&self.seat.id) {
            return *reason;
        }
        if tier < self.seat.tier {
            let back = self.recovered.contains(&to);
            return if back { OwnerReason::Recovered } else { OwnerReason::Preempted };
        }
        if self.state.failed.contains(&self.seat.id) {
            return OwnerReason::Failed;
        }
        // Neither gone nor failed nor below: a healthy incumbent yields its tier to a take only.
        OwnerReason::Taken
    }
}

fn seat(state: &LadderState) -> Seat {
    Seat {
        id: state.owner,
        tier: state.tier(state.owner).unwrap_or(Tier::Fallback),
        fade_ms: state.find(state.owner).map_or(0, |raised| raised.claim.fade_ms),
    }
}

/// What the end of its owner is to the air.
pub fn owner_reason(reason: ReleaseReason) -> OwnerReason {
    match reason {
        ReleaseReason::Released | ReleaseReason::SignOff => OwnerReason::Released,
        ReleaseReason::Completed => OwnerReason::Completed,
        ReleaseReason::Expired => OwnerReason::Expired,
        ReleaseReason::Failed => OwnerReason::Failed,
    }
}
