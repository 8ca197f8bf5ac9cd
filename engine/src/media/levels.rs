//! How loud a file is, by EBU R 128, and what it looks like.

use ebur128::{EbuR128, Mode};
use grimnir_mix::Frame;

/// Peaks a second in a waveform.
pub const PEAKS_PER_SECOND: u32 = 20;
/// Frames of one peak.
const PEAK_FRAMES: usize = (grimnir_mix::RATE / PEAKS_PER_SECOND) as usize;
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
}

/// Takes a file frame by frame.
pub struct Meter {
    meter: EbuR128,
    heard: usize,
    low: f32,
    high: f32,
    peaks: Vec<u8>,
}

impl Meter {
    /// Nothing heard yet.
    pub fn new() -> Result<Self, String> {
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
        let meter = EbuR128::new(2, grimnir_mix::RATE, mode).map_err(fault)?;
        Ok(Self { meter, heard: 0, low: 0.0, high: 0.0, peaks: Vec::new() })
    }

    /// Takes the next frames.
    pub fn push(&mut self, frames: &[Frame]) -> Result<(), String> {
        self.meter.add_frames_f32(frames.as_flattened()).map_err(fault)?;
        for [left, right] in frames {
            self.low = self.low.min(*left).min(*right);
            self.high = self.high.max(*left).max(*right);
            self.heard += 1;
            if self.heard == PEAK_FRAMES {
                self.peak();
            }
        }
        Ok(())
    }

    fn peak(&mut self) {
        let byte = |value: f32| (value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8;
        self.peaks.extend([byte(self.low), byte(self.high)]);
        (self.heard, self.low, self.high) = (0, 0.0, 0.0);
    }

    /// What was measured, and the waveform: `GRW1`, peaks a second (u32, little endian), then the
    /// lowest and the highest sample of each peak as signed bytes, 127 for full scale.
    pub fn finish(mut self) -> (Levels, Vec<u8>) {
        if self.heard > 0 {
            self.peak();
        }
        let finite = |value: Result<f64, ebur128::Error>| value.ok().filter(|v| v.is_finite());
        let loudness = finite(self.meter.loudness_global());
        let range = finite(self.meter.loudness_range()).filter(|_| loudness.is_some());
        let peak = (0..2).filter_map(|side| self.meter.true_peak(side).ok()).fold(0.0, f64::max);
        let true_peak = (peak > 0.0).then(|| 20.0 * peak.log10());
        let rate = PEAKS_PER_SECOND.to_le_bytes();
        let waveform = [&MAGIC[..], &rate, &self.peaks].concat();
        (Levels { loudness, range, true_peak }, waveform)
    }
}

fn fault(error: ebur128::Error) -> String {
    format!("loudness meter: {error}")
}

#[cfg(test)]
mod tests;
