//! The importer: brings an engine's journal into the station's witnessed stream.
//!
//! It is the only writer of `air/<station>`. Facts are keyed by their journal number: what the
//! stream holds already is skipped, so that nothing is doubled after a crash on either side.

use crate::engine::handle::EngineHandle;
use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::AirFact;
use grimnir_events::{
    Actor, CommitId, CorrelationId, EngineRunId, StationId, StreamId, StreamKind, codec, derive_id,
};
use grimnir_ledger::{AppendError, Expected, Ledger, NewCommit};
use grimnir_rules::RULES_VERSION;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Facts in one commit at most; each is well below 1 KiB, a commit holds 60 KiB.
const FACTS_PER_COMMIT: usize = 32;
/// How long a full batch is waited for.
const GATHER: Duration = Duration::from_millis(5);

/// Why importing stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The engine went away.
    #[error("engine: {0}")]
    Engine(String),
    /// The ledger takes nothing now.
    #[error("ledger: {0}")]
    Ledger(String),
}

/// Imports until the engine or the ledger goes away.
pub async fn import(
    mut client: Client,
    ledger: Arc<dyn Ledger>,
    station: StationId,
    handle: Arc<EngineHandle>,
) -> Result<(), ImportError> {
    let mut tail = Tail::read(ledger.as_ref(), station).await?;
    let head = client
        .get_status(v1::StatusRequest {})
        .await
        .map_err(|e| ImportError::Engine(e.to_string()))?
        .into_inner()
        .journal_head;
    if head < tail.journal_seq {
        // The station's folder was emptied: its journal counts from one again.
        let imported = tail.journal_seq;
        warn!(station.id = %station, head, imported, "a new journal is imported");
        tail.journal_seq = 0;
    }
    handle.set_imported(tail.journal_seq);
    let from_seq = tail.journal_seq + 1;
    let mut records = client
        .pull_journal(v1::PullJournalRequest { from_seq })
        .await
        .map_err(|e| ImportError::Engine(e.to_string()))?
        .into_inner();
    loop {
        let first = records.message().await.map_err(|e| ImportError::Engine(e.to_string()))?;
        let Some(first) = first else {
            return Err(ImportError::Engine("journal stream ended".into()));
        };
        let mut batch = vec![first];
        while batch.len() < FACTS_PER_COMMIT {
            match tokio::time::timeout(GATHER, records.message()).await {
                Ok(Ok(Some(record))) => batch.push(record),
                Ok(Ok(None) | Err(_)) | Err(_) => break,
            }
        }
        tail.append(ledger.as_ref(), &batch).await?;
        handle.set_imported(tail.journal_seq);
        let _ = client.ack_journal(v1::AckJournalRequest { seq: tail.journal_seq }).await;
    }
}

/// End of the witnessed stream.
struct Tail {
    stream: StreamId,
    version: u64,
    journal_seq: u64,
}

impl Tail {
    async fn read(ledger: &dyn Ledger, station: StationId) -> Result<Self, ImportError> {
        let stream = StreamId::of_station(StreamKind::Air, station);
        let unreadable = |e: grimnir_ledger::ReadError| ImportError::Ledger(e.to_string());
        let version = ledger.version(stream).await.map_err(unreadable)?;
        let mut journal_seq = 0;
        if version > 0 {
            let last = ledger.read(stream, version, 1).await.map_err(unreadable)?;
            if let Some(event) = last.first().and_then(|r| r.commit.events.last()) {
                let fact: AirFact =
                    codec::decode(event).map_err(|e| ImportError::Ledger(e.to_string()))?;
                journal_seq = fact.journal_seq;
            }
        }
        Ok(Self { stream, version, journal_seq })
    }

    async fn append(
        &mut self,
        ledger: &dyn Ledger,
        records: &[v1::JournalRecord],
    ) -> Result<(), ImportError> {
        let fresh: Vec<_> = records.iter().filter(|r| r.seq > self.journal_seq).collect();
        let (Some(first), Some(last)) = (fresh.first(), fresh.last()) else { return Ok(()) };
        let mut facts = Vec::with_capacity(fresh.len());
        for record in &fresh {
            let fact: AirFact = codec::decode_bytes(&record.fact_payload)
                .map_err(|e| ImportError::Engine(e.to_string()))?;
            facts.push(fact);
        }
        let Some(fact) = facts.first() else { return Ok(()) };
        let commit_id = commit_id(self.stream, fact.run, first.seq);
        let commit = NewCommit {
            commit_id,
            stream: self.stream,
            occurred_at: fact.at,
            actor: Actor::Engine(fact.run),
            correlation: CorrelationId(commit_id.0),
            causation: CommitId::default(),
            rules_version: RULES_VERSION,
            epoch: None,
            command: None,
            context: None,
            events: facts
                .iter()
                .map(codec::encode)
                .collect::<Result<_, _>>()
                .map_err(|e| ImportError::Engine(e.to_string()))?,
        };
        match ledger.append(commit, Expected::Version(self.version)).await {
            Ok(_) => {
                crate::fault::point("append.air");
                self.version += 1;
                self.journal_seq = last.seq;
                Ok(())
            }
            // Read again from the tail on the next run: what arrived is not appended twice.
            Err(error @ (AppendError::Conflict { .. } | AppendError::Uncertain { .. })) => {
                info!(%error, "the air stream is read again");
                Err(ImportError::Ledger(error.to_string()))
            }
            Err(error) => Err(ImportError::Ledger(error.to_string())),
        }
    }
}

fn commit_id(stream: StreamId, run: EngineRunId, first_seq: u64) -> CommitId {
    CommitId(derive_id("air", &[&stream.id, &run.0, &first_seq.to_be_bytes()]))
}
