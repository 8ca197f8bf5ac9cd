//! Ten thousand transitions of every kind, faster than real time, held against their own laws,
//! frame by frame; and what they leave in memory.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/wishes.rs"]
#[allow(dead_code, reason = "of the marathon's")]
mod wishes;

use std::f64::consts::{PI, TAU};

use grimnir_mix::{
    AirFrame, BLOCK, Command, EndCause, FadeCurve, Frame, FrameSource, Got, Mixer, Report,
    SourceState, VoiceEvent,
};
use support::{db, fade_out};
use wishes::law;

/// Items of the long programme: one more than the transitions between them.
const TRANSITIONS: i64 = 10_001;
const CURVES: [FadeCurve; 5] = [
    FadeCurve::Linear,
    FadeCurve::EqualPower,
    FadeCurve::Logarithmic,
    FadeCurve::Exponential,
    FadeCurve::SCurve,
];

/// How an item hands over to the next.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Join {
    /// The next begins on the frame after its last.
    Gapless,
    /// Both at full level over so many frames.
    Segue(i64),
    /// Both fade over so many frames.
    Fade(i64, FadeCurve),
}

impl Join {
    fn overlap(self) -> i64 {
        match self {
            Self::Gapless => 0,
            Self::Segue(frames) | Self::Fade(frames, _) => frames,
        }
    }
}

/// The join behind item `n`: a fixed length, a segue, a length of its own, or none.
fn join(n: i64) -> Join {
    let own = 480 + n * 7_919 % 2_900;
    let curve = CURVES[(n / 4 % 5) as usize];
    match n % 4 {
        0 => Join::Gapless,
        1 => Join::Segue(own),
        2 => Join::Fade(2_400, curve),
        _ => Join::Fade(own, curve),
    }
}

fn length(n: i64) -> i64 {
    7_000 + n * 5_417 % 3_000
}

/// Gain of item `n` at its own frame `index`.
fn gain(n: i64, index: i64) -> f64 {
    let mut gain = 1.0;
    if n > 0
        && let Join::Fade(frames, curve) = join(n - 1)
        && index < frames
    {
        gain *= law(curve, index as f64 / frames as f64);
    }
    let left = length(n) - index;
    if let Join::Fade(frames, curve) = join(n)
        && left < frames
    {
        gain *= law(curve, left as f64 / frames as f64);
    }
    gain
}

type Code = fn(i64, i64, i64) -> Frame;

/// Item `n`, whose frame 0 is on air at `at`: frames that its code names.
struct Item {
    n: i64,
    at: i64,
    next: i64,
    code: Code,
}

impl FrameSource for Item {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let frames = (out.len() as i64).min(length(self.n) - self.next) as usize;
        for frame in &mut out[..frames] {
            *frame = (self.code)(self.n, self.next, self.at + self.next);
            self.next += 1;
        }
        let over = self.next == length(self.n);
        Got { frames, state: if over { SourceState::Ended } else { SourceState::More } }
    }
}

/// A ramp that names the frame's own index, and a hash of index and item.
fn coded(n: i64, index: i64, _at: i64) -> Frame {
    let hash = ((n * 65_537 + index) as u32).wrapping_mul(0x85eb_ca6b) >> 17;
    [(index - 5_000) as f32 / 16_384.0, (hash as i32 - 16_384) as f32 / 32_768.0]
}

