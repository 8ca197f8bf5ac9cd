//! What shapes the programme, judged by other means than its own: an analytical wave, the curve
//! that was asked for, the loudness of the `ebur128` crate, a meter at sixteen times the samples.

mod support;

use grimnir_events::library::ItemKind;
use grimnir_mix::dsp::compressor::{Compressor, CompressorSettings};
use grimnir_mix::dsp::duck::{Duck, DuckSettings};
use grimnir_mix::dsp::equalizer::{Band, BandKind, Equalizer};
use grimnir_mix::dsp::gate::{Gate, GateSettings};
use grimnir_mix::dsp::leveller::{Leveller, LevellerSettings};
use grimnir_mix::dsp::plan::{Asked, Plan};
use grimnir_mix::dsp::silence::{SilenceSense, SilenceSettings, SilenceWord};
use grimnir_mix::dsp::width::Width;
use grimnir_mix::dsp::{Chain, NodeSpec, Preset, SwappingChain};
use grimnir_mix::{BLOCK, Frame, Limiter, RATE};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use support::{band_limited, oversampled_peak};

const SECOND: usize = RATE as usize;

fn sine(hertz: f64, level_db: f64, frames: usize) -> Vec<Frame> {
    let top = 10f64.powf(level_db / 20.0);
    let at = |n: usize| (top * (TAU * hertz * n as f64 / f64::from(RATE)).sin()) as f32;
    (0..frames).map(|n| [at(n); 2]).collect()
}

fn in_blocks(frames: &mut [Frame], mut node: impl FnMut(&mut [Frame])) {
    frames.chunks_mut(BLOCK).for_each(&mut node);
}

/// Level in dB of the best sine of this frequency, and the share of everything else.
fn sine_and_rest(frames: &[Frame], hertz: f64) -> (f64, f64) {
    let count = frames.len() as f64;
    let (mut s, mut c) = (0.0, 0.0);
    let phase = |n: usize| TAU * hertz * n as f64 / f64::from(RATE);
    for (n, frame) in frames.iter().enumerate() {
        s += f64::from(frame[0]) * phase(n).sin() * 2.0 / count;
        c += f64::from(frame[0]) * phase(n).cos() * 2.0 / count;
    }
    let rest = |(n, frame): (usize, &Frame)| {
        (f64::from(frame[0]) - s * phase(n).sin() - c * phase(n).cos()).powi(2)
    };
    let rest: f64 = frames.iter().enumerate().map(rest).sum();
    let level = s.hypot(c);
    (20.0 * level.log10(), (rest / count).sqrt() / (level / std::f64::consts::SQRT_2))
}

const USUAL: CompressorSettings = CompressorSettings {
    threshold_db: -20.0,
    ratio: 3.0,
    knee_db: 6.0,
    attack_ms: 5.0,
    release_ms: 50.0,
    makeup_gain_db: 0.0,
};

#[test]
fn compressor_and_limiter_do_not_bend_a_steady_sine() {
    // Whole periods of both in the last second.
    for (hertz, limit) in [(1_000.0, 1e-3), (60.0, 1e-2)] {
        let mut frames = sine(hertz, -6.0, 3 * SECOND);
        let mut compressor = Compressor::new(USUAL);
        in_blocks(&mut frames, |block| compressor.process(block));
        let (level, thd) = sine_and_rest(&frames[2 * SECOND..], hertz);
        assert!(thd < limit, "compressor at {hertz} Hz: {:.4} %", thd * 100.0);
        let expected = -6.0 + Compressor::static_gain_db(&USUAL, -6.0);
        assert!((level - expected).abs() < 0.05, "{level} for {expected} dB");
        let mut frames = sine(hertz, 5.0, 3 * SECOND);
        let mut limiter = Limiter::new();
        limiter.set(-1.2, 10.0);
        in_blocks(&mut frames, |block| limiter.process(block));
        let (level, thd) = sine_and_rest(&frames[2 * SECOND..], hertz);
        assert!(thd < limit, "limiter at {hertz} Hz: {:.4} %", thd * 100.0);
        assert!((level + 1.2).abs() < 0.05, "{level} dB");
    }
}

