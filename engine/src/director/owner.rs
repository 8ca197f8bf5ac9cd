//! Who owns the air: asks the arbiter of the rules each turn, and carries the change out.
//!
//! Upstream: claims, automation, fallback. Downstream: the mixer, through plays. The owner changes
//! only when the next one can be heard, or when the running one has nothing more to give.

use super::plays::{CUT_FADE, NOW, PlayState};
use super::{Director, LEAD};
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Entry, FALLBACK_CLAIM, OwnerReason, ReleaseReason, Tier,
};
use grimnir_events::station::FadeCurve;
use grimnir_events::{AirFrame, ClaimId};
use grimnir_rules::ladder::arbiter::{self, Contender};
use reasons::{reason_between, release_of};

mod reasons;

/// A known end of the running owner is acted on this long before it: 500 ms.
const HANDOVER_AHEAD: i64 = 24_000;
/// What follows a known end is prepared this long before it: 4 s.
const REHEARSE_AHEAD: i64 = 4 * 48_000;
/// Nothing is heard for so long while the next owner gets ready, then the last rung plays: 1 s.
const DRY_LIMIT: i64 = 48_000;

/// A change of owner that is said once the new owner's first frame is heard.
pub struct Announcement {
    /// The new owner.
    pub to: ClaimId,
    /// Its tier.
    pub tier: Tier,
    /// Why.
    pub reason: OwnerReason,
}

/// How the air is to change hands.
struct Change {
    to: ClaimId,
    /// `None`: with the next block.
    at: Option<AirFrame>,
    reason: OwnerReason,
    fade: i64,
    end_reason: EndReason,
}

impl Director {
    /// Tier of an owner.
    pub(super) fn tier_of(&self, id: ClaimId) -> Tier {
        match id {
            AUTOMATION_CLAIM => Tier::Automation,
            FALLBACK_CLAIM => Tier::Fallback,
            other => self.claims.raised.get(&other).map_or(Tier::LiveOverride, |r| r.claim.tier),
        }
    }

    pub(super) fn contenders(&self, without: Option<ClaimId>) -> Vec<Contender> {
        let now = self.now();
        let playable = self.automation_playable();
        let mut all = vec![
            contender(AUTOMATION_CLAIM, Tier::Automation, 0, playable),
            contender(FALLBACK_CLAIM, Tier::Fallback, 0, true),
        ];
        for (id, raised) in &self.claims.raised {
            let holds = raised.ending.is_none() && raised.open_at(now);
            if holds && self.claim_ready(*id) {
                let mut claim = contender(*id, raised.claim.tier, raised.order, true);
                // Who was cut by a higher tier comes back before those who waited.
                claim.took = raised.seated || raised.took_at.is_some();
                all.push(claim);
            }
        }
        all.retain(|contender| Some(contender.id) != without);
        all
    }

    /// One turn: expiries, who should own the air, and the change if it is another.
    pub(super) fn step_owner(&mut self) {
        let now = self.now();
        let ids: Vec<ClaimId> = self.claims.raised.keys().copied().collect();
        for id in ids {
            if Some(id) != self.owner {
                self.prepare_claim(id);
                self.expire_waiting(id);
            }
        }
        self.finish_claims();
        let sounding = self.plays.sounding() > 0 || self.fallback_owns();
        if sounding {
            self.dry_since = None;
        } else {
            self.dry_since.get_or_insert(now);
        }
        match self.planned_end() {
            Some((end, reason)) if end.since(now) <= REHEARSE_AHEAD && !self.outranked() => {
                self.follow(end, reason);
            }
            _ => self.contest(),
        }
    }

    /// Somebody of a higher tier than the owner's could take the air now.
    fn outranked(&self) -> bool {
        let Some(owner) = self.owner else { return false };
        let best = arbiter::owner(&self.contenders(None), owner);
        self.tier_of(best) < self.tier_of(owner)
    }

    fn expire_waiting(&mut self, id: ClaimId) {
        let now = self.now();
        let Some(raised) = self.claims.raised.get(&id) else { return };
        if let Some((end, reason)) = raised.planned_end(now)
            && end <= now
        {
            self.end_claim(id, reason);
        }
    }

    /// When the running owner will have nothing more to give, and what its end is called.
    fn planned_end(&self) -> Option<(AirFrame, OwnerReason)> {
        let now = self.now();
        let owner = self.owner?;
        if owner == AUTOMATION_CLAIM {
            let end = self.auto.sounds_until().unwrap_or(now).max(now);
            let dry = end.since(now) <= HANDOVER_AHEAD && !self.automation_follows(end);
            return dry.then_some((end, self.lack()));
        }
        if owner == FALLBACK_CLAIM {
            return None;
        }
        let raised = self.claims.raised.get(&owner)?;
        let planned = raised.planned_end(now);
        if let Some((end, _)) = self.live_end(owner)
            && planned.is_none_or(|(at, _)| end < at)
        {
            return Some((end, OwnerReason::Failed));
        }
        let (end, reason) = planned?;
        // Its own end is not planned before its beginning is known: what waits in the mixer while
        // the air changes hands is taken back, and a short alert would never be heard.
        let waits = |voice| self.plays.get(voice).is_some_and(|p| p.state == PlayState::Committed);
        if reason == ReleaseReason::Completed && raised.current.is_some_and(|c| waits(c.0)) {
            return None;
        }
        let reason = match reason {
            ReleaseReason::Completed => OwnerReason::Completed,
            ReleaseReason::Expired => OwnerReason::Expired,
            ReleaseReason::Failed => OwnerReason::Failed,
            ReleaseReason::Released | ReleaseReason::SignOff => OwnerReason::Released,
        };
        Some((end, reason))
    }

