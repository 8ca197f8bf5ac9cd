//! Record after record of a sealed segment, from a known offset: small reads, no search.

use grimnir_events::frame::{self, FrameError, HEADER_BYTES, Record};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Read at once while walking: some 256 commits of usual size.
const STRIDE_BYTES: usize = 128 << 10;
/// Read at once for a single commit; most are shorter.
const ONE_BYTES: usize = 2 << 10;

/// A walk over records.
pub(crate) struct Walk<'a> {
    file: &'a File,
    /// Offset of the buffer's first byte.
    base: u64,
    /// No record reaches beyond this.
    end: u64,
    buffer: Vec<u8>,
    at: usize,
    stride: usize,
}

impl<'a> Walk<'a> {
    /// From the record at `offset` on.
    pub fn new(file: &'a File, offset: u64, end: u64) -> Self {
        Self { file, base: offset, end, buffer: Vec::new(), at: 0, stride: STRIDE_BYTES }
    }
    /// For the record at `offset` alone.
    pub fn one(file: &'a File, offset: u64, end: u64) -> Self {
        Self { stride: ONE_BYTES, ..Self::new(file, offset, end) }
    }
    /// Offset of the next record.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next record, or what is there instead.
    pub fn step(&mut self) -> io::Result<Result<Record<'_>, String>> {
        let wanted = match frame::read(&self.buffer[self.at..]) {
            Err(FrameError::Short { need, .. }) => need,
            Ok(_) | Err(_) => 0,
        };
        if wanted > 0 {
            self.fill(wanted)?;
            // The head is there now and says how long the record is.
            if let Err(FrameError::Short { need, .. }) = frame::read(&self.buffer)
                && need > wanted.max(HEADER_BYTES)
            {
                self.fill(need)?;
            }
        }
        let start = self.at;
        let offset = self.offset();
        match frame::read(&self.buffer[start..]) {
            Ok((record, length)) => {
                self.at += length;
                Ok(Ok(record))
            }
            Err(error) => Ok(Err(format!("at byte {offset}: {error}"))),
        }
    }

    /// Reads at least `wanted` bytes from the next record on, where the segment has them.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.base += self.at as u64;
        self.at = 0;
        let left = usize::try_from(self.end.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.buffer.resize(wanted.max(self.stride).min(left), 0);
        let mut have = 0;
        while have < self.buffer.len() {
            match self.file.read_at(&mut self.buffer[have..], self.base + have as u64) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.truncate(have);
        Ok(())
    }
}
