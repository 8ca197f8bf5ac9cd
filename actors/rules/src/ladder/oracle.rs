//! A second, naive writing of the rules of the ladder, to judge the first by.
//!
//! It shares nothing with it but the words: per tier it keeps a queue whose front is whoever owned
//! that tier last, and it walks the queues from the top on every question.

use super::command::LadderCommand;
use crate::live::LiveCommand;
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, FALLBACK_CLAIM, FAREWELL_CLAIM, Tier};
use grimnir_events::live::LiveAirEvent;
use grimnir_events::{ClaimId, ContentHash, LiveSessionId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// What the rules say, told by hand.
#[derive(Default)]
pub struct Oracle {
    queues: [Vec<Wish>; 3],
    gone: BTreeSet<ClaimId>,
    failed: BTreeSet<ClaimId>,
    over_on_air: BTreeSet<ClaimId>,
    first_heard: BTreeMap<ClaimId, i64>,
    owner: Option<ClaimId>,
    let_in: BTreeSet<LiveSessionId>,
    connected: BTreeSet<LiveSessionId>,
}

struct Wish {
    claim: Claim,
    seated: bool,
    since: Option<i64>,
}

impl Oracle {
    /// Who owns the air.
    pub fn owner(&self) -> ClaimId {
        self.owner.unwrap_or(AUTOMATION_CLAIM)
    }
    /// Who waits or owns, in no order.
    pub fn raised(&self) -> BTreeSet<ClaimId> {
        self.queues.iter().flatten().map(|wish| wish.claim.id).collect()
    }
    /// Hears of a fact.
    pub fn hear(&mut self, at: UtcMicros, event: &AirEvent) {
        if let AirEvent::ClaimEnded { claim_id, .. } = event {
            self.over_on_air.insert(*claim_id);
        }
        if let AirEvent::OwnerChanged { to, .. } = event {
            self.first_heard.entry(*to).or_insert(at.0);
        }
        match event {
            AirEvent::EngineStarted { .. } => self.connected.clear(),
            AirEvent::Live(event) => match &**event {
                LiveAirEvent::Connected { session_id, .. } => {
                    self.connected.insert(*session_id);
                }
                LiveAirEvent::Disconnected { session_id, .. } => {
                    self.connected.remove(session_id);
                }
                _ => {}
            },
            _ => {}
        }
    }
    /// Who may send sound in; false when it must be rejected.
    fn at_the_door(&mut self, command: &LiveCommand) -> bool {
        match command {
            LiveCommand::Create { session } => {
                self.let_in.insert(session.id);
                true
            }
            LiveCommand::Revoke { session_id, .. } => self.let_in.remove(session_id),
            LiveCommand::Handover { session_id, .. } | LiveCommand::Disconnect { session_id } => {
                self.let_in.contains(session_id) && self.connected.contains(session_id)
            }
            LiveCommand::SetLine { .. } | LiveCommand::SetRecording { .. } => {
                unreachable!("the properties ask for none of them")
            }
        }
    }
    /// Follows a command; false when it must be rejected.
    pub fn follow(&mut self, command: &LadderCommand, now: UtcMicros) -> bool {
        self.time_passes(now);
        let known = match command {
            LadderCommand::RaiseSource { claim, take, on_air } => {
                let full = self.raised().len() >= 64;
                let over = claim.window_end.is_some_and(|end| end <= now);
                let refused = !on_air || claim.items.is_empty() || over || full;
                if claim.tier < Tier::Automation && !refused {
                    self.queue_up(claim, *take, now);
                }
                true
            }
            LadderCommand::AcceptEmergency { claim } => {
                let take = self.first_heard.contains_key(&claim.id);
                let emergency = claim.tier == Tier::Emergency;
                if emergency {
                    self.queue_up(claim, take, now);
                }
                emergency
            }
            LadderCommand::AcceptLive { claim } => {
                // It was let in and is on its way: it takes its tier, whatever else is known.
                let live = sounds_as_it_comes(claim);
                if live {
                    self.queue_up(claim, true, now);
                }
                live
            }
            LadderCommand::Live(command) => self.at_the_door(command),
            LadderCommand::ReleaseSource { claim_id, .. } => {
                let raised = self.raised().contains(claim_id);
                self.leave(|wish| wish.claim.id == *claim_id);
                raised || self.gone.contains(claim_id)
            }
            LadderCommand::ReportFailure { claim_id, .. } => {
                if self.is_source(*claim_id) {
                    self.failed.insert(*claim_id);
                }
                self.is_source(*claim_id) || self.gone.contains(claim_id)
            }
            LadderCommand::ReportRecovery { claim_id } => {
                self.failed.remove(claim_id);
                self.is_source(*claim_id) || self.gone.contains(claim_id)
            }
            LadderCommand::ForgetFailures {} => {
                self.failed.clear();
                true
            }
            LadderCommand::SignOff { .. } => {
                self.leave(|_| true);
                true
            }
            LadderCommand::Expire {} => true,
        };
        self.seat(now);
        self.time_passes(now);
        known
    }
    fn is_source(&self, id: ClaimId) -> bool {
        [AUTOMATION_CLAIM, FALLBACK_CLAIM].contains(&id) || self.raised().contains(&id)
    }
    fn queue_up(&mut self, claim: &Claim, take: bool, now: UtcMicros) {
        if self.raised().contains(&claim.id) || self.gone.contains(&claim.id) {
            return;
        }
        let queue = &mut self.queues[usize::from(claim.tier.number())];
        let of_this_tier = queue.iter().any(|wish| Some(wish.claim.id) == self.owner);
        let wish = Wish { claim: claim.clone(), seated: false, since: None };
        let open = claim.window_start.is_none_or(|start| start <= now);
        let over = over(&wish, &self.first_heard, now);
        let jumps = take && of_this_tier && open && !over && !claim.items.is_empty();
        queue.insert(if jumps { 0 } else { queue.len() }, wish);
        self.seat(now);
        if self.owner == Some(claim.id) {
            let mut wishes = self.queues.iter_mut().flatten();
            if let Some(wish) = wishes.find(|wish| wish.claim.id == claim.id) {
                wish.since = Some(claim.raised_at.0);
            }
        }
    }
    fn time_passes(&mut self, now: UtcMicros) {
        let (heard, ended) = (self.first_heard.clone(), self.over_on_air.clone());
        self.leave(|wish| ended.contains(&wish.claim.id) || over(wish, &heard, now));
        self.seat(now);
    }
    fn leave(&mut self, goes: impl Fn(&Wish) -> bool) {
        for queue in &mut self.queues {
            for wish in queue.iter().filter(|wish| goes(wish)) {
                self.gone.insert(wish.claim.id);
                self.failed.remove(&wish.claim.id);
            }
            queue.retain(|wish| !goes(wish));
        }
    }
    fn seat(&mut self, now: UtcMicros) {
        let heard = &self.first_heard;
        for queue in &mut self.queues {
            for place in 0..queue.len() {
                let wish = &queue[place];
                let open = wish.seated || wish.claim.window_start.is_none_or(|at| at <= now);
                let plays = open && !over(wish, heard, now) && !wish.claim.items.is_empty();
                if !plays || self.failed.contains(&wish.claim.id) {
                    continue;
                }
                let mut wish = queue.remove(place);
                wish.seated = true;
                self.owner = Some(wish.claim.id);
                queue.insert(0, wish);
                return;
            }
        }
        let automation = !self.failed.contains(&AUTOMATION_CLAIM);
        self.owner = Some(if automation { AUTOMATION_CLAIM } else { FALLBACK_CLAIM });
    }
}

/// Its one item is no file, and it is of the two tiers for people.
fn sounds_as_it_comes(claim: &Claim) -> bool {
    let nobody = [ClaimId([0; 16]), AUTOMATION_CLAIM, FALLBACK_CLAIM, FAREWELL_CLAIM];
    let [item] = &claim.items[..] else { return false };
    let no_file = item.media_id.0 == [0; 16] && item.play_hash == ContentHash([0; 32]);
    let for_people = [Tier::LiveOverride, Tier::LiveScheduled].contains(&claim.tier);
    no_file && for_people && !nobody.contains(&claim.id)
}

fn over(wish: &Wish, heard: &BTreeMap<ClaimId, i64>, now: UtcMicros) -> bool {
    let heard = heard.get(&wish.claim.id).copied().unwrap_or(i64::MAX);
    let began = heard.min(wish.since.unwrap_or(i64::MAX));
    let longest = began.saturating_add(wish.claim.max_length_us);
    longest <= now.0 || wish.claim.window_end.is_some_and(|end| end <= now)
}
