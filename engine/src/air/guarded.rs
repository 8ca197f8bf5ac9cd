//! A source whose panic ends that source and nothing else.

use grimnir_mix::{Frame, FrameSource, Got, SourceState};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Wraps a source for the mix thread.
pub struct Guarded<S> {
    source: Option<S>,
}

impl<S: FrameSource> Guarded<S> {
    /// Guards `source`.
    pub fn new(source: S) -> Self {
        Self { source: Some(source) }
    }
}

impl<S: FrameSource> FrameSource for Guarded<S> {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let Some(source) = &mut self.source else {
            return Got { frames: 0, state: SourceState::Failed };
        };
        match catch_unwind(AssertUnwindSafe(|| source.read(out))) {
            Ok(got) => got,
            Err(_) => {
                // Its drop may panic too: it is left behind, once, instead.
                std::mem::forget(self.source.take());
                Got { frames: 0, state: SourceState::Failed }
            }
        }
    }
    fn buffered(&self) -> Option<i64> {
        self.source.as_ref().and_then(FrameSource::buffered)
    }
    fn failure(&self) -> Option<&str> {
        match &self.source {
            Some(source) => source.failure(),
            None => Some("the source panicked"),
        }
    }
    fn take_non_finite(&mut self) -> u64 {
        self.source.as_mut().map_or(0, FrameSource::take_non_finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;
    impl FrameSource for Bomb {
        fn read(&mut self, _: &mut [Frame]) -> Got {
            panic!("a source panics")
        }
    }

    #[test]
    fn a_panicking_source_fails_and_says_so() {
        let mut source = Guarded::new(Bomb);
        for _ in 0..2 {
            let got = source.read(&mut [[0.0; 2]; 480]);
            assert_eq!((got.frames, got.state), (0, SourceState::Failed));
        }
        assert_eq!(source.failure(), Some("the source panicked"));
    }
}
