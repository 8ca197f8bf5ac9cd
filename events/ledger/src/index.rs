//! Where every commit of one stretch of the ledger is: streams, commit ids, positions, in memory.
//!
//! Per commit about 80 bytes (24 in `slots`, 8 in its stream, the rest in `commits`). On disk only
//! the active segment is held like this: at 64 MiB some 150,000 commits, 12 MB.

use crate::hashing::IdMap;
use crate::ledger::{Head, Recorded, Seq};
use grimnir_events::{CommitId, ContentHash, StreamId, UtcMicros};

/// Where one commit is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// When it was recorded.
    pub recorded_at: UtcMicros,
    /// Offset of its record in the segment.
    pub offset: u64,
    /// CRC32C of its record, so that a copy from elsewhere can be held against it.
    pub crc: u32,
}

#[derive(Default)]
struct StreamPart {
    /// Version of the first commit in `seqs`.
    first: u64,
    seqs: Vec<Seq>,
    hash: ContentHash,
}

/// The index over all commits after a position.
#[derive(Default)]
pub(crate) struct Index {
    /// Where it begins.
    before: Head,
    streams: IdMap<StreamId, StreamPart>,
    commits: IdMap<CommitId, Seq>,
    slots: Vec<Slot>,
}

impl Index {
    /// An index over the commits that follow `before`.
    pub fn after(before: Head) -> Self {
        Self { before, ..Self::default() }
    }
    /// Position of its first commit, where there is one.
    pub fn first(&self) -> Seq {
        self.before.seq + 1
    }
    /// How far it reaches.
    pub fn head(&self) -> Head {
        let Some(last) = self.slots.last() else { return self.before };
        Head { seq: self.before.seq + self.slots.len() as Seq, recorded_at: last.recorded_at }
    }
    /// Version of a stream and the hash of its last commit; `None` where it has none here.
    pub fn tail(&self, stream: StreamId) -> Option<(u64, ContentHash)> {
        let part = self.streams.get(&stream)?;
        Some((part.first + part.seqs.len() as u64 - 1, part.hash))
    }
    /// Position of a commit.
    pub fn seq_of(&self, commit: CommitId) -> Option<Seq> {
        self.commits.get(&commit).copied()
    }
    /// Where the commit at `seq` is.
    pub fn slot(&self, seq: Seq) -> Option<Slot> {
        let at = usize::try_from(seq.checked_sub(self.first())?).ok()?;
        self.slots.get(at).copied()
    }
    /// Positions of a stream's commits from `version` on, at most `limit`.
    pub fn seqs(&self, stream: StreamId, version: u64, limit: usize) -> Vec<Seq> {
        let Some(part) = self.streams.get(&stream) else { return Vec::new() };
        let skip = usize::try_from(version.saturating_sub(part.first)).unwrap_or(usize::MAX);
        part.seqs.iter().skip(skip).take(limit).copied().collect()
    }
    /// Position of the first commit recorded at or after `time`; head + 1 where there is none.
    pub fn position_of(&self, time: UtcMicros) -> Seq {
        self.first() + self.slots.partition_point(|slot| slot.recorded_at < time) as Seq
    }
    /// Takes the commit that follows the head.
    pub fn push(&mut self, recorded: &Recorded, offset: u64, crc: u32) {
        debug_assert_eq!(recorded.seq, self.head().seq + 1, "positions are gapless");
        let header = &recorded.commit.header;
        let part = self.streams.entry(header.stream).or_default();
        if part.seqs.is_empty() {
            part.first = header.version;
        }
        part.seqs.push(recorded.seq);
        part.hash = recorded.hash;
        self.commits.insert(header.commit_id, recorded.seq);
        self.slots.push(Slot { recorded_at: recorded.recorded_at, offset, crc });
    }
}
