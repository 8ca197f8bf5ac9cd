//! The RFC 6962 Merkle tree over commits: leaves, node hashes and a frontier that grows.
//!
//! A leaf is 64 bytes (big endian), so that a proof names the commit, its bytes and its places:
//!
//! ```text
//! 0   16  commit id
//! 16  32  SHA-256 of the stored commit
//! 48  8   version in its stream
//! 56  8   position in the ledger
//! ```

use crate::ledger::Recorded;
use grimnir_events::{CommitId, ContentHash};
use sha2::{Digest, Sha256};

/// Bytes of a leaf.
pub const LEAF_BYTES: usize = 64;

/// Hash of a node or a leaf.
pub type TreeHash = [u8; 32];

/// The leaf of a commit with this id, hash of stored bytes, version and position.
pub fn leaf(commit: CommitId, stored: ContentHash, version: u64, seq: u64) -> [u8; LEAF_BYTES] {
    let mut out = [0u8; LEAF_BYTES];
    out[..16].copy_from_slice(&commit.0);
    out[16..48].copy_from_slice(&stored.0);
    out[48..56].copy_from_slice(&version.to_be_bytes());
    out[56..].copy_from_slice(&seq.to_be_bytes());
    out
}

/// The leaf of a commit as the ledger holds it.
pub fn leaf_of(recorded: &Recorded) -> [u8; LEAF_BYTES] {
    let header = &recorded.commit.header;
    leaf(header.commit_id, recorded.hash, header.version, recorded.seq)
}

/// Hash of a leaf's bytes.
pub fn hash_leaf(leaf: &[u8]) -> TreeHash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hash of two subtrees.
pub fn hash_node(left: &TreeHash, right: &TreeHash) -> TreeHash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree without leaves.
pub fn empty_root() -> TreeHash {
    Sha256::digest([]).into()
}

/// The right edge of a growing tree: all that adding a leaf and naming the root need.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, largest first; one per bit that is set in `size`.
    complete: Vec<TreeHash>,
}

impl Frontier {
    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first: with the size, all there is to store.
    pub fn nodes(&self) -> &[TreeHash] {
        &self.complete
    }

    /// The frontier with this size and these nodes; `None` where they do not belong together.
    pub fn from_parts(size: u64, nodes: Vec<TreeHash>) -> Option<Self> {
        (nodes.len() == size.count_ones() as usize).then_some(Self { size, complete: nodes })
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf_hash: TreeHash) {
        let mut node = leaf_hash;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.complete.pop() {
                node = hash_node(&left, &node);
            }
        }
        self.complete.push(node);
        self.size += 1;
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> TreeHash {
        let mut nodes = self.complete.iter().rev();
        let Some(last) = nodes.next() else { return empty_root() };
        nodes.fold(*last, |right, left| hash_node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, written out.
    fn by_definition(leaves: &[Vec<u8>]) -> TreeHash {
        match leaves {
            [] => empty_root(),
            [one] => hash_leaf(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                let (left, right) = many.split_at(split);
                hash_node(&by_definition(left), &by_definition(right))
            }
        }
    }

    #[test]
    fn a_frontier_names_the_root_of_the_definition_at_every_size() {
        let leaves: Vec<Vec<u8>> = (0u8..70).map(|n| vec![n; usize::from(n)]).collect();
        let mut frontier = Frontier::default();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.root(), by_definition(&leaves[..size]), "{size} leaves");
            assert_eq!(frontier.size(), size as u64);
            let stored = Frontier::from_parts(frontier.size(), frontier.nodes().to_vec());
            assert_eq!(stored.as_ref(), Some(&frontier), "{size} leaves");
            if let Some(next) = leaves.get(size) {
                frontier.push(hash_leaf(next));
            }
        }
    }

    #[test]
    fn a_leaf_is_laid_out_as_documented() {
        let leaf = leaf(CommitId([1; 16]), ContentHash([2; 32]), 3, 4);
        assert_eq!(leaf[..16], [1; 16]);
        assert_eq!(leaf[16..48], [2; 32]);
        assert_eq!(leaf[48..], [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4]);
    }
}
