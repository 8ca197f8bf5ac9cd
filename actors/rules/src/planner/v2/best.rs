//! The best candidates of a scan so far, and what ruled the others out.

use super::pick::{Removed, WINDOW};
use super::score::bits;

/// The best so far: everything that breaks the same, up to the window.
pub(super) struct Best {
    pub mask: u32,
    pub found: Vec<(usize, u32)>,
    /// What ruled others out, and how many.
    pub removed: Removed,
    /// How many broke each of the bits, where somebody asks.
    pub broken: [usize; 32],
}

impl Best {
    pub const fn none() -> Self {
        Self { mask: u32::MAX, found: Vec::new(), removed: Vec::new(), broken: [0; 32] }
    }

    pub fn count(&mut self, mask: u32) {
        bits(mask).for_each(|bit| self.broken[bit.trailing_zeros() as usize] += 1);
    }

    /// What breaks more is not taken.
    pub const fn limit(&self) -> u32 {
        if self.found.len() < WINDOW { self.mask } else { self.mask.saturating_sub(1) }
    }

    pub fn remove(&mut self, why: &'static str) {
        match self.removed.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => self.removed.push((why, 1)),
        }
    }

    pub fn take(&mut self, mask: u32, rank: usize, place: u32) {
        if mask < self.mask {
            self.mask = mask;
            self.found.clear();
        }
        if mask == self.mask && self.found.len() < WINDOW {
            self.found.push((rank, place));
        }
    }
}
