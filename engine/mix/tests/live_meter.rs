//! The live meter on the signals of EBU Tech 3341, block by block, and beside another meter.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::f64::consts::TAU;

use grimnir_mix::meter::{MOST_SPANS, Measured, Meter, Reading};
use grimnir_mix::{BLOCK, Frame};
use support::{band_limited, db};

/// A sine of 1 kHz, in step over its parts: (peak level in dBFS or silence, seconds).
fn tone(parts: &[(Option<f64>, f64)]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (level, seconds) in parts {
        let factor = level.map_or(0.0, |level| 10f64.powf(level / 20.0));
        for _ in 0..(seconds * 48_000.0).round() as usize {
            let turns = frames.len() as f64 / 48.0;
            frames.push([(factor * (TAU * turns.fract()).sin()) as f32; 2]);
        }
    }
    frames
}

/// Feeds whole blocks of 10 ms, with silence to fill the last; every reading, and what was
/// measured over all of it.
fn feed(meter: &mut Meter, frames: &[Frame]) -> (Vec<Reading>, Measured) {
    assert!(meter.begin(1));
    let readings = frames
        .chunks(BLOCK)
        .map(|part| {
            let mut block = [[0.0; 2]; BLOCK];
            block[..part.len()].copy_from_slice(part);
            meter.take(&block)
        })
        .collect();
    (readings, meter.end(1).unwrap())
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 0.1, "{what}: {found:.3}, expected {expected}");
}

