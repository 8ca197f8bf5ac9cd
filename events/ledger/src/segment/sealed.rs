//! Reading a sealed segment by its footer: by position, by time, by stream and by commit id.
//!
//! In memory are the marks, the streams and the filter (about 2 bytes for each commit); the tables
//! and the records stay in the file, which is opened for each question.

use super::filter::IdKey;
use super::footer::{Footer, ID_BYTES, MARK_EVERY, Placed, StreamRange};
use super::take;
use super::walk::Walk;
use crate::ledger::{ReadError, Recorded, Seq};
use grimnir_events::{Commit, CommitId, StreamId, UtcMicros, envelope};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of the table of ids that are read at once: four times as far as a place may be off.
const WINDOW: usize = 1_024;

/// A sealed segment.
pub(crate) struct Sealed {
    pub path: PathBuf,
    pub footer: Footer,
    /// Where the records end and the footer begins.
    pub end: u64,
    /// The tables, where the disk had no room for them.
    tables: Option<Vec<u8>>,
    /// Where the last reading stopped: there the next one often begins.
    stopped: Mutex<(Seq, u64)>,
}

/// What became of a reading, before the position it is about is added.
enum Fault {
    Io(io::Error),
    Corrupt(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Sealed {
    /// The segment at `path`, whose footer was found; `tables` where they are not in the file.
    pub fn new(path: PathBuf, placed: Placed, tables: Option<Vec<u8>>) -> Self {
        let Placed { footer, offset } = placed;
        let stopped = Mutex::new((footer.first_seq, super::SEGMENT_HEADER_BYTES));
        Self { path, footer, end: offset, tables, stopped }
    }

    /// Commits from `seq` on, at most `limit` and not beyond the segment.
    pub fn read(&self, seq: Seq, limit: u64) -> Result<Vec<Arc<Recorded>>, ReadError> {
        debug_assert!((self.footer.first_seq..=self.footer.last_seq).contains(&seq), "it is here");
        let last = self.footer.last_seq.min(seq.saturating_add(limit).saturating_sub(1));
        self.read_range(seq, last).map_err(|fault| self.named(seq, fault))
    }

    fn read_range(&self, seq: Seq, last: Seq) -> Result<Vec<Arc<Recorded>>, Fault> {
        let file = self.open()?;
        let (mut next, offset) = self.start_before(seq);
        let mut walk = Walk::new(&file, offset, self.end);
        let mut out = Vec::new();
        while next <= last {
            let record = walk.step()?.map_err(Fault::Corrupt)?;
            if record.seq != next {
                return Err(Fault::Corrupt(format!(
                    "holds seq {} where {next} belongs",
                    record.seq
                )));
            }
            if next >= seq {
                out.push(decode(next, record.recorded_at, record.body.to_vec())?);
            }
            next += 1;
        }
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = (next, walk.offset());
        Ok(out)
    }

    /// A position at or before `seq`, and the offset of its record.
    fn start_before(&self, seq: Seq) -> (Seq, u64) {
        let mark = (seq - self.footer.first_seq) / MARK_EVERY;
        let at = usize::try_from(mark).ok().and_then(|at| self.footer.marks.get(at));
        let marked = at.map_or((self.footer.first_seq, super::SEGMENT_HEADER_BYTES), |mark_at| {
            (self.footer.first_seq + mark * MARK_EVERY, u64::from(mark_at.1))
        });
        let stopped = *self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if (marked.0..=seq).contains(&stopped.0) { stopped } else { marked }
    }

    /// Position of the first commit recorded at or after `time`, which is in this segment.
    pub fn position_of(&self, time: UtcMicros) -> Result<Seq, ReadError> {
        self.seq_at(time).map_err(|fault| self.named(self.footer.first_seq, fault))
    }

    fn seq_at(&self, time: UtcMicros) -> Result<Seq, Fault> {
        let Footer { first_seq, last_seq, marks, .. } = &self.footer;
        let after = marks.partition_point(|mark| mark.0 < time);
        let Some(&(_, offset)) = after.checked_sub(1).and_then(|before| marks.get(before)) else {
            return Ok(*first_seq);
        };
        let file = self.open()?;
        let mut walk = Walk::new(&file, u64::from(offset), self.end);
        let end = (first_seq + after as u64 * MARK_EVERY).min(last_seq + 1);
        let mut seq = first_seq + (after as u64 - 1) * MARK_EVERY;
        while seq < end && walk.step()?.map_err(Fault::Corrupt)?.recorded_at < time {
            seq += 1;
        }
        Ok(seq)
    }

    /// What the segment has of a stream.
    pub fn stream(&self, stream: StreamId) -> Option<&StreamRange> {
        let at = self.footer.streams.binary_search_by_key(&stream, |range| range.stream).ok()?;
        self.footer.streams.get(at)
    }

    /// Commits of a stream from `version` on, at most `limit` and not beyond the segment.
    pub fn read_stream(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let Some(range) = self.stream(stream) else { return Ok(Vec::new()) };
        let read = self.read_versions(range, version.max(range.first), limit);
        read.map_err(|fault| self.named(self.footer.first_seq, fault))
    }

    fn read_versions(
        &self,
        range: &StreamRange,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, Fault> {
        let count = (range.last + 1).saturating_sub(version).min(limit as u64);
        let file = self.open()?;
        let mut offsets = vec![0u8; count as usize * 4];
        let skip = u64::from(range.at) + (version - range.first);
        self.table(&file, skip * 4, &mut offsets)?;
        let at = |n: usize| u64::from(u32::from_be_bytes(take(&offsets, n * 4)));
        let reading = (0..count as usize).map(|n| {
            let recorded = self.record_at(&file, at(n))?;
            let header = &recorded.commit.header;
            if (header.stream, header.version) == (range.stream, version + n as u64) {
                return Ok(recorded);
            }
            let (found, wanted) = (header.version, version + n as u64);
            let what = format!("{} {found} is where {} {wanted} is", header.stream, range.stream);
            Err(Fault::Corrupt(what))
        });
        reading.collect()
    }

    /// The commit with this id, if it is here.
    pub fn find(&self, id: CommitId, key: IdKey) -> Result<Option<Arc<Recorded>>, ReadError> {
        if !self.footer.filter.may_have(key) {
            return Ok(None);
        }
        self.search(id, key).map_err(|fault| self.named(self.footer.first_seq, fault))
    }

    fn search(&self, id: CommitId, key: IdKey) -> Result<Option<Arc<Recorded>>, Fault> {
        let file = self.open()?;
        let count = self.footer.count() as usize;
        let mut window = vec![0u8; WINDOW.min(count) * ID_BYTES];
        let (mut low, mut high) = (0, count);
        let mut guess = key.place(count);
        // The first entry that is not before the key is between `low` and `high`.
        while low < high {
            let from = guess.saturating_sub(WINDOW / 2).clamp(low, high - 1);
            let length = (high - from).min(WINDOW);
            let entries = &mut window[..length * ID_BYTES];
            self.table(&file, (count * 4 + from * ID_BYTES) as u64, entries)?;
            let entry = |n: usize| u64::from_be_bytes(take(entries, n * ID_BYTES));
            let before = partition(length, |n| entry(n) < key.order);
            if before == 0 && from > low {
                high = from;
            } else if before == length {
                low = from + length;
            } else {
                (low, high) = (from + before, from + before);
            }
            guess = low.midpoint(high);
        }
        self.compare(&file, id, key, low)
    }

    /// Tries the entries of the table that bear the key, from `at` on.
    fn compare(
        &self,
        file: &File,
        id: CommitId,
        key: IdKey,
        mut at: usize,
    ) -> Result<Option<Arc<Recorded>>, Fault> {
        let count = self.footer.count() as usize;
        let mut entry = [0u8; ID_BYTES];
        while at < count {
            self.table(file, (count * 4 + at * ID_BYTES) as u64, &mut entry)?;
            if u64::from_be_bytes(take(&entry, 0)) != key.order {
                break;
            }
            let recorded = self.record_at(file, u64::from(u32::from_be_bytes(take(&entry, 8))))?;
            if recorded.commit.header.commit_id == id {
                return Ok(Some(recorded));
            }
            at += 1;
        }
        Ok(None)
    }

    fn record_at(&self, file: &File, offset: u64) -> Result<Arc<Recorded>, Fault> {
        let mut walk = Walk::one(file, offset, self.end);
        let record = walk.step()?.map_err(Fault::Corrupt)?;
        let (seq, recorded_at) = (record.seq, record.recorded_at);
        decode(seq, recorded_at, record.body.to_vec())
    }

    /// Reads from the tables, `at` bytes after the front of the footer.
    fn table(&self, file: &File, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        let Some(tables) = &self.tables else {
            let from = self.end + self.footer.front_bytes() as u64 + at;
            return Ok(file.read_exact_at(into, from)?);
        };
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        let part = tables.get(from..).and_then(|rest| rest.get(..into.len()));
        let part = part.ok_or_else(|| Fault::Corrupt("a table of its footer is short".into()))?;
        into.copy_from_slice(part);
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    fn named(&self, seq: Seq, fault: Fault) -> ReadError {
        let path = self.path.display();
        match fault {
            Fault::Io(error) => ReadError::Unavailable { reason: format!("{path}: {error}") },
            Fault::Corrupt(what) => ReadError::Corrupt { seq, reason: format!("{path} {what}") },
        }
    }
}

fn decode(seq: Seq, recorded_at: UtcMicros, bytes: Vec<u8>) -> Result<Arc<Recorded>, Fault> {
    let commit = Commit::decode(&bytes).map_err(|e| Fault::Corrupt(e.to_string()))?;
    let hash = envelope::hash(&bytes);
    Ok(Arc::new(Recorded { seq, recorded_at, hash, commit, bytes }))
}

/// The first of `count` places for which `before` does not hold; it holds for all before that.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
