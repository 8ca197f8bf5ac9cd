//! Live inputs: the fill is held whatever the sender's clock, nothing stale is heard, a shortage
//! is told, and bending the rate is not heard.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use grimnir_mix::dsp::loudness::Loudness;
use grimnir_mix::live::{LiveFeed, LiveSource, LiveTap, TARGET_FRAMES, live, rider};
use grimnir_mix::tone::Tone;
use grimnir_mix::{BLOCK, Frame, FrameSource, SourceState};

/// A sender with a clock of its own: `ppm` millionths fast.
struct Sender {
    feed: LiveFeed,
    tone: Tone,
    owed: f64,
    ppm: f64,
}

impl Sender {
    fn new(feed: LiveFeed, hz: f64, ppm: f64) -> Self {
        Self { feed, tone: Tone::new(hz, -6.0), owed: 0.0, ppm }
    }

    fn send(&mut self, frames: usize) {
        let mut part = vec![[0.0; 2]; frames];
        self.tone.read(&mut part);
        assert_eq!(self.feed.push(&part), frames, "there is room");
    }

    /// What its clock gives in the time of a block.
    fn block(&mut self) {
        self.owed += BLOCK as f64 * (1.0 + self.ppm / 1e6);
        let frames = self.owed as usize;
        self.owed -= frames as f64;
        self.send(frames);
    }
}

fn begun(hz: f64, ppm: f64) -> (Sender, LiveTap, LiveSource) {
    let (feed, tap) = live(TARGET_FRAMES);
    let mut sender = Sender::new(feed, hz, ppm);
    sender.send(TARGET_FRAMES as usize);
    let source = tap.source();
    (sender, tap, source)
}

fn block(source: &mut LiveSource) -> Vec<Frame> {
    let mut out = vec![[0.0; 2]; BLOCK];
    let got = source.read(&mut out);
    out.truncate(got.frames);
    out
}

#[test]
fn the_fill_is_held_against_a_clock_that_is_500_millionths_off_either_way() {
    for ppm in [500.0, -500.0] {
        let (mut sender, tap, mut source) = begun(1_000.0, ppm);
        // A quarter of an hour; what is not followed would be 24,000 frames in all.
        let blocks = 100_000;
        for number in 0..blocks {
            sender.block();
            assert_eq!(block(&mut source).len(), BLOCK);
            let off = tap.fill() as i64 - TARGET_FRAMES as i64;
            assert!(off.abs() < 6_500, "{ppm}: {off} frames off");
            if number > blocks / 10 * 9 {
                let followed = tap.ppm() as f64;
                assert!((followed - ppm).abs() < 25.0, "{ppm}: {followed} followed");
            }
        }
        assert_eq!(tap.underruns(), 0);
    }
}

#[test]
fn the_rate_is_bent_slowly_and_by_no_more_than_500_millionths() {
    for ppm in [3_000.0, -3_000.0] {
        let (mut sender, tap, mut source) = begun(1_000.0, ppm);
        let (mut most, mut before) = (0, 0i64);
        for _ in 0..12_000 {
            sender.block();
            assert_eq!(block(&mut source).len(), BLOCK);
            let now = tap.ppm();
            assert!((now - before).abs() <= 6, "from {before} to {now} in a block");
            before = now;
            most = most.max(now.abs());
        }
        assert!((450..=500).contains(&most), "{ppm}: {most}");
    }
}

