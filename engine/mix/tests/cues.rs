//! Cue points and the test tones.

mod support;

use grimnir_mix::tone::{CODES, Tone, code_pair, code_track, heard_track, tone_level};
use grimnir_mix::{CueFinder, CueSettings, Frame, RATE, find_cues};

/// Frames of a 500 Hz tone at these levels, each (dBFS or silence, frames).
fn levels(parts: &[(Option<f64>, usize)]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (level, length) in parts {
        match level {
            Some(level) => frames.extend(Tone::new(500.0, *level).frames(RATE, *length)),
            None => frames.resize(frames.len() + length, [0.0; 2]),
        }
    }
    frames
}

fn near(found: i64, expected: i64) -> bool {
    (found - expected).abs() <= 480
}

#[test]
fn marks_lie_at_the_edges_of_the_sound() {
    let frames = levels(&[(None, 24_100), (Some(-12.0), 480_000), (None, 48_000)]);
    let marks = find_cues(frames.chunks(1_000), CueSettings::default());
    assert!(!marks.silent);
    assert!(marks.cue_in <= 24_100 && near(marks.cue_in, 24_100), "{marks:?}");
    assert!(marks.cue_out >= 504_100 && near(marks.cue_out, 504_100), "{marks:?}");
    assert_eq!(marks.segue, marks.cue_out, "a cold ending has no room to talk over");
}

#[test]
fn segue_lies_where_a_quiet_ending_begins() {
    let frames = levels(&[(Some(-12.0), 960_000), (Some(-30.0), 144_000), (Some(-70.0), 96_000)]);
    let marks = find_cues(frames.chunks(480), CueSettings::default());
    assert!(near(marks.cue_out, 1_104_000), "{marks:?}");
    assert!((marks.segue - 960_000).abs() <= 10 * 480, "{marks:?}");
}

#[test]
fn ending_is_bounded_to_the_last_eight_seconds() {
    let frames = levels(&[(Some(-12.0), 1_920_000), (Some(-30.0), 20 * 48_000)]);
    let marks = find_cues(frames.chunks(4_800), CueSettings::default());
    assert_eq!(marks.segue, marks.cue_out - 8 * 48_000);
}

#[test]
fn quiet_programme_is_judged_by_its_own_level() {
    let frames = levels(&[(None, 48_000), (Some(-50.0), 480_000), (None, 48_000)]);
    let marks = find_cues(frames.chunks(480), CueSettings::default());
    assert!(near(marks.cue_in, 48_000) && near(marks.cue_out, 528_000), "{marks:?}");
}

#[test]
fn silence_is_called_silence() {
    let marks = find_cues([levels(&[(None, 1_234)]).as_slice()], CueSettings::default());
    assert!(marks.silent);
    assert_eq!((marks.cue_in, marks.segue, marks.cue_out), (0, 1_234, 1_234));
    assert!(CueFinder::new(CueSettings::default()).finish().silent);
}

#[test]
fn pieces_do_not_matter() {
    let frames = levels(&[(None, 1_000), (Some(-20.0), 99_999), (Some(-40.0), 30_001)]);
    let whole = find_cues([frames.as_slice()], CueSettings::default());
    for piece in [1, 479, 481, 10_000] {
        assert_eq!(find_cues(frames.chunks(piece), CueSettings::default()), whole);
    }
}

#[test]
fn tone_level_reads_the_peak_level_of_its_own_tone_only() {
    let frames = Tone::new(1_000.0, -20.0).frames(RATE, 9_600);
    assert!((tone_level(&frames, 1_000.0) + 20.0).abs() < 0.01);
    assert!(tone_level(&frames, 1_100.0) < -70.0);
    assert!(tone_level(&[], 1_000.0) <= -190.0);
}

#[test]
fn every_track_is_known_by_its_own_pair() {
    let mut pairs: Vec<(f64, f64)> = (0..CODES).map(code_pair).collect();
    for (low, high) in &pairs {
        for reserved in [853.0, 960.0, 1_562.5, 2_083.3] {
            assert!((low - reserved).abs() > 30.0 && (high - reserved).abs() > 30.0);
        }
    }
    pairs.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
    pairs.dedup();
    assert_eq!(pairs.len(), CODES as usize);
    for track in [0, 1, 12, 13, 77, CODES - 1] {
        assert_eq!(heard_track(&code_track(track, RATE, 9_600), CODES), Some(track));
    }
    assert_eq!(heard_track(&[[0.0; 2]; 9_600], CODES), None);
}
