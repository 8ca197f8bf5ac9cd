//! A ledger in memory: for tests and simulation. It keeps the same rules as one on disk.

use crate::clock::{Clock, SystemClock};
use crate::follow::follow;
use crate::index::Index;
use crate::ledger::{
    AppendError, Appended, Durability, Expected, Head, Ledger, NewCommit, ReadError, Recorded, Seq,
};
use crate::stage::{Group, History, Seal, Verdict, code_version};
use futures_util::future::{BoxFuture, FutureExt, ready};
use futures_util::stream::BoxStream;
use grimnir_events::{CommitId, ContentHash, LogId, StreamId, UtcMicros};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A ledger in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryLedger {
    seal: Seal,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    head: Arc<watch::Sender<Head>>,
}

#[derive(Default)]
struct State {
    index: Index,
    log: Vec<Arc<Recorded>>,
}

impl State {
    fn get(&self, seq: Seq) -> Option<Arc<Recorded>> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.log.get(at).cloned()
    }
    fn load(&self, seq: Seq) -> Result<Arc<Recorded>, ReadError> {
        let gone = || ReadError::Corrupt { seq, reason: "an indexed commit is missing".into() };
        self.get(seq).ok_or_else(gone)
    }
    fn range(&self, seq: Seq, limit: usize) -> Vec<Arc<Recorded>> {
        let skip = usize::try_from(seq.saturating_sub(1)).unwrap_or(usize::MAX);
        self.log.iter().skip(skip).take(limit).cloned().collect()
    }
}

impl History for State {
    fn find(&self, id: CommitId) -> Result<Option<Arc<Recorded>>, ReadError> {
        self.index.seq_of(id).map(|seq| self.load(seq)).transpose()
    }
    fn tail(&self, stream: StreamId) -> (u64, ContentHash) {
        self.index.tail(stream).unwrap_or_default()
    }
}

impl MemoryLedger {
    /// An empty ledger by the machine's clock.
    pub fn new(log_id: LogId) -> Self {
        Self::with_clock(log_id, Arc::new(SystemClock))
    }
    /// An empty ledger by another clock.
    pub fn with_clock(log_id: LogId, clock: Arc<dyn Clock>) -> Self {
        Self {
            seal: Seal { log_id, epoch: 1, code_version: code_version() },
            clock,
            state: Arc::default(),
            head: Arc::new(watch::Sender::new(Head::default())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, new: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let mut state = self.state();
        let mut group = Group::after(state.index.head(), self.clock.now());
        let verdict = group.stage(&self.seal, &*state, new, expected);
        match verdict {
            Verdict::Final(answer) => answer,
            Verdict::IfStored(error) => Err(error),
            Verdict::Staged { at, repeated } => {
                let recorded = group.staged[at].clone();
                state.index.push(&recorded, 0, 0);
                state.log.push(recorded.clone());
                self.head.send_replace(state.index.head());
                Ok(Appended { recorded, repeated })
            }
        }
    }
}

impl Ledger for MemoryLedger {
    fn log_id(&self) -> LogId {
        self.seal.log_id
    }
    fn epoch(&self) -> u64 {
        self.seal.epoch
    }
    fn durability(&self) -> Durability {
        Durability::Volatile
    }
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>> {
        // Lazy, as with every other backend: a future that is never polled appends nothing.
        async move { self.append_now(commit, expected) }.boxed()
    }
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        let state = self.state();
        let seqs = state.index.seqs(stream, version, limit);
        ready(seqs.into_iter().map(|seq| state.load(seq)).collect()).boxed()
    }
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        ready(Ok(self.state().range(seq, limit))).boxed()
    }
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>> {
        ready(self.state().find(commit_id)).boxed()
    }
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        ready(Ok(self.state().index.head())).boxed()
    }
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        ready(Ok(self.state().tail(stream).0)).boxed()
    }
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>> {
        ready(Ok(self.state().index.position_of(time))).boxed()
    }
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>> {
        let shared = Arc::downgrade(&self.state);
        follow(seq, self.head.subscribe(), move |seq, limit| {
            // A follower does not keep the ledger open: it ends when the last owner is gone.
            let batch = shared.upgrade().map_or_else(Vec::new, |state| {
                state.lock().unwrap_or_else(PoisonError::into_inner).range(seq, limit)
            });
            ready(Ok(batch))
        })
    }
}
