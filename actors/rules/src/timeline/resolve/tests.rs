//! What the resolver does with a chain, one rule each.

use super::*;
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::timeline::{Anchor, Transition};
use grimnir_events::{ContentHash, MediaId, UtcMicros};
use std::collections::BTreeSet;

/// Frames of a second.
pub(super) const S: i64 = 48_000;
/// A whole hour, in frames and in time.
pub(super) const HOUR: UtcMicros = UtcMicros(497_000 * 3_600_000_000);

pub(super) fn id(n: u8) -> LineId {
    LineId([n; 16])
}

pub(super) fn at(seconds: i64) -> UtcMicros {
    HOUR.plus(seconds * 1_000_000)
}

pub(super) fn frame(seconds: i64) -> AirFrame {
    at(seconds).frame()
}

/// A line of `airtime` seconds, with 3 s of crossfade after it.
pub(super) fn line(n: u8, airtime: i64) -> Line {
    Line {
        id: id(n),
        media_id: MediaId([n; 16]),
        play_hash: ContentHash([n; 32]),
        title: format!("line {n}"),
        artist: String::new(),
        kind: ItemKind::Music,
        planned_at: HOUR,
        anchor: Anchor::AfterPrevious,
        cues: CueMarks { cue_in: 0, segue: airtime * S, cue_out: (airtime + 3) * S },
        gain_db_x100: 0,
        transition: Transition::Crossfade { curve: FadeCurve::EqualPower },
        min_airtime: 10 * S,
        must_air: false,
        long_form: false,
    }
}

pub(super) fn hard(n: u8, airtime: i64, seconds: i64) -> Line {
    Line { anchor: Anchor::Hard { at: at(seconds) }, ..line(n, airtime) }
}

pub(super) fn soft(n: u8, airtime: i64, seconds: i64, grace: i64) -> Line {
    let anchor = Anchor::Soft { at: at(seconds), grace_us: grace * 1_000_000 };
    Line { anchor, ..line(n, airtime) }
}

pub(super) fn must_air(line: Line) -> Line {
    Line { must_air: true, ..line }
}

pub(super) fn settings() -> ResolveSettings {
    ResolveSettings {
        crossfade_frames: 3 * S,
        curve: FadeCurve::EqualPower,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    }
}

pub(super) fn from(seconds: i64) -> Cursor {
    Cursor { at: frame(seconds), playing: None }
}

/// Plays line 99 from `start`, for `airtime` seconds and 3 s of overlap.
fn playing(start: i64, airtime: i64, now: i64) -> Cursor {
    let playing = Playing {
        line_id: id(99),
        start: frame(start),
        segue: frame(start + airtime),
        end: frame(start + airtime + 3),
    };
    Cursor { at: frame(now), playing: Some(playing) }
}

fn run(lines: &[Line], cursor: &Cursor) -> Resolution {
    resolve(lines, cursor, &settings())
}

/// Lines and their starts in seconds of the hour.
fn starts(resolution: &Resolution) -> Vec<(u8, i64)> {
    let seconds = |frames: i64| {
        assert_eq!(frames % S, 0, "starts on whole seconds here");
        frames / S
    };
    let of = |r: &Resolved| (r.line_id.0[0], seconds(r.start.since(frame(0))));
    resolution.lines.iter().map(of).collect()
}

#[test]
fn lines_follow_at_the_segue_mark_and_overlap_until_cue_out() {
    let out = run(&[line(1, 100), line(2, 50), line(3, 20)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 100), (3, 150)]);
    assert_eq!(out.lines[0].end, frame(103));
    assert_eq!((out.lines[0].fade_out, out.lines[1].fade_in), (3 * S, 3 * S));
    assert_eq!((out.lines[0].fade_in, out.lines[2].fade_out), (0, 0));
    assert_eq!(out.end, frame(173));
    assert!(out.gaps.is_empty() && out.dropped.is_empty() && out.playing_cut.is_none());
}

#[test]
fn a_segue_overlaps_at_full_level() {
    let first = Line { transition: Transition::Segue, ..line(1, 100) };
    let out = run(&[first, line(2, 50)], &from(0));
    assert_eq!(out.lines[0].end, frame(103));
    assert_eq!((out.lines[0].fade_out, out.lines[1].fade_in), (0, 0));
}

