//! A live input as the mix reads it: the sender's clock is followed by bending the rate, slowly
//! and by at most 500 millionths (0.9 cents), so that the fill stays where it is wanted.

use super::kernel::{HALF, Kernel, TAPS};
use super::{RING, Ring, unpack};
use crate::{BLOCK, Frame, FrameSource, Got, RATE, SourceState};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Most that the rate is bent.
pub const MAX_BEND: f64 = 500e-6;
/// The rate is bent fully where the fill is off by so many frames, 125 ms: a sender that is as slow
/// as can be followed still leaves more than what follows it is prepared at.
const FULL_BEND_AT: f64 = RATE as f64 / 8.0;
/// Share of the way per block to the mean fill: 4 s, over the bursts of a sender.
const MEAN_SHARE: f64 = BLOCK as f64 / (4.0 * RATE as f64);
/// Most that the bend changes in a block: from none to full in a second.
const BEND_STEP: f64 = MAX_BEND / 100.0;
/// Frames over which sound comes and goes where the input was short: 5 ms.
const EDGE: usize = 240;
/// Input frames that are looked at in one go.
const HISTORY: usize = TAPS + BLOCK + 2;

/// What the mix reads; never waits, allocates or locks.
pub struct LiveSource {
    ring: Arc<Ring>,
    lease: u64,
    kernel: &'static Kernel,
    /// The frames under the filter, left and right, and those behind them.
    history: [Box<[f32; HISTORY]>; 2],
    held: usize,
    /// Place of the next frame behind the first under the filter, 0 to 1.
    part: f64,
    mean: f64,
    bend: f64,
    /// Nothing was read yet, or the input was short: it begins again with the wanted fill.
    waits: bool,
    begun: bool,
    /// Frames since it began to sound.
    sounded: usize,
}

impl LiveSource {
    pub(super) fn new(ring: Arc<Ring>, lease: u64) -> Self {
        let mean = ring.target as f64;
        Self {
            ring,
            lease,
            kernel: Kernel::shared(),
            history: [Box::new([0.0; HISTORY]), Box::new([0.0; HISTORY])],
            held: 0,
            part: 0.0,
            mean,
            bend: 0.0,
            waits: true,
            begun: false,
            sounded: 0,
        }
    }

    /// Begins with the newest that makes the wanted fill; what is older is stale.
    fn begin(&mut self) -> bool {
        let (fill, target) = (self.ring.fill(), self.ring.target);
        // The first begin was asked for by somebody who knew the fill; a second waits for it.
        let enough = if self.begun { fill >= target } else { fill > 0 };
        if !enough && !self.ring.ended.load(Ordering::Acquire) {
            return false;
        }
        let written = self.ring.written.load(Ordering::Acquire);
        self.ring.read.fetch_max(written.saturating_sub(target), Ordering::AcqRel);
        self.history.iter_mut().for_each(|side| side.fill(0.0));
        // Silence stands before the first frame.
        (self.held, self.part) = (HALF - 1, 0.0);
        (self.mean, self.waits, self.begun, self.sounded) = (target as f64, false, true, 0);
        true
    }

    /// Follows the sender: what the rate is to be for this block.
    fn follow(&mut self) -> f64 {
        let fill = self.ring.fill() as f64;
        self.mean += (fill - self.mean) * MEAN_SHARE;
        if fill < self.ring.target as f64 * 1.5 {
            self.ring.pressed.store(false, Ordering::Relaxed);
        }
        let off = (self.mean - self.ring.target as f64) / FULL_BEND_AT;
        // A sender that is made to wait has no clock of its own.
        let pressed = self.ring.pressed.load(Ordering::Relaxed);
        let wanted = if pressed { 0.0 } else { off.clamp(-1.0, 1.0) * MAX_BEND };
        self.bend += (wanted - self.bend).clamp(-BEND_STEP, BEND_STEP);
        self.ring.ppm.store((self.bend * 1e6) as i64, Ordering::Relaxed);
        1.0 + self.bend
    }

