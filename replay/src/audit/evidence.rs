//! What was signed: keys and checkpoints, from beside the ledger and from elsewhere.

use crate::ReplayError;
use grimnir_events::{ContentHash, LogId};
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::error::ProofError;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::{KeyHistory, Keys};
use grimnir_ledger::proof::note::VerifierKey;
use std::path::Path;

/// What a ledger is held against.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The log's keys, as they are kept beside it.
    pub history: Option<KeyHistory>,
    /// Keys that are known from elsewhere: of this node, and of others that sign the same log.
    pub trusted: Vec<VerifierKey>,
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
                let (unusable, folder) = (None, Some(folder));
                Self { history, checkpoints, unusable, folder, ..Self::default() }
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

    /// Trusts these keys. Of the keys kept beside the ledger one must be among them, and those
    /// that follow from it are trusted with it: else it is another log's, or somebody put his own
    /// in their place. Further ones are of other nodes that sign the same log.
    pub fn trust(&mut self, keys: &[VerifierKey]) -> Result<(), ReplayError> {
        let known = self
            .history
            .as_ref()
            .is_none_or(|history| history.entries().iter().any(|entry| keys.contains(&entry.key)));
        if !known && let Some(key) = keys.first() {
            let reason = format!("{key} is not among the log's keys");
            return Err(ReplayError::Proof(ProofError::Key { reason }));
        }
        self.trusted.extend_from_slice(keys);
        Ok(())
    }

    /// Whether the log has signed this checkpoint: with a key of its history, or of another node.
    pub(crate) fn check(&self, signed: &SignedCheckpoint, log_id: LogId) -> Result<(), String> {
        let origin = &signed.checkpoint.origin;
        if !origin.ends_with(&format!("/{log_id}")) {
            return Err(format!("it is of {origin}, the ledger is {log_id}"));
        }
        let by_history = self.history.as_ref().map(|history| history.verify(signed));
        if let Some(Ok(())) = by_history {
            return Ok(());
        }
        // A key's name is the origin that it signs for, and a signature bears it.
        let mine: Vec<_> =
            self.trusted.iter().filter(|key| key.name() == origin.as_str()).cloned().collect();
        match (signed.note.verify(&mine), by_history) {
            (Ok(_), _) => Ok(()),
            (Err(_), Some(Err(error))) => Err(error.to_string()),
            (Err(_), _) if self.trusted.is_empty() => {
                Err("there is no history of the log's keys, and no key was given".into())
            }
            (Err(error), _) => Err(error.to_string()),
        }
    }

    /// Who signed a checkpoint, as a report names him.
    pub(crate) fn signer(&self, signed: &SignedCheckpoint) -> String {
        let history = self.history.iter().flat_map(|history| history.entries());
        let known = history.map(|entry| &entry.key).chain(&self.trusted);
        let text = signed.note.text();
        let has_signed = |key: &&VerifierKey| {
            signed.note.signatures.iter().any(|line| key.verify(text, line) == Some(true))
        };
        known.into_iter().find(has_signed).map_or("nobody known".into(), ToString::to_string)
    }

    /// Another checkpoint of the same size that says another root: two nodes signed two histories.
    pub(crate) fn fork(&self, signed: &SignedCheckpoint, log_id: LogId) -> Option<String> {
        let found = &signed.checkpoint;
        let other = self.checkpoints.iter().find(|other| {
            let checkpoint = &other.checkpoint;
            checkpoint.size == found.size
                && checkpoint.root != found.root
                && self.check(other, log_id).is_ok()
        })?;
        let (one, two) = (ContentHash(found.root), ContentHash(other.checkpoint.root));
        Some(format!(
            "the log has forked: of {} commits {} signed the root {one}, {} signed {two}",
            found.size,
            self.signer(signed),
            self.signer(other)
        ))
    }

    /// The tiles, where there are some.
    pub(crate) fn tiles(&self) -> Option<&ProofFolder> {
        self.folder.as_ref()
    }
}
