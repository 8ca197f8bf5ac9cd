//! How loud it is just now, without the ripple of the wave itself.
//!
//! The largest magnitude of the last 10 ms stands still on a steady tone from 50 Hz up: a gain that
//! follows it does not bend the wave. It rises at once and falls 10 ms late.

use crate::Frame;

/// Frames that a peak is held: half a period at 50 Hz.
pub const HOLD_FRAMES: usize = 480;
/// Peaks are looked at in groups of so many frames; the hold is whole groups.
const GROUP: usize = 8;
const GROUPS: usize = HOLD_FRAMES / GROUP;

/// The largest magnitude of both channels over the last [`HOLD_FRAMES`].
#[derive(Clone, Debug)]
pub struct PeakHold {
    /// Candidates, largest first: (group, peak). A ring used as a double-ended queue.
    ring: [(u64, f32); GROUPS + 1],
    head: usize,
    held: usize,
    group: u64,
    fill: usize,
    rising: f32,
}

impl PeakHold {
    /// After silence.
    pub fn new() -> Self {
        let ring = [(0, 0.0); GROUPS + 1];
        Self { ring, head: 0, held: 0, group: 0, fill: 0, rising: 0.0 }
    }

    /// Takes one instant; answers the peak.
    #[inline]
    pub fn step(&mut self, frame: Frame) -> f32 {
        let peak = frame[0].abs().max(frame[1].abs());
        self.rising = self.rising.max(peak);
        self.fill += 1;
        let held = if self.held > 0 { self.ring[self.head].1 } else { 0.0 };
        let answer = held.max(self.rising);
        if self.fill == GROUP {
            self.close();
        }
        answer
    }

    fn close(&mut self) {
        let size = self.ring.len();
        while self.held > 0 && self.ring[(self.head + self.held - 1) % size].1 <= self.rising {
            self.held -= 1;
        }
        self.ring[(self.head + self.held) % size] = (self.group, self.rising);
        self.held += 1;
        self.group += 1;
        while self.ring[self.head].0 + (GROUPS as u64) < self.group {
            self.head = (self.head + 1) % size;
            self.held -= 1;
        }
        (self.fill, self.rising) = (0, 0.0);
    }
}

impl Default for PeakHold {
    fn default() -> Self {
        Self::new()
    }
}
