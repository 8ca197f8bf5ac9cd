//! Hundreds of crossfades from files, faster than real time: every frame of every item airs once,
//! and every junction is the analytic sum of its two sources.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::path::{Path, PathBuf};

use grimnir_mix::tone::{Tone, write_wav, write_wav_f32};
use grimnir_mix::{
    AirFrame, BLOCK, Command, EndCause, FadeCurve, FileSource, Frame, Mixer, RATE, Report,
    VoiceEvent,
};
use support::{coded, db, fade_out, write_flac};

/// One item of a programme: which file, from where, how long, and when.
struct Item {
    file: usize,
    from: i64,
    length: i64,
    at: i64,
    /// Frames shared with the item before, and with the one after.
    overlap_in: i64,
    overlap_out: i64,
    gain: f32,
    curve: FadeCurve,
}

/// `count` items of irregular lengths and overlaps; file lengths are at least `room` frames.
fn programme(count: usize, files: usize, room: i64) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = 1_234;
    for n in 0..count as i64 {
        let overlap_out = if n % 7 == 0 { 0 } else { 1_000 + n * 7_919 % 23_000 };
        let overlap_in = items.last().map_or(0, |item: &Item| item.overlap_out);
        let from = 1_000 + n * 977 % 5_000;
        let length = (60_000 + n * 5_417 % 40_000).min(room - from);
        items.push(Item {
            file: n as usize % files,
            from,
            length,
            at,
            overlap_in,
            overlap_out,
            gain: 0.5 + 0.4 * (n % 3) as f32 / 2.0,
            curve: if n % 5 == 0 { FadeCurve::Linear } else { FadeCurve::EqualPower },
        });
        at += length - overlap_out;
    }
    items
}

/// Gain of an item at air frame `frame`, from the laws themselves.
fn gain(items: &[Item], index: usize, frame: i64) -> f64 {
    let item = &items[index];
    let since = (frame - item.at) as f64;
    let left = (item.at + item.length - frame) as f64;
    let law = |part: f64, curve| match curve {
        FadeCurve::Linear => part,
        _ => (part * std::f64::consts::FRAC_PI_2).sin(),
    };
    let rise = match item.overlap_in {
        0 => 1.0,
        frames => law((since / frames as f64).min(1.0), item.curve),
    };
    let fall = match item.overlap_out {
        0 => 1.0,
        frames => law((left / frames as f64).min(1.0), item.curve),
    };
    f64::from(item.gain) * rise * fall
}

/// Renders the programme as an engine would: each item opened and commanded shortly before it
/// is due. The frames from air frame 0 on, and all events.
fn air(items: &[Item], files: &[PathBuf]) -> (Vec<Frame>, Vec<VoiceEvent>) {
    let end = items.last().map_or(0, |item| item.at + item.length);
    let (mut frames, mut events) = (Vec::new(), Vec::new());
    let mut mixer = Mixer::new(AirFrame(0));
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    let mut next = 0;
    while mixer.position().0 < end + BLOCK as i64 {
        while let Some(item) = items.get(next)
            && item.at < mixer.position().0 + 5 * BLOCK as i64
        {
            let to = item.from + item.length;
            let source = FileSource::open(&files[item.file], item.from, Some(to)).unwrap();
            let mut voice = support::start(next as u64, item.at, source);
            voice.gain = item.gain;
            voice.fade_in = item.overlap_in;
            voice.curve = item.curve;
            mixer.command(Command::Start(voice)).unwrap();
            if item.overlap_out > 0 {
                let at = item.at + item.length - item.overlap_out;
                mixer.command(fade_out(next as u64, at, item.overlap_out, item.curve)).unwrap();
            }
            next += 1;
        }
        mixer.render(&mut out, &mut report);
        frames.extend_from_slice(&out);
        events.extend_from_slice(&report.events);
        while mixer.take_finished().is_some() {}
    }
    (frames, events)
}

/// Each item began on its frame, aired each of its frames once, and ended on its frame.
fn check_accounts(items: &[Item], events: &[VoiceEvent]) {
    for (index, item) in items.iter().enumerate() {
        let voice = index as u64;
        let began = VoiceEvent::Started { voice, at: AirFrame(item.at) };
        assert!(events.contains(&began), "item {index} began on its frame");
        let cause = if item.overlap_out > 0 { EndCause::FadedOut } else { EndCause::SourceEnded };
        let (at, frames) = (AirFrame(item.at + item.length), item.length);
        let over = VoiceEvent::Ended { voice, at, frames, cause };
        assert!(events.contains(&over), "item {index} ended on its frame: {over:?}");
    }
    assert_eq!(events.len(), 2 * items.len(), "and nothing else happened");
}

