//! A ledger's directory as the replica of a log kept elsewhere: commits come with their position.
//!
//! What is followed is checked as a segment's reader checks it, then written without waiting for
//! the disk: the log of record is elsewhere, and what a crash takes is followed again. Not here:
//! where the commits come from.

use super::EmbeddedLedger;
use super::shared::Known;
use super::writer::{Message, Writer};
use crate::ledger::{ReadError, Recorded, Seq};
use crate::segment::writer::WriteFault;
use crate::stage::History;
use grimnir_events::{Commit, ContentHash, LogId, StreamId, UtcMicros, envelope};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Present in a ledger's directory that is a replica; says of what.
pub(crate) const REPLICA_MARK: &str = "stream.json";
/// What was followed is synced when nothing more came for so long.
const SYNC_AFTER: Duration = Duration::from_millis(50);

/// A commit as the log of record holds it.
pub(crate) struct Foreign {
    pub seq: Seq,
    /// When the log's server took it.
    pub taken_at: UtcMicros,
    pub bytes: Vec<u8>,
}

/// When a commit counts as recorded that the server took at `taken_at`. Every node derives the
/// same times from the same log: a server's clock that stepped back or stood still moves on by a
/// microsecond.
pub(crate) fn recorded_at(before: Option<UtcMicros>, taken_at: UtcMicros) -> UtcMicros {
    before.map_or(taken_at, |before| taken_at.max(before.plus(1)))
}

/// Commits on their way into the replica.
pub(crate) struct Followed {
    pub commits: Vec<Foreign>,
    pub answer: oneshot::Sender<Result<Seq, ReadError>>,
}

impl EmbeddedLedger {
    /// Position of the last commit that is here.
    pub(crate) fn head_seq(&self) -> Seq {
        self.shared.head.borrow().seq
    }

    /// Judges by all that is here at one moment. Brief: the writer waits for it.
    pub(crate) fn judge<T>(&self, judge: impl FnOnce(&Known<'_>) -> T) -> T {
        let catalog = self.shared.catalog();
        judge(&Known { shared: &self.shared, catalog: &catalog })
    }

    /// Highest owner epoch in any commit that was followed since the opening.
    pub(crate) fn followed_epoch(&self) -> u64 {
        self.shared.followed_epoch.load(Ordering::Acquire)
    }

    /// Takes commits of the log of record that follow the head; answers the new head. A commit
    /// that contradicts what is here is refused with its position, and nothing after it is taken.
    pub(crate) async fn follow_in(&self, commits: Vec<Foreign>) -> Result<Seq, ReadError> {
        let closed = || ReadError::Unavailable { reason: "the replica is closed".into() };
        let (answer, answered) = oneshot::channel();
        let followed = Followed { commits, answer };
        self.queue.send(Message::Follow(followed)).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Writer {
    /// The next message; syncs what was followed while none comes.
    pub(super) fn next(&mut self, queue: &Receiver<Message>) -> Option<Message> {
        if self.unsynced {
            match queue.recv_timeout(SYNC_AFTER) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.unsynced = false;
                    if let Err(fault) = self.segment.sync() {
                        self.shared.set_unwritable(Some(reason_of(&fault).to_owned()));
                    }
                }
            }
        }
        queue.recv().ok()
    }

    /// Stores followed commits.
    pub(super) fn follow(&mut self, followed: Followed) {
        let Followed { commits, answer } = followed;
        let (staged, refused) = {
            let catalog = self.shared.catalog();
            let known = Known { shared: &self.shared, catalog: &catalog };
            let mut arrivals = Arrivals::after(self.seal.log_id, &known);
            let mut staged = Vec::with_capacity(commits.len());
            let mut refused = None;
            for foreign in commits {
                match arrivals.admit(foreign) {
                    Ok(recorded) => staged.push(Arc::new(recorded)),
                    Err(error) => {
                        refused = Some(error);
                        break;
                    }
                }
            }
            (staged, refused)
        };
        let epoch = staged.iter().map(|commit| commit.commit.header.owner_epoch).max();
        self.shared.followed_epoch.fetch_max(epoch.unwrap_or(0), Ordering::AcqRel);
        let stored = self.put(&staged, false);
        if !staged.is_empty() && stored.is_ok() {
            self.unsynced = true;
            (self.published)();
        }
        let answered = match (stored, refused) {
            (Err(fault), _) => Err(ReadError::Unavailable { reason: reason_of(&fault).to_owned() }),
            (Ok(()), Some(error)) => Err(error),
            (Ok(()), None) => Ok(self.shared.head.borrow().seq),
        };
        let _ = answer.send(answered);
    }
}

fn reason_of(fault: &WriteFault) -> &str {
    let (WriteFault::Undone(reason) | WriteFault::Unknown(reason) | WriteFault::Refused(reason)) =
        fault;
    reason
}

/// What arriving commits must agree with.
struct Arrivals<'a> {
    log_id: LogId,
    known: &'a Known<'a>,
    head: Seq,
    recorded_at: Option<UtcMicros>,
    tails: HashMap<StreamId, (u64, ContentHash)>,
    ids: HashSet<grimnir_events::CommitId>,
}

impl<'a> Arrivals<'a> {
    fn after(log_id: LogId, known: &'a Known<'a>) -> Self {
        let head = known.catalog.head();
        Self {
            log_id,
            known,
            head: head.seq,
            recorded_at: (head.seq > 0).then_some(head.recorded_at),
            tails: HashMap::new(),
            ids: HashSet::new(),
        }
    }

    fn admit(&mut self, foreign: Foreign) -> Result<Recorded, ReadError> {
        let Foreign { seq, taken_at, bytes } = foreign;
        let corrupt = |reason| ReadError::Corrupt { seq, reason };
        let commit = Commit::decode(&bytes).map_err(|e| corrupt(e.to_string()))?;
        self.agrees(seq, &commit).map_err(corrupt)?;
        let id = commit.header.commit_id;
        if self.known.find(id)?.is_some() || !self.ids.insert(id) {
            return Err(corrupt(format!("{id} is there twice")));
        }
        let hash = envelope::hash(&bytes);
        let recorded_at = recorded_at(self.recorded_at, taken_at);
        self.tails.insert(commit.header.stream, (commit.header.version, hash));
        (self.head, self.recorded_at) = (seq, Some(recorded_at));
        Ok(Recorded { seq, recorded_at, hash, commit, bytes })
    }

    /// Whether a commit follows all that came before it.
    fn agrees(&self, seq: Seq, commit: &Commit) -> Result<(), String> {
        if seq != self.head + 1 {
            return Err(format!("the log goes on with seq {seq}, expected {}", self.head + 1));
        }
        let header = &commit.header;
        if header.log_id != self.log_id {
            let (found, own) = (header.log_id, self.log_id);
            return Err(format!("commit belongs to {found}, the ledger is {own}"));
        }
        let stream = header.stream;
        let (version, previous) =
            self.tails.get(&stream).copied().unwrap_or_else(|| self.known.tail(stream));
        if header.version != version + 1 {
            let found = header.version;
            return Err(format!("{stream} has version {found}, expected {}", version + 1));
        }
        if header.previous != previous {
            return Err(format!("{stream} follows hash {}, expected {previous}", header.previous));
        }
        Ok(())
    }
}
