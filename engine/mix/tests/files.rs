//! Files: exact frames from every kind, from any frame on, and no harm from bad ones.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::path::{Path, PathBuf};

use grimnir_mix::tone::{Tone, write_wav, write_wav_f32};
use grimnir_mix::{Clip, DecodeError, FileSource, Frame, RATE, SourceState};
use support::{coded, db, drain, ffmpeg, write_flac};
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn whole(path: &Path) -> (Vec<Frame>, SourceState) {
    let mut source = FileSource::open(path, 0, None).unwrap_or_else(|e| panic!("{e}"));
    drain(&mut source, 480)
}

/// Noise-like material with all frequencies, so that a shift by one frame shows.
fn sweep(rate: u32, frames: usize) -> Vec<Frame> {
    (0..frames)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            let left = 0.4 * (std::f64::consts::TAU * (200.0 + 900.0 * t) * t).sin();
            let right = 0.4 * (std::f64::consts::TAU * (3_000.0 - 150.0 * t) * t).sin();
            [left as f32, right as f32]
        })
        .collect()
}

#[test]
fn wav_and_flac_at_48_khz_give_the_very_samples() {
    let dir = folder();
    let frames = coded(3, 100_003);
    let (wav, float, flac) =
        (dir.path().join("a.wav"), dir.path().join("b.wav"), dir.path().join("c.flac"));
    write_wav(&wav, RATE, &frames).unwrap();
    write_wav_f32(&float, RATE, &frames).unwrap();
    write_flac(&flac, RATE, &frames);
    for path in [&wav, &float, &flac] {
        let source = FileSource::open(path, 0, None).unwrap();
        assert_eq!(source.duration_frames(), Some(100_003), "{}", path.display());
        assert_eq!((source.info().rate, source.info().channels), (RATE, 2));
        assert!(whole(path) == (frames.clone(), SourceState::Ended), "{}", path.display());
    }
    let info = FileSource::open(&flac, 0, None).unwrap().info().clone();
    assert_eq!(info.codec, "flac");
}

