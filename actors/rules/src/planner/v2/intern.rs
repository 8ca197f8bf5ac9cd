//! Numbers for texts: 0, 1, 2 … in the order in which they are first seen, found by their hashes.

/// Texts by the numbers that [`number`](super::text::number) gives them.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    keys: Vec<u64>,
    /// One more than the place among the keys; 0 where nothing stands.
    table: Vec<u32>,
}

impl Interner {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of a key, where it is known.
    pub fn find(&self, key: u64) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        self.table[self.slot(key)].checked_sub(1)
    }

    /// The number of a key, and whether it is new.
    pub fn enter(&mut self, key: u64) -> (u32, bool) {
        if (self.keys.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let slot = self.slot(key);
        if let Some(known) = self.table[slot].checked_sub(1) {
            return (known, false);
        }
        self.keys.push(key);
        let count = self.keys.len() as u32;
        self.table[slot] = count;
        (count - 1, true)
    }

    /// Where the key stands, or would stand. The table is never full.
    fn slot(&self, key: u64) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = key as usize & mask;
        while let Some(at) = self.table[slot].checked_sub(1) {
            if self.keys[at as usize] == key {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.table = vec![0; (self.table.len() * 4).max(16)];
        for at in 0..self.keys.len() {
            let slot = self.slot(self.keys[at]);
            self.table[slot] = at as u32 + 1;
        }
    }
}
