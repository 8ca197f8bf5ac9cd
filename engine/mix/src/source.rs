//! What can be mixed: anything that hands out frames at 48 kHz when asked.

use crate::Frame;

/// What a source says after a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceState {
    /// More may follow. Fewer frames than asked for then means an underrun.
    More,
    /// Nothing follows.
    Ended,
    /// Nothing follows, and something was lost; see [`FrameSource::failure`].
    Failed,
}

/// The answer to one read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Got {
    /// Frames written at the head of the buffer.
    pub frames: usize,
    /// What follows them.
    pub state: SourceState,
}

/// A stream of stereo frames at 48 kHz.
///
/// A source that is read on a mix thread must not wait, allocate or take a lock.
pub trait FrameSource: Send {
    /// Writes up to `out.len()` frames at the head of `out`.
    fn read(&mut self, out: &mut [Frame]) -> Got;

    /// Why the source failed, once it has.
    fn failure(&self) -> Option<&str> {
        None
    }

    /// Frames that are ready ahead of the next read; `None` where nothing is ever waited for.
    fn buffered(&self) -> Option<i64> {
        None
    }

    /// Non-finite samples that the source itself zeroed since the last call (a resampler must, or
    /// one of them would spread over its whole filter). The mixer zeroes and counts the others.
    fn take_non_finite(&mut self) -> u64 {
        0
    }
}

impl<S: FrameSource + ?Sized> FrameSource for Box<S> {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        (**self).read(out)
    }
    fn failure(&self) -> Option<&str> {
        (**self).failure()
    }
    fn buffered(&self) -> Option<i64> {
        (**self).buffered()
    }
    fn take_non_finite(&mut self) -> u64 {
        (**self).take_non_finite()
    }
}

/// Digital silence without end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence;

impl FrameSource for Silence {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        out.fill([0.0; 2]);
        Got { frames: out.len(), state: SourceState::More }
    }
}
