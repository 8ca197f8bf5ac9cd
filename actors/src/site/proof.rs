//! The proof of a running site: its notary, the witnesses it asks, and the witness it is.

use crate::clock;
use crate::error::CommandError;
use crate::site::Site;
use futures_util::future::{BoxFuture, FutureExt};
use grimnir_events::{SiteId, UtcMicros};
use grimnir_ledger::proof::checkpoint::origin_of;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::notary::{Notary, NotaryError};
use grimnir_ledger::proof::runner::{NotaryStatus, NotaryTask, Pace};
use grimnir_ledger::proof::submit::{Carrier, Sharing, keep_submitting};
use grimnir_ledger::proof::tile::{TileId, Tiles};
use grimnir_ledger::proof::witness::Witness;
use grimnir_ledger::{Ledger, SystemClock};
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tracing::info;

pub use grimnir_ledger::proof::note::VerifierKey;
pub use grimnir_ledger::proof::request::MAX_REQUEST_BYTES;
pub use grimnir_ledger::proof::submit::WitnessPeer;
pub use grimnir_ledger::proof::witness::Refusal;

/// How long a witness may take to answer.
const WITNESS_PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer of a witness that is read.
const ANSWER_BYTES: usize = 64 << 10;
/// How long a witness may have seen more than this node has read of a log that others sign too.
pub(crate) const OTHERS_PATIENCE: Duration = Duration::from_secs(300);
/// How long the last checkpoint may take when the site closes.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);

/// Who countersigns this site's ledger, and whose ledgers it countersigns.
#[derive(Clone, Debug, Default)]
pub struct ProofConfig {
    /// Witnesses that are asked about every checkpoint.
    pub witnesses: Vec<WitnessPeer>,
    /// Keys of the logs that this site is a witness for; none: it is no witness.
    pub witnessed: Vec<VerifierKey>,
}

/// What is signed of the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CheckpointReadiness {
    /// Commits that the last checkpoint covers; 0: there is none yet.
    pub size: u64,
    /// How long ago it was signed, in seconds.
    pub age_s: Option<i64>,
    /// Witnesses that have cosigned it.
    pub cosignatures: usize,
    /// The tree that was signed before this start has come out again.
    pub confirmed: bool,
    /// Why nothing is signed any more, or which witness disputes what was signed.
    pub fault: Option<String>,
}

/// The proof of a running site.
pub struct SiteProof {
    task: Mutex<Option<NotaryTask>>,
    status: watch::Receiver<NotaryStatus>,
    folder: ProofFolder,
    witness: Option<Arc<Witness>>,
    asking: Option<tokio::task::AbortHandle>,
}

impl SiteProof {
    /// Starts the notary of the ledger in `ledger_dir`, once it is sure that the ledger can be
    /// the one it signed before.
    pub async fn open(
        config: &ProofConfig,
        ledger_dir: &Path,
        site: SiteId,
        ledger: Arc<dyn Ledger>,
        sharing: Sharing,
    ) -> Result<Self, CommandError> {
        let failed = |reason: String| CommandError::Failed {
            what: "holding the ledger against its last checkpoint",
            reason,
        };
        let origin = origin_of(site, ledger.log_id());
        let notary = Notary::open(ledger_dir, &origin, clock::now());
        let notary = notary.map_err(|e| failed(e.to_string()))?;
        match notary.check_end(&*ledger).await {
            // The log of record is away, and a replica may lack what was not on its disk yet:
            // nothing is signed before it has been followed that far again.
            Err(error @ NotaryError::Shorter { .. })
                if sharing != Sharing::Alone && ledger.writable().is_err() =>
            {
                tracing::warn!(%error, "the replica is shorter until it is followed again");
            }
            checked => checked.map_err(|e| failed(e.to_string()))?,
        }
        let key = notary.keys().signer().verifier();
        let held = notary.held().map_or(0, |held| held.checkpoint.size);
        let head = ledger.head().await.map_err(|e| failed(e.to_string()))?.seq;
        if held == 0 && head > 0 {
            tracing::warn!(event.seq = head, "the ledger has commits, and none was signed before");
        }
        info!(log.key = %key, event.seq = held, "the notary begins");
        let witness = match config.witnessed.as_slice() {
            [] => None,
            logs => {
                let (dir, name) = (notary.folder().dir().join("witnessed"), witness_name(site));
                let witness = Witness::open(&dir, &name, logs);
                let witness = witness.map_err(|e| failed(e.to_string()))?;
                info!(witness.key = %witness.key(), logs = logs.len(), "a witness for others");
                Some(Arc::new(witness))
            }
        };
        let task = NotaryTask::spawn(ledger, notary, Pace::default(), Arc::new(SystemClock));
        let asking = ask_witnesses(config, &task, sharing).map_err(failed)?;
        Ok(Self {
            status: task.status(),
            folder: task.folder().clone(),
            task: Mutex::new(Some(task)),
            witness,
            asking,
        })
    }

