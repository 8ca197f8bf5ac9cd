//! The filter that reads between two frames: a windowed sinc, of which a whole place is the frame
//! itself.

use crate::resample::bessel_i0;
use std::sync::OnceLock;

/// Frames to either side of a place.
pub(super) const HALF: usize = 32;
/// Frames under the filter.
pub(super) const TAPS: usize = 2 * HALF;
/// Places between two frames; between them a straight line: an error of −118 dB.
const PHASES: usize = 1_024;
/// Kaiser window of 90 dB: flat to 21.8 kHz.
const BETA: f64 = 9.0;

/// The rows of the filter, one more than there are places.
pub(super) struct Kernel {
    rows: Vec<[f32; TAPS]>,
}

impl Kernel {
    /// Made once per process, not on the mix thread.
    pub(super) fn shared() -> &'static Self {
        static KERNEL: OnceLock<Kernel> = OnceLock::new();
        KERNEL.get_or_init(|| Self { rows: (0..=PHASES).map(row).collect() })
    }

    /// The factors at `part` (0 to 1) behind the frame at index `HALF − 1`.
    pub(super) fn at(&self, part: f64) -> [f32; TAPS] {
        let place = part.clamp(0.0, 1.0) * PHASES as f64;
        let index = (place as usize).min(PHASES - 1);
        let rest = (place - index as f64) as f32;
        let (low, high) = (&self.rows[index], &self.rows[index + 1]);
        let mut factors = [0.0; TAPS];
        for (factor, (low, high)) in factors.iter_mut().zip(low.iter().zip(high)) {
            *factor = low + (high - low) * rest;
        }
        factors
    }
}

fn row(phase: usize) -> [f32; TAPS] {
    let part = phase as f64 / PHASES as f64;
    let mut factors = [0.0_f64; TAPS];
    for (tap, factor) in factors.iter_mut().enumerate() {
        let x = tap as f64 - (HALF - 1) as f64 - part;
        let inside = 1.0 - (x / HALF as f64) * (x / HALF as f64);
        let angle = core::f64::consts::PI * x;
        let sinc = if x == 0.0 { 1.0 } else { libm::sin(angle) / angle };
        *factor = if inside <= 0.0 { 0.0 } else { sinc * bessel_i0(BETA * libm::sqrt(inside)) };
    }
    // Every row passes a constant unchanged.
    let total: f64 = factors.iter().sum();
    factors.map(|factor| (factor / total) as f32)
}