#[test]
fn without_overlap_lines_join_gaplessly() {
    let mut first = line(1, 100);
    first.cues.cue_out = first.cues.segue;
    let out = run(&[first, line(2, 50)], &from(0));
    assert_eq!((out.lines[0].end, out.lines[1].start), (frame(100), frame(100)));
    assert_eq!((out.lines[0].fade_out, out.lines[1].fade_in), (0, 0));
}

#[test]
fn the_playing_item_hands_over_at_its_segue_mark() {
    let out = run(&[line(1, 100)], &playing(-50, 80, 10));
    assert_eq!(starts(&out), [(1, 30)]);
    assert_eq!((out.playing_cut, out.playing_fade_out), (None, 3 * S));
    assert_eq!(out.lines[0].fade_in, 3 * S);
}

#[test]
fn the_playing_line_is_not_played_twice() {
    let out = run(&[line(99, 80), line(1, 100)], &playing(-50, 80, 10));
    assert_eq!(starts(&out), [(1, 30)]);
}

#[test]
fn a_hard_line_starts_on_its_frame_and_ends_what_plays_with_a_fade() {
    let out = run(&[line(1, 100), hard(2, 50, 60)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 60)]);
    let first = &out.lines[0];
    assert_eq!((first.end, first.segue, first.cut), (frame(60), frame(60), true));
    assert_eq!((first.fade_out, out.lines[1].fade_in), (ANCHOR_FADE_FRAMES, 0));
}

#[test]
fn a_hard_line_within_the_overlap_cuts_it() {
    let out = run(&[line(1, 100), hard(2, 50, 102)], &from(0));
    assert_eq!((out.lines[0].end, out.lines[0].cut), (frame(102), true));
    assert_eq!(out.lines[0].segue, frame(100), "its segue mark was reached");
}

#[test]
fn a_hard_line_ends_both_sides_of_a_running_crossfade() {
    let second = Line { min_airtime: S, ..line(2, 50) };
    let out = run(&[line(1, 100), second, hard(3, 50, 102)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 100), (3, 102)]);
    assert_eq!((out.lines[0].end, out.lines[1].end), (frame(102), frame(102)));
    assert_eq!(out.lines[0].fade_out, 2 * S, "the crossfade goes on to the cut");
    assert_eq!(out.lines[1].fade_in, 2 * S);
}

#[test]
fn a_hard_line_cuts_the_playing_item() {
    let out = run(&[hard(1, 50, 20)], &playing(-50, 80, 10));
    assert_eq!(starts(&out), [(1, 20)]);
    assert_eq!(out.playing_cut, Some((frame(20), ANCHOR_FADE_FRAMES)));
}

#[test]
fn what_has_no_useful_airtime_before_a_hard_line_is_dropped() {
    let out = run(&[line(1, 55), line(2, 100), hard(3, 50, 60)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (3, 60)]);
    assert_eq!(out.dropped, [(id(2), DropReason::NoUsefulAirtime)]);
    assert_eq!(out.gaps, [(frame(58), frame(60))], "line 1 sounds to its cue out");
}

#[test]
fn what_cannot_start_before_a_hard_line_is_dropped() {
    let out = run(&[line(1, 55), line(2, 100), hard(3, 50, 20)], &playing(-50, 80, 10));
    assert_eq!(starts(&out), [(3, 20)]);
    let passed = DropReason::PassedByAnchor;
    assert_eq!(out.dropped, [(id(1), passed), (id(2), passed)]);
}

#[test]
fn a_chain_that_runs_out_before_a_hard_line_leaves_a_gap() {
    let out = run(&[line(1, 20), hard(2, 50, 60)], &from(0));
    assert_eq!(out.gaps, [(frame(23), frame(60))]);
    assert!(!out.lines[0].cut);
}

#[test]
fn a_late_hard_line_starts_now_while_its_slot_is_of_use() {
    let out = run(&[line(9, 30), hard(1, 50, 0)], &playing(-50, 100, 40));
    assert_eq!(starts(&out), [(1, 40)]);
    assert_eq!(out.dropped, [(id(9), DropReason::PassedByAnchor)]);
    assert_eq!(out.playing_cut, Some((frame(40), ANCHOR_FADE_FRAMES)));
    let out = run(&[hard(1, 50, 0), line(2, 50)], &from(41));
    assert_eq!(starts(&out), [(2, 41)]);
    assert_eq!(out.dropped, [(id(1), DropReason::TimePassed)]);
}