#[test]
fn compressor_follows_its_curve_and_its_times() {
    for (level, gain) in [(-40.0, 0.0), (-23.0, 0.0), (-20.0, -0.5), (-17.0, -2.0), (-5.0, -10.0)] {
        let found = Compressor::static_gain_db(&USUAL, level);
        assert!((found - gain).abs() < 1e-9, "{level} dB: {found} for {gain}");
    }
    // A step up by 14 dB: 63 % of the reduction after the attack; down: after hold and release.
    let slow = CompressorSettings { attack_ms: 40.0, release_ms: 300.0, knee_db: 0.0, ..USUAL };
    let mut compressor = Compressor::new(slow);
    let mut quiet = sine(1_000.0, -20.0, SECOND);
    in_blocks(&mut quiet, |block| compressor.process(block));
    assert!(compressor.reduction_db().abs() < 0.05);
    let mut loud = sine(1_000.0, -6.0, 2 * SECOND);
    let whole = Compressor::static_gain_db(&slow, -6.0);
    compressor.process(&mut loud[..40 * 48]);
    let part = compressor.reduction_db() / whole;
    assert!((part - 0.632).abs() < 0.03, "attack: {part}");
    compressor.process(&mut loud[40 * 48..]);
    let mut quiet = sine(1_000.0, -40.0, SECOND);
    // The peak is held for 10 ms first.
    compressor.process(&mut quiet[..310 * 48]);
    let part = 1.0 - compressor.reduction_db() / whole;
    assert!((part - 0.632).abs() < 0.03, "release: {part}");
}

#[test]
fn limiter_holds_the_true_peak_of_band_limited_programme() {
    // Dense, loud, and with bursts: what an encoder makes of it must not clip.
    for seed in 1..=3 {
        let mut frames = band_limited(seed, 2 * SECOND);
        let came = oversampled_peak(&frames);
        let mut limiter = Limiter::new();
        in_blocks(&mut frames, |block| limiter.process(block));
        let left = oversampled_peak(&frames);
        let (came, left) = (20.0 * came.log10(), 20.0 * left.log10());
        assert!(came > 3.0, "the test drives it: {came} dBTP");
        assert!(left <= -0.9, "{left} dBTP");
        assert!(left >= -2.5, "no more than needed: {left} dBTP");
    }
}

fn measured_lufs(frames: &[Frame]) -> f64 {
    let mut meter = ebur128::EbuR128::new(2, RATE, ebur128::Mode::I).expect("a meter");
    let flat: Vec<f32> = frames.iter().flatten().copied().collect();
    meter.add_frames_f32(&flat).expect("frames");
    meter.loudness_global().expect("a loudness")
}

#[test]
fn levellers_reach_their_target_within_half_a_unit() {
    let agc = LevellerSettings {
        target_lufs: -14.0,
        max_gain_db: 12.0,
        max_cut_db: 12.0,
        gate_lufs: -45.0,
        window_ms: 400.0,
        attack_ms: 500.0,
        release_ms: 3_000.0,
    };
    let slow = LevellerSettings { target_lufs: -16.0, window_ms: 3_000.0, ..agc };
    for settings in [agc, slow] {
        for level in [-30.0, -24.0, -10.0] {
            let noise = band_limited(7, 40 * SECOND);
            let gain = 10f64.powf((level - measured_lufs(&noise)) / 20.0) as f32;
            let mut frames: Vec<Frame> = noise.iter().map(|f| f.map(|s| s * gain)).collect();
            let mut leveller = Leveller::new(settings);
            in_blocks(&mut frames, |block| leveller.process(block));
            let reached = measured_lufs(&frames[30 * SECOND..]);
            let wanted = settings.target_lufs.min(level + settings.max_gain_db);
            assert!((reached - wanted).abs() < 0.5, "{level}: {reached} for {wanted} LUFS");
        }
    }
    // A pause moves nothing.
    let mut leveller = Leveller::new(agc);
    let mut frames = sine(1_000.0, -26.0, 20 * SECOND);
    in_blocks(&mut frames, |block| leveller.process(block));
    let before = leveller.gain_db();
    let mut pause = vec![[1e-5; 2]; 20 * SECOND];
    in_blocks(&mut pause, |block| leveller.process(block));
    assert!((leveller.gain_db() - before).abs() < 0.2, "{before} and {}", leveller.gain_db());
}

