//! Silence on air: it is told; what is silent leaves the air where the station asked for that.
//!
//! What follows is what the ladder has: for automation the last rung, until that comes round, and
//! the next line without one; for a live source whatever is below it, until it is heard again; for
//! another claim its next item. An emergency stays: it may be its own pause.

use super::Director;
use super::plays::{CUT_FADE, NOW, PlayState};
use crate::air::clips;
use crate::journal::Recovered;
use grimnir_events::AirFrame;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM, OwnerReason, Tier};
use grimnir_events::live::is_live;
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::FadeCurve;
use grimnir_mix::dsp::silence::{SilenceAction, SilenceWord};

impl Director {
    /// Silences that a run before this one told are over with it.
    pub(super) fn end_old_silences(&self, recovered: &Recovered) {
        if recovered.programme_silent {
            self.fact(AirEvent::ProgrammeHeard {});
        }
        for play in &recovered.silent_sources {
            self.fact(AirEvent::Sound(SoundEvent::SourceHeard { play: *play }));
        }
    }

    /// The sense of the programme spoke up.
    pub(super) fn on_silence(&mut self, word: SilenceWord, action: SilenceAction, at: AirFrame) {
        let SilenceWord::Silent { since_frames } = word else {
            tracing::info!(at = at.0, "the programme is silent no more");
            return self.fact_at(at, AirEvent::ProgrammeHeard {});
        };
        let since = at.plus(-i64::try_from(since_frames).unwrap_or(i64::MAX));
        tracing::error!(since = since.0, "the programme is silent");
        self.fact_at(at, AirEvent::ProgrammeSilent { since });
        if action == SilenceAction::FailOver
            && let Some(voice) = self.heard
        {
            self.fail_over(voice, at.since(since));
        }
    }

    /// The sense of a play's own source spoke up.
    pub(super) fn on_source_silence(&mut self, voice: u64, since: AirFrame) {
        tracing::error!(voice, since = since.0, "a source is silent");
        self.fact(AirEvent::Sound(SoundEvent::SourceSilent { play: voice, since }));
        if self.air.view.sources_fail_over() && self.heard == Some(voice) {
            self.fail_over(voice, self.now().since(since));
        }
    }

    /// What is silent leaves the air.
    fn fail_over(&mut self, voice: u64, frames: i64) {
        let Some(play) = self.plays.get(voice) else { return };
        let (claim, tier) = (play.spec.claim_id, play.spec.tier);
        let sounds = matches!(play.state, PlayState::Sounding { .. });
        let owns = self.owner == Some(claim) && self.signed_on;
        if !sounds || !owns || claim == FALLBACK_CLAIM || tier == Tier::Emergency {
            return;
        }
        let reason = format!("it was silent for {} ms", frames / 48);
        tracing::error!(voice, reason, "what is silent leaves the air");
        let failed = EndReason::Failed { reason };
        if claim == AUTOMATION_CLAIM {
            return self.automation_fails_over(voice, failed);
        }
        if self.claims.raised.get(&claim).is_some_and(|raised| is_live(&raised.claim)) {
            return self.mute_live(claim);
        }
        let now = self.now();
        if let Some(raised) = self.claims.raised.get_mut(&claim)
            && let Some(current) = &mut raised.current
        {
            current.2 = now;
        }
        self.plays.fade(voice, NOW, CUT_FADE, FadeCurve::Linear, failed);
        self.step_claim(claim);
    }

    fn automation_fails_over(&mut self, voice: u64, failed: EndReason) {
        let item = self.held.config.as_ref().and_then(|config| config.fallback.as_ref());
        if !item.is_some_and(|item| self.clips.contains_key(&clips::key_of(item))) {
            self.skip_automation(CUT_FADE);
            if let Some(play) = self.plays.get_mut(voice) {
                play.end_reason = Some(failed);
            }
            return;
        }
        self.change_now(FALLBACK_CLAIM, OwnerReason::Failed, failed);
        // It is left for good, and the last rung is heard for a whole turn at least.
        self.auto.interrupted = None;
        let frames = self.fallback.voice.and_then(|voice| self.plays.get(voice));
        let frames = frames.map_or(0, |play| play.length);
        self.fallback.loop_since = Some((self.now(), frames));
    }
}
