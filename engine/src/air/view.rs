//! What the mix thread shows to everybody else: atomics only, one writer.

use super::clock::{BLOCK_NS, monotonic_ns};
use super::pace;
use grimnir_events::AirFrame;
use grimnir_events::units::BLOCK_FRAMES;
use grimnir_mix::dsp::silence::{Exempt, SilenceAction, SilenceWatch};
use grimnir_mix::meter::Measured;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Blocks whose peaks are kept: 10 s, the longest telemetry interval.
pub const PEAK_BLOCKS: usize = 1_024;

/// The view; shared by reference count.
pub struct AirView {
    start: AirFrame,
    /// Deadline of the block at `start`, in nanoseconds on CLOCK_MONOTONIC.
    began: AtomicI64,
    position: AtomicI64,
    blocks: AtomicU64,
    late_blocks: AtomicU64,
    underruns: AtomicU64,
    realtime: AtomicBool,
    squares: [AtomicU64; 2],
    /// Left, right, and the true peak of both.
    peaks: Box<[[AtomicU32; 3]]>,
    loudness: [AtomicU32; 4],
    buffered: AtomicI64,
    programme_silent: AtomicBool,
    silent_sources: AtomicU32,
    exempt: AtomicU32,
    sources_fail_over: AtomicBool,
    meter_ms: AtomicU32,
}

/// What a block looked like as it left.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// First frame of the next block.
    pub position: AirFrame,
    /// Largest magnitude, left and right.
    pub peak: [f32; 2],
    /// Sum of squares, left and right.
    pub square_sum: [f64; 2],
    /// True peak of both sides, as a factor.
    pub true_peak: f32,
    /// Momentary and short-term loudness.
    pub loudness: [f64; 2],
    /// Least that a sounding source holds ready.
    pub buffered: Option<i64>,
}

/// Loudness just now.
#[derive(Clone, Copy, Debug)]
pub struct LoudnessNow {
    /// Of the last 400 ms, in LUFS.
    pub momentary: f32,
    /// Of the last 3 s, in LUFS.
    pub short_term: f32,
    /// Integrated over the item on air so far, in LUFS.
    pub integrated: f32,
    /// True peak of that item so far, in dBTP.
    pub true_peak_db: f32,
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
    /// True peak of both sides, in dBTP.
    pub true_peak_db: f32,
}

/// Level shown for digital silence.
const FLOOR_DB: f32 = -120.0;

impl AirView {
    /// A view of a run that begins at `start`.
    pub fn new(start: AirFrame) -> Self {
        Self {
            start,
            began: AtomicI64::new(i64::MAX),
            position: AtomicI64::new(start.0),
            blocks: AtomicU64::new(0),
            late_blocks: AtomicU64::new(0),
            underruns: AtomicU64::new(0),
            realtime: AtomicBool::new(false),
            squares: [AtomicU64::new(0), AtomicU64::new(0)],
            peaks: (0..PEAK_BLOCKS).map(|_| [(); 3].map(|()| AtomicU32::new(0))).collect(),
            loudness: [FLOOR_DB; 4].map(|level| AtomicU32::new(level.to_bits())),
            buffered: AtomicI64::new(-1),
            programme_silent: AtomicBool::new(false),
            silent_sources: AtomicU32::new(0),
            exempt: AtomicU32::new(0),
            sources_fail_over: AtomicBool::new(false),
            meter_ms: AtomicU32::new(100),
        }
    }

