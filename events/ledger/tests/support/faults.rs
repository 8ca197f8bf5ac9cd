//! What may happen between a writer and its store: an acknowledgement lost, late after the caller
//! gave up, a message repeated, a tail that is behind.

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::BoxStream;
use grimnir_events::{CommitId, LogId, StreamId, UtcMicros};
use grimnir_ledger::jetstream::{Answer, Outgoing, Silence, Wire};
use grimnir_ledger::{
    AppendError, Appended, Durability, Expected, Head, Ledger, NewCommit, ReadError, Recorded, Seq,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    AckLost,
    RequestLost,
    /// It arrives when its writer has gone on.
    Late,
    Duplicate,
}

/// Faults in turn, most of them of the bad kind.
#[derive(Default)]
struct Turn(AtomicU64);

impl Turn {
    fn next(&self) -> Fault {
        match self.0.fetch_add(1, Ordering::Relaxed) % 7 {
            1 => Fault::AckLost,
            2 => Fault::Late,
            4 => Fault::Duplicate,
            5 => Fault::RequestLost,
            _ => Fault::None,
        }
    }
    fn every(&self, nth: u64) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(nth)
    }
}

fn lost<T>() -> Result<T, Silence> {
    Err(Silence::Lost("the test lost it".into()))
}

/// A wire that loses, repeats and delays.
pub struct FaultyWire {
    inner: Arc<dyn Wire>,
    turn: Turn,
    tails: Turn,
}

impl FaultyWire {
    pub fn around(inner: Arc<dyn Wire>) -> Self {
        Self { inner, turn: Turn::default(), tails: Turn::default() }
    }
}

impl Wire for FaultyWire {
    fn publish(&self, commit: Outgoing) -> BoxFuture<'_, Result<Answer, Silence>> {
        async move {
            match self.turn.next() {
                Fault::None => self.inner.publish(commit).await,
                Fault::AckLost => {
                    let _ = self.inner.publish(commit).await;
                    lost()
                }
                Fault::RequestLost => lost(),
                Fault::Late => {
                    let inner = self.inner.clone();
                    tokio::spawn(async move {
                        // Behind whatever the writer does next.
                        for _ in 0..64 {
                            tokio::task::yield_now().await;
                        }
                        inner.publish(commit).await
                    });
                    lost()
                }
                Fault::Duplicate => {
                    let _ = self.inner.publish(commit.clone()).await;
                    self.inner.publish(commit).await
                }
            }
        }
        .boxed()
    }
    fn tail(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, String>> {
        async move {
            let tail = self.inner.tail(stream).await?;
            Ok(if self.tails.every(3) { tail.saturating_sub(1) } else { tail })
        }
        .boxed()
    }
    fn away(&self) -> Option<String> {
        self.inner.away()
    }
}

/// A ledger whose answers get lost, and the caller that finds out all the same: by asking for the
/// commit, and else by appending it again under the same id.
pub struct FaultyLedger {
    inner: Arc<dyn Ledger>,
    turn: Turn,
    finds: Turn,
    callers: Mutex<HashMap<CommitId, Arc<tokio::sync::Mutex<()>>>>,
}

impl FaultyLedger {
    pub fn around(inner: Arc<dyn Ledger>) -> Self {
        let (turn, finds) = (Turn::default(), Turn::default());
        Self { inner, turn, finds, callers: Mutex::default() }
    }

    async fn attempt(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> Result<Appended, AppendError> {
        let commit_id = commit.commit_id;
        let uncertain = || AppendError::Uncertain { commit_id, reason: "the test lost it".into() };
        match self.turn.next() {
            Fault::None => self.inner.append(commit, expected).await,
            Fault::AckLost => {
                // A refusal is lost too.
                let _ = self.inner.append(commit, expected).await;
                Err(uncertain())
            }
            Fault::RequestLost => Err(uncertain()),
            Fault::Late => {
                let inner = self.inner.clone();
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    inner.append(commit, expected).await
                });
                Err(uncertain())
            }
            Fault::Duplicate => {
                let first = self.inner.append(commit.clone(), expected).await;
                let again = self.inner.append(commit, expected).await;
                // The second answer is what arrives; it repeats the first.
                match (first, again) {
                    (Ok(first), Ok(again)) => {
                        assert!(again.repeated, "the same commit is stored once");
                        Ok(Appended { repeated: first.repeated, ..again })
                    }
                    (first, _) => first,
                }
            }
        }
    }

    async fn resolved(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> Result<Appended, AppendError> {
        let commit_id = commit.commit_id;
        let caller = {
            let mut callers = self.callers.lock().expect("not poisoned");
            callers.entry(commit_id).or_default().clone()
        };
        let _one = caller.lock().await;
        let known = self.inner.find(commit_id).await.ok().flatten().is_some();
        loop {
            match self.attempt(commit.clone(), expected).await {
                Err(AppendError::Uncertain { .. }) => {
                    // The tail is read; one answer in three is behind and does not have it.
                    if !self.finds.every(3) {
                        let _ = self.inner.find(commit_id).await;
                    }
                }
                Ok(appended) => return Ok(Appended { repeated: known, ..appended }),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Ledger for FaultyLedger {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }
    fn durability(&self) -> Durability {
        self.inner.durability()
    }
    fn writable(&self) -> Result<(), String> {
        self.inner.writable()
    }
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.resolved(commit, expected).boxed()
    }
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.read(stream, version, limit)
    }
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.read_all(seq, limit)
    }
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>> {
        self.inner.find(commit_id)
    }
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.inner.head()
    }
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        self.inner.version(stream)
    }
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>> {
        self.inner.position_of(time)
    }
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>> {
        self.inner.follow(seq)
    }
}
