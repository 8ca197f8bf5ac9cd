//! The reading side of the embedded ledger: newest commits from memory, older ones from the
//! store, and from the segment whenever the store has not got them.

use super::store::Store;
use crate::index::{Index, Slot};
use crate::ledger::{Head, ReadError, Recorded, Seq};
use grimnir_events::frame::{self, HEADER_BYTES, MAX_BODY_BYTES};
use grimnir_events::{Commit, envelope};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// Newest commits that are kept in memory: at most so many,
const TAIL_COMMITS: usize = 2_048;
/// and at most so many stored bytes.
const TAIL_BYTES: usize = 8 << 20;

/// What readers, the writer and the store's feeder share.
pub(crate) struct Shared {
    index: RwLock<Index>,
    tail: RwLock<Tail>,
    segment: File,
    pub store: Store,
    /// Moves after the commits it covers can be read.
    pub head: watch::Sender<Head>,
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
    pub fn new(index: Index, segment: File, store: Store) -> Self {
        let head = watch::Sender::new(index.head());
        Self {
            index: RwLock::new(index),
            tail: RwLock::default(),
            segment,
            store,
            head,
            followed_epoch: AtomicU64::new(0),
            unwritable: Mutex::new(None),
        }
    }

    /// The index. Held briefly: the writer waits for it.
    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes durable commits readable; `offset` is where the first one's record begins.
    pub fn publish(&self, commits: &[Arc<Recorded>], mut offset: u64, crcs: &[u32]) {
        debug_assert_eq!(commits.len(), crcs.len(), "one checksum for each commit");
        let head = {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
            for (recorded, crc) in commits.iter().zip(crcs) {
                index.push(recorded, offset, *crc);
                offset += (HEADER_BYTES + recorded.bytes.len()) as u64;
                tail.push(recorded.clone());
            }
            index.head()
        };
        self.head.send_replace(head);
    }

    /// Why the ledger takes nothing now; `None` when it does.
    pub fn unwritable(&self) -> Option<String> {
        self.unwritable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Notes whether the last group was stored.
    pub fn set_unwritable(&self, reason: Option<String>) {
        *self.unwritable.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// The commits at these positions; those beyond the head are left out.
    pub fn load_all(
        &self,
        seqs: impl IntoIterator<Item = Seq>,
    ) -> Result<Vec<Arc<Recorded>>, ReadError> {
        seqs.into_iter()
            .map_while(|seq| {
                let slot = self.index().slot(seq)?;
                Some(self.load(seq, slot))
            })
            .collect()
    }

    /// Whether all of these can be read without touching a file.
    pub fn in_memory(&self, first: Seq) -> bool {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        tail.commits.front().is_some_and(|oldest| oldest.seq <= first)
    }

    /// The commit at `seq`, which is at `slot`.
    pub fn load(&self, seq: Seq, slot: Slot) -> Result<Arc<Recorded>, ReadError> {
        let kept = self.tail.read().unwrap_or_else(PoisonError::into_inner).get(seq);
        if let Some(recorded) = kept {
            return Ok(recorded);
        }
        if let Some(bytes) = self.store.get(seq) {
            if crc_of(seq, slot, &bytes) == slot.crc {
                return decode(seq, slot, bytes);
            }
            self.store.degrade(format!("seq {seq} in the store is not what the segment holds"));
        }
        decode(seq, slot, self.read_segment(seq, slot)?)
    }

    fn read_segment(&self, seq: Seq, slot: Slot) -> Result<Vec<u8>, ReadError> {
        let mut head = [0u8; HEADER_BYTES];
        let unavailable = |e: std::io::Error| ReadError::Unavailable { reason: e.to_string() };
        self.segment.read_exact_at(&mut head, slot.offset).map_err(unavailable)?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let corrupt = |reason: String| ReadError::Corrupt { seq, reason };
        if length > MAX_BODY_BYTES {
            return Err(corrupt(format!("record length {length}, limit {MAX_BODY_BYTES}")));
        }
        let mut record = head.to_vec();
        record.resize(HEADER_BYTES + length, 0);
        self.segment
            .read_exact_at(&mut record[HEADER_BYTES..], slot.offset + HEADER_BYTES as u64)
            .map_err(unavailable)?;
        let (found, _) = frame::read(&record).map_err(|e| corrupt(e.to_string()))?;
        if found.seq != seq || found.recorded_at != slot.recorded_at {
            return Err(corrupt(format!("the segment holds seq {} in its place", found.seq)));
        }
        record.drain(..HEADER_BYTES);
        Ok(record)
    }
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
