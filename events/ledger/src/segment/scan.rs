//! From the bytes of one segment to its records, and an exact word on where and why they end.

use super::{SEGMENT_HEADER_BYTES, SegmentHeader};
use grimnir_events::frame::{self, FrameError, HEADER_BYTES, MAGIC, MAX_BODY_BYTES, Record};
use grimnir_events::{Commit, UtcMicros};
use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Enough for the longest record, several times.
const WINDOW_BYTES: usize = 4 * (HEADER_BYTES + MAX_BODY_BYTES);
/// Read at a time while records follow records: it stays in the processor's cache.
const STRIDE_BYTES: usize = 256 << 10;

/// One record, with its place in the file.
pub(crate) struct Found {
    pub seq: u64,
    pub recorded_at: UtcMicros,
    pub body: Vec<u8>,
    pub offset: u64,
    pub crc: u32,
}

/// What the scan met.
pub(crate) enum Step {
    Record(Found),
    /// Nothing but zeros, or nothing at all, from here on.
    End {
        offset: u64,
    },
    /// Bytes that are no record, and after them at most records of the same unsynced group: a
    /// write that was cut short, or the power with it.
    Torn {
        offset: u64,
        error: FrameError,
    },
    /// Bytes that are no record, and good records after them that were written later: those
    /// were begun after the missing one was synced.
    Damaged {
        offset: u64,
        error: FrameError,
        resumes_at: u64,
    },
}

/// A scan over one segment file. It never writes and takes no lock.
pub(crate) struct Scan<F: Borrow<File>> {
    file: F,
    /// Of a fixed length; `have` of it are from the file.
    window: Vec<u8>,
    have: usize,
    /// Offset of the window's first byte.
    base: u64,
    /// The next byte to be read, in the window.
    at: usize,
    ended: bool,
    /// Position of the record that is due.
    next: u64,
    /// Nothing from here on is looked at.
    limit: u64,
}

impl<F: Borrow<File>> Scan<F> {
    /// Reads the header and stands before the first record.
    pub fn begin(file: F) -> io::Result<Result<(SegmentHeader, Self), String>> {
        Self::begin_to(file, u64::MAX)
    }

    /// The same over the bytes before `limit`: where a footer begins.
    pub fn begin_to(file: F, limit: u64) -> io::Result<Result<(SegmentHeader, Self), String>> {
        let mut scan = Self::at(file, 0, 0);
        scan.limit = limit;
        scan.fill_to(STRIDE_BYTES)?;
        Ok(SegmentHeader::decode(scan.rest()).map(|header| {
            scan.at = SEGMENT_HEADER_BYTES as usize;
            scan.next = header.first_seq;
            (header, scan)
        }))
    }

    fn at(file: F, base: u64, next: u64) -> Self {
        Self {
            file,
            window: vec![0; WINDOW_BYTES],
            have: 0,
            base,
            at: 0,
            ended: false,
            next,
            limit: u64::MAX,
        }
    }

    /// What is in the window and not read yet.
    fn rest(&self) -> &[u8] {
        &self.window[self.at..self.have]
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next thing in the file. After anything but a record the scan stays where it is.
    pub fn step(&mut self) -> io::Result<Step> {
        loop {
            let rest = self.rest();
            match frame::read(rest) {
                Ok((record, length)) => {
                    let found = Found {
                        seq: record.seq,
                        recorded_at: record.recorded_at,
                        body: record.body.to_vec(),
                        offset: self.offset(),
                        crc: crc_of(rest),
                    };
                    self.at += length;
                    self.next = found.seq + 1;
                    return Ok(Step::Record(found));
                }
                Err(FrameError::Short { need, .. }) if !self.ended => {
                    self.fill_to(need.max(STRIDE_BYTES))?;
                }
                Err(error) => return self.end(error),
            }
        }
    }

    /// Drops what was read and fills the window from the file.
    fn fill(&mut self) -> io::Result<()> {
        self.fill_to(WINDOW_BYTES)
    }

    /// The same with no more than `wanted` bytes in the window.
    fn fill_to(&mut self, wanted: usize) -> io::Result<()> {
        let wanted = wanted.min(WINDOW_BYTES);
        self.window.copy_within(self.at..self.have, 0);
        self.base += self.at as u64;
        self.have -= self.at;
        self.at = 0;
        self.ended = false;
        while self.have < wanted && !self.ended {
            let from = self.base + self.have as u64;
            let left = usize::try_from(self.limit.saturating_sub(from)).unwrap_or(usize::MAX);
            let until = self.have.saturating_add(left).min(wanted);
            let buffer = &mut self.window[self.have..until];
            match self.file.borrow().read_at(buffer, from) {
                Ok(count) => {
                    self.have += count;
                    self.ended = count == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells an end from a tear from damage: by whether anything follows.
    fn end(&mut self, error: FrameError) -> io::Result<Step> {
        let offset = self.offset();
        let mut ahead = Scan::at(self.file.borrow(), offset, self.next);
        ahead.limit = self.limit;
        let mut only_zeros = true;
        loop {
            ahead.fill()?;
            let zeros = is_zero(ahead.rest());
            only_zeros &= zeros;
            if let Some(at) = if zeros { None } else { first_later(ahead.rest(), self.next) } {
                let resumes_at = ahead.base + at as u64;
                // A writer at work may have put down this record after its place was read.
                (self.have, self.at, self.base) = (0, 0, offset);
                self.fill()?;
                if frame::read(self.rest()).is_ok() {
                    return self.step();
                }
                return Ok(Step::Damaged { offset, error, resumes_at });
            }
            if ahead.ended {
                break;
            }
            // A record may begin near the end of this window: keep its longest possible head.
            ahead.at = ahead.have - (HEADER_BYTES + MAX_BODY_BYTES);
        }
        Ok(if only_zeros { Step::End { offset } } else { Step::Torn { offset, error } })
    }
}

/// Whether there is nothing but zeros, compared by the block.
fn is_zero(bytes: &[u8]) -> bool {
    const BLOCK: [u8; 4096] = [0; 4096];
    bytes.chunks(BLOCK.len()).all(|chunk| *chunk == BLOCK[..chunk.len()])
}

/// Where the first whole record in `bytes` begins that proves the record at `due` was synced.
fn first_later(bytes: &[u8], due: u64) -> Option<usize> {
    let mut from = 0;
    while let Some(skip) = bytes[from..].iter().position(|&byte| byte == MAGIC[0]) {
        let at = from + skip;
        from = at + 1;
        if !bytes[at..].starts_with(&MAGIC) {
            continue;
        }
        if let Ok((record, length)) = frame::read(&bytes[at..]) {
            if !synced_with(&record, due) {
                return Some(at);
            }
            from = at + length;
        }
    }
    None
}

/// Whether a record was to be synced together with the one at `due`, before it in the file. Then
/// the sync may never have come, and the disk was free to keep the one without the other. All
/// commits of a group bear the same `stamped_at`, and `recorded_at` is that plus the place in it.
fn synced_with(record: &Record<'_>, due: u64) -> bool {
    let Ok(commit) = Commit::decode(record.body) else { return false };
    let place = record.recorded_at.0.checked_sub(commit.header.stamped_at.0);
    let place = place.and_then(|place| u64::try_from(place).ok());
    let first = place.and_then(|place| record.seq.checked_sub(place));
    record.seq > due && first.is_some_and(|first| first <= due)
}

/// The stored checksum of the record at the beginning of `record`.
pub(crate) fn crc_of(record: &[u8]) -> u32 {
    let mut crc = [0u8; 4];
    crc.copy_from_slice(&record[24..28]);
    u32::from_be_bytes(crc)
}
