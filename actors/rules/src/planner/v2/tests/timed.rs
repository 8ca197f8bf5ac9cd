//! Entries of a playlist that have marks and fades of their own.

use super::*;
use crate::planner::world::{clock, songs};
use grimnir_events::library::CueMarks;
use grimnir_events::stock::EntryTimes;
use grimnir_events::timeline::Transition;

const LIST: PlaylistId = PlaylistId([3; 16]);

/// A station that plays items 1 to 4 in order, crossfaded over 2 s, with these marks.
fn timed(times: &[(u16, EntryTimes)]) -> Vec<Line> {
    let mut world = World::of(songs(12), vec![]);
    let slots = vec![slot(0, SlotStart::Free, SlotSource::Playlist { playlist_id: LIST })];
    world.clock = Some(clock(slots));
    world.playlists.insert(LIST, ("Timed".into(), (1..=4).map(media).collect()));
    world.settings.crossfade_ms = 2_000;
    if !times.is_empty() {
        world.playlist_times.insert(LIST, times.iter().copied().collect());
    }
    let hours = [hour(0)];
    plan_hours(&world.inputs(), &BTreeMap::new(), &hours).remove(0).lines
}

fn marks(line: &Line) -> (i64, i64, i64) {
    let CueMarks { cue_in, segue, cue_out } = line.cues;
    (cue_in, segue, cue_out)
}

#[test]
fn an_entrys_marks_hold_for_its_line_wherever_the_item_comes_again() {
    let cut = EntryTimes { cue_in: Some(S), cue_out: Some(61 * S), ..EntryTimes::default() };
    let (plain, lines) = (timed(&[]), timed(&[(1, cut)]));
    assert_eq!(numbers(&lines[..6]), [1, 2, 3, 4, 1, 2]);
    assert_eq!(marks(&lines[0]), marks(&plain[0]));
    for line in [&lines[1], &lines[5]] {
        assert_eq!(marks(line), (S, 59 * S, 61 * S), "the station's overlap at the new end");
        assert!(matches!(line.transition, Transition::Crossfade { .. }));
    }
    let after = lines[2].planned_at.since(lines[1].planned_at);
    assert_eq!(after, 58_000_000, "the next starts when it hands over");
}

#[test]
fn an_entrys_fades_are_as_long_as_it_says() {
    let long = EntryTimes { fade_out_ms: Some(7_000), ..EntryTimes::default() };
    let lines = timed(&[(1, long)]);
    assert_eq!(lines[1].cues.cue_out - lines[1].cues.segue, 7 * S);
    assert!(matches!(lines[1].transition, Transition::Crossfade { .. }));
    let none = EntryTimes { fade_out_ms: Some(0), ..EntryTimes::default() };
    let lines = timed(&[(1, none)]);
    assert_eq!(
        (lines[1].cues.segue, lines[1].transition),
        (lines[1].cues.cue_out, Transition::Segue)
    );
    let into = EntryTimes { fade_in_ms: Some(5_000), ..EntryTimes::default() };
    let lines = timed(&[(2, into)]);
    assert_eq!(lines[1].cues.cue_out - lines[1].cues.segue, 5 * S);
    assert_eq!(lines[0].cues.cue_out - lines[0].cues.segue, 2 * S, "others as the station has it");
    let hard = EntryTimes { fade_in_ms: Some(0), ..EntryTimes::default() };
    let lines = timed(&[(2, hard)]);
    assert_eq!(lines[1].transition, Transition::Segue);
}

#[test]
fn marks_that_the_audio_has_no_room_for_are_the_items_own() {
    let beyond = EntryTimes { cue_out: Some(9_999 * S), ..EntryTimes::default() };
    assert_eq!(timed(&[(1, beyond)]), timed(&[]));
}
