//! The programme bus behind the mixer: gain, limiter, and the last look at every sample.

use grimnir_mix::{BLOCK, Frame, Limiter};

/// Ceiling without a graph of its own.
pub const DEFAULT_CEILING_DB: f32 = -1.0;

/// What a loaded graph sets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BusSettings {
    /// Gain in dB, −24 to 24.
    pub gain_db: f32,
    /// Ceiling in dBFS, −12 to 0.
    pub ceiling_db: f32,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self { gain_db: 0.0, ceiling_db: DEFAULT_CEILING_DB }
    }
}

/// The bus; runs on the mix thread.
pub struct Bus {
    gain: f32,
    target: f32,
    limiter: Limiter,
}

/// Levels of one block as it leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockMeter {
    /// Largest magnitude.
    pub peak: [f32; 2],
    /// Sum of squares.
    pub square_sum: [f64; 2],
}

impl Bus {
    /// A bus with these settings.
    pub fn new(settings: BusSettings) -> Self {
        let gain = factor(settings.gain_db);
        let limiter = Limiter::with_ceiling_db(settings.ceiling_db);
        Self { gain, target: gain, limiter }
    }

    /// Takes other settings. The gain moves over one block; another ceiling takes its own limiter,
    /// `limiter`, made elsewhere.
    pub fn set(&mut self, gain_db: f32, limiter: Option<Box<Limiter>>) -> Option<Box<Limiter>> {
        self.target = factor(gain_db);
        limiter.map(|mut limiter| {
            std::mem::swap(&mut self.limiter, &mut limiter);
            limiter
        })
    }

    /// Runs one block through; nothing but finite samples within the ceiling leaves.
    pub fn process(&mut self, block: &mut [Frame; BLOCK]) -> BlockMeter {
        let step = (self.target - self.gain) / BLOCK as f32;
        if self.target != 1.0 || step != 0.0 {
            for (n, frame) in block.iter_mut().enumerate() {
                let gain = self.gain + step * (n + 1) as f32;
                *frame = [frame[0] * gain, frame[1] * gain];
            }
            self.gain = self.target;
        }
        for frame in block.iter_mut() {
            // The mixer's sum is finite; gain times a huge sample may not be.
            *frame = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
        }
        self.limiter.process(block);
        let mut meter = BlockMeter::default();
        for frame in block.iter() {
            for (side, sample) in frame.iter().enumerate() {
                meter.peak[side] = meter.peak[side].max(sample.abs());
                meter.square_sum[side] += f64::from(*sample) * f64::from(*sample);
            }
        }
        meter
    }
}

fn factor(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_above_the_ceiling_or_beyond_numbers_leaves() {
        let mut bus = Bus::new(BusSettings { gain_db: 24.0, ceiling_db: -6.0 });
        let mut highest = 0f32;
        for n in 0..50u32 {
            let mut block = [[0.7f32, f32::MAX]; BLOCK];
            if n % 7 == 0 {
                block[3] = [f32::NAN, f32::INFINITY];
            }
            let meter = bus.process(&mut block);
            assert!(block.iter().flatten().all(|s| s.is_finite()));
            highest = highest.max(meter.peak[0]).max(meter.peak[1]);
        }
        assert!(highest <= 0.501_2 && highest > 0.4, "{highest}");
    }
}
