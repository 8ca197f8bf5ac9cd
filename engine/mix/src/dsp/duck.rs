//! Talk-over: what is under a voice is lowered while the voice is heard, by the voice itself.

use super::detector::PeakHold;
use super::{factor, per_frame};
use crate::{Frame, RATE};

/// How it acts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DuckSettings {
    /// Level of the voice from which it acts, in dBFS peak.
    pub threshold_db: f64,
    /// Gain of what is under it, in dB: 0 or less.
    pub reduction_db: f64,
    /// Time of going down.
    pub attack_ms: f64,
    /// Time it stays down after a word.
    pub hold_ms: f64,
    /// Time of coming back.
    pub release_ms: f64,
}

impl Default for DuckSettings {
    fn default() -> Self {
        Self {
            threshold_db: -40.0,
            reduction_db: -12.0,
            attack_ms: 20.0,
            hold_ms: 500.0,
            release_ms: 400.0,
        }
    }
}

/// Nearer than this to where it goes, the gain is there: −100 dB off.
const ARRIVED: f64 = 1e-5;

/// The ducker.
#[derive(Clone, Debug)]
pub struct Duck {
    threshold: f32,
    low: f64,
    attack: f64,
    release: f64,
    hold_frames: u32,
    peaks: PeakHold,
    quiet: u32,
    gain: f64,
}

impl Duck {
    /// With nobody speaking.
    pub fn new(settings: DuckSettings) -> Self {
        let hold_frames = (settings.hold_ms * f64::from(RATE) / 1_000.0) as u32;
        Self {
            threshold: factor(settings.threshold_db) as f32,
            low: factor(settings.reduction_db),
            attack: per_frame(settings.attack_ms),
            release: per_frame(settings.release_ms),
            hold_frames,
            peaks: PeakHold::new(),
            quiet: hold_frames,
            gain: 1.0,
        }
    }

    /// Acts in another way from here on; where the gain stands, it goes on.
    pub fn set(&mut self, settings: DuckSettings) {
        let (gain, peaks) = (self.gain, self.peaks.clone());
        *self = Self { gain, peaks, ..Self::new(settings) };
    }

    /// Nothing is lowered, and nothing will be while nobody speaks.
    pub fn at_rest(&self) -> bool {
        self.gain >= 1.0 && self.quiet >= self.hold_frames.max(1)
    }

    /// Gain just now, as a factor.
    pub fn gain(&self) -> f64 {
        self.gain
    }

    /// Lowers `bed` by what `voice` says; both have the same length.
    pub fn process(&mut self, bed: &mut [Frame], voice: &[Frame]) {
        for (frame, voice) in bed.iter_mut().zip(voice) {
            if self.peaks.step(*voice) >= self.threshold {
                self.quiet = 0;
            } else {
                self.quiet = self.quiet.saturating_add(1);
            }
            let speaks = self.quiet < self.hold_frames.max(1);
            let (wanted, share) =
                if speaks { (self.low, self.attack) } else { (1.0, self.release) };
            self.gain += (wanted - self.gain) * share;
            if (wanted - self.gain).abs() < ARRIVED {
                self.gain = wanted;
            }
            *frame = frame.map(|sample| (f64::from(sample) * self.gain) as f32);
        }
    }
}
