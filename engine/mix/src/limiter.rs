//! A look-ahead limiter for the programme, and the sum that lets an emergency in behind it.
//!
//! Below the ceiling it is a pure delay: the same bits leave, [`Limiter::latency_frames`] later.

use crate::Frame;

/// Look-ahead, and so the delay (5 ms): half a period at 100 Hz, so that the gain stands still on
/// a steady tone from there up and does not distort it.
const LOOK_AHEAD: usize = 240;
/// Frames in the smoothing window; one more than the delay, so that it has fully arrived at the
/// least gain when the peak leaves.
const WINDOW: usize = LOOK_AHEAD + 1;
/// Gains are kept as fixed-point numbers: their running sum is exact and never drifts.
const ONE: u64 = 1 << 40;
/// Share of the way back to 1 per frame, in 2^-24 (time constant 100 ms at 48 kHz).
const RELEASE: u64 = (1 << 24) / 4_800;

/// A stereo sample-peak limiter: never above the ceiling, never early or late by a frame.
pub struct Limiter {
    ceiling: f32,
    delay: [Frame; LOOK_AHEAD],
    /// Gains wanted, least first: (frame number, gain). A ring used as a double-ended queue.
    wanted: [(u64, u64); WINDOW],
    head: usize,
    held: usize,
    /// Gains after release, over which the mean is taken.
    eased: [u64; WINDOW],
    sum: u64,
    gain: u64,
    now: u64,
}

impl Limiter {
    /// A limiter with a ceiling of −1 dBFS.
    pub fn new() -> Self {
        Self::with_ceiling_db(-1.0)
    }

    /// A limiter with this ceiling in dBFS.
    pub fn with_ceiling_db(ceiling_db: f32) -> Self {
        Self {
            ceiling: libm::pow(10.0, f64::from(ceiling_db) / 20.0) as f32,
            delay: [[0.0; 2]; LOOK_AHEAD],
            wanted: [(0, ONE); WINDOW],
            head: 0,
            held: 0,
            eased: [ONE; WINDOW],
            sum: ONE * WINDOW as u64,
            gain: ONE,
            now: 0,
        }
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
        for frame in frames {
            *frame = self.step(*frame);
        }
    }

    fn step(&mut self, entering: Frame) -> Frame {
        let peak = entering[0].abs().max(entering[1].abs());
        let least = self.least_wanted(self.gain_for(peak));
        // Down at once (the mean below makes it smooth), up slowly.
        self.gain = if least <= self.gain {
            least
        } else {
            let back = ((least - self.gain) * RELEASE) >> 24;
            // Too near for the fixed point to move: it has arrived (1e-7 of full gain).
            if back == 0 { least } else { self.gain + back }
        };
        let slot = (self.now % WINDOW as u64) as usize;
        self.sum = self.sum - self.eased[slot] + self.gain;
        self.eased[slot] = self.gain;
        let place = (self.now % LOOK_AHEAD as u64) as usize;
        let leaving = core::mem::replace(&mut self.delay[place], entering);
        self.now += 1;
        if self.sum == ONE * WINDOW as u64 {
            return leaving;
        }
        let gain = self.sum as f64 / (ONE * WINDOW as u64) as f64;
        leaving.map(|sample| ((f64::from(sample) * gain) as f32).clamp(-self.ceiling, self.ceiling))
    }

    fn gain_for(&self, peak: f32) -> u64 {
        if peak <= self.ceiling || peak.is_nan() {
            return ONE;
        }
        (f64::from(self.ceiling) / f64::from(peak) * ONE as f64) as u64
    }

    /// The least gain wanted over the last [`WINDOW`] frames.
    fn least_wanted(&mut self, gain: u64) -> u64 {
        while self.held > 0 && self.wanted[(self.head + self.held - 1) % WINDOW].1 >= gain {
            self.held -= 1;
        }
        if self.held > 0 && self.wanted[self.head].0 + WINDOW as u64 <= self.now {
            self.head = (self.head + 1) % WINDOW;
            self.held -= 1;
        }
        self.wanted[(self.head + self.held) % WINDOW] = (self.now, gain);
        self.held += 1;
        self.wanted[self.head].1
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds `over` to `bus` and holds the sum within ±`ceiling`: the way in for what must not wait
/// for a look-ahead.
pub fn sum_with_ceiling(bus: &mut [Frame], over: &[Frame], ceiling: f32) {
    for (sum, frame) in bus.iter_mut().zip(over) {
        sum[0] = (sum[0] + frame[0]).clamp(-ceiling, ceiling);
        sum[1] = (sum[1] + frame[1]).clamp(-ceiling, ceiling);
    }
}
