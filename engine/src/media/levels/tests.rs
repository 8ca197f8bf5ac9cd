//! EBU Tech 3341 and 3342: the cases that can be synthesised, by what the analysis reports.

use super::*;

/// Frames of one peak of a waveform.
const PEAK: usize = 2_400;
use std::f64::consts::PI;

const RATE: f64 = grimnir_mix::RATE as f64;

/// A sine of 1 kHz on both sides: (peak level in dBFS, seconds) one after the other, in phase.
fn steps(steps: &[(f64, f64)]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (level, seconds) in steps {
        let gain = 10_f64.powf(level / 20.0);
        for _ in 0..(seconds * RATE).round() as usize {
            let phase = 2.0 * PI * 1_000.0 * frames.len() as f64 / RATE;
            frames.push([(gain * phase.sin()) as f32; 2]);
        }
    }
    frames
}

fn levels(frames: &[Frame]) -> Levels {
    let mut meter = Meter::new(grimnir_mix::RATE).expect("a meter");
    for part in frames.chunks(9_600) {
        meter.push(part).expect("takes it");
    }
    meter.finish().expect("finishes").0
}

fn close(found: Option<f64>, expected: f64, above: f64, below: f64) -> bool {
    found.is_some_and(|found| found <= expected + above && found >= expected - below)
}

#[test]
fn integrated_loudness_is_that_of_tech_3341() {
    let cases: [(&[(f64, f64)], f64); 5] = [
        (&[(-23.0, 20.0)], -23.0),
        (&[(-33.0, 20.0)], -33.0),
        (&[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        (&[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        (&[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ];
    for (number, (case, expected)) in (1..).zip(cases) {
        let found = levels(&steps(case)).loudness;
        assert!(close(found, expected, 0.1, 0.1), "case {number}: {found:?}, expected {expected}");
    }
}

#[test]
fn loudness_range_is_that_of_tech_3342() {
    let cases: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for (number, (case, expected)) in (1..).zip(cases) {
        let case: Vec<_> = case.iter().map(|level| (*level, 20.0)).collect();
        let found = levels(&steps(&case)).range;
        assert!(close(found, expected, 1.0, 1.0), "case {number}: {found:?}, expected {expected}");
    }
}

#[test]
fn true_peak_is_that_of_tech_3341() {
    // (case, samples of a period, phase in degrees, amplitude, expected dBTP)
    let cases = [
        (15, 4.0, 0.0, 0.5, -6.0),
        (16, 4.0, 45.0, 0.5, -6.0),
        (17, 6.0, 60.0, 0.5, -6.0),
        (18, 8.0, 67.5, 0.5, -6.0),
        (19, 4.0, 45.0, 1.41, 3.0),
    ];
    for (number, period, phase, amplitude, expected) in cases {
        let length = RATE as usize;
        let ramp = RATE / 10.0;
        let sample = |n: usize| {
            // A hard onset overshoots by itself: the ends are ramped.
            let edge = (n.min(length - 1 - n) as f64 / ramp).min(1.0);
            let shape = 0.5 - 0.5 * (PI * edge).cos();
            let at = 2.0 * PI * n as f64 / period + f64::to_radians(phase);
            [(amplitude * shape * at.sin()) as f32; 2]
        };
        let frames: Vec<Frame> = (0..length).map(sample).collect();
        let found = levels(&frames).true_peak;
        assert!(close(found, expected, 0.2, 0.4), "case {number}: {found:?}, expected {expected}");
    }
}

#[test]
fn one_side_alone_is_measured_and_its_peak_is_seen() {
    let both = steps(&[(-20.0, 5.0)]);
    let one: Vec<Frame> = both.iter().map(|[_, right]| [0.0, *right]).collect();
    let (both, one) = (levels(&both), levels(&one));
    assert!(close(one.loudness, both.loudness.expect("loud") - 3.01, 0.1, 0.1), "{one:?}");
    assert!(close(one.true_peak, -20.0, 0.1, 0.1), "{one:?}");
}

#[test]
fn silence_has_no_level_and_what_is_short_has_no_range() {
    assert_eq!(levels(&steps(&[(-200.0, 2.0)])).loudness, None);
    let silent = levels(&vec![[0.0; 2]; 96_000]);
    assert_eq!(silent, Levels { windows: 200, ..Levels::default() });
    assert_eq!(levels(&[]), Levels::default());
    let short = levels(&steps(&[(-20.0, 0.2)]));
    assert_eq!((short.loudness, short.range), (None, None));
    assert!(short.true_peak.is_some());
}

#[test]
fn a_waveform_has_the_extremes_of_every_twentieth_of_a_second() {
    let mut meter = Meter::new(grimnir_mix::RATE).expect("a meter");
    let mut frames = vec![[0.0; 2]; PEAK * 2 + 10];
    (frames[5], frames[PEAK]) = ([0.5, -0.25], [0.0, 9.0]);
    frames[PEAK * 2 + 9] = [-1.0, 0.0];
    // However it comes in pieces.
    for part in frames.chunks(777) {
        meter.push(part).expect("takes it");
    }
    let (_, waveform) = meter.finish().expect("finishes");
    assert_eq!(waveform[..8], *b"GRW1\x14\0\0\0");
    let peaks: Vec<i8> = waveform[8..].iter().map(|byte| *byte as i8).collect();
    assert_eq!(peaks, [-32, 64, 0, 127, -127, 0]);
}
