//! Where every commit of the ledger is: sealed segments by their footers, the others in memory.
//!
//! Usually one segment is open, the active one; between the beginning of the next and the sealing
//! of the last there are two.

use crate::hashing::IdMap;
use crate::index::{Index, Slot};
use crate::ledger::{Head, Recorded, Seq};
use crate::proof::tree::Frontier;
use crate::segment::chain::{Chain, Tails};
use crate::segment::sealed::Sealed;
use grimnir_events::{CommitId, ContentHash, LogId, StreamId, UtcMicros};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// A segment that is not sealed.
pub(crate) struct Open {
    pub path: PathBuf,
    pub file: Arc<File>,
    pub index: Index,
    /// Hash of its last commit, or of the last before it.
    pub hash: ContentHash,
}

/// Where a commit is kept.
pub(crate) enum Place {
    Open(Arc<File>, Slot),
    Sealed(Arc<Sealed>),
}

/// Where a part of a stream is kept.
pub(crate) enum Part {
    /// At these positions, in an open segment.
    Open(Vec<Seq>),
    /// In a sealed one, from this version on.
    Sealed(Arc<Sealed>, u64),
}

/// What sealed segments have of a stream.
#[derive(Default)]
struct Stream {
    version: u64,
    hash: ContentHash,
    /// Number of each segment that has some of it, and the first version there.
    parts: Vec<(u32, u64)>,
}

/// A closed segment that is to be sealed, and all that it takes.
pub(crate) struct Unsealed {
    pub path: PathBuf,
    pub chain: Chain,
    pub frontier: Frontier,
    /// Its last commit.
    pub until: (Seq, ContentHash),
}

/// The segments of a ledger.
pub(crate) struct Catalog {
    log_id: LogId,
    sealed: Arc<Vec<Arc<Sealed>>>,
    streams: IdMap<StreamId, Stream>,
    open: Vec<Open>,
}

impl Catalog {
    /// A catalog without segments.
    pub fn of(log_id: LogId) -> Self {
        Self { log_id, sealed: Arc::default(), streams: IdMap::default(), open: Vec::new() }
    }

    /// Takes the sealed segment that follows the others; if it is open, it is not any longer.
    pub fn seal(&mut self, sealed: Sealed) {
        if self.open.first().is_some_and(|open| open.path == sealed.path) {
            self.open.remove(0);
        }
        let number = self.sealed.len() as u32;
        for range in &sealed.footer.streams {
            let stream = self.streams.entry(range.stream).or_default();
            (stream.version, stream.hash) = (range.last, range.hash);
            stream.parts.push((number, range.first));
        }
        Arc::make_mut(&mut self.sealed).push(Arc::new(sealed));
    }

    /// Takes the segment that follows the others and is active from now on.
    pub fn begin(&mut self, open: Open) {
        debug_assert_eq!(open.index.first(), self.head_of_rest() + 1, "segments are gapless");
        self.open.push(open);
    }

    fn head_of_rest(&self) -> Seq {
        let sealed = self.sealed.last().map_or(0, |sealed| sealed.footer.last_seq);
        self.open.last().map_or(sealed, |open| open.index.head().seq)
    }

    /// Takes the commit that follows the head, into the active segment.
    pub fn push(&mut self, recorded: &Recorded, offset: u64, crc: u32) {
        if let Some(active) = self.open.last_mut() {
            active.index.push(recorded, offset, crc);
            active.hash = recorded.hash;
        }
    }

    /// How far it reaches.
    pub fn head(&self) -> Head {
        self.open.last().map(|open| open.index.head()).unwrap_or_default()
    }
    /// Hash of the last commit; zero before the first.
    pub fn hash(&self) -> ContentHash {
        self.open.last().map(|open| open.hash).unwrap_or_default()
    }
    /// Position of the first commit of the active segment.
    pub fn active_first(&self) -> Seq {
        self.open.last().map_or(1, |open| open.index.first())
    }
    /// The sealed segments, in order.
    pub fn sealed(&self) -> &Arc<Vec<Arc<Sealed>>> {
        &self.sealed
    }

