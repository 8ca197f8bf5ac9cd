//! The reading side of the embedded ledger: newest commits from memory, those of the active
//! segment from the store or from the segment itself, older ones from sealed segments.

use super::catalog::{Catalog, Open, Part, Place};
use super::store::Store;
use crate::index::Slot;
use crate::ledger::{Head, ReadError, Recorded, Seq};
use crate::segment::filter::IdKey;
use crate::segment::sealed::Sealed;
use crate::stage::History;
use grimnir_events::frame::{self, HEADER_BYTES, MAX_BODY_BYTES};
use grimnir_events::{Commit, CommitId, ContentHash, StreamId, UtcMicros, envelope};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Newest commits that are kept in memory: at most so many,
const TAIL_COMMITS: usize = 2_048;
/// and at most so many stored bytes.
const TAIL_BYTES: usize = 8 << 20;

/// What readers, the writer, the sealer and the store's feeder share.
pub(crate) struct Shared {
    catalog: RwLock<Catalog>,
    tail: RwLock<Tail>,
    pub store: Store,
    /// Moves after the commits it covers can be read.
    pub head: watch::Sender<Head>,
    /// Moves with every segment that was sealed, to its last position.
    pub sealed: watch::Sender<Seq>,
    /// Highest owner epoch in any followed commit.
    pub followed_epoch: AtomicU64,
    /// Why the last append was not stored; `None` when it was.
    unwritable: Mutex<Option<String>>,
}

#[derive(Default)]
struct Tail {
    commits: VecDeque<Arc<Recorded>>,
    bytes: usize,
}

impl Tail {
    fn get(&self, seq: Seq) -> Option<Arc<Recorded>> {
        let first = self.commits.front()?.seq;
        let at = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.commits.get(at).cloned()
    }
    fn push(&mut self, recorded: Arc<Recorded>) {
        self.bytes += recorded.bytes.len();
        self.commits.push_back(recorded);
        while self.commits.len() > TAIL_COMMITS || self.bytes > TAIL_BYTES {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }
}

impl Shared {
    pub fn new(catalog: Catalog, store: Store) -> Self {
        let head = watch::Sender::new(catalog.head());
        Self {
            catalog: RwLock::new(catalog),
            tail: RwLock::default(),
            store,
            head,
            sealed: watch::Sender::new(0),
            followed_epoch: AtomicU64::new(0),
            unwritable: Mutex::new(None),
        }
    }

    /// The catalog. Held briefly: the writer waits for it.
    pub fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes durable commits readable; `offset` is where the first one's record begins.
    pub fn publish(&self, commits: &[Arc<Recorded>], mut offset: u64, crcs: &[u32]) {
        debug_assert_eq!(commits.len(), crcs.len(), "one checksum for each commit");
        let head = {
            let mut catalog = self.catalog_mut();
            let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
            for (recorded, crc) in commits.iter().zip(crcs) {
                catalog.push(recorded, offset, *crc);
                offset += (HEADER_BYTES + recorded.bytes.len()) as u64;
                tail.push(recorded.clone());
            }
            catalog.head()
        };
        self.head.send_replace(head);
    }
    /// Goes on in another segment.
    pub fn begin(&self, open: Open) {
        self.catalog_mut().begin(open);
    }
    /// Serves a segment by its footer from now on.
    pub fn seal(&self, sealed: Sealed) {
        let last = sealed.footer.last_seq;
        self.catalog_mut().seal(sealed);
        self.sealed.send_replace(last);
    }

    /// Why the ledger takes nothing now; `None` when it does.
    pub fn unwritable(&self) -> Option<String> {
        self.unwritable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Notes whether the last group was stored.
    pub fn set_unwritable(&self, reason: Option<String>) {
        *self.unwritable.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// The commits from `first` up to `end`; those beyond the head are left out.
    pub fn load_range(&self, first: Seq, end: Seq) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let mut out = Vec::new();
        let mut seq = first.max(1);
        while seq < end {
            let Some(place) = self.catalog().place(seq) else { break };
            match place {
                Place::Open(file, slot) => out.push(self.load(seq, &file, slot)?),
                // Sealed just now, and still in memory.
                Place::Sealed(_) if self.in_memory(seq) => out.extend(self.kept(seq)),
                Place::Sealed(sealed) => out.extend(sealed.read(seq, end - seq)?),
            }
            seq = first.max(1) + out.len() as Seq;
        }
        Ok(out)
    }

    /// Whether all from `first` on can be read without touching a file.
    pub fn in_memory(&self, first: Seq) -> bool {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        tail.commits.front().is_some_and(|oldest| oldest.seq <= first)
    }

    fn kept(&self, seq: Seq) -> Option<Arc<Recorded>> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner).get(seq)
    }

