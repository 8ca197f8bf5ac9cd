//! Cue points and the test tones.

mod support;

use grimnir_mix::cue::power;
use grimnir_mix::tone::{CODES, Tone, code_pair, code_track, heard_track, tone_level};
use grimnir_mix::{CueMarks, CueSettings, Ending, RATE, find_cues};

/// Windows of 10 ms at these levels: (from, to, windows) in LU against a loudness of -12 LUFS, in
/// a straight line.
fn sound(parts: &[(f32, f32, usize)]) -> Vec<f32> {
    let window = |(from, to, count): &(f32, f32, usize)| {
        let (from, by, count) = (*from, to - from, *count);
        (0..count).map(move |n| power(LOUDNESS + from + by * n as f32 / count as f32))
    };
    parts.iter().flat_map(window).collect()
}

const LOUDNESS: f32 = -12.0;
const NOTHING: f32 = -90.0;

fn marks(parts: &[(f32, f32, usize)]) -> CueMarks {
    find_cues(&sound(parts), LOUDNESS, &CueSettings::default()).expect("sounds")
}

#[test]
fn marks_lie_at_the_edges_of_the_sound() {
    let marks = marks(&[(NOTHING, NOTHING, 50), (0.0, 0.0, 1_000), (NOTHING, NOTHING, 100)]);
    assert_eq!((marks.cue_in, marks.segue, marks.cue_out), (50, 1_050, 1_050));
    assert_eq!((marks.silence_before, marks.silence_after), (50, 100));
    assert_eq!((marks.ending, marks.full_from), (Ending::Cold, 50));
    assert!(marks.opening_lu.abs() < 0.01, "{marks:?}");
}

#[test]
fn the_beginning_is_34_lu_and_the_end_42_lu_below_the_loudness() {
    let marks = marks(&[
        (-36.0, -36.0, 30),
        (-33.0, -33.0, 20),
        (0.0, 0.0, 1_000),
        (-40.0, -40.0, 100),
        (-43.0, -43.0, 100),
    ]);
    assert_eq!((marks.cue_in, marks.cue_out), (30, 1_150));
    assert_eq!((marks.silence_before, marks.silence_after), (0, 0), "-55 LUFS is no silence");
}

#[test]
fn segue_lies_where_the_sound_falls_below_7_lu() {
    // 42 LU in 4.2 s: 7 LU after 0.7 s; the level is taken over 100 ms.
    let marks = marks(&[(0.0, 0.0, 2_000), (0.0, -42.0, 420)]);
    assert!((2_070..=2_080).contains(&marks.segue), "{marks:?}");
    assert!((2_415..=2_420).contains(&marks.cue_out), "{marks:?}");
    assert_eq!(marks.ending, Ending::Falling);
    assert!((marks.fall_lu_per_s - 10.0).abs() < 0.3, "{marks:?}");
}

#[test]
fn a_click_in_the_ending_does_not_move_the_segue() {
    let fade: &[_] = &[(0.0, 0.0, 2_000), (-8.0, -30.0, 200), (-4.0, -4.0, 1), (-30.0, -42.0, 200)];
    let marks = marks(fade);
    assert_eq!((marks.segue - 2_000) / 10, 0, "{marks:?}");
}

#[test]
fn a_held_last_sound_is_heard_before_the_next_begins() {
    let held = marks(&[(0.0, 0.0, 2_000), (-9.0, -11.0, 300), (-11.0, -42.0, 150)]);
    assert_eq!(held.ending, Ending::Held);
    assert!((2_300..2_350).contains(&held.segue), "{held:?}");
    let falling = marks(&[(0.0, 0.0, 2_000), (-9.0, -42.0, 450)]);
    assert_eq!((falling.ending, falling.segue / 10), (Ending::Falling, 200));
}

#[test]
fn an_ending_is_at_most_six_seconds_long() {
    let marks = marks(&[(0.0, 0.0, 4_000), (-8.0, -41.0, 2_000)]);
    assert_eq!((marks.segue, marks.ending), (marks.cue_out - 600, Ending::Long));
}

#[test]
fn a_quiet_beginning_is_measured() {
    let marks = marks(&[(-20.0, -20.0, 300), (0.0, 0.0, 2_000)]);
    assert!((290..=300).contains(&marks.full_from) && marks.cue_in == 0, "{marks:?}");
    assert!((marks.opening_lu + 20.0).abs() < 0.01, "{marks:?}");
}

#[test]
fn a_quiet_programme_is_judged_by_its_own_level() {
    let quiet: Vec<f32> =
        [-110.0, -50.0, -110.0].iter().flat_map(|lufs| vec![power(*lufs); 200]).collect();
    let marks = find_cues(&quiet, -50.0, &CueSettings::default()).expect("sounds");
    assert_eq!((marks.cue_in, marks.cue_out), (200, 400));
}

#[test]
fn silence_has_no_marks() {
    assert_eq!(find_cues(&[0.0; 100], LOUDNESS, &CueSettings::default()), None);
    assert_eq!(find_cues(&[], LOUDNESS, &CueSettings::default()), None);
    let one = find_cues(&[power(LOUDNESS)], LOUDNESS, &CueSettings::default());
    assert_eq!(one.map(|m| (m.cue_in, m.segue, m.cue_out)), Some((0, 1, 1)));
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