#[test]
fn equalisers_have_the_response_that_was_asked_for() {
    let level = |equalizer: &mut Equalizer, hertz: f64| {
        let mut frames = sine(hertz, -20.0, 2 * SECOND);
        in_blocks(&mut frames, |block| equalizer.process(block));
        sine_and_rest(&frames[SECOND..], hertz).0 + 20.0
    };
    let peak = Band { kind: BandKind::Peak, hertz: 1_000.0, gain_db: 6.0, q: 2.0 };
    let low = Band { kind: BandKind::LowShelf, hertz: 100.0, gain_db: -4.0, q: 0.7 };
    let high = Band { kind: BandKind::HighShelf, hertz: 8_000.0, gain_db: 3.0, q: 0.7 };
    for (bands, hertz, gain) in [
        (vec![peak], 1_000.0, 6.0),
        (vec![peak], 100.0, 0.0),
        (vec![low], 20.0, -4.0),
        (vec![low], 5_000.0, 0.0),
        (vec![high], 20_000.0, 3.0),
        (vec![low, peak, high], 1_000.0, 6.0),
    ] {
        let found = level(&mut Equalizer::parametric(&bands), hertz);
        assert!((found - gain).abs() < 0.15, "{bands:?} at {hertz} Hz: {found} for {gain} dB");
    }
    let mut ten = [0.0; 10];
    ten[4] = -6.0;
    assert!((level(&mut Equalizer::ten_bands(&ten), 500.0) + 6.0).abs() < 0.05);
    assert!((level(&mut Equalizer::high_pass(80.0), 80.0) + 3.01).abs() < 0.05);
    assert!(level(&mut Equalizer::high_pass(80.0), 20.0) < -23.0);
}

#[test]
fn gate_duck_and_width_do_what_they_say() {
    let settings = GateSettings {
        threshold_db: -40.0,
        range_db: -20.0,
        attack_ms: 1.0,
        hold_ms: 50.0,
        release_ms: 100.0,
    };
    let mut gate = Gate::new(settings);
    let mut loud = sine(1_000.0, -20.0, SECOND);
    gate.process(&mut loud);
    assert!(sine_and_rest(&loud[SECOND / 2..], 1_000.0).0 > -20.01);
    let mut quiet = sine(1_000.0, -50.0, 2 * SECOND);
    gate.process(&mut quiet);
    let (held, _) = sine_and_rest(&quiet[480..48 * 50], 1_000.0);
    assert!((held + 50.0).abs() < 0.3, "open while it holds: {held}");
    let (closed, _) = sine_and_rest(&quiet[SECOND..], 1_000.0);
    assert!((closed + 70.0).abs() < 0.1, "closed: {closed}");

    let settings = DuckSettings {
        threshold_db: -30.0,
        reduction_db: -12.0,
        attack_ms: 20.0,
        hold_ms: 200.0,
        release_ms: 200.0,
    };
    let mut duck = Duck::new(settings);
    let mut bed = sine(1_000.0, -10.0, 4 * SECOND);
    let mut voice = sine(300.0, -20.0, SECOND);
    voice.resize(4 * SECOND, [0.0; 2]);
    duck.process(&mut bed, &voice);
    let under = sine_and_rest(&bed[SECOND / 2..SECOND], 1_000.0).0;
    let after = sine_and_rest(&bed[3 * SECOND..], 1_000.0).0;
    assert!((under + 22.0).abs() < 0.05 && (after + 10.0).abs() < 0.05, "{under}, {after}");

    let mut frames = vec![[0.5, 0.1]];
    Width { width: 0.0 }.process(&mut frames);
    assert_eq!(frames, [[0.3, 0.3]]);
    let mut frames = vec![[0.5, 0.25]];
    Width { width: 1.0 }.process(&mut frames);
    assert_eq!(frames, [[0.5, 0.25]]);
}