#[test]
fn a_late_hard_line_that_must_air_comes_at_the_next_junction() {
    let out = run(&[must_air(hard(1, 50, 0)), line(2, 50)], &playing(-50, 150, 60));
    assert_eq!(starts(&out), [(1, 100), (2, 150)]);
    assert_eq!((out.moved, out.dropped), (vec![id(1)], vec![]));
}

#[test]
fn a_soft_line_starts_at_the_first_junction_once_its_time_has_come() {
    let lines = [line(1, 50), line(2, 50), line(3, 50), soft(4, 50, 60, 600)];
    let out = run(&lines, &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 50), (4, 100)]);
    assert_eq!(out.dropped, [(id(3), DropReason::PassedByAnchor)]);
    assert!(!out.lines[1].cut);
}

#[test]
fn a_soft_line_cuts_after_its_grace() {
    let out = run(&[line(1, 500), soft(2, 50, 60, 30)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 90)]);
    assert!(out.lines[0].cut);
    assert_eq!(out.lines[0].fade_out, ANCHOR_FADE_FRAMES);
}

#[test]
fn a_soft_line_is_early_by_its_grace_at_most_and_waits_beyond() {
    let out = run(&[line(1, 30), soft(2, 50, 60, 30)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 30)]);
    assert!(out.gaps.is_empty());
    let out = run(&[line(1, 29), soft(2, 50, 60, 30)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 60)]);
    // From where the first has faded, 3 s after its segue mark.
    assert_eq!(out.gaps, [(frame(32), frame(60))]);
    // What fills the gap is not passed by it, and may go on for the grace.
    let out = run(&[line(1, 29), line(3, 45), soft(2, 50, 60, 30)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (3, 29), (2, 74)]);
    // Nothing is on air before it: a sign-on does not pull an hour forward either.
    assert_eq!(starts(&run(&[soft(2, 50, 60, 30)], &from(0))), [(2, 60)]);
}

#[test]
fn a_soft_line_that_could_not_play_long_enough_cuts_nothing() {
    let out = run(&[line(1, 500), soft(2, 50, 60, 30), hard(3, 50, 95)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (3, 95)]);
    assert_eq!(out.dropped, [(id(2), DropReason::PassedByAnchor)]);
    assert!(out.gaps.is_empty(), "line 1 plays on to the hard start");
}

#[test]
fn lines_that_must_air_follow_the_anchored_line_in_order() {
    let lines = [
        line(1, 55),
        must_air(line(2, 100)),
        must_air(line(3, 20)),
        line(4, 20),
        hard(5, 50, 60),
        line(6, 50),
    ];
    let out = run(&lines, &from(0));
    assert_eq!(starts(&out), [(1, 0), (5, 60), (2, 110), (3, 210), (6, 230)]);
    assert_eq!(out.moved, [id(2), id(3)]);
    assert_eq!(out.dropped, [(id(4), DropReason::NoUsefulAirtime)]);
}

#[test]
fn a_line_that_must_air_moves_on_while_anchors_leave_no_room() {
    let lines = [line(1, 58), must_air(line(2, 30)), hard(3, 50, 60), hard(4, 50, 112)];
    let out = run(&lines, &from(0));
    assert_eq!(starts(&out), [(1, 0), (3, 60), (4, 112), (2, 162)]);
    assert_eq!(out.moved, [id(2)]);
}

#[test]
fn of_two_lines_on_the_same_frame_the_later_wins() {
    let out = run(&[hard(1, 50, 60), hard(2, 50, 60)], &from(0));
    assert_eq!(starts(&out), [(2, 60)]);
    assert_eq!(out.dropped, [(id(1), DropReason::PassedByAnchor)]);
}

#[test]
fn a_hard_line_that_the_next_leaves_no_room_takes_none_from_others() {
    let out = run(&[line(1, 52), line(2, 50), hard(3, 50, 60), hard(4, 50, 65)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 52), (4, 65)]);
    assert_eq!(out.dropped, [(id(3), DropReason::NoUsefulAirtime)]);
}

