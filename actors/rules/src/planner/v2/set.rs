//! A set of places or values, as bits.

/// The set.
#[derive(Clone, Debug, Default)]
pub struct Set(Vec<u64>);

impl Set {
    /// Those of `count` that `holds` of.
    pub fn of(count: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let word = |at: usize| {
            let from = at * 64;
            let bits = from..count.min(from + 64);
            bits.fold(0_u64, |word, at| word | (u64::from(holds(at)) << (at - from)))
        };
        Self((0..count.div_ceil(64)).map(word).collect())
    }

    /// None of `count`.
    pub fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Adds one.
    pub fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// It is in it.
    pub fn holds(&self, at: usize) -> bool {
        (self.0[at / 64] >> (at % 64)) & 1 == 1
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps what is in the other; answers how many go.
    pub fn retain(&mut self, other: &Self) -> usize {
        self.meet(other, |word, other| word & other)
    }

    /// Removes what is in the other; answers how many go.
    pub fn remove(&mut self, other: &Self) -> usize {
        self.meet(other, |word, other| word & !other)
    }

    fn meet(&mut self, other: &Self, meet: impl Fn(u64, u64) -> u64) -> usize {
        let mut gone = 0;
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            let left = meet(*word, *other);
            gone += (*word ^ left).count_ones() as usize;
            *word = left;
        }
        gone
    }

    /// Those of `all` that are in it, in their order.
    pub fn among(&self, all: &[u32]) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.len());
        out.extend(all.iter().filter(|at| self.holds(**at as usize)));
        out
    }

    /// Those of `count` that are in one of, or in all of, these sets.
    pub fn joined(count: usize, sets: impl Iterator<Item = Self>, all: bool) -> Self {
        let mut out = if all { Self::of(count, |_| true) } else { Self::none(count) };
        for set in sets {
            for (word, other) in out.0.iter_mut().zip(&set.0) {
                *word = if all { *word & other } else { *word | other };
            }
        }
        out
    }
}
