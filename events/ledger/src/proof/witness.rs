//! Being a witness for other sites' ledgers: cosigns what goes on from what it cosigned before.

use super::checkpoint::SignedCheckpoint;
use super::error::ProofError;
use super::keys::open_secret;
use super::note::{KeyKind, Note, SignerKey, VerifierKey};
use super::path::verify_consistency;
use super::request::AddCheckpoint;
use crate::files;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Why a checkpoint is not cosigned; each stands for one HTTP status of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: it cannot be understood, or goes back.
    #[error("{0}")]
    BadRequest(String),
    /// 403: no key that is trusted for this log has signed it.
    #[error("no key trusted for {origin} has signed it")]
    UnknownKey {
        /// The log.
        origin: String,
    },
    /// 404: no such log is known here.
    #[error("no log {origin} is known here")]
    UnknownOrigin {
        /// The log.
        origin: String,
    },
    /// 409: it does not go on from what was cosigned last.
    #[error("the last cosigned checkpoint has size {size}")]
    Conflict {
        /// Size of the last cosigned checkpoint.
        size: u64,
    },
    /// 422: the proof does not hold.
    #[error("{0}")]
    BadProof(String),
    /// 500: it could not be kept, so it is not cosigned.
    #[error(transparent)]
    Failed(#[from] ProofError),
}

/// A witness for the logs it was told of.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    signer: SignerKey,
    logs: BTreeMap<String, Vec<VerifierKey>>,
    /// One at a time: comparing with the last size and keeping the next is one step.
    turn: Mutex<()>,
}

impl Witness {
    /// A witness named `name` that keeps its key and what it saw in `dir`, and knows `logs` by
    /// their keys; a log's origin is its key's name.
    pub fn open(dir: &Path, name: &str, logs: &[VerifierKey]) -> Result<Self, ProofError> {
        files::make_dir(dir).map_err(ProofError::io(dir))?;
        let signer = open_secret(&dir.join("key"), name, KeyKind::Cosignature)?;
        let mut known: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in logs {
            known.entry(key.name().to_owned()).or_default().push(key.clone());
        }
        Ok(Self { dir: dir.to_owned(), signer, logs: known, turn: Mutex::new(()) })
    }

    /// The key that others know it by.
    pub fn key(&self) -> VerifierKey {
        self.signer.verifier()
    }

    /// The last checkpoint that was cosigned for a log.
    pub fn last(&self, origin: &str) -> Result<Option<SignedCheckpoint>, ProofError> {
        let path = self.path_of(origin);
        let bytes = files::read_if_there(&path).map_err(ProofError::io(&path))?;
        let Some(bytes) = bytes else { return Ok(None) };
        String::from_utf8_lossy(&bytes).parse().map(Some)
    }

    fn path_of(&self, origin: &str) -> PathBuf {
        // An origin is any text; its hash is a file's name on every file system.
        self.dir.join(format!("{}.checkpoint", hex::encode(Sha256::digest(origin))))
    }

    /// Carries out an `add-checkpoint` request; answers the signature line. What it cosigns is
    /// kept, durably, before it answers.
    pub fn add_checkpoint(&self, body: &str, now_s: u64) -> Result<String, Refusal> {
        let request: AddCheckpoint =
            body.parse().map_err(|e: ProofError| Refusal::BadRequest(e.to_string()))?;
        let (old, new) = (request.old, &request.signed.checkpoint);
        let origin = new.origin.clone();
        let Some(keys) = self.logs.get(&origin) else {
            return Err(Refusal::UnknownOrigin { origin });
        };
        if request.signed.note.verify(keys).is_err() {
            return Err(Refusal::UnknownKey { origin });
        }
        if old > new.size {
            let reason = format!("old size {old} is beyond the checkpoint's, {}", new.size);
            return Err(Refusal::BadRequest(reason));
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.last(&origin)?.map(|last| last.checkpoint);
        let (size, root) = last.map_or((0, [0; 32]), |last| (last.size, last.root));
        if old != size || (size > 0 && size == new.size && root != new.root) {
            return Err(Refusal::Conflict { size });
        }
        verify_consistency((size, &root), (new.size, &new.root), &request.proof)
            .map_err(|e| Refusal::BadProof(e.to_string()))?;
        self.keep(&request.signed, keys)?;
        Ok(self.signer.sign(request.signed.note.text(), now_s).to_string())
    }

    /// Keeps the checkpoint with the signatures that are the log's own.
    fn keep(&self, signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Result<(), ProofError> {
        let mut note = Note::new(signed.note.text().to_owned());
        let own = |line: &&_| keys.iter().any(|k| k.verify(note.text(), line) == Some(true));
        let lines: Vec<_> = signed.note.signatures.iter().filter(own).cloned().collect();
        note.signatures = lines;
        let path = self.path_of(&signed.checkpoint.origin);
        files::replace(&path, note.to_string().as_bytes()).map_err(ProofError::io(&path))
    }
}
