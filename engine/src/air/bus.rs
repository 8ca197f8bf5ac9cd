//! The programme bus behind the mixer: gain, limiter, what must not wait for it, and the last
//! look at every sample.

use grimnir_mix::{BLOCK, Frame, Limiter, sum_with_ceiling};

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

    /// Frames by which the programme leaves later than it came.
    pub fn latency_frames(&self) -> i64 {
        self.limiter.latency_frames()
    }

    /// Runs one block through; nothing but finite samples within the ceiling leaves. `urgent`
    /// enters behind the limiter, whose look-ahead would delay it; the ceiling holds for the sum.
    pub fn process(
        &mut self,
        block: &mut [Frame; BLOCK],
        urgent: Option<&mut [Frame; BLOCK]>,
    ) -> BlockMeter {
        let (from, to) = (self.gain, self.target);
        self.gain = to;
        level(block, from, to);
        self.limiter.process(block);
        if let Some(urgent) = urgent {
            level(urgent, from, to);
            sum_with_ceiling(block, urgent, self.limiter.ceiling());
        }
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

/// Moves the gain over the block; what is no number afterwards is zero.
fn level(block: &mut [Frame; BLOCK], from: f32, to: f32) {
    let step = (to - from) / BLOCK as f32;
    if to != 1.0 || step != 0.0 {
        for (n, frame) in block.iter_mut().enumerate() {
            let gain = from + step * (n + 1) as f32;
            *frame = [frame[0] * gain, frame[1] * gain];
        }
    }
    for frame in block.iter_mut() {
        // The mixer's sum is finite; gain times a huge sample may not be.
        *frame = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
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
            let meter = bus.process(&mut block, None);
            assert!(block.iter().flatten().all(|s| s.is_finite()));
            highest = highest.max(meter.peak[0]).max(meter.peak[1]);
        }
        assert!(highest <= 0.501_2 && highest > 0.4, "{highest}");
    }

    #[test]
    fn what_is_urgent_leaves_in_its_own_block_within_the_ceiling() {
        let mut bus = Bus::new(BusSettings { gain_db: 0.0, ceiling_db: -6.0 });
        let (mut block, mut urgent) = ([[0.25f32; 2]; BLOCK], [[0.125f32, 0.9]; BLOCK]);
        bus.process(&mut block, Some(&mut urgent));
        // The programme comes 5 ms later, through the limiter.
        assert_eq!(block[0][0], 0.125);
        assert_eq!(block[239][0], 0.125);
        assert_eq!(block[240][0], 0.375);
        assert!(block.iter().all(|frame| frame[1] <= 0.501_2), "{:?}", block[300]);
        let mut block = [[0.25f32; 2]; BLOCK];
        let meter = bus.process(&mut block, None);
        assert_eq!((block[0][0], meter.peak[0]), (0.25, 0.25));
    }
}
