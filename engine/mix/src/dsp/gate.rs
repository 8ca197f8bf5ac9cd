//! A gate: what is below the threshold is lowered, after a hold.

use super::detector::PeakHold;
use super::{factor, per_frame};
use crate::{Frame, RATE};

/// How it acts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GateSettings {
    /// Level from which it is open, in dBFS peak.
    pub threshold_db: f64,
    /// Gain while it is closed, in dB.
    pub range_db: f64,
    /// Time of opening.
    pub attack_ms: f64,
    /// Time it stays open below the threshold.
    pub hold_ms: f64,
    /// Time of closing.
    pub release_ms: f64,
}

/// Level below the threshold at which an open gate begins to close: it does not flutter.
const HYSTERESIS_DB: f64 = 3.0;

/// The gate; both channels move together.
#[derive(Clone, Debug)]
pub struct Gate {
    open_from: f32,
    close_from: f32,
    closed: f64,
    attack: f64,
    release: f64,
    hold_frames: u32,
    peaks: PeakHold,
    gain: f64,
    open: bool,
    quiet: u32,
}

impl Gate {
    /// Closed.
    pub fn new(settings: GateSettings) -> Self {
        let closed = factor(settings.range_db);
        Self {
            open_from: factor(settings.threshold_db) as f32,
            close_from: factor(settings.threshold_db - HYSTERESIS_DB) as f32,
            closed,
            attack: per_frame(settings.attack_ms),
            release: per_frame(settings.release_ms),
            hold_frames: (settings.hold_ms * f64::from(RATE) / 1_000.0) as u32,
            peaks: PeakHold::new(),
            gain: closed,
            open: false,
            quiet: 0,
        }
    }

    /// Gates `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let peak = self.peaks.step(*frame);
            if peak >= self.open_from {
                (self.open, self.quiet) = (true, 0);
            } else if peak < self.close_from {
                self.quiet = self.quiet.saturating_add(1);
                self.open &= self.quiet <= self.hold_frames;
            }
            let (wanted, share) =
                if self.open { (1.0, self.attack) } else { (self.closed, self.release) };
            self.gain += (wanted - self.gain) * share;
            *frame = frame.map(|sample| (f64::from(sample) * self.gain) as f32);
        }
    }
}