#[test]
fn part_of_a_file_is_the_same_bits_as_in_the_whole() {
    let dir = folder();
    let origin = dir.path().join("origin.wav");
    let mut paths: Vec<PathBuf> = Vec::new();
    for rate in [44_100, 48_000] {
        write_wav(&origin, rate, &sweep(rate, 8 * rate as usize + 77)).unwrap();
        for (name, options) in [
            ("wav", &[][..]),
            ("flac", &["-c:a", "flac"]),
            ("mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]),
            ("vbr.mp3", &["-c:a", "libmp3lame", "-q:a", "5"]),
            ("low.mp3", &["-c:a", "libmp3lame", "-b:a", "32k"]),
            ("ogg", &["-c:a", "libvorbis", "-q:a", "4"]),
        ] {
            let path = dir.path().join(format!("{rate}.{name}"));
            ffmpeg(&origin, options, &path);
            paths.push(path);
        }
        let path = dir.path().join(format!("{rate}.own.flac"));
        write_flac(&path, rate, &sweep(rate, 8 * rate as usize + 77));
        paths.push(path);
    }
    for path in paths {
        let (all, state) = whole(&path);
        assert_eq!(state, SourceState::Ended, "{}", path.display());
        for from in [0, 1, 5_000, 48_000, 131_071, 200_000, 383_000] {
            for length in [1, 480, 100_000] {
                let to = from + length;
                let mut source = FileSource::open(&path, from as i64, Some(to as i64)).unwrap();
                let (part, _) = drain(&mut source, 480);
                let expected = &all[from..to.min(all.len())];
                assert_eq!(part.len(), expected.len(), "{} from {from}", path.display());
                let off = part.iter().zip(expected).position(|(a, b)| a != b);
                assert_eq!(off, None, "{} from {from} to {to}: first difference", path.display());
            }
        }
    }
}

#[test]
fn mp3_with_a_lame_tag_is_exact_in_length_and_place() {
    let dir = folder();
    for rate in [44_100_u32, 48_000] {
        let (wav, mp3) = (dir.path().join("a.wav"), dir.path().join("a.mp3"));
        let frames = sweep(rate, 3 * rate as usize + 123);
        write_wav(&wav, rate, &frames).unwrap();
        ffmpeg(&wav, &["-c:a", "libmp3lame", "-b:a", "192k"], &mp3);
        let (original, _) = whole(&wav);
        let (decoded, _) = whole(&mp3);
        assert_eq!(decoded.len(), original.len(), "{rate} Hz");
        assert_eq!(
            FileSource::open(&mp3, 0, None).unwrap().duration_frames(),
            Some(original.len() as i64)
        );
        // Nowhere does it fit better than in its place.
        let inner = 5_000..original.len() - 5_000;
        let distance = |shift: i64| {
            inner
                .clone()
                .map(|n| {
                    let other = decoded[(n as i64 + shift) as usize];
                    f64::from(original[n][1] - other[1]).powi(2)
                })
                .sum::<f64>()
        };
        let best = (-1_200..=1_200).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        assert_eq!(best, Some(0), "{rate} Hz");
    }
}

#[test]
fn mono_is_heard_on_both_sides_and_surround_is_mixed_down() {
    let dir = folder();
    let (wav, mono, six) =
        (dir.path().join("a.wav"), dir.path().join("mono.wav"), dir.path().join("six.wav"));
    write_wav(&wav, RATE, &Tone::new(1_000.0, -6.0).frames(RATE, 9_600)).unwrap();
    ffmpeg(&wav, &["-ac", "1"], &mono);
    let (one, _) = whole(&mono);
    assert!(one.iter().all(|frame| frame[0] == frame[1]));
    assert_eq!(one.len(), 9_600);
    ffmpeg(&wav, &["-af", "pan=5.1|FC=c0"], &six);
    let (down, _) = whole(&six);
    let peak = down.iter().map(|f| f[0].abs().max(f[1].abs())).fold(0.0, f32::max);
    assert!(down.iter().all(|frame| frame[0] == frame[1]), "centre is in the middle");
    assert!((0.1..0.36).contains(&peak), "centre at −3 dB, scaled: {peak}");
}

#[test]
fn truncated_files_play_what_they_have_and_say_where_they_broke_off() {
    let dir = folder();
    let frames = sweep(44_100, 5 * 44_100);
    let wav = dir.path().join("a.wav");
    write_wav(&wav, 44_100, &frames).unwrap();
    let (all, _) = whole(&wav);
    for (name, options) in [
        ("wav", &[][..]),
        ("flac", &["-c:a", "flac"]),
        ("mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]),
        ("ogg", &["-c:a", "libvorbis"]),
    ] {
        let path = dir.path().join(format!("cut.{name}"));
        ffmpeg(&wav, options, &path);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 3 / 5]).unwrap();
        let mut source = FileSource::open(&path, 0, None).unwrap();
        let (played, state) = drain(&mut source, 480);
        assert!(played.len() > all.len() / 3, "{name}: {} of {}", played.len(), all.len());
        if name != "ogg" {
            assert_eq!(state, SourceState::Failed, "{name}");
            let reason = grimnir_mix::FrameSource::failure(&source).expect("a reason");
            assert!(reason.contains("breaks off at frame"), "{name}: {reason}");
        }
        assert!(Clip::decode(&path, 0, Some(1_000), 10_000).is_ok());
        if state == SourceState::Failed {
            let whole = Clip::decode(&path, 0, None, 10_000_000);
            assert!(matches!(whole, Err(DecodeError::Broken { .. })), "{name}");
        }
    }
}

