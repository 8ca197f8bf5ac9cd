//! Reading commits in order into a tree, and what has to come out where something was signed.
//!
//! Tiles that differ on the way say which commit is another one; where the root comes out right,
//! the tiles were rotten and are written again.

use super::folder::ProofFolder;
use super::growth::Growth;
use super::notary::NotaryError;
use super::tile::{HASH_BYTES, TILE_WIDTH, TileId, Tiles};
use super::tree::{TreeHash, hash_leaf, leaf_of};
use crate::ledger::Recorded;

/// Tiles that may differ from a ledger that is found whole: more is not rot but another history.
const MOST_DOUBTFUL: usize = 64;

/// The tree at a size that is known from what was signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    pub size: u64,
    pub root: TreeHash,
}

/// A tree that grows with the commits that are read.
#[derive(Debug)]
pub(crate) struct Reading {
    folder: ProofFolder,
    growth: Growth,
    /// What has to come out; `None` once it did.
    target: Option<Target>,
    /// Tiles that are not what the ledger says, until it is known which of the two is right.
    doubtful: Vec<(TileId, Vec<u8>)>,
    differs_at: Option<u64>,
}

impl Reading {
    /// Goes on from `growth`, to `target` where there is one.
    pub fn new(folder: ProofFolder, growth: Growth, target: Option<Target>) -> Self {
        Self { folder, growth, target, doubtful: Vec::new(), differs_at: None }
    }

    /// The tree so far.
    pub fn growth(&self) -> &Growth {
        &self.growth
    }

    /// Whether what had to come out did.
    pub fn is_confirmed(&self) -> bool {
        self.target.is_none()
    }

    /// The first commit that is another one, where a tile told.
    pub fn differs_at(&self) -> Option<u64> {
        self.differs_at
    }

    /// Takes the next commit; writes the tiles that it fills.
    pub fn admit(&mut self, recorded: &Recorded) -> Result<(), NotaryError> {
        let expected = self.growth.size() + 1;
        if recorded.seq != expected {
            return Err(NotaryError::Gap { expected, found: recorded.seq });
        }
        let mut filled = Vec::new();
        self.growth.push(leaf_hash(recorded), |id, content| filled.push((id, content)));
        for (id, content) in filled {
            self.settle(id, content)?;
        }
        match self.target {
            Some(target) if target.size == self.growth.size() => self.confirm(target),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, id: TileId, content: Vec<u8>) -> Result<(), NotaryError> {
        match self.folder.find_tile(id)? {
            Some(found) if found == content => {}
            Some(found) if let Some(target) = self.target => {
                if id.level == 0 && self.differs_at.is_none() {
                    self.differs_at = Some(first_difference(id.index, &found, &content));
                }
                self.doubtful.push((id, content));
                if self.doubtful.len() > MOST_DOUBTFUL {
                    return Err(self.inconsistent(target));
                }
            }
            _ => self.folder.put_tile(id, &content)?,
        }
        Ok(())
    }

    /// At the size of the target: either its root comes out, or nothing is signed again.
    fn confirm(&mut self, target: Target) -> Result<(), NotaryError> {
        if self.growth.root() != target.root {
            self.look_at_edge();
            return Err(self.inconsistent(target));
        }
        for (id, content) in std::mem::take(&mut self.doubtful) {
            tracing::warn!(tile = %id, "a tile was not what the ledger says; it was made again");
            self.folder.put_tile(id, &content)?;
        }
        self.target = None;
        Ok(())
    }

    /// Whether the leaves that fill no tile say which commit is another one.
    fn look_at_edge(&mut self) {
        let edge = self.growth.partials().into_iter().next().filter(|(id, _)| id.level == 0);
        let Some((id, content)) = edge.filter(|_| self.differs_at.is_none()) else { return };
        if let Ok(found) = self.folder.tile(id)
            && found != content
        {
            self.differs_at = Some(first_difference(id.index, &found, &content));
        }
    }

    fn inconsistent(&self, target: Target) -> NotaryError {
        NotaryError::Inconsistent { held: target.size, differs_at: self.differs_at }
    }
}

/// Hash of the leaf of a commit as the ledger holds it.
pub(crate) fn leaf_hash(recorded: &Recorded) -> TreeHash {
    hash_leaf(&leaf_of(recorded))
}

/// Position of the first commit whose hash is another one in the two contents of a tile.
fn first_difference(index: u64, found: &[u8], content: &[u8]) -> u64 {
    let pairs = found.chunks(HASH_BYTES).zip(content.chunks(HASH_BYTES));
    let same = pairs.take_while(|(found, content)| found == content).count();
    index * TILE_WIDTH + same as u64 + 1
}
