//! What the ledger's tests share: commits to append, and ledgers to append them to.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod faults;
#[path = "../../../../tests/src/nats.rs"]
pub mod nats;
pub mod segments;

use futures_util::future::join_all;
use grimnir_events::codec::Encoded;
use grimnir_events::{
    Actor, CommitId, CorrelationId, LogId, StationId, StreamId, StreamKind, UserId, UtcMicros,
};
use grimnir_ledger::{AppendError, Appended, Expected, Ledger, NewCommit, Recorded};
use std::sync::Arc;

pub const START: UtcMicros = UtcMicros(1_790_000_000_000_000);
pub const LOG: LogId = LogId([7; 16]);

pub fn stream(number: u8) -> StreamId {
    StreamId::of_station(StreamKind::Ladder, StationId([number; 16]))
}

pub fn witnessed(number: u8) -> StreamId {
    StreamId::of_station(StreamKind::Air, StationId([number; 16]))
}

pub fn id(number: u64) -> CommitId {
    let mut bytes = [0u8; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    CommitId(bytes)
}

pub fn payload(name: &str, bytes: &[u8]) -> Encoded {
    Encoded { name: name.into(), version: 1, bytes: bytes.to_vec() }
}

/// A decided commit: command and event both hold `number`.
pub fn commit(number: u64, stream: StreamId) -> NewCommit {
    NewCommit {
        commit_id: id(number),
        stream,
        occurred_at: START,
        actor: Actor::User(UserId([1; 16])),
        correlation: CorrelationId([2; 16]),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: Some(payload("test.command", &number.to_be_bytes())),
        context: Some(payload("test.context", b"ctx")),
        events: vec![payload("test.event", &number.to_be_bytes())],
    }
}

/// A witnessed commit: no command.
pub fn fact(number: u64, stream: StreamId) -> NewCommit {
    NewCommit { command: None, context: None, ..commit(number, stream) }
}

pub async fn put(ledger: &dyn Ledger, number: u64, to: StreamId) -> Arc<Recorded> {
    let appended = ledger.append(commit(number, to), Expected::Any).await.expect("appends");
    assert!(!appended.repeated, "commit {number} is new");
    appended.recorded
}

/// Appends all of these at once.
pub async fn put_together(
    ledger: &dyn Ledger,
    commits: Vec<(NewCommit, Expected)>,
) -> Vec<Result<Appended, AppendError>> {
    join_all(commits.into_iter().map(|(commit, expected)| ledger.append(commit, expected))).await
}

pub async fn all(ledger: &dyn Ledger) -> Vec<Arc<Recorded>> {
    ledger.read_all(1, usize::MAX).await.expect("reads")
}

pub fn seqs(recorded: &[Arc<Recorded>]) -> Vec<u64> {
    recorded.iter().map(|r| r.seq).collect()
}
