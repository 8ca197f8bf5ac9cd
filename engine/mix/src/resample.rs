//! Any rate from 8 to 192 kHz to 48 kHz: a windowed sinc, evaluated at exact rational positions.
//!
//! Output frame `k` is the band-limited input at input position `k · M / L` (with 48000 / rate =
//! L / M in lowest terms), so the filter has no delay and any output frame depends on nothing but
//! the input around it: starting at frame `k` gives the bits that a start at 0 gives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{Frame, RATE};
use multiversion::multiversion;

/// Lowest rate taken, in Hz.
pub const MIN_RATE: u32 = 8_000;
/// Highest rate taken, in Hz.
pub const MAX_RATE: u32 = 192_000;
/// Kaiser window parameter for 112 dB of stopband: 0.1102 · (112 − 8.7).
const BETA: f64 = 11.38;
/// Half the filter, in periods of the lower of the two rates: with [`BETA`] the transition is
/// 0.09 of the lower Nyquist rate wide (20.0 to 22.05 kHz from 44.1 kHz).
const HALF_PERIODS: usize = 80;
/// Pass band plus half the transition, as a share of the lower Nyquist rate.
const CUT: f64 = 0.955;
/// Ratios with more phases than this share a table of [`SHARED_PHASES`], read by interpolation.
const MAX_PHASES: usize = 1_024;
/// An error of (π / 2048)² / 8, −130 dB.
const SHARED_PHASES: usize = 2_048;
/// The sums of the products run in so many lanes.
const LANES: usize = 8;
/// Consumed input is dropped once it is this long.
const KEEP: usize = 8_192;

/// Output frames of `frames` input frames at `rate`: every 48 kHz instant before the input's end.
pub fn frames_at_48k(frames: i64, rate: u32) -> i64 {
    ((frames as i128 * i128::from(RATE) + i128::from(rate) - 1).div_euclid(i128::from(rate))) as i64
}

/// The filter of one rate: `phases` rows of `taps` factors.
struct Table {
    /// Input frames to either side of a position.
    half: usize,
    phases: usize,
    /// True if rows are interpolated ([`SHARED_PHASES`] plus one row).
    shared: bool,
    factors: Vec<f32>,
}

impl Table {
    /// Computed once per rate and process: the tables of common rates take milliseconds to make.
    fn of(rate: u32, up: i64) -> Arc<Self> {
        static TABLES: OnceLock<Mutex<BTreeMap<u32, Arc<Table>>>> = OnceLock::new();
        let tables = TABLES.get_or_init(Mutex::default);
        let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(rate).or_insert_with(|| Arc::new(Self::compute(rate, up))))
    }

    fn compute(rate: u32, up: i64) -> Self {
        // Narrower than the input's own band when going down, so as many input frames more.
        let scale = (f64::from(RATE) / f64::from(rate)).min(1.0);
        let wanted = libm::ceil(HALF_PERIODS as f64 / scale) as usize;
        let half = wanted.next_multiple_of(LANES / 2);
        let shared = up as usize > MAX_PHASES;
        let phases = if shared { SHARED_PHASES } else { up as usize };
        let rows = phases + usize::from(shared);
        let mut factors = Vec::with_capacity(rows * half * 2);
        let mut row = vec![0.0_f64; half * 2];
        for phase in 0..rows {
            let at = phase as f64 / phases as f64;
            for (tap, factor) in row.iter_mut().enumerate() {
                *factor = windowed_sinc(at + (half as f64 - 1.0) - tap as f64, half, scale);
            }
            // Every row passes a constant unchanged.
            let total: f64 = row.iter().sum();
            factors.extend(row.iter().map(|factor| (factor / total) as f32));
        }
        Self { half, phases, shared, factors }
    }

    fn row(&self, index: usize) -> &[f32] {
        let taps = self.half * 2;
        &self.factors[index * taps..(index + 1) * taps]
    }
}

fn windowed_sinc(at: f64, half: usize, scale: f64) -> f64 {
    let place = at / half as f64;
    let rest = 1.0 - place * place;
    if rest <= 0.0 {
        return 0.0;
    }
    let x = core::f64::consts::PI * at * scale * CUT;
    let sinc = if x == 0.0 { 1.0 } else { libm::sin(x) / x };
    sinc * bessel_i0(BETA * libm::sqrt(rest))
}

/// The modified Bessel function of order 0, by its series (all terms positive, so no loss).
pub(crate) fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Turns a stream of frames at one rate into frames at 48 kHz.
pub struct Resampler {
    table: Arc<Table>,
    rate: u32,
    up: i64,
    down: i64,
    left: Vec<f32>,
    right: Vec<f32>,
    /// Input frame that stands at index 0 of `left` and `right`.
    first: i64,
    /// Next output frame, and the first input frame under the filter there.
    next: i64,
    under: i64,
    /// The next output frame's place between two input frames, in parts of `up`.
    phase: i64,
    /// Output frames in all, once the input's end is known.
    total: Option<i64>,
}

