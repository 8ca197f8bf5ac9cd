//! The resampler: place, length, purity, and that no frame depends on where decoding began.

mod support;

use grimnir_mix::resample::{MAX_RATE, MIN_RATE, Resampler, frames_at_48k};
use grimnir_mix::tone::{Tone, tone_level};
use grimnir_mix::{Frame, RATE};
use support::{coded, db};

/// Common rates, extremes, and rates that share hardly a factor with 48 kHz.
const RATES: [u32; 12] = [
    8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 44_099, 47_999, 48_001, 88_200, 96_000, 192_000,
];

fn resample(rate: u32, input: &[Frame], from: i64, chunk: usize) -> Vec<Frame> {
    let mut resampler = Resampler::new(rate).expect("in range");
    let first = resampler.seek(from) as usize;
    let (mut out, mut part) = (Vec::new(), vec![[0.0; 2]; 500]);
    for piece in input[first.min(input.len())..].chunks(chunk) {
        resampler.push(piece);
        loop {
            let frames = resampler.pull(&mut part);
            out.extend_from_slice(&part[..frames]);
            if frames == 0 {
                break;
            }
        }
    }
    resampler.finish();
    loop {
        let frames = resampler.pull(&mut part);
        out.extend_from_slice(&part[..frames]);
        if frames == 0 {
            return out;
        }
    }
}

#[test]
fn length_is_every_instant_before_the_end_of_the_input() {
    for rate in RATES {
        for frames in [0, 1, 2, 147, 1_000, 4_411] {
            let expected = (frames as u64 * 48_000).div_ceil(u64::from(rate)) as usize;
            let out = resample(rate, &coded(1, frames), 0, 313);
            assert_eq!(out.len(), expected, "{frames} frames at {rate} Hz");
            assert_eq!(frames_at_48k(frames as i64, rate), expected as i64);
        }
    }
    assert_eq!(frames_at_48k(44_100 * 3_600, 44_100), 48_000 * 3_600);
}

#[test]
fn impulse_lands_on_the_frame_of_its_instant() {
    for rate in RATES {
        for place in [0_usize, 1, 50, 441, 1_000, 1_771] {
            let mut input = vec![[0.0; 2]; 2_000];
            input[place] = [1.0, -1.0];
            let out = resample(rate, &input, 0, 1_000);
            let peak = (0..out.len())
                .max_by(|a, b| out[*a][0].abs().total_cmp(&out[*b][0].abs()))
                .expect("not empty");
            let instant = place as f64 * 48_000.0 / f64::from(rate);
            assert!(
                (peak as f64 - instant).abs() <= 0.5,
                "{rate} Hz: frame {place} (48 kHz instant {instant}) landed at {peak}"
            );
            assert!(out.iter().all(|frame| frame[0] == -frame[1]));
        }
    }
}

#[test]
fn start_at_any_frame_gives_the_bits_of_a_start_at_zero() {
    for rate in RATES {
        let input = coded(9, 12_000);
        let whole = resample(rate, &input, 0, 4_096);
        for from in [0, 1, 79, 160, 2_000, whole.len() / 2 + 13, whole.len() - 1] {
            let part = resample(rate, &input, from as i64, 1_152);
            assert!(part == whole[from..], "{rate} Hz from {from}");
        }
        assert!(resample(rate, &input, 0, 17) == whole, "{rate} Hz in other pieces");
    }
}

#[test]
fn sine_stays_the_same_sine() {
    // 20 Hz to 20 kHz, as far as the rate carries it.
    for rate in RATES {
        let limit = 0.907 * f64::from(rate.min(RATE)) / 2.0;
        for hz in [20.0, 997.0, 3_500.0, 10_000.0, 19_990.0].into_iter().filter(|hz| *hz <= limit) {
            let tone = Tone::new(hz, -6.0);
            let out = resample(rate, &tone.frames(rate, rate as usize / 2), 0, 5_000);
            let inner = 2_000..out.len() - 2_000;
            let worst = inner
                .map(|n| (f64::from(out[n][0]) - tone.sample(RATE, n as i64)).abs())
                .fold(0.0, f64::max);
            assert!(db(worst) < -100.0, "{hz} Hz at {rate} Hz: off by {:.1} dBFS", db(worst));
        }
    }
}

#[test]
fn what_the_lower_rate_cannot_carry_does_not_come_through() {
    // Downwards: no alias of a tone above 24 kHz anywhere it could fold to.
    for (rate, hz) in
        [(96_000, 24_100.0), (96_000, 30_000.0), (192_000, 25_000.0), (88_200, 40_000.0)]
    {
        let out = resample(rate, &Tone::new(hz, 0.0).frames(rate, rate as usize / 2), 0, 5_000);
        let worst = out[2_000..out.len() - 2_000].iter().map(|f| f[0].abs()).fold(0.0, f32::max);
        assert!(db(f64::from(worst)) < -100.0, "{hz} Hz: {:.1} dBFS", db(f64::from(worst)));
    }
    // Upwards: no image of a tone above the input's band.
    for (rate, hz) in [(8_000, 3_600.0), (16_000, 7_200.0), (22_050, 10_000.0), (44_099, 20_200.0)]
    {
        let out = resample(rate, &Tone::new(hz, 0.0).frames(rate, rate as usize), 0, 5_000);
        let image = f64::from(rate) - hz;
        let level = tone_level(&out[4_000..44_000], image);
        assert!(level < -100.0, "image of {hz} Hz at {image} Hz: {level:.1} dBFS");
    }
}

#[test]
fn constant_stays_constant() {
    for rate in RATES {
        let out = resample(rate, &vec![[0.5; 2]; 6_000], 0, 1_000);
        for frame in &out[1_500.min(out.len() / 3)..out.len() - 1_500.min(out.len() / 3)] {
            assert!((frame[0] - 0.5).abs() < 1e-6, "{rate} Hz: {}", frame[0]);
        }
    }
}

#[test]
fn rates_out_of_range_are_refused() {
    assert!(Resampler::new(MIN_RATE - 1).is_none());
    assert!(Resampler::new(MAX_RATE + 1).is_none());
    assert!(Resampler::new(0).is_none());
    assert!(Resampler::new(MAX_RATE).is_some());
}
