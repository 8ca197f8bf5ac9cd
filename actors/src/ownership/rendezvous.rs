//! Which node a unit belongs to: every node computes the same answer from the same live nodes.
//!
//! Highest random weight: when a node goes, only what it owned moves, and when it comes back only
//! its own share returns to it.

use super::Unit;
use sha2::{Digest, Sha256};

/// The node that is to own a unit; `None` without nodes.
pub fn owner<'a>(unit: Unit, nodes: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nodes.into_iter().max_by_key(|node| (weight(unit, node), *node))
}

fn weight(unit: Unit, node: &str) -> u64 {
    let digest = Sha256::new().chain_update(unit).chain_update(node.as_bytes()).finalize();
    digest.iter().take(8).fold(0, |weight, byte| (weight << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(number: u32) -> Unit {
        let mut unit = [0; 16];
        unit[..4].copy_from_slice(&number.to_be_bytes());
        unit
    }

    #[test]
    fn nodes_share_evenly_and_agree_in_any_order() {
        let mut owned = [0u32; 3];
        for number in 0..3_000 {
            let first = owner(unit(number), ["a", "b", "c"]).expect("an owner");
            assert_eq!(owner(unit(number), ["c", "a", "b"]), Some(first));
            owned[["a", "b", "c"].iter().position(|n| *n == first).expect("a node")] += 1;
        }
        assert!(owned.iter().all(|share| (850..1_150).contains(share)), "{owned:?}");
    }

    #[test]
    fn only_the_share_of_a_lost_node_moves() {
        let mut moved = 0;
        for number in 0..3_000 {
            let before = owner(unit(number), ["a", "b", "c"]);
            let after = owner(unit(number), ["a", "b"]);
            if before == Some("c") {
                moved += 1;
            } else {
                assert_eq!(before, after, "unit {number} moved without need");
            }
        }
        assert!(moved > 0);
        assert_eq!(owner(unit(1), []), None);
    }
}
