//! Leaving the air: by order, and with the process.

use super::plays::{self, NOW, PlayState};
use super::{Director, OFF_AIR, TURN};
use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::ladder::ReleaseReason;
use grimnir_events::station::FadeCurve;
use tokio::sync::oneshot;

impl Director {
    /// The station leaves the air: what sounds fades, claims end.
    pub(super) fn sign_off(&mut self, immediate: bool) {
        if !self.signed_on {
            return;
        }
        tracing::info!(immediate, "sign-off");
        self.signed_on = false;
        let fade = if immediate { 0 } else { i64::from(self.settings().sign_off_ms) * 48 };
        self.leave_automation();
        self.auto.interrupted = None;
        self.leave_fallback(None);
        for voice in self.plays.in_mixer() {
            match self.plays.get(voice).map(|play| &play.state) {
                Some(PlayState::Sounding { .. }) => {
                    let fade = fade.max(plays::CUT_FADE);
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
    }

    /// Closes the outputs once the sign-off's fade is over.
    pub(super) fn finish_sign_off(&mut self) {
        if self.signing_off && self.plays.in_mixer().is_empty() {
            self.signing_off = false;
            self.announced = None;
            // An interruption that nobody heard the end of goes on.
            self.interruption.get_or_insert((self.now(), OFF_AIR, 0));
            self.outputs.set_on_air(false);
        }
    }

    /// Ends the run: signs off, writes the last facts.
    pub(super) fn quit(mut self, done: oneshot::Sender<()>) {
        let was_on = self.signed_on;
        self.sign_off(false);
        let limit = self.now().plus(i64::from(self.settings().sign_off_ms) * 48 + 48_000);
        while was_on && self.now() < limit && !self.plays.in_mixer().is_empty() {
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