#[test]
fn at_most_two_lines_sound_at_once() {
    let mut long_tail = line(1, 20);
    long_tail.cues.cue_out = 300 * S;
    let out = run(&[long_tail, line(2, 15), line(3, 50)], &from(0));
    assert_eq!(starts(&out), [(1, 0), (2, 20), (3, 35)]);
    assert_eq!((out.lines[0].end, out.lines[0].fade_out), (frame(35), 15 * S));
    assert!(!out.lines[0].cut, "no anchor did it");
}

#[test]
fn a_line_with_nothing_to_air_is_dropped() {
    let mut empty = line(1, 20);
    empty.cues = CueMarks { cue_in: 5, segue: 5, cue_out: 5 };
    let out = run(&[empty, line(2, 20)], &from(0));
    assert_eq!(starts(&out), [(2, 0)]);
    assert_eq!(out.dropped, [(id(1), DropReason::NoUsefulAirtime)]);
}

fn planned(line: Line, seconds: i64) -> Line {
    Line { planned_at: at(seconds), ..line }
}

fn rejoined(lines: &[Line], now: i64, done: &[u8], broken: Option<(u8, i64)>) -> Rejoined {
    let done: BTreeSet<LineId> = done.iter().map(|n| id(*n)).collect();
    let broken = broken.map(|(n, s)| Interrupted { line_id: id(n), at_frame: s * S });
    rejoin(lines, frame(now), &done, broken)
}

#[test]
fn rejoin_starts_at_the_first_line_with_useful_airtime_left() {
    let lines = [planned(line(1, 100), 0), planned(line(2, 100), 100), planned(line(3, 100), 200)];
    let out = rejoined(&lines, 195, &[1], None);
    assert_eq!(out.lines, lines[2..]);
    assert_eq!(out.dropped, [(id(2), DropReason::TimePassed)]);
    let out = rejoined(&lines, 190, &[1], None);
    assert_eq!(out.lines, lines[1..], "ten seconds are of use");
    let resolution = resolve(&out.lines, &from(190), &settings());
    assert_eq!((resolution.lines[0].start, resolution.lines[0].from_frame), (frame(190), 0));
}

#[test]
fn rejoin_moves_what_must_air_to_the_front_in_order() {
    let lines = [
        planned(must_air(hard(1, 30, 0)), 0),
        planned(line(2, 100), 30),
        planned(must_air(line(3, 30)), 130),
        planned(line(4, 100), 200),
    ];
    let out = rejoined(&lines, 190, &[], None);
    let ids: Vec<u8> = out.lines.iter().map(|line| line.id.0[0]).collect();
    assert_eq!(ids, [1, 3, 4]);
    assert_eq!(out.moved, [id(1), id(3)]);
    assert_eq!(out.lines[0].anchor, Anchor::AfterPrevious);
    assert_eq!(out.dropped, [(id(2), DropReason::TimePassed)]);
}

#[test]
fn rejoin_resumes_long_form_where_it_was_cut() {
    let show = Line { long_form: true, ..line(1, 1_000) };
    let out = rejoined(&[planned(show, 0), planned(line(2, 50), 1_000)], 500, &[1], Some((1, 400)));
    assert_eq!(out.lines[0].cues.cue_in, 400 * S);
    assert_eq!(out.lines.len(), 2);
    assert!(out.dropped.is_empty() && out.moved.is_empty());
}

#[test]
fn rejoin_drops_an_interrupted_song_and_replays_an_interrupted_spot() {
    let lines = [planned(line(1, 100), 0), planned(must_air(line(2, 100)), 100)];
    let out = rejoined(&lines, 50, &[1], Some((1, 40)));
    assert_eq!(out.dropped, [(id(1), DropReason::Interrupted)]);
    let out = rejoined(&lines, 150, &[1, 2], Some((2, 40)));
    assert_eq!((out.moved, out.lines[0].cues.cue_in), (vec![id(2)], 0));
}

#[test]
fn rejoin_counts_a_line_as_done_once_its_segue_mark_was_reached() {
    let lines = [planned(must_air(line(1, 100)), 0), planned(line(2, 100), 100)];
    let out = rejoined(&lines, 150, &[1], Some((1, 101)));
    assert_eq!(out.lines, lines[1..]);
    assert!(out.dropped.is_empty() && out.moved.is_empty());
}