    /// Version of a stream and the hash of its last commit.
    pub fn tail(&self, stream: StreamId) -> (u64, ContentHash) {
        let open = self.open.iter().rev().find_map(|open| open.index.tail(stream));
        let sealed = || self.streams.get(&stream).map(|s| (s.version, s.hash));
        open.or_else(sealed).unwrap_or_default()
    }

    /// Position and place of a commit that is in an open segment.
    pub fn find_open(&self, id: CommitId) -> Option<(Seq, Arc<File>, Slot)> {
        self.open.iter().rev().find_map(|open| {
            let seq = open.index.seq_of(id)?;
            Some((seq, open.file.clone(), open.index.slot(seq)?))
        })
    }

    /// Where the commit at `seq` is.
    pub fn place(&self, seq: Seq) -> Option<Place> {
        for open in self.open.iter().rev() {
            if open.index.first() <= seq {
                return Some(Place::Open(open.file.clone(), open.index.slot(seq)?));
            }
        }
        let after = self.sealed.partition_point(|sealed| sealed.footer.last_seq < seq);
        let sealed = self.sealed.get(after).filter(|s| s.footer.first_seq <= seq)?;
        Some(Place::Sealed(sealed.clone()))
    }

    /// Where the commits of a stream from `version` on are, at most `limit`.
    pub fn parts(&self, stream: StreamId, version: u64, mut limit: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = version.max(1);
        if let Some(sealed) = self.streams.get(&stream).filter(|s| s.version >= from) {
            let after = sealed.parts.partition_point(|(_, first)| *first <= from);
            for (number, first) in sealed.parts.iter().skip(after.saturating_sub(1)) {
                if limit == 0 {
                    return parts;
                }
                let Some(segment) = self.sealed.get(*number as usize) else { break };
                let last = segment.stream(stream).map_or(0, |range| range.last);
                from = from.max(*first);
                limit = limit.saturating_sub((last + 1 - from) as usize);
                parts.push(Part::Sealed(segment.clone(), from));
                from = last + 1;
            }
        }
        for open in &self.open {
            let seqs = open.index.seqs(stream, from, limit);
            limit -= seqs.len();
            from += seqs.len() as u64;
            if !seqs.is_empty() {
                parts.push(Part::Open(seqs));
            }
        }
        parts
    }

    /// Position of the first commit recorded at or after `time`, or the sealed segment it is in.
    pub fn position_of(&self, time: UtcMicros) -> Result<Seq, Arc<Sealed>> {
        let after = self.sealed.partition_point(|sealed| sealed.footer.recorded[1] < time);
        if let Some(sealed) = self.sealed.get(after) {
            return Err(sealed.clone());
        }
        let reached = |open: &&Open| open.index.head().recorded_at >= time;
        let open = self.open.iter().find(reached).or(self.open.last());
        Ok(open.map_or(1, |open| open.index.position_of(time)))
    }

    /// The last commits of all streams in sealed segments.
    pub fn tails(&self) -> Tails {
        self.streams.iter().map(|(stream, s)| (*stream, (s.version, s.hash))).collect()
    }

    /// The chain and the tree behind the last sealed segment.
    pub fn behind_sealed(&self) -> (Chain, Frontier) {
        let last = self.sealed.last().map(|sealed| &sealed.footer);
        let frontier = last.map(|footer| footer.frontier.clone()).unwrap_or_default();
        (Chain::after(self.log_id, last, self.tails()), frontier)
    }

    /// The segment that is to be sealed next; `None` where only the active one is open.
    pub fn unsealed(&self) -> Option<Unsealed> {
        let [oldest, _, ..] = self.open.as_slice() else { return None };
        let (chain, frontier) = self.behind_sealed();
        let until = (oldest.index.head().seq, oldest.hash);
        Some(Unsealed { path: oldest.path.clone(), chain, frontier, until })
    }
}
