//! Asking witnesses: every new checkpoint goes to each of them, and what they sign stays beside it.

use super::checkpoint::{SignedCheckpoint, parse_size};
use super::error::ProofError;
use super::folder::ProofFolder;
use super::note::{SignatureLine, VerifierKey};
use super::request::AddCheckpoint;
use super::runner::NotaryStatus;
use crate::files;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Sizes that are tried with one witness before it is left for the next checkpoint.
const TRIES: usize = 3;
/// How long until a witness that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(60);

/// A witness that is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessPeer {
    /// Where its `add-checkpoint` begins: the submission prefix.
    pub url: String,
    /// Its key.
    pub key: VerifierKey,
}

/// `<url>=<verifier key>`.
impl std::str::FromStr for WitnessPeer {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let wrong = |reason: &str| ProofError::malformed("witness", reason);
        // A key has "=" at its end at most, a URL may have some before.
        let at = text.find('=').ok_or_else(|| wrong("expected <url>=<verifier key>"))?;
        let (url, key) = (&text[..at], text[at + 1..].parse()?);
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(wrong("its URL begins with neither http:// nor https://"));
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key })
    }
}

/// Carries a request to a witness: answers status and body.
pub trait Carrier: Send + Sync + 'static {
    /// Posts `body` to `url`.
    fn post(&self, url: String, body: String) -> BoxFuture<'_, Result<(u16, String), String>>;
}

/// Why a witness did not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It has cosigned a larger tree, or another one of this size: this ledger lost or changed
    /// what it had shown.
    #[error("{witness} has seen a tree of {size} that this ledger of {ours} does not lead to")]
    Disputed {
        /// The witness.
        witness: String,
        /// The size it saw.
        size: u64,
        /// The size of our checkpoint.
        ours: u64,
    },
    /// Another node that signs the same log has shown it more than this one has signed yet.
    #[error("{witness} has seen a tree of {size}, this node has signed {ours} so far")]
    Ahead {
        /// The witness.
        witness: String,
        /// The size it saw.
        size: u64,
        /// The size of our checkpoint.
        ours: u64,
    },
    /// It could not be asked, or said no.
    #[error("{witness} did not cosign: {reason}")]
    Refused {
        /// The witness.
        witness: String,
        /// What it said.
        reason: String,
    },
    /// Our own files are not as they must be.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Asks one witness for a cosignature, beginning with the size it is believed to know.
pub async fn submit(
    carrier: &dyn Carrier,
    folder: &ProofFolder,
    peer: &WitnessPeer,
    signed: &SignedCheckpoint,
    believed: u64,
) -> Result<SignatureLine, SubmitError> {
    let witness = peer.key.name().to_owned();
    let ours = signed.checkpoint.size;
    let refused = |reason: String| SubmitError::Refused { witness: witness.clone(), reason };
    let disputed = |size| SubmitError::Disputed { witness: witness.clone(), size, ours };
    let ahead = |size| SubmitError::Ahead { witness: witness.clone(), size, ours };
    let mut old = believed.min(ours);
    for _ in 0..TRIES {
        let body = AddCheckpoint::new(folder, old, signed)?.to_string();
        let url = format!("{}/add-checkpoint", peer.url);
        let (status, answer) = carrier.post(url, body).await.map_err(refused)?;
        match status {
            200 => {
                let lines = answer.lines().filter_map(|line| line.parse::<SignatureLine>().ok());
                let text = signed.note.text();
                let mut good = lines.filter(|line| peer.key.verify(text, line) == Some(true));
                return good.next().ok_or_else(|| refused("its signature is not its key's".into()));
            }
            409 => {
                let size = parse_size(answer.trim_end());
                let size = size.ok_or_else(|| refused("a conflict without a size".into()))?;
                if size > ours {
                    return Err(ahead(size));
                }
                if size == old {
                    return Err(disputed(size));
                }
                old = size;
            }
            // With a size that it named itself, only another history fails to be consistent.
            422 => return Err(disputed(old)),
            other => return Err(refused(format!("status {other}: {}", cut(&answer)))),
        }
    }
    Err(refused(format!("it named {TRIES} sizes in a row")))
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Whether other nodes sign the same log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// Nobody else: a witness that has seen more has seen what is lost here.
    Alone,
    /// Others do: a witness may have seen more, until this node has read as far. After so long
    /// without getting there it has not.
    Shared(Duration),
}

