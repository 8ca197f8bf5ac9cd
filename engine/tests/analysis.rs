//! Measuring files of every kind, and refusing what is none.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport, TagReport};
use grimnir_events::analysis::{AlbumPlace, TailShape};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::*;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// A sound at 48 kHz of parts: seconds, and the level in dBFS at their begin and end, or
    /// silence.
    fn parts(&self, name: &str, parts: &[(f64, Option<(f64, f64)>)]) -> PathBuf {
        let mut frames: Vec<[f32; 2]> = Vec::new();
        for (seconds, levels) in parts {
            let count = (seconds * 48_000.0).round() as usize;
            for n in 0..count {
                let gain = levels.map_or(0.0, |(from, to)| {
                    10f64.powf((from + (to - from) * n as f64 / count as f64) / 20.0)
                });
                let phase = std::f64::consts::TAU * 1_000.0 * frames.len() as f64 / 48_000.0;
                frames.push([(gain * phase.sin()) as f32; 2]);
            }
        }
        let path = self.path(name);
        grimnir_mix::tone::write_wav_f32(&path, 48_000, &frames).unwrap();
        path
    }

    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Half a second of silence, three of a tone, half of silence; tagged.
    fn sound(&self, name: &str, codec: &[&str]) -> PathBuf {
        let path = self.path(name);
        let tone = "sine=frequency=1000:sample_rate=44100:duration=3";
        let mut arguments = vec!["-f", "lavfi", "-i", tone];
        arguments.extend(["-af", "volume=4,adelay=500:all=1,apad=pad_dur=0.5", "-ac", "2"]);
        arguments.extend(["-metadata", "title=Tïtle", "-metadata", "artist=Artist"]);
        arguments.extend(["-metadata", "date=1999"]);
        arguments.extend(codec);
        ffmpeg(&arguments, &path);
        path
    }

    fn analyze(&self, file: &Path) -> Result<AnalysisReport, String> {
        let output = Command::new(PROGRAM)
            .arg("analyze")
            .arg("--file")
            .arg(file)
            .arg("--play-copy")
            .arg(self.path("copy.flac"))
            .arg("--waveform")
            .arg(self.path("waveform"))
            .arg("--artwork")
            .arg(self.path("artwork"))
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        match output.status.code() {
            Some(0) => Ok(serde_json::from_str(&line).unwrap()),
            Some(2) => Err(serde_json::from_str::<AnalysisRefusal>(&line).unwrap().error),
            other => panic!("exit code {other:?}: {line}"),
        }
    }
}

#[test]
fn exact_codecs_are_measured_as_they_are() {
    let bench = Bench::new();
    for (name, codec) in [
        ("a.wav", &["-c:a", "pcm_s16le"][..]),
        ("a.flac", &[]),
        ("a.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"]),
        ("a.ogg", &["-c:a", "libvorbis", "-q:a", "5"]),
    ] {
        let file = bench.sound(name, codec);
        let report = bench.analyze(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!report.play_copy && report.play_hash == report.hash, "{name}");
        assert!(
            (report.analysis.duration_frames - 192_000).abs() <= 2,
            "{name}: {}",
            report.analysis.duration_frames
        );
        assert_eq!((report.source_rate_hz, report.channels), (44_100, 2), "{name}");
        // A 1 kHz sine of amplitude 0.35 on both sides: −9 LUFS, less what the edges' blocks lack.
        let loudness = report.analysis.loudness_lufs_x100.unwrap();
        assert!((-980..=-880).contains(&loudness), "{name}: {loudness}");
        let peak = report.analysis.true_peak_dbtp_x100.unwrap();
        assert!((-930..=-850).contains(&peak), "{name}: {peak}");
        assert!(
            (report.analysis.cues.cue_in - 24_000).abs() < 1_500,
            "{name}: {}",
            report.analysis.cues.cue_in
        );
        assert!(
            (report.analysis.cues.cue_out - 168_000).abs() < 2_500,
            "{name}: {}",
            report.analysis.cues.cue_out
        );
        assert!(
            report.analysis.cues.segue <= report.analysis.cues.cue_out
                && report.analysis.cues.segue > report.analysis.cues.cue_in
        );
        if name != "a.wav" {
            assert_eq!(
                (report.tags.title.as_str(), report.tags.year),
                ("Tïtle", Some(1999)),
                "{name}"
            );
        }
    }
}

