//! Damage to files, the same in every run.
#![allow(dead_code, reason = "each test binary uses its own part")]

/// Numbers that look drawn.
pub struct Numbers(pub u64);

impl Numbers {
    /// One of `0..limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Bytes of a file with some changed, cut off, repeated or put in; most of it near its head,
/// where the lengths stand.
pub fn mutated(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(12) {
        let reach = if numbers.below(3) == 0 { bytes.len() } else { bytes.len().min(600) };
        let at = numbers.below(reach);
        let value = [0, 0xFF, 0x7F, 0x80, numbers.below(256) as u8][numbers.below(5)];
        match numbers.below(8) {
            0 => bytes.truncate(at.max(1)),
            1 => drop(bytes.splice(at..at, vec![value; numbers.below(64)])),
            2 => {
                let end = (at + numbers.below(4_000)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = value),
            _ => bytes[at] = value,
        }
    }
    bytes
}
