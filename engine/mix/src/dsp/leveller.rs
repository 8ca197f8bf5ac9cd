//! A slow hand on the fader: AGC and loudness normalisation.
//!
//! Loudness over a window is compared with a target, and the gain goes towards what is missing,
//! within limits. What is below the gate moves nothing: a pause is not turned up.

use super::loudness::{Loudness, PART};
use super::{factor, share};
use crate::{Frame, RATE};

const PARTS_PER_MS: f64 = RATE as f64 / 1_000.0 / PART as f64;

/// How it acts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LevellerSettings {
    /// Where it is to come out, in LUFS.
    pub target_lufs: f64,
    /// Most gain, in dB.
    pub max_gain_db: f64,
    /// Most attenuation, in dB.
    pub max_cut_db: f64,
    /// Below it nothing moves, in LUFS over 10 ms.
    pub gate_lufs: f64,
    /// Window of the loudness.
    pub window_ms: f64,
    /// Time towards less gain.
    pub attack_ms: f64,
    /// Time towards more.
    pub release_ms: f64,
}

/// The leveller.
#[derive(Clone, Debug)]
pub struct Leveller {
    settings: LevellerSettings,
    attack: f64,
    release: f64,
    loudness: Loudness,
    gain_db: f64,
    now: f64,
    slope: f64,
}

impl Leveller {
    /// At no gain.
    pub fn new(settings: LevellerSettings) -> Self {
        Self {
            settings,
            attack: share(settings.attack_ms, PARTS_PER_MS),
            release: share(settings.release_ms, PARTS_PER_MS),
            loudness: Loudness::new(settings.window_ms),
            gain_db: 0.0,
            now: 1.0,
            slope: 0.0,
        }
    }

    /// Levels `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for part in frames.chunks_mut(PART) {
            let completed = self.loudness.take(part);
            for frame in part.iter_mut() {
                self.now += self.slope;
                *frame = frame.map(|sample| (f64::from(sample) * self.now) as f32);
            }
            if completed {
                self.look();
            }
        }
    }

    fn look(&mut self) {
        let settings = &self.settings;
        if self.loudness.lufs_of_last_part() >= settings.gate_lufs {
            let wanted = settings.target_lufs - self.loudness.lufs();
            let wanted = wanted.clamp(-settings.max_cut_db, settings.max_gain_db);
            let share = if wanted < self.gain_db { self.attack } else { self.release };
            self.gain_db += (wanted - self.gain_db) * share;
        }
        self.slope = (factor(self.gain_db) - self.now) / PART as f64;
    }

    /// Gain just now, in dB.
    pub fn gain_db(&self) -> f64 {
        self.gain_db
    }
}
