//! Taking the decided streams of a unit: one commit into each, and the former owner is out.

use super::Unit;
use crate::clock;
use grimnir_events::owner::{self, OwnerEvent};
use grimnir_events::{Actor, CommitId, CorrelationId, StreamId, StreamKind, codec};
use grimnir_ledger::{Expected, Ledger, NewCommit, ReadError};
use grimnir_rules::RULES_VERSION;

/// Kinds of decided streams of a station.
const OF_STATION: [StreamKind; 6] = [
    StreamKind::Station,
    StreamKind::Ladder,
    StreamKind::Executor,
    StreamKind::Timeline,
    StreamKind::Library,
    StreamKind::Webstream,
];

/// The decided streams of a unit.
pub fn streams(unit: Unit, is_site: bool) -> Vec<StreamId> {
    if is_site {
        return vec![StreamId { kind: StreamKind::Access, id: unit }];
    }
    OF_STATION.map(|kind| StreamId { kind, id: unit }).to_vec()
}

/// The highest epoch that any of these streams has been decided under; 0: none.
pub async fn last_epoch(ledger: &dyn Ledger, streams: &[StreamId]) -> Result<u64, ReadError> {
    let mut last = 0;
    for stream in streams {
        let version = ledger.version(*stream).await?;
        if version > 0 {
            let tail = ledger.read(*stream, version, 1).await?;
            last = tail.iter().map(|r| r.commit.header.owner_epoch).fold(last, u64::max);
        }
    }
    Ok(last)
}

/// Takes the streams for a node. Asked again after any answer, each is taken once.
///
/// A stream without a commit is taken too: the former owner's first append to it has to fail.
pub async fn take(
    ledger: &dyn Ledger,
    streams: &[StreamId],
    epoch: u64,
    node: &str,
) -> Result<(), String> {
    let event = OwnerEvent::OwnershipTaken { epoch, node: node.to_owned() };
    let event = codec::encode(&event).map_err(|e| e.to_string())?;
    let correlation = CorrelationId(clock::fresh_id());
    let taking = streams.iter().map(|stream| {
        let commit = NewCommit {
            commit_id: owner::commit_id(ledger.log_id(), *stream, epoch),
            stream: *stream,
            occurred_at: clock::now(),
            actor: Actor::System,
            correlation,
            causation: CommitId::default(),
            rules_version: RULES_VERSION,
            epoch: Some(epoch),
            command: None,
            context: None,
            events: vec![event.clone()],
        };
        ledger.append(commit, Expected::Any)
    });
    for taken in futures_util::future::join_all(taking).await {
        taken.map_err(|e| e.to_string())?;
    }
    Ok(())
}
