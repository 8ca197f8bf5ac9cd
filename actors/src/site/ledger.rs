//! Opening the ledger a site is told to use, and putting on record what was accepted with it.

use crate::clock;
use crate::site::{LedgerPlace, SiteConfig};
use grimnir_events::site::{SiteEvent, StoreDeviation};
use grimnir_events::{Actor, CommitId, CorrelationId, SiteId, StreamId, codec, derive_id};
use grimnir_ledger::{EmbeddedLedger, Expected, JetStreamLedger, Ledger, NewCommit, Options};
use grimnir_rules::RULES_VERSION;
use std::sync::Arc;
use tracing::warn;

/// Opens the ledger; answers it and the site it belongs to.
pub(crate) async fn open(config: &SiteConfig) -> Result<(Arc<dyn Ledger>, SiteId), String> {
    let dir = config.data_dir.join("ledger");
    match &config.ledger {
        LedgerPlace::Here => {
            let opened =
                tokio::task::spawn_blocking(move || EmbeddedLedger::open(&dir, Options::default()));
            let ledger = opened.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
            let site = ledger.identity().site_id;
            Ok((Arc::new(ledger), site))
        }
        LedgerPlace::JetStream(options) => {
            let opened = JetStreamLedger::open(&dir, (**options).clone()).await;
            let ledger = opened.map_err(|e| e.to_string())?;
            let site = ledger.identity().site_id;
            let ledger: Arc<dyn Ledger> = Arc::new(ledger);
            if options.accept_weaker {
                record_acceptance(&*ledger, site).await?;
            }
            Ok((ledger, site))
        }
    }
}

/// Whoever serves from a store that is weaker than it has to be says so in the ledger itself.
async fn record_acceptance(ledger: &dyn Ledger, site: SiteId) -> Result<(), String> {
    let deviations = ledger.deviations();
    if deviations.is_empty() || ledger.writable().is_err() {
        return Ok(());
    }
    let class = ledger.durability().word();
    for deviation in &deviations {
        warn!(%deviation, class, "accepted by --accept-weaker-durability");
    }
    let event = SiteEvent::WeakerDurabilityAccepted {
        class: class.into(),
        deviations: deviations
            .into_iter()
            .map(|d| StoreDeviation { name: d.name.into(), found: d.found, wanted: d.wanted })
            .collect(),
    };
    let event = codec::encode(&event).map_err(|e| e.to_string())?;
    let (log, epoch) = (ledger.log_id(), ledger.epoch().to_be_bytes());
    let commit = NewCommit {
        commit_id: CommitId(derive_id("weaker-durability", &[&log.0, &epoch, &event.bytes])),
        stream: StreamId::site(site),
        occurred_at: clock::now(),
        actor: Actor::Local,
        correlation: CorrelationId(clock::fresh_id()),
        causation: CommitId::default(),
        rules_version: RULES_VERSION,
        epoch: None,
        command: None,
        context: None,
        events: vec![event],
    };
    ledger.append(commit, Expected::Any).await.map(drop).map_err(|e| e.to_string())
}