    /// First frame of the next block that is due, the one that orders are for.
    pub fn position(&self) -> AirFrame {
        let rendered = self.rendered();
        // Frames and deadlines go on together, over a stall as well: one tells the other.
        let passed = rendered.since(self.start) / BLOCK_FRAMES * BLOCK_NS;
        let deadline = self.began.load(Ordering::Relaxed).saturating_add(passed);
        pace::position(rendered, deadline, monotonic_ns())
    }
    /// Frame after the last that was rendered.
    pub fn rendered(&self) -> AirFrame {
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

    /// Loudness just now.
    pub fn loudness(&self) -> LoudnessNow {
        let [momentary, short_term, integrated, true_peak_db] =
            [0, 1, 2, 3].map(|n| f32::from_bits(self.loudness[n].load(Ordering::Relaxed)));
        LoudnessNow { momentary, short_term, integrated, true_peak_db }
    }
    /// Least that a sounding source holds ready, in frames; `None` where none is waited for.
    pub fn buffered(&self) -> Option<i64> {
        Some(self.buffered.load(Ordering::Relaxed)).filter(|frames| *frames >= 0)
    }
    /// The silence sense of the programme has said so, and not taken it back.
    pub fn programme_silent(&self) -> bool {
        self.programme_silent.load(Ordering::Relaxed)
    }
    /// Sources on air that are silent.
    pub fn silent_sources(&self) -> u32 {
        self.silent_sources.load(Ordering::Relaxed)
    }
    /// Sources that start from here on are listened to in this way.
    pub fn set_watch(&self, watch: Option<SilenceWatch>) {
        let exempt = watch.map_or(0, |watch| watch.exempt.0);
        let fails_over = watch.is_some_and(|watch| watch.action == SilenceAction::FailOver);
        self.exempt.store(exempt, Ordering::Relaxed);
        self.sources_fail_over.store(fails_over, Ordering::Relaxed);
    }
    /// What is silent by itself leaves the air.
    pub fn sources_fail_over(&self) -> bool {
        self.sources_fail_over.load(Ordering::Relaxed)
    }
    /// Between two readings for who asks for no time of their own, in ms.
    pub fn set_meter_ms(&self, interval_ms: u32) {
        self.meter_ms.store(interval_ms, Ordering::Relaxed);
    }
    /// Between two readings for who asks for no time of their own, in ms.
    pub fn meter_ms(&self) -> u32 {
        self.meter_ms.load(Ordering::Relaxed)
    }
    /// Kinds of items that may be silent.
    pub fn exempt(&self) -> Exempt {
        Exempt(self.exempt.load(Ordering::Relaxed))
    }

    pub(super) fn set_silent(&self, programme: Option<bool>, sources: u32) {
        if let Some(silent) = programme {
            self.programme_silent.store(silent, Ordering::Relaxed);
        }
        self.silent_sources.store(sources, Ordering::Relaxed);
    }
    pub(super) fn set_item(&self, measured: Option<Measured>) {
        let loudness = measured.and_then(|m| m.loudness).map_or(FLOOR_DB, level);
        let peak = measured.map_or(FLOOR_DB, |m| decibels(f64::from(m.true_peak)));
        self.loudness[2].store(loudness.to_bits(), Ordering::Relaxed);
        self.loudness[3].store(peak.to_bits(), Ordering::Relaxed);
    }
    pub(super) fn set_realtime(&self, granted: bool) {
        self.realtime.store(granted, Ordering::Relaxed);
    }
    /// The block at the start is due at this time; before, no time passes.
    pub(super) fn begin(&self, now_ns: i64) {
        self.began.store(now_ns, Ordering::Relaxed);
    }
    pub(super) fn add_late(&self, blocks: u64) {
        self.late_blocks.fetch_add(blocks, Ordering::Relaxed);
    }
    pub(super) fn add_underrun(&self) {
        self.underruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn publish(&self, shown: &Shown) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        let slot = &self.peaks[blocks as usize % PEAK_BLOCKS];
        for (side, peak) in slot.iter().enumerate().take(2) {
            let before = f64::from_bits(self.squares[side].load(Ordering::Relaxed));
            let sum = before + shown.square_sum[side];
            self.squares[side].store(sum.to_bits(), Ordering::Relaxed);
            peak.store(shown.peak[side].to_bits(), Ordering::Relaxed);
            let loudness = level(shown.loudness[side]);
            self.loudness[side].store(loudness.to_bits(), Ordering::Relaxed);
        }
        slot[2].store(shown.true_peak.to_bits(), Ordering::Relaxed);
        self.buffered.store(shown.buffered.unwrap_or(-1), Ordering::Relaxed);
        self.blocks.store(blocks + 1, Ordering::Release);
        self.position.store(shown.position.0, Ordering::Release);
    }

    /// Levels since `mark`, which moves on to now.
    pub fn levels(&self, mark: &mut MeterMark) -> Levels {
        let blocks = self.blocks.load(Ordering::Acquire);
        let squares = [0, 1].map(|s| f64::from_bits(self.squares[s].load(Ordering::Relaxed)));
        let count = (blocks - mark.blocks).clamp(1, PEAK_BLOCKS as u64);
        let frames = ((blocks - mark.blocks).max(1) * 480) as f64;
        let peak = |kind: usize| {
            let slot = |n: u64| &self.peaks[n as usize % PEAK_BLOCKS][kind];
            let peaks = (blocks.saturating_sub(count)..blocks)
                .map(|n| f32::from_bits(slot(n).load(Ordering::Relaxed)));
            decibels(f64::from(peaks.fold(0.0f32, f32::max)))
        };
        let (peak_db, true_peak_db) = ([peak(0), peak(1)], peak(2));
        let mut levels = Levels { rms_db: [FLOOR_DB; 2], peak_db, true_peak_db };
        for (side, sum) in squares.iter().enumerate() {
            let mean = ((sum - mark.squares[side]) / frames).max(0.0);
            levels.rms_db[side] = decibels(mean.sqrt());
        }
        *mark = MeterMark { blocks, squares };
        levels
    }
}

/// A loudness as it is shown.
fn level(lufs: f64) -> f32 {
    lufs.max(f64::from(FLOOR_DB)) as f32
}

fn decibels(amplitude: f64) -> f32 {
    if amplitude <= 0.0 { FLOOR_DB } else { (20.0 * amplitude.log10()).max(-120.0) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(position: i64, peak: [f32; 2], square_sum: [f64; 2]) -> Shown {
        let (loudness, buffered) = ([-23.0, -24.0], Some(4_800));
        let position = AirFrame(position);
        let true_peak = peak[0] * 1.1;
        Shown { position, peak, square_sum, true_peak, loudness, buffered }
    }

    #[test]
    fn orders_are_for_what_is_due_however_much_was_rendered_and_however_far_it_moved_on() {
        let view = AirView::new(AirFrame(1_000));
        assert_eq!(view.position(), AirFrame(1_000), "it has not begun");
        // The block after those that are rendered is due in a quarter of an hour, or was just now.
        let ahead = |blocks: i64| monotonic_ns() + 90_000 * BLOCK_NS - blocks * BLOCK_NS;
        for blocks in [1, 7, 5_000] {
            view.publish(&shown(1_000 + blocks * BLOCK_FRAMES, [0.0; 2], [0.0; 2]));
            view.begin(ahead(blocks));
            assert_eq!(view.position(), view.rendered());
            view.begin(ahead(blocks) - 90_000 * BLOCK_NS - BLOCK_NS / 2);
            assert!(view.position() > view.rendered());
        }
    }

    #[test]
    fn levels_are_those_of_the_interval() {
        let view = AirView::new(AirFrame(0));
        let mut mark = MeterMark::default();
        assert_eq!((view.loudness().momentary, view.buffered()), (FLOOR_DB, None));
        for n in 1..=10 {
            view.publish(&shown(n * 480, [0.5, 0.0], [480.0 * 0.25, 0.0]));
        }
        let levels = view.levels(&mut mark);
        assert!((levels.rms_db[0] + 6.02).abs() < 0.01, "{levels:?}");
        assert!((levels.peak_db[0] + 6.02).abs() < 0.01 && levels.rms_db[1] == FLOOR_DB);
        assert!((levels.true_peak_db + 5.19).abs() < 0.01, "{levels:?}");
        let loudness = view.loudness();
        assert_eq!((loudness.momentary, loudness.short_term), (-23.0, -24.0));
        assert_eq!((loudness.integrated, view.buffered()), (FLOOR_DB, Some(4_800)));
        view.set_item(Some(Measured { loudness: Some(-16.5), true_peak: 0.5 }));
        assert_eq!(view.loudness().integrated, -16.5);
        view.publish(&shown(5_280, [0.0; 2], [0.0; 2]));
        assert_eq!(view.levels(&mut mark).rms_db[0], FLOOR_DB);
    }
}
