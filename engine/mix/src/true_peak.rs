//! The peak between the samples: what a converter or an encoder makes of them.
//!
//! Four times as many samples by a windowed sinc that is flat to 20 kHz, and a parabola through the
//! largest of them: at 20 kHz within 0.1 dB.

use crate::{BLOCK, Frame};

/// Samples to each side that an interpolated one is made of.
const REACH: usize = 16;
const TAPS: usize = 2 * REACH;
/// Frames by which a peak is known later than it enters.
pub(crate) const DELAY: usize = REACH + 1;
/// Interpolated samples for one that came, beside itself.
const BETWEEN: usize = 3;

/// The filter of one place between two samples.
type Phase = [f32; TAPS];

/// Peaks of a stream, one for each frame.
#[derive(Clone)]
pub struct TruePeak {
    phases: [Phase; BETWEEN],
    /// What came before, per channel, and the block behind it.
    line: [Box<[f32; TAPS + BLOCK]>; 2],
    points: [Box<[f32; BLOCK]>; BETWEEN],
    /// The last two interpolated magnitudes per channel.
    last: [[f32; 2]; 2],
}

impl TruePeak {
    /// After silence.
    pub fn new() -> Self {
        Self {
            phases: [1, 2, 3].map(|n| phase(n as f64 / (BETWEEN + 1) as f64)),
            line: [Box::new([0.0; TAPS + BLOCK]), Box::new([0.0; TAPS + BLOCK])],
            points: [(); BETWEEN].map(|()| Box::new([0.0; BLOCK])),
            last: [[0.0; 2]; 2],
        }
    }

    /// For each frame the largest magnitude around the frame 17 before it, both channels. `from`:
    /// below it the parabola is spared. At most [`BLOCK`] frames.
    pub fn peaks(&mut self, frames: &[Frame], from: f32, out: &mut [f32; BLOCK]) {
        let count = frames.len().min(BLOCK);
        out[..count].fill(0.0);
        for side in 0..2 {
            let line = &mut self.line[side];
            for (n, frame) in frames[..count].iter().enumerate() {
                let sample = frame[side];
                line[TAPS + n] = if sample.is_finite() { sample } else { 0.0 };
            }
            for (points, phase) in self.points.iter_mut().zip(&self.phases) {
                let points = &mut points[..count];
                points.fill(0.0);
                // Sample by sample of the filter, so that the compiler can take frames in groups.
                for (k, tap) in phase.iter().enumerate() {
                    let window = &line[k + 1..k + 1 + count];
                    for (point, sample) in points.iter_mut().zip(window) {
                        *point += tap * sample;
                    }
                }
            }
            let mut last = self.last[side];
            for n in 0..count {
                // The sample itself, and the three behind it.
                let own = line[n + REACH].abs();
                let near = [own, self.points[0][n], self.points[1][n], self.points[2][n]];
                for point in near.map(f32::abs) {
                    let [before, middle] = last;
                    out[n] = out[n].max(if middle >= from && middle >= before && middle >= point {
                        top(before, middle, point)
                    } else {
                        middle
                    });
                    last = [middle, point];
                }
            }
            self.last[side] = last;
            line.copy_within(count..count + TAPS, 0);
        }
    }
}

impl Default for TruePeak {
    fn default() -> Self {
        Self::new()
    }
}

/// The top of the parabola through three points of which the middle one is largest.
fn top(before: f32, middle: f32, after: f32) -> f32 {
    let bend = 2.0 * middle - before - after;
    if bend <= 0.0 {
        return middle;
    }
    middle + (after - before) * (after - before) / (8.0 * bend)
}

/// A sinc at a distance from the samples, under a Kaiser window; its sum is 1.
fn phase(at: f64) -> Phase {
    let mut taps = [0.0; TAPS];
    for (k, tap) in taps.iter_mut().enumerate() {
        // The line holds the older samples first; the point lies `at` behind sample REACH − 1.
        let distance = k as f64 - (REACH as f64 - 1.0) - at;
        let x = std::f64::consts::PI * distance;
        let sinc = if x.abs() < 1e-12 { 1.0 } else { libm::sin(x) / x };
        *tap = sinc * kaiser(distance / REACH as f64);
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

fn kaiser(x: f64) -> f64 {
    const BETA: f64 = 8.0;
    if x.abs() >= 1.0 { 0.0 } else { bessel(BETA * libm::sqrt(1.0 - x * x)) / bessel(BETA) }
}

/// The modified Bessel function of order zero.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= (x / 2.0 / f64::from(n)) * (x / 2.0 / f64::from(n));
        sum += term;
    }
    sum
}
