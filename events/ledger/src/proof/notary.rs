//! The notary: reads the ledger in order, grows its tree, and signs what it is sure of.
//!
//! It signs nothing before the tree that was signed has come out again: from the first commit on,
//! or from the end of a sealed segment whose tree is proven to be the beginning of the signed one.
//! So a ledger that was restored short, recreated or changed is found at the next start, and never
//! countersigned; `reread` finds what changed inside of sealed segments. Here is who signs what;
//! `runner` says when.

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::error::ProofError;
use super::folder::ProofFolder;
use super::growth::Growth;
use super::keys::Keys;
use super::path::{prove_consistency, verify_consistency};
use super::reading::{Reading, Target, leaf_hash};
use super::reread::Reread;
use super::tile::{TILE_WIDTH, TileId, TileNodes, Tiles, TilesAt};
use super::tree::Frontier;
use crate::ledger::{Ledger, ReadError, Recorded};
use grimnir_events::UtcMicros;
use std::path::Path;
use std::sync::Arc;

/// Why nothing is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotaryError {
    /// Files, keys or notes are not as they must be.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger ends before the last checkpoint: it was restored short, or lost commits.
    #[error("ledger ends at seq {found}, its last checkpoint covers {held} commits")]
    Shorter {
        /// Size of the last checkpoint.
        held: u64,
        /// Where the ledger ends.
        found: u64,
    },
    /// The ledger has another history than the last checkpoint.
    #[error(
        "ledger is not what its checkpoint of {held} commits was signed over: {}",
        where_it_differs(differs_at)
    )]
    Inconsistent {
        /// Size of the last checkpoint.
        held: u64,
        /// The first commit that is another one, where that is known.
        differs_at: Option<u64>,
    },
    /// The last checkpoint was not reached yet, so nothing newer is signed.
    #[error("{read} of the {held} commits of the last checkpoint are read")]
    Unconfirmed {
        /// Size of the last checkpoint.
        held: u64,
        /// Commits read.
        read: u64,
    },
    /// A commit is missing between two.
    #[error("read seq {found} where {expected} was next")]
    Gap {
        /// The position that was next.
        expected: u64,
        /// The one that came.
        found: u64,
    },
}

fn where_it_differs(at: &Option<u64>) -> String {
    match at {
        Some(seq) => format!("seq {seq} is another commit"),
        None => "the root is another one".to_owned(),
    }
}

/// Signs checkpoints of one ledger.
#[derive(Debug)]
pub struct Notary {
    folder: ProofFolder,
    keys: Keys,
    reading: Reading,
    held: Option<SignedCheckpoint>,
    /// Sealed segments that were not read at this start, in their turn.
    reread: Reread,
}

impl Notary {
    /// Opens the proof of the ledger in `ledger_dir`, which signs as `origin`; makes the key at
    /// the first start.
    pub fn open(ledger_dir: &Path, origin: &str, now: UtcMicros) -> Result<Self, NotaryError> {
        let folder = ProofFolder::of(ledger_dir);
        folder.make()?;
        let held = folder.newest()?;
        if held.is_some() && Keys::load_history(folder.dir())?.is_none() {
            let reason = format!("{} has checkpoints and no keys", folder.dir().display());
            return Err(ProofError::key(reason).into());
        }
        let keys = Keys::open(folder.dir(), origin, now)?;
        if let Some(held) = &held {
            keys.history().verify(held)?;
        }
        let target = held.as_ref().map(target_of);
        let reading = Reading::new(folder.clone(), Growth::default(), target);
        let reread = Reread::of(folder.clone(), Vec::new());
        Ok(Self { folder, keys, reading, held, reread })
    }

    /// Begins behind the newest of these sealed segments' trees, where all of them are proven to be
    /// beginnings of the tree that was signed; else everything is read, and that says what is
    /// wrong. Commits behind it lead to the signed root or nothing is signed.
    pub fn begin_behind(&mut self, sealed: &[Frontier]) {
        let Some(held) = self.held.as_ref().map(target_of) else { return };
        if self.size() > 0 {
            return;
        }
        let Some((growth, ends)) = self.proven(held, sealed) else { return };
        self.reading = Reading::new(self.folder.clone(), growth, Some(held));
        self.reread = Reread::of(self.folder.clone(), ends);
        if self.size() == held.size {
            // Its root was just compared: there is nothing left to read.
            self.reading = Reading::new(self.folder.clone(), self.reading.growth().clone(), None);
        }
    }

    /// The tree behind the newest sealed segment that the last checkpoint covers, and all of them.
    fn proven(&self, held: Target, sealed: &[Frontier]) -> Option<(Growth, Vec<Target>)> {
        let nodes = TileNodes::new(&self.folder, held.size);
        let mut ends = Vec::new();
        for tree in sealed.iter().filter(|tree| (1..=held.size).contains(&tree.size())) {
            let end = Target { size: tree.size(), root: tree.root() };
            let proof = prove_consistency(&nodes, end.size, held.size);
            let holds = proof.and_then(|proof| {
                verify_consistency((end.size, &end.root), (held.size, &held.root), &proof)
            });
            if let Err(error) = holds {
                tracing::warn!(%error, event.seq = end.size, "a footer is not what was signed");
                return None;
            }
            ends.push(end);
        }
        let last = ends.last()?;
        let growth = Growth::resume(&TilesAt::new(&self.folder, held.size), last.size).ok()?;
        (growth.root() == last.root).then_some((growth, ends))
    }

