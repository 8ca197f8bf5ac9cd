//! The limiter: a pure delay below its ceiling, never above it, and no distortion of steady sound.

use grimnir_mix::tone::Tone;
use grimnir_mix::{Frame, Limiter, RATE, sum_with_ceiling};

fn limited(frames: &[Frame], piece: usize) -> Vec<Frame> {
    let mut limiter = Limiter::new();
    let mut out = frames.to_vec();
    out.chunks_mut(piece).for_each(|part| limiter.process(part));
    out
}

fn noise(frames: usize, scale: f32) -> Vec<Frame> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..frames).map(|_| [next() * scale, next() * scale]).collect()
}

#[test]
fn sound_below_the_ceiling_leaves_with_the_same_bits() {
    let limiter = Limiter::new();
    let delay = limiter.latency_frames() as usize;
    assert!(delay <= 240);
    // Between the samples of noise it is louder than on them.
    let frames = noise(20_000, limiter.ceiling() * 0.4);
    let out = limited(&frames, 480);
    assert!(out[..delay].iter().all(|frame| *frame == [0.0; 2]));
    assert!(out[delay..] == frames[..20_000 - delay]);
}

#[test]
fn nothing_leaves_above_the_ceiling() {
    let ceiling = Limiter::new().ceiling();
    assert!((20.0 * ceiling.log10() + 1.2).abs() < 1e-4);
    let mut frames = noise(30_000, 0.2);
    for (n, frame) in noise(30_000, 8.0).into_iter().enumerate() {
        if n % 1_009 < 3 || (10_000..12_000).contains(&n) {
            frames[n] = frame;
        }
    }
    frames[29_000] = [f32::MAX, 0.0];
    for piece in [1, 7, 480] {
        let out = limited(&frames, piece);
        let peak = out.iter().flatten().fold(0.0_f32, |most, s| most.max(s.abs()));
        assert!(peak <= ceiling, "{peak} over {ceiling}");
        assert!(out.iter().flatten().all(|sample| sample.is_finite()));
        assert!(out == limited(&frames, 480), "pieces do not matter");
    }
}

#[test]
fn steady_sine_is_not_distorted() {
    for over_db in [0.5, 3.0, 12.0] {
        let out = limited(&Tone::new(1_000.0, -1.2 + over_db).frames(RATE, 96_000), 480);
        let last: Vec<f64> = out[48_000..].iter().map(|frame| f64::from(frame[0])).collect();
        // The best sine of 1 kHz taken out, what is left is harmonics and noise.
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (n, sample) in last.iter().enumerate() {
            let phase = std::f64::consts::TAU * n as f64 / 48.0;
            sine += sample * phase.sin() / 24_000.0;
            cosine += sample * phase.cos() / 24_000.0;
        }
        let rest: f64 = last
            .iter()
            .enumerate()
            .map(|(n, sample)| {
                let phase = std::f64::consts::TAU * n as f64 / 48.0;
                (sample - sine * phase.sin() - cosine * phase.cos()).powi(2)
            })
            .sum();
        let level = sine.hypot(cosine);
        let thd = (rest / 48_000.0).sqrt() / (level / std::f64::consts::SQRT_2);
        assert!(thd < 1e-3, "{over_db} dB over: {:.4} %", thd * 100.0);
        assert!((20.0 * level.log10() + 1.2).abs() < 0.05, "held at the ceiling: {level}");
    }
}

#[test]
fn gain_falls_before_a_peak_without_a_step_and_comes_back() {
    let mut frames = vec![[0.5_f32; 2]; 96_000];
    frames[10_000] = [2.0; 2];
    let out = limited(&frames, 480);
    let step = out[1_000..10_200].windows(2).map(|w| (w[1][0] - w[0][0]).abs()).fold(0.0, f32::max);
    assert!(step < 0.5 / 200.0, "step {step}");
    assert_eq!(out[95_999], [0.5; 2], "back to the same bits");
}

#[test]
fn peak_keeps_its_shape_and_is_not_cut_off() {
    let mut frames = vec![[0.5_f32; 2]; 20_000];
    frames[10_000] = [2.0; 2];
    frames[10_001] = [1.8; 2];
    let out = limited(&frames, 480);
    let ceiling = Limiter::new().ceiling();
    let (top, next) = (out[10_240][0], out[10_241][0]);
    // The true peak lies between the two, a little above both.
    assert!(top < ceiling && top > ceiling * 0.8, "{top} for {ceiling}");
    assert!((next / top - 0.9).abs() < 1e-5, "{next} after {top}");
}

#[test]
fn emergency_sums_in_behind_under_the_same_ceiling() {
    let mut bus = vec![[0.5, -0.5], [0.1, 0.2]];
    sum_with_ceiling(&mut bus, &[[0.6, -0.6], [0.1, 0.1]], 0.9);
    assert_eq!(bus, [[0.9, -0.9], [0.2, 0.3]]);
}
