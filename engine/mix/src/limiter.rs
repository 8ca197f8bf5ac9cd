//! A look-ahead limiter for the programme, and the sum that lets an emergency in behind it.
//!
//! Below the ceiling it is a pure delay: the same bits leave, [`Limiter::latency_frames`] later.
//! What is held within the ceiling is the true peak, between the samples too.

use crate::true_peak::{DELAY, TruePeak};
use crate::{BLOCK, Frame};

/// Ceiling where nobody asks for another, in dBTP: encoders and meters read a little more.
pub const CEILING_DB: f32 = -1.2;
/// Look-ahead, and so the delay: 5 ms.
const LOOK_AHEAD: usize = 240;
/// Frames in the smoothing window: it has fully arrived at the least gain when the peak leaves,
/// which is known [`DELAY`] frames after it entered.
const WINDOW: usize = LOOK_AHEAD - DELAY + 1;
/// Frames that a peak is held beyond that: half a period at 50 Hz, so that the gain stands still on
/// a steady tone from there up and does not distort it.
const HOLD: usize = 480;
/// Peaks that can be waiting.
const KEPT: usize = WINDOW + HOLD;
/// Gains are kept as fixed-point numbers: their running sum is exact and never drifts.
const ONE: u64 = 1 << 40;
/// Time constant of the way back where nobody asks for another, in ms.
pub const RELEASE_MS: f64 = 100.0;

/// A stereo true-peak limiter: never above the ceiling, never early or late by a frame.
pub struct Limiter {
    ceiling: f32,
    /// No sample leaves above it: the ceiling, or the one before it while frames of its time leave.
    clamp: f32,
    clamp_until: u64,
    /// Share of the way back to 1 per frame, in 2^-24.
    release: u64,
    peaks: TruePeak,
    delay: Box<[Frame; LOOK_AHEAD]>,
    /// Gains wanted, least first: (frame number, gain). A ring used as a double-ended queue.
    wanted: Box<[(u64, u64); KEPT]>,
    head: usize,
    held: usize,
    /// Gains after release, over which the mean is taken.
    eased: Box<[u64; WINDOW]>,
    sum: u64,
    gain: u64,
    now: u64,
}

impl Limiter {
    /// A limiter with the usual ceiling.
    pub fn new() -> Self {
        Self::with_ceiling_db(CEILING_DB)
    }

    /// A limiter with this ceiling in dBTP.
    pub fn with_ceiling_db(ceiling_db: f32) -> Self {
        let ceiling = factor(ceiling_db);
        Self {
            ceiling,
            clamp: ceiling,
            clamp_until: 0,
            release: per_frame(RELEASE_MS),
            peaks: TruePeak::new(),
            delay: Box::new([[0.0; 2]; LOOK_AHEAD]),
            wanted: Box::new([(0, ONE); KEPT]),
            head: 0,
            held: 0,
            eased: Box::new([ONE; WINDOW]),
            sum: ONE * WINDOW as u64,
            gain: ONE,
            now: 0,
        }
    }

    /// Takes another ceiling in dBTP and way back in ms from the next frame on; the gain moves to
    /// it as to any peak.
    pub fn set(&mut self, ceiling_db: f32, release_ms: f64) {
        let before = self.clamp;
        self.ceiling = factor(ceiling_db);
        self.clamp = before.max(self.ceiling);
        self.clamp_until = self.now + 2 * LOOK_AHEAD as u64;
        self.release = per_frame(release_ms);
    }

    /// Frames by which what leaves is later than what enters.
    pub fn latency_frames(&self) -> i64 {
        LOOK_AHEAD as i64
    }

    /// The largest magnitude that leaves.
    pub fn ceiling(&self) -> f32 {
        self.ceiling
    }

