//! The slot in the making: where it ends, its chance, and what it gave way in.

use crate::planner::v1::slots::End;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The slot in the making.
pub(super) struct Filling {
    pub label: String,
    pub end: End,
    pub rng: ChaCha8Rng,
    pub seed: [u8; 32],
    /// How often each rule was relaxed.
    pub relaxed: BTreeMap<String, u32>,
    /// Most items of the slot.
    pub items: Option<u16>,
    /// Its end leaves room for a legal ID.
    pub keeps_room: bool,
}

impl Filling {
    /// The slot may take another item.
    pub fn wants(&self, taken: usize) -> bool {
        self.items.is_none_or(|items| taken < usize::from(items))
    }
}
