//! Segments as another decoder hears them: every bit rate alike, and no gap where they meet.

use super::super::window::{Entry, Window};
use super::super::{playlist, serve, shelf::Shelf};
use super::*;
use bytes::Bytes;
use grimnir_events::OutputId;
use grimnir_events::output::HlsOutput;
use std::path::Path;

const RATES: [u16; 2] = [128, 192];
/// 2026-11-21T14:00:00Z and a little.
const FIRST: i64 = 1_795_269_600 * 48_000 + 77;
/// Frames of a segment of a second: 47 encoded frames.
const SECOND: usize = 47 * 1_024;

/// No stretch of it is like another: a tone that glides, the same on both sides, because the
/// encoder gives up the phases of what differs.
fn programme() -> Vec<Frame> {
    let tone = |n: f64| (n * (0.03 + n * 1e-7)).sin() as f32 * 0.4;
    (0..5 * 48_000).map(|n| [tone(f64::from(n)); 2]).collect()
}

fn hls(container: HlsContainer, folder: Option<&str>) -> HlsOutput {
    HlsOutput {
        path: "/hls/main".into(),
        container,
        bitrates_kbps: RATES.to_vec(),
        segment_ms: 1_000,
        window: 3,
        folder: folder.map(str::to_owned),
    }
}

fn segments(container: HlsContainer) -> Vec<Segment> {
    gstreamer::init().expect("GStreamer is installed");
    let mut cutter = Cutter::new(container, &RATES, 1_000, AirFrame(FIRST), "One").expect("made");
    let mut segments = Vec::new();
    for (n, part) in programme().chunks(4_800).enumerate() {
        if n == 25 {
            cutter.set_title("Two");
        }
        let number = segments.len() as u64;
        segments.extend(cutter.push(part, number).expect("it encodes"));
    }
    let number = segments.len() as u64;
    segments.extend(cutter.end(number).expect("it ends"));
    segments
}

fn decoded(playlist: &Path) -> Vec<Frame> {
    let out = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(playlist)
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let sample = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    out.stdout.chunks_exact(8).map(|frame| [sample(frame), sample(&frame[4..])]).collect()
}

/// Difference in dB below the programme.
fn difference(heard: &[Frame], given: &[Frame]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let all: f64 = given.iter().map(|g| square(g[0]) + square(g[1])).sum();
    let off = heard.iter().zip(given).map(|(h, g)| square(h[0] - g[0]) + square(h[1] - g[1]));
    10.0 * (off.sum::<f64>() / all).log10()
}

#[test]
fn segments_of_every_bit_rate_are_alike_to_the_frame_and_join_without_a_gap() {
    let programme = programme();
    for container in [HlsContainer::PackedAac, HlsContainer::Fmp4] {
        let dir = tempfile::tempdir().expect("dir");
        for (name, bytes) in serve::unchanging(container, &RATES) {
            std::fs::write(dir.path().join(name), bytes).expect("written");
        }
        let segments = segments(container);
        let mut entries = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            let number = number as u64;
            for (kbps, bytes) in RATES.iter().zip(&segment.variants) {
                let name = playlist::segment_name(container, *kbps, number);
                std::fs::write(dir.path().join(name), bytes).expect("written");
            }
            let (first, frames) = (segment.first, segment.frames);
            entries.push(Entry { number, first, frames, cut: false });
        }
        assert_eq!(entries[0].first.0, FIRST - SAMPLES);
        assert!(entries[..4].iter().all(|entry| entry.frames as usize == SECOND));
        let length: i64 = entries.iter().map(|entry| entry.frames).sum();
        assert!(length > 5 * 48_000 - 4 * SAMPLES, "{length}");
        for kbps in RATES {
            let entries: Vec<&Entry> = entries.iter().collect();
            let text = playlist::media(&hls(container, None), kbps, 0, &entries) + playlist::END;
            let path = dir.path().join(playlist::media_name(kbps));
            std::fs::write(&path, text).expect("written");
            let heard = decoded(&path);
            let whose = format!("{container:?} at {kbps}");
            assert_eq!(heard.len() as i64, length, "{whose}");
            // What the encoder is behind is told in the first segment's time.
            let heard = &heard[SAMPLES as usize..];
            let (right, late) =
                (difference(heard, &programme), difference(&heard[1..], &programme));
            assert!(right < -30.0 && right + 5.0 < late, "{whose}: {right:.1} dB, {late:.1}");
            for joint in (1..5).map(|n| n * SECOND - SAMPLES as usize) {
                let around = joint - 960..joint + 960;
                let off = difference(&heard[around.clone()], &programme[around]);
                assert!(off < -25.0, "{whose}: {off:.1} dB at a joint");
            }
        }
    }
}

