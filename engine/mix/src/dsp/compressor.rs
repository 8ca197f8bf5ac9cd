//! A compressor: what is above the threshold grows by less than it came.
//!
//! The gain is computed in dB eight frames at a time and moves in between in a straight line, so
//! that it costs little and never steps. Attack and release are the times in which 63 % of the way
//! is gone, in dB; the release begins when the peak's hold of 10 ms is over.

use super::detector::PeakHold;
use super::{decibels, factor, share};
use crate::{Frame, RATE};

/// Frames between two looks at the level.
const STEP: usize = 8;
const STEPS_PER_MS: f64 = RATE as f64 / 1_000.0 / STEP as f64;

/// How it acts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CompressorSettings {
    /// Level from which it acts, in dBFS peak.
    pub threshold_db: f64,
    /// dB that come in for one that goes out.
    pub ratio: f64,
    /// Width of the bend around the threshold, in dB.
    pub knee_db: f64,
    /// Time towards less gain.
    pub attack_ms: f64,
    /// Time towards more.
    pub release_ms: f64,
    /// Gain behind it, in dB.
    pub makeup_gain_db: f64,
}

/// The compressor; both channels move together.
#[derive(Clone, Debug)]
pub struct Compressor {
    settings: CompressorSettings,
    attack: f64,
    release: f64,
    hold: PeakHold,
    /// Gain in dB without make-up.
    gain_db: f64,
    now: f64,
    /// Peak since the last look, and that of the look before with its level: a peak is held for
    /// many looks, and a logarithm is dear.
    peak: f32,
    looked: (f32, f64),
    slope: f64,
    fill: usize,
}

impl Compressor {
    /// At rest.
    pub fn new(settings: CompressorSettings) -> Self {
        Self {
            settings,
            attack: share(settings.attack_ms, STEPS_PER_MS),
            release: share(settings.release_ms, STEPS_PER_MS),
            hold: PeakHold::new(),
            gain_db: 0.0,
            now: factor(settings.makeup_gain_db),
            peak: 0.0,
            looked: (0.0, decibels(0.0)),
            slope: 0.0,
            fill: 0,
        }
    }

    /// Gain in dB, without make-up, that a steady level comes to.
    pub fn static_gain_db(settings: &CompressorSettings, level_db: f64) -> f64 {
        let (over, knee) = (level_db - settings.threshold_db, settings.knee_db);
        let bend = 1.0 / settings.ratio - 1.0;
        if 2.0 * over <= -knee {
            0.0
        } else if 2.0 * over < knee {
            let into = over + knee / 2.0;
            bend * into * into / (2.0 * knee)
        } else {
            bend * over
        }
    }

    /// Compresses `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            self.peak = self.peak.max(self.hold.step(*frame));
            self.now += self.slope;
            *frame = frame.map(|sample| (f64::from(sample) * self.now) as f32);
            self.fill += 1;
            if self.fill == STEP {
                self.look();
            }
        }
    }

    fn look(&mut self) {
        if self.peak != self.looked.0 {
            self.looked = (self.peak, decibels(f64::from(self.peak)));
        }
        let wanted = Self::static_gain_db(&self.settings, self.looked.1);
        let share = if wanted < self.gain_db { self.attack } else { self.release };
        self.gain_db += (wanted - self.gain_db) * share;
        if (wanted - self.gain_db).abs() < 1e-9 {
            self.gain_db = wanted;
        }
        let next = factor(self.gain_db + self.settings.makeup_gain_db);
        self.slope = (next - self.now) / STEP as f64;
        (self.fill, self.peak) = (0, 0.0);
    }

    /// Gain just now in dB, without make-up: 0 or less.
    pub fn reduction_db(&self) -> f64 {
        self.gain_db
    }
}
