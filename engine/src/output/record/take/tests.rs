//! Files to the frame, by the judgement of another decoder.

use super::super::mend::{Cut, mend};
use super::*;
use grimnir_events::AirFrame;
use std::path::Path;

/// Neither whole blocks nor whole packets.
const GIVEN: usize = 150_001;
/// First frame of the programme's second file.
const TURN: usize = 70_003;

fn label() -> Label {
    let first = AirFrame(1_790_000_000 * 48_000 + 17);
    Label { station: "Test FM".into(), output: "out_x".into(), run: "run_x".into(), first }
}

/// No stretch of it is like another: two tones that glide, one on each side.
fn programme() -> Vec<Frame> {
    let tone = |n: f64, from: f64| (n * (from + n * 1e-7)).sin() as f32 * 0.4;
    (0..GIVEN).map(|n| [tone(n as f64, 0.03), tone(n as f64, 0.05)]).collect()
}

/// Codes that no other frame has, exact in 16 bits.
fn codes() -> Vec<Frame> {
    let code = |n: usize| [(n % 32_768) as f32 / 32_767.0, (n / 32_768) as f32 / 32_767.0];
    (0..GIVEN).map(code).collect()
}

fn taken(format: MountFormat, frames: &[Frame]) -> (Vec<u8>, Ending) {
    taken_at(format, 128, frames)
}

fn taken_at(format: MountFormat, kbps: u16, frames: &[Frame]) -> (Vec<u8>, Ending) {
    gstreamer::init().expect("GStreamer is installed");
    let mut take = Take::begin(format, kbps, label()).expect("the encoder is installed");
    let mut file = Vec::new();
    for part in frames.chunks(4_801) {
        let piece = take.push(part).expect("it encodes");
        assert!(piece.whole <= take.given);
        file.extend(piece.bytes);
    }
    assert!(take.given as usize == frames.len());
    (file, take.end().expect("it ends"))
}

fn patch(file: &mut [u8], patches: &[(u64, Vec<u8>)]) {
    for (at, bytes) in patches {
        let at = *at as usize;
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn closed(format: MountFormat, frames: &[Frame]) -> Vec<u8> {
    let (mut file, ending) = taken(format, frames);
    file.extend(&ending.piece.bytes);
    assert_eq!(ending.piece.whole as usize, frames.len());
    patch(&mut file, &ending.patches);
    file
}

fn decoded(dir: &Path, file: &[u8]) -> Vec<Frame> {
    let (coded, raw) = (dir.join("coded"), dir.join("raw"));
    std::fs::write(&coded, file).expect("written");
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&coded)
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000"])
        .arg(&raw)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success());
    let bytes = std::fs::read(&raw).expect("read");
    let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect()
}

/// Loudest difference, in dB below the programme; frames that are not there count whole.
fn difference(heard: &[Frame], given: &[Frame]) -> f64 {
    let power = |sum: f64| 10.0 * (sum / given.len() as f64).log10();
    let square = |x: f32| f64::from(x) * f64::from(x);
    let all: f64 = given.iter().map(|g| square(g[0]) + square(g[1])).sum();
    let off = given.iter().enumerate().map(|(n, given)| {
        let heard = heard.get(n).copied().unwrap_or_default();
        square(heard[0] - given[0]) + square(heard[1] - given[1])
    });
    power(off.sum()) - power(all)
}

#[test]
fn a_closed_file_holds_exactly_what_it_was_given() {
    let dir = tempfile::tempdir().expect("dir");
    let codes = codes();
    let flac = closed(MountFormat::Flac, &codes);
    let told = u64::from_be_bytes(flac[18..26].try_into().expect("eight")) & 0xF_FFFF_FFFF;
    assert_eq!(told, GIVEN as u64, "its head says how long it is");
    let heard = decoded(dir.path(), &flac);
    let off = |(heard, given): (&Frame, &Frame)| (0..2).any(|c| (heard[c] - given[c]).abs() > 4e-5);
    assert_eq!(heard.len(), GIVEN);
    assert_eq!(heard.iter().zip(&codes).position(off), None, "every frame once, in order");
    let programme = programme();
    for format in [MountFormat::Mp3, MountFormat::Opus] {
        let heard = decoded(dir.path(), &closed(format, &programme));
        assert_eq!(heard.len(), GIVEN, "{format:?}");
        let (right, late) = (difference(&heard, &programme), difference(&heard[1..], &programme));
        assert!(right < -20.0 && right + 1.0 < late, "{format:?}: {right:.1} dB, late {late:.1}");
    }
}