/// Level of what is left of `frames` without their best sine near `hz`, under that sine, in dB.
fn rest_db(frames: &[Frame], hz: f64) -> f64 {
    let rest = |hz: f64| {
        let (mut cc, mut ss, mut cs, mut xc, mut xs, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for (index, frame) in frames.iter().enumerate() {
            let angle = hz * index as f64 / 48_000.0 * std::f64::consts::TAU;
            let (s, c, x) = (angle.sin(), angle.cos(), f64::from(frame[0]));
            (cc, ss, cs) = (cc + c * c, ss + s * s, cs + c * s);
            (xc, xs, xx) = (xc + x * c, xs + x * s, xx + x * x);
        }
        let det = cc * ss - cs * cs;
        let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
        (xx - a * xc - b * xs).max(1e-30) / xx
    };
    let (mut low, mut high) = (hz * 0.999, hz * 1.001);
    for _ in 0..60 {
        let (a, b) = (low + (high - low) * 0.382, low + (high - low) * 0.618);
        if rest(a) < rest(b) { high = b } else { low = a }
    }
    10.0 * rest((low + high) / 2.0).log10()
}

#[test]
fn bending_the_rate_is_not_heard() {
    for hz in [997.0, 15_013.0] {
        let (mut sender, tap, mut source) = begun(hz, 500.0);
        let mut heard = Vec::new();
        for index in 0..4_000 {
            sender.block();
            let frames = block(&mut source);
            if index >= 3_992 {
                heard.extend(frames);
            }
        }
        assert!(tap.ppm() > 20, "the rate is bent: {}", tap.ppm());
        let rest = rest_db(&heard, hz);
        assert!(rest < -84.0, "{hz} Hz: {rest} dB beside the tone");
    }
}

/// Frames that tell their number.
fn numbered(from: usize, count: usize) -> Vec<Frame> {
    (from..from + count).map(|n| [n as f32 / 1_048_576.0; 2]).collect()
}

fn number(frame: &Frame) -> usize {
    (frame[0] * 1_048_576.0).round() as usize
}

#[test]
fn a_sender_that_is_too_fast_waits_and_every_frame_is_heard_once() {
    let (mut feed, tap) = live(TARGET_FRAMES);
    let mut sent = 0;
    sent += feed.push(&numbered(0, 500_000));
    assert_eq!(sent, 96_000, "twice the wanted fill");
    let mut source = tap.source();
    let mut heard = Vec::new();
    for _ in 0..400 {
        heard.extend(block(&mut source));
        sent += feed.push(&numbered(sent, 5_000));
    }
    let first = number(&heard[1_000]);
    assert_eq!(first, 96_000 - 48_000 + 1_000, "what was older than the wanted fill is left out");
    for (index, frame) in heard[1_000..].iter().enumerate() {
        assert_eq!(number(frame), first + index, "in order, none lost, none twice");
    }
    let ahead = sent - 48_000 - heard.len() - tap.fill() as usize;
    assert!(ahead < 64, "{ahead} frames under the filter");
}

#[test]
fn while_nobody_reads_the_oldest_goes_and_who_begins_hears_what_is_new() {
    let (mut feed, tap) = live(TARGET_FRAMES);
    assert!(!tap.ready());
    feed.push(&numbered(40_000, 47_999));
    assert!(!tap.ready(), "a frame is missing");
    tap.flush();
    feed.push(&vec![[0.0; 2]; 48_000]);
    assert!(!tap.ready(), "silence is no audio");
    let mut sent = 0;
    for _ in 0..1_000 {
        feed.park(480);
        assert_eq!(feed.push(&numbered(sent, 480)), 480);
        sent += 480;
    }
    assert!(tap.ready());
    assert_eq!(feed.fill(), 48_000 + 480);
    let mut source = tap.source();
    let heard: Vec<Frame> = (0..4).flat_map(|_| block(&mut source)).collect();
    assert_eq!(number(&heard[1_000]), sent - 48_000 + 1_000);
    // Somebody reads: nothing is dropped for the time that passes.
    let fill = feed.fill();
    feed.push(&numbered(sent, 4_800));
    feed.park(48_000);
    assert_eq!(feed.fill(), fill + 4_800);
    tap.flush();
    assert_eq!((tap.fill(), tap.ready()), (0, false));
}

#[test]
fn a_shortage_is_told_ends_softly_and_is_over_once_the_fill_is_back() {
    let (mut sender, tap, mut source) = begun(1_000.0, 0.0);
    let mut heard = Vec::new();
    for _ in 0..110 {
        heard.extend(block(&mut source));
    }
    assert_eq!(tap.underruns(), 1);
    let least = TARGET_FRAMES as usize - 64;
    assert!(heard.len() >= least && heard.len() < 48_000, "{}", heard.len());
    sender.send(40_000);
    assert!(block(&mut source).is_empty(), "not before the wanted fill");
    sender.send(8_000);
    let gap = heard.len();
    heard.extend((0..20).flat_map(|_| block(&mut source)));
    assert_eq!(heard.len(), gap + 20 * BLOCK);
    // Nowhere a step that a 1 kHz tone of −6 dBFS does not have.
    let worst = heard.windows(2).map(|w| (w[1][0] - w[0][0]).abs()).fold(0.0, f32::max);
    assert!(worst < 0.07, "{worst}");
    sender.feed.end();
    let mut out = vec![[0.0; 2]; 96_000];
    assert_eq!(source.read(&mut out).state, SourceState::Ended);
    assert_eq!(tap.underruns(), 1, "an end is no shortage");
}

#[test]
fn of_two_sources_the_later_is_heard() {
    let (mut sender, tap, mut first) = begun(1_000.0, 0.0);
    assert_eq!(block(&mut first).len(), BLOCK);
    let mut second = tap.source();
    sender.send(960);
    assert_eq!(block(&mut first).len(), BLOCK, "until the second is heard");
    assert_eq!(block(&mut second).len(), BLOCK);
    let mut out = [[0.0; 2]; BLOCK];
    let got = first.read(&mut out);
    assert_eq!((got.frames, got.state), (0, SourceState::Ended));
}

#[test]
fn what_is_no_number_does_not_come_in() {
    let (mut feed, tap) = live(4_800);
    let mut frames = vec![[0.25; 2]; 9_600];
    frames[5_000] = [f32::NAN, f32::INFINITY];
    feed.push(&frames);
    let mut source = tap.source();
    let heard: Vec<Frame> = (0..9).flat_map(|_| block(&mut source)).collect();
    assert!(heard.iter().flatten().all(|s| s.is_finite() && s.abs() < 0.3));
}

#[test]
fn the_rider_goes_six_decibels_and_no_further() {
    for (level, least, most) in [(-30.0, 5.5, 6.05), (-3.0, -6.05, -5.5), (-60.0, -0.1, 0.1)] {
        let (mut tone, mut rider) = (Tone::new(997.0, level), rider(-16.0));
        let (mut before, mut after) = (Loudness::new(400.0), Loudness::new(400.0));
        let mut part = [[0.0; 2]; BLOCK];
        for _ in 0..6_000 {
            tone.read(&mut part);
            before.take(&part);
            rider.process(&mut part);
            after.take(&part);
        }
        let moved = after.lufs() - before.lufs();
        assert!((least..=most).contains(&moved), "{level} dBFS: {moved} dB");
    }
}

/// The moment at which a frame was said, as the angle of a slow turn: whatever its level is and
/// however the rate is bent, it can be read off.
const TURN: f64 = 480_000.0;

fn said_at(moment: u64) -> Frame {
    let angle = moment as f64 / TURN * std::f64::consts::TAU;
    [(0.5 * angle.sin()) as f32, (0.5 * angle.cos()) as f32]
}

/// Frames from `from` to the moment that is read off, within half a turn; `None` in silence.
fn moment_of(frame: Frame, from: f64) -> Option<f64> {
    let [sin, cos] = frame.map(f64::from);
    if sin.hypot(cos) < 0.01 {
        return None;
    }
    let found = sin.atan2(cos) / std::f64::consts::TAU * TURN;
    Some((found - from + TURN / 2.0).rem_euclid(TURN) - TURN / 2.0)
}

#[test]
fn a_thousand_take_overs_and_releases_have_no_gap_and_nothing_stale() {
    let (mut feed, tap) = live(TARGET_FRAMES);
    let mut now = 0u64;
    // What somebody says in a block, while the engine keeps what nobody hears fresh.
    let mut say = |feed: &mut LiveFeed, blocks: u64| {
        for _ in 0..blocks {
            let part: Vec<Frame> = (0..BLOCK as u64).map(|n| said_at(now + n)).collect();
            feed.park(BLOCK as u64);
            assert_eq!(feed.push(&part), BLOCK, "there is room");
            now += BLOCK as u64;
        }
        now
    };
    say(&mut feed, 200);
    for take in 0..1_000u64 {
        let mut source = tap.source();
        let mut last: Option<f64> = None;
        for number in 0..5 + take % 23 {
            let now = say(&mut feed, 1);
            let heard = block(&mut source);
            assert_eq!(heard.len(), BLOCK, "take {take}: a gap in block {number}");
            for frame in heard {
                let Some(behind) = moment_of(frame, now as f64) else {
                    assert!(last.is_none(), "take {take}: silence in the middle");
                    continue;
                };
                // A second is held; what is older is stale.
                let oldest = -(TARGET_FRAMES as f64) - 2.0 * BLOCK as f64;
                assert!(behind > oldest && behind <= 0.0, "take {take}: {behind} frames off");
                let moment = now as f64 + behind;
                let step = last.map_or(1.0, |last| moment - last);
                assert!((step - 1.0).abs() < 0.1, "take {take}: a step of {step} frames");
                last = Some(moment);
            }
        }
        assert!(last.is_some(), "take {take}: nothing was heard");
        drop(source);
        say(&mut feed, 3 + take % 61);
    }
    assert_eq!(tap.underruns(), 0);
}
