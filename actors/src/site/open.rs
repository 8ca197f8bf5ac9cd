//! Opening a site: ledger, secrets, read models, actors; engines that play are adopted.

use crate::error::CommandError;
use crate::site::proof::{OTHERS_PATIENCE, SiteProof};
use crate::site::{LedgerPlace, Shared, Site, SiteConfig, archive, ledger};
use crate::supervisor::{Supervisor, SupervisorArgs};
use futures_util::StreamExt;
use grimnir_ledger::Secrets;
use grimnir_ledger::proof::submit::Sharing;
use grimnir_projections::Projector;
use ractor::Actor;
use std::sync::Arc;
use tracing::{error, info};

impl Site {
    /// Opens the site: ledger, read models, actors, engines.
    pub async fn open(config: SiteConfig) -> Result<Self, CommandError> {
        let failed = |what| move |reason: String| CommandError::Failed { what, reason };
        for folder in ["media", "uploads", "stations", "views"] {
            let path = config.data_dir.join(folder);
            std::fs::create_dir_all(&path)
                .map_err(|e| failed("making a folder")(format!("{}: {e}", path.display())))?;
        }
        clear_uploads(&config.data_dir.join("uploads"));
        let (ledger, site_id) =
            ledger::open(&config).await.map_err(failed("opening the ledger"))?;
        let ledger_dir = config.data_dir.join("ledger");
        let sharing = match &config.ledger {
            LedgerPlace::Here => Sharing::Alone,
            LedgerPlace::JetStream(_) => Sharing::Shared(OTHERS_PATIENCE),
        };
        let proof = SiteProof::open(&config.proof, &ledger_dir, site_id, ledger.clone(), sharing);
        let proof = proof.await?;
        let archiver = archive::open(config.archive.as_ref(), &ledger_dir, &*ledger)?;
        let secrets = Secrets::open(config.data_dir.join("secrets"))
            .map_err(|e| failed("opening the secrets")(e.to_string()))?;
        let head =
            ledger.head().await.map_err(|e| failed("reading the ledger")(e.to_string()))?.seq;
        let (views, projecting) =
            Projector::spawn(ledger.clone(), Some(config.data_dir.join("views")));
        views.wait_for(head).await;
        let (store, secrets) = (ledger.clone(), Arc::new(secrets));
        let shared = Shared::new(config, site_id, ledger, secrets, views, head, (proof, archiver));
        let shared = Arc::new(shared);
        shared.keep(projecting);
        shared.keep_until_end(&tokio::spawn(tell_stations(shared.clone(), head)));
        let args = SupervisorArgs { shared: shared.clone(), station: None };
        let (root, _) = Supervisor::spawn(None, Supervisor, args)
            .await
            .map_err(|e| failed("starting the actors")(e.to_string()))?;
        shared.enter_root(root);
        shared.keep_store(store);
        info!(site.id = %site_id, event.seq = head, "site open");
        Ok(Self { shared })
    }
}

/// Half-written uploads of an earlier run belong to nobody.
fn clear_uploads(folder: &std::path::Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Wakes a station's link and planner when a commit of it came.
async fn tell_stations(shared: Arc<Shared>, head: u64) {
    let mut commits = shared.ledger.follow(head + 1);
    while let Some(next) = commits.next().await {
        match next {
            Ok(recorded) => {
                let stream = recorded.commit.header.stream;
                if let Some(station) = stream.station()
                    && crate::engine::link::HANDED_OVER.contains(&stream.kind)
                {
                    shared.move_station(station, recorded.seq);
                }
            }
            Err(error) => {
                error!(%error, "stations are not woken any more, only looked at");
                return;
            }
        }
    }
}
