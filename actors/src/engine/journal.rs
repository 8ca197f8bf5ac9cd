//! The importer: brings an engine's journal into the station's witnessed stream.
//!
//! It is the only writer of `air/<station>`. Facts are keyed by their journal number: what the
//! stream holds already is skipped, so that nothing is doubled after a crash on either side. Where
//! nodes share a ledger, each host's engine has a journal of its own, and facts are keyed by run
//! and number.

use crate::engine::handle::EngineHandle;
use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::AirFact;
use grimnir_events::{
    Actor, CommitId, CorrelationId, EngineRunId, StationId, StreamId, StreamKind, codec, derive_id,
};
use grimnir_ledger::{AppendError, Expected, Ledger, NewCommit};
use grimnir_rules::RULES_VERSION;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Facts in one commit at most; each is well below 1 KiB, a commit holds 60 KiB.
const FACTS_PER_COMMIT: usize = 32;
/// Commits of the stream that are looked through for what is known of a journal's runs: more than
/// a journal keeps that was not taken over.
const LOOK_BACK: u64 = 16_384;
const READ_BATCH: usize = 2_048;
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
    let status = client
        .get_status(v1::StatusRequest {})
        .await
        .map_err(|e| ImportError::Engine(e.to_string()))?
        .into_inner();
    if ledger.leases().is_some() {
        if tail.run.0 != *status.run_id {
            tail.know_runs(ledger.as_ref()).await?;
            tail.journal_seq = 0;
        }
    } else if status.journal_head < tail.journal_seq {
        // The station's folder was emptied: its journal counts from one again.
        let (head, imported) = (status.journal_head, tail.journal_seq);
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
    /// The run that its last fact is of.
    run: EngineRunId,
    /// The last number that the stream holds of each run, where another journal may have come in
    /// between.
    known: BTreeMap<EngineRunId, u64>,
}

impl Tail {
    async fn read(ledger: &dyn Ledger, station: StationId) -> Result<Self, ImportError> {
        let stream = StreamId::of_station(StreamKind::Air, station);
        let unreadable = |e: grimnir_ledger::ReadError| ImportError::Ledger(e.to_string());
        let version = ledger.version(stream).await.map_err(unreadable)?;
        let (mut journal_seq, mut run) = (0, EngineRunId::default());
        if version > 0 {
            let last = ledger.read(stream, version, 1).await.map_err(unreadable)?;
            if let Some(event) = last.first().and_then(|r| r.commit.events.last()) {
                let fact: AirFact =
                    codec::decode(event).map_err(|e| ImportError::Ledger(e.to_string()))?;
                (journal_seq, run) = (fact.journal_seq, fact.run);
            }
        }
        Ok(Self { stream, version, journal_seq, run, known: BTreeMap::new() })
    }

    /// Looks how much of each run the stream holds.
    async fn know_runs(&mut self, ledger: &dyn Ledger) -> Result<(), ImportError> {
        let unreadable = |e: &dyn std::fmt::Display| ImportError::Ledger(e.to_string());
        let mut from = self.version.saturating_sub(LOOK_BACK) + 1;
        while from <= self.version {
            let read = ledger.read(self.stream, from, READ_BATCH).await;
            let batch = read.map_err(|e| unreadable(&e))?;
            let Some(last) = batch.last() else { break };
            from = last.commit.header.version + 1;
            for event in batch.iter().flat_map(|recorded| &recorded.commit.events) {
                let fact: AirFact = codec::decode(event).map_err(|e| unreadable(&e))?;
                let known = self.known.entry(fact.run).or_default();
                *known = fact.journal_seq.max(*known);
            }
        }
        Ok(())
    }

    fn is_fresh(&self, fact: &AirFact) -> bool {
        let known = self.known.get(&fact.run).copied().unwrap_or(0);
        fact.journal_seq > self.journal_seq.max(known)
    }

    async fn append(
        &mut self,
        ledger: &dyn Ledger,
        records: &[v1::JournalRecord],
    ) -> Result<(), ImportError> {
        let Some(last) = records.last() else { return Ok(()) };
        let mut facts = Vec::with_capacity(records.len());
        for record in records {
            let fact: AirFact = codec::decode_bytes(&record.fact_payload)
                .map_err(|e| ImportError::Engine(e.to_string()))?;
            facts.push(fact);
        }
        facts.retain(|fact| self.is_fresh(fact));
        let Some(fact) = facts.first() else {
            self.journal_seq = self.journal_seq.max(last.seq);
            return Ok(());
        };
        let commit_id = commit_id(self.stream, fact.run, fact.journal_seq);
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
