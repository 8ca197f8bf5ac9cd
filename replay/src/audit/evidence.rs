//! What was signed: keys and checkpoints, from beside the ledger and from elsewhere.

use crate::ReplayError;
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::error::ProofError;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::{KeyHistory, Keys};
use grimnir_ledger::proof::note::VerifierKey;
use std::path::Path;

/// What a ledger is held against.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The log's keys.
    pub history: Option<KeyHistory>,
    /// Every checkpoint, in order of size.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// Why what there is cannot be used.
    pub unusable: Option<String>,
    folder: Option<ProofFolder>,
}

impl Evidence {
    /// What is kept beside the ledger in `ledger_dir`. Read before the ledger is: a server may
    /// sign more meanwhile.
    pub fn beside(ledger_dir: &Path) -> Self {
        let folder = ProofFolder::of(ledger_dir);
        let loaded = Keys::load_history(folder.dir())
            .and_then(|history| folder.checkpoints().map(|checkpoints| (history, checkpoints)));
        match loaded {
            Ok((history, mut checkpoints)) => {
                checkpoints.sort_by_key(|signed| signed.checkpoint.size);
                Self { history, checkpoints, unusable: None, folder: Some(folder) }
            }
            Err(error) => Self { unusable: Some(error.to_string()), ..Self::default() },
        }
    }

    /// Adds a checkpoint that was kept elsewhere.
    pub fn add(&mut self, signed: SignedCheckpoint) {
        let size = signed.checkpoint.size;
        let at = self.checkpoints.partition_point(|other| other.checkpoint.size <= size);
        self.checkpoints.insert(at, signed);
    }

    /// Adds the checkpoint in a file.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ReplayError> {
        let text = std::fs::read_to_string(path).map_err(ReplayError::io(path))?;
        self.add(text.parse::<SignedCheckpoint>()?);
        Ok(())
    }

    /// Trusts this key and those that follow from it; an error where the log never had it.
    pub fn trust(&mut self, key: &VerifierKey) -> Result<(), ReplayError> {
        let known = self
            .history
            .as_ref()
            .is_some_and(|history| history.entries().iter().any(|entry| entry.key == *key));
        if known {
            return Ok(());
        }
        let reason = format!("{key} is not among the log's keys");
        Err(ReplayError::Proof(ProofError::Key { reason }))
    }

    /// Whether the log has signed this checkpoint.
    pub(crate) fn check(&self, signed: &SignedCheckpoint) -> Result<(), String> {
        match &self.history {
            Some(history) => history.verify(signed).map_err(|e| e.to_string()),
            None => Err("there is no history of the log's keys".into()),
        }
    }

    /// The tiles, where there are some.
    pub(crate) fn tiles(&self) -> Option<&ProofFolder> {
        self.folder.as_ref()
    }
}
