//! What the mix thread shows to everybody else: atomics only, one writer.

use grimnir_events::AirFrame;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Blocks whose peaks are kept: 10 s, the longest telemetry interval.
pub const PEAK_BLOCKS: usize = 1_024;

/// The view; shared by reference count.
pub struct AirView {
    position: AtomicI64,
    blocks: AtomicU64,
    late_blocks: AtomicU64,
    underruns: AtomicU64,
    realtime: AtomicBool,
    squares: [AtomicU64; 2],
    peaks: Box<[[AtomicU32; 2]]>,
}

/// Where a telemetry reader stood.
#[derive(Clone, Copy, Default)]
pub struct MeterMark {
    blocks: u64,
    squares: [f64; 2],
}

/// Levels of an interval in dBFS.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// RMS, left and right.
    pub rms_db: [f32; 2],
    /// Peak, left and right.
    pub peak_db: [f32; 2],
}

/// Level shown for digital silence.
const FLOOR_DB: f32 = -120.0;

impl AirView {
    /// A view of a run that begins at `start`.
    pub fn new(start: AirFrame) -> Self {
        Self {
            position: AtomicI64::new(start.0),
            blocks: AtomicU64::new(0),
            late_blocks: AtomicU64::new(0),
            underruns: AtomicU64::new(0),
            realtime: AtomicBool::new(false),
            squares: [AtomicU64::new(0), AtomicU64::new(0)],
            peaks: (0..PEAK_BLOCKS).map(|_| [AtomicU32::new(0), AtomicU32::new(0)]).collect(),
        }
    }

    /// First frame of the next block.
    pub fn position(&self) -> AirFrame {
        AirFrame(self.position.load(Ordering::Acquire))
    }
    /// Blocks that were rendered after their time.
    pub fn late_blocks(&self) -> u64 {
        self.late_blocks.load(Ordering::Relaxed)
    }
    /// Blocks in which a source had no frames in time.
    pub fn underruns(&self) -> u64 {
        self.underruns.load(Ordering::Relaxed)
    }
    /// The mix thread runs under SCHED_RR.
    pub fn realtime(&self) -> bool {
        self.realtime.load(Ordering::Relaxed)
    }

    pub(super) fn set_realtime(&self, granted: bool) {
        self.realtime.store(granted, Ordering::Relaxed);
    }
    pub(super) fn add_late(&self) {
        self.late_blocks.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn add_underrun(&self) {
        self.underruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn publish(&self, position: AirFrame, peak: [f32; 2], square_sum: [f64; 2]) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        for side in 0..2 {
            let before = f64::from_bits(self.squares[side].load(Ordering::Relaxed));
            self.squares[side].store((before + square_sum[side]).to_bits(), Ordering::Relaxed);
            let slot = &self.peaks[blocks as usize % PEAK_BLOCKS][side];
            slot.store(peak[side].to_bits(), Ordering::Relaxed);
        }
        self.blocks.store(blocks + 1, Ordering::Release);
        self.position.store(position.0, Ordering::Release);
    }

    /// Levels since `mark`, which moves on to now.
    pub fn levels(&self, mark: &mut MeterMark) -> Levels {
        let blocks = self.blocks.load(Ordering::Acquire);
        let squares = [0, 1].map(|s| f64::from_bits(self.squares[s].load(Ordering::Relaxed)));
        let count = (blocks - mark.blocks).clamp(1, PEAK_BLOCKS as u64);
        let frames = ((blocks - mark.blocks).max(1) * 480) as f64;
        let mut levels = Levels { rms_db: [FLOOR_DB; 2], peak_db: [FLOOR_DB; 2] };
        for (side, sum) in squares.iter().enumerate() {
            let mean = ((sum - mark.squares[side]) / frames).max(0.0);
            levels.rms_db[side] = decibels(mean.sqrt());
            let slot = |n: u64| &self.peaks[n as usize % PEAK_BLOCKS][side];
            let peak = (blocks.saturating_sub(count)..blocks)
                .map(|n| f32::from_bits(slot(n).load(Ordering::Relaxed)))
                .fold(0.0f32, f32::max);
            levels.peak_db[side] = decibels(f64::from(peak));
        }
        *mark = MeterMark { blocks, squares };
        levels
    }
}

fn decibels(amplitude: f64) -> f32 {
    if amplitude <= 0.0 { FLOOR_DB } else { (20.0 * amplitude.log10()).max(-120.0) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_interval() {
        let view = AirView::new(AirFrame(0));
        let mut mark = MeterMark::default();
        for n in 1..=10 {
            view.publish(AirFrame(n * 480), [0.5, 0.0], [480.0 * 0.25, 0.0]);
        }
        let levels = view.levels(&mut mark);
        assert!((levels.rms_db[0] + 6.02).abs() < 0.01, "{levels:?}");
        assert!((levels.peak_db[0] + 6.02).abs() < 0.01 && levels.rms_db[1] == FLOOR_DB);
        view.publish(AirFrame(5_280), [0.0; 2], [0.0; 2]);
        assert_eq!(view.levels(&mut mark).rms_db[0], FLOOR_DB);
    }
}
