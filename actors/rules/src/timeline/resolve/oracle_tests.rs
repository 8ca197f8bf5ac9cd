//! The resolver against properties that hold for any chain, and against a naive reading of the
//! rules for orderly ones.

use super::tests::{HOUR, S, at, frame, from, id, settings};
use super::*;
use grimnir_events::library::CueMarks;
use grimnir_events::timeline::{Anchor, Transition};
use grimnir_events::units::BLOCK_FRAMES;
use grimnir_events::{LineId, UtcMicros};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn any_line() -> impl Strategy<Value = Line> {
    let anchor = prop_oneof![
        3 => Just(Anchor::AfterPrevious),
        1 => (-300..3_600i64, -5..400i64).prop_map(|(s, grace)| Anchor::Soft {
            at: at(s),
            grace_us: grace * 1_000_000 + 7,
        }),
        1 => (-300..3_600i64, 0..1_000i64)
            .prop_map(|(s, us)| Anchor::Hard { at: at(s).plus(us) }),
    ];
    let marks = (0..9 * S, 0..300 * S, 0..9 * S);
    (anchor, marks, 0..20 * S, any::<bool>(), 0..6u8).prop_map(
        |(anchor, (cue_in, airtime, tail), min_airtime, crossfade, must_air)| {
            let mut line = super::tests::line(0, 1);
            line.anchor = anchor;
            let segue = cue_in + airtime;
            line.cues = CueMarks { cue_in, segue, cue_out: segue + tail };
            line.min_airtime = min_airtime;
            if !crossfade {
                line.transition = Transition::Segue;
            }
            line.must_air = must_air == 0;
            line
        },
    )
}

/// Times and lengths from the whole range of the integers, mostly its ends.
fn extreme() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        Just(-1),
        Just(i64::MAX / 48),
        any::<i64>(),
        0..10_000i64,
    ]
}

fn extreme_line() -> impl Strategy<Value = Line> {
    let anchor = (0..3u8, extreme(), extreme()).prop_map(|(kind, at, grace_us)| match kind {
        0 => Anchor::AfterPrevious,
        1 => Anchor::Soft { at: UtcMicros(at), grace_us },
        _ => Anchor::Hard { at: UtcMicros(at) },
    });
    let marks = (extreme(), extreme(), extreme());
    (anchor, marks, extreme(), extreme(), any::<(bool, bool, u8)>()).prop_map(
        |(anchor, (cue_in, segue, cue_out), min_airtime, planned, (must_air, long_form, n))| Line {
            id: id(n % 8),
            anchor,
            cues: CueMarks { cue_in, segue, cue_out },
            min_airtime,
            planned_at: UtcMicros(planned),
            must_air,
            long_form,
            ..super::tests::line(0, 1)
        },
    )
}

fn numbered(mut lines: Vec<Line>) -> Vec<Line> {
    for (n, line) in lines.iter_mut().enumerate() {
        line.id = LineId([n as u8; 16]);
    }
    lines
}

fn cursor() -> impl Strategy<Value = Cursor> {
    (0..600i64, any::<bool>(), 0..200 * S, 0..200 * S, 0..9 * S).prop_map(
        |(now, plays, ago, left, tail)| {
            let at = frame(now);
            let playing = plays.then_some(Playing {
                line_id: id(250),
                start: at.plus(-ago),
                segue: at.plus(left),
                end: at.plus(left + tail),
            });
            Cursor { at, playing }
        },
    )
}

/// Every line given is resolved or dropped, once.
fn check_accounting(lines: &[Line], cursor: &Cursor, out: &Resolution) {
    let mut seen: BTreeMap<LineId, u32> = BTreeMap::new();
    let answered = out.lines.iter().map(|r| r.line_id).chain(out.dropped.iter().map(|d| d.0));
    for line_id in answered {
        *seen.entry(line_id).or_default() += 1;
    }
    let playing = cursor.playing.as_ref().map(|p| p.line_id);
    let given: BTreeSet<LineId> =
        lines.iter().map(|line| line.id).filter(|id| Some(*id) != playing).collect();
    assert_eq!(seen.keys().copied().collect::<BTreeSet<_>>(), given);
    assert!(seen.values().all(|n| *n == 1), "a line is answered twice");
}

