//! Cue points from the sound itself: where it begins, where it ends, where the next may begin.
//!
//! Levels are taken in windows of 10 ms; marks fall on their edges. Integer frames only.

use crate::{BLOCK, Frame};

/// Windows in a block of programme loudness (400 ms).
const LOUDNESS_WINDOWS: usize = 40;
/// Windows over which the end's level is taken (100 ms), so that a single click does not count.
const LEVEL_WINDOWS: usize = 10;

/// What counts as sound and as an ending.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CueSettings {
    /// Level above which there is sound, in dBFS (RMS).
    pub threshold_db: f32,
    /// In a quiet programme the threshold is so far below its median level instead, in dB.
    pub below_median_db: f32,
    /// The ending begins where the level stays so far below the median level, in dB.
    pub ending_db: f32,
    /// The ending is at most so long, in frames.
    pub ending_frames: i64,
}

impl Default for CueSettings {
    fn default() -> Self {
        Self {
            threshold_db: -48.0,
            below_median_db: 34.0,
            ending_db: 12.0,
            ending_frames: 8 * 48_000,
        }
    }
}

/// The marks found, in frames from the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CueMarks {
    /// First frame of the sound.
    pub cue_in: i64,
    /// Where the next item may begin: the start of the ending, or `cue_out`.
    pub segue: i64,
    /// Frame after the last of the sound.
    pub cue_out: i64,
    /// Nothing was above the threshold; the marks then hold the whole file.
    pub silent: bool,
}

/// Finds cue points in frames fed piece by piece.
#[derive(Clone, Debug)]
pub struct CueFinder {
    settings: CueSettings,
    /// Mean square of each full window, the louder of both sides.
    windows: Vec<f32>,
    sums: [f64; 2],
    in_window: usize,
    frames: i64,
}

impl CueFinder {
    /// A finder that has heard nothing.
    pub fn new(settings: CueSettings) -> Self {
        Self { settings, windows: Vec::new(), sums: [0.0; 2], in_window: 0, frames: 0 }
    }

    /// Feeds the next frames.
    pub fn push(&mut self, frames: &[Frame]) {
        for frame in frames {
            for (sum, sample) in self.sums.iter_mut().zip(frame) {
                let sample = f64::from(if sample.is_finite() { *sample } else { 0.0 });
                *sum += sample * sample;
            }
            self.in_window += 1;
            if self.in_window == BLOCK {
                self.close_window();
            }
        }
        self.frames += frames.len() as i64;
    }

    /// The marks of everything fed.
    pub fn finish(mut self) -> CueMarks {
        if self.in_window > 0 {
            self.close_window();
        }
        let all = CueMarks { cue_in: 0, segue: self.frames, cue_out: self.frames, silent: true };
        let Some(median) = self.median_power() else { return all };
        let threshold =
            power(self.settings.threshold_db).min(median * power(-self.settings.below_median_db));
        let sounds = |window: &f32| *window > threshold;
        let Some(first) = self.windows.iter().position(sounds) else { return all };
        let last = self.windows.iter().rposition(sounds).unwrap_or(first);
        let cue_out = self.window_start(last + 1);
        let segue = self.ending(first, last, median * power(-self.settings.ending_db));
        let earliest = cue_out - self.settings.ending_frames;
        let cue_in = self.window_start(first);
        let segue = segue.max(earliest).clamp(cue_in, cue_out);
        CueMarks { cue_in, segue, cue_out, silent: false }
    }

    fn close_window(&mut self) {
        let louder = self.sums[0].max(self.sums[1]);
        self.windows.push((louder / self.in_window as f64) as f32);
        self.sums = [0.0; 2];
        self.in_window = 0;
    }

    fn window_start(&self, index: usize) -> i64 {
        (index as i64 * BLOCK as i64).min(self.frames)
    }

    /// The frame from which on no 100 ms is as loud as `limit`.
    fn ending(&self, first: usize, last: usize, limit: f32) -> i64 {
        let mut end = last + 1;
        while end > first {
            let begin = end.saturating_sub(LEVEL_WINDOWS).max(first);
            let part = &self.windows[begin..end];
            if mean(part) >= limit {
                break;
            }
            end -= 1;
        }
        self.window_start(end)
    }

    /// Median power of the 400 ms blocks that are not silence; `None` if there are none.
    fn median_power(&self) -> Option<f32> {
        // −70 dBFS, the absolute gate of BS.1770.
        const GATE: f32 = 1e-7;
        let mut powers: Vec<f32> = self.windows.chunks(LOUDNESS_WINDOWS).map(mean).collect();
        powers.retain(|power| *power > GATE);
        powers.sort_by(f32::total_cmp);
        powers.get(powers.len() / 2).copied()
    }
}

/// The marks of a whole programme handed over in blocks.
pub fn find_cues<'a>(
    blocks: impl IntoIterator<Item = &'a [Frame]>,
    settings: CueSettings,
) -> CueMarks {
    let mut finder = CueFinder::new(settings);
    blocks.into_iter().for_each(|block| finder.push(block));
    finder.finish()
}

fn mean(windows: &[f32]) -> f32 {
    let sum: f64 = windows.iter().map(|window| f64::from(*window)).sum();
    (sum / windows.len().max(1) as f64) as f32
}

fn power(db: f32) -> f32 {
    libm::pow(10.0, f64::from(db) / 10.0) as f32
}
