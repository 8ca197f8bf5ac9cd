//! Where every commit is: streams, commit ids and positions, in memory.
//!
//! Per commit about 80 bytes (24 in `slots`, 8 in its stream, the rest in `commits`): a million
//! commits, about a year of a busy station, take 80 MB. Rotation bounds it later.

use crate::ledger::{Head, Recorded, Seq};
use grimnir_events::{CommitId, ContentHash, StreamId, UtcMicros};
use std::collections::HashMap;

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
struct StreamTail {
    seqs: Vec<Seq>,
    hash: ContentHash,
}

/// The index over all commits from seq 1 on.
#[derive(Default)]
pub(crate) struct Index {
    streams: HashMap<StreamId, StreamTail>,
    commits: HashMap<CommitId, Seq>,
    slots: Vec<Slot>,
}

impl Index {
    /// How far it reaches.
    pub fn head(&self) -> Head {
        let recorded_at = self.slots.last().map(|slot| slot.recorded_at).unwrap_or_default();
        Head { seq: self.slots.len() as Seq, recorded_at }
    }
    /// Version of a stream and the hash of its last commit.
    pub fn tail(&self, stream: StreamId) -> (u64, ContentHash) {
        self.streams
            .get(&stream)
            .map_or((0, ContentHash::default()), |tail| (tail.seqs.len() as u64, tail.hash))
    }
    /// Position of a stream's last commit; 0 where there is none.
    pub fn last_seq(&self, stream: StreamId) -> Seq {
        self.streams.get(&stream).and_then(|tail| tail.seqs.last()).copied().unwrap_or(0)
    }
    /// Position of a commit.
    pub fn seq_of(&self, commit: CommitId) -> Option<Seq> {
        self.commits.get(&commit).copied()
    }
    /// Where the commit at `seq` is.
    pub fn slot(&self, seq: Seq) -> Option<Slot> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.slots.get(at).copied()
    }
    /// Positions of a stream's commits from `version` on, at most `limit`.
    pub fn seqs(&self, stream: StreamId, version: u64, limit: usize) -> Vec<Seq> {
        let skip = usize::try_from(version.saturating_sub(1)).unwrap_or(usize::MAX);
        let seqs = self.streams.get(&stream).map_or(&[][..], |tail| &tail.seqs);
        seqs.iter().skip(skip).take(limit).copied().collect()
    }
    /// Position of the first commit recorded at or after `time`; head + 1 where there is none.
    pub fn position_of(&self, time: UtcMicros) -> Seq {
        self.slots.partition_point(|slot| slot.recorded_at < time) as Seq + 1
    }
    /// Takes the commit that follows the head.
    pub fn push(&mut self, recorded: &Recorded, offset: u64, crc: u32) {
        debug_assert_eq!(recorded.seq, self.slots.len() as Seq + 1, "positions are gapless");
        let tail = self.streams.entry(recorded.commit.header.stream).or_default();
        tail.seqs.push(recorded.seq);
        tail.hash = recorded.hash;
        self.commits.insert(recorded.commit.header.commit_id, recorded.seq);
        self.slots.push(Slot { recorded_at: recorded.recorded_at, offset, crc });
    }
}