    /// Whether the ledger can be the one of the last checkpoint, by its end alone: cheap enough
    /// for every start. [`Self::admit`] reads the rest.
    pub async fn check_end(&self, ledger: &dyn Ledger) -> Result<(), NotaryError> {
        let Some(held) = self.held.as_ref().map(|held| held.checkpoint.size) else { return Ok(()) };
        let found = ledger.head().await?.seq;
        if found < held {
            return Err(NotaryError::Shorter { held, found });
        }
        let Some(last) = ledger.read_all(held, 1).await?.into_iter().next() else { return Ok(()) };
        let index = (held - 1) / TILE_WIDTH;
        let width = (held - index * TILE_WIDTH) as u16;
        // A tile that is missing is made again; then only the whole reading tells.
        let Ok(tile) = self.folder.tile(TileId { level: 0, index, width }) else { return Ok(()) };
        if tile.ends_with(&leaf_hash(&last)) {
            return Ok(());
        }
        Err(NotaryError::Inconsistent { held, differs_at: Some(held) })
    }

    /// Commits in the tree so far: read, or in sealed segments whose trees were proven.
    pub fn size(&self) -> u64 {
        self.reading.growth().size()
    }
    /// The last checkpoint.
    pub fn held(&self) -> Option<&SignedCheckpoint> {
        self.held.as_ref()
    }
    /// Commits since the last checkpoint.
    pub fn unsigned(&self) -> u64 {
        self.size().saturating_sub(self.held.as_ref().map_or(0, |held| held.checkpoint.size))
    }
    /// Whether the tree of the last checkpoint has come out again.
    pub fn is_confirmed(&self) -> bool {
        self.reading.is_confirmed()
    }
    /// Where its files are.
    pub fn folder(&self) -> &ProofFolder {
        &self.folder
    }
    /// The log's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Takes the next commit; writes the tiles that it fills.
    pub fn admit(&mut self, recorded: &Recorded) -> Result<(), NotaryError> {
        let confirmed = self.is_confirmed();
        self.reading.admit(recorded)?;
        if confirmed || !self.is_confirmed() {
            return Ok(());
        }
        for (id, content) in self.reading.growth().partials() {
            if self.folder.tile(id).ok().as_ref() != Some(&content) {
                self.folder.put_tile(id, &content)?;
            }
        }
        Ok(())
    }

    /// Where reading sealed segments again goes on, in their turn; `None` where all of them were.
    pub fn reread_from(&mut self) -> Option<u64> {
        let size = self.held.as_ref().map_or(0, |held| held.checkpoint.size);
        self.reread.next(size)
    }
    /// Begins a new round of that.
    pub fn reread_anew(&mut self) {
        self.reread.begin_round();
    }
    /// Takes commits from there on, and says how many; an error when they are not what was signed.
    pub fn reread(&mut self, commits: &[Arc<Recorded>]) -> Result<u64, NotaryError> {
        self.reread.admit(commits).map_err(|error| match error {
            // Their tree is the beginning of the signed one.
            NotaryError::Inconsistent { held, differs_at } => {
                let signed = self.held.as_ref().map_or(held, |held| held.checkpoint.size);
                NotaryError::Inconsistent { held: signed, differs_at }
            }
            other => other,
        })
    }

    /// Signs the tree as it is now and keeps the checkpoint, durably; `None` where nothing is new.
    pub fn sign(&mut self) -> Result<Option<SignedCheckpoint>, NotaryError> {
        let read = self.size();
        if let Some(held) = self.held.as_ref().filter(|_| !self.is_confirmed()) {
            return Err(NotaryError::Unconfirmed { held: held.checkpoint.size, read });
        }
        if self.unsigned() == 0 {
            return Ok(None);
        }
        for (id, content) in self.reading.growth().partials() {
            self.folder.put_tile(id, &content)?;
        }
        let origin = self.keys.history().origin().to_owned();
        let next = Checkpoint { origin, size: read, root: self.reading.growth().root() };
        self.check_follows(&next)?;
        let signed = next.sign(self.keys.signer());
        self.folder.keep(&signed)?;
        self.held = Some(signed.clone());
        Ok(Some(signed))
    }

    /// Proves from the tiles, as anybody would, that the next checkpoint goes on from the last.
    fn check_follows(&self, next: &Checkpoint) -> Result<(), NotaryError> {
        let Some(held) = &self.held else { return Ok(()) };
        let nodes = TileNodes::new(&self.folder, next.size);
        let last = &held.checkpoint;
        let proof = prove_consistency(&nodes, last.size, next.size)?;
        verify_consistency((last.size, &last.root), (next.size, &next.root), &proof).map_err(|e| {
            tracing::error!(error = %e, event.seq = next.size, "a checkpoint is not signed");
            NotaryError::Inconsistent { held: last.size, differs_at: self.reading.differs_at() }
        })
    }
}

fn target_of(signed: &SignedCheckpoint) -> Target {
    Target { size: signed.checkpoint.size, root: signed.checkpoint.root }
}
