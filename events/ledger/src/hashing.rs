//! Hash tables of ids: a keyed hash that costs one multiplication for eight bytes and one more.
//!
//! Ids may be chosen by those who send commands, so the key is drawn anew in each process.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map by id.
pub(crate) type IdMap<K, V> = HashMap<K, V, Keys>;
/// A set of ids.
pub(crate) type IdSet<K> = HashSet<K, Keys>;

/// The key.
#[derive(Clone)]
pub(crate) struct Keys {
    start: u64,
    factor: u64,
}

impl Default for Keys {
    fn default() -> Self {
        let random = RandomState::new();
        // An odd factor loses nothing of what it multiplies.
        Self { start: random.hash_one(1), factor: random.hash_one(2) | 1 }
    }
}

impl BuildHasher for Keys {
    type Hasher = Mix;
    fn build_hasher(&self) -> Mix {
        Mix { state: self.start, factor: self.factor }
    }
}

pub(crate) struct Mix {
    state: u64,
    factor: u64,
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_ne_bytes(word));
        }
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }
    fn write_u64(&mut self, value: u64) {
        self.state = fold(self.state ^ value, self.factor);
    }
    /// Some factors leave ids that differ in a few bits close together: a fixed one parts them.
    fn finish(&self) -> u64 {
        fold(self.state ^ 0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB)
    }
}

/// The halves of a product on one another.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_little_are_spread_and_no_two_processes_agree() {
        // Whatever the key is; what is drawn here is the same each time.
        for drawn in 0..40u64 {
            let start = fold(drawn ^ 0x2545_F491_4F6C_DD1D, 0x9E37_79B9_7F4A_7C15);
            let keys = Keys { start, factor: fold(start, 0xD6E8_FEB8_6659_FD93) | 1 };
            for shift in [0, 8, 24, 48, 64, 100, 116] {
                let hashes = (0..4_096u128).map(|n| keys.hash_one((n << shift).to_be_bytes()));
                let low: HashSet<u64> = hashes.map(|hash| hash & 0xffff).collect();
                // Of 4,096 thrown at random into 65,536 places some 3,970 fall alone.
                assert!(low.len() > 3_850, "key {drawn}, shift {shift}: {} places", low.len());
            }
        }
        let keys = Keys::default();
        assert_ne!(keys.hash_one([1u8; 16]), Keys::default().hash_one([1u8; 16]));
    }
}
