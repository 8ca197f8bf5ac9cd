//! Every codec and container that is taken in, as another decoder hears it: what is played of a
//! file is as long as ffmpeg makes it, begins where it begins and is as loud.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::report::AnalysisReport;
use grimnir_mix::{BLOCK, FileSource, Frame, FrameSource, SourceState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::*;

/// Seconds of the sweep.
const SECONDS: f64 = 3.0;

/// A sweep from 200 Hz to 6 kHz: like itself at no other place. The right side is half as loud.
fn sweep(rate: u32) -> Vec<Frame> {
    let frame = |n: u32| {
        let at = f64::from(n) / f64::from(rate);
        let phase = std::f64::consts::TAU * (200.0 * at + 5_800.0 / 6.0 * at * at);
        let sample = phase.sin() * 0.4;
        [sample as f32, (sample / 2.0) as f32]
    };
    (0..(SECONDS * f64::from(rate)) as u32).map(frame).collect()
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The sweep at a rate, as ffmpeg encodes it.
    fn file(&self, name: &str, rate: u32, codec: &[&str]) -> PathBuf {
        let (plain, path) = (self.path("plain.wav"), self.path(name));
        grimnir_mix::tone::write_wav_f32(&plain, rate, &sweep(rate)).unwrap();
        let mut arguments = vec!["-i", plain.to_str().unwrap()];
        arguments.extend(codec);
        ffmpeg(&arguments, &path);
        path
    }

    /// What is measured of a file, and what is played of it.
    fn taken(&self, file: &Path) -> (AnalysisReport, Vec<Frame>) {
        let copy = self.path("copy.flac");
        let _ = std::fs::remove_file(&copy);
        let output = Command::new(PROGRAM)
            .args(["analyze", "--file"])
            .arg(file)
            .arg("--play-copy")
            .arg(&copy)
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}: {line}", file.display());
        let report: AnalysisReport = serde_json::from_str(&line).unwrap();
        let played = if report.play_copy { &copy } else { file };
        (report, frames(FileSource::open(played, 0, None).unwrap()))
    }
}

fn frames(mut source: FileSource) -> Vec<Frame> {
    let mut all = Vec::new();
    let mut part = [[0.0; 2]; BLOCK];
    loop {
        let got = source.read(&mut part);
        all.extend_from_slice(&part[..got.frames]);
        match got.state {
            SourceState::More => {}
            SourceState::Ended => return all,
            SourceState::Failed => panic!("{:?}", source.failure()),
        }
    }
}

/// As ffmpeg decodes it.
fn other(file: &Path) -> Vec<Frame> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    out.stdout.chunks_exact(8).map(|frame| [sample(&frame[..4]), sample(&frame[4..])]).collect()
}

/// By how many frames `ours` is behind `theirs`, and how much louder it is in dB, per side.
fn beside(ours: &[Frame], theirs: &[Frame]) -> (i64, [f64; 2]) {
    let (from, count) = (24_000usize, 96_000usize);
    let at = |lag: i64, n: usize, side: usize| {
        ours.get((n as i64 + lag) as usize).map_or(0.0, |frame| f64::from(frame[side]))
    };
    let product = |lag: i64| -> f64 {
        (from..from + count).map(|n| f64::from(theirs[n][0]) * at(lag, n, 0)).sum()
    };
    // Far first, then sample by sample around the best.
    let best = |lags: Vec<i64>| {
        lags.into_iter().max_by(|a, b| product(*a).total_cmp(&product(*b))).unwrap()
    };
    let near = best((-4_800..=4_800).step_by(4).collect());
    let lag = best((near - 4..=near + 4).collect());
    let level = [0, 1].map(|side| {
        let power = |sample: &dyn Fn(usize) -> f64| {
            (from..from + count).map(|n| sample(n).powi(2)).sum::<f64>()
        };
        let (mine, other) = (power(&|n| at(lag, n, side)), power(&|n| f64::from(theirs[n][side])));
        10.0 * (mine / other).log10()
    });
    (lag, level)
}

#[test]
fn what_is_played_of_a_file_is_what_another_decoder_makes_of_it() {
    let bench = Bench(tempfile::tempdir().unwrap());
    // Name, rate, what makes it, and whether it is played as it is.
    let kinds: [(&str, u32, &[&str], bool); 18] = [
        ("a.wav", 48_000, &["-c:a", "pcm_s16le"], true),
        ("b.wav", 96_000, &["-c:a", "pcm_s24le"], true),
        ("c.wav", 44_100, &["-c:a", "adpcm_ms"], false),
        ("a.aiff", 44_100, &["-c:a", "pcm_s16be"], true),
        ("a.caf", 48_000, &["-c:a", "pcm_s16le"], true),
        ("a.flac", 44_100, &[], true),
        ("b.ogg", 48_000, &["-c:a", "flac"], true),
        ("a.mp3", 44_100, &["-c:a", "libmp3lame", "-b:a", "128k"], true),
        ("b.mp3", 48_000, &["-c:a", "libmp3lame", "-q:a", "2"], true),
        ("a.mp2", 48_000, &["-c:a", "mp2", "-b:a", "256k"], false),
        ("a.ogg", 44_100, &["-c:a", "libvorbis", "-q:a", "5"], true),
        ("a.opus", 48_000, &["-c:a", "libopus", "-b:a", "128k"], false),
        ("a.m4a", 44_100, &["-c:a", "aac", "-b:a", "192k"], false),
        ("a.aac", 48_000, &["-c:a", "aac", "-b:a", "192k"], false),
        ("b.m4a", 44_100, &["-c:a", "alac"], true),
        ("a.mka", 48_000, &["-c:a", "libvorbis", "-q:a", "5"], true),
        ("a.webm", 48_000, &["-c:a", "libopus", "-b:a", "128k"], false),
        ("a.wv", 48_000, &["-c:a", "wavpack"], false),
    ];
    let mut wrong = Vec::new();
    for (name, rate, codec, as_it_is) in kinds {
        let file = bench.file(name, rate, codec);
        let (report, ours) = bench.taken(&file);
        let theirs = other(&file);
        let longer = ours.len() as i64 - theirs.len() as i64;
        let (lag, level) = beside(&ours, &theirs);
        let said = (report.analysis.duration_frames - ours.len() as i64).abs();
        println!("{name}: {longer} frames longer, {lag} behind, {level:.2?} dB, {}", report.codec);
        let close = level.iter().all(|db| db.abs() <= 0.2);
        // ADPCM begins its blocks with two samples of their own. Of AAC in MP4 GStreamer drops what
        // is less than a whole frame at the end.
        let spare = match report.codec.as_str() {
            "aac" if name.ends_with("m4a") => 1_115,
            "adpcm_ms" => 2,
            _ => 1,
        };
        let long = longer.abs() > spare;
        // A copy at another rate may stand between two frames.
        let aside = lag.abs() > i64::from(report.play_copy && rate != 48_000);
        if long || aside || !close || said > 0 || report.play_copy == as_it_is {
            wrong.push((name, longer, lag, level, said, report.play_copy));
        }
    }
    assert!(wrong.is_empty(), "name, frames longer, behind, dB, length said, copied: {wrong:#?}");
}
