//! The ledger on this machine's disk: the segment first, a store behind it for reads.
//!
//! An append is acknowledged when its record is in the active segment and synced. Everything else
//! (index, newest commits in memory, store, footers) is made from segments and can be made again.
//! Reading order: [`EmbeddedLedger::open`], `history` (what is there), `writer` and `rotation` (the
//! way in), `catalog` and `shared` (the way out), `sealer`, `feeder` and `store` (the copy). Not
//! here: checkpoints, archives, what JetStream does.

mod catalog;
mod feeder;
mod history;
mod open;
mod replica;
mod rotation;
mod sealer;
mod shared;
mod store;
mod writer;

pub use open::Options;
pub(crate) use replica::{Foreign, REPLICA_MARK, recorded_at};

use crate::directory::{Clean, Identity, Lock};
use crate::follow::follow;
use crate::ledger::{
    AppendError, Appended, Durability, Expected, Head, Ledger, NewCommit, ReadError, Recorded, Seq,
};
use crate::proof::tree::Frontier;
use catalog::Part;
use feeder::Signal;
use futures_util::future::{BoxFuture, FutureExt, ready};
use futures_util::stream::BoxStream;
use grimnir_events::{CommitId, LogId, StreamId, UtcMicros};
use shared::Shared;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, oneshot, watch};
use writer::{Message, Request};

/// Appends that may wait for the writer; more wait before its queue.
const QUEUE: usize = 4_096;

/// A ledger in a directory of this machine. One process has it open; readers need no lock.
pub struct EmbeddedLedger {
    identity: Identity,
    epoch: u64,
    shared: Arc<Shared>,
    queue: Sender<Message>,
    room: Arc<Semaphore>,
    owner: Mutex<Option<Owner>>,
}

/// What is ended by a close.
struct Owner {
    dir: PathBuf,
    writer: JoinHandle<bool>,
    feeder: JoinHandle<bool>,
    sealer: JoinHandle<bool>,
    signal: Arc<Signal>,
    _lock: Lock,
}

impl EmbeddedLedger {
    /// What the ledger says about itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// Why reads come from the segment alone; `None` while the store serves them.
    pub fn store_degraded(&self) -> Option<&str> {
        self.shared.store.degraded()
    }
    /// Commits up to this position are in the store or in sealed segments.
    pub fn store_head(&self) -> Seq {
        self.shared.store.head()
    }

    /// Stores what is queued, writes everything out and lets go of the directory. Appends after
    /// it are refused; true when the next opening finds everything in order. Dropping closes too.
    pub fn close(&self) -> bool {
        let owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Owner { dir, writer, feeder, sealer, signal, _lock }) = owner else { return true };
        self.room.close();
        let _ = self.queue.send(Message::Close);
        let segment = writer.join().unwrap_or(false);
        signal.close();
        let store = feeder.join().unwrap_or(false);
        // The writer is gone, and with it all that could tell the sealer to go on.
        let _ = sealer.join();
        if !segment {
            return false;
        }
        let (seq, hash) = {
            let catalog = self.shared.catalog();
            (catalog.head().seq, catalog.hash())
        };
        Clean { seq, hash, store }.store(&dir).is_ok()
    }

    /// Reads where a tokio runtime is not held up by it.
    fn reading<T: Send + 'static>(
        &self,
        in_memory: bool,
        job: impl FnOnce(&Shared) -> Result<T, ReadError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ReadError>> {
        reading(self.shared.clone(), in_memory, job)
    }
}

fn reading<T: Send + 'static>(
    shared: Arc<Shared>,
    in_memory: bool,
    job: impl FnOnce(&Shared) -> Result<T, ReadError> + Send + 'static,
) -> BoxFuture<'static, Result<T, ReadError>> {
    if in_memory {
        return ready(job(&shared)).boxed();
    }
    async move {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return job(&shared) };
        let read = runtime.spawn_blocking(move || job(&shared)).await;
        read.unwrap_or_else(|e| Err(ReadError::Unavailable { reason: e.to_string() }))
    }
    .boxed()
}

fn read_range(
    shared: Arc<Shared>,
    seq: Seq,
    limit: usize,
) -> BoxFuture<'static, Result<Vec<Arc<Recorded>>, ReadError>> {
    let first = seq.max(1);
    let in_memory = shared.in_memory(first);
    reading(shared, in_memory, move |shared| {
        let end = first.saturating_add(limit as u64).min(shared.head.borrow().seq + 1);
        shared.load_range(first, end)
    })
}

impl Drop for EmbeddedLedger {
    fn drop(&mut self) {
        self.close();
    }
}

impl Ledger for EmbeddedLedger {
    fn log_id(&self) -> LogId {
        self.identity.log_id
    }
    fn epoch(&self) -> u64 {
        self.epoch
    }
    fn durability(&self) -> Durability {
        Durability::FsyncLocal
    }
    fn sealed(&self) -> Option<watch::Receiver<Seq>> {
        Some(self.shared.sealed.subscribe())
    }
    fn writable(&self) -> Result<(), String> {
        if self.room.is_closed() {
            return Err("the ledger is closed".into());
        }
        self.shared.unwritable().map_or(Ok(()), Err)
    }
    fn close(&self) -> bool {
        Self::close(self)
    }
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move {
            let closed = || AppendError::Unavailable { reason: "the ledger is closed".into() };
            let commit_id = commit.commit_id;
            let permit = self.room.clone().acquire_owned().await.map_err(|_| closed())?;
            let (answer, answered) = oneshot::channel();
            let request = Box::new(Request { commit, expected, answer, permit });
            self.queue.send(Message::Append(request)).map_err(|_| closed())?;
            answered.await.unwrap_or_else(|_| {
                let reason = "the writer ended without an answer".into();
                Err(AppendError::Uncertain { commit_id, reason })
            })
        }
        .boxed()
    }
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        let parts = self.shared.catalog().parts(stream, version, limit);
        let in_memory = match parts.first() {
            Some(Part::Open(seqs)) => seqs.first().is_none_or(|&seq| self.shared.in_memory(seq)),
            Some(Part::Sealed(..)) => false,
            None => true,
        };
        self.reading(in_memory, move |shared| shared.load_parts(stream, parts, limit))
    }
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        read_range(self.shared.clone(), seq, limit)
    }
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>> {
        let in_memory = {
            let catalog = self.shared.catalog();
            let nowhere_else = catalog.sealed().is_empty();
            let open = catalog.find_open(commit_id);
            open.map_or(nowhere_else, |(seq, ..)| self.shared.in_memory(seq))
        };
        self.reading(in_memory, move |shared| shared.find(commit_id))
    }
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        ready(Ok(*self.shared.head.borrow())).boxed()
    }
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        ready(Ok(self.shared.catalog().tail(stream).0)).boxed()
    }
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>> {
        let in_memory = self.shared.catalog().position_of(time).is_ok();
        self.reading(in_memory, move |shared| shared.position_of(time))
    }
    fn sealed_trees(&self) -> Vec<Frontier> {
        let sealed = self.shared.catalog().sealed().clone();
        sealed.iter().map(|sealed| sealed.footer.frontier.clone()).collect()
    }
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>> {
        let shared = Arc::downgrade(&self.shared);
        follow(seq, self.shared.head.subscribe(), move |seq, limit| match shared.upgrade() {
            Some(shared) => read_range(shared, seq, limit),
            // The ledger is gone: a follower does not keep it, it ends.
            None => ready(Ok(Vec::new())).boxed(),
        })
    }
}
