//! The notary: reads the ledger in order, grows its tree, and signs what it is sure of.
//!
//! It signs nothing before everything was read again from the first commit on and led to the root
//! of the last checkpoint. So a ledger that was restored short, recreated or changed is found at
//! the next start, and never countersigned. Here is who signs what; `runner` says when.

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::error::ProofError;
use super::folder::ProofFolder;
use super::growth::Growth;
use super::keys::Keys;
use super::path::{prove_consistency, verify_consistency};
use super::tile::{HASH_BYTES, TILE_WIDTH, TileId, TileNodes, Tiles};
use super::tree::{TreeHash, hash_leaf, leaf_of};
use crate::ledger::{Ledger, ReadError, Recorded};
use grimnir_events::UtcMicros;
use std::path::Path;

/// Tiles that may differ from a ledger that is found whole: more is not rot but another history.
const MOST_DOUBTFUL: usize = 64;

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
    growth: Growth,
    held: Option<SignedCheckpoint>,
    /// What was read leads to the root of `held`.
    confirmed: bool,
    /// Tiles that are not what the ledger says, until it is known which of the two is right.
    doubtful: Vec<(TileId, Vec<u8>)>,
    differs_at: Option<u64>,
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
        Ok(Self {
            confirmed: held.is_none(),
            folder,
            keys,
            growth: Growth::default(),
            held,
            doubtful: Vec::new(),
            differs_at: None,
        })
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

    /// Commits read so far.
    pub fn size(&self) -> u64 {
        self.growth.size()
    }
    /// The last checkpoint.
    pub fn held(&self) -> Option<&SignedCheckpoint> {
        self.held.as_ref()
    }
    /// Commits since the last checkpoint.
    pub fn unsigned(&self) -> u64 {
        self.size().saturating_sub(self.held.as_ref().map_or(0, |held| held.checkpoint.size))
    }
    /// Whether everything up to the last checkpoint was read and is what was signed.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
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
        let expected = self.size() + 1;
        if recorded.seq != expected {
            return Err(NotaryError::Gap { expected, found: recorded.seq });
        }
        let mut filled = Vec::new();
        self.growth.push(leaf_hash(recorded), |id, content| filled.push((id, content)));
        for (id, content) in filled {
            self.settle(id, content)?;
        }
        match &self.held {
            Some(held) if held.checkpoint.size == self.size() => self.confirm(),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, id: TileId, content: Vec<u8>) -> Result<(), NotaryError> {
        match self.folder.find_tile(id)? {
            Some(found) if found == content => {}
            Some(found) if !self.confirmed => {
                if id.level == 0 && self.differs_at.is_none() {
                    self.differs_at = Some(first_difference(id.index, &found, &content));
                }
                self.doubtful.push((id, content));
                if self.doubtful.len() > MOST_DOUBTFUL {
                    return Err(self.inconsistent());
                }
            }
            _ => self.folder.put_tile(id, &content)?,
        }
        Ok(())
    }

    /// At the size of the last checkpoint: either its root comes out, or nothing is signed again.
    fn confirm(&mut self) -> Result<(), NotaryError> {
        let root = self.growth.root();
        if self.held.as_ref().is_some_and(|held| held.checkpoint.root != root) {
            return Err(self.inconsistent());
        }
        for (id, content) in std::mem::take(&mut self.doubtful) {
            tracing::warn!(tile = %id, "a tile was not what the ledger says; it was made again");
            self.folder.put_tile(id, &content)?;
        }
        for (id, content) in self.growth.partials() {
            if self.folder.tile(id).ok().as_ref() != Some(&content) {
                self.folder.put_tile(id, &content)?;
            }
        }
        self.confirmed = true;
        Ok(())
    }

    fn inconsistent(&self) -> NotaryError {
        let held = self.held.as_ref().map_or(0, |held| held.checkpoint.size);
        NotaryError::Inconsistent { held, differs_at: self.differs_at }
    }

    /// Signs the tree as it is now and keeps the checkpoint, durably; `None` where nothing is new.
    pub fn sign(&mut self) -> Result<Option<SignedCheckpoint>, NotaryError> {
        let read = self.size();
        if let Some(held) = self.held.as_ref().filter(|_| !self.confirmed) {
            return Err(NotaryError::Unconfirmed { held: held.checkpoint.size, read });
        }
        if self.unsigned() == 0 {
            return Ok(None);
        }
        for (id, content) in self.growth.partials() {
            self.folder.put_tile(id, &content)?;
        }
        let origin = self.keys.history().origin().to_owned();
        let next = Checkpoint { origin, size: read, root: self.growth.root() };
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
            self.inconsistent()
        })
    }
}

fn leaf_hash(recorded: &Recorded) -> TreeHash {
    hash_leaf(&leaf_of(recorded))
}

/// Position of the first commit whose hash is another one in the two contents of a tile.
fn first_difference(index: u64, found: &[u8], content: &[u8]) -> u64 {
    let pairs = found.chunks(HASH_BYTES).zip(content.chunks(HASH_BYTES));
    let same = pairs.take_while(|(found, content)| found == content).count();
    index * TILE_WIDTH + same as u64 + 1
}
