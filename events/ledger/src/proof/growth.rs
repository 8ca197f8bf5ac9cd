//! A tree that grows leaf by leaf and gives its tiles away as they fill.

use super::error::ProofError;
use super::tile::{TILE_WIDTH, TileId, Tiles, fold, hashes};
use super::tree::{TreeHash, empty_root, hash_node};

/// The right edge of a tree: its hashes that are in no full tile yet, by level.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Growth {
    size: u64,
    levels: Vec<Vec<TreeHash>>,
}

impl Growth {
    /// The edge of the tree with `size` leaves, read from its partial tiles.
    pub fn resume(tiles: &impl Tiles, size: u64) -> Result<Self, ProofError> {
        let mut levels: Vec<Vec<TreeHash>> = Vec::new();
        for id in TileId::partials(size) {
            levels.resize_with(usize::from(id.level) + 1, Vec::new);
            levels[usize::from(id.level)] = hashes(&tiles.tile(id)?).collect();
        }
        Ok(Self { size, levels })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash; `filled` is handed every tile that this makes full.
    pub fn push(&mut self, leaf_hash: TreeHash, mut filled: impl FnMut(TileId, Vec<u8>)) {
        self.size += 1;
        let mut carried = leaf_hash;
        for level in 0u8.. {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::with_capacity(TILE_WIDTH as usize));
            }
            self.levels[at].push(carried);
            if (self.levels[at].len() as u64) < TILE_WIDTH {
                return;
            }
            let full = std::mem::take(&mut self.levels[at]);
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            filled(TileId::full(level, index), full.concat());
            // 256 hashes are a power of two, so there is a root.
            let Some(root) = fold(full) else { return };
            carried = root;
        }
    }

    /// The tiles on the edge, short of full, lowest level first.
    pub fn partials(&self) -> Vec<(TileId, Vec<u8>)> {
        TileId::partials(self.size)
            .filter_map(|id| Some((id, self.levels.get(usize::from(id.level))?.concat())))
            .collect()
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> TreeHash {
        let mut complete = Vec::new();
        for level in self.levels.iter().rev() {
            let mut rest = &level[..];
            while !rest.is_empty() {
                let (left, right) = rest.split_at(1 << rest.len().ilog2());
                complete.extend(fold(left.to_vec()));
                rest = right;
            }
        }
        let mut nodes = complete.into_iter().rev();
        let Some(last) = nodes.next() else { return empty_root() };
        nodes.fold(last, |right, left| hash_node(&left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::path::{prove_consistency, prove_inclusion, root_at};
    use crate::proof::path::{verify_consistency, verify_inclusion};
    use crate::proof::tile::TileNodes;
    use crate::proof::tree::{Frontier, hash_leaf};
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Kept(BTreeMap<TileId, Vec<u8>>);

    impl Tiles for Kept {
        fn tile(&self, id: TileId) -> Result<Vec<u8>, ProofError> {
            let missing = || ProofError::Tile { tile: id.to_string(), reason: "missing".into() };
            self.0.get(&id).cloned().ok_or_else(missing)
        }
    }

    fn leaf(n: u64) -> TreeHash {
        hash_leaf(&n.to_be_bytes())
    }

    #[test]
    fn the_root_is_the_trees_at_every_size_and_after_every_resumption() {
        let (mut growth, mut frontier, mut kept) =
            (Growth::default(), Frontier::default(), Kept::default());
        for n in 0..66_000u64 {
            growth.push(leaf(n), |id, bytes| {
                kept.0.insert(id, bytes);
            });
            frontier.push(leaf(n));
            if n % 997 == 0 || n > 65_500 {
                assert_eq!(growth.root(), frontier.root(), "{} leaves", n + 1);
                kept.0.extend(growth.partials());
                let again = Growth::resume(&kept, n + 1).expect("resumes");
                assert_eq!(again.root(), growth.root());
            }
        }
        assert_eq!(growth.size(), 66_000);
    }

    #[test]
    fn tiles_prove_inclusion_and_consistency_over_three_levels() {
        let (mut growth, mut kept) = (Growth::default(), Kept::default());
        let mut roots = BTreeMap::new();
        for n in 0..70_000u64 {
            growth.push(leaf(n), |id, bytes| {
                kept.0.insert(id, bytes);
            });
            roots.insert(n + 1, if n % 6_999 == 0 { growth.root() } else { [0; 32] });
        }
        kept.0.extend(growth.partials());
        let (size, root) = (growth.size(), growth.root());
        let nodes = TileNodes::new(&kept, size);
        assert_eq!(root_at(&nodes, size).expect("has nodes"), root);
        for index in [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_999] {
            let proof = prove_inclusion(&nodes, index, size).expect("proves");
            verify_inclusion(&leaf(index), index, size, &root, &proof).expect("verifies");
        }
        for (old, old_root) in roots.iter().filter(|(_, root)| **root != [0; 32]) {
            let proof = prove_consistency(&nodes, *old, size).expect("proves");
            verify_consistency((*old, old_root), (size, &root), &proof).expect("verifies");
        }
    }
}
