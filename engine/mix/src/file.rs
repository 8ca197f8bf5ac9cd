//! A file as a source of frames at 48 kHz, from any frame to any frame.
//!
//! Frames are counted in the file's own sound, encoder delay and padding cut off, resampled to
//! 48 kHz. Starting at frame `k` gives the bits that decoding from 0 gives from `k` on.
//! It reads and decodes as it is asked: not for a mix thread.

use std::path::Path;

use crate::decode::{DecodeError, FileInfo};
use crate::decoder::{Decoder, Step};
use crate::resample::{Resampler, frames_at_48k};
use crate::voice::zero_non_finite;
use crate::{Frame, FrameSource, Got, RATE, SourceState};

/// A file being played.
pub struct FileSource {
    decoder: Decoder,
    resampler: Option<Resampler>,
    /// Decoded frames not yet handed on, from `used` on.
    decoded: Vec<Frame>,
    used: usize,
    position: i64,
    to: i64,
    state: SourceState,
    failure: Option<String>,
    non_finite: u64,
}

impl FileSource {
    /// Opens a file to play from frame `from` up to frame `to` (or its end), at 48 kHz.
    ///
    /// A `from` beyond the end gives a source that ends at once.
    pub fn open(path: &Path, from: i64, to: Option<i64>) -> Result<Self, DecodeError> {
        if from < 0 || to.is_some_and(|to| to <= from) {
            return Err(DecodeError::Range { path: path.to_owned(), from, to });
        }
        let mut decoder = Decoder::open(path)?;
        let rate = decoder.info().rate;
        let mut resampler = None;
        let mut first = from;
        if rate != RATE {
            let mut made = Resampler::new(rate)
                .ok_or_else(|| DecodeError::Rate { path: path.to_owned(), rate })?;
            first = made.seek(from);
            resampler = Some(made);
        }
        decoder.seek(first)?;
        Ok(Self {
            decoder,
            resampler,
            decoded: Vec::new(),
            used: 0,
            position: from,
            to: to.unwrap_or(i64::MAX),
            state: SourceState::More,
            failure: None,
            non_finite: 0,
        })
    }

    /// Length of the whole file at 48 kHz, where its header states it exactly.
    pub fn duration_frames(&self) -> Option<i64> {
        self.decoder.stated_frames().map(|frames| frames_at_48k(frames, self.decoder.info().rate))
    }

    /// What the file is.
    pub fn info(&self) -> &FileInfo {
        self.decoder.info()
    }

    /// The frame that the next read begins with.
    pub fn position(&self) -> i64 {
        self.position
    }

    fn copy(&mut self, out: &mut [Frame]) -> usize {
        if let Some(resampler) = &mut self.resampler {
            return resampler.pull(out);
        }
        let ready = &self.decoded[self.used..];
        let frames = ready.len().min(out.len());
        out[..frames].copy_from_slice(&ready[..frames]);
        self.used += frames;
        frames
    }

    /// Decodes on. False once nothing follows.
    fn decode(&mut self) -> bool {
        if self.state != SourceState::More {
            return false;
        }
        self.decoded.drain(..self.used);
        self.used = 0;
        let step = self.decoder.next(&mut self.decoded);
        if let Some(resampler) = &mut self.resampler {
            self.non_finite += zero_non_finite(&mut self.decoded);
            resampler.push(&self.decoded);
            self.decoded.clear();
        }
        match step {
            Step::More => return true,
            Step::Ended => self.state = SourceState::Ended,
            Step::Failed(reason) => {
                self.failure = Some(reason);
                self.state = SourceState::Failed;
            }
        }
        if let Some(resampler) = &mut self.resampler {
            resampler.finish();
        }
        // What the last packet left is still to be handed on.
        true
    }
}

impl FrameSource for FileSource {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let room = (self.to - self.position).clamp(0, out.len() as i64) as usize;
        let mut frames = 0;
        let mut more = true;
        while frames < room {
            let copied = self.copy(&mut out[frames..room]);
            frames += copied;
            if copied == 0 && !more {
                break;
            }
            if copied == 0 {
                more = self.decode();
            }
        }
        self.position += frames as i64;
        let state = if self.position >= self.to {
            SourceState::Ended
        } else if frames == out.len() {
            SourceState::More
        } else {
            self.state
        };
        Got { frames, state }
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn take_non_finite(&mut self) -> u64 {
        core::mem::take(&mut self.non_finite)
    }
}
