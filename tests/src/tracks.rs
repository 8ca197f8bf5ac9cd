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

/// Lowest frequency of a sweep.
const SWEEP_FROM_HZ: f64 = 400.0;
/// How fast a sweep rises: its pitch tells the position.
const SWEEP_HZ_PER_S: f64 = 50.0;

/// Writes a track whose pitch tells how far into it one is.
pub fn write_sweep(folder: &Path, name: &str, seconds: f64) -> PathBuf {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let path = folder.join(name);
    let frames = (seconds * 48_000.0).round() as usize;
    let audio: Vec<grimnir_mix::Frame> = (0..frames)
        .map(|n| {
            let t = n as f64 / 48_000.0;
            let phase = SWEEP_FROM_HZ * t + SWEEP_HZ_PER_S * t * t / 2.0;
            let sample = 0.25 * (std::f64::consts::TAU * phase).sin();
            [sample as f32; 2]
        })
        .collect();
    tone::write_wav(&path, 48_000, &audio).expect("the track can be written");
    path
}

/// Position in a sweep, in seconds, from 100 ms of it; `None` in silence.
pub fn sweep_position(frames: &[grimnir_mix::Frame]) -> Option<f64> {
    let crossings = frames.windows(2).filter(|pair| pair[0][0] < 0.0 && pair[1][0] >= 0.0).count();
    let peak = frames.iter().fold(0.0f32, |peak, frame| peak.max(frame[0].abs()));
    let hz = crossings as f64 * 48_000.0 / frames.len() as f64;
    (peak > 0.02).then_some((hz - SWEEP_FROM_HZ) / SWEEP_HZ_PER_S)
}
