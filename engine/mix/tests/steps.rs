//! Step responses: each gain that moves over time is 63 % of its way there after the time that was
//! asked for; and loudness normalisation by its own settings.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use grimnir_mix::dsp::gate::{Gate, GateSettings};
use grimnir_mix::dsp::leveller::{Leveller, LevellerSettings};
use grimnir_mix::dsp::{Chain, NodeSpec};
use grimnir_mix::{BLOCK, Frame, Limiter, RATE};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use support::band_limited;

const SECOND: usize = RATE as usize;
/// Share of the way that is gone after the time constant.
const GONE: f64 = 0.632;

fn sine(level_db: f64, frames: usize) -> Vec<Frame> {
    let top = 10f64.powf(level_db / 20.0);
    let at = |n: usize| (top * (TAU * 1_000.0 * n as f64 / f64::from(RATE)).sin()) as f32;
    (0..frames).map(|n| [at(n); 2]).collect()
}

fn flat(level: f32, frames: usize) -> Vec<Frame> {
    vec![[level; 2]; frames]
}

#[test]
fn the_limiter_comes_back_in_its_release_time() {
    for release_ms in [20.0, 100.0, 400.0] {
        let mut limiter = Limiter::new();
        limiter.set(-6.0, release_ms);
        let late = limiter.latency_frames() as usize;
        // 6 dB above the ceiling, then far below it; between them no faster than a wave may be.
        let (loud, way, quiet) = (SECOND / 2, 96, SECOND * 3);
        let level = |n: usize| {
            let gone = n.saturating_sub(loud).min(way) as f64 / way as f64;
            (0.1 + 0.9 * (0.5 + 0.5 * (gone * TAU / 2.0).cos())) as f32
        };
        let came: Vec<Frame> = (0..loud + way + quiet).map(|n| [level(n); 2]).collect();
        let mut frames = came.clone();
        frames.chunks_mut(BLOCK).for_each(|block| limiter.process(block));
        let heard = frames[loud + late..].iter().zip(&came[loud..]);
        let gains: Vec<f64> =
            heard.map(|(out, own)| f64::from(out[0]) / f64::from(own[0])).collect();
        // What stands still is read a little high by the estimate between samples.
        let low = gains[0];
        assert!((0.46..0.51).contains(&low), "{low}");
        // The peak is held for 10 ms, then the way back begins.
        let begins = gains.iter().position(|gain| *gain > low + 0.005).unwrap();
        assert!(begins < 480 + 240 + 480, "held for {begins} frames");
        let there = low + GONE * (1.0 - low);
        let after = gains.iter().position(|gain| *gain >= there).unwrap() - begins;
        let ms = after as f64 / 48.0;
        // The mean over the look-ahead makes it late by half of that.
        assert!((ms - release_ms).abs() < 0.1 * release_ms + 5.0, "{ms} for {release_ms} ms");
        assert!((gains[gains.len() - 1] - 1.0).abs() < 1e-3);
    }
}

#[test]
fn a_leveller_moves_in_its_attack_and_release_times() {
    let settings = LevellerSettings {
        target_lufs: -20.0,
        max_gain_db: 12.0,
        max_cut_db: 12.0,
        gate_lufs: -60.0,
        window_ms: 50.0,
        attack_ms: 500.0,
        release_ms: 2_000.0,
    };
    // A sine of 1 kHz on both sides is as many LUFS as its peak has dBFS.
    let mut leveller = Leveller::new(settings);
    let mut settled = sine(-20.0, SECOND);
    leveller.process(&mut settled);
    assert!(leveller.gain_db().abs() < 0.1, "{}", leveller.gain_db());
    for (level, way, ms) in [(-10.0, -10.0, 500.0), (-26.0, 16.0, 2_000.0)] {
        let before = leveller.gain_db();
        // What the window still holds of before delays by about half of it.
        let mut frames = sine(level, ((ms + 25.0) * 48.0) as usize);
        leveller.process(&mut frames);
        let gone = (leveller.gain_db() - before) / way;
        assert!((gone - GONE).abs() < 0.04, "{gone} of the way after {ms} ms");
        let mut rest = sine(level, 10 * SECOND);
        leveller.process(&mut rest);
        assert!((leveller.gain_db() - before - way).abs() < 0.2);
    }
}

#[test]
fn a_gate_opens_and_closes_in_its_times() {
    let settings = GateSettings {
        threshold_db: -30.0,
        range_db: -40.0,
        attack_ms: 20.0,
        hold_ms: 100.0,
        release_ms: 300.0,
    };
    let mut gate = Gate::new(settings);
    let gains = |gate: &mut Gate, level: f32, frames: usize| -> Vec<f64> {
        let mut sound = flat(level, frames);
        gate.process(&mut sound);
        sound.iter().map(|frame| f64::from(frame[0]) / f64::from(level)).collect()
    };
    let closed = 10f64.powf(-40.0 / 20.0);
    let before = gains(&mut gate, 0.001, 4_800);
    assert!((before[4_799] - closed).abs() < 1e-4);
    let opening = gains(&mut gate, 0.5, SECOND);
    let at = 20 * 48 - 1;
    let gone = (opening[at] - closed) / (1.0 - closed);
    assert!((gone - GONE).abs() < 0.01, "{gone} of the way open after 20 ms");
    let closing = gains(&mut gate, 0.001, 3 * SECOND);
    // The peak is held for 10 ms, then the gate for its own time.
    let begins = closing.iter().position(|gain| *gain < 0.999).unwrap();
    assert!((begins as i64 - 110 * 48).abs() < 20 * 48, "held for {} ms", begins / 48);
    let gone = (1.0 - closing[begins + 300 * 48]) / (1.0 - closed);
    assert!((gone - GONE).abs() < 0.01, "{gone} of the way closed after 300 ms");
}

fn measured_lufs(frames: &[Frame]) -> f64 {
    let mut meter = ebur128::EbuR128::new(2, RATE, ebur128::Mode::I).unwrap();
    let flat: Vec<f32> = frames.iter().flatten().copied().collect();
    meter.add_frames_f32(&flat).unwrap();
    meter.loudness_global().unwrap()
}

#[test]
fn loudness_is_normalised_by_its_own_settings() {
    let noise = band_limited(5, 30 * SECOND);
    let own = measured_lufs(&noise);
    for (target, level) in [(None, -24.0), (Some("-23"), -14.0)] {
        let wanted = if target.is_some() { -23.0 } else { -16.0 };
        let params: BTreeMap<String, String> =
            target.iter().map(|text| ("target_lufs".to_owned(), (*text).to_owned())).collect();
        let mut chain = Chain::of(&[NodeSpec::parse("LOUDNESS_NORMALIZE", &params).unwrap()]);
        let gain = 10f64.powf((level - own) / 20.0) as f32;
        let mut frames: Vec<Frame> = noise.iter().map(|f| f.map(|s| s * gain)).collect();
        frames.chunks_mut(BLOCK).for_each(|block| chain.process(block));
        let reached = measured_lufs(&frames[22 * SECOND..]);
        assert!((reached - wanted).abs() < 0.5, "{level}: {reached} for {wanted} LUFS");
    }
}
