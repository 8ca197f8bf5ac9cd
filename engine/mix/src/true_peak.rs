//! The peak between the samples: what a converter or an encoder makes of them.
//!
//! Four times as many samples by a windowed sinc that is flat to 20 kHz, and a parabola through the
//! largest of them: at 20 kHz within 0.1 dB.

use crate::resample::bessel_i0;
use crate::{BLOCK, Frame};
use multiversion::multiversion;

/// Samples to each side that an interpolated one is made of.
const REACH: usize = 16;
const TAPS: usize = 2 * REACH;
/// Frames by which a peak is known later than it enters.
pub(crate) const DELAY: usize = REACH + 1;
/// Interpolated samples for one that came, beside itself.
const BETWEEN: usize = 3;
/// Frames that are interpolated together: as many sums as registers hold.
const GROUP: usize = 16;
const _: () = assert!(BLOCK.is_multiple_of(GROUP));

/// The filter of one place between two samples.
type Phase = [f32; TAPS];
/// Magnitudes at one place behind each frame, after that of the last frame before.
type Points = [f32; 1 + BLOCK];

/// Peaks of a stream, one for each frame.
#[derive(Clone)]
pub struct TruePeak {
    phases: [Phase; BETWEEN],
    sides: [Side; 2],
}

#[derive(Clone)]
struct Side {
    /// What came before, and the block behind it.
    line: Box<[f32; TAPS + BLOCK]>,
    /// At the sample itself, and at the places behind it.
    points: [Box<Points>; 1 + BETWEEN],
}

impl Side {
    fn new() -> Self {
        Self {
            line: Box::new([0.0; TAPS + BLOCK]),
            points: [(); 1 + BETWEEN].map(|()| Box::new([0.0; 1 + BLOCK])),
        }
    }

    /// Takes the next frames of this side: after it `points` are theirs.
    fn take(&mut self, samples: impl ExactSizeIterator<Item = f32>, phases: &[Phase; BETWEEN]) {
        let count = samples.len();
        for (place, sample) in self.line[TAPS..].iter_mut().zip(samples) {
            *place = if sample.is_finite() { sample } else { 0.0 };
        }
        interpolate(&self.line, phases, &mut self.points, count);
    }

    /// Largest points around each frame, in `out` where they are larger than what is there.
    fn largest(&self, out: &mut [f32]) {
        let [own, first, second, third] = &self.points;
        for (n, out) in out.iter_mut().enumerate() {
            *out = third[n].max(own[n + 1]).max(first[n + 1]).max(second[n + 1]).max(*out);
        }
    }

    /// The top around a frame: of the parabola through each point that no neighbour exceeds.
    fn top(&self, n: usize, from: f32) -> f32 {
        let [own, first, second, third] = &self.points;
        let near = [second[n], third[n], own[n + 1], first[n + 1], second[n + 1], third[n + 1]];
        near.windows(3).fold(0.0, |most: f32, near| {
            let &[before, middle, after] = near else { return most };
            let high = middle >= from && middle >= before && middle >= after;
            most.max(if high { top(before, middle, after) } else { middle })
        })
    }

    /// What came last is what was before, `count` frames later.
    fn pass(&mut self, count: usize) {
        self.line.copy_within(count..count + TAPS, 0);
        for points in &mut self.points {
            points[0] = points[count];
        }
    }
}

impl TruePeak {
    /// After silence.
    pub fn new() -> Self {
        Self {
            phases: [1, 2, 3].map(|n| phase(n as f64 / (BETWEEN + 1) as f64)),
            sides: [Side::new(), Side::new()],
        }
    }

    /// For each frame the largest magnitude around the frame 17 before it, both channels. `from`:
    /// below it the parabola is spared. At most [`BLOCK`] frames.
    pub fn peaks(&mut self, frames: &[Frame], from: f32, out: &mut [f32; BLOCK]) {
        let out = self.take(frames, out);
        for side in &self.sides {
            for (n, out) in out.iter_mut().enumerate() {
                if *out >= from {
                    *out = out.max(side.top(n, from));
                }
            }
        }
        self.pass(out.len());
    }

    /// The largest magnitude of at most [`BLOCK`] frames, 17 before them.
    pub fn highest(&mut self, frames: &[Frame]) -> f32 {
        let mut out = [0.0; BLOCK];
        let out = self.take(frames, &mut out);
        let highest = out.iter().fold(0f32, |most, point| most.max(*point));
        // A parabola rises by less than an eighth of its middle point.
        let from = (highest / 1.125).max(f32::MIN_POSITIVE);
        let mut most = highest;
        for side in &self.sides {
            for (n, out) in out.iter().enumerate() {
                if *out >= from {
                    most = most.max(side.top(n, from));
                }
            }
        }
        self.pass(out.len());
        most
    }

