//! A set of small numbers.

/// One bit for each number.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// None of the numbers below `length`.
    pub fn of(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }
    /// Takes in a number below the length.
    pub fn set(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }
    /// Whether a number is in it.
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
    /// Only what is in the other too.
    pub fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }
    /// How many.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
    /// The numbers, rising.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let set = |(at, word): (usize, &u64)| {
            let (word, first) = (*word, u32::try_from(at * 64).unwrap_or(u32::MAX));
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| first + bit)
        };
        self.0.iter().enumerate().flat_map(set)
    }
}
