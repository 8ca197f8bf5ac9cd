//! The ledger on NATS JetStream: one stream per site, one message per commit, a replica per node.
//!
//! The server is the truth. A node publishes under the condition that the stream is where it
//! believes it to be, follows the whole log with one consumer into its own segments and store,
//! and reads only from there. An answer that does not say what became of a commit is resolved by
//! reading the stream's tail. Reading order: `names`, `connect`, `wire` (what an append needs),
//! `check` and `monitor` (what the stream is worth), `open`, `append`, `follower`, `provision`,
//! `read` (an audit of the stream itself). `lease` is what ownership is claimed with. Not here:
//! checkpoints.

mod names;
mod connect;
mod monitor;
mod system;
mod check;
mod wire;
mod identity;
mod waiters;
mod append;
mod follower;
mod open;
mod provision;
mod read;
mod lease;

pub use check::STREAM_SCHEMA;
pub use connect::{NatsAddress, NatsLogin};
pub use lease::LEASE_TTL;
pub use names::Names;
pub use open::{JetStreamOptions, WrapWire};
pub use provision::{Provision, Provisioned, Restored, provision, restore};
pub use read::read_stream;
pub use wire::{Answer, Outgoing, Silence, Wire};

use crate::clock::Clock;
use crate::directory::Identity;
use crate::embedded::EmbeddedLedger;
use crate::lease::Leases;
use crate::ledger::{
    AppendError, Appended, Deviation, Durability, Expected, Head, Ledger, NewCommit, ReadError,
    Recorded, Seq,
};
use crate::proof::tree::Frontier;
use crate::stage::{Seal, code_version};
use connect::Connection;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use grimnir_events::{CommitId, LogId, StreamId, UtcMicros};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use waiters::{Turns, Waiters};

/// A site's ledger on JetStream, with this node's replica of it.
pub struct JetStreamLedger {
    inner: Arc<Inner>,
    tasks: Vec<tokio::task::AbortHandle>,
    leases: Arc<dyn Leases>,
}

/// What appends, the follower and the checks share.
pub(crate) struct Inner {
    dir: PathBuf,
    names: Names,
    options: JetStreamOptions,
    connection: Connection,
    wire: Arc<dyn Wire>,
    stream: async_nats::jetstream::stream::Stream<()>,
    replica: EmbeddedLedger,
    log_id: LogId,
    epoch: AtomicU64,
    clock: Arc<dyn Clock>,
    waiters: Waiters,
    turns: Turns,
    status: Mutex<Status>,
    /// Why nothing is followed any more: the log contradicts itself or the replica.
    incident: watch::Sender<Option<ReadError>>,
    patience: Duration,
    /// The stream is to be looked at now, not in half a minute.
    look: tokio::sync::Notify,
}

/// What the stream is worth, as last looked.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub class: Durability,
    pub deviations: Vec<Deviation>,
}

impl Status {
    /// Nothing could be read: that counts as weaker.
    pub fn unseen(reason: String) -> Self {
        let deviation = Deviation { name: "stream", found: reason, wanted: "readable".into() };
        Self { class: Durability::Unverified, deviations: vec![deviation] }
    }
}

impl Inner {
    /// What is stamped into the commits of this node.
    fn seal(&self) -> Seal {
        let epoch = self.epoch.load(Ordering::Acquire);
        Seal { log_id: self.log_id, epoch, code_version: code_version() }
    }
    fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn set_status(&self, status: Status) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
    /// Stops everything that would build on a log that is not what it was.
    fn report(&self, error: ReadError) {
        tracing::error!(%error, stream = self.names.stream, "the log is not followed any more");
        self.incident.send_if_modified(|incident| {
            let first = incident.is_none();
            if first {
                *incident = Some(error);
            }
            first
        });
    }
    fn incident(&self) -> Option<ReadError> {
        self.incident.borrow().clone()
    }
}

impl JetStreamLedger {
    /// What the ledger says about itself.
    pub fn identity(&self) -> &Identity {
        self.inner.replica.identity()
    }
    /// The contradiction that stopped this node, where there is one.
    pub fn incident(&self) -> Option<ReadError> {
        self.inner.incident()
    }
    /// Where the replica is.
    pub fn dir(&self) -> &std::path::Path {
        &self.inner.dir
    }
    /// Looks at the stream again now; the answer is also what [`Ledger::deviations`] says next.
    pub async fn check(&self) -> Vec<Deviation> {
        open::look_again(&self.inner).await;
        self.inner.status().deviations
    }
}

impl Drop for JetStreamLedger {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Ledger for JetStreamLedger {
    fn log_id(&self) -> LogId {
        self.inner.log_id
    }
    fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::Acquire)
    }
    fn durability(&self) -> Durability {
        self.inner.status().class
    }
    fn deviations(&self) -> Vec<Deviation> {
        self.inner.status().deviations
    }
    fn sealed(&self) -> Option<watch::Receiver<Seq>> {
        self.inner.replica.sealed()
    }
    fn writable(&self) -> Result<(), String> {
        if let Some(error) = self.inner.incident() {
            return Err(error.to_string());
        }
        self.inner.replica.writable()?;
        self.inner.wire.away().map_or(Ok(()), Err)
    }
    fn leases(&self) -> Option<Arc<dyn Leases>> {
        Some(self.leases.clone())
    }
    fn close(&self) -> bool {
        for task in &self.tasks {
            task.abort();
        }
        self.inner.replica.close()
    }
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(append::append(&self.inner, commit, expected))
    }
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.replica.read(stream, version, limit)
    }
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.replica.read_all(seq, limit)
    }
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>> {
        self.inner.replica.find(commit_id)
    }
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.inner.replica.head()
    }
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        self.inner.replica.version(stream)
    }
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>> {
        self.inner.replica.position_of(time)
    }
    fn sealed_trees(&self) -> Vec<Frontier> {
        self.inner.replica.sealed_trees()
    }
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>> {
        let reader = Reader {
            commits: self.inner.replica.follow(seq),
            incident: self.inner.incident.subscribe(),
            over: false,
        };
        stream::unfold(reader, |mut reader| async move {
            let item = reader.next().await?;
            Some((item, reader))
        })
        .boxed()
    }
}

/// A reader of the replica that hears of an incident once it has read everything before it.
struct Reader {
    commits: BoxStream<'static, Result<Arc<Recorded>, ReadError>>,
    incident: watch::Receiver<Option<ReadError>>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Arc<Recorded>, ReadError>> {
        if self.over {
            return None;
        }
        let incident = self.incident.wait_for(Option::is_some);
        tokio::select! {
            biased;
            item = self.commits.next() => item,
            error = incident => {
                self.over = true;
                error.ok().and_then(|error| error.clone()).map(Err)
            }
        }
    }
}
