//! Measuring files of every kind, and refusing what is none.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport, TagReport};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::*;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
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
            (report.duration_frames - 192_000).abs() <= 2,
            "{name}: {}",
            report.duration_frames
        );
        assert_eq!((report.source_rate_hz, report.channels), (44_100, 2), "{name}");
        // A 1 kHz sine of amplitude 0.35 on both sides: −9 LUFS, less what the edges' blocks lack.
        let loudness = report.loudness_lufs_x100.unwrap();
        assert!((-980..=-880).contains(&loudness), "{name}: {loudness}");
        let peak = report.true_peak_dbtp_x100.unwrap();
        assert!((-930..=-850).contains(&peak), "{name}: {peak}");
        assert!((report.cue_in - 24_000).abs() < 1_500, "{name}: {}", report.cue_in);
        assert!((report.cue_out - 168_000).abs() < 2_500, "{name}: {}", report.cue_out);
        assert!(report.segue <= report.cue_out && report.segue > report.cue_in);
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
    assert!(report.loudness_range_lu_x100.is_some());
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
            (report.duration_frames - 192_000).abs() < 4_800,
            "{name}: {}",
            report.duration_frames
        );
        assert_eq!(report.tags.artist, "Artist", "{name}");
        let copy = decode(&bench.path("copy.flac"));
        assert_eq!(copy.len() as i64, report.duration_frames, "{name}");
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
    assert_eq!((report.loudness_lufs_x100, report.true_peak_dbtp_x100), (None, None));
}
