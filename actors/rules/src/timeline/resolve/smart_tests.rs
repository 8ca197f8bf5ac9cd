//! What the resolver does with transitions that were computed for a pair.

use super::tests::*;
use super::*;
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::Transition;

/// A line of `airtime` seconds that overlaps the next for 3 s, with these fades in seconds.
fn smart(n: u8, airtime: i64, (fade_out, fade_in): (u32, u32)) -> Line {
    let curve = FadeCurve::Linear;
    let (fade_out, fade_in) = (fade_out * S as u32, fade_in * S as u32);
    Line { transition: Transition::Smart { fade_out, fade_in, curve }, ..line(n, airtime) }
}

fn run(lines: &[Line]) -> Resolution {
    resolve(lines, &from(0), &settings())
}

#[test]
fn fades_are_as_long_as_they_were_computed() {
    let out = run(&[smart(1, 100, (2, 1)), smart(2, 50, (0, 0)), line(3, 50)]);
    let (first, second, third) = (&out.lines[0], &out.lines[1], &out.lines[2]);
    assert_eq!((first.start, first.end, second.start), (frame(0), frame(103), frame(100)));
    assert_eq!((first.fade_out, second.fade_in), (2 * S, S));
    assert_eq!((first.curve, second.curve_in), (FadeCurve::Linear, FadeCurve::Linear));
    assert_eq!((second.fade_out, third.fade_in), (0, 0));
}

#[test]
fn what_is_said_waits_for_the_end_of_a_smart_line() {
    for kind in [ItemKind::LegalId, ItemKind::Spot, ItemKind::Feature] {
        let said = Line { kind, ..line(2, 50) };
        let out = run(&[smart(1, 100, (3, 3)), said.clone()]);
        assert_eq!((out.lines[1].start, out.lines[1].fade_in), (frame(103), 0));
        assert_eq!(out.lines[0].fade_out, 0, "nothing takes over from it");
        let out = run(&[line(1, 100), said]);
        assert_eq!(out.lines[1].start, frame(100), "a plain crossfade is as ever");
    }
}

#[test]
fn a_soft_line_of_words_waits_too_and_cuts_after_its_grace() {
    let said = |grace| Line { kind: ItemKind::LegalId, ..soft(2, 50, 90, grace) };
    let out = run(&[smart(1, 100, (3, 3)), said(60)]);
    assert_eq!(out.lines[1].start, frame(103));
    let out = run(&[smart(1, 100, (3, 3)), said(12)]);
    assert_eq!((out.lines[1].start, out.lines[0].end), (frame(102), frame(102)));
}

#[test]
fn an_anchored_line_within_the_overlap_cuts_it_and_the_fade_goes_on() {
    let second = Line { min_airtime: S, ..line(2, 50) };
    let out = run(&[smart(1, 100, (2, 0)), second, hard(3, 50, 102)]);
    assert_eq!((out.lines[0].end, out.lines[0].cut), (frame(102), true));
    assert_eq!(out.lines[0].fade_out, S, "it began at 101");
}

#[test]
fn a_tail_that_the_next_line_is_too_short_for_is_faded() {
    let short = Line { min_airtime: S, ..line(2, 2) };
    let out = run(&[smart(1, 100, (0, 0)), short, line(3, 50)]);
    assert_eq!((out.lines[0].end, out.lines[0].fade_out), (frame(102), ANCHOR_FADE_FRAMES));
}
