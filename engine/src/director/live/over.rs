//! Sessions that are heard over the programme, which goes on under them.

use crate::director::Director;
use crate::director::plays::Spec;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::ladder::Tier;
use grimnir_events::live::{LiveAirEvent, TakePolicy, live_claim};
use grimnir_events::{AirFrame, ClaimId, LiveSessionId, UtcMicros, derive_id};

impl Director {
    /// The session is heard over the programme.
    pub(super) fn begin_over(&mut self, session_id: LiveSessionId) {
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let Some(link) = live.link.as_ref().filter(|_| live.over.is_none()) else { return };
        let claim_id = ClaimId(derive_id("live over", &[&session_id.0]));
        let item =
            live_claim(claim_id, &live.session, UtcMicros(0), UtcMicros(0), 0).items.remove(0);
        let spec = Spec::of_item(&item, claim_id, Tier::Automation, None);
        let spec = Spec { live: true, over: true, ..spec };
        let voice = self.plays.prepare_live(spec, &link.tap);
        live.over = Some(voice);
        self.plays.commit_over(voice);
    }

    /// Nobody speaks over an emergency, which is heard for a little longer than it owns the air.
    pub(super) fn is_emergency(&self) -> bool {
        let owns = self.owner.is_some_and(|owner| self.tier_of(owner) == Tier::Emergency);
        owns || self.plays.emergency()
    }

    /// A play over the programme has begun, or is over.
    pub(in crate::director) fn over_told(&mut self, voice: u64, at: AirFrame, began: bool) {
        let found = self.lives.all.values().find(|live| live.over == Some(voice));
        let id = found.map(|live| live.session.id).or(self.lives.over_ending.remove(&voice));
        let Some(session_id) = id else { return };
        let event = match began {
            true => LiveAirEvent::OverBegan { session_id },
            false => LiveAirEvent::OverEnded { session_id },
        };
        self.fact_at(at, AirEvent::Live(Box::new(event)));
    }

    /// A session over the programme: it gives way to an emergency, and ends with its sound.
    pub(super) fn step_over(&mut self, session_id: LiveSessionId) {
        let emergency = self.is_emergency();
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let Some(voice) = live.over else { return };
        let known = self.plays.get(voice).is_some();
        let link = live.link.as_ref();
        let dry = link.is_none_or(|link| link.tap.fill() == 0);
        let revoked = live.wanted.is_none() && link.is_none();
        if known && !dry && !revoked && !emergency {
            return;
        }
        live.over = None;
        if known {
            self.lives.over_ending.insert(voice, session_id);
        }
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let link = live.link.as_ref();
        if emergency && link.is_some_and(|link| !link.ended) {
            // It comes back when that is over.
            live.wanted = Some(live.took);
        } else if link.is_some_and(|link| !link.ended) {
            live.wanted = Some(live.session.take).filter(|take| *take != TakePolicy::OnCue);
        }
        self.plays.discard(voice, EndReason::Released);
    }
}
