//! A live input on its way into the mix: what a decoder pushes as it comes, the mix reads in time.
//!
//! One feed, one ring, any number of readers one after the other. The ring drops nothing while it
//! is read; while nobody reads, the feed keeps it fresh ([`LiveFeed::park`]), so that whoever goes
//! on air hears what is said now. Reading order: this file, `source` (how the fill is held),
//! [`rider`], `decode`. Not here: sockets, who goes on air.

mod decode;
mod kernel;
mod rider;
mod source;

pub use decode::{StreamDecoder, StreamStep};
pub use rider::{RIDER_DB, rider};
pub use source::LiveSource;

use crate::{Frame, RATE};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Frames that a ring can hold: 5.4 s.
const RING: u64 = 262_144;
/// The fill that is aimed at unless another is asked for, and that makes an input ready: 1 s.
pub const TARGET_FRAMES: u64 = RATE as u64;
/// Least fill that can be aimed at: 100 ms.
const LEAST_TARGET: u64 = RATE as u64 / 10;
/// Nobody reads who has not for so long: 200 ms, 20 blocks.
const UNREAD: u64 = RATE as u64 / 5;
/// Sound above this peak counts as audio: −50 dBFS.
const HEARD: f32 = 0.003_162_28;

pub(crate) struct Ring {
    /// One frame per word, both samples' bits: a whole frame is read or none.
    slots: Box<[AtomicU64]>,
    target: u64,
    written: AtomicU64,
    /// Only ever grows: whoever is late with it changes nothing.
    read: AtomicU64,
    ended: AtomicBool,
    /// The sender is faster than the mix and waits.
    pressed: AtomicBool,
    heard: AtomicBool,
    /// What comes is of now, not what waited somewhere on its way.
    calm: AtomicBool,
    /// Sources given out, and the one of them that was read last: those before it are over.
    given: AtomicU64,
    lease: AtomicU64,
    /// Reads so far, by whomever.
    reads: AtomicU64,
    underruns: AtomicU64,
    /// Frame of all that were written that the source read last began with.
    taken: AtomicU64,
    /// Correction of the rate just now, in millionths.
    ppm: AtomicI64,
}

impl Ring {
    pub(crate) fn fill(&self) -> u64 {
        let read = self.read.load(Ordering::Acquire);
        self.written.load(Ordering::Acquire).saturating_sub(read)
    }
}

/// A live input with a fill of `target` frames to aim at, 100 ms to 2 s: the decoder's end and the
/// studio's.
pub fn live(target: u64) -> (LiveFeed, LiveTap) {
    let ring = Arc::new(Ring {
        slots: (0..RING).map(|_| AtomicU64::new(0)).collect(),
        target: target.clamp(LEAST_TARGET, u64::from(RATE) * 2),
        written: AtomicU64::new(0),
        read: AtomicU64::new(0),
        ended: AtomicBool::new(false),
        pressed: AtomicBool::new(false),
        heard: AtomicBool::new(false),
        calm: AtomicBool::new(true),
        given: AtomicU64::new(0),
        lease: AtomicU64::new(0),
        reads: AtomicU64::new(0),
        underruns: AtomicU64::new(0),
        taken: AtomicU64::new(0),
        ppm: AtomicI64::new(0),
    });
    (LiveFeed { ring: ring.clone(), reads: 0, idle: UNREAD, owed: 0 }, LiveTap { ring })
}

/// The decoder's end.
pub struct LiveFeed {
    ring: Arc<Ring>,
    /// Reads when it was last looked, frames of time since one, and those not made good.
    reads: u64,
    idle: u64,
    owed: u64,
}

impl LiveFeed {
    /// Takes what there is room for; how many frames. Fewer than given: the sender is to wait, for
    /// twice the wanted fill is there.
    pub fn push(&mut self, frames: &[Frame]) -> usize {
        let room = (2 * self.ring.target).saturating_sub(self.ring.fill());
        let count = frames.len().min(room as usize);
        let written = self.ring.written.load(Ordering::Relaxed);
        let mut peak = 0f32;
        for (offset, frame) in frames[..count].iter().enumerate() {
            // No number from outside spreads over a filter.
            let clean = frame.map(|s| if s.is_finite() { s.clamp(-8.0, 8.0) } else { 0.0 });
            peak = peak.max(clean[0].abs()).max(clean[1].abs());
            let slot = ((written + offset as u64) % RING) as usize;
            self.ring.slots[slot].store(pack(clean), Ordering::Relaxed);
        }
        if peak > HEARD {
            self.ring.heard.store(true, Ordering::Relaxed);
        }
        self.ring.written.store(written + count as u64, Ordering::Release);
        if count < frames.len() {
            self.ring.pressed.store(true, Ordering::Relaxed);
        }
        count
    }

