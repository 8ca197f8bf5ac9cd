//! Leaving the air: by order, with a legal ID as the last that is heard, and with the process.

use super::plays::{self, NOW, PlayState, Spec};
use super::{Director, LEAD, OFF_AIR, TURN, Taken};
use crate::air::clips;
use crate::held::Part;
use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::handover::EngineFarewell;
use grimnir_events::ladder::{FAREWELL_CLAIM, ReleaseReason, Tier};
use grimnir_events::station::FadeCurve;
use tokio::sync::oneshot;

impl Director {
    /// The station leaves the air: what sounds fades, claims end, a legal ID is heard whole.
    /// An immediate order waits for neither, also where it comes after another.
    pub(super) fn sign_off(&mut self, immediate: bool) {
        if !self.signed_on {
            if immediate {
                self.cut_farewell();
            }
            return;
        }
        let faded = self.leave_air(immediate);
        if !immediate {
            self.say_farewell(faded);
        }
    }

    /// Takes what is to be heard last.
    pub(super) fn set_farewell(
        &mut self,
        farewell: EngineFarewell,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        if self.check_epoch(epoch).is_err() {
            return Err(self.held.claims_revision());
        }
        self.cache.keep(Part::Farewell, epoch, bytes);
        if !self.held.lean {
            self.held.farewell = farewell;
            self.load_clips();
        }
        Ok(self.held.claims_revision())
    }

    /// Hands the legal ID to the mixer, for when the programme has faded.
    fn say_farewell(&mut self, faded: i64) {
        let Some(item) = self.held.farewell.legal_id.clone() else { return };
        let Some(held) = self.clips.get(&clips::key_of(&item)).cloned() else {
            tracing::error!(title = item.title, "the legal ID at sign-off cannot be played");
            return;
        };
        let spec = Spec::of_item(&item, FAREWELL_CLAIM, Tier::Automation, None);
        let voice = self.plays.prepare_held(spec, &held);
        if let Some(play) = self.plays.get_mut(voice) {
            play.end_reason = Some(EndReason::SignOff);
        }
        let at = self.now().plus(faded + LEAD);
        let length = self.plays.get(voice).map(|play| play.length);
        self.plays.commit(voice, at, length, 0, FadeCurve::Linear);
        self.farewell = Some(voice);
    }

    /// The legal ID at sign-off is heard no longer.
    pub(super) fn cut_farewell(&mut self) {
        if let Some(voice) = self.farewell.take() {
            self.plays.discard(voice, EndReason::SignOff);
        }
    }

    /// What sounds fades, claims end; answers how many frames the fade takes.
    fn leave_air(&mut self, immediate: bool) -> i64 {
        tracing::info!(immediate, "sign-off");
        self.signed_on = false;
        let fade = if immediate { 0 } else { i64::from(self.settings().sign_off_ms) * 48 };
        let fade = fade.max(plays::CUT_FADE);
        let mut faded = 0;
        self.leave_automation();
        self.auto.interrupted = None;
        self.leave_fallback(None);
        for voice in self.plays.in_mixer() {
            match self.plays.get(voice).map(|play| &play.state) {
                Some(PlayState::Sounding { .. }) => {
                    faded = fade;
                    self.plays.fade(voice, NOW, fade, FadeCurve::Linear, EndReason::SignOff);
                }
                _ => self.plays.discard(voice, EndReason::SignOff),
            }
        }
        let ids: Vec<ClaimId> = self.claims.raised.keys().copied().collect();
        for id in ids {
            self.end_claim(id, ReleaseReason::SignOff);
        }
        self.owner = None;
        self.announcement = None;
        self.signing_off = true;
        self.was_off_air = true;
        faded
    }

    /// Closes the outputs once nothing of the sign-off is to be heard any more.
    pub(super) fn finish_sign_off(&mut self) {
        if self.signing_off && self.plays.in_mixer().is_empty() {
            self.signing_off = false;
            self.farewell = None;
            self.announced = None;
            // An interruption that nobody heard the end of goes on.
            self.interruption.get_or_insert((self.now(), OFF_AIR, 0));
            self.outputs.set_on_air(false);
        }
    }

    /// Ends the run: fades, writes the last facts. A legal ID is heard out where the station had
    /// signed off before; a process that ends signs nobody off.
    pub(super) fn quit(mut self, done: oneshot::Sender<()>) {
        let sounds = self.signed_on || self.signing_off;
        if self.signed_on {
            self.leave_air(false);
        }
        let farewell = self.farewell.and_then(|voice| self.plays.get(voice));
        let farewell = farewell.map_or(0, |play| play.length);
        let fade = i64::from(self.settings().sign_off_ms) * 48;
        let limit = self.now().plus(fade + farewell + 48_000);
        while sounds && self.now() < limit && !self.plays.in_mixer().is_empty() {
            if let Ok(message) = self.rx.recv_timeout(TURN) {
                let _ = self.take(message);
            }
            self.finish_claims();
        }
        self.finish_claims();
        self.outputs.set_on_air(false);
        self.count_listeners(true);
        self.fact(AirEvent::EngineStopped {});
        self.publish();
        let _ = done.send(());
    }
}
