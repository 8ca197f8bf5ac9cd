//! What the benches of the ledger share: figures, and a commit of usual size.
#![allow(dead_code, reason = "each bench uses its own part")]

#[path = "../../../../tests/src/figure.rs"]
mod figure;
pub mod made;

pub use figure::{Figure, median};
use grimnir_events::codec::Encoded;
use grimnir_events::{Actor, CommitId, CorrelationId, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_ledger::NewCommit;

/// A commit of the size that stations write most: about 200 bytes of payload.
pub fn commit(number: u64) -> NewCommit {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let part =
        |name: &str, length| Encoded { name: name.into(), version: 1, bytes: vec![7; length] };
    NewCommit {
        commit_id: CommitId(id),
        stream: StreamId::of_station(StreamKind::Executor, StationId([(number % 64) as u8; 16])),
        occurred_at: UtcMicros(1_795_269_600_000_000),
        actor: Actor::System,
        correlation: CorrelationId([1; 16]),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: Some(part("executor.command", 60)),
        context: Some(part("decision.context", 60)),
        events: vec![part("executor.event", 80)],
    }
}

/// What this process has used of the processors.
pub fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