    /// Takes frames; answers the largest points around each, both sides.
    fn take<'a>(&mut self, frames: &[Frame], out: &'a mut [f32; BLOCK]) -> &'a mut [f32] {
        let frames = &frames[..frames.len().min(BLOCK)];
        let out = &mut out[..frames.len()];
        out.fill(0.0);
        for (number, side) in self.sides.iter_mut().enumerate() {
            side.take(frames.iter().map(|frame| frame[number]), &self.phases);
            side.largest(out);
        }
        out
    }

    fn pass(&mut self, count: usize) {
        self.sides.iter_mut().for_each(|side| side.pass(count));
    }
}

impl Default for TruePeak {
    fn default() -> Self {
        Self::new()
    }
}

/// Magnitudes at a sample and behind it, of `count` frames: every instruction set adds up the same
/// numbers in the same order, so the same bits leave.
#[multiversion(targets("x86_64+avx2"))]
fn interpolate(
    line: &[f32; TAPS + BLOCK],
    phases: &[Phase; BETWEEN],
    points: &mut [Box<Points>; 1 + BETWEEN],
    count: usize,
) {
    let [own, between @ ..] = points;
    for (point, sample) in own[1..].iter_mut().zip(&line[REACH..REACH + count]) {
        *point = sample.abs();
    }
    for first in (0..count).step_by(GROUP) {
        let mut sums = [[0f32; GROUP]; BETWEEN];
        for k in 0..TAPS {
            let window = &line[first + k + 1..][..GROUP];
            for (sums, phase) in sums.iter_mut().zip(phases) {
                for (sum, sample) in sums.iter_mut().zip(window) {
                    *sum += phase[k] * sample;
                }
            }
        }
        for (points, sums) in between.iter_mut().zip(&sums) {
            for (point, sum) in points[1 + first..][..GROUP].iter_mut().zip(sums) {
                *point = sum.abs();
            }
        }
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
    if x.abs() >= 1.0 { 0.0 } else { bessel_i0(BETA * libm::sqrt(1.0 - x * x)) / bessel_i0(BETA) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise whose loud and quiet parts take turns.
    fn programme() -> Vec<Frame> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let loud = |n: usize| if (n / 3_000).is_multiple_of(2) { 1.0 } else { 0.05 };
        (0..48_000).map(|n| [next() * loud(n), next() * loud(n + 1_000)]).collect()
    }

    #[test]
    fn whatever_the_registers_the_bits_are_those_of_one_sum_after_another() {
        let mut peaks = TruePeak::new();
        let frames = programme();
        let count = 479;
        let mut out = [0.0; BLOCK];
        peaks.take(&frames[..count], &mut out);
        for (number, side) in peaks.sides.iter().enumerate() {
            let sample = |n: usize| n.checked_sub(TAPS).map_or(0.0, |n| frames[n][number]);
            for (points, phase) in side.points[1..].iter().zip(&peaks.phases) {
                for n in 0..count {
                    let mut sum = 0f32;
                    for (k, tap) in phase.iter().enumerate() {
                        sum += tap * sample(n + k + 1);
                    }
                    assert_eq!(points[n + 1].to_bits(), sum.abs().to_bits(), "frame {n}");
                }
            }
        }
    }

    #[test]
    fn the_highest_of_a_block_is_the_largest_of_its_peaks_however_it_is_cut() {
        let frames = programme();
        let (mut each, mut whole) = (TruePeak::new(), TruePeak::new());
        let (mut one_by_one, mut at) = (Vec::new(), 0);
        for length in [480, 7, 480, 100, 1, 479, 33, 16].into_iter().cycle() {
            let part = &frames[at..(at + length).min(frames.len())];
            if part.is_empty() {
                break;
            }
            at += part.len();
            let mut out = [0.0; BLOCK];
            each.peaks(part, f32::MIN_POSITIVE, &mut out);
            let largest = out[..part.len()].iter().fold(0f32, |most, peak| most.max(*peak));
            assert_eq!(whole.highest(part), largest);
            one_by_one.extend_from_slice(&out[..part.len()]);
        }
        let mut anew = TruePeak::new();
        for (part, before) in frames.chunks(BLOCK).zip(one_by_one.chunks(BLOCK)) {
            let mut out = [0.0; BLOCK];
            anew.peaks(part, f32::MIN_POSITIVE, &mut out);
            assert_eq!(out[..part.len()], *before);
        }
    }
}
