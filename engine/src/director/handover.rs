//! Hand-overs as the director takes them: by revision and epoch, to disk, into effect.

use super::{Configured, Director, Msg, Taken};
use crate::held::Part;
use grimnir_events::AirFrame;
use grimnir_events::codec;
use grimnir_events::control::EngineControl;
use grimnir_events::handover::EngineClaims;
use grimnir_events::timeline::HourPlan;
use tokio::sync::oneshot;

impl Director {
    /// Takes one message; `Some` when it is time to quit.
    pub(super) fn take(&mut self, message: Msg) -> Option<oneshot::Sender<()>> {
        match message {
            Msg::Air(report) => self.on_air_report(report),
            Msg::Deck(report) => self.on_deck(report),
            Msg::Clip { key, result } => self.on_clip(key, result),
            Msg::Configure(configured, bytes, epoch, reply) => {
                let _ = reply.send(self.configure(*configured, &bytes, epoch));
            }
            Msg::Timeline(revision, hours, bytes, epoch, reply) => {
                let _ = reply.send(self.set_timeline(revision, hours, &bytes, epoch));
            }
            Msg::Claims(claims, control, bytes, epoch, reply) => {
                let _ = reply.send(self.set_claims(*claims, control, &bytes, epoch));
            }
            Msg::Inputs(inputs, bytes, epoch, reply) => {
                let _ = reply.send(self.set_inputs(*inputs, &bytes, epoch));
            }
            Msg::Lines(lines, bytes, epoch, reply) => {
                let _ = reply.send(self.set_lines(*lines, &bytes, epoch));
            }
            Msg::LineSecrets(secrets, bytes, epoch, reply) => {
                let _ = reply.send(self.set_line_secrets(*secrets, &bytes, epoch));
            }
            Msg::Recordings(recordings, bytes, epoch, reply) => {
                let _ = reply.send(self.set_recordings(*recordings, &bytes, epoch));
            }
            Msg::Webstreams(webstreams, bytes, epoch, reply) => {
                let _ = reply.send(self.set_webstreams(*webstreams, &bytes, epoch));
            }
            Msg::Farewell(farewell, bytes, epoch, reply) => {
                let _ = reply.send(self.set_farewell(*farewell, &bytes, epoch));
            }
            Msg::Input(word) => self.on_input(word),
            Msg::Play(epoch, reply) => {
                let done = self.check_epoch(epoch).map(|()| self.order_on_air(true, false));
                let _ = reply.send(done);
            }
            Msg::Stop(epoch, immediate, reply) => {
                let done = self.check_epoch(epoch).map(|()| self.order_on_air(false, immediate));
                let _ = reply.send(done);
            }
            Msg::Fade(epoch, line_id, claim_id, fade_ms, reply) => {
                let done = self.check_epoch(epoch);
                let done = done.and_then(|()| self.order_fade(line_id, claim_id, fade_ms));
                let _ = reply.send(done);
            }
            Msg::Insert(claim, epoch, reply) => self.order_insert(*claim, epoch, reply),
            Msg::CheckEpoch(epoch, reply) => {
                let _ = reply.send(self.check_epoch(epoch));
            }
            Msg::Quit(done) => return Some(done),
        }
        None
    }

    /// Refuses a lower epoch, obeys a higher one from now on.
    pub(super) fn check_epoch(&mut self, epoch: u64) -> Result<(), String> {
        if epoch < self.held.epoch {
            return Err(format!("epoch {epoch} is over, {} is obeyed", self.held.epoch));
        }
        self.held.epoch = epoch;
        Ok(())
    }

    /// Whether a hand-over is taken: not behind the revision that is held, which is the answer
    /// then, nor of an epoch that is over.
    pub(super) fn accept(&mut self, revision: u64, held: u64, epoch: u64) -> Taken {
        if revision < held || self.check_epoch(epoch).is_err() {
            return Err(held);
        }
        Ok(revision)
    }

    fn configure(&mut self, configured: Configured, bytes: &[Vec<u8>; 2], epoch: u64) -> Taken {
        let (config, outputs) = configured;
        let revision = self.accept(config.revision, self.held.config_revision(), epoch)?;
        self.cache.keep(Part::Config, epoch, &bytes[0]);
        if let Some(outputs) = outputs {
            self.cache.keep(Part::Outputs, epoch, &bytes[1]);
            self.held.outputs = self.held.of_outputs(outputs);
        }
        let config = self.held.of_config(config);
        let before = self.held.config.replace(config.clone());
        if before.as_ref().is_none_or(|before| before.rotation != config.rotation) {
            self.forget_bad_rotation();
        }
        self.outputs.apply(&config, self.signed_on || config.on_air);
        self.outputs.apply_targets(&self.held.outputs);
        self.load_clips();
        self.gate.set_target(config.settings.target_lufs_x100);
        if config.on_air {
            self.sign_on();
        } else {
            self.sign_off(false);
        }
        Ok(revision)
    }

    fn set_timeline(
        &mut self,
        revision: u64,
        hours: Vec<HourPlan>,
        bytes: &[Vec<u8>],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(revision, self.held.timeline_revision, epoch)?;
        self.cache.keep_timeline(epoch, revision, bytes);
        self.held.timeline_revision = revision;
        self.held.hours = self.held.of_hours(hours);
        self.lines = super::steps::moved(self.held.lines(), self.steps.ahead());
        self.rechain();
        self.note_held_until();
        Ok(revision)
    }

    fn set_claims(
        &mut self,
        claims: EngineClaims,
        control: Option<EngineControl>,
        bytes: &[Vec<u8>; 2],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(claims.revision, self.held.claims_revision(), epoch)?;
        self.cache.keep_claims(epoch, bytes);
        let claims = self.held.of_claims(claims);
        if let Some(control) = control.filter(|_| !self.held.lean) {
            self.take_control(&control);
            self.held.control = control;
        }
        self.take_claims(&claims);
        self.held.claims = Some(claims);
        Ok(revision)
    }

    /// Sign-on or sign-off by order; kept, so that a restart does not undo it.
    fn order_on_air(&mut self, on_air: bool, immediate: bool) {
        if let Some(config) = &mut self.held.config {
            config.on_air = on_air;
            if let Ok(encoded) = codec::encode(&*config) {
                self.cache.keep(Part::Config, self.held.epoch, &encoded.bytes);
            }
        }
        if on_air {
            self.sign_on();
        } else {
            self.sign_off(immediate);
        }
    }

    /// Projected end of the timeline: start of the last line and its airtime.
    pub(super) fn note_held_until(&mut self) {
        let end = |hour: &HourPlan| {
            let ends = hour.lines.iter().map(|l| l.planned_at.frame().plus(l.cues.airtime()));
            ends.max()
        };
        self.held_until = self.held.hours.iter().filter_map(end).max().unwrap_or(AirFrame(0));
    }

    fn on_clip(
        &mut self,
        key: crate::air::clips::ClipKey,
        result: Result<crate::air::clips::Held, String>,
    ) {
        match result {
            Ok(held) => {
                tracing::info!(hash = %key.0, frames = held.frames, "clip is in memory");
                self.clips.insert(key, held);
                let config = self.held.config.as_ref();
                let fallback = config.and_then(|config| config.fallback.as_ref());
                if fallback.is_some_and(|item| crate::air::clips::key_of(item) == key) {
                    self.fallback_loaded();
                }
            }
            Err(reason) => tracing::error!(hash = %key.0, reason, "clip cannot be decoded"),
        }
    }
}