/// The largest difference between what aired and the sum of `sample(item, frame of its file)`
/// times the item's gain.
fn residual(
    items: &[Item],
    frames: &[Frame],
    sample: impl Fn(&Item, i64) -> [f64; 2],
) -> (f64, usize) {
    let mut expected = vec![[0.0_f64; 2]; frames.len()];
    for (index, item) in items.iter().enumerate() {
        for n in 0..item.length {
            let factor = gain(items, index, item.at + n);
            let values = sample(item, item.from + n);
            let sum = &mut expected[(item.at + n) as usize];
            sum[0] += values[0] * factor;
            sum[1] += values[1] * factor;
        }
    }
    let off = |n: usize| {
        let (got, want) = (frames[n], expected[n]);
        (f64::from(got[0]) - want[0]).abs().max((f64::from(got[1]) - want[1]).abs())
    };
    let worst = (0..frames.len()).max_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(0);
    (off(worst), worst)
}

fn paths(dir: &Path, count: usize, write: impl Fn(usize, &Path)) -> Vec<PathBuf> {
    (0..count)
        .map(|n| {
            let path = dir.join(format!("{n}.sound"));
            write(n, &path);
            path
        })
        .collect()
}

#[test]
fn transitions_from_48_khz_files_air_every_frame_once() {
    let dir = tempfile::tempdir().unwrap();
    let room = 110_000;
    let material: Vec<Vec<Frame>> = (0..6).map(|n| coded(n, room)).collect();
    let files = paths(dir.path(), 6, |n, path| {
        if n % 2 == 0 {
            write_wav(path, RATE, &material[n]).unwrap();
        } else {
            write_flac(path, RATE, &material[n]);
        }
    });
    let items = programme(220, 6, room as i64);
    let (frames, events) = air(&items, &files);
    check_accounts(&items, &events);
    let (worst, place) =
        residual(&items, &frames, |item, n| material[item.file][n as usize].map(f64::from));
    assert!(db(worst) < -120.0, "{:.1} dBFS at frame {place}", db(worst));
    // Outside the junctions the very samples of the file, times the gain.
    let item = &items[10];
    for n in item.overlap_in..item.length - item.overlap_out {
        let [left, right] = material[item.file][(item.from + n) as usize];
        let expected = [left * item.gain, right * item.gain];
        assert_eq!(frames[(item.at + n) as usize], expected);
    }
}

#[test]
fn transitions_from_44_khz_files_are_the_analytic_sum_without_a_click() {
    let dir = tempfile::tempdir().unwrap();
    let tones: Vec<Tone> = (0..6).map(|n| Tone::new(220.0 + 157.0 * f64::from(n), -12.0)).collect();
    let files = paths(dir.path(), 6, |n, path| {
        let frames = tones[n].frames(44_100, 110_000);
        if n % 2 == 0 {
            write_wav_f32(path, 44_100, &frames).unwrap();
        } else {
            write_flac(path, 44_100, &frames);
        }
    });
    let mut items = programme(220, 6, 110_000);
    // A hard cut of a sine is a click of its own: every junction here fades.
    for n in 0..items.len() {
        items[n].overlap_out = items[n].overlap_out.max(700);
        items[n].at = if n == 0 {
            0
        } else {
            items[n].overlap_in = items[n - 1].overlap_out;
            items[n - 1].at + items[n - 1].length - items[n - 1].overlap_out
        };
    }
    items[0].overlap_in = 480;
    let (frames, events) = air(&items, &files);
    check_accounts(&items, &events);
    let (worst, place) = residual(&items, &frames, |item, n| [tones[item.file].sample(RATE, n); 2]);
    assert!(db(worst) < -80.0, "{:.1} dBFS at frame {place}", db(worst));
    // Two sines of 1005 Hz at most and −12 dBFS bend by no more than this from frame to frame.
    let bend = 2.0 * 0.2512 * (std::f64::consts::TAU * 1_005.0 / 48_000.0).powi(2);
    let click = frames
        .windows(3)
        .position(|w| f64::from((w[0][0] - 2.0 * w[1][0] + w[2][0]).abs()) > bend + 2e-3);
    assert_eq!(click, None);
}
