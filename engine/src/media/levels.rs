//! How loud a file is, by EBU R 128, and what it looks like.

use ebur128::{EbuR128, Mode};
use grimnir_mix::cue::{WINDOWS_PER_SECOND, power};
use grimnir_mix::{CueMarks, CueSettings, Frame, find_cues};

/// Peaks a second in a waveform.
pub const PEAKS_PER_SECOND: u32 = 20;
/// Length of a window that marks fall on the edges of.
const WINDOW_MS: u32 = 1_000 / WINDOWS_PER_SECOND as u32;
/// First bytes of a waveform file: its name and version.
const MAGIC: [u8; 4] = *b"GRW1";

/// What was measured; `None` for silence, and a range for what is too short to have one.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Levels {
    /// Integrated loudness, LUFS.
    pub loudness: Option<f64>,
    /// Loudness range, LU.
    pub range: Option<f64>,
    /// True peak over all channels, dBTP.
    pub true_peak: Option<f64>,
    /// Where it begins and ends, in windows of 10 ms.
    pub marks: Option<CueMarks>,
    /// How many windows it has.
    pub windows: usize,
}

/// Takes a file frame by frame, at its own rate.
pub struct Meter {
    meter: EbuR128,
    rate: u64,
    /// Frames of a window of 10 ms.
    window: usize,
    /// Frames heard, and of them those in the window that is not full.
    heard: u64,
    in_window: usize,
    /// Mean square of each full window, K-weighted.
    powers: Vec<f32>,
    low: f32,
    high: f32,
    peaks: Vec<u8>,
}

impl Meter {
    /// Nothing heard yet of a sound at this rate.
    pub fn new(rate: u32) -> Result<Self, String> {
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        Ok(Self {
            meter: EbuR128::new(2, rate, mode).map_err(fault)?,
            rate: u64::from(rate),
            window: rate as usize / WINDOWS_PER_SECOND,
            heard: 0,
            in_window: 0,
            powers: Vec::new(),
            low: 0.0,
            high: 0.0,
            peaks: Vec::new(),
        })
    }

    /// Takes the next frames.
    pub fn push(&mut self, frames: &[Frame]) -> Result<(), String> {
        let mut rest = frames;
        while !rest.is_empty() {
            let now;
            (now, rest) = rest.split_at(rest.len().min(self.window - self.in_window));
            self.meter.add_frames_f32(now.as_flattened()).map_err(fault)?;
            self.in_window += now.len();
            if self.in_window == self.window {
                let level = self.meter.loudness_window(WINDOW_MS).map_err(fault)?;
                self.powers.push(power(level as f32));
                self.in_window = 0;
            }
        }
        self.draw(frames);
        Ok(())
    }

    fn draw(&mut self, mut frames: &[Frame]) {
        while !frames.is_empty() {
            let next = (self.peaks.len() as u64 / 2 + 1) * self.rate / u64::from(PEAKS_PER_SECOND);
            let left = next.saturating_sub(self.heard).max(1) as usize;
            let (now, rest) = frames.split_at(frames.len().min(left));
            for [left, right] in now {
                self.low = self.low.min(*left).min(*right);
                self.high = self.high.max(*left).max(*right);
            }
            self.heard += now.len() as u64;
            frames = rest;
            if now.len() == left {
                self.peak();
            }
        }
    }

    fn peak(&mut self) {
        let byte = |value: f32| (value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8;
        self.peaks.extend([byte(self.low), byte(self.high)]);
        (self.low, self.high) = (0.0, 0.0);
    }

    /// What was measured, and the waveform: `GRW1`, peaks a second (u32, little endian), then the
    /// lowest and the highest sample of each peak as signed bytes, 127 for full scale.
    pub fn finish(mut self) -> Result<(Levels, Vec<u8>), String> {
        if self.heard * u64::from(PEAKS_PER_SECOND) > self.peaks.len() as u64 / 2 * self.rate {
            self.peak();
        }
        if self.in_window > 0 {
            let ms = self.in_window as u32 * 1_000 / self.rate as u32;
            let level = self.meter.loudness_window(ms.max(1)).map_err(fault)?;
            self.powers.push(power(level as f32));
        }
        let finite = |value: Result<f64, ebur128::Error>| value.ok().filter(|v| v.is_finite());
        let loudness = finite(self.meter.loudness_global());
        let range = finite(self.meter.loudness_range()).filter(|_| loudness.is_some());
        let peak = (0..2).filter_map(|side| self.meter.true_peak(side).ok()).fold(0.0, f64::max);
        let true_peak = (peak > 0.0).then(|| 20.0 * peak.log10());
        let rate = PEAKS_PER_SECOND.to_le_bytes();
        let waveform = [&MAGIC[..], &rate, &self.peaks].concat();
        let settings = CueSettings::default();
        let marks = loudness.and_then(|level| find_cues(&self.powers, level as f32, &settings));
        let windows = self.powers.len();
        Ok((Levels { loudness, range, true_peak, marks, windows }, waveform))
    }
}

fn fault(error: ebur128::Error) -> String {
    format!("loudness meter: {error}")
}

#[cfg(test)]
mod tests;