    /// Fills the history up to what `frames` at `step` need; how many can be made of it.
    fn fetch(&mut self, frames: usize, step: f64) -> usize {
        let last = self.part + frames.saturating_sub(1) as f64 * step;
        let needed = last as usize + 1 + TAPS;
        let wanted = needed.saturating_sub(self.held).min(HISTORY - self.held);
        let read = self.ring.read.load(Ordering::Acquire);
        let written = self.ring.written.load(Ordering::Acquire);
        let count = wanted.min(written.saturating_sub(read) as usize);
        for offset in 0..count {
            let slot = ((read + offset as u64) % RING) as usize;
            let frame = unpack(self.ring.slots[slot].load(Ordering::Relaxed));
            self.history[0][self.held + offset] = frame[0];
            self.history[1][self.held + offset] = frame[1];
        }
        self.held += count;
        self.ring.read.fetch_max(read + count as u64, Ordering::AcqRel);
        let spare = self.held as f64 - TAPS as f64 - self.part;
        if spare < 0.0 { 0 } else { ((spare / step) as usize + 1).min(frames) }
    }

    fn make(&mut self, out: &mut [Frame], step: f64) {
        let mut place = self.part;
        for frame in out.iter_mut() {
            let first = place as usize;
            let part = place - first as f64;
            *frame = match part == 0.0 {
                true => [self.history[0][first + HALF - 1], self.history[1][first + HALF - 1]],
                false => {
                    let factors = self.kernel.at(part);
                    [
                        product(&factors, &self.history[0][first..first + TAPS]),
                        product(&factors, &self.history[1][first..first + TAPS]),
                    ]
                }
            };
            place += step;
        }
        let gone = (place as usize).min(self.held);
        for side in &mut self.history {
            side.copy_within(gone..self.held, 0);
        }
        self.held -= gone;
        self.part = place - gone as f64;
    }

    /// One block at most.
    fn read_block(&mut self, out: &mut [Frame]) -> Got {
        let ended = self.ring.ended.load(Ordering::Acquire);
        if self.waits && !self.begin() {
            return Got { frames: 0, state: SourceState::More };
        }
        let step = self.follow();
        let frames = self.fetch(out.len(), step);
        self.make(&mut out[..frames], step);
        for frame in out[..frames].iter_mut() {
            if self.sounded < EDGE {
                let gain = self.sounded as f32 / EDGE as f32;
                *frame = frame.map(|sample| sample * gain);
            }
            self.sounded += 1;
        }
        if frames == out.len() {
            return Got { frames, state: SourceState::More };
        }
        let edge = frames.min(EDGE);
        for (index, frame) in out[frames - edge..frames].iter_mut().enumerate() {
            let gain = 1.0 - (index + 1) as f32 / edge as f32;
            *frame = frame.map(|sample| sample * gain);
        }
        self.waits = true;
        if ended {
            return Got { frames, state: SourceState::Ended };
        }
        self.ring.underruns.fetch_add(1, Ordering::Relaxed);
        Got { frames, state: SourceState::More }
    }
}

impl FrameSource for LiveSource {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        if self.ring.lease.fetch_max(self.lease, Ordering::AcqRel) > self.lease {
            return Got { frames: 0, state: SourceState::Ended };
        }
        self.ring.reads.fetch_add(1, Ordering::Relaxed);
        let mut done = 0;
        for part in out.chunks_mut(BLOCK) {
            let length = part.len();
            let got = self.read_block(part);
            done += got.frames;
            if got.frames < length || got.state != SourceState::More {
                return Got { frames: done, state: got.state };
            }
        }
        Got { frames: done, state: SourceState::More }
    }
}

/// The sum of the products, in lanes: the compiler makes vectors of this form.
fn product(factors: &[f32; TAPS], frames: &[f32]) -> f32 {
    let (factors, _) = factors.as_chunks::<8>();
    let (frames, _) = frames.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for (factors, frames) in factors.iter().zip(frames) {
        for lane in 0..8 {
            lanes[lane] += factors[lane] * frames[lane];
        }
    }
    lanes.iter().sum()
}