/// Plays items as an engine would, each commanded shortly before it is due; `hear` gets every
/// frame in order, with the items that sound in it as (item, their own index).
fn air(count: i64, code: Code, mut hear: impl FnMut(i64, Frame, &[(i64, i64)])) -> Vec<VoiceEvent> {
    let mut mixer = Mixer::new(AirFrame(0));
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    // Of the last items only: what is over is not looked at again.
    let mut sounding: Vec<(i64, i64)> = Vec::with_capacity(8);
    let (mut next, mut next_at) = (0, 777);
    let mut odd = Vec::new();
    let mut held_early = 0;
    loop {
        let block = mixer.position().0;
        while next < count && next_at < block + 3 * BLOCK as i64 {
            let voice = next as u64;
            let mut start =
                support::start(voice, next_at, Item { n: next, at: next_at, next: 0, code });
            if next > 0
                && let Join::Fade(frames, curve) = join(next - 1)
            {
                (start.fade_in, start.curve) = (frames, curve);
            }
            mixer.command(Command::Start(start)).unwrap();
            if let Join::Fade(frames, curve) = join(next) {
                let at = next_at + length(next) - frames;
                mixer.command(fade_out(voice, at, frames, curve)).unwrap();
            }
            sounding.push((next, next_at));
            next_at += length(next) - join(next).overlap();
            next += 1;
        }
        if next == count && sounding.is_empty() {
            assert!(memory::held() - held_early < 1 << 20, "memory grew");
            return odd;
        }
        mixer.render(&mut out, &mut report);
        while mixer.take_finished().is_some() {}
        for (offset, frame) in out.iter().enumerate() {
            let at = block + offset as i64;
            let mut now = [(0, 0); 4];
            let mut voices = 0;
            for (n, begun) in &sounding {
                if (*begun..begun + length(*n)).contains(&at) {
                    now[voices] = (*n, at - begun);
                    voices += 1;
                }
            }
            hear(at, *frame, &now[..voices]);
        }
        for event in &report.events {
            let expected = |voice: u64| {
                let (n, at) = *sounding.iter().find(|(n, _)| *n as u64 == voice).unwrap();
                let fades = matches!(join(n), Join::Fade(..));
                let cause = if fades { EndCause::FadedOut } else { EndCause::SourceEnded };
                let (at, end) = (AirFrame(at), AirFrame(at + length(n)));
                let started = VoiceEvent::Started { voice, at };
                (started, VoiceEvent::Ended { voice, at: end, frames: length(n), cause })
            };
            match event {
                VoiceEvent::Started { voice, .. } if *event == expected(*voice).0 => {}
                VoiceEvent::Ended { voice, .. } if *event == expected(*voice).1 => {
                    sounding.retain(|(n, _)| *n as u64 != *voice);
                }
                other => odd.push(*other),
            }
        }
        if next == 100 {
            held_early = memory::held();
        }
    }
}

#[test]
fn every_frame_of_ten_thousand_items_airs_once_in_its_place_at_its_level() {
    let (mut worst, mut place, mut sounded, mut frames) = (0f64, 0, 0i64, 0i64);
    let odd = air(TRANSITIONS, coded, |at, frame, items| {
        let mut expected = [0f64; 2];
        for (n, index) in items {
            let (own, gain) = (coded(*n, *index, at), gain(*n, *index));
            expected[0] += f64::from(own[0]) * gain;
            expected[1] += f64::from(own[1]) * gain;
        }
        sounded += items.len() as i64;
        frames += 1;
        let off = (f64::from(frame[0]) - expected[0]).abs();
        let off = off.max((f64::from(frame[1]) - expected[1]).abs());
        if off > worst {
            (worst, place) = (off, at);
        }
    });
    assert_eq!(odd, [], "each began and ended on its frame, for its own reason");
    assert!(db(worst) < -125.0, "{:.1} dBFS at frame {place}", db(worst));
    // No frame too many, none too few: what sounded is what the items are long.
    assert_eq!(sounded, (0..TRANSITIONS).map(length).sum::<i64>());
    let shared: i64 = (0..TRANSITIONS - 1).map(|n| join(n).overlap()).sum();
    let end = 777 + sounded - shared;
    assert_eq!(frames, (end + BLOCK as i64 - 1) / BLOCK as i64 * BLOCK as i64, "no drift");
}

/// One sine that all items are cut from, by the frame on air, at 200 Hz and −12 dBFS.
fn one_tone(_n: i64, _index: i64, at: i64) -> Frame {
    let turns = 200.0 * (at % 240) as f64 / 48_000.0;
    [(0.25 * (TAU * turns).sin()) as f32; 2]
}

/// The same, risen from nothing and gone to it within 480 frames of the item's own ends.
fn rounded(n: i64, index: i64, at: i64) -> Frame {
    let edge = index.min(length(n) - 1 - index).min(480) as f64 / 480.0;
    one_tone(n, index, at).map(|sample| sample * (0.5 - 0.5 * (PI * edge).cos()) as f32)
}

