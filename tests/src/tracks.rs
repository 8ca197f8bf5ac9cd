//! Audio in which every track has its own tone.

use grimnir_mix::tone::{self, Tone};
use std::path::{Path, PathBuf};

/// Tone of track `index`: 150 Hz apart, clear of the attention signals of alerting systems.
pub fn hz(index: usize) -> f64 {
    400.0 + 150.0 * index as f64
}

/// Level of every tone in dBFS (peak).
pub const LEVEL_DB: f64 = -12.0;

/// Writes track `index` with its tone, `seconds` long.
pub fn write(folder: &Path, index: usize, seconds: f64, rate: u32) -> PathBuf {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let path = folder.join(format!("track {index:02}.wav"));
    let frames = (seconds * f64::from(rate)).round() as usize;
    let audio = Tone::new(hz(index), LEVEL_DB).frames(rate, frames);
    tone::write_wav(&path, rate, &audio).expect("the track can be written");
    path
}

/// Which of `count` tracks are heard in a stretch of audio: those at least `floor_db`.
pub fn heard(frames: &[grimnir_mix::Frame], count: usize, floor_db: f32) -> Vec<usize> {
    (0..count).filter(|index| tone::tone_level(frames, hz(*index)) > floor_db).collect()
}