#[test]
fn silence_is_said_after_its_time_and_over_after_its_own() {
    let settings = SilenceSettings {
        threshold_db: -50.0,
        duration_frames: 2 * SECOND as u64,
        restore_frames: SECOND as u64,
        either_channel: false,
    };
    let words = |settings: SilenceSettings, frames: &[Frame]| {
        let mut sense = SilenceSense::new(settings);
        let mut words = Vec::new();
        for (n, block) in frames.chunks(BLOCK).enumerate() {
            words.extend(sense.listen(block).map(|word| (n * BLOCK / 480, word)));
        }
        words
    };
    let low = sine(25.0, -40.0, 3 * SECOND);
    assert_eq!(words(settings, &low), [], "a low tone passes through zero and is no silence");
    let silent = vec![[1e-4; 2]; 3 * SECOND];
    let frames = [low.clone(), silent.clone(), low.clone(), silent[..SECOND].to_vec()].concat();
    let said = words(settings, &frames);
    let found: Vec<bool> =
        said.iter().map(|(_, word)| matches!(word, SilenceWord::Silent { .. })).collect();
    assert_eq!(found, [true, false], "{said:?}");
    assert!((498..=502).contains(&said[0].0), "2 s after 3 s: {said:?}");
    assert!((698..=706).contains(&said[1].0), "1 s after 6 s: {said:?}");
    // One channel dead: nothing unless one is enough.
    let half: Vec<Frame> = low.iter().map(|frame| [frame[0], 0.0]).collect();
    assert_eq!(words(settings, &half), []);
    let either = SilenceSettings { either_channel: true, ..settings };
    assert_eq!(words(either, &half).len(), 1);
}

#[test]
fn a_chain_takes_the_place_of_another_without_a_click() {
    let gain = |db: &str| {
        let params = BTreeMap::from([("gain_db".to_owned(), db.to_owned())]);
        Chain::of(&[NodeSpec::parse("GAIN", &params).expect("is known")])
    };
    let mut chain = SwappingChain::new(gain("0"));
    let mut frames = sine(200.0, -12.0, SECOND);
    let mut over = 0;
    for (n, block) in frames.chunks_exact_mut(BLOCK).enumerate() {
        if n == 40 || n == 41 {
            assert!(chain.swap(Box::new(gain("-12"))).is_none());
        }
        let block: &mut [Frame; BLOCK] = block.try_into().expect("a block");
        over += usize::from(chain.process(block).is_some());
    }
    assert_eq!(over, 2, "the old ones are handed back");
    let bend = |w: &[Frame]| (w[2][0] - 2.0 * w[1][0] + w[0][0]).abs();
    let whole = frames[..30 * BLOCK].windows(3).map(bend).fold(0.0, f32::max);
    let swap = frames[35 * BLOCK..50 * BLOCK].windows(3).map(bend).fold(0.0, f32::max);
    assert!(swap < whole * 2.0, "second difference {swap}, without a swap {whole}");
    let (level, _) = sine_and_rest(&frames[SECOND / 2..], 200.0);
    assert!((level + 24.0).abs() < 0.01, "{level}");
}

