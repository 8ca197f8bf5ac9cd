//! The rules of an append, the same for every backend: order, idempotence, chain, stamps.
//!
//! Commits are staged in a [`Group`] that is stored as a whole or not at all. All commits of a
//! group bear the group's `stamped_at`; `recorded_at` is that plus the place in the group. So the
//! hashed bytes cover the time of record, and tell which commits were synced together.

use crate::ledger::{AppendError, Appended, Expected, Head, NewCommit, ReadError, Recorded, Seq};
use grimnir_events::{Commit, CommitId, ContentHash, Header, LogId, StreamId, UtcMicros, envelope};
use std::collections::HashMap;
use std::sync::Arc;

/// Version of this program as commits carry it.
pub(crate) fn code_version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// What a ledger adds to every commit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    pub log_id: LogId,
    pub epoch: u64,
    pub code_version: u32,
}

/// What an append is judged against.
pub(crate) trait History {
    /// The commit with this id.
    fn find(&self, id: CommitId) -> Result<Option<Arc<Recorded>>, ReadError>;
    /// Version of a stream and the hash of its last commit.
    fn tail(&self, stream: StreamId) -> (u64, ContentHash);
}

/// What became of one append.
pub(crate) enum Verdict {
    /// Known already, whatever becomes of the group.
    Final(Result<Appended, AppendError>),
    /// It is the commit at this place of the group, or a repeat of it.
    Staged { at: usize, repeated: bool },
    /// This, if the group is stored: it was judged against the group's own commits.
    IfStored(AppendError),
}

/// Commits that are stored together.
pub(crate) struct Group {
    stamp: UtcMicros,
    head: Head,
    /// The commits, in order.
    pub staged: Vec<Arc<Recorded>>,
    tails: HashMap<StreamId, (u64, ContentHash)>,
    ids: HashMap<CommitId, usize>,
}

impl Group {
    /// An empty group after `head`. A clock that stepped back does not take the ledger with it.
    pub fn after(head: Head, now: UtcMicros) -> Self {
        let stamp = if head.seq == 0 { now } else { now.max(head.recorded_at.plus(1)) };
        Self { stamp, head, staged: Vec::new(), tails: HashMap::new(), ids: HashMap::new() }
    }

    /// Judges one append and stages it if it is to be stored.
    pub fn stage(
        &mut self,
        seal: &Seal,
        history: &impl History,
        new: NewCommit,
        expected: Expected,
    ) -> Verdict {
        if let Some(stored) = history.find(new.commit_id).transpose() {
            return Verdict::Final(repeat_of_stored(&new, stored));
        }
        if let Some(&at) = self.ids.get(&new.commit_id) {
            return if same_body(&self.staged[at].commit, &new) {
                Verdict::Staged { at, repeated: true }
            } else {
                Verdict::IfStored(AppendError::OtherBody { commit_id: new.commit_id })
            };
        }
        let stream = new.stream;
        let (found, previous) =
            self.tails.get(&stream).copied().unwrap_or_else(|| history.tail(stream));
        if let Expected::Version(expected) = expected
            && expected != found
        {
            return Verdict::IfStored(AppendError::Conflict { stream, found, expected });
        }
        match self.record(seal, new, found + 1, previous) {
            Ok(recorded) => {
                let at = self.staged.len();
                self.tails.insert(stream, (found + 1, recorded.hash));
                self.ids.insert(recorded.commit.header.commit_id, at);
                self.staged.push(Arc::new(recorded));
                Verdict::Staged { at, repeated: false }
            }
            Err(error) => Verdict::Final(Err(error)),
        }
    }

    fn record(
        &self,
        seal: &Seal,
        new: NewCommit,
        version: u64,
        previous: ContentHash,
    ) -> Result<Recorded, AppendError> {
        let commit_id = new.commit_id;
        let place = self.staged.len();
        let commit = Commit {
            header: Header {
                log_id: seal.log_id,
                commit_id,
                stream: new.stream,
                version,
                occurred_at: new.occurred_at,
                stamped_at: self.stamp,
                actor: new.actor,
                correlation: new.correlation,
                causation: new.causation,
                owner_epoch: new.epoch.unwrap_or(seal.epoch),
                code_version: seal.code_version,
                rules_version: new.rules_version,
                previous,
            },
            command: new.command,
            context: new.context,
            events: new.events,
        };
        let bytes = commit
            .encode()
            .map_err(|e| AppendError::NotStorable { commit_id, reason: e.to_string() })?;
        Ok(Recorded {
            seq: self.head.seq + 1 + place as Seq,
            recorded_at: self.stamp.plus(place as i64),
            hash: envelope::hash(&bytes),
            commit,
            bytes,
        })
    }
}

fn repeat_of_stored(
    new: &NewCommit,
    stored: Result<Arc<Recorded>, ReadError>,
) -> Result<Appended, AppendError> {
    let commit_id = new.commit_id;
    match stored {
        Ok(recorded) if same_body(&recorded.commit, new) => {
            Ok(Appended { recorded, repeated: true })
        }
        Ok(_) => Err(AppendError::OtherBody { commit_id }),
        Err(error) => Err(AppendError::Unavailable { reason: error.to_string() }),
    }
}

/// Whether `new` asks for what `stored` did. Decided again, the same command may have met another
/// state and other fresh ids: so events count only where there is no command.
pub(crate) fn same_body(stored: &Commit, new: &NewCommit) -> bool {
    stored.header.stream == new.stream
        && stored.header.actor == new.actor
        && stored.command == new.command
        && (new.command.is_some() || stored.events == new.events)
}