#[test]
fn tags_and_the_picture_in_them_are_read() {
    let bench = Bench::new();
    let cover = bench.path("cover.png");
    ffmpeg(&["-f", "lavfi", "-i", "color=red:size=16x16", "-frames:v", "1"], &cover);
    let fields = [
        ("album", "Album"),
        ("ALBUMARTIST", "Various"),
        ("LABEL", "Label"),
        ("MOOD", "Calm"),
        ("LANGUAGE", "deu"),
        ("COMPOSER", "Composer"),
        ("PUBLISHER", "Publisher"),
        ("INITIALKEY", "Am"),
        ("BPM", "127,5"),
        ("COMPILATION", "1"),
    ];
    let metadata: Vec<String> = fields
        .iter()
        .flat_map(|(name, value)| ["-metadata".into(), format!("{name}={value}")])
        .collect();
    let picture = [
        "-i",
        cover.to_str().unwrap(),
        "-map",
        "0:a",
        "-map",
        "1:v",
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
    ];
    let codec: Vec<&str> = picture.into_iter().chain(metadata.iter().map(String::as_str)).collect();
    let plain = bench.sound("plain.flac", &[]);
    let file = bench.path("tagged.flac");
    let mut arguments = vec!["-i", plain.to_str().unwrap()];
    arguments.extend(codec);
    ffmpeg(&arguments, &file);
    let tags = bench.analyze(&file).unwrap().tags;
    let expected = TagReport {
        title: "Tïtle".into(),
        artist: "Artist".into(),
        album: "Album".into(),
        year: Some(1_999),
        album_artist: "Various".into(),
        label: "Label".into(),
        mood: "Calm".into(),
        language: "deu".into(),
        composer: "Composer".into(),
        publisher: "Publisher".into(),
        key: "Am".into(),
        bpm_x100: Some(12_750),
        compilation: "Album".into(),
        ..TagReport::default()
    };
    assert_eq!(tags, expected);
    assert_eq!(std::fs::read(bench.path("artwork")).unwrap(), std::fs::read(&cover).unwrap());
    std::fs::remove_file(bench.path("artwork")).unwrap();
    assert_eq!(bench.analyze(&plain).unwrap().tags.album, "");
    assert!(!bench.path("artwork").exists(), "a file without a picture has none");
    let explicit = ["-c:a", "libmp3lame", "-metadata", "ITUNESADVISORY=1"];
    assert!(bench.analyze(&bench.sound("explicit.mp3", &explicit)).unwrap().tags.explicit);
}

#[test]
fn a_waveform_shows_where_there_is_sound() {
    let bench = Bench::new();
    let file = bench.sound("a.flac", &[]);
    let report = bench.analyze(&file).unwrap();
    assert!(report.analysis.range_lu_x100.is_some());
    let waveform = std::fs::read(bench.path("waveform")).unwrap();
    // Four seconds at 20 a second, of a tone whose peaks are at 0.35 of full scale.
    assert_eq!((&waveform[..4], waveform.len()), (&b"GRW1"[..], 8 + 2 * 80));
    let peaks: Vec<(i8, i8)> = waveform[8..].chunks(2).map(|p| (p[0] as i8, p[1] as i8)).collect();
    assert!(peaks[..9].iter().chain(&peaks[71..]).all(|peak| *peak == (0, 0)), "{peaks:?}");
    assert!(peaks[11..69].iter().all(|(low, high)| *low < -40 && *high > 40), "{peaks:?}");
}

