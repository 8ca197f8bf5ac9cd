//! Chance for tests: the same seed, the same throws.

/// A pair of dice.
pub struct Dice(u64);

impl Dice {
    /// Dice that throw the same whenever they begin with the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// Any number (splitmix64).
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `sides - 1`.
    pub fn below(&mut self, sides: u32) -> u32 {
        (self.any() % u64::from(sides.max(1))) as u32
    }

    /// From `low` to `high`, both among them.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.any() % (high - low + 1) as u64) as i64
    }

    /// True `n` times out of `of`.
    pub fn one_in(&mut self, of: u32) -> bool {
        self.below(of) == 0
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }
}
