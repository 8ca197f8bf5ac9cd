//! What shaping costs: AGC, compressor, four bands and the true-peak limiter, as a share of one
//! core in real time. The reference is the aim, 0.6 %. Beside it the live meter, and how many
//! times faster than real time crossfades render.
//!
//! Prints `name value unit | reference name value | ratio`, and appends the same as JSON lines to
//! the file that `GRIMNIR_BENCH_OUT` names.
#![allow(clippy::disallowed_methods, reason = "a bench reads its own processor time")]

use grimnir_mix::dsp::{Chain, NodeSpec};
use grimnir_mix::meter::Meter;
use grimnir_mix::{
    AirFrame, BLOCK, Clip, Command, FadeCurve, Frame, Limiter, Mixer, RATE, Report, Role, Start,
};
use std::collections::BTreeMap;

#[path = "../../../tests/src/figure.rs"]
mod figure;
use figure::{Figure, median};

const SECONDS: usize = 60;
const ROUNDS: usize = 5;
const AIM_PERCENT: f64 = 0.6;

/// Processor time of this thread, in seconds.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("is a file");
    let nanos: f64 = text.split(' ').next().and_then(|n| n.parse().ok()).expect("is a number");
    nanos / 1e9
}

fn node(kind: &str, params: &[(&str, &str)]) -> NodeSpec {
    let params: BTreeMap<String, String> =
        params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    NodeSpec::parse(kind, &params).expect("is known")
}

/// Dense noise that drives all of them.
fn programme() -> Vec<Frame> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let mut low = [0f32; 2];
    (0..SECONDS * RATE as usize)
        .map(|_| {
            low = low.map(|sample| sample * 0.7 + next() * 0.4);
            low
        })
        .collect()
}

fn percent(frames: &[Frame], mut each: impl FnMut(&mut [Frame; BLOCK])) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = cpu();
        let mut block = [[0f32; 2]; BLOCK];
        for part in frames.chunks_exact(BLOCK) {
            block.copy_from_slice(part);
            each(&mut block);
            std::hint::black_box(&block);
        }
        rounds.push((cpu() - begun) / SECONDS as f64 * 100.0);
    }
    median(rounds)
}

fn main() {
    let frames = programme();
    let bands = "low_shelf 90 2 0.7; peak 400 -2 1; peak 3000 2 1; high_shelf 9000 2 0.7";
    let nodes = [node("AGC", &[]), node("COMPRESSOR", &[]), node("EQUALIZER", &[("bands", bands)])];
    let mut chain = Chain::of(&nodes);
    let mut limiter = Limiter::new();
    let whole = percent(&frames, |block| {
        chain.process(block);
        limiter.process(block);
    });
    let aim = ("aim", AIM_PERCENT);
    Figure::beside("dsp_agc_compressor_4_bands_limiter", whole, "% of a core", aim).report();
    for (name, node) in ["agc", "compressor", "4_bands"].iter().zip(&nodes) {
        let mut chain = Chain::of(std::slice::from_ref(node));
        let cost = percent(&frames, |block| chain.process(block));
        Figure::beside(&format!("dsp_{name}"), cost, "% of a core", ("whole", whole)).report();
    }
    let mut limiter = Limiter::new();
    let cost = percent(&frames, |block| limiter.process(block));
    Figure::beside("dsp_limiter", cost, "% of a core", ("whole", whole)).report();
    let mut meter = Meter::new();
    assert!(meter.begin(1));
    let cost = percent(&frames, |block| {
        std::hint::black_box(meter.take(block));
    });
    // Of the ebur128 crate with momentary, short-term, integrated and true peak.
    let ebur128 = percent_of_ebur128(&frames);
    Figure::beside("dsp_meter", cost, "% of a core", ("ebur128", ebur128)).report();
    let times = offline(&frames);
    let real = ("real time", 1.0);
    Figure::beside("offline_render_crossfades_limiter", times, "x real time", real).report();
}

fn percent_of_ebur128(frames: &[Frame]) -> f64 {
    let mode = ebur128::Mode::I | ebur128::Mode::S | ebur128::Mode::M | ebur128::Mode::TRUE_PEAK;
    let mut other = ebur128::EbuR128::new(2, RATE, mode).expect("is a stereo meter");
    percent(frames, |block| other.add_frames_f32(block.as_flattened()).expect("is taken"))
}

/// Items of ten seconds that overlap by three, through the limiter: seconds of programme that one
/// second of a core renders. The files' decoding is not in it.
fn offline(frames: &[Frame]) -> f64 {
    const ITEMS: i64 = 60;
    const LENGTH: i64 = 480_000;
    const OVERLAP: i64 = 144_000;
    let clip = Clip(frames[..LENGTH as usize].into());
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = cpu();
        let (mut mixer, mut limiter) = (Mixer::new(AirFrame(0)), Limiter::new());
        let (mut out, mut report) = ([[0f32; 2]; BLOCK], Report::new());
        let end = ITEMS * (LENGTH - OVERLAP);
        let mut next = 0;
        while mixer.position().0 < end {
            let at = next * (LENGTH - OVERLAP);
            if next < ITEMS && mixer.position().0 >= at - BLOCK as i64 {
                let voice = next as u64;
                let (at, curve) = (AirFrame(at), FadeCurve::EqualPower);
                let start = Start {
                    voice,
                    at,
                    source: Box::new(clip.source()),
                    gain: 0.5,
                    fade_in: OVERLAP,
                    curve,
                    length: None,
                    role: Role::Programme,
                    watched: true,
                };
                mixer.command(Command::Start(Box::new(start))).expect("is taken");
                let at = at.plus(LENGTH - OVERLAP);
                let fade = Command::FadeOut { voice, at, frames: OVERLAP, curve };
                mixer.command(fade).expect("is taken");
                next += 1;
            }
            mixer.render(&mut out, &mut report);
            limiter.process(&mut out);
            std::hint::black_box(&out);
            while mixer.take_finished().is_some() {}
        }
        rounds.push(end as f64 / f64::from(RATE) / (cpu() - begun));
    }
    median(rounds)
}
