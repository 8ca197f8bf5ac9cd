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
    write_at(folder, index, LEVEL_DB, seconds, rate)
}

/// The same at a level in dBFS (peak).
pub fn write_at(folder: &Path, index: usize, level_db: f64, seconds: f64, rate: u32) -> PathBuf {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let path = folder.join(format!("track {index:02}.wav"));
    let frames = (seconds * f64::from(rate)).round() as usize;
    let audio = Tone::new(hz(index), level_db).frames(rate, frames);
    tone::write_wav(&path, rate, &audio).expect("the track can be written");
    path
}

/// Writes a track that costs an encoder what music does: a chord under pink noise.
pub fn write_music(folder: &Path, index: usize, seconds: f64, rate: u32) -> PathBuf {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let path = folder.join(format!("music {index:02}.wav"));
    let frames = (seconds * f64::from(rate)).round() as usize;
    let mut state = 0x9E37_79B9u32.wrapping_mul(index as u32 + 1);
    let mut white = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut pink = [[0.0f32; 3]; 2];
    let audio: Vec<grimnir_mix::Frame> = (0..frames)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            let chord: f64 = [1.0, 1.25, 1.5]
                .iter()
                .map(|ratio| (std::f64::consts::TAU * hz(index) * ratio * t).sin())
                .sum();
            // Three poles, each a decade below the one before, make -3 dB an octave.
            std::array::from_fn(|side| {
                let w = white();
                let p = &mut pink[side];
                p[0] = 0.997 * p[0] + 0.03 * w;
                p[1] = 0.963 * p[1] + 0.09 * w;
                p[2] = 0.57 * p[2] + 0.32 * w;
                0.08 * chord as f32 + 0.12 * (p[0] + p[1] + p[2] + 0.18 * w)
            })
        })
        .collect();
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

/// Position in a sweep, in seconds, of the first of these frames; `None` where they are not a
/// stretch of one. Half a second or more tells it to less than a millisecond.
///
/// The phase is a square of time whose curvature is known: what is left without it is a line
/// through the rising zero crossings, and its slope is the pitch at the first frame.
pub fn sweep_position(frames: &[grimnir_mix::Frame]) -> Option<f64> {
    let rising = |pair: &[grimnir_mix::Frame]| pair[0][0] < 0.0 && pair[1][0] >= 0.0;
    let crossings: Vec<f64> = frames
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| rising(pair))
        .map(|(n, pair)| {
            let (below, above) = (f64::from(pair[0][0]), f64::from(pair[1][0]));
            (n as f64 + below / (below - above)) / 48_000.0
        })
        .collect();
    let points: Vec<(f64, f64)> = crossings
        .iter()
        .enumerate()
        .map(|(cycle, t)| (*t, cycle as f64 - SWEEP_HZ_PER_S * t * t / 2.0))
        .collect();
    let (hz, worst) = line(&points)?;
    // A twentieth of a cycle: noise of a codec is far below it, a cut or another sound far above.
    (worst < 0.05).then_some((hz - SWEEP_FROM_HZ) / SWEEP_HZ_PER_S)
}

/// Slope of the line through these points and the largest distance from it.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = points.len() as f64;
    if points.len() < 100 {
        return None;
    }
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let covariance: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let slope = covariance / variance;
    let off = |p: &(f64, f64)| (p.1 - mean_y - slope * (p.0 - mean_x)).abs();
    Some((slope, points.iter().map(off).fold(0.0, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_tells_where_one_is_and_a_cut_in_it_is_no_sweep() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = write_sweep(folder.path(), "sweep.wav", 20.0);
        let all = crate::ear::decode(&std::fs::read(file).expect("it is there"));
        for at in [0.0, 3.21, 15.5] {
            let first = (at * 48_000.0) as usize;
            let told = sweep_position(&all[first..first + 24_000]).expect("a sweep");
            assert!((told - at).abs() < 0.001, "{told} at {at}");
        }
        let cut = [&all[48_000..60_000], &all[90_000..102_000]].concat();
        assert_eq!(sweep_position(&cut), None);
        assert_eq!(sweep_position(&vec![[0.0; 2]; 48_000]), None);
    }
}
