//! Numbers that decide what is lost: the same seed, the same losses.

/// splitmix64: a whole sequence from one number.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
    /// From 0 to `end`, without it.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
    /// How likely pieces are kept, in 64ths: nothing and everything are as likely as all between.
    pub fn luck(&mut self) -> u64 {
        [0, 1, 16, 32, 48, 63, 64][self.below(7) as usize]
    }
    pub fn keeps(&mut self, luck: u64) -> bool {
        self.below(64) < luck
    }
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}
