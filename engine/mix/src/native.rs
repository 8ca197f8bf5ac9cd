//! A file's frames at its own sample rate, from its first to its last: for measuring, not playing.
//!
//! The same decoder as [`crate::file`], so that what is measured is what plays; no resampling.

use std::path::Path;

use crate::decode::{DecodeError, FileInfo};
use crate::decoder::{Decoder, Step};
use crate::{Frame, SourceState};

/// A file being measured.
pub struct NativeFile {
    decoder: Decoder,
    failure: Option<String>,
}

impl NativeFile {
    /// Opens a file at its first frame.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        Ok(Self { decoder: Decoder::open(path)?, failure: None })
    }

    /// What the file is.
    pub fn info(&self) -> &FileInfo {
        self.decoder.info()
    }

    /// Frames at the file's rate, where its header states them exactly.
    pub fn stated_frames(&self) -> Option<i64> {
        self.decoder.stated_frames()
    }

    /// Appends the next frames, a packet of them; none may come and more follow.
    pub fn read(&mut self, out: &mut Vec<Frame>) -> SourceState {
        match self.decoder.next(out) {
            Step::More => SourceState::More,
            Step::Ended => SourceState::Ended,
            Step::Failed(reason) => {
                self.failure = Some(reason);
                SourceState::Failed
            }
        }
    }

    /// Why it failed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}