/// Asks every witness about every checkpoint that comes, until the notary ends.
pub async fn keep_submitting(
    carrier: Arc<dyn Carrier>,
    folder: ProofFolder,
    peers: Vec<WitnessPeer>,
    status: Arc<watch::Sender<NotaryStatus>>,
    sharing: Sharing,
) {
    let mut ahead = BTreeMap::new();
    let mut checkpoints = status.subscribe();
    // The one of before this start goes out too, where it did not yet.
    checkpoints.mark_changed();
    let mut known = load_known(&folder);
    loop {
        // A witness that could not be asked is asked again, also where nothing is new.
        if let Ok(Err(_ended)) = tokio::time::timeout(AGAIN, checkpoints.changed()).await {
            return;
        }
        let Ok(Some(signed)) = folder.newest() else { continue };
        for peer in &peers {
            let name = peer.key.to_string();
            let believed = known.get(&name).copied().unwrap_or(0);
            if believed == signed.checkpoint.size {
                continue;
            }
            match submit(&*carrier, &folder, peer, &signed, believed).await {
                Ok(line) => {
                    ahead.remove(&name);
                    known.insert(name, signed.checkpoint.size);
                    cosigned(&folder, peer, &signed, line, &known, &status).await;
                }
                Err(SubmitError::Ahead { witness, size, ours }) => {
                    let since = ahead.entry(name).or_insert_with(Instant::now);
                    let read = status.borrow().read;
                    match sharing {
                        Sharing::Shared(patience) if read >= size || since.elapsed() < patience => {
                            tracing::debug!(witness, size, ours, "a witness is ahead of this node");
                        }
                        Sharing::Shared(_) | Sharing::Alone => {
                            refused(&status, &SubmitError::Disputed { witness, size, ours });
                        }
                    }
                }
                Err(error) => refused(&status, &error),
            }
        }
    }
}

async fn cosigned(
    folder: &ProofFolder,
    peer: &WitnessPeer,
    signed: &SignedCheckpoint,
    line: SignatureLine,
    known: &BTreeMap<String, u64>,
    status: &watch::Sender<NotaryStatus>,
) {
    let (folder, peer, signed) = (folder.clone(), peer.clone(), signed.clone());
    let (size, known) = (signed.checkpoint.size, known.clone());
    let kept = tokio::task::spawn_blocking(move || {
        store_known(&folder, &known)?;
        folder.add_cosignature(&signed, line, &peer.key)
    });
    match kept.await {
        Ok(Ok(true)) => {
            status.send_if_modified(|status| {
                status.cosignatures += usize::from(status.size == size);
                status.disputed = None;
                false
            });
        }
        Ok(Ok(false)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a cosignature is not kept"),
        Err(error) => tracing::warn!(%error, "a cosignature is not kept"),
    }
}

fn refused(status: &watch::Sender<NotaryStatus>, error: &SubmitError) {
    match error {
        SubmitError::Disputed { .. } => {
            tracing::error!(%error, "a witness disputes this ledger");
            status.send_if_modified(|status| {
                status.disputed = Some(error.to_string());
                false
            });
        }
        _ => tracing::warn!(%error, "a checkpoint is not cosigned"),
    }
}

/// What each witness cosigned last; lost, it is asked again and says it itself.
fn load_known(folder: &ProofFolder) -> BTreeMap<String, u64> {
    let bytes = files::read_if_there(&folder.dir().join("witnesses")).ok().flatten();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn store_known(folder: &ProofFolder, known: &BTreeMap<String, u64>) -> Result<(), ProofError> {
    let path = folder.dir().join("witnesses");
    let text = serde_json::to_vec_pretty(known)
        .map_err(|e| ProofError::malformed("witnesses", e.to_string()))?;
    files::replace(&path, &text).map_err(ProofError::io(&path))
}
