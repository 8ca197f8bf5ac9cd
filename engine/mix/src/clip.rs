//! Sound held in memory: emergency audio, fallback audio, anything that must not wait for a disk.

use std::path::Path;
use std::sync::Arc;

use crate::{DecodeError, FileSource, Frame, FrameSource, Got, SourceState};

/// Frames decoded at a time.
const STEP: usize = 48_000;

/// Decoded frames that any number of voices may play at once.
#[derive(Clone, Debug)]
pub struct Clip(pub Arc<[Frame]>);

impl Clip {
    /// Decodes a file, or a part of it, whole.
    ///
    /// A file that fails part of the way, or is longer than `max_frames`, is an error: better
    /// known when it is loaded than when it is needed.
    pub fn decode(
        path: &Path,
        from: i64,
        to: Option<i64>,
        max_frames: usize,
    ) -> Result<Self, DecodeError> {
        let mut source = FileSource::open(path, from, to)?;
        let mut frames: Vec<Frame> = Vec::new();
        loop {
            let filled = frames.len();
            // One more than allowed, to see whether the file goes on.
            let step = (max_frames - filled).saturating_add(1).min(STEP);
            frames.resize(filled + step, [0.0; 2]);
            let got = source.read(&mut frames[filled..]);
            frames.truncate(filled + got.frames);
            if frames.len() > max_frames {
                return Err(DecodeError::TooLong { path: path.to_owned(), limit: max_frames });
            }
            match got.state {
                SourceState::More => {}
                SourceState::Ended => return Ok(Self(frames.into())),
                SourceState::Failed => {
                    let reason = source.failure().unwrap_or("decoding failed").to_owned();
                    return Err(DecodeError::Broken { path: path.to_owned(), reason });
                }
            }
        }
    }

    /// A source that plays the clip once, from its start.
    pub fn source(&self) -> ClipSource {
        ClipSource { frames: Arc::clone(&self.0), next: 0, looping: false }
    }
}

/// A clip being played.
#[derive(Clone, Debug)]
pub struct ClipSource {
    frames: Arc<[Frame]>,
    next: usize,
    looping: bool,
}

impl ClipSource {
    /// The same, beginning again at its end for ever. An empty clip still ends at once.
    pub fn looping(mut self) -> Self {
        self.looping = true;
        self
    }

    /// The same, beginning at frame `frame` (or at its end, if that is before).
    pub fn from_frame(mut self, frame: usize) -> Self {
        self.next = frame.min(self.frames.len());
        self
    }
}

impl FrameSource for ClipSource {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let mut done = 0;
        while done < out.len() {
            let ready = &self.frames[self.next..];
            let frames = ready.len().min(out.len() - done);
            out[done..done + frames].copy_from_slice(&ready[..frames]);
            done += frames;
            self.next += frames;
            if self.next == self.frames.len() {
                if !self.looping || self.frames.is_empty() {
                    break;
                }
                self.next = 0;
            }
        }
        let endless = self.looping && !self.frames.is_empty();
        let over = self.next == self.frames.len() && !endless;
        Got { frames: done, state: if over { SourceState::Ended } else { SourceState::More } }
    }
}