/// The largest second difference of what airs.
fn sharpest(count: i64, code: Code) -> (f64, i64) {
    let (mut before, mut sharpest) = ([0f64; 2], (0f64, 0));
    air(count, code, |at, frame, _| {
        let now = f64::from(frame[0]);
        let bend = (before[0] - 2.0 * before[1] + now).abs();
        before = [before[1], now];
        if bend > sharpest.0 && at > 777 {
            sharpest = (bend, at);
        }
    });
    sharpest
}

#[test]
fn no_transition_clicks() {
    // Three items at full level bend no more than this; the steepest fade here (logarithmic, over
    // 480 frames) has a corner of 0.25 × 3.91 / 480, the rounded ends bend by 0.125 × (π / 480)².
    let wave = 2.0 * 0.25 * (TAU * 200.0 / 48_000.0f64).powi(2);
    let corner = 0.25 * 9.0 / 10f64.ln() / 480.0;
    let (bend, place) = sharpest(TRANSITIONS, rounded);
    assert!(bend < 1.1 * (wave + corner), "{bend} at frame {place}");
    // A click of −40 dBFS would be seen.
    assert!(1.1 * (wave + corner) < 0.01);
}

#[test]
fn what_is_cut_apart_and_joined_without_a_gap_is_what_it_was() {
    let mut seen = 0;
    air(4_001, one_tone, |at, frame, items| {
        let alone = items.len() == 1 && gain(items[0].0, items[0].1) == 1.0;
        // Alike and in step: gains that add up to 1 leave the sum as it was.
        let level = items.iter().map(|(n, index)| gain(*n, *index)).sum::<f64>();
        if alone || (items.len() == 2 && (level - 1.0).abs() < 1e-9) {
            let off = (frame[0] - one_tone(0, 0, at)[0]).abs();
            assert!(off < 1e-6, "frame {at}: {off}");
            seen += 1;
        }
    });
    assert!(seen > 20_000_000, "{seen}");
}

#[test]
fn every_curve_keeps_its_law_within_a_hundredth_of_a_db() {
    use grimnir_mix::fade::{fade_in_gain, fade_out_gain};
    for curve in CURVES {
        for frames in [1, 2, 479, 48_000, 144_000, 480_000] {
            for index in 0..=frames {
                let x = index as f64 / frames as f64;
                for (got, wanted) in [
                    (fade_in_gain(curve, index, frames), law(curve, x)),
                    (fade_out_gain(curve, index, frames), law(curve, 1.0 - x)),
                ] {
                    let got = f64::from(got);
                    // Below −100 dB a hundredth of a dB is less than a float's own step.
                    let near = (db(got) - db(wanted)).abs() < 0.01 || (got - wanted).abs() < 1e-7;
                    assert!(near, "{curve:?} {index} of {frames}: {got}, not {wanted}");
                }
            }
        }
        let ends = [fade_in_gain(curve, 0, 480), fade_in_gain(curve, 480, 480)];
        assert_eq!(ends, [0.0, 1.0], "{curve:?}");
    }
}

#[test]
fn an_equal_power_junction_of_unlike_sounds_keeps_its_power() {
    // Two tones that have nothing to do with each other, over many fades: mean square by place.
    let (frames, parts, rounds) = (4_800, 20, 400);
    let mut power = vec![0f64; parts];
    for round in 0..rounds {
        for index in 0..frames {
            let (x, n) = (index as f64 / frames as f64, (round * frames + index) as f64);
            let (a, b) = ((TAU * 0.013_37 * n).sin(), (TAU * 0.021_71 * n).sin());
            let out =
                f64::from(grimnir_mix::fade::fade_out_gain(FadeCurve::EqualPower, index, frames));
            let within =
                f64::from(grimnir_mix::fade::fade_in_gain(FadeCurve::EqualPower, index, frames));
            let sum = a * out + b * within;
            power[(x * parts as f64) as usize] += 2.0 * sum * sum;
        }
    }
    for (part, sum) in power.iter().enumerate() {
        let mean = 10.0 * (sum * parts as f64 / (rounds * frames) as f64).log10();
        assert!(mean.abs() < 0.1, "part {part}: {mean:.3} dB");
    }
}
