//! Orders that act at once: leave an item, let a claim in; and the answers that wait for a frame.

use super::{Aired, Director, Done};
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{Claim, Tier};
use grimnir_events::{AirFrame, ClaimId, LineId};
use grimnir_rules::ladder::arbiter;
use tokio::sync::oneshot;

impl Director {
    pub(super) fn order_fade(&mut self, line: LineId, claim: ClaimId, fade_ms: u32) -> Done {
        let fade = (fade_ms > 0).then_some(fade_ms);
        if self.skip(line, claim, fade) {
            self.claims.skipped.insert((line, claim));
            return Ok(());
        }
        let what = if line.is_nil() { claim.to_string() } else { line.to_string() };
        Err(format!("{what} is not on air"))
    }

    pub(super) fn order_insert(
        &mut self,
        claim: Claim,
        epoch: Option<u64>,
        reply: oneshot::Sender<Aired>,
    ) {
        let refusal = match epoch {
            Some(epoch) => self.check_epoch(epoch).err(),
            None => None,
        };
        let refusal = refusal.or_else(|| self.refusal(&claim));
        if let Some(reason) = refusal {
            let _ = reply.send(Err(reason));
            return;
        }
        let (id, tier) = (claim.id, claim.tier);
        let again = self.claims.raised.get(&id);
        if let Some(at) = again.and_then(|raised| raised.took_at) {
            let _ = reply.send(Ok((at, 0)));
            return;
        }
        if self.raise(claim.clone(), false) && tier == Tier::Emergency {
            self.fact(AirEvent::EmergencyInserted { claim: Box::new(claim) });
        }
        if epoch.is_some() {
            // Asked for because the ladder says that it owns the air.
            self.seat(id);
        }
        self.waiting.push((id, reply));
    }

    fn refusal(&self, claim: &Claim) -> Option<String> {
        if !self.signed_on {
            return Some("the station is off air".into());
        }
        if self.claims.ended.contains(&claim.id) {
            return Some(format!("{} has ended and does not play again", claim.id));
        }
        None
    }

    /// Answers whoever waits for a claim.
    pub(super) fn answer_claim(
        &mut self,
        claim: ClaimId,
        heard: Option<(AirFrame, i64)>,
        otherwise: &str,
    ) {
        let waiting = std::mem::take(&mut self.waiting);
        for (id, reply) in waiting {
            if id == claim {
                let _ = reply.send(heard.ok_or_else(|| otherwise.to_owned()));
            } else {
                self.waiting.push((id, reply));
            }
        }
    }

    /// A claim that could be heard, and is not because another holds the air, need not be waited
    /// for.
    pub(super) fn answer_waiting(&mut self) {
        let Some(owner) = self.owner else { return };
        // One that became ready since the owner was looked for has its turn in the next round.
        let next = arbiter::owner(&self.contenders(None), owner);
        // One that is in the mixer will be heard, though a short one's end is planned already.
        let held: Vec<ClaimId> = self
            .waiting
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| *id != owner && *id != next && self.claim_waits(*id))
            .collect();
        for id in held {
            let told = format!("{owner} holds the air");
            self.answer_claim(id, None, &told);
        }
        self.waiting.retain(|(_, reply)| !reply.is_closed());
    }
}