#[test]
fn other_codecs_become_a_play_copy_of_the_same_length() {
    let bench = Bench::new();
    for (name, arguments, codec) in [
        ("a.opus", &["-c:a", "libopus", "-ar", "48000"][..], "opus"),
        ("a.m4a", &["-c:a", "aac"], "aac"),
    ] {
        let file = bench.sound(name, arguments);
        let report = bench.analyze(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(report.play_copy && report.play_hash != report.hash, "{name}");
        assert_eq!(report.codec, codec, "{name}");
        assert!(
            (report.analysis.duration_frames - 192_000).abs() < 4_800,
            "{name}: {}",
            report.analysis.duration_frames
        );
        assert_eq!(report.tags.artist, "Artist", "{name}");
        let copy = decode(&bench.path("copy.flac"));
        assert_eq!(copy.len() as i64, report.analysis.duration_frames, "{name}");
        assert!(power(&copy[96_000..98_400], 1_000) > 0.3, "{name}");
    }
}

#[test]
fn what_is_no_sound_is_refused_with_a_reason() {
    let bench = Bench::new();
    let mp3 = std::fs::read(bench.sound("whole.mp3", &["-c:a", "libmp3lame"])).unwrap();
    let flac = std::fs::read(bench.sound("whole.flac", &[])).unwrap();
    let noise: Vec<u8> =
        (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let files: [(&str, &[u8]); 7] = [
        ("empty.mp3", b""),
        ("page.mp3", b"<!doctype html><title>404</title>"),
        ("noise.flac", &noise),
        ("head.mp3", &mp3[..300]),
        ("head.flac", &flac[..60]),
        ("half.flac", &flac[..flac.len() / 2]),
        ("zero.wav", &[0; 4_096]),
    ];
    for (name, bytes) in files {
        let file = bench.path(name);
        std::fs::write(&file, bytes).unwrap();
        let refusal = bench.analyze(&file).expect_err(name);
        assert!(refusal.len() > 10, "{name}: {refusal}");
        assert!(!bench.path("copy.flac").exists(), "{name}");
    }
    assert!(bench.analyze(&bench.path("missing.mp3")).is_err());
}

#[test]
fn a_file_that_lies_about_its_type_is_taken_for_what_it_is() {
    let bench = Bench::new();
    let flac = bench.sound("a.flac", &[]);
    let lie = bench.path("lie.mp3");
    std::fs::copy(&flac, &lie).unwrap();
    assert_eq!(bench.analyze(&lie).unwrap().codec, "flac");
    let silent = bench.path("silent.wav");
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "1"], &silent);
    let report = bench.analyze(&silent).unwrap();
    assert_eq!(
        (report.analysis.loudness_lufs_x100, report.analysis.true_peak_dbtp_x100),
        (None, None)
    );
}

/// A sine at 0 dBFS on both sides is 0 LUFS; the marks' thresholds count from the loudness.
#[test]
fn marks_silences_tails_and_beginnings_are_measured_to_a_window() {
    let bench = Bench::new();
    let (silence, full) = (None, Some((-12.0, -12.0)));
    let fade = Some((-12.0, -72.0));
    let parts =
        [(0.75, silence), (2.0, Some((-36.0, -36.0))), (30.0, full), (6.0, fade), (1.0, silence)];
    let found = bench.analyze(&bench.parts("a.wav", &parts)).unwrap().analysis;
    assert_eq!(found.analyser_version, 1);
    assert_eq!(found.duration_frames, (39.75 * 48_000.0) as i64);
    let near = |found: i64, seconds: f64| {
        let off = found - (seconds * 48_000.0) as i64;
        assert!(off.abs() <= 2 * 480, "{found} is {off} frames off {seconds} s");
    };
    near(found.leading_silence, 0.75);
    near(found.cues.cue_in, 0.75);
    // Taken over 100 ms: two windows of ten are enough.
    assert!((-3_840..=0).contains(&(found.head.full_from - 132_000)), "{found:?}");
    // 10 dB a second: 7 LU below after 0.7 s (taken over 100 ms), 42 below after 4.2 s, and
    // -60 LUFS after 4.8 s.
    assert!((found.cues.segue - (33.45 * 48_000.0) as i64).abs() <= 10 * 480, "{found:?}");
    near(found.cues.cue_out, 36.95);
    near(found.trailing_silence, 2.2);
    assert!((found.head.level_lu_x100 + 2_400).abs() < 60, "{found:?}");
    assert!((900..=1_100).contains(&found.tail.fall_lu_per_s_x100), "{found:?}");
    assert_eq!(found.tail.shape, TailShape::Falling);
    let held = [(30.0, full), (4.0, Some((-21.0, -23.0))), (1.5, Some((-23.0, -60.0)))];
    let found = bench.analyze(&bench.parts("held.wav", &held)).unwrap().analysis;
    assert_eq!(found.tail.shape, TailShape::Sustained, "{found:?}");
    near(found.cues.segue, 34.25);
    let cold = bench.analyze(&bench.parts("cold.wav", &[(30.0, full)])).unwrap().analysis;
    assert_eq!((cold.tail.shape, cold.cues.segue), (TailShape::Cold, 30 * 48_000));
    assert_eq!((cold.cues.cue_in, cold.head.full_from), (0, 0));
}