#[test]
fn content_decides_and_not_the_name() {
    let dir = folder();
    let path = dir.path().join("really-a-wav.mp3");
    write_wav(&path, RATE, &coded(1, 5_000)).unwrap();
    assert_eq!(whole(&path).0, coded(1, 5_000));
    let text = dir.path().join("page.flac");
    std::fs::write(&text, "<html><body>404 Not Found</body></html>\n".repeat(500)).unwrap();
    let empty = dir.path().join("empty.wav");
    std::fs::write(&empty, b"").unwrap();
    let head = dir.path().join("head-only.wav");
    std::fs::write(&head, &std::fs::read(&path).unwrap()[..44]).unwrap();
    let missing = dir.path().join("missing.wav");
    for path in [text, empty, head] {
        let error = FileSource::open(&path, 0, None).err().expect("refused");
        assert!(matches!(error, DecodeError::NotAudio { .. }), "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
    let error = FileSource::open(&missing, 0, None).err().expect("refused");
    assert!(matches!(error, DecodeError::Io { .. }), "{error}");
}

#[test]
fn damaged_files_never_panic_and_always_end() {
    let dir = folder();
    let wav = dir.path().join("a.wav");
    write_wav(&wav, 44_100, &sweep(44_100, 44_100)).unwrap();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut opened = 0;
    for (name, options) in [
        ("wav", &[][..]),
        ("flac", &["-c:a", "flac"]),
        ("mp3", &["-c:a", "libmp3lame", "-b:a", "64k"]),
        ("ogg", &["-c:a", "libvorbis"]),
        ("m4a", &["-c:a", "aac"]),
        ("aiff", &[]),
        ("mka", &["-c:a", "flac"]),
    ] {
        let good = dir.path().join(format!("good.{name}"));
        ffmpeg(&wav, options, &good);
        let bytes = std::fs::read(&good).unwrap();
        let path = dir.path().join(format!("bad.{name}"));
        for round in 0..60 {
            let mut bad = bytes.clone();
            // Ever more flipped bytes; every third time in the header only.
            for _ in 0..=round {
                let reach = if round % 3 == 0 { bad.len().min(200) } else { bad.len() };
                let place = next() as usize % reach;
                bad[place] = next() as u8;
            }
            std::fs::write(&path, bad).unwrap();
            let Ok(mut source) = FileSource::open(&path, 20_000, None) else { continue };
            opened += 1;
            let mut part = vec![[0.0; 2]; 4_800];
            // A file of one second, however it lies about itself, is over within an hour.
            let ended = (0..36_000).any(|_| {
                grimnir_mix::FrameSource::read(&mut source, &mut part).state != SourceState::More
            });
            assert!(ended, "{name} round {round}");
        }
    }
    assert!(opened > 100, "only {opened} of 420 could still be opened");
    let noise: Vec<u8> = (0..300_000).map(|_| next() as u8).collect();
    let path = dir.path().join("noise.mp3");
    std::fs::write(&path, noise).unwrap();
    assert!(FileSource::open(&path, 0, None).is_err());
}

#[test]
fn fault_in_the_middle_leaves_what_follows_in_its_place() {
    let dir = folder();
    let wav = dir.path().join("a.wav");
    write_wav(&wav, RATE, &sweep(RATE, 6 * 48_000)).unwrap();
    for (name, options) in
        [("flac", &["-c:a", "flac"][..]), ("mp3", &["-c:a", "libmp3lame", "-b:a", "128k"])]
    {
        let path = dir.path().join(format!("a.{name}"));
        ffmpeg(&wav, options, &path);
        let (good, _) = whole(&path);
        let mut bytes = std::fs::read(&path).unwrap();
        // Within a packet: an MP3 packet whose head is gone cannot be known to be missing.
        let half = bytes.len() / 2;
        let head = bytes[half..].windows(2).position(|two| two == [0xff, 0xfb]).unwrap_or(0);
        let middle = half + head + 100;
        bytes[middle..middle + 60].fill(0x55);
        std::fs::write(&path, bytes).unwrap();
        let (bad, _) = whole(&path);
        assert_eq!(bad.len(), good.len(), "{name}");
        let tail = good.len() - 96_000;
        let worst = (tail..good.len())
            .map(|n| f64::from((good[n][0] - bad[n][0]).abs()))
            .fold(0.0, f64::max);
        assert!(db(worst) < -120.0, "{name}: {:.1} dBFS", db(worst));
    }
}

#[test]
fn non_finite_samples_of_a_resampled_file_do_not_spread() {
    let dir = folder();
    let path = dir.path().join("a.wav");
    let mut frames = vec![[0.25; 2]; 44_100];
    frames[20_000] = [f32::NAN, f32::INFINITY];
    write_wav_f32(&path, 44_100, &frames).unwrap();
    let mut source = FileSource::open(&path, 0, None).unwrap();
    let (out, _) = drain(&mut source, 480);
    assert!(out.iter().flatten().all(|sample| sample.is_finite()));
    assert_eq!(grimnir_mix::FrameSource::take_non_finite(&mut source), 2);
    assert_eq!(grimnir_mix::FrameSource::take_non_finite(&mut source), 0);
}

#[test]
fn ranges_that_are_none_are_refused_and_a_start_beyond_the_end_is_empty() {
    let dir = folder();
    let path = dir.path().join("a.wav");
    write_wav(&path, RATE, &coded(1, 1_000)).unwrap();
    for (from, to) in [(-1, None), (5, Some(5)), (5, Some(4))] {
        let refused = FileSource::open(&path, from, to);
        assert!(matches!(refused, Err(DecodeError::Range { .. })));
    }
    for from in [1_000, 5_000_000] {
        let mut source = FileSource::open(&path, from, None).unwrap();
        assert_eq!(drain(&mut source, 480), (vec![], SourceState::Ended));
    }
    let long = Clip::decode(&path, 0, None, 999);
    assert!(matches!(long, Err(DecodeError::TooLong { limit: 999, .. })));
    assert_eq!(Clip::decode(&path, 0, None, 1_000).unwrap().0.len(), 1_000);
}