#[test]
fn what_acts_in_the_mix_is_taken_out_of_the_chain_once() {
    let (none, sources) =
        (BTreeMap::new(), BTreeMap::from([("listens".to_owned(), "sources".to_owned())]));
    let deep = BTreeMap::from([("depth_db".to_owned(), "-20".to_owned())]);
    let asked: [Asked<'_>; 4] = [
        ("DUCK", &deep),
        ("SILENCE_DETECTOR", &none),
        ("SILENCE_DETECTOR", &sources),
        ("LIMITER", &none),
    ];
    let plan = Plan::of(&asked).expect("is taken");
    assert_eq!((plan.nodes.len(), plan.duck.reduction_db), (0, -20.0));
    assert_eq!(plan.programme_silence.map(|watch| watch.settings.threshold_db), Some(-50.0));
    assert_eq!(plan.source_silence, plan.programme_silence);
    for twice in [asked[0], asked[1], asked[2]] {
        let (place, what) = Plan::of(&[twice, twice]).expect_err("one is allowed");
        assert!(place == 1 && what.contains("second"), "{what}");
    }
    assert_eq!(Plan::of(&[]).expect("is taken"), Plan::default());
}

#[test]
fn parameters_are_read_by_all_their_names_and_refused_with_their_range() {
    let parse = |kind: &str, params: &[(&str, &str)]| {
        let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        NodeSpec::parse(kind, &params)
    };
    assert_eq!(
        parse("COMPRESSOR", &[("threshold", "-18")]),
        parse("COMPRESSOR", &[("threshold_db", "-18")])
    );
    assert_eq!(
        parse("LIMITER", &[("threshold_db", "-2")]),
        parse("LIMITER", &[("ceiling_db", "-2")])
    );
    for (kind, params, words) in [
        ("REVERB", &[][..], &["REVERB", "COMPRESSOR"][..]),
        ("COMPRESSOR", &[("ratio", "0.5")], &["ratio", "0.5", "1 to 20"]),
        ("COMPRESSOR", &[("ratio", "NaN")], &["NaN", "1 to 20"]),
        ("COMPRESSOR", &[("threshold", "-9"), ("threshold_db", "-8")], &["threshold_db", "same"]),
        ("GAIN", &[("pan", "0")], &["pan", "gain_db"]),
        ("EQUALIZER", &[("gains", "band10=3")], &["band10", "band0 to band9"]),
        ("EQUALIZER", &[("bands", "peak 5 3 1")], &["peak 5", "20 to 20000"]),
        ("SILENCE_DETECTOR", &[("action", "ring")], &["ring", "alarm, failover_to_fallback"]),
        ("MIX", &[("over_gain_db", "20")], &["over_gain_db", "20", "-24 to 12"]),
        ("LEVEL_METER", &[("interval_ms", "5")], &["interval_ms", "5", "20 to 10000"]),
        ("agc", &[("target", "-14")], &["AGC", "target", "target_level_db"]),
        ("LIMITER", &[("lookahead_ms", "20")], &["lookahead_ms", "20", "5"]),
        ("DUCK", &[("depth_db", "6")], &["depth_db", "6", "-60 to 0"]),
        ("SILENCE_DETECTOR", &[("exempt", "spot")], &["exempt", "sources"]),
        (
            "SILENCE_DETECTOR",
            &[("listens", "sources"), ("exempt", "spot,jazz")],
            &["spot,jazz", "music, legal_id"],
        ),
    ] {
        let refusal = parse(kind, params).expect_err(kind).to_string();
        assert!(words.iter().all(|word| refusal.contains(word)), "{refusal}");
    }
    let sources = [("listens", "sources"), ("exempt", "spot, legal_id")];
    let Ok(NodeSpec::SourceSilence(Some(found))) = parse("SILENCE_DETECTOR", &sources) else {
        panic!("it listens to sources");
    };
    let kinds = [ItemKind::Spot, ItemKind::LegalId, ItemKind::Music, ItemKind::Emergency];
    assert_eq!(kinds.map(|kind| found.exempt.has(kind)), [true, true, false, false]);
    for preset in Preset::ALL {
        assert_eq!(preset.specs().len(), preset.nodes().len(), "{}", preset.word());
    }
}
