//! Inclusion and consistency proofs of RFC 6962: made from the nodes of a tree, and verified.

use super::error::ProofError;
use super::tree::{TreeHash, empty_root, hash_node};

/// More hashes than any proof of a tree with 2⁶³ leaves has.
pub const MAX_PROOF_HASHES: usize = 64;

/// Where the hashes of a tree's complete subtrees are found.
pub trait Nodes {
    /// The root of the complete subtree over leaves `index << level .. (index + 1) << level`.
    fn node(&self, level: u8, index: u64) -> Result<TreeHash, ProofError>;
}

/// The root over the first `size` leaves.
pub fn root_at(nodes: &impl Nodes, size: u64) -> Result<TreeHash, ProofError> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// Proves that leaf `index` is in the tree of `size` leaves (RFC 6962 §2.1.1).
pub fn prove_inclusion(
    nodes: &impl Nodes,
    index: u64,
    size: u64,
) -> Result<Vec<TreeHash>, ProofError> {
    if index >= size {
        let reason = format!("leaf {index} is not in a tree of {size}");
        return Err(ProofError::wrong("inclusion proof", reason));
    }
    let (mut low, mut high, mut hashes) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            hashes.push(range(nodes, middle, high)?);
            high = middle;
        } else {
            hashes.push(range(nodes, low, middle)?);
            low = middle;
        }
    }
    hashes.reverse();
    Ok(hashes)
}

/// Proves that the tree of `old` leaves is a beginning of the tree of `new` (RFC 6962 §2.1.2).
pub fn prove_consistency(
    nodes: &impl Nodes,
    old: u64,
    new: u64,
) -> Result<Vec<TreeHash>, ProofError> {
    if old > new {
        let reason = format!("a tree of {old} is no beginning of one of {new}");
        return Err(ProofError::wrong("consistency proof", reason));
    }
    let mut hashes = Vec::new();
    if old == 0 || old == new {
        return Ok(hashes);
    }
    let (mut low, mut high, mut end) = (0, new, old);
    // Whether the old tree's part of this range is the whole old tree: its root is known then.
    let mut whole = true;
    while end != high {
        let middle = low + split(high - low);
        if end <= middle {
            hashes.push(range(nodes, middle, high)?);
            high = middle;
        } else {
            hashes.push(range(nodes, low, middle)?);
            (low, whole) = (middle, false);
        }
        end = end.min(high);
    }
    if !whole {
        hashes.push(range(nodes, low, high)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root over leaves `low..high`; `low` is a multiple of the power of two that covers them.
fn range(nodes: &impl Nodes, low: u64, high: u64) -> Result<TreeHash, ProofError> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level as u8, low >> level);
    }
    let middle = low + split(count);
    Ok(hash_node(&range(nodes, low, middle)?, &range(nodes, middle, high)?))
}

/// Checks that the leaf with this hash is leaf `index` of the tree (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf_hash: &TreeHash,
    index: u64,
    size: u64,
    root: &TreeHash,
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    let wrong = |reason: String| ProofError::wrong("inclusion proof", reason);
    if index >= size {
        return Err(wrong(format!("leaf {index} is not in a tree of {size}")));
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf_hash);
    for hash in proof {
        if last == 0 {
            return Err(wrong(format!("{} hashes are too many", proof.len())));
        }
        if at & 1 == 1 || at == last {
            node = hash_node(hash, &node);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            node = hash_node(&node, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong(format!("{} hashes are too few", proof.len())));
    }
    same(&node, root).map_err(wrong)
}

/// Checks that the old tree is a beginning of the new one (RFC 9162 §2.1.4.2).
pub fn verify_consistency(
    old: (u64, &TreeHash),
    new: (u64, &TreeHash),
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    let wrong = |reason: String| ProofError::wrong("consistency proof", reason);
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return Err(wrong(format!("a tree of {old_size} is no beginning of one of {new_size}")));
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(wrong(format!("{} hashes where none are needed", proof.len())));
        }
        return if old_size == 0 { Ok(()) } else { same(old_root, new_root).map_err(wrong) };
    }
    let mut hashes = proof.iter();
    // A complete old tree is itself the first node.
    let first = if old_size.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let first = first.ok_or_else(|| wrong("it is empty".into()))?;
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut of_old, mut of_new) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return Err(wrong(format!("{} hashes are too many", proof.len())));
        }
        if at & 1 == 1 || at == last {
            of_old = hash_node(hash, &of_old);
            of_new = hash_node(hash, &of_new);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            of_new = hash_node(&of_new, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong(format!("{} hashes are too few", proof.len())));
    }
    same(&of_old, old_root).map_err(|e| wrong(format!("the old tree: {e}")))?;
    same(&of_new, new_root).map_err(|e| wrong(format!("the new tree: {e}")))
}

fn same(found: &TreeHash, expected: &TreeHash) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("it leads to root {}, expected {}", hex::encode(found), hex::encode(expected)))
}

#[cfg(test)]
mod tests;
