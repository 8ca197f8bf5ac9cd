//! Proofs against a tree that is computed by the definition, and against everything near it.

use super::*;
use crate::proof::tree::{Frontier, hash_leaf};
use proptest::prelude::*;

/// All leaves, hashed again for every node.
struct Leaves(Vec<TreeHash>);

impl Leaves {
    fn new(count: u64) -> Self {
        Self((0..count).map(|n| hash_leaf(&n.to_be_bytes())).collect())
    }
    fn root(&self, size: u64) -> TreeHash {
        let mut frontier = Frontier::default();
        self.0.iter().take(size as usize).for_each(|leaf| frontier.push(*leaf));
        frontier.root()
    }
}

impl Nodes for Leaves {
    fn node(&self, level: u8, index: u64) -> Result<TreeHash, ProofError> {
        let mut frontier = Frontier::default();
        let (from, to) = (index << level, (index + 1) << level);
        self.0[from as usize..to as usize].iter().for_each(|leaf| frontier.push(*leaf));
        Ok(frontier.root())
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
    let leaves = Leaves::new(40);
    for size in 1..=40 {
        let root = leaves.root(size);
        assert_eq!(root_at(&leaves, size).expect("has nodes"), root);
        for index in 0..size {
            let proof = prove_inclusion(&leaves, index, size).expect("proves");
            let leaf = leaves.0[index as usize];
            verify_inclusion(&leaf, index, size, &root, &proof).expect("verifies");
            for other in (0..size + 2).filter(|other| *other != index) {
                let found = verify_inclusion(&leaf, other, size, &root, &proof);
                assert!(found.is_err(), "leaf {index} passed for {other} of {size}");
            }
            let other = leaves.0[(index as usize + 1) % 40];
            assert!(verify_inclusion(&other, index, size, &root, &proof).is_err());
        }
    }
}

#[test]
fn every_beginning_of_every_small_tree_is_proven_and_no_other() {
    let leaves = Leaves::new(40);
    for new in 0..=40 {
        let new_root = leaves.root(new);
        for old in 0..=new {
            let old_root = leaves.root(old);
            let proof = prove_consistency(&leaves, old, new).expect("proves");
            verify_consistency((old, &old_root), (new, &new_root), &proof).expect("verifies");
            let mut forged = old_root;
            forged[7] ^= 1;
            let found = verify_consistency((old, &forged), (new, &new_root), &proof);
            assert_eq!(found.is_ok(), old == 0, "a forged root passed, {old} to {new}");
            let mut forged = new_root;
            forged[0] ^= 0x80;
            let found = verify_consistency((old, &old_root), (new, &forged), &proof);
            assert_eq!(found.is_ok(), old == 0, "a forged root passed, {old} to {new}");
        }
        assert!(prove_consistency(&leaves, new + 1, new).is_err());
    }
}

proptest! {
    #[test]
    fn a_changed_proof_is_refused(
        size in 2u64..200, at in any::<prop::sample::Index>(), bit in 0usize..256,
        cut in any::<bool>(),
    ) {
        let leaves = Leaves::new(size);
        let root = leaves.root(size);
        let index = at.index(size as usize) as u64;
        let mut proof = prove_inclusion(&leaves, index, size).expect("proves");
        let which = at.index(proof.len());
        if cut { proof.remove(which); } else { proof[which][bit / 8] ^= 1 << (bit % 8); }
        let leaf = leaves.0[index as usize];
        prop_assert!(verify_inclusion(&leaf, index, size, &root, &proof).is_err());
        let old = index.max(1);
        let old_root = leaves.root(old);
        let mut proof = prove_consistency(&leaves, old, size).expect("proves");
        let which = at.index(proof.len());
        if cut { proof.remove(which); } else { proof[which][bit / 8] ^= 1 << (bit % 8); }
        prop_assert!(verify_consistency((old, &old_root), (size, &root), &proof).is_err());
        proof.push([9; 32]);
        prop_assert!(verify_consistency((old, &old_root), (size, &root), &proof).is_err());
    }
}
