//! The last rung: the fallback audio over and over from memory; below it digital silence.

use super::plays::Spec;
use super::{Director, Msg};
use crate::air::clips;
use grimnir_events::AirFrame;
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{ClaimItem, FALLBACK_CLAIM, Tier};
use grimnir_events::station::FadeCurve;

/// What the last rung is doing.
#[derive(Default)]
pub struct Fallback {
    /// First frame of the first turn and frames of a turn, while it is heard.
    pub loop_since: Option<(AirFrame, i64)>,
    /// The play, while the mixer has it.
    pub voice: Option<u64>,
    /// Digital silence is on air, said so.
    pub silent: bool,
}

impl Director {
    /// The fallback owns the air.
    pub(super) fn fallback_owns(&self) -> bool {
        self.owner == Some(FALLBACK_CLAIM)
    }
    /// The fallback's sound, not silence, is on air.
    pub(super) fn fallback_heard(&self) -> bool {
        self.fallback.voice.is_some()
    }

    /// The last rung takes the air at `at`.
    pub(super) fn enter_fallback(&mut self, at: AirFrame) {
        let item = self.held.config.as_ref().and_then(|config| config.fallback.clone());
        let held = item.as_ref().and_then(|item| self.clips.get(&clips::key_of(item)).cloned());
        let (Some(item), Some(held)) = (item.clone(), held) else {
            let reason = match item {
                None => "nothing to play, and the station has no fallback audio".to_owned(),
                Some(item) => format!("fallback audio \"{}\" cannot be played", item.title),
            };
            self.enter_silence(at, reason);
            return;
        };
        let spec = Spec::of_item(&item, FALLBACK_CLAIM, Tier::Fallback, None);
        let voice = self.plays.prepare_loop(spec, &held);
        if let Some(play) = self.plays.get_mut(voice) {
            play.length = held.frames;
        }
        self.plays.commit(voice, at, None, 0, FadeCurve::Linear);
        self.fallback.voice = Some(voice);
    }

    fn enter_silence(&mut self, at: AirFrame, reason: String) {
        let at = at.max(self.now());
        tracing::error!(reason, "digital silence is on air");
        if self.end_interruption(at) {
            // The silence before it is another one.
            self.leave_silence(at);
        }
        self.announce(FALLBACK_CLAIM, at);
        if !self.fallback.silent {
            self.fallback.silent = true;
            self.fact_at(at, AirEvent::SilenceEntered { reason });
        }
    }

    /// Something was heard again.
    pub(super) fn leave_silence(&mut self, at: AirFrame) {
        if std::mem::take(&mut self.fallback.silent) {
            self.fact_at(at, AirEvent::SilenceLeft {});
        }
    }

    /// Another owner takes the air.
    pub(super) fn leave_fallback(&mut self, _at: Option<AirFrame>) {
        self.fallback.loop_since = None;
        self.fallback.voice = None;
    }

    /// The mixer has begun the loop.
    pub(super) fn fallback_started(&mut self, voice: u64, at: AirFrame) {
        if self.fallback.voice == Some(voice) {
            let frames = self.plays.get(voice).map_or(0, |play| play.length);
            self.fallback.loop_since = Some((at, frames));
        }
    }

    /// The fallback's audio has come to memory while silence stands in for it.
    pub(super) fn fallback_loaded(&mut self) {
        if self.fallback_owns() && self.fallback.voice.is_none() {
            self.enter_fallback(super::plays::NOW);
        }
    }

    /// Decodes what is to be kept in memory, on a thread of its own.
    pub(super) fn load_clips(&mut self) {
        let Some(config) = &self.held.config else { return };
        let mut wanted: Vec<(ClaimItem, i64)> = Vec::new();
        wanted.extend(config.preload.iter().map(|item| (item.clone(), clips::HEAD_FRAMES)));
        wanted.extend(config.fallback.iter().map(|item| (item.clone(), clips::FALLBACK_FRAMES)));
        let farewell = self.held.farewell.legal_id.iter();
        wanted.extend(farewell.map(|item| (item.clone(), clips::HEAD_FRAMES)));
        let fallback = config.fallback.as_ref().map(clips::key_of);
        let keys: Vec<clips::ClipKey> =
            wanted.iter().map(|(item, _)| clips::key_of(item)).collect();
        self.clips.retain(|key, held| {
            // A head is not enough for what repeats from memory.
            keys.contains(key) && (held.whole || Some(*key) != fallback)
        });
        wanted.retain(|(item, _)| !self.clips.contains_key(&clips::key_of(item)));
        if wanted.is_empty() {
            return;
        }
        let (media, tx) = (self.media.clone(), self.tx.clone());
        let spawned = std::thread::Builder::new().name("clips".into()).spawn(move || {
            for (item, limit) in wanted {
                let result = clips::decode(&media, &item, limit);
                let _ = tx.send(Msg::Clip { key: clips::key_of(&item), result });
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "clips cannot be loaded");
        }
    }
}