    /// The running owner ends at `end`: the next one is prepared, and starts on that frame.
    fn follow(&mut self, end: AirFrame, reason: OwnerReason) {
        let now = self.now();
        let owner = self.owner;
        let contenders = self.contenders(owner);
        let mut to = arbiter::owner(&contenders, FALLBACK_CLAIM);
        let at = end.max(now.plus(LEAD));
        if to == AUTOMATION_CLAIM && !self.rehearse_automation(at) {
            let dry = self.dry_since.is_some_and(|since| now.since(since) > DRY_LIMIT);
            if !dry {
                return;
            }
            to = FALLBACK_CLAIM;
        }
        // A live source that has run out keeps its claim.
        let dry = owner.and_then(|id| self.live_end(id)).filter(|_| reason == OwnerReason::Failed);
        if end.since(now) > HANDOVER_AHEAD || dry.is_some_and(|(_, certain)| !certain) {
            return;
        }
        let tier = owner.map_or(Tier::Automation, |id| self.tier_of(id));
        let fade = match (reason, tier) {
            (_, Tier::Emergency) => CUT_FADE,
            _ if dry.is_some() => CUT_FADE,
            _ => i64::from(self.settings().override_fade_ms) * 48,
        };
        let end_reason = match reason {
            OwnerReason::Expired => EndReason::Expired,
            OwnerReason::Released => EndReason::Released,
            OwnerReason::Failed if dry.is_some() => {
                EndReason::Failed { reason: "its sound ran out".into() }
            }
            _ => EndReason::Completed,
        };
        if let (Some(id), true) = (owner, dry.is_some()) {
            self.note_dry(id);
        } else if let (Some(id), Some(release)) = (owner, release_of(reason))
            && id != AUTOMATION_CLAIM
        {
            let release = match self.claims.raised.get(&id).and_then(|r| r.planned_end(now)) {
                Some((_, exact)) => exact,
                None => release,
            };
            self.end_claim(id, release);
        }
        self.change(Change { to, at: Some(at), reason, fade, end_reason });
        if owner == Some(AUTOMATION_CLAIM) {
            // Its line ends by itself: nothing of it is left to go on with.
            self.auto.interrupted = None;
        }
    }

    /// No end is near: does somebody else take the air?
    fn contest(&mut self) {
        let contenders = self.contenders(None);
        let incumbent = self.owner.unwrap_or(AUTOMATION_CLAIM);
        let mut to = arbiter::owner(&contenders, incumbent);
        if Some(to) == self.owner {
            return;
        }
        let now = self.now();
        let Some(from) = self.owner else {
            // Sign-on: programme, or what is above it, but not the last rung while it gets ready
            // or its hand-over is on its way.
            if to == AUTOMATION_CLAIM && !self.rehearse_automation(now.plus(LEAD)) {
                to = FALLBACK_CLAIM;
            }
            let dry = self.dry_since.is_some_and(|since| now.since(since) > DRY_LIMIT);
            if to == FALLBACK_CLAIM && !dry {
                return;
            }
            let reason = OwnerReason::SignOn;
            let at = (to == AUTOMATION_CLAIM).then(|| now.plus(LEAD));
            return self.change(Change {
                to,
                at,
                reason,
                fade: 0,
                end_reason: EndReason::Replaced,
            });
        };
        let (from_tier, to_tier) = (self.tier_of(from), self.tier_of(to));
        let fade_ms = match self.claims.raised.get(&to) {
            Some(raised) => raised.claim.fade_ms,
            None => self.settings().override_fade_ms,
        };
        let healthy = match from {
            AUTOMATION_CLAIM => self.plays.sounding() > 0,
            FALLBACK_CLAIM => self.fallback_heard(),
            _ => true,
        };
        let prompt = self.modes.prompt && to == AUTOMATION_CLAIM;
        let held = from == AUTOMATION_CLAIM && to == FALLBACK_CLAIM && self.is_on_hold();
        let waits_for = self.live_junction(from, to).filter(|_| healthy);
        let (at, fade) = match arbiter::entry(from_tier, healthy, to_tier, fade_ms) {
            Entry::Cut { fade_ms } if waits_for.is_some() => (waits_for, i64::from(fade_ms) * 48),
            Entry::NextJunction if prompt || held => (None, i64::from(fade_ms) * 48),
            Entry::Cut { fade_ms } => (None, i64::from(fade_ms) * 48),
            Entry::NextJunction => {
                let junction = self.next_junction(now);
                // A line with a fixed time does not wait for the last rung to come round.
                (Some(self.hard_start().map_or(junction, |hard| hard.min(junction))), CUT_FADE)
            }
        };
        if at.is_some_and(|at| at.since(now) > REHEARSE_AHEAD) {
            return;
        }
        let ready_at = at.unwrap_or(now).max(now.plus(LEAD));
        if to == AUTOMATION_CLAIM && !self.rehearse_automation(ready_at) {
            return;
        }
        if at.is_some_and(|at| at.since(now) > HANDOVER_AHEAD) {
            return;
        }
        let reason = match reason_between(from_tier, to_tier) {
            OwnerReason::Failed if held => OwnerReason::Held,
            other => other,
        };
        let end_reason = match reason {
            OwnerReason::Recovered => EndReason::Replaced,
            _ => EndReason::Preempted,
        };
        let at = if to == AUTOMATION_CLAIM { Some(ready_at) } else { at };
        let fade = if to_tier == Tier::Emergency { fade.min(CUT_FADE) } else { fade };
        self.change(Change { to, at, reason, fade: fade.max(CUT_FADE), end_reason });
    }