    /// The commits of a stream in these parts, at most `limit`.
    pub fn load_parts(
        &self,
        stream: StreamId,
        parts: Vec<Part>,
        limit: usize,
    ) -> Result<Vec<Arc<Recorded>>, ReadError> {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Part::Sealed(sealed, version) => {
                    out.extend(sealed.read_stream(stream, version, limit - out.len())?);
                }
                Part::Open(seqs) => {
                    for seq in seqs {
                        // It may have been sealed since.
                        out.extend(self.load_range(seq, seq + 1)?);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Position of the first commit recorded at or after `time`.
    pub fn position_of(&self, time: UtcMicros) -> Result<Seq, ReadError> {
        let found = self.catalog().position_of(time);
        found.or_else(|sealed| sealed.position_of(time))
    }

    /// The commit with this id.
    pub fn find(&self, id: CommitId) -> Result<Option<Arc<Recorded>>, ReadError> {
        let (open, sealed) = {
            let catalog = self.catalog();
            (catalog.find_open(id), catalog.sealed().clone())
        };
        match open {
            Some((seq, file, slot)) => self.load(seq, &file, slot).map(Some),
            None => find_sealed(&sealed, id),
        }
    }

    /// The commit at `seq`, which is at `slot` of this open segment.
    fn load(&self, seq: Seq, file: &File, slot: Slot) -> Result<Arc<Recorded>, ReadError> {
        if let Some(recorded) = self.kept(seq) {
            return Ok(recorded);
        }
        if let Some(bytes) = self.store.get(seq) {
            if crc_of(seq, slot, &bytes) == slot.crc {
                return decode(seq, slot, bytes);
            }
            self.store.degrade(format!("seq {seq} in the store is not what the segment holds"));
        }
        decode(seq, slot, read_segment(seq, file, slot)?)
    }
}

/// What the writer judges appends against, while it holds the catalog.
pub(crate) struct Known<'a> {
    pub shared: &'a Shared,
    pub catalog: &'a Catalog,
}

impl Known<'_> {
    /// Position of a stream's last commit; 0 where there is none.
    pub fn last_seq(&self, stream: StreamId) -> Result<Seq, ReadError> {
        let (version, _) = self.catalog.tail(stream);
        match self.catalog.parts(stream, version, 1).as_slice() {
            [Part::Open(seqs), ..] => Ok(seqs.first().copied().unwrap_or(0)),
            [Part::Sealed(sealed, _), ..] => {
                let last = sealed.read_stream(stream, version, 1)?;
                Ok(last.first().map_or(0, |commit| commit.seq))
            }
            [] => Ok(0),
        }
    }
}

impl History for Known<'_> {
    fn find(&self, id: CommitId) -> Result<Option<Arc<Recorded>>, ReadError> {
        match self.catalog.find_open(id) {
            Some((seq, file, slot)) => self.shared.load(seq, &file, slot).map(Some),
            None => find_sealed(self.catalog.sealed(), id),
        }
    }
    fn tail(&self, stream: StreamId) -> (u64, ContentHash) {
        self.catalog.tail(stream)
    }
}

/// Newest first: what is asked for again was mostly stored just now.
fn find_sealed(sealed: &[Arc<Sealed>], id: CommitId) -> Result<Option<Arc<Recorded>>, ReadError> {
    if sealed.is_empty() {
        return Ok(None);
    }
    let key = IdKey::of(id);
    let found = sealed.iter().rev().find_map(|sealed| sealed.find(id, key).transpose());
    found.transpose()
}

fn read_segment(seq: Seq, file: &File, slot: Slot) -> Result<Vec<u8>, ReadError> {
    let mut head = [0u8; HEADER_BYTES];
    let unavailable = |e: std::io::Error| ReadError::Unavailable { reason: e.to_string() };
    file.read_exact_at(&mut head, slot.offset).map_err(unavailable)?;
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let corrupt = |reason: String| ReadError::Corrupt { seq, reason };
    if length > MAX_BODY_BYTES {
        return Err(corrupt(format!("record length {length}, limit {MAX_BODY_BYTES}")));
    }
    let mut record = head.to_vec();
    record.resize(HEADER_BYTES + length, 0);
    file.read_exact_at(&mut record[HEADER_BYTES..], slot.offset + HEADER_BYTES as u64)
        .map_err(unavailable)?;
    let (found, _) = frame::read(&record).map_err(|e| corrupt(e.to_string()))?;
    if found.seq != seq || found.recorded_at != slot.recorded_at {
        return Err(corrupt(format!("the segment holds seq {} in its place", found.seq)));
    }
    record.drain(..HEADER_BYTES);
    Ok(record)
}

/// The checksum that a record of these bytes has.
fn crc_of(seq: Seq, slot: Slot, body: &[u8]) -> u32 {
    let mut head = [0u8; 20];
    head[..4].copy_from_slice(&(body.len() as u32).to_be_bytes());
    head[4..12].copy_from_slice(&seq.to_be_bytes());
    head[12..].copy_from_slice(&slot.recorded_at.0.to_be_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&head), body)
}

fn decode(seq: Seq, slot: Slot, bytes: Vec<u8>) -> Result<Arc<Recorded>, ReadError> {
    let commit =
        Commit::decode(&bytes).map_err(|e| ReadError::Corrupt { seq, reason: e.to_string() })?;
    let hash = envelope::hash(&bytes);
    Ok(Arc::new(Recorded { seq, recorded_at: slot.recorded_at, hash, commit, bytes }))
}