fn most(readings: &[Reading], of: impl Fn(&Reading) -> f64) -> f64 {
    readings.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn cases_1_to_5_integrated_loudness_and_gates() {
    for (case, level) in [(1, -23.0), (2, -33.0)] {
        let (readings, all) = feed(&mut Meter::new(), &tone(&[(Some(level), 20.0)]));
        let last = readings.last().unwrap();
        near(last.momentary, level, &format!("case {case}, momentary"));
        near(last.short_term, level, &format!("case {case}, short-term"));
        near(all.loudness.unwrap(), level, &format!("case {case}, integrated"));
    }
    let sides = [(Some(-36.0), 10.0), (Some(-23.0), 60.0), (Some(-36.0), 10.0)];
    let (_, all) = feed(&mut Meter::new(), &tone(&sides));
    near(all.loudness.unwrap(), -23.0, "case 3");
    let low = (Some(-72.0), 10.0);
    let five = [low, sides[0], sides[1], sides[2], low];
    let (_, all) = feed(&mut Meter::new(), &tone(&five));
    near(all.loudness.unwrap(), -23.0, "case 4");
    let three = [(Some(-26.0), 20.0), (Some(-20.0), 20.1), (Some(-26.0), 20.0)];
    let (_, all) = feed(&mut Meter::new(), &tone(&three));
    near(all.loudness.unwrap(), -23.0, "case 5");
}

#[test]
fn cases_9_and_12_a_steady_reading_of_what_alternates() {
    let slow = [(Some(-20.0), 1.34), (Some(-30.0), 1.66)].repeat(5);
    let (readings, _) = feed(&mut Meter::new(), &tone(&slow));
    for reading in &readings[300..] {
        near(reading.short_term, -23.0, "case 9");
    }
    let quick = [(Some(-20.0), 0.18), (Some(-30.0), 0.22)].repeat(25);
    let (readings, _) = feed(&mut Meter::new(), &tone(&quick));
    for reading in &readings[100..] {
        near(reading.momentary, -23.0, "case 12");
    }
}

#[test]
fn cases_10_and_13_a_burst_is_read_wherever_it_falls() {
    for i in 0..20 {
        let late = f64::from(i) * 0.15;
        let burst = [(None, late), (Some(-23.0), 3.0), (None, 1.0)];
        let (readings, _) = feed(&mut Meter::new(), &tone(&burst));
        near(most(&readings, |r| r.short_term), -23.0, &format!("case 10, file {}", i + 1));
        let late = f64::from(i) * 0.02;
        let burst = [(None, late), (Some(-23.0), 0.4), (None, 1.0)];
        let (readings, _) = feed(&mut Meter::new(), &tone(&burst));
        near(most(&readings, |r| r.momentary), -23.0, &format!("case 13, file {}", i + 1));
    }
}

#[test]
fn cases_11_and_14_live_the_meter_follows_twenty_bursts_in_turn() {
    let mut meter = Meter::new();
    for i in 0..20 {
        let (level, late) = (-38.0 + f64::from(i), f64::from(i) * 0.15);
        let segment = [(None, late), (Some(level), 3.0), (None, 3.0 - late)];
        let (readings, _) = feed(&mut meter, &tone(&segment));
        assert_eq!(readings.len(), 600);
        near(most(&readings, |r| r.short_term), level, &format!("case 11, segment {}", i + 1));
    }
    let mut meter = Meter::new();
    for i in 0..20 {
        let (level, late) = (-38.0 + f64::from(i), f64::from(i) * 0.02);
        let segment = [(None, late), (Some(level), 0.4), (None, 0.4 - late)];
        let (readings, _) = feed(&mut meter, &tone(&segment));
        assert_eq!(readings.len(), 80);
        near(most(&readings, |r| r.momentary), level, &format!("case 14, segment {}", i + 1));
    }
}

#[test]
fn cases_15_to_19_true_peak_between_the_samples() {
    for (case, per_turn, degrees, level, expected) in [
        (15, 4.0, 0.0, 0.5, -6.0),
        (16, 4.0, 45.0, 0.5, -6.0),
        (17, 6.0, 60.0, 0.5, -6.0),
        (18, 8.0, 67.5, 0.5, -6.0),
        (19, 4.0, 45.0, 1.41, 3.0),
    ] {
        // Ends that rise and fall over 0.1 s: a hard one overshoots by itself.
        let frames: Vec<Frame> = (0..48_000)
            .map(|n| {
                let edge = (n.min(47_999 - n) as f64 / 4_800.0).min(1.0);
                let edge = 0.5 - 0.5 * (0.5 * TAU * edge).cos();
                [(level * edge * (TAU * (n as f64 / per_turn + degrees / 360.0)).sin()) as f32; 2]
            })
            .collect();
        let (_, all) = feed(&mut Meter::new(), &frames);
        let found = db(f64::from(all.true_peak));
        assert!((-0.4..=0.2).contains(&(found - expected)), "case {case}: {found:.3} dBTP");
    }
}

#[test]
fn case_20_a_peak_between_the_samples_wherever_it_falls() {
    // Made at four times the rate: a windowed burst of a sixth of the rate whose top is 1.0.
    for offset in 0..4i32 {
        let frames: Vec<Frame> = (0..960)
            .map(|n| {
                let at = f64::from(4 * n + offset - 1_920);
                let window = 0.5 + 0.5 * (TAU * at / 3_840.0).cos();
                [(window * (TAU * at / 24.0).cos()) as f32; 2]
            })
            .collect();
        let (_, all) = feed(&mut Meter::new(), &[frames, vec![[0.0; 2]; 960]].concat());
        let found = db(f64::from(all.true_peak));
        assert!((-0.4..=0.2).contains(&found), "offset {offset}: {found:.3} dBTP");
    }
}

#[test]
fn another_meter_reads_the_same_on_what_no_sine_is() {
    let frames = band_limited(5, 48_000 * 12);
    let (readings, all) = feed(&mut Meter::new(), &frames);
    let mode = ebur128::Mode::I | ebur128::Mode::S | ebur128::Mode::M | ebur128::Mode::TRUE_PEAK;
    let mut other = ebur128::EbuR128::new(2, 48_000, mode).unwrap();
    for (part, reading) in frames.chunks(BLOCK).zip(&readings) {
        let flat: Vec<f32> = part.iter().flatten().copied().collect();
        other.add_frames_f32(&flat).unwrap();
        let momentary = other.loudness_momentary().unwrap();
        if momentary.is_finite() {
            assert!((reading.momentary - momentary).abs() < 0.02, "{reading:?}, {momentary}");
        }
    }
    let last = readings.last().unwrap();
    assert!((last.short_term - other.loudness_shortterm().unwrap()).abs() < 0.02);
    let integrated = other.loudness_global().unwrap();
    assert!((all.loudness.unwrap() - integrated).abs() < 0.05, "{all:?}, {integrated}");
    let peak = other.true_peak(0).unwrap().max(other.true_peak(1).unwrap());
    let (own, exact) =
        (db(f64::from(all.true_peak)), db(support::oversampled_peak(&frames[..48_000])));
    assert!((own - db(peak)).abs() < 0.3, "{own}, {}", db(peak));
    assert!(own >= exact - 0.1, "{own}, {exact}");
}

#[test]
fn items_that_overlap_are_measured_each_for_itself() {
    let mut meter = Meter::new();
    let frames = tone(&[(Some(-20.0), 10.0), (Some(-30.0), 10.0), (None, 5.0)]);
    let mut found = Vec::new();
    for (n, part) in frames.chunks_exact(BLOCK).enumerate() {
        match n {
            0 => assert!(meter.begin(1)),
            500 => assert!(meter.begin(2)),
            1_000 => found.push(meter.end(1).unwrap()),
            2_000 => {
                found.push(meter.end(2).unwrap());
                assert!(meter.begin(3));
            }
            _ => {}
        }
        meter.take(part.try_into().unwrap());
    }
    near(found[0].loudness.unwrap(), -20.0, "the first");
    // Five seconds at −20 and ten at −30, all above the relative gate: by their power.
    let mean = (5.0 * 10f64.powf(-2.0) + 10.0 * 10f64.powf(-3.0)) / 15.0;
    near(found[1].loudness.unwrap(), 10.0 * mean.log10(), "the second");
    near(db(f64::from(found[0].true_peak)), -20.0, "its peak");
    // The filters still ring from what was before; nothing of it is above the gate for long.
    let third = meter.end(3).unwrap();
    assert!(third.loudness.is_none_or(|lufs| lufs < -60.0) && meter.end(3).is_none());
    for id in 0..MOST_SPANS as u64 {
        assert!(meter.begin(id));
    }
    assert!(!meter.begin(99), "no more than there is room for");
}