fn check_order(out: &Resolution, cursor: &Cursor) {
    assert!(out.lines.iter().all(|r| r.start >= cursor.at && r.end > r.start));
    assert!(out.lines.windows(2).all(|w| w[0].start < w[1].start), "starts rise");
    assert!(out.lines.windows(3).all(|w| w[0].end <= w[2].start), "two sound at once at most");
    for r in &out.lines {
        let length = r.end.since(r.start);
        assert!((0..=length).contains(&r.fade_in) && (0..=length).contains(&r.fade_out));
    }
}

/// No line sounds longer past the next one's start than it says.
fn check_overlaps(lines: &[Line], out: &Resolution) {
    for pair in out.lines.windows(2) {
        let cues = lines[pair[0].index].cues;
        let declared = if cues.segue > cues.cue_in { cues.cue_out - cues.segue } else { 0 };
        assert!(pair[0].end.since(pair[1].start) <= declared);
    }
}

fn check_anchors(lines: &[Line], cursor: &Cursor, out: &Resolution) {
    let mut waited_for = BTreeSet::new();
    for r in out.lines.iter().filter(|r| !out.moved.contains(&r.line_id)) {
        match lines[r.index].anchor {
            Anchor::AfterPrevious => {}
            Anchor::Hard { at } => {
                assert_eq!(r.start, at.frame().max(cursor.at), "a hard start is exact");
                waited_for.insert(r.start);
            }
            Anchor::Soft { at, .. } if r.start == at.frame() => {
                waited_for.insert(r.start);
            }
            Anchor::Soft { .. } => {}
        }
    }
    for (from, to) in &out.gaps {
        assert!(from < to && waited_for.contains(to), "only for a line's own time");
    }
    for r in &out.lines {
        let line = &lines[r.index];
        let airtime = match line.cues.segue - line.cues.cue_in {
            0 => line.cues.cue_out - line.cues.cue_in,
            airtime => airtime,
        };
        let useful = line.min_airtime.min(airtime);
        assert!(r.end.since(r.start) >= useful, "what starts has its useful airtime");
    }
    for (line_id, reason) in &out.dropped {
        let line = lines.iter().find(|line| line.id == *line_id).expect("was given");
        let empty = line.cues.cue_out <= line.cues.cue_in;
        assert!(!line.must_air || empty, "must air, dropped for {reason:?}");
    }
}

/// The frames without sound, found by walking along everything that sounds.
fn check_gaps(cursor: &Cursor, out: &Resolution) {
    let mut heard_to = cursor.at;
    if let Some(playing) = &cursor.playing {
        heard_to = heard_to.max(out.playing_cut.map_or(playing.end, |(end, _)| end));
    }
    let mut gaps = Vec::new();
    for r in &out.lines {
        if r.start > heard_to {
            gaps.push((heard_to, r.start));
        }
        heard_to = heard_to.max(r.end);
    }
    assert_eq!(out.gaps, gaps);
    assert_eq!(out.end, heard_to);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_chain_keeps_the_rules(
        lines in prop::collection::vec(any_line(), 0..24).prop_map(numbered),
        cursor in cursor(),
    ) {
        let out = resolve(&lines, &cursor, &settings());
        check_accounting(&lines, &cursor, &out);
        check_order(&out, &cursor);
        check_overlaps(&lines, &out);
        check_anchors(&lines, &cursor, &out);
        check_gaps(&cursor, &out);
        prop_assert_eq!(&out, &resolve(&lines, &cursor, &settings()), "deterministic");
    }

    #[test]
    fn nonsense_gets_an_orderly_answer(
        lines in prop::collection::vec(extreme_line(), 0..24),
        at in extreme(),
        playing in prop::option::of((extreme(), extreme(), extreme(), 0..8u8)),
        (crossfade_frames, anchor_fade_frames, reached) in (extreme(), extreme(), extreme()),
    ) {
        let playing = playing.map(|(start, segue, end, n)| Playing {
            line_id: id(n), start: AirFrame(start), segue: AirFrame(segue), end: AirFrame(end),
        });
        let cursor = Cursor { at: AirFrame(at), playing };
        let settings = ResolveSettings {
            crossfade_frames, anchor_fade_frames, curve: FadeCurve::Linear,
        };
        let out = resolve(&lines, &cursor, &settings);
        check_accounting(&lines, &cursor, &out);
        prop_assert!(out.lines.windows(2).all(|w| w[0].start < w[1].start));
        let broken = Interrupted { line_id: id(3), at_frame: reached };
        let done = [id(1), id(3)].into_iter().collect();
        let back = rejoin(&lines, AirFrame(at), &done, Some(broken));
        prop_assert!(back.lines.len() + back.dropped.len() <= lines.len());
    }

    #[test]
    fn orderly_chains_resolve_as_a_naive_reading_of_the_rules_says(
        blocks in prop::collection::vec((0..3u8, prop::collection::vec(5..400i64, 0..9)), 1..6),
        lag in 0..120i64,
    ) {
        let lines = orderly(&blocks);
        let out = resolve(&lines, &from(lag), &settings());
        let got: Vec<_> = out.lines.iter().map(|r| (r.index, r.start)).collect();
        let (want, dropped) = naive(&lines, frame(lag));
        prop_assert_eq!(got, want);
        prop_assert_eq!(out.dropped.into_iter().collect::<BTreeMap<_, _>>(), dropped);
    }
}

