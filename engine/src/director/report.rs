//! What the mix thread and the feeders say, turned into facts and into what is known.

use super::Director;
use super::plays::PlayState;
use crate::air::AirReport;
use crate::air::feeder::DeckReport;
use crate::output::icy;
use grimnir_events::AirFrame;
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM};
use grimnir_events::sound::SoundEvent;
use grimnir_mix::meter::Measured;
use grimnir_mix::{EndCause, MIX_SUM, MixError, VoiceEvent};

/// An end this much before its time is a failure of the file: 20 ms.
const TOLERANCE: i64 = 960;

/// What is kept of a play's meters.
fn summary(play: u64, measured: Measured) -> SoundEvent {
    let hundredths = |level: f64| (level * 100.0).round() as i32;
    let peak = f64::from(measured.true_peak);
    SoundEvent::ItemMeasured {
        play,
        loudness_lufs_x100: measured.loudness.map(hundredths),
        true_peak_dbtp_x100: (peak > 0.0).then(|| hundredths(20.0 * peak.log10())),
    }
}

impl Director {
    /// Takes a report of the mix thread.
    pub(super) fn on_air_report(&mut self, report: AirReport) {
        match report {
            AirReport::Voice { event: VoiceEvent::Started { voice, at }, mixed_ns } => {
                self.on_started(voice, at, mixed_ns);
            }
            AirReport::Voice { event: VoiceEvent::Ended { voice, at, frames, cause }, .. } => {
                self.on_ended(voice, at, frames, cause);
            }
            AirReport::Voice { event: VoiceEvent::NonFinite { voice, count }, .. } => {
                // Told once, with the sum, when the play is over.
                let play = if voice == MIX_SUM { 0 } else { voice };
                *self.non_finite.entry(play).or_default() += count;
            }
            AirReport::Voice { event: VoiceEvent::Underrun { voice, at, frames }, .. } => {
                if at.since(self.underrun_told) > 48_000 {
                    self.underrun_told = at;
                    tracing::error!(voice, at = at.0, frames, "a file was not read in time");
                }
            }
            AirReport::Voice { event: VoiceEvent::Silent { voice, since }, .. } => {
                self.on_source_silence(voice, since);
            }
            AirReport::Voice { event: VoiceEvent::Heard { voice, at }, .. } => {
                tracing::info!(voice, at = at.0, "a source is heard again");
                self.fact_at(at, AirEvent::Sound(SoundEvent::SourceHeard { play: voice }));
            }
            AirReport::Measured { voice, at, measured } => {
                self.fact_at(at, AirEvent::Sound(summary(voice, measured)));
            }
            AirReport::Refused { error } => self.on_refused(error),
            AirReport::Finished { start } => {
                // Not heard, and out of the mixer: nothing more will be said of it.
                let heard = self
                    .plays
                    .get(start.voice)
                    .is_some_and(|play| matches!(play.state, PlayState::Sounding { .. }));
                if !heard {
                    self.never_heard(start.voice);
                }
            }
            AirReport::Retired { chain } => drop(chain),
            AirReport::Silence { word, action, at } => self.on_silence(word, action, at),
            AirReport::Stalled { from, to } => {
                tracing::error!(from = from.0, to = to.0, "the air stalled");
                self.fact_at(to, AirEvent::AirStalled { from, to });
                self.automation_stalled(to.since(from));
                self.claims_stalled(to.since(from));
            }
        }
    }

    fn on_started(&mut self, voice: u64, at: AirFrame, mixed_ns: i64) {
        let Some(play) = self.plays.get_mut(voice) else { return };
        play.state = PlayState::Sounding { at };
        let (spec, mut started) = (play.spec.clone(), play.started(voice));
        if spec.live {
            self.note_aired(voice, spec.claim_id, at);
        }
        if spec.over {
            return self.over_told(voice, at, true);
        }
        started.planned_at = started.planned_at.map(|at| at.plus(self.steps.ahead()));
        self.anchor_here();
        self.end_interruption(at);
        self.leave_silence(at);
        self.announce(spec.claim_id, at);
        self.fact_at(at, AirEvent::ItemStarted(Box::new(started)));
        self.heard = Some(voice);
        self.outputs.set_title(&icy::title_of(&spec.artist, &spec.title));
        match spec.claim_id {
            AUTOMATION_CLAIM => self.automation_started(voice, at),
            FALLBACK_CLAIM => self.fallback_started(voice, at),
            claim => {
                self.claim_started(claim, voice, at);
                self.live_started(claim);
                self.answer_claim(claim, Some((at, mixed_ns)), "");
            }
        }
    }