#[test]
fn two_files_go_on_from_one_another_without_a_gap() {
    let dir = tempfile::tempdir().expect("dir");
    let programme = programme();
    for format in [MountFormat::Flac, MountFormat::Mp3, MountFormat::Opus] {
        let mut heard = decoded(dir.path(), &closed(format, &programme[..TURN]));
        heard.extend(decoded(dir.path(), &closed(format, &programme[TURN..])));
        assert_eq!(heard.len(), GIVEN, "{format:?}");
        // Within 20 ms of the turn, as everywhere.
        let around = TURN - 960..TURN + 960;
        let off = difference(&heard[around.clone()], &programme[around]);
        assert!(off < -14.0, "{format:?}: {off:.1} dB at the turn");
    }
}

#[test]
fn a_cut_file_plays_and_is_mended_to_what_is_whole() {
    let dir = tempfile::tempdir().expect("dir");
    let programme = programme();
    for format in [MountFormat::Flac, MountFormat::Mp3, MountFormat::Opus] {
        let (file, _) = taken(format, &programme);
        for cut in [file.len() - 1, file.len() / 2] {
            let mut file = file[..cut].to_vec();
            let unmended = decoded(dir.path(), &file).len();
            let mended = mend(format, &Cut::of(&file));
            assert!(mended.length as usize <= cut && mended.length > 0);
            file.truncate(mended.length as usize);
            patch(&mut file, &mended.patches);
            let heard = decoded(dir.path(), &file);
            assert_eq!(heard.len() as i64, mended.frames, "{format:?} cut at {cut}");
            // A frame of FLAC is the longest that can be lost.
            assert!(unmended + 4_608 >= heard.len(), "{format:?}: {unmended}, {}", heard.len());
            let off = difference(&heard, &programme[..heard.len()]);
            assert!(off < -20.0, "{format:?} cut at {cut}: {off:.1} dB");
            let again = mend(format, &Cut::of(&file));
            assert_eq!((again.length, again.frames), (mended.length, mended.frames));
        }
        let whole = mend(format, &Cut::of(&file)).frames;
        assert!(whole as usize + 9_216 > GIVEN, "{format:?}: {whole} of {GIVEN}");
    }
}

#[test]
fn an_mp3_is_recorded_at_the_rate_of_the_programme_or_not_at_all() {
    let dir = tempfile::tempdir().expect("dir");
    let programme = programme();
    for kbps in [192, 320] {
        let (mut file, ending) = taken_at(MountFormat::Mp3, kbps, &programme);
        assert_eq!(mend(MountFormat::Mp3, &Cut::of(&file)).length as usize, file.len(), "{kbps}");
        file.extend(ending.piece.bytes);
        patch(&mut file, &ending.patches);
        assert_eq!(decoded(dir.path(), &file).len(), GIVEN, "{kbps}");
    }
    let refused = Take::begin(MountFormat::Mp3, 112, label()).err().expect("too low");
    assert!(refused.contains("112") && refused.contains("128"), "{refused}");
}

#[test]
fn what_is_no_recording_has_nothing_whole() {
    for format in [MountFormat::Flac, MountFormat::Mp3, MountFormat::Opus] {
        for file in [&b""[..], b"fLaC", b"OggS\0", b"ID3\x04\0\0\x7F\x7F\x7F\x7F", &[0xFF; 900]] {
            assert_eq!(mend(format, &Cut::of(file)).frames, 0);
        }
    }
}

#[test]
fn a_file_names_its_programme_and_its_first_frame() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("file");
    for format in [MountFormat::Flac, MountFormat::Mp3, MountFormat::Opus] {
        std::fs::write(&path, closed(format, &programme()[..9_600])).expect("written");
        let told = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "format_tags:stream_tags:format=duration"])
            .arg(&path)
            .output()
            .expect("ffprobe is installed");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let first = format!("GRIMNIR_FIRST_FRAME={}", label().first.0);
        assert!(told.contains(&first) && told.contains("Test FM"), "{format:?}: {told}");
        assert!(told.contains("duration=0.2"), "{format:?}: {told}");
    }
}