    /// So many frames of time have passed: drops as many of the oldest as if they had been heard,
    /// down to the wanted fill, once nobody has read for 200 ms.
    pub fn park(&mut self, frames: u64) {
        let reads = self.ring.reads.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.reads, reads) != reads {
            (self.idle, self.owed) = (0, 0);
            return;
        }
        self.idle = self.idle.saturating_add(frames);
        self.owed = self.owed.saturating_add(frames);
        if self.idle >= UNREAD {
            let owed = std::mem::take(&mut self.owed);
            self.drop_oldest(owed);
        }
    }

    /// What is held beyond the wanted fill is stale: drops it, unless somebody reads.
    pub fn freshen(&mut self) {
        if self.idle >= UNREAD {
            self.drop_oldest(u64::MAX);
        }
    }

    fn drop_oldest(&mut self, most: u64) {
        let over = self.ring.fill().saturating_sub(self.ring.target);
        let read = self.ring.read.load(Ordering::Relaxed);
        self.ring.read.fetch_max(read + over.min(most), Ordering::AcqRel);
    }

    /// Frames that are held.
    pub fn fill(&self) -> u64 {
        self.ring.fill()
    }

    /// Where it is said whether what comes is of now.
    pub fn calm(&self) -> Calm {
        Calm { ring: self.ring.clone() }
    }

    /// Nothing more follows; what is held is still read.
    pub fn end(&mut self) {
        self.ring.ended.store(true, Ordering::Release);
    }
}

/// Whether what comes is of now: after a pause a sender gives what had waited first, and the input
/// is not ready before that is in.
#[derive(Clone)]
pub struct Calm {
    ring: Arc<Ring>,
}

impl Calm {
    /// Says so.
    pub fn set(&self, calm: bool) {
        self.ring.calm.store(calm, Ordering::Relaxed);
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.end();
    }
}

/// The studio's end: looks at the input, and puts it on air.
#[derive(Clone)]
pub struct LiveTap {
    ring: Arc<Ring>,
}

impl LiveTap {
    /// A source for the mix; with its first read those that were given out before are over.
    pub fn source(&self) -> LiveSource {
        let lease = self.ring.given.fetch_add(1, Ordering::AcqRel) + 1;
        LiveSource::new(self.ring.clone(), lease)
    }

    /// The wanted fill is there, something was heard, and nothing of before is on its way.
    pub fn ready(&self) -> bool {
        let told =
            self.ring.heard.load(Ordering::Relaxed) && self.ring.calm.load(Ordering::Relaxed);
        told && self.ring.fill() >= self.ring.target
    }

    /// Frames that are held.
    pub fn fill(&self) -> u64 {
        self.ring.fill()
    }

    /// Nothing more comes.
    pub fn ended(&self) -> bool {
        self.ring.ended.load(Ordering::Acquire)
    }

    /// Times that the mix asked for more than was there.
    pub fn underruns(&self) -> u64 {
        self.ring.underruns.load(Ordering::Relaxed)
    }

    /// Number, among all frames that came, of the first that was heard of the source last given
    /// out that was read.
    pub fn taken(&self) -> u64 {
        self.ring.taken.load(Ordering::Acquire)
    }

    /// Correction of the rate just now, in millionths.
    pub fn ppm(&self) -> i64 {
        self.ring.ppm.load(Ordering::Relaxed)
    }

    /// Drops what is held: it is stale. Something is to be heard anew before the input is ready.
    pub fn flush(&self) {
        self.ring.heard.store(false, Ordering::Relaxed);
        self.ring.read.fetch_max(self.ring.written.load(Ordering::Acquire), Ordering::AcqRel);
    }
}

fn pack(frame: Frame) -> u64 {
    u64::from(frame[0].to_bits()) << 32 | u64::from(frame[1].to_bits())
}

pub(crate) fn unpack(word: u64) -> Frame {
    [f32::from_bits((word >> 32) as u32), f32::from_bits(word as u32)]
}
