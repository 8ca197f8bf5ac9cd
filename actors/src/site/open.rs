//! Opening a site: ledger, secrets, read models, actors; engines that play are adopted.

use crate::error::CommandError;
use crate::ownership::keeper::Keeper;
use crate::ownership::{Ownership, Standing};
use crate::site::proof::{OTHERS_PATIENCE, SiteProof};
use crate::site::{LedgerPlace, Parts, Shared, Site, SiteConfig, archive, ledger};
use crate::supervisor::{Supervisor, SupervisorArgs};
use futures_util::StreamExt;
use grimnir_events::StreamKind;
use grimnir_events::owner::OwnerEvent;
use grimnir_ledger::proof::submit::Sharing;
use grimnir_ledger::{Leases, Recorded, Secrets};
use grimnir_projections::Projector;
use ractor::Actor;
use std::sync::Arc;
use tracing::{error, info};

impl Site {
    /// Opens the site: ledger, read models, actors, engines.
    pub async fn open(config: SiteConfig) -> Result<Self, CommandError> {
        let failed = |what| move |reason: String| CommandError::Failed { what, reason };
        let (own, common) = (config.data_dir.clone(), config.common_dir().to_owned());
        for (dir, folder) in
            [(&common, "media"), (&own, "uploads"), (&common, "stations"), (&own, "views")]
        {
            let path = dir.join(folder);
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
        let secrets = Secrets::open(common.join("secrets"))
            .map_err(|e| failed("opening the secrets")(e.to_string()))?;
        let head =
            ledger.head().await.map_err(|e| failed("reading the ledger")(e.to_string()))?.seq;
        let (views, projecting) =
            Projector::spawn(ledger.clone(), Some(config.data_dir.join("views")));
        views.wait_for(head).await;
        let leases = ledger.leases();
        let ownership = match &leases {
            Some(_) => Ownership::shared(config.node.clone()),
            None => Ownership::alone(ledger.epoch()),
        };
        let store = ledger.clone();
        let secrets = Arc::new(secrets);
        let parts = Parts { ledger, secrets, views, ownership, proof, archiver, opened_at: head };
        let shared = Shared::new(config, site_id, parts);
        let shared = Arc::new(shared);
        shared.keep(projecting);
        let args = SupervisorArgs { shared: shared.clone(), station: None };
        let (root, _) = Supervisor::spawn(None, Supervisor, args)
            .await
            .map_err(|e| failed("starting the actors")(e.to_string()))?;
        shared.enter_root(root);
        shared.keep_until_end(&tokio::spawn(tell_stations(shared.clone(), head)));
        shared.keep_until_end(&tokio::spawn(crate::analysis::run(shared.clone())));
        shared.keep_store(store);
        if let Some(leases) = leases {
            share(&shared, leases).await;
        }
        info!(site.id = %site_id, event.seq = head, "site open");
        Ok(Self { shared })
    }
}

/// Claims this node's share, and goes on claiming it until the site closes.
async fn share(shared: &Arc<Shared>, leases: Arc<dyn Leases>) {
    let keeper = Keeper::new(shared.clone(), leases);
    let keeper = Arc::new(tokio::sync::Mutex::new(keeper));
    shared.enter_keeper(keeper.clone());
    if !keeper.lock().await.round().await {
        // Nobody can be asked: the air goes on with whoever had it last, and the engine refuses
        // this node if that was another.
        for (unit, epoch) in crate::ownership::memory::remembered(shared) {
            shared.ownership.set(unit, Standing::Own { epoch });
        }
    }
    shared.keep_until_end(&tokio::spawn(Keeper::run(keeper)));
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
                heed_owner(&shared, &recorded).await;
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

/// Hears of streams that were taken, and of stations that began on another node.
async fn heed_owner(shared: &Arc<Shared>, recorded: &Recorded) {
    let stream = recorded.commit.header.stream;
    if let Ok(Some(OwnerEvent::OwnershipTaken { epoch, node })) =
        OwnerEvent::in_commit(&recorded.commit)
    {
        shared.ownership.taken(stream.id, epoch, &node);
    }
    if shared.ownership.is_alone() || stream.kind != StreamKind::Station {
        return;
    }
    if let Some(station) = stream.station()
        && !shared.directory.knows(stream)
        && let Err(error) = shared.add_station(station).await
    {
        error!(station.id = %station, %error, "a station of another node is not followed");
    }
}