    /// Another owner with the next block, whatever the arbiter would say.
    pub(super) fn change_now(&mut self, to: ClaimId, reason: OwnerReason, end_reason: EndReason) {
        self.change(Change { to, at: None, reason, fade: CUT_FADE, end_reason });
    }

    /// Where the last rung's sound begins again.
    fn next_junction(&self, now: AirFrame) -> AirFrame {
        match self.fallback.loop_since {
            Some((start, frames)) if frames > 0 => {
                let turns = (now.plus(LEAD).since(start)).div_euclid(frames) + 1;
                start.plus(turns.max(1) * frames)
            }
            _ => now.plus(LEAD),
        }
    }

    /// Carries a change out: what sounds gives way, the new owner starts.
    fn change(&mut self, change: Change) {
        let from = self.owner;
        tracing::info!(
            from = ?from, to = %change.to, at = ?change.at, reason = ?change.reason,
            "the air changes hands"
        );
        match from {
            Some(AUTOMATION_CLAIM) => self.leave_automation(),
            Some(FALLBACK_CLAIM) => self.leave_fallback(change.at),
            Some(claim) => self.leave_claim(claim),
            None => {}
        }
        self.silence_all(&change);
        self.owner = Some(change.to);
        let tier = self.tier_of(change.to);
        self.note_held(tier);
        let replaced = self.announcement.take().map(|old| old.reason);
        // Two changes before anything was heard are one: the first reason stays if it ends one.
        let reason = match replaced {
            Some(old) if from.is_none() => old,
            _ => change.reason,
        };
        self.announcement = Some(Announcement { to: change.to, tier, reason });
        match change.to {
            AUTOMATION_CLAIM => {
                self.enter_automation(change.at.unwrap_or(self.now().plus(LEAD)));
            }
            FALLBACK_CLAIM => self.enter_fallback(change.at.unwrap_or(NOW)),
            claim => {
                if !self.commit_claim(claim, change.at.unwrap_or(NOW)) {
                    tracing::error!(claim = %claim, "a claim was ready and is not");
                }
            }
        }
    }

    /// Fades what sounds, takes back what waits; what ends by itself before is left alone.
    fn silence_all(&mut self, change: &Change) {
        let at = change.at.unwrap_or(NOW);
        for voice in self.plays.in_mixer() {
            let Some(play) = self.plays.get(voice) else { continue };
            let own = play.spec.claim_id == change.to && change.to != AUTOMATION_CLAIM;
            if own || play.spec.over {
                continue;
            }
            match play.state {
                PlayState::Sounding { at: since } => {
                    // The last rung goes round: it has no end of its own.
                    let loops = play.spec.claim_id == FALLBACK_CLAIM;
                    if loops || since.plus(play.length) > at || change.at.is_none() {
                        let curve = FadeCurve::Linear;
                        // What was skipped ends for that, whoever comes after it.
                        let skipped = play.end_reason == Some(EndReason::Skipped);
                        let reason = match skipped {
                            true => EndReason::Skipped,
                            false => change.end_reason.clone(),
                        };
                        self.plays.fade(voice, at, change.fade.max(1), curve, reason);
                    }
                }
                _ => self.plays.discard(voice, change.end_reason.clone()),
            }
        }
    }

    /// The new owner's first frame is heard (or its silence has begun).
    pub(super) fn announce(&mut self, owner: ClaimId, at: AirFrame) {
        let Some(told) = self.announcement.take_if(|told| told.to == owner) else { return };
        let from = self.announced.unwrap_or_default();
        if from == told.to {
            return;
        }
        self.announced = Some(told.to);
        self.seat(told.to);
        self.finish_claims();
        let (to, tier, reason) = (told.to, told.tier, told.reason);
        self.fact_at(at, AirEvent::OwnerChanged { from, to, tier, reason });
    }
}

fn contender(id: ClaimId, tier: Tier, order: u64, good: bool) -> Contender {
    Contender { id, tier, order, ready: good, healthy: good, took: false }
}