    /// Signs what is new and ends.
    pub(crate) async fn stop(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && tokio::time::timeout(CLOSE_PATIENCE, task.stop()).await.is_err()
        {
            tracing::warn!("the last checkpoint took too long; the next start signs it");
        }
        if let Some(asking) = &self.asking {
            asking.abort();
        }
    }

    /// What is signed of the ledger, as of `now`.
    pub(crate) fn readiness(&self, now: UtcMicros) -> CheckpointReadiness {
        let status = self.status.borrow();
        CheckpointReadiness {
            size: status.size,
            age_s: status.signed_at.map(|at| (now.0 - at.0) / 1_000_000),
            cosignatures: status.cosignatures,
            confirmed: status.confirmed,
            fault: status.fault.clone().or_else(|| status.disputed.clone()),
        }
    }
}

/// The name under which a site cosigns for others.
fn witness_name(site: SiteId) -> String {
    format!("grimnir/{site}/witness")
}

fn ask_witnesses(
    config: &ProofConfig,
    task: &NotaryTask,
    sharing: Sharing,
) -> Result<Option<tokio::task::AbortHandle>, String> {
    if config.witnesses.is_empty() {
        return Ok(None);
    }
    let client = reqwest::Client::builder().timeout(WITNESS_PATIENCE).build();
    let carrier = Arc::new(Http(client.map_err(|e| e.to_string())?));
    let (folder, peers) = (task.folder().clone(), config.witnesses.clone());
    let status = task.status_sender();
    let asking = tokio::spawn(keep_submitting(carrier, folder, peers, status, sharing));
    Ok(Some(asking.abort_handle()))
}

/// Requests to witnesses, over HTTP.
struct Http(reqwest::Client);

impl Carrier for Http {
    fn post(&self, url: String, body: String) -> BoxFuture<'_, Result<(u16, String), String>> {
        async move {
            let asked = self.0.post(url).body(body).send().await;
            let mut answer = asked.map_err(|e| e.to_string())?;
            let status = answer.status().as_u16();
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|e| e.to_string())? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > ANSWER_BYTES {
                    return Err(format!("its answer is longer than {ANSWER_BYTES} bytes"));
                }
            }
            Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
        }
        .boxed()
    }
}

impl Site {
    /// The last checkpoint, as it is served; `None` before the first one.
    pub async fn checkpoint(&self) -> Result<Option<String>, CommandError> {
        let folder = self.shared.proof.folder.clone();
        blocking("reading the checkpoint", move || folder.newest_text()).await
    }

    /// Hashes of the tree; `None` where there is no such tile.
    pub async fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, CommandError> {
        let folder = self.shared.proof.folder.clone();
        blocking("reading a tile", move || Ok::<_, CommandError>(folder.tile(id).ok())).await
    }

    /// Carries out another log's `add-checkpoint`; `None` where this site is no witness.
    pub async fn add_checkpoint(&self, body: String) -> Option<Result<String, Refusal>> {
        let witness = self.shared.proof.witness.clone()?;
        let now_s = u64::try_from(clock::now().0 / 1_000_000).unwrap_or(0);
        let added = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body, now_s));
        Some(added.await.unwrap_or_else(|e| Err(Refusal::BadRequest(e.to_string()))))
    }

    /// The key under which this site cosigns for others.
    pub fn witness_key(&self) -> Option<VerifierKey> {
        self.shared.proof.witness.as_ref().map(|witness| witness.key())
    }
}

async fn blocking<T: Send + 'static, E: ToString + Send + 'static>(
    what: &'static str,
    job: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, CommandError> {
    let failed = |reason: String| CommandError::Failed { what, reason };
    let done = tokio::task::spawn_blocking(job).await.map_err(|e| failed(e.to_string()))?;
    done.map_err(|e| failed(e.to_string()))
}
