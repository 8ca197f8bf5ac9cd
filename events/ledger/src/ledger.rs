//! The trait that every backend keeps, and its words.

use crate::lease::Leases;
use crate::proof::tree::Frontier;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use grimnir_events::codec::Encoded;
use grimnir_events::{
    Actor, Commit, CommitId, ContentHash, CorrelationId, LogId, StreamId, UtcMicros,
};
use std::sync::Arc;

/// Position in the ledger's own order, from 1, gapless.
pub type Seq = u64;

/// A commit that is to be appended; the ledger adds log id, version and previous hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCommit {
    /// Its identity; appended again with the same content it answers what was stored.
    pub commit_id: CommitId,
    /// The stream it extends.
    pub stream: StreamId,
    /// When it happened.
    pub occurred_at: UtcMicros,
    /// Who did it.
    pub actor: Actor,
    /// The conversation it belongs to.
    pub correlation: CorrelationId,
    /// The commit that caused it; zero for none.
    pub causation: CommitId,
    /// Version of the rules that decided.
    pub rules_version: u32,
    /// Epoch of the owner that decided; the ledger's own where not given.
    pub epoch: Option<u64>,
    /// The command; absent in witnessed streams.
    pub command: Option<Encoded>,
    /// The context of the decision.
    pub context: Option<Encoded>,
    /// The events; at least one.
    pub events: Vec<Encoded>,
}

/// What a writer expects of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// The stream has this many commits; 0: it does not exist.
    Version(u64),
    /// Whatever it has. For witnessed streams and first writers without a state.
    Any,
}

/// A commit as the ledger holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Its position.
    pub seq: Seq,
    /// When the ledger took it; strictly rising with `seq`.
    pub recorded_at: UtcMicros,
    /// SHA-256 of `bytes`.
    pub hash: ContentHash,
    /// The commit.
    pub commit: Commit,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

/// What an append answered.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The commit as stored.
    pub recorded: Arc<Recorded>,
    /// It was stored by an earlier append of the same commit id.
    pub repeated: bool,
}

/// How far the ledger reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// Position of the last commit; 0: none.
    pub seq: Seq,
    /// When it was recorded.
    pub recorded_at: UtcMicros,
}

/// What an acknowledgement is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Synced to this machine's disk before it is acknowledged.
    FsyncLocal,
    /// Held by a majority of at least three servers.
    Quorum,
    /// Synced to the disk of one server before it is acknowledged.
    SyncAlways,
    /// All that can be seen is in order, but how the server syncs could not be read: counts as
    /// weaker.
    Unverified,
    /// Less than a ledger promises; [`Ledger::deviations`] says in what.
    Weaker,
    /// Memory only: for tests and simulation.
    Volatile,
}

impl Durability {
    /// The word for it, as programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FsyncLocal => "fsync_local",
            Self::Quorum => "quorum",
            Self::SyncAlways => "sync_always",
            Self::Unverified => "unverified",
            Self::Weaker => "weaker",
            Self::Volatile => "volatile",
        }
    }
}

/// One thing in which the store is less than a ledger promises.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Deviation {
    /// What: a setting of the stream, or a figure of its state.
    pub name: &'static str,
    /// As it is.
    pub found: String,
    /// As it has to be.
    pub wanted: String,
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: found {}, expected {}", self.name, self.found, self.wanted)
    }
}

/// Why nothing was appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else extended the stream first.
    #[error("stream {stream} is at version {found}, expected {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// Its version.
        found: u64,
        /// The version the writer expected.
        expected: u64,
    },
    /// The commit id is known with other content.
    #[error("commit {commit_id} is stored already with another body")]
    OtherBody {
        /// The commit id.
        commit_id: CommitId,
    },
    /// The commit cannot be stored as it is.
    #[error("commit {commit_id} is not storable: {reason}")]
    NotStorable {
        /// The commit id.
        commit_id: CommitId,
        /// Why.
        reason: String,
    },
    /// The store takes nothing now (disk full, read-only, closed); nothing was stored.
    #[error("ledger is not writable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It may be stored or not: read the stream's tail to know.
    #[error("append of {commit_id} has no known outcome: {reason}")]
    Uncertain {
        /// The commit id.
        commit_id: CommitId,
        /// Why.
        reason: String,
    },
}

/// Why nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store could not be read.
    #[error("ledger cannot be read: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The ledger contradicts itself.
    #[error("ledger is corrupt at seq {seq}: {reason}")]
    Corrupt {
        /// The position.
        seq: Seq,
        /// What was found.
        reason: String,
    },
}

/// An append-only store of commits.
pub trait Ledger: Send + Sync + 'static {
    /// Which ledger it is.
    fn log_id(&self) -> LogId;
    /// Epoch stamped into the commits of this owner.
    fn epoch(&self) -> u64;
    /// What an acknowledgement is worth.
    fn durability(&self) -> Durability;
    /// In what the store is less than promised, as last looked; empty where nothing is.
    fn deviations(&self) -> Vec<Deviation> {
        Vec::new()
    }
    /// Writes everything out and lets go; appends after it are refused. True when the next opening
    /// finds everything in order.
    fn close(&self) -> bool {
        true
    }
    /// Moves to the last position in a sealed segment whenever one was sealed; `None` where
    /// nothing is ever sealed.
    fn sealed(&self) -> Option<tokio::sync::watch::Receiver<Seq>> {
        None
    }
    /// Where the nodes that share it claim what they own; `None` where one process alone may have
    /// it open, and so owns all of it.
    fn leases(&self) -> Option<Arc<dyn Leases>> {
        None
    }
    /// Whether appends are taken now; else why the last one was not. For readiness probes.
    fn writable(&self) -> Result<(), String> {
        Ok(())
    }
    /// Appends one commit; answered with `Ok` it is as durable as [`Self::durability`] says.
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>>;
    /// Commits of one stream from `version` on (1 is the first), at most `limit`.
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>>;
    /// Commits of all streams from `seq` on, at most `limit`.
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>>;
    /// The commit with this id.
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>>;
    /// How far the ledger reaches.
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>>;
    /// Version of a stream; 0 where there is none.
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>>;
    /// Position of the first commit recorded at or after `time`; head + 1 where there is none.
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>>;
    /// The tree over all commits behind each sealed segment, in order, as its footer says. Nothing
    /// is proven by it alone.
    fn sealed_trees(&self) -> Vec<Frontier> {
        Vec::new()
    }
    /// Everything from `seq` on, then what comes, with no hole and no repeat.
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>>;
}
