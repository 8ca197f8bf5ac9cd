//! Which commit ids are surely not in a sealed segment: a blocked Bloom filter, in memory.
//!
//! Sixteen bits for each id and seven of them set, all in one block of 64 bytes: one miss of the
//! processor's cache answers, and about 1 in 700 foreign ids costs a look into the segment.

use grimnir_events::CommitId;
use sha2::{Digest, Sha256};

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 64;
const IDS_PER_BLOCK: usize = 32;
const PROBES: u32 = 7;

/// A commit id as the tables of a sealed segment know it. Ids may be chosen by those who send
/// commands, so they are hashed: nobody can crowd one place of a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct IdKey {
    /// Its place in the sorted table.
    pub order: u64,
    bits: u64,
}

impl IdKey {
    pub fn of(id: CommitId) -> Self {
        let hash = Sha256::digest(id.0);
        let part = |from: usize| {
            hash[from..from + 8].iter().fold(0u64, |all, &byte| all << 8 | u64::from(byte))
        };
        Self { order: part(0), bits: part(8) }
    }
    /// `order` as a place among so many.
    pub fn place(self, among: usize) -> usize {
        ((u128::from(self.order) * among as u128) >> 64) as usize
    }
}

/// The filter of one segment.
pub(crate) struct Filter {
    bytes: Vec<u8>,
}

impl Filter {
    /// Bytes of a filter of so many ids.
    pub fn bytes_for(ids: usize) -> usize {
        ids.div_ceil(IDS_PER_BLOCK).max(1) * BLOCK_BYTES
    }
    /// The filter of these ids.
    pub fn of(keys: &[IdKey]) -> Self {
        let mut filter = Self { bytes: vec![0; Self::bytes_for(keys.len())] };
        for &key in keys {
            let block = filter.block(key);
            for at in bits_of(key) {
                filter.bytes[block + at / 8] |= 1 << (at % 8);
            }
        }
        filter
    }
    /// A filter as it was stored; `None` where the length fits none.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_BYTES)).then_some(Self { bytes })
    }
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// False where the id is surely not in the segment.
    pub fn may_have(&self, key: IdKey) -> bool {
        let block = self.block(key);
        bits_of(key).all(|at| self.bytes[block + at / 8] & 1 << (at % 8) != 0)
    }
    fn block(&self, key: IdKey) -> usize {
        key.place(self.bytes.len() / BLOCK_BYTES) * BLOCK_BYTES
    }
}

/// The bits of a key in its block of 512.
fn bits_of(key: IdKey) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| (key.bits >> (9 * probe)) as usize & (BLOCK_BYTES * 8 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> IdKey {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        IdKey::of(CommitId(id))
    }

    #[test]
    fn no_id_of_its_own_is_missed_and_few_foreign_ones_pass() {
        for count in [0, 1, 31, 32, 33, 20_000] {
            let keys: Vec<_> = (0..count).map(key).collect();
            let filter = Filter::of(&keys);
            let stored = Filter::from_bytes(filter.bytes().to_vec()).expect("reads back");
            assert!(keys.iter().all(|&key| stored.may_have(key)), "{count} ids");
            let foreign = (1_000_000..1_020_000).map(key).filter(|&key| stored.may_have(key));
            let passed = foreign.count();
            assert!(passed < 80, "{count} ids: {passed} of 20,000 foreign ones pass");
        }
    }
}
