//! The rules of a history, checked commit by commit without trusting who read it.

use grimnir_events::owner::OwnerEvent;
use grimnir_events::{Commit, ContentHash, LogId, StreamId, UtcMicros, envelope};
use grimnir_ledger::Recorded;
use std::collections::HashMap;

#[derive(Clone, Copy, Default)]
struct Tail {
    version: u64,
    hash: ContentHash,
    /// Highest epoch that anything in it was decided under.
    epoch: u64,
}

/// What the next commit must agree with.
pub(crate) struct Checks {
    log_id: LogId,
    pub(crate) seq: u64,
    pub(crate) hash: ContentHash,
    pub(crate) recorded_at: Option<UtcMicros>,
    streams: HashMap<StreamId, Tail>,
}

impl Checks {
    pub(crate) fn of(log_id: LogId) -> Self {
        let (seq, hash, recorded_at) = (0, ContentHash::default(), None);
        Self { log_id, seq, hash, recorded_at, streams: HashMap::new() }
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Takes the next commit, or says what it contradicts.
    pub(crate) fn admit(&mut self, recorded: &Recorded) -> Result<(), String> {
        let header = &recorded.commit.header;
        let stream = header.stream;
        if recorded.seq != self.seq + 1 {
            return Err(format!("record has seq {}, expected {}", recorded.seq, self.seq + 1));
        }
        if self.recorded_at.is_some_and(|before| recorded.recorded_at <= before) {
            return Err(format!("recorded at {}, not after the one before", recorded.recorded_at));
        }
        if header.log_id != self.log_id {
            let (found, log_id) = (header.log_id, self.log_id);
            return Err(format!("commit belongs to {found}, the ledger is {log_id}"));
        }
        let tail = self.streams.entry(stream).or_default();
        if header.version != tail.version + 1 {
            let (found, expected) = (header.version, tail.version + 1);
            return Err(format!("{stream} has version {found}, expected {expected}"));
        }
        if header.previous != tail.hash {
            let (found, expected) = (header.previous, tail.hash);
            return Err(format!("{stream} follows hash {found}, expected {expected}"));
        }
        // Facts come from whoever saw them: an owner of before may still report some.
        if header.owner_epoch < tail.epoch && !stream.kind.is_witnessed() {
            let (found, least) = (header.owner_epoch, tail.epoch);
            return Err(format!("{stream} has epoch {found} after epoch {least}"));
        }
        let before = std::mem::take(&mut tail.epoch);
        check_taken(&recorded.commit, before)?;
        let epoch = header.owner_epoch.max(before);
        *tail = Tail { version: header.version, hash: recorded.hash, epoch };
        (self.seq, self.hash) = (recorded.seq, recorded.hash);
        self.recorded_at = Some(recorded.recorded_at);
        Ok(())
    }
}

/// A commit by which a node takes a stream bears the epoch that it takes it under, and that is
/// above every one before.
fn check_taken(commit: &Commit, before: u64) -> Result<(), String> {
    let (stream, epoch) = (commit.header.stream, commit.header.owner_epoch);
    // A word of another program says nothing here.
    let Ok(Some(OwnerEvent::OwnershipTaken { epoch: taken, node })) = OwnerEvent::in_commit(commit)
    else {
        return Ok(());
    };
    if taken != epoch {
        return Err(format!("{node} takes {stream} under epoch {taken} in a commit of {epoch}"));
    }
    if taken <= before {
        return Err(format!("{node} takes {stream} under epoch {taken} after epoch {before}"));
    }
    Ok(())
}

/// The commit in stored bytes with its hash, as whoever reads a record by himself needs it.
pub(crate) fn recorded(seq: u64, recorded_at: UtcMicros, body: &[u8]) -> Result<Recorded, String> {
    let commit = Commit::decode(body).map_err(|e| e.to_string())?;
    let hash = envelope::hash(body);
    Ok(Recorded { seq, recorded_at, hash, commit, bytes: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::codec::{self, Encoded};
    use grimnir_events::{Actor, CommitId, CorrelationId, Header, StationId, StreamKind};

    const LOG: LogId = LogId([1; 16]);

    fn commit(seq: u64, kind: StreamKind, previous: ContentHash, epoch: u64) -> Recorded {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        let header = Header {
            log_id: LOG,
            commit_id: CommitId(id),
            stream: StreamId::of_station(kind, StationId([3; 16])),
            version: seq,
            occurred_at: UtcMicros(5),
            stamped_at: UtcMicros(5),
            actor: Actor::System,
            correlation: CorrelationId::default(),
            causation: CommitId::default(),
            owner_epoch: epoch,
            code_version: 1,
            rules_version: 1,
            previous,
        };
        of(header, Encoded { name: "test".into(), version: 1, bytes: vec![1] })
    }

    fn of(header: Header, event: Encoded) -> Recorded {
        let seq = header.version;
        let commit = Commit { header, command: None, context: None, events: vec![event] };
        let bytes = commit.encode().expect("encodes");
        recorded(seq, UtcMicros(seq as i64), &bytes).expect("decodes")
    }

    #[test]
    fn a_decided_stream_never_goes_back_to_a_lower_epoch() {
        for (kind, allowed) in [(StreamKind::Ladder, false), (StreamKind::Air, true)] {
            let mut checks = Checks::of(LOG);
            let first = commit(1, kind, ContentHash::default(), 7);
            checks.admit(&first).expect("is in order");
            let second = commit(2, kind, first.hash, 6);
            assert_eq!(checks.admit(&second).is_ok(), allowed, "{kind:?}");
        }
    }

    #[test]
    fn a_stream_is_taken_under_an_epoch_above_all_before_and_by_a_commit_of_it() {
        let first = commit(1, StreamKind::Ladder, ContentHash::default(), 7);
        let judged = |taken: u64, epoch: u64| {
            let event = OwnerEvent::OwnershipTaken { epoch: taken, node: "b".into() };
            let header = commit(2, StreamKind::Ladder, first.hash, epoch).commit.header;
            let mut checks = Checks::of(LOG);
            checks.admit(&first).expect("is in order");
            checks.admit(&of(header, codec::encode(&event).expect("encodes")))
        };
        assert_eq!(judged(8, 8), Ok(()));
        assert!(judged(8, 9).is_err_and(|e| e.contains("under epoch 8 in a commit of 9")));
        assert!(judged(7, 7).is_err_and(|e| e.contains("under epoch 7 after epoch 7")));
        assert!(judged(6, 6).is_err_and(|e| e.contains("has epoch 6 after epoch 7")));
    }

    #[test]
    fn order_chain_and_identity_are_checked_whoever_read_them() {
        let first = commit(1, StreamKind::Ladder, ContentHash::default(), 1);
        let after = |second: &Recorded, log: LogId| {
            let mut checks = Checks::of(log);
            checks.admit(&first).and_then(|()| checks.admit(second))
        };
        let second = commit(2, StreamKind::Ladder, first.hash, 1);
        assert_eq!(after(&second, LOG), Ok(()));
        assert!(after(&second, LogId([2; 16])).is_err());
        assert!(after(&Recorded { seq: 3, ..second.clone() }, LOG).is_err());
        assert!(after(&Recorded { recorded_at: UtcMicros(1), ..second.clone() }, LOG).is_err());
        assert!(after(&commit(2, StreamKind::Ladder, ContentHash([9; 32]), 1), LOG).is_err());
        let mut skipped = second;
        skipped.commit.header.version = 3;
        assert!(after(&skipped, LOG).is_err());
    }
}
