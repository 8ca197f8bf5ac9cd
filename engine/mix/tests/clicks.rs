//! What people do on air leaves no click: the second difference of what is heard stays that of the
//! waves and of the fades' own corners.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use grimnir_mix::live::live;
use grimnir_mix::{
    AirFrame, BLOCK, Command, FadeCurve, Frame, Limiter, Mixer, RATE, sum_with_ceiling,
};
use std::f64::consts::{PI, TAU};
use support::{Script, band_limited, fade_out, oversampled_peak, render, start};

const LEVEL: f64 = 0.25;
/// 10 ms, as the engine cuts.
const CUT: i64 = 480;
/// Two waves of 200 Hz at −12 dBFS, and the corner of a straight way to nothing over 5 ms.
const BOUND: f64 =
    1.1 * (2.0 * LEVEL * (TAU * 200.0 / RATE as f64) * (TAU * 200.0 / RATE as f64) + LEVEL / 240.0);

fn wave(n: usize) -> f32 {
    (LEVEL * (TAU * 200.0 * n as f64 / f64::from(RATE)).sin()) as f32
}

/// An item that rises from nothing by itself, as items do.
fn item(frames: usize) -> Script {
    let frame = |n: usize| {
        let edge = n.min(frames - 1 - n).min(480) as f64 / 480.0;
        [wave(n) * (0.5 - 0.5 * (PI * edge).cos()) as f32; 2]
    };
    Script::new((0..frames).map(frame).collect())
}

fn assert_no_click(what: &str, frames: &[Frame]) {
    let bend = |w: &[Frame]| f64::from(w[2][0] - 2.0 * w[1][0] + w[0][0]).abs();
    let bends = frames.windows(3).map(bend).enumerate();
    let (place, most) = bends.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!(most < BOUND, "{what}: {most} at frame {place}, allowed {BOUND}");
    assert!(frames.iter().any(|frame| frame[0].abs() > 0.2), "{what}: it is heard");
}

#[test]
fn the_bound_would_show_a_click_of_forty_decibels_below_full_scale() {
    const { assert!(BOUND < 0.01) }
}

#[test]
fn a_skip_does_not_click_wherever_it_falls() {
    for at in (20_000..20_480).step_by(37) {
        let mut mixer = Mixer::new(AirFrame(0));
        mixer.command(Command::Start(start(1, 0, item(96_000)))).unwrap();
        mixer.command(fade_out(1, at, CUT, FadeCurve::Linear)).unwrap();
        mixer.command(Command::Start(start(2, at, item(48_000)))).unwrap();
        assert_no_click("skip", &render(&mut mixer, 200).0);
    }
}

#[test]
fn a_live_source_takes_the_air_and_ends_without_a_click() {
    for at in (20_000..20_480).step_by(37) {
        let mut mixer = Mixer::new(AirFrame(0));
        let (mut feed, tap) = live(24_000);
        let sound: Vec<Frame> = (100..24_100).map(|n| [wave(n); 2]).collect();
        assert_eq!(feed.push(&sound), 24_000);
        mixer.command(Command::Start(start(1, 0, item(96_000)))).unwrap();
        mixer.command(fade_out(1, at, CUT, FadeCurve::Linear)).unwrap();
        mixer.command(Command::Start(start(2, at, tap.source()))).unwrap();
        feed.end();
        // Automation goes on under the last 5 ms of what was held.
        let end = at + 24_000 - 240;
        mixer.command(fade_out(2, end, CUT, FadeCurve::Linear)).unwrap();
        mixer.command(Command::Start(start(3, end, item(48_000)))).unwrap();
        assert_no_click("live", &render(&mut mixer, 180).0);
        // Released while more comes.
        let mut mixer = Mixer::new(AirFrame(0));
        let (mut feed, tap) = live(24_000);
        feed.push(&sound);
        mixer.command(Command::Start(start(2, 0, tap.source()))).unwrap();
        let end = at - 10_000;
        mixer.command(fade_out(2, end, CUT, FadeCurve::Linear)).unwrap();
        mixer.command(Command::Start(start(3, end, item(48_000)))).unwrap();
        assert_no_click("release", &render(&mut mixer, 100).0);
    }
}

/// Programme through its limiter, an emergency summed in behind it, as the bus does.
fn with_emergency(programme: Script, emergency: Script, at: i64, blocks: usize) -> Vec<Frame> {
    let (mut mixer, mut urgent) = (Mixer::new(AirFrame(0)), Mixer::new(AirFrame(0)));
    mixer.command(Command::Start(start(1, 0, programme))).unwrap();
    mixer.command(fade_out(1, at, CUT, FadeCurve::Linear)).unwrap();
    urgent.command(Command::Start(start(2, at, emergency))).unwrap();
    let mut frames = render(&mut mixer, blocks).0;
    let mut over = render(&mut urgent, blocks).0;
    let mut limiter = Limiter::new();
    for (block, over) in frames.chunks_mut(BLOCK).zip(over.chunks_mut(BLOCK)) {
        limiter.process(block);
        sum_with_ceiling(block, over, limiter.ceiling());
    }
    frames
}

/// From frame `from` on these are what was given from its start on.
fn assert_heard(what: &str, frames: &[Frame], from: usize, given: &[Frame], off: f32) {
    let apart = |(heard, given): (&Frame, &Frame)| {
        (heard[0] - given[0]).abs().max((heard[1] - given[1]).abs())
    };
    let most = frames[from..].iter().zip(given).map(apart).fold(0f32, f32::max);
    assert!(most <= off, "{what}: {most} off");
}

#[test]
fn an_emergency_does_not_click_and_both_are_what_they_were_before_and_behind() {
    let (late, cut) = (Limiter::new().latency_frames() as usize, CUT as usize);
    let (programme, emergency) = (item(96_000).frames, item(48_000).frames);
    for at in (20_000..20_480).step_by(37) {
        let frames = with_emergency(item(96_000), item(48_000), at, 150);
        assert_no_click("emergency", &frames);
        let (at, behind) = (at as usize, cut + late);
        assert_heard("programme", &frames[..at], late, &programme, 1e-6);
        assert_heard("emergency", &frames, at + behind, &emergency[behind..], 1e-6);
    }
}

#[test]
fn an_emergency_alone_keeps_the_true_peak_that_its_gain_gave_it() {
    // Both as loud as an item's gain may make them: −1 dBTP.
    let levelled = |seed: u32| {
        let frames = band_limited(seed, 96_000);
        let gain = 10f64.powf(-1.0 / 20.0) / oversampled_peak(&frames);
        let level = |frame: &Frame| frame.map(|sample| (f64::from(sample) * gain) as f32);
        Script::new(frames.iter().map(level).collect())
    };
    let at = 20_123;
    let frames = with_emergency(levelled(3), levelled(4), at, 200);
    // Samples above the ceiling are held at it: a few hundredths, and nothing else of it.
    let (from, emergency) = (at as usize + 1_440, levelled(4).frames);
    assert_heard("emergency", &frames, from, &emergency[1_440..], 0.03);
    let peak = |frames: &[Frame]| 20.0 * oversampled_peak(frames).log10();
    let crossing = peak(&frames[at as usize - 480..at as usize + 1_440]);
    let alone = peak(&frames[at as usize + 1_440..]);
    assert!(alone <= -0.9, "alone: {alone} dBTP");
    // For the 10 ms in which the programme gives way, only samples are held.
    assert!(crossing <= 1.0, "while both are heard: {crossing} dBTP");
}
