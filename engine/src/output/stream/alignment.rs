//! Where the programme stands in what a decoder makes of each format: what an encoder and every
//! decoder hold back is known to the frame, and level and length come out as they went in.

use super::super::codec::Codec;
use super::*;
use grimnir_mix::Frame;
use std::process::{Command, Stdio};

/// A sweep from 200 Hz to 6 kHz in 3 s: like itself at no other place.
fn sweep() -> Vec<Frame> {
    let frame = |n: u32| {
        let seconds = f64::from(n) / 48_000.0;
        let phase = std::f64::consts::TAU * (200.0 * seconds + 5_800.0 / 6.0 * seconds * seconds);
        [(phase.sin() * 0.4) as f32; 2]
    };
    (0..3 * 48_000).map(frame).collect()
}

/// The left channel as ffmpeg decodes it.
fn decoded(bytes: &[u8]) -> Vec<f32> {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("coded");
    std::fs::write(&path, bytes).expect("writes");
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    assert!(out.status.success() && out.stderr.is_empty(), "{:?}", out.stderr);
    let left = |frame: &[u8]| f32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
    out.stdout.chunks_exact(8).map(left).collect()
}

/// How far `heard` is behind `said`, near `expected`; and its level, 1 being the same.
fn lag(said: &[Frame], heard: &[f32], expected: i64) -> (i64, f64) {
    let (from, count) = (30_000, 48_000);
    let product = |lag: i64| -> f64 {
        let at = |n: usize| f64::from(heard[(n as i64 + lag) as usize]);
        (from..from + count).map(|n| f64::from(said[n][0]) * at(n)).sum()
    };
    let energy: f64 = (from..from + count).map(|n| f64::from(said[n][0]).powi(2)).sum();
    (expected - 40..=expected + 40)
        .map(|lag| (lag, product(lag) / energy))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .expect("some")
}

#[test]
fn every_formats_delay_is_known_to_the_frame_and_level_and_length_are_kept() {
    gstreamer::init().expect("GStreamer is installed");
    let said = sweep();
    use MountFormat::{AacLc, Flac, Mp3, Opus, Vorbis};
    for (format, kbps, before) in
        [(Mp3, 128, 1_105), (AacLc, 128, 1_024), (Opus, 96, 0), (Vorbis, 128, 0), (Flac, 0, 0)]
    {
        let mut codec = Codec::new(format, kbps).expect("the encoder is installed");
        let mut stream = Stream::new(format, 9);
        let mut bytes = Vec::new();
        for part in said.chunks(2_304) {
            let taken = codec.encode(part.iter()).expect("it encodes");
            let cut = stream.push(taken).expect("it fits");
            bytes.extend_from_slice(cut.head.as_deref().unwrap_or_default());
            bytes.extend_from_slice(&cut.sound);
        }
        let heard = decoded(&bytes);
        let ahead = heard.len() as i64 - stream.sound();
        assert_eq!(ahead, before, "{format:?}: what a decoder gives before the first frame");
        let (lag, level) = lag(&said, &heard, ahead);
        assert!((lag - ahead).abs() <= 1, "{format:?}: {lag} frames behind, {ahead} are said");
        assert!((20.0 * level.log10()).abs() < 0.2, "{format:?}: level {level}");
    }
}

#[test]
fn a_mount_in_mp3_is_as_loud_as_the_programme_at_every_bit_rate() {
    gstreamer::init().expect("GStreamer is installed");
    let tone: Vec<Frame> =
        (0..96_000).map(|n| [(f64::from(n) * 0.125).sin() as f32 * 0.5; 2]).collect();
    let power = |all: &[f32]| -> f64 { all.iter().map(|s| f64::from(*s).powi(2)).sum() };
    let said = power(&vec![0.5; 48_000]) / 2.0;
    for kbps in grimnir_rules::station::bitrates_kbps(MountFormat::Mp3) {
        let mut codec = Codec::new(MountFormat::Mp3, *kbps).expect("the encoder is installed");
        let mut stream = Stream::new(MountFormat::Mp3, 9);
        let taken = codec.encode(tone.iter()).expect("it encodes");
        let heard = decoded(&stream.push(taken).expect("it fits").sound);
        let off = 10.0 * (power(&heard[24_000..72_000]) / said).log10();
        assert!(off.abs() < 0.1, "{kbps} kbit/s: {off:.2} dB off");
    }
}