#[test]
fn a_title_stands_in_the_segment_in_which_it_is_first_heard_and_in_those_after() {
    for container in [HlsContainer::PackedAac, HlsContainer::Fmp4] {
        let names = |segment: &Segment, title: &[u8]| {
            let title = [b"TIT2\0\0\0\x04\0\0\x03", title].concat();
            let bytes = &segment.variants[1];
            bytes.windows(title.len()).filter(|w| *w == title).count()
        };
        // At 2.5 s: the third of a second each.
        let found: Vec<_> = segments(container)
            .iter()
            .map(|segment| (names(segment, b"One"), names(segment, b"Two")))
            .collect();
        assert_eq!(found[..5], [(1, 0), (1, 0), (1, 1), (0, 1), (0, 1)], "{container:?}");
    }
}

fn segment(n: i64) -> Segment {
    let first = AirFrame(FIRST + n * SECOND as i64);
    Segment { first, frames: SECOND as i64, variants: vec![vec![n as u8; 9]; RATES.len()] }
}

#[test]
fn numbers_go_on_after_a_restart_behind_a_cut() {
    for folder in [None, Some("live")] {
        let dir = tempfile::tempdir().expect("dir");
        let hls = hls(HlsContainer::PackedAac, folder);
        let shelf = Shelf::new(dir.path(), OutputId([1; 16]), &hls);
        let mut window = shelf.window();
        let (tx, rx) = std::sync::mpsc::channel();
        let told = move |done: Result<(), String>| drop(tx.send(done));
        let writer =
            super::super::shelf::Writer::start(shelf.clone(), window.kept(), told).expect("runs");
        for n in 0..12 {
            let (entry, variants, gone) = window.push(segment(n));
            assert!(writer.send(shelf.change(&window, &entry, variants, &gone)));
            assert_eq!(rx.recv(), Ok(Ok(())));
        }
        let (cuts, listed) = window.listed();
        let numbers: Vec<u64> = listed.iter().map(|entry| entry.number).collect();
        assert_eq!((cuts, numbers), (0, vec![9, 10, 11]));
        // Those that have left the playlist are to be had for as long again.
        assert!(window.segment(5, 1).is_some() && window.segment(4, 1).is_none());
        if let Some(folder) = folder {
            let there = |name: &str| dir.path().join("hls").join(folder).join(name).exists();
            assert!(there("128-5.aac") && there("192-11.aac") && !there("192-4.aac"));
            assert!(there("index.m3u8") && there("192.m3u8"));
        }
        let mut after = Shelf::new(dir.path(), OutputId([1; 16]), &hls).window();
        after.cut();
        let (entry, ..) = after.push(segment(20));
        assert_eq!((entry.number, entry.cut), (12, true));
        let (_, listed) = after.listed();
        let numbers: Vec<u64> = listed.iter().map(|entry| entry.number).collect();
        let expected = if folder.is_some() { vec![10, 11, 12] } else { vec![12] };
        assert_eq!(numbers, expected);
        for n in 21..30 {
            after.push(segment(n));
        }
        assert_eq!(after.listed().0, 1, "the cut has left the playlist");
    }
}

#[test]
fn what_takes_too_much_memory_goes_sooner() {
    let mut window = Window::after(120, None, |_| None);
    for n in 0..100 {
        let variants = vec![vec![0; 1024 * 1024]; 1];
        window.push(Segment { variants, ..segment(n) });
    }
    assert_eq!(window.listed().1.len(), 32);
    assert_eq!(window.segment(99, 0).map(|(bytes, _): (Bytes, _)| bytes.len()), Some(1024 * 1024));
}

/// Bodies of the boxes of this name at the top of a segment, or within the boxes named before it.
fn boxes<'a>(bytes: &'a [u8], names: &[&[u8; 4]]) -> Vec<&'a [u8]> {
    let Some((name, inner)) = names.split_first() else { return vec![bytes] };
    let (mut rest, mut found) = (bytes, Vec::new());
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if head[4..] == name[..] {
            found.extend(boxes(&rest[8..length], inner));
        }
        rest = &rest[length..];
    }
    found
}

#[test]
fn fragments_and_titles_stand_at_their_frames_of_the_programme() {
    // Behind version and flags; of an event message, behind the scale as well.
    let time = |body: &[u8], at: usize| {
        i64::from_be_bytes(body[at..at + 8].try_into().expect("eight bytes"))
    };
    let segments = segments(HlsContainer::Fmp4);
    assert!(segments.len() > 4);
    let mut next = FIRST - SAMPLES;
    let mut titles = Vec::new();
    for segment in &segments {
        for bytes in &segment.variants {
            let begins = boxes(bytes, &[b"moof", b"traf", b"tfdt"]);
            assert_eq!(begins.iter().map(|b| time(b, 4)).collect::<Vec<_>>(), [next]);
            let told: Vec<i64> = boxes(bytes, &[b"emsg"]).iter().map(|b| time(b, 8)).collect();
            assert_eq!(told[0], next, "what is heard at its start");
            titles.push(told[1..].to_vec());
        }
        next += segment.frames;
    }
    // It was set behind 2.5 s, and is heard with the encoded frame that begins next.
    let set = FIRST - SAMPLES + (25 * 4_800 / SAMPLES + 1) * SAMPLES;
    let later: Vec<i64> = titles.concat();
    assert_eq!(later, [set; 2], "once in either bit rate");
}
