//! Second-order filters, by the formulas of Robert Bristow-Johnson's Audio EQ Cookbook.

use crate::{Frame, RATE};
use std::f64::consts::PI;

/// Coefficients, with the leading one of the denominator at 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coefficients {
    b: [f64; 3],
    a: [f64; 2],
}

impl Coefficients {
    fn of(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|b| b / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    /// Lets everything through as it is.
    pub fn flat() -> Self {
        Self { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] }
    }

    /// Lifts or lowers around `hertz`.
    pub fn peaking(hertz: f64, gain_db: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        let a = libm::pow(10.0, gain_db / 40.0);
        Self::of(
            [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
        )
    }

    /// Lifts or lowers what is below `hertz`.
    pub fn low_shelf(hertz: f64, gain_db: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        let a = libm::pow(10.0, gain_db / 40.0);
        let root = 2.0 * libm::sqrt(a) * alpha;
        Self::of(
            [
                a * ((a + 1.0) - (a - 1.0) * cos + root),
                2.0 * a * ((a - 1.0) - (a + 1.0) * cos),
                a * ((a + 1.0) - (a - 1.0) * cos - root),
            ],
            [
                (a + 1.0) + (a - 1.0) * cos + root,
                -2.0 * ((a - 1.0) + (a + 1.0) * cos),
                (a + 1.0) + (a - 1.0) * cos - root,
            ],
        )
    }

    /// Lifts or lowers what is above `hertz`.
    pub fn high_shelf(hertz: f64, gain_db: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        let a = libm::pow(10.0, gain_db / 40.0);
        let root = 2.0 * libm::sqrt(a) * alpha;
        Self::of(
            [
                a * ((a + 1.0) + (a - 1.0) * cos + root),
                -2.0 * a * ((a - 1.0) + (a + 1.0) * cos),
                a * ((a + 1.0) + (a - 1.0) * cos - root),
            ],
            [
                (a + 1.0) - (a - 1.0) * cos + root,
                2.0 * ((a - 1.0) - (a + 1.0) * cos),
                (a + 1.0) - (a - 1.0) * cos - root,
            ],
        )
    }

    /// Takes away what is below `hertz`, 12 dB an octave.
    pub fn high_pass(hertz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        Self::of(
            [(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    /// Gain in dB at a frequency.
    pub fn gain_db_at(&self, hertz: f64) -> f64 {
        let w = 2.0 * PI * hertz / f64::from(RATE);
        let (c1, s1, c2, s2) = (libm::cos(w), libm::sin(w), libm::cos(2.0 * w), libm::sin(2.0 * w));
        let top = [self.b[0] + self.b[1] * c1 + self.b[2] * c2, -(self.b[1] * s1 + self.b[2] * s2)];
        let below = [1.0 + self.a[0] * c1 + self.a[1] * c2, -(self.a[0] * s1 + self.a[1] * s2)];
        let square = |z: [f64; 2]| z[0] * z[0] + z[1] * z[1];
        10.0 * libm::log10(square(top) / square(below))
    }
}

fn angle(hertz: f64, q: f64) -> (f64, f64) {
    let w = 2.0 * PI * hertz / f64::from(RATE);
    (libm::cos(w), libm::sin(w) / (2.0 * q))
}

/// A stereo filter (transposed direct form II, double precision).
#[derive(Clone, Debug)]
pub struct Biquad {
    c: Coefficients,
    state: [[f64; 2]; 2],
}

impl Biquad {
    /// A filter at rest.
    pub fn new(coefficients: Coefficients) -> Self {
        Self { c: coefficients, state: [[0.0; 2]; 2] }
    }

    /// Filters one instant.
    #[inline]
    pub fn step(&mut self, x: [f64; 2]) -> [f64; 2] {
        let Coefficients { b, a } = self.c;
        let mut y = [0.0; 2];
        for side in 0..2 {
            let state = &mut self.state[side];
            y[side] = b[0] * x[side] + state[0];
            state[0] = b[1] * x[side] - a[0] * y[side] + state[1];
            state[1] = b[2] * x[side] - a[1] * y[side];
        }
        y
    }

    /// Filters `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames.iter_mut() {
            let y = self.step([f64::from(frame[0]), f64::from(frame[1])]);
            *frame = [y[0] as f32, y[1] as f32];
        }
        // A tail that decays for ever ends in numbers that cost a hundred times as much.
        for state in self.state.iter_mut().flatten() {
            if state.abs() < 1e-30 || !state.is_finite() {
                *state = 0.0;
            }
        }
    }
}

impl Coefficients {
    /// The first filter of ITU-R BS.1770, at this rate.
    pub(crate) fn k_shelf(hertz: f64, gain_db: f64, q: f64) -> Self {
        let k = libm::tan(PI * hertz / f64::from(RATE));
        let vh = libm::pow(10.0, gain_db / 20.0);
        let vb = libm::pow(vh, 0.499_666_774_154_541_6);
        Self::of(
            [vh + vb * k / q + k * k, 2.0 * (k * k - vh), vh - vb * k / q + k * k],
            [1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k],
        )
    }

    /// The second one.
    pub(crate) fn k_low_cut(hertz: f64, q: f64) -> Self {
        let k = libm::tan(PI * hertz / f64::from(RATE));
        let below = 1.0 + k / q + k * k;
        Self {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) / below, (1.0 - k / q + k * k) / below],
        }
    }
}