impl Resampler {
    /// A resampler from `rate`, at output frame 0; `None` outside [`MIN_RATE`]..=[`MAX_RATE`].
    pub fn new(rate: u32) -> Option<Self> {
        if !(MIN_RATE..=MAX_RATE).contains(&rate) {
            return None;
        }
        let common = gcd(RATE, rate);
        let (up, down) = (i64::from(RATE / common), i64::from(rate / common));
        let table = Table::of(rate, up);
        let mut resampler = Self {
            table,
            rate,
            up,
            down,
            left: Vec::new(),
            right: Vec::new(),
            first: 0,
            next: 0,
            under: 0,
            phase: 0,
            total: None,
        };
        resampler.seek(0);
        Some(resampler)
    }

    /// Goes to output frame `frame` and forgets all input; the input frame to push from.
    pub fn seek(&mut self, frame: i64) -> i64 {
        self.next = frame.max(0);
        self.total = None;
        let place = self.next * self.down;
        self.under = place.div_euclid(self.up) - self.table.half as i64 + 1;
        self.phase = place.rem_euclid(self.up);
        self.first = self.under;
        self.left.clear();
        self.right.clear();
        // Silence stands before the input's first frame.
        let before = self.first.min(0).unsigned_abs() as usize;
        self.left.resize(before, 0.0);
        self.right.resize(before, 0.0);
        self.first.max(0)
    }

    /// Next output frame.
    pub fn position(&self) -> i64 {
        self.next
    }

    /// Appends input frames.
    pub fn push(&mut self, frames: &[Frame]) {
        self.left.extend(frames.iter().map(|frame| frame[0]));
        self.right.extend(frames.iter().map(|frame| frame[1]));
    }

    /// Says that no input follows: silence stands after the last frame.
    pub fn finish(&mut self) {
        if self.total.is_none() {
            let end = self.first + self.left.len() as i64;
            self.total = Some(frames_at_48k(end.max(0), self.rate));
            let after = self.left.len() + self.table.half;
            self.left.resize(after, 0.0);
            self.right.resize(after, 0.0);
        }
    }

    /// Writes as many output frames as the input allows; how many.
    pub fn pull(&mut self, out: &mut [Frame]) -> usize {
        let taps = self.table.half * 2;
        let room = self.total.map_or(i64::MAX, |total| (total - self.next).max(0));
        let (whole, rest) = (self.down / self.up, self.down % self.up);
        let mut done = 0;
        while done < out.len() && (done as i64) < room {
            let begin = (self.under - self.first) as usize;
            let (Some(left), Some(right)) =
                (self.left.get(begin..begin + taps), self.right.get(begin..begin + taps))
            else {
                break;
            };
            out[done] = self.frame(left, right);
            done += 1;
            // The next instant, without a division.
            self.under += whole;
            self.phase += rest;
            if self.phase >= self.up {
                self.phase -= self.up;
                self.under += 1;
            }
        }
        self.next += done as i64;
        self.drop_consumed();
        done
    }

    fn frame(&self, left: &[f32], right: &[f32]) -> Frame {
        if !self.table.shared {
            return products(self.table.row(self.phase as usize), left, right);
        }
        let scaled = self.phase * self.table.phases as i64;
        let (row, rest) = ((scaled / self.up) as usize, scaled % self.up);
        let part = (rest as f64 / self.up as f64) as f32;
        let low = products(self.table.row(row), left, right);
        let high = products(self.table.row(row + 1), left, right);
        [low[0] + (high[0] - low[0]) * part, low[1] + (high[1] - low[1]) * part]
    }

    fn drop_consumed(&mut self) {
        let begin = ((self.under - self.first).max(0) as usize).min(self.left.len());
        if begin >= KEEP {
            self.left.drain(..begin);
            self.right.drain(..begin);
            self.first += begin as i64;
        }
    }
}

/// The sums of `row · left` and `row · right`. Lanes in a fixed order: the same bits everywhere.
///
/// By index and with the lanes summed in turn: the compiler makes vectors of this form whatever
/// it inlines, of iterators only at times (measured: up to seven times slower).
#[multiversion(targets("x86_64+avx2"))]
#[expect(clippy::needless_range_loop, reason = "see above")]
fn products(row: &[f32], left: &[f32], right: &[f32]) -> Frame {
    let (row, _) = row.as_chunks::<LANES>();
    let (left, _) = left.as_chunks::<LANES>();
    let (right, _) = right.as_chunks::<LANES>();
    let (left, right) = (&left[..row.len()], &right[..row.len()]);
    let mut lanes = [[0.0_f32; LANES]; 2];
    for at in 0..row.len() {
        for lane in 0..LANES {
            lanes[0][lane] += row[at][lane] * left[at][lane];
            lanes[1][lane] += row[at][lane] * right[at][lane];
        }
    }
    let mut sums = [0.0; 2];
    for lane in 0..LANES {
        sums[0] += lanes[0][lane];
        sums[1] += lanes[1][lane];
    }
    sums
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
