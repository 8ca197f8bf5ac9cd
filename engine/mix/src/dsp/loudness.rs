//! Loudness as ITU-R BS.1770 weighs it, over a sliding window: what the levellers follow.
//!
//! The live meter ([`crate::meter`]) weighs by the same filters; analysis of files is by the
//! `ebur128` crate, outside of the mix.

use super::biquad::{Biquad, Coefficients};
use crate::{Frame, RATE};

/// Frames of one part of the window: 10 ms.
pub const PART: usize = 480;
/// Longest window in parts: 10 s.
pub const MOST_PARTS: usize = 1_000;

/// The two filters of BS.1770, for both sides.
#[derive(Clone, Debug)]
pub struct Weighting {
    shelf: Biquad,
    low_cut: Biquad,
}

impl Weighting {
    /// After silence.
    pub fn new() -> Self {
        // By their frequencies, gain and quality.
        Self { shelf: Biquad::new(high_shelf_of_1770()), low_cut: Biquad::new(low_cut_of_1770()) }
    }

    /// Square of the next frame, summed over the sides.
    #[inline]
    fn square(&mut self, frame: Frame) -> f64 {
        let x = [f64::from(frame[0]), f64::from(frame[1])];
        let y = self.low_cut.step(self.shelf.step(x));
        y[0] * y[0] + y[1] * y[1]
    }

    /// Mean square of the next frames, summed over the sides.
    pub fn power(&mut self, frames: &[Frame]) -> f64 {
        let sum: f64 = frames.iter().map(|frame| self.square(*frame)).sum();
        if sum.is_finite() { sum / frames.len().max(1) as f64 } else { 0.0 }
    }
}

impl Default for Weighting {
    fn default() -> Self {
        Self::new()
    }
}

/// K-weighted loudness of the last parts.
#[derive(Clone, Debug)]
pub struct Loudness {
    weighting: Weighting,
    parts: Vec<f64>,
    next: usize,
    held: usize,
    sum: f64,
    part: f64,
    fill: usize,
}

impl Loudness {
    /// Over a window of `ms`, 10 ms to 10 s.
    pub fn new(ms: f64) -> Self {
        let count = ((ms * f64::from(RATE) / 1_000.0 / PART as f64) as usize).clamp(1, MOST_PARTS);
        Self {
            weighting: Weighting::new(),
            parts: vec![0.0; count],
            next: 0,
            held: 0,
            sum: 0.0,
            part: 0.0,
            fill: 0,
        }
    }

    /// Takes frames; true where a part was completed among them.
    pub fn take(&mut self, frames: &[Frame]) -> bool {
        let mut completed = false;
        for frame in frames {
            self.part += self.weighting.square(*frame);
            self.fill += 1;
            if self.fill == PART {
                self.close();
                completed = true;
            }
        }
        completed
    }

    fn close(&mut self) {
        let part = if self.part.is_finite() { self.part / PART as f64 } else { 0.0 };
        self.parts[self.next] = part;
        self.next = (self.next + 1) % self.parts.len();
        self.held = (self.held + 1).min(self.parts.len());
        // Added up anew: a running sum would drift over the years.
        self.sum = self.parts.iter().sum();
        (self.part, self.fill) = (0.0, 0);
    }

    /// In LUFS over what is held; −200 for silence.
    pub fn lufs(&self) -> f64 {
        lufs(self.sum / self.held.max(1) as f64)
    }

    /// In LUFS over the last part.
    pub fn lufs_of_last_part(&self) -> f64 {
        let last = (self.next + self.parts.len() - 1) % self.parts.len();
        lufs(self.parts[last])
    }

    /// Parts that are held.
    pub fn held_parts(&self) -> usize {
        self.held
    }
}

/// Loudness of a power; −200 for nothing.
pub fn lufs(power: f64) -> f64 {
    if power <= 1e-20 { -200.0 } else { -0.691 + 10.0 * libm::log10(power) }
}

fn high_shelf_of_1770() -> Coefficients {
    Coefficients::k_shelf(1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6)
}

fn low_cut_of_1770() -> Coefficients {
    Coefficients::k_low_cut(38.135_470_876_024_44, 0.500_327_037_323_877_3)
}