#[test]
fn what_is_measured_does_not_depend_on_the_rate() {
    let bench = Bench::new();
    let parts =
        [(0.5, None), (20.0, Some((-18.0, -18.0))), (3.0, Some((-18.0, -60.0))), (0.5, None)];
    let plain = bench.parts("48000.wav", &parts);
    let expected = bench.analyze(&plain).unwrap().analysis;
    for rate in ["8000", "22050", "44100", "96000"] {
        let file = bench.path(&format!("{rate}.wav"));
        let arguments = ["-i", plain.to_str().unwrap(), "-ar", rate, "-c:a", "pcm_s24le"];
        ffmpeg(&arguments, &file);
        let found = bench.analyze(&file).unwrap().analysis;
        let off = |a: i64, b: i64, most: i64| assert!((a - b).abs() <= most, "{rate}: {a} {b}");
        let (a, b) = (&found, &expected);
        off(a.duration_frames, b.duration_frames, 48);
        off(a.cues.cue_in, b.cues.cue_in, 1_440);
        off(a.cues.segue, b.cues.segue, 2_400);
        off(a.cues.cue_out, b.cues.cue_out, 2_400);
        off(a.loudness_lufs_x100.unwrap().into(), b.loudness_lufs_x100.unwrap().into(), 10);
        off(a.true_peak_dbtp_x100.unwrap().into(), b.true_peak_dbtp_x100.unwrap().into(), 25);
    }
}

#[test]
fn intros_and_places_on_albums_are_read_from_tags() {
    let bench = Bench::new();
    let plain = bench.parts("plain.wav", &[(5.0, Some((-12.0, -12.0)))]);
    let tagged = |name: &str, tags: &[&str]| {
        let mut arguments = vec!["-i", plain.to_str().unwrap()];
        arguments.extend(tags.iter().flat_map(|tag| ["-metadata", tag]));
        let file = bench.path(name);
        ffmpeg(&arguments, &file);
        bench.analyze(&file).unwrap().analysis
    };
    let place = |disc, track| Some(AlbumPlace { disc, track });
    let found =
        tagged("a.flac", &["INTRO=2.5", "track=7/12", "disc=2", "BPM=128", "INITIALKEY=Am"]);
    assert_eq!((found.intro_end, found.album_place), (Some(120_000), place(2, 7)));
    assert_eq!((found.bpm_x100, found.key.as_str()), (Some(12_800), "Am"));
    // ffmpeg writes what it has no name for as TXXX.
    let found = tagged("a.mp3", &["INTRO=2500", "track=3"]);
    assert_eq!((found.intro_end, found.album_place), (Some(120_000), place(1, 3)));
    let found = tagged("comment.flac", &["comment=cut here; intro=0:02.5"]);
    assert_eq!((found.intro_end, found.album_place), (Some(120_000), None));
    let beyond = tagged("beyond.flac", &["INTRO=60"]);
    assert_eq!(beyond.intro_end, None, "longer than the sound");
}

#[test]
fn more_sound_than_its_bytes_can_hold_is_refused() {
    let bench = Bench::new();
    let silence = |name: &str, seconds: &str, more: &[&str]| {
        let path = bench.path(name);
        let mut arguments = vec!["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", seconds];
        arguments.extend(more);
        ffmpeg(&arguments, &path);
        path
    };
    let usual = bench.analyze(&silence("usual.flac", "600", &[])).unwrap();
    assert_eq!(usual.analysis.duration_frames, 600 * 48_000);
    // An hour in 14 kB: each frame of FLAC stands for eight seconds.
    let packed = silence("packed.flac", "3600", &["-frame_size", "65535"]);
    let error = bench.analyze(&packed).unwrap_err();
    assert!(error.contains("more than its"), "{error}");
}
