//! Claims: what people and alerts raise above automation, played item by item without a gap.
//!
//! A claim comes by hand-over or straight by RPC; the same id is one play, and a claim that has
//! ended never plays again. Not here: who owns the air (`owner`).

use super::plays::{NOW, PlayState, Spec};
use super::{COMMIT_AHEAD, Director, LEAD};
use crate::air::clips::key_of;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::handover::EngineClaims;
use grimnir_events::ladder::{Claim, ReleaseReason, Tier};
use grimnir_events::station::FadeCurve;
use grimnir_events::units::frames_of_micros;
use grimnir_events::{AirFrame, ClaimId, ContentHash, LineId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// A window is prepared for this long before it opens: 5 s.
const WINDOW_AHEAD: i64 = 5 * 48_000;
/// Ends that are remembered against a second play.
const ENDED_LIMIT: usize = 10_000;

/// A claim that holds.
pub struct Raised {
    /// The claim.
    pub claim: Claim,
    /// Its turn: when it was raised or last came to own the air.
    pub order: u64,
    /// It owned the air before, or takes it from an incumbent of its tier now.
    pub seated: bool,
    /// It was in a hand-over; one that is missing from a later one has ended.
    pub known: bool,
    /// First frame it was heard at.
    pub took_at: Option<AirFrame>,
    /// What is heard, or waits in the mixer: play, place among the items, frame after its last.
    pub current: Option<(u64, usize, AirFrame)>,
    /// Why it is about to end.
    pub ending: Option<ReleaseReason>,
    next_item: usize,
    /// Where an item goes on that a dead engine was playing.
    resume: Option<(usize, i64)>,
    deck: Option<(u64, usize)>,
    exhausted: bool,
    heard_any: bool,
    failed_in_a_row: usize,
    failure: String,
    /// How far UTC is ahead of the sample clock, in µs.
    pub(super) ahead_us: i64,
}

/// All claims.
#[derive(Default)]
pub struct Claims {
    /// Those that hold, by id.
    pub raised: BTreeMap<ClaimId, Raised>,
    /// Those that have ended.
    pub ended: BTreeSet<ClaimId>,
    /// Skips that were carried out.
    pub skipped: BTreeSet<(LineId, ClaimId)>,
    orders: u64,
}

impl Raised {
    /// The claim's window is open, or it has none.
    pub fn open_at(&self, at: AirFrame) -> bool {
        let own = |start: UtcMicros| start.plus(-self.ahead_us).frame();
        self.claim.window_start.is_none_or(|start| own(start) <= at)
    }

    /// When it will leave the air by itself, and why.
    pub fn planned_end(&self, now: AirFrame) -> Option<(AirFrame, ReleaseReason)> {
        if let Some(reason) = self.ending {
            return Some((now, reason));
        }
        let longest = self.took_at.map(|at| {
            (at.plus(frames_of_micros(self.claim.max_length_us)), ReleaseReason::Expired)
        });
        let window = self.claim.window_end.map(|end| end.plus(-self.ahead_us).frame());
        let window = window.map(|end| (end, ReleaseReason::Expired));
        let played = self.exhausted.then_some(match self.current {
            Some((_, _, end)) => (end, ReleaseReason::Completed),
            None if self.heard_any => (now, ReleaseReason::Completed),
            None => (now, ReleaseReason::Failed),
        });
        [longest, window, played].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Director {
    /// Takes a claim in; false if it has ended before, or is held already.
    pub(super) fn raise(&mut self, claim: Claim, known: bool) -> bool {
        if self.claims.ended.contains(&claim.id) {
            return false;
        }
        if let Some(raised) = self.claims.raised.get_mut(&claim.id) {
            raised.known |= known;
            raised.claim.max_length_us = claim.max_length_us;
            raised.claim.window_end = claim.window_end;
            return false;
        }
        self.claims.orders += 1;
        let resume = self.resume_claim.take_if(|(id, _, _)| *id == claim.id);
        let resume = resume.and_then(|(_, hash, frame)| place_of(&claim, &hash, frame));
        let raised = Raised {
            order: self.claims.orders,
            seated: false,
            known,
            took_at: self.took_before.remove(&claim.id),
            current: None,
            ending: None,
            next_item: resume.map_or(0, |(place, _)| place),
            resume,
            deck: None,
            exhausted: false,
            heard_any: false,
            failed_in_a_row: 0,
            failure: String::new(),
            ahead_us: self.steps.ahead(),
            claim,
        };
        let id = raised.claim.id;
        tracing::info!(claim = %id, tier = raised.claim.tier.number(), "claim raised");
        self.claims.raised.insert(id, raised);
        self.prepare_claim(id);
        true
    }

    /// It is its turn: among equals it owns the air from here on.
    pub(super) fn seat(&mut self, id: ClaimId) {
        if let Some(raised) = self.claims.raised.get_mut(&id) {
            self.claims.orders += 1;
            raised.order = self.claims.orders;
            raised.seated = true;
        }
    }

    /// Brings the claims to what a hand-over says.
    pub(super) fn take_claims(&mut self, claims: &EngineClaims) {
        for claim in &claims.claims {
            self.raise(claim.clone(), true);
        }
        // An owner that the hand-over does not know is newer than it.
        let knows = |owner: ClaimId| claims.claims.iter().any(|claim| claim.id == owner);
        if self.owner.is_some_and(|owner| {
            owner != claims.owner
                && knows(owner)
                && self.tier_of(owner) == self.tier_of(claims.owner)
        }) {
            self.seat(claims.owner);
        }
        let named: BTreeSet<ClaimId> = claims.claims.iter().map(|claim| claim.id).collect();
        let gone = |(id, raised): (&ClaimId, &Raised)| {
            let missing = raised.known && !named.contains(id);
            (missing || claims.ended.contains(id)).then_some(*id)
        };
        let gone: Vec<ClaimId> = self.claims.raised.iter().filter_map(gone).collect();
        for id in gone {
            self.end_claim(id, ReleaseReason::Released);
        }
        for skip in &claims.skips {
            if self.claims.skipped.insert(*skip) {
                self.skip(skip.0, skip.1, None);
            }
        }
    }

    /// A claim is to let go; it ends once the air has changed hands.
    pub(super) fn end_claim(&mut self, id: ClaimId, reason: ReleaseReason) {
        if let Some(raised) = self.claims.raised.get_mut(&id) {
            raised.ending.get_or_insert(reason);
        }
    }

    /// Says that ended claims have ended, once nothing of theirs is in the mixer.
    pub(super) fn finish_claims(&mut self) {
        let owner = self.owner;
        let over = |(id, raised): (&ClaimId, &Raised)| {
            let reason = raised.ending?;
            (owner != Some(*id) && raised.current.is_none()).then_some((*id, reason))
        };
        let over: Vec<(ClaimId, ReleaseReason)> =
            self.claims.raised.iter().filter_map(over).collect();
        for (claim_id, reason) in over {
            let Some(raised) = self.claims.raised.remove(&claim_id) else { continue };
            if let Some((voice, _)) = raised.deck {
                self.plays.discard(voice, EndReason::Released);
            }
            if reason == ReleaseReason::Failed {
                self.fact(AirEvent::SourceFailed { claim_id, reason: raised.failure });
            }
            self.claims.ended.insert(claim_id);
            if self.claims.ended.len() > ENDED_LIMIT {
                self.claims.ended.pop_first();
            }
            self.fact(AirEvent::ClaimEnded { claim_id, reason });
            self.answer_claim(claim_id, None, "the claim ended before it was heard");
        }
    }

    /// True if the claim can be heard with the next block.
    pub(super) fn claim_ready(&self, id: ClaimId) -> bool {
        let Some(raised) = self.claims.raised.get(&id) else { return false };
        raised.current.is_some() || raised.deck.is_some_and(|(voice, _)| self.plays.ready(voice))
    }

    /// True if the claim could be heard with the next block, and is not in the mixer.
    pub(super) fn claim_waits(&self, id: ClaimId) -> bool {
        self.claims.raised.get(&id).is_some_and(|raised| raised.current.is_none())
            && self.claim_ready(id)
    }

    /// Sees to it that the claim's next item is being prepared.
    pub(super) fn prepare_claim(&mut self, id: ClaimId) {
        let now = self.now();
        loop {
            let Some(raised) = self.claims.raised.get_mut(&id) else { return };
            if raised.exhausted
                || raised.ending.is_some()
                || !raised.open_at(now.plus(WINDOW_AHEAD))
            {
                return;
            }
            if let Some((voice, _)) = raised.deck {
                let Some(PlayState::Failed { reason, .. }) =
                    self.plays.get(voice).map(|p| &p.state)
                else {
                    return;
                };
                raised.failure = reason.clone();
                raised.failed_in_a_row += 1;
                raised.deck = None;
                self.plays.forget(voice);
            }
            let count = raised.claim.items.len();
            let wraps = raised.claim.repeat && raised.failed_in_a_row < count;
            if raised.next_item >= count && wraps {
                raised.next_item = 0;
            }
            let place = raised.next_item;
            let Some(item) = raised.claim.items.get(place) else {
                raised.exhausted = true;
                return;
            };
            raised.next_item += 1;
            let from = raised.resume.take_if(|(at, _)| *at == place).map(|(_, frame)| frame);
            let spec = Spec::of_item(item, id, raised.claim.tier, from);
            let voice = match self.clips.get(&key_of(item)).filter(|_| from.is_none()) {
                Some(held) => self.plays.prepare_held(spec, held),
                None => self.plays.prepare(spec),
            };
            raised.deck = Some((voice, place));
        }
    }

    /// Hands the claim's prepared item to the mixer for `at`; false if there is none.
    pub(super) fn commit_claim(&mut self, id: ClaimId, at: AirFrame) -> bool {
        let now = self.now();
        let Some(raised) = self.claims.raised.get_mut(&id) else { return false };
        let Some((voice, place)) = raised.deck else { return false };
        let Some(length) = self.plays.get(voice).map(|play| play.length) else { return false };
        if !self.plays.commit(voice, at, Some(length), 0, FadeCurve::Linear) {
            return false;
        }
        raised.deck = None;
        raised.failed_in_a_row = 0;
        raised.current = Some((voice, place, at.max(now).plus(length)));
        self.prepare_claim(id);
        true
    }

    /// Goes on to the claim's next item where the running one ends.
    pub(super) fn step_claim(&mut self, id: ClaimId) {
        self.prepare_claim(id);
        let now = self.now();
        let Some(raised) = self.claims.raised.get(&id) else { return };
        if raised.ending.is_some() {
            return;
        }
        let end = raised.current.map_or(now, |(_, _, end)| end);
        if raised.deck.is_some() && end.since(now) <= COMMIT_AHEAD {
            self.commit_claim(id, end.max(now.plus(LEAD)));
        }
    }

    /// A higher tier takes over: the cut item will begin again.
    pub(super) fn leave_claim(&mut self, id: ClaimId) {
        let Some(raised) = self.claims.raised.get_mut(&id) else { return };
        if raised.ending.is_some() {
            return;
        }
        if let Some((voice, _)) = raised.deck.take() {
            self.plays.discard(voice, EndReason::Preempted);
        }
        if let Some((_, place, _)) = raised.current.take() {
            raised.next_item = place;
            raised.exhausted = false;
        }
    }

    /// The mixer has begun a play of a claim.
    pub(super) fn claim_started(&mut self, id: ClaimId, voice: u64, at: AirFrame) {
        let length = self.plays.get(voice).map_or(0, |play| play.length);
        if let Some(raised) = self.claims.raised.get_mut(&id) {
            raised.took_at.get_or_insert(at);
            raised.seated = true;
            raised.heard_any = true;
            if let Some(current) = raised.current.as_mut().filter(|c| c.0 == voice) {
                current.2 = at.plus(length);
            }
        }
    }

    /// The air stood still: what plays ends later.
    pub(super) fn claims_stalled(&mut self, by: i64) {
        for raised in self.claims.raised.values_mut() {
            if let Some(current) = &mut raised.current {
                current.2 = current.2.plus(by);
            }
        }
    }

    /// A play of a claim is over.
    pub(super) fn claim_play_ended(&mut self, id: ClaimId, voice: u64) {
        if let Some(raised) = self.claims.raised.get_mut(&id) {
            raised.current.take_if(|current| current.0 == voice);
        }
    }

    /// The file behind a play of a claim turned out short.
    pub(super) fn claim_short(&mut self, id: ClaimId, voice: u64, frames: i64) {
        let Some(PlayState::Sounding { at }) = self.plays.get(voice).map(|play| play.state.clone())
        else {
            return;
        };
        if let Some(raised) = self.claims.raised.get_mut(&id)
            && let Some(current) = raised.current.as_mut().filter(|c| c.0 == voice)
        {
            current.2 = current.2.min(at.plus(frames));
        }
    }

    /// Leaves the item of the claim that is heard, if it is the one named, or none is named;
    /// false if it is not heard.
    pub(super) fn skip(&mut self, item: LineId, claim_id: ClaimId, fade_ms: Option<u32>) -> bool {
        if self.owner != Some(claim_id) {
            return false;
        }
        let fade_ms = fade_ms.unwrap_or(self.settings().override_fade_ms);
        let fade = (i64::from(fade_ms) * 48).max(super::plays::CUT_FADE);
        if claim_id == grimnir_events::ladder::AUTOMATION_CLAIM {
            let heard = self.auto.playing.as_ref().is_some_and(|current| {
                self.is_item(current.voice, item) && (current.filler || !item.is_nil())
            });
            if heard {
                self.skip_automation(fade);
            }
            return heard;
        }
        let (now, raised) = (self.now(), self.claims.raised.get(&claim_id));
        let Some((voice, _, _)) = raised.and_then(|raised| raised.current) else { return false };
        if !self.is_item(voice, item) {
            return false;
        }
        let Some(raised) = self.claims.raised.get_mut(&claim_id) else { return false };
        if let Some(current) = &mut raised.current {
            current.2 = now;
        }
        let cut = raised.claim.tier == Tier::Emergency;
        let fade = if cut { super::plays::CUT_FADE } else { fade };
        self.plays.fade(voice, NOW, fade, FadeCurve::Linear, EndReason::Skipped);
        self.step_claim(claim_id);
        true
    }

    fn is_item(&self, voice: u64, item: LineId) -> bool {
        item.is_nil()
            || self.plays.get(voice).is_some_and(|play| play.item_id(self.run, voice) == item)
    }
}

fn place_of(claim: &Claim, hash: &ContentHash, frame: i64) -> Option<(usize, i64)> {
    let place = claim.items.iter().position(|item| item.play_hash == *hash)?;
    let cues = &claim.items[place].cues;
    (frame >= cues.cue_in && frame < cues.cue_out).then_some((place, frame))
}