    /// Something is on air again, digital silence at least. True if nothing was before.
    pub(super) fn end_interruption(&mut self, at: AirFrame) -> bool {
        let Some((from, reason, bound_frames)) = self.interruption.take() else { return false };
        self.fact_at(at, AirEvent::AirInterrupted { from, to: at, bound_frames, reason });
        true
    }

    fn on_ended(&mut self, voice: u64, at: AirFrame, frames: i64, cause: EndCause) {
        self.note_off_air(voice, at);
        if self.plays.get(voice).is_some_and(|play| play.spec.over) {
            self.over_told(voice, at, false);
            self.plays.forget(voice);
            return;
        }
        let Some(play) = self.plays.forget(voice) else { return };
        let short = play.short.as_ref().map(|(_, reason)| reason.clone());
        let reason = match cause {
            EndCause::SourceFailed => {
                EndReason::Failed { reason: short.unwrap_or_else(|| "the source failed".into()) }
            }
            _ if play.spec.live => play.end_reason.clone().unwrap_or(EndReason::Completed),
            EndCause::SourceEnded | EndCause::LengthReached if play.length - frames > TOLERANCE => {
                let told = format!("{frames} frames of {} aired", play.length);
                EndReason::Failed { reason: short.unwrap_or(told) }
            }
            // A file that ended where it was found to end is still a failure of that file.
            EndCause::SourceEnded | EndCause::LengthReached => match short {
                Some(reason) => EndReason::Failed { reason },
                None => play.end_reason.clone().unwrap_or(EndReason::Completed),
            },
            EndCause::FadedOut | EndCause::Stopped => {
                play.end_reason.clone().unwrap_or(EndReason::Completed)
            }
        };
        for play in [voice, 0] {
            if let Some(count) = self.non_finite.remove(&play) {
                self.fact_at(at, AirEvent::NonFiniteSamples { play, count });
            }
        }
        self.fact_at(at, AirEvent::ItemEnded { play: voice, frames, reason });
        if let PlayState::Sounding { at: from } = play.state {
            self.note_over(voice, from, at);
        }
        if self.heard == Some(voice) {
            self.heard = self.plays.in_mixer().into_iter().rev().find(|v| {
                let state = self.plays.get(*v).map(|play| &play.state);
                matches!(state, Some(PlayState::Sounding { .. }))
            });
        }
        match play.spec.claim_id {
            AUTOMATION_CLAIM => self.automation_ended(voice),
            FALLBACK_CLAIM => self.fallback_ended(voice),
            claim => self.claim_play_ended(claim, voice),
        }
    }

    /// A play left the mixer without a sound.
    fn never_heard(&mut self, voice: u64) {
        self.automation_ended(voice);
        if let Some(play) = self.plays.forget(voice) {
            self.claim_play_ended(play.spec.claim_id, voice);
        }
    }

    fn fallback_ended(&mut self, voice: u64) {
        if self.fallback.voice == Some(voice) {
            self.fallback.voice = None;
            self.fallback.loop_since = None;
        }
    }

    fn on_refused(&mut self, error: MixError) {
        match error {
            // A fade of what has just ended.
            MixError::UnknownVoice { .. } => tracing::debug!(%error, "command came too late"),
            MixError::TooManyVoices { voice }
            | MixError::TooManyFinished { voice, .. }
            | MixError::VoiceExists { voice }
            | MixError::Gain { voice, .. } => {
                tracing::error!(%error, "the mixer refused a play");
                self.never_heard(voice);
            }
            MixError::TooManyCommands { .. } | MixError::Frames { .. } => {
                tracing::error!(%error, "the mixer refused a command");
            }
        }
    }

    /// Takes a feeder's word.
    pub(super) fn on_deck(&mut self, report: DeckReport) {
        let Some(voice) = self.plays.deck(report) else { return };
        let Some(play) = self.plays.get(voice) else { return };
        let Some((frames, _)) = &play.short else { return };
        let (frames, claim) = (*frames, play.spec.claim_id);
        if !matches!(play.state, PlayState::Committed | PlayState::Sounding { .. }) {
            return;
        }
        match claim {
            AUTOMATION_CLAIM => self.automation_short(voice, frames),
            FALLBACK_CLAIM => {}
            claim => self.claim_short(claim, voice, frames),
        }
    }
}