    /// Limits `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        let mut peaks = [0.0; BLOCK];
        for part in frames.chunks_mut(BLOCK) {
            self.peaks.peaks(part, self.ceiling * 0.9, &mut peaks);
            if self.at_rest() && !self.exceeded(part, &peaks) {
                self.pass(part);
                continue;
            }
            for (frame, between) in part.iter_mut().zip(peaks) {
                *frame = self.step(*frame, between);
            }
        }
    }

    /// Nothing is held back, and nothing that was seen asks for it.
    fn at_rest(&self) -> bool {
        let unasked = self.held == 0 || self.wanted[self.head].1 == ONE;
        unasked && self.gain == ONE && self.sum == ONE * WINDOW as u64
    }

    fn exceeded(&self, part: &[Frame], peaks: &[f32]) -> bool {
        let most = part.iter().zip(peaks).fold(0f32, |most, (frame, between)| {
            most.max(*between).max(frame[0].abs()).max(frame[1].abs())
        });
        most > self.ceiling
    }

    /// What [`Self::step`] comes to for frames that ask for nothing, while at rest: a delay.
    fn pass(&mut self, part: &mut [Frame]) {
        let mut place = (self.now % LOOK_AHEAD as u64) as usize;
        for frame in part.iter_mut() {
            core::mem::swap(&mut self.delay[place], frame);
            place = if place + 1 == LOOK_AHEAD { 0 } else { place + 1 };
        }
        let before = self.now;
        self.now += part.len() as u64;
        if before < self.clamp_until && self.clamp_until <= self.now {
            self.clamp = self.ceiling;
        }
        (self.head, self.held) = (0, 0);
    }

    /// `between` is the peak around the frame that entered [`DELAY`] frames before.
    fn step(&mut self, entering: Frame, between: f32) -> Frame {
        let peak = between.max(entering[0].abs()).max(entering[1].abs());
        let least = self.least_wanted(self.gain_for(peak));
        // Down at once (the mean below makes it smooth), up slowly.
        self.gain = if least <= self.gain {
            least
        } else {
            let back = ((least - self.gain) * self.release) >> 24;
            // Too near for the fixed point to move: it has arrived (1e-7 of full gain).
            if back == 0 { least } else { self.gain + back }
        };
        let slot = (self.now % WINDOW as u64) as usize;
        self.sum = self.sum - self.eased[slot] + self.gain;
        self.eased[slot] = self.gain;
        let place = (self.now % LOOK_AHEAD as u64) as usize;
        let leaving = core::mem::replace(&mut self.delay[place], entering);
        self.now += 1;
        if self.now == self.clamp_until {
            self.clamp = self.ceiling;
        }
        if self.sum == ONE * WINDOW as u64 {
            return leaving;
        }
        let gain = self.sum as f64 / (ONE * WINDOW as u64) as f64;
        leaving.map(|sample| ((f64::from(sample) * gain) as f32).clamp(-self.clamp, self.clamp))
    }

    fn gain_for(&self, peak: f32) -> u64 {
        if peak <= self.ceiling || peak.is_nan() {
            return ONE;
        }
        (f64::from(self.ceiling) / f64::from(peak) * ONE as f64) as u64
    }

    /// The least gain wanted over the last [`KEPT`] frames.
    fn least_wanted(&mut self, gain: u64) -> u64 {
        while self.held > 0 && self.wanted[(self.head + self.held - 1) % KEPT].1 >= gain {
            self.held -= 1;
        }
        if self.held > 0 && self.wanted[self.head].0 + KEPT as u64 <= self.now {
            self.head = (self.head + 1) % KEPT;
            self.held -= 1;
        }
        self.wanted[(self.head + self.held) % KEPT] = (self.now, gain);
        self.held += 1;
        self.wanted[self.head].1
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

fn factor(db: f32) -> f32 {
    libm::pow(10.0, f64::from(db) / 20.0) as f32
}

fn per_frame(ms: f64) -> u64 {
    (crate::dsp::per_frame(ms) * f64::from(1 << 24)) as u64
}

/// Adds `over` to `bus` and holds the sum within ±`ceiling`: the way in for what must not wait
/// for a look-ahead.
pub fn sum_with_ceiling(bus: &mut [Frame], over: &[Frame], ceiling: f32) {
    for (sum, frame) in bus.iter_mut().zip(over) {
        sum[0] = (sum[0] + frame[0]).clamp(-ceiling, ceiling);
        sum[1] = (sum[1] + frame[1]).clamp(-ceiling, ceiling);
    }
}