/// Blocks of lines, each begun by an anchor 20 minutes after the one before.
fn orderly(blocks: &[(u8, Vec<i64>)]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (n, (kind, lengths)) in blocks.iter().enumerate() {
        let seconds = 600 + 1_200 * n as i64;
        lines.push(match kind {
            0 => super::tests::line(0, 30),
            1 => super::tests::soft(0, 30, seconds, 200),
            _ => super::tests::hard(0, 30, seconds),
        });
        lines.extend(lengths.iter().map(|length| super::tests::line(0, *length)));
    }
    numbered(lines)
}

type Naive = (Vec<(usize, AirFrame)>, BTreeMap<LineId, DropReason>);

/// Line by line, looking ahead anew each time.
fn naive(lines: &[Line], now: AirFrame) -> Naive {
    let (mut out, mut dropped) = (Vec::new(), BTreeMap::new());
    let mut free = now;
    for (index, line) in lines.iter().enumerate() {
        let airtime = line.cues.segue - line.cues.cue_in;
        let useful = line.min_airtime.min(airtime);
        let start = match line.anchor {
            Anchor::Hard { at } => at.frame(),
            Anchor::Soft { at, grace_us } if free < at.plus(-grace_us).frame() => at.frame(),
            Anchor::Soft { at, grace_us } => free.min(at.plus(grace_us).frame()),
            Anchor::AfterPrevious => free,
        };
        let (mut passed, mut cut) = (false, AirFrame(i64::MAX));
        for later in &lines[index + 1..] {
            let (from, latest) = match later.anchor {
                Anchor::AfterPrevious => continue,
                Anchor::Hard { at } => (at.frame(), at.frame()),
                Anchor::Soft { at, grace_us } => (at.frame(), at.plus(grace_us).frame()),
            };
            passed |= start >= from;
            cut = cut.min(latest);
        }
        if passed {
            dropped.insert(line.id, DropReason::PassedByAnchor);
        } else if cut.since(start) < useful {
            dropped.insert(line.id, DropReason::NoUsefulAirtime);
        } else {
            out.push((index, start));
            free = start.plus(airtime);
        }
    }
    (out, dropped)
}

#[test]
fn a_block_late_is_on_time() {
    let line = super::tests::hard(1, 1, 0);
    let at = HOUR.frame().plus(BLOCK_FRAMES);
    let lines = [Line { min_airtime: S, ..line }];
    let out = resolve(&lines, &Cursor { at, playing: None }, &settings());
    assert_eq!(out.lines[0].start, at);
    let at = at.plus(1);
    let out = resolve(&lines, &Cursor { at, playing: None }, &settings());
    assert_eq!(out.dropped, [(id(1), DropReason::TimePassed)]);
}
