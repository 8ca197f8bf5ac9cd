//! The writer: one thread that stores appends in groups, and acknowledges after the sync.
//!
//! A group is what is queued while the group before is being synced. A lone append never waits;
//! after a group of several the writer waits up to the group time for as many again, because those
//! who were answered together will ask together.

use super::replica::Followed;
use super::rotation::Rotation;
use super::shared::Known;
use super::shared::Shared;
use crate::clock::Clock;
use crate::ledger::{AppendError, Appended, Expected, NewCommit, Recorded};
use crate::segment::scan::crc_of;
use crate::segment::writer::{SegmentWriter, WriteFault};
use crate::stage::{Group, Seal, Verdict};
use grimnir_events::CommitId;
use grimnir_events::frame;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One append on its way.
pub(crate) struct Request {
    pub commit: NewCommit,
    pub expected: Expected,
    pub answer: oneshot::Sender<Result<Appended, AppendError>>,
    /// Its place in the bounded queue.
    pub permit: OwnedSemaphorePermit,
}

/// What reaches the writer.
pub(crate) enum Message {
    Append(Box<Request>),
    Follow(Followed),
    Close,
}

/// Everything the writer thread owns.
pub(crate) struct Writer {
    pub shared: Arc<Shared>,
    pub seal: Seal,
    pub clock: Arc<dyn Clock>,
    pub segment: SegmentWriter,
    pub rotation: Rotation,
    pub group_max: usize,
    pub group_wait: Duration,
    /// Followed commits are in the file that no sync covers yet.
    pub unsynced: bool,
    /// Wakes the store's feeder.
    pub published: Box<dyn Fn() + Send>,
}

impl Writer {
    /// Serves appends until it is told to close; answers whether the segment ends as it should.
    pub fn run(mut self, queue: &Receiver<Message>) -> bool {
        let mut before = 1;
        loop {
            let first = match self.next(queue) {
                Some(Message::Append(first)) => first,
                Some(Message::Follow(followed)) => {
                    self.follow(followed);
                    continue;
                }
                Some(Message::Close) | None => break,
            };
            let mut requests = vec![*first];
            let open = self.collect(queue, &mut requests, before);
            before = requests.len();
            self.commit(requests);
            if !open {
                break;
            }
        }
        // Whatever was queued behind the close was not stored.
        for message in queue.try_iter() {
            if let Message::Append(request) = message {
                let reason = "the ledger is closed".into();
                let _ = request.answer.send(Err(AppendError::Unavailable { reason }));
            }
        }
        self.segment.finish().is_ok()
    }

    /// Takes what is queued; false when the ledger is to close.
    fn collect(
        &mut self,
        queue: &Receiver<Message>,
        requests: &mut Vec<Request>,
        expected: usize,
    ) -> bool {
        while requests.len() < self.group_max {
            match queue.try_recv() {
                Ok(Message::Append(request)) => requests.push(*request),
                Ok(Message::Follow(followed)) => self.follow(followed),
                Ok(Message::Close) => return false,
                Err(_) => break,
            }
        }
        let until = Instant::now() + self.group_wait;
        while requests.len() < expected.min(self.group_max) {
            let left = until.saturating_duration_since(Instant::now());
            match queue.recv_timeout(left) {
                Ok(Message::Append(request)) => requests.push(*request),
                Ok(Message::Follow(followed)) => self.follow(followed),
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        true
    }

    fn commit(&mut self, requests: Vec<Request>) {
        let mut waiting = Vec::with_capacity(requests.len());
        let group = {
            let catalog = self.shared.catalog();
            let known = Known { shared: &self.shared, catalog: &catalog };
            let mut group = Group::after(catalog.head(), self.clock.now());
            for Request { commit, expected, answer, permit } in requests {
                let id = commit.commit_id;
                let verdict = group.stage(&self.seal, &known, commit, expected);
                waiting.push((id, verdict, answer, permit));
            }
            group
        };
        let stored = self.store(&group.staged);
        for (id, verdict, answer, permit) in waiting {
            drop(permit);
            // A caller that went away left its commit stored; asking again finds it.
            let _ = answer.send(judge(id, verdict, &group, stored.as_ref().err()));
        }
        if !group.staged.is_empty() && stored.is_ok() {
            (self.published)();
        }
    }

    fn store(&mut self, staged: &[Arc<Recorded>]) -> Result<(), WriteFault> {
        self.put(staged, true)
    }

    /// Writes commits and makes them readable; `sync` says whether they are durable then.
    pub(super) fn put(&mut self, staged: &[Arc<Recorded>], sync: bool) -> Result<(), WriteFault> {
        if staged.is_empty() {
            return Ok(());
        }
        self.rotation.rotate_if_due(&mut self.segment, &self.shared, self.clock.now());
        let total = staged.iter().map(|c| frame::HEADER_BYTES + c.bytes.len()).sum();
        let mut bytes = Vec::with_capacity(total);
        let mut crcs = Vec::with_capacity(staged.len());
        for commit in staged {
            let start = bytes.len();
            frame::write(&mut bytes, commit.seq, commit.recorded_at, &commit.bytes);
            crcs.push(crc_of(&bytes[start..]));
        }
        match self.segment.append(&bytes, sync) {
            Ok(offset) => {
                self.shared.publish(staged, offset, &crcs);
                self.shared.set_unwritable(None);
                Ok(())
            }
            Err(fault) => {
                let (WriteFault::Undone(reason)
                | WriteFault::Unknown(reason)
                | WriteFault::Refused(reason)) = &fault;
                tracing::error!(reason, commits = staged.len(), "commits were not stored");
                self.shared.set_unwritable(Some(reason.clone()));
                Err(fault)
            }
        }
    }
}

/// The answer to one append, once it is known what became of its group.
fn judge(
    commit_id: CommitId,
    verdict: Verdict,
    group: &Group,
    fault: Option<&WriteFault>,
) -> Result<Appended, AppendError> {
    match (verdict, fault) {
        (Verdict::Final(answer), _) => answer,
        (Verdict::Staged { at, repeated }, None) => {
            Ok(Appended { recorded: group.staged[at].clone(), repeated })
        }
        (Verdict::IfStored(error), None) => Err(error),
        (_, Some(WriteFault::Undone(reason) | WriteFault::Refused(reason))) => {
            Err(AppendError::Unavailable { reason: reason.clone() })
        }
        // Not staged itself, so it is not stored whatever became of the others.
        (Verdict::IfStored(_), Some(WriteFault::Unknown(reason))) => {
            Err(AppendError::Unavailable { reason: reason.clone() })
        }
        (Verdict::Staged { .. }, Some(WriteFault::Unknown(reason))) => {
            Err(AppendError::Uncertain { commit_id, reason: reason.clone() })
        }
    }
}
