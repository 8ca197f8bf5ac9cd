//! The ring between a feeder and the mix thread: one writer, one reader, no lock, no allocation.

use grimnir_mix::{Frame, FrameSource, Got, SourceState};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Frames a ring holds: 2.7 s, a power of two above the 2 s that must be ready ahead.
pub const RING_FRAMES: usize = 131_072;

const OPEN: u8 = 0;
const ENDED: u8 = 1;
const FAILED: u8 = 2;

struct Shared {
    /// One frame per word, both samples' bits: a whole frame is read or none.
    slots: Box<[AtomicU64]>,
    written: AtomicUsize,
    read: AtomicUsize,
    end: AtomicU8,
    failure: OnceLock<String>,
    reader_gone: AtomicBool,
}

/// The feeder's end.
pub struct RingWriter {
    shared: Arc<Shared>,
}

/// The mix thread's end.
pub struct RingReader {
    shared: Arc<Shared>,
}

/// An empty ring.
pub fn ring() -> (RingWriter, RingReader) {
    let shared = Arc::new(Shared {
        slots: (0..RING_FRAMES).map(|_| AtomicU64::new(0)).collect(),
        written: AtomicUsize::new(0),
        read: AtomicUsize::new(0),
        end: AtomicU8::new(OPEN),
        failure: OnceLock::new(),
        reader_gone: AtomicBool::new(false),
    });
    (RingWriter { shared: shared.clone() }, RingReader { shared })
}

fn pack(frame: Frame) -> u64 {
    u64::from(frame[0].to_bits()) << 32 | u64::from(frame[1].to_bits())
}

fn unpack(word: u64) -> Frame {
    [f32::from_bits((word >> 32) as u32), f32::from_bits(word as u32)]
}

impl RingWriter {
    /// Writes what fits; answers how many frames did.
    pub fn push(&mut self, frames: &[Frame]) -> usize {
        let written = self.shared.written.load(Ordering::Relaxed);
        let read = self.shared.read.load(Ordering::Acquire);
        let count = frames.len().min(RING_FRAMES - (written - read));
        for (offset, frame) in frames[..count].iter().enumerate() {
            let slot = (written + offset) % RING_FRAMES;
            self.shared.slots[slot].store(pack(*frame), Ordering::Relaxed);
        }
        self.shared.written.store(written + count, Ordering::Release);
        count
    }

    /// No more follows; `failure` where something was lost.
    pub fn finish(self, failure: Option<String>) {
        let end = if failure.is_some() { FAILED } else { ENDED };
        if let Some(failure) = failure {
            let _ = self.shared.failure.set(failure);
        }
        self.shared.end.store(end, Ordering::Release);
    }

    /// Nobody reads any more.
    pub fn abandoned(&self) -> bool {
        self.shared.reader_gone.load(Ordering::Relaxed)
    }
}

impl FrameSource for RingReader {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        // The end is read first: what was written before it is then seen below.
        let end = self.shared.end.load(Ordering::Acquire);
        let read = self.shared.read.load(Ordering::Relaxed);
        let written = self.shared.written.load(Ordering::Acquire);
        let count = out.len().min(written - read);
        for (offset, frame) in out[..count].iter_mut().enumerate() {
            let slot = (read + offset) % RING_FRAMES;
            *frame = unpack(self.shared.slots[slot].load(Ordering::Relaxed));
        }
        self.shared.read.store(read + count, Ordering::Release);
        let state = if read + count < written {
            SourceState::More
        } else {
            match end {
                ENDED => SourceState::Ended,
                FAILED => SourceState::Failed,
                _ => SourceState::More,
            }
        };
        Got { frames: count, state }
    }
    fn buffered(&self) -> Option<i64> {
        // What is fed to its end runs out and misses nothing.
        (self.shared.end.load(Ordering::Acquire) == OPEN).then(|| {
            let read = self.shared.read.load(Ordering::Relaxed);
            (self.shared.written.load(Ordering::Relaxed) - read) as i64
        })
    }
    fn failure(&self) -> Option<&str> {
        self.shared.failure.get().map(String::as_str)
    }
}

impl Drop for RingReader {
    fn drop(&mut self) {
        self.shared.reader_gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_pass_in_order_across_the_wrap_and_the_end_comes_after_the_last() {
        let (mut writer, mut reader) = ring();
        let (mut sent, mut got) = (0usize, 0usize);
        let total = RING_FRAMES * 2 + 77;
        let mut out = [[0.0f32; 2]; 480];
        while got < total {
            let room: Vec<Frame> =
                (sent..total.min(sent + 9_000)).map(|n| [n as f32, -(n as f32)]).collect();
            sent += writer.push(&room);
            let answer = reader.read(&mut out);
            for (n, frame) in out[..answer.frames].iter().enumerate() {
                assert_eq!(*frame, [(got + n) as f32, -((got + n) as f32)]);
            }
            got += answer.frames;
            assert_eq!(answer.state, SourceState::More);
        }
        assert!(!writer.abandoned());
        writer.finish(Some("cut short".into()));
        assert_eq!(reader.read(&mut out), Got { frames: 0, state: SourceState::Failed });
        assert_eq!(reader.failure(), Some("cut short"));
    }
}
