//! How two items are joined: where the next one starts and how both fade, from what was measured.
//!
//! Upstream: analysis, the station's choice. Downstream: the planned lines, whose marks and
//! transition say it; resolver and mix only carry it out. Integers only, never live levels.
//!
//! Smart joins, the first rule that fits:
//! - two tracks of one album in its order, with no silence between them, play on as one sound;
//! - where either is not music, nothing overlaps: what is said is heard alone;
//! - a segue mark that a person set rules, at full level;
//! - music that was not measured is joined as in mode `Segue`;
//! - else the overlap is the falling end of the one, or the quiet beginning of the other where
//!   that is longer; never past the next one's intro, nor a third of either.

use super::sound::{crossfade_frames, has_own_segue, takes_crossfade};
use super::{Media, PlanInputs, v1};
use crate::library::analysis::AnalysisEntry;
use grimnir_events::analysis::{Analysis, TailShape};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::station::{StationSettings, TransitionMode};
use grimnir_events::timeline::{Line, Transition};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{AirFrame, MediaId};
use std::collections::BTreeMap;

/// Longest overlap.
pub const MAX_OVERLAP: i64 = 6 * FRAMES_PER_SECOND;
/// A quiet beginning goes under the end of what plays for so long at most.
const MAX_HEAD: i64 = 3 * FRAMES_PER_SECOND;
/// Two tracks with at most so much silence between them are one sound: 100 ms.
const GAPLESS_SILENCE: i64 = FRAMES_PER_SECOND / 10;
/// What fell by so much until its end needs no fade, in hundredths of LU.
const FALLEN_LU_X100: i64 = 2_000;
/// A beginning that is less than this below the item's loudness is heard as a start and fades in
/// where the other is still at full level, in hundredths of LU.
const HEARD_LU_X100: i32 = -1_400;
/// Lines fall away at most so often before neighbours part for good.
const MAX_TURNS: usize = 4;
/// Fade against a click where a tail is left: 10 ms.
const CLICK_FADE: i64 = 480;

/// How a station joins items, and what it knows of them.
#[derive(Clone, Copy, Debug)]
pub struct Joins<'a> {
    /// The station's choice.
    pub mode: TransitionMode,
    /// Analyses; one may be missing.
    pub analyses: &'a BTreeMap<MediaId, AnalysisEntry>,
}

static NOTHING_MEASURED: BTreeMap<MediaId, AnalysisEntry> = BTreeMap::new();

impl Default for Joins<'_> {
    fn default() -> Self {
        Self { mode: TransitionMode::default(), analyses: &NOTHING_MEASURED }
    }
}

impl Joins<'_> {
    fn analysis(&self, media_id: MediaId) -> Option<&Analysis> {
        self.analyses.get(&media_id)?.measured.as_deref()
    }
    fn by_hand(&self, media_id: MediaId) -> bool {
        self.analyses.get(&media_id).is_some_and(|entry| entry.marks_by_hand)
    }
}

/// An item whose words must be heard: all but music.
pub const fn is_said(kind: ItemKind) -> bool {
    !matches!(kind, ItemKind::Music)
}

/// Marks and transition of an item whose successor is not known yet.
pub fn alone(
    item: &MediaItem,
    mut cues: CueMarks,
    settings: &StationSettings,
    joins: &Joins<'_>,
) -> (CueMarks, Transition) {
    let own = has_own_segue(&cues);
    let overlapped = takes_crossfade(item, settings);
    let by_hand = own && joins.by_hand(item.id);
    match joins.mode {
        TransitionMode::Segue if own || !overlapped => (cues, Transition::Segue),
        TransitionMode::Fixed | TransitionMode::Smart if by_hand => (cues, Transition::Segue),
        TransitionMode::Fixed if !overlapped => {
            cues.segue = cues.cue_out;
            (cues, Transition::Segue)
        }
        TransitionMode::Segue | TransitionMode::Fixed => {
            cues.segue = cues.cue_out - crossfade_frames(settings);
            (cues, Transition::Crossfade { curve: settings.fade_curve })
        }
        TransitionMode::Smart if is_said(item.kind) => {
            cues.segue = cues.cue_out;
            (cues, smart(0, 0, settings))
        }
        TransitionMode::Smart if joins.analysis(item.id).is_none() => {
            let plain = Joins { mode: TransitionMode::Segue, ..*joins };
            alone(item, cues, settings, &plain)
        }
        TransitionMode::Smart => {
            let overlap = shortened(cues.cue_out - cues.segue, &cues);
            cues.segue = cues.cue_out - overlap;
            (cues, smart(overlap.min(CLICK_FADE), 0, settings))
        }
    }
}

/// The end of one item and the beginning of the next, as they meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meeting {
    /// Marks of the first.
    pub cues: CueMarks,
    /// How it hands over.
    pub transition: Transition,
    /// First frame of the second.
    pub next_cue_in: i64,
}

/// How `item` and `next` meet in mode `Smart`; `cues` as [`alone`] takes them.
pub fn meet(
    (item, cues): (&MediaItem, CueMarks),
    (next, next_cues): (&MediaItem, CueMarks),
    settings: &StationSettings,
    joins: &Joins<'_>,
) -> Meeting {
    let next_cue_in = next_cues.cue_in;
    let by_hand = joins.by_hand(item.id) && has_own_segue(&cues);
    let (first, second) = (joins.analysis(item.id), joins.analysis(next.id));
    if let (Some(first), Some(second)) = (first, second)
        && plays_on((item, first), (next, second), joins)
    {
        let end = item.duration_frames;
        let cues = CueMarks { segue: end, cue_out: end, ..cues };
        return Meeting { cues, transition: smart(0, 0, settings), next_cue_in: 0 };
    }
    if is_said(item.kind) || is_said(next.kind) {
        // What a person marked for it is meant for it.
        let segue = if by_hand { cues.segue } else { cues.cue_out };
        let transition = if by_hand { Transition::Segue } else { smart(0, 0, settings) };
        return Meeting { cues: CueMarks { segue, ..cues }, transition, next_cue_in };
    }
    let Some(first) = first.filter(|_| !by_hand) else {
        let (mut cues, mut transition) = alone(item, cues, settings, joins);
        if matches!(transition, Transition::Crossfade { .. }) && !takes_crossfade(next, settings) {
            (cues.segue, transition) = (cues.cue_out, Transition::Segue);
        }
        return Meeting { cues, transition, next_cue_in };
    };
    let (cues, transition) = overlap((first, cues), (second, next_cues), settings);
    Meeting { cues, transition, next_cue_in }
}

/// Two pieces of music that were measured, or the first of them.
fn overlap(
    (first, mut cues): (&Analysis, CueMarks),
    (second, next): (Option<&Analysis>, CueMarks),
    settings: &StationSettings,
) -> (CueMarks, Transition) {
    let tail = (cues.cue_out - cues.segue).clamp(0, MAX_OVERLAP);
    let head = second.map_or(0, |a| (a.head.full_from - next.cue_in).clamp(0, MAX_HEAD));
    let intro = second.and_then(|a| a.intro_end).map(|end| (end - next.cue_in).max(0));
    let wanted = tail.max(head).min(intro.unwrap_or(MAX_OVERLAP));
    let length = shortened(shortened(wanted, &next), &cues);
    cues.segue = cues.cue_out - length;
    let at_full_level = length > tail;
    let fallen = i64::from(first.tail.fall_lu_per_s_x100) * length / FRAMES_PER_SECOND;
    let gone = first.tail.shape == TailShape::Cold || fallen >= FALLEN_LU_X100;
    let fade_out = if gone && !at_full_level { length.min(CLICK_FADE) } else { length };
    let heard = second.is_some_and(|a| a.head.level_lu_x100 >= HEARD_LU_X100);
    let fade_in = if at_full_level && heard { length } else { 0 };
    (cues, smart(fade_out, fade_in, settings))
}

/// An overlap leaves two thirds of an item to itself.
fn shortened(overlap: i64, cues: &CueMarks) -> i64 {
    overlap.min((cues.cue_out - cues.cue_in) / 3).clamp(0, MAX_OVERLAP)
}

fn smart(fade_out: i64, fade_in: i64, settings: &StationSettings) -> Transition {
    // At most `MAX_OVERLAP`, which fits.
    let frames = |n: i64| u32::try_from(n).unwrap_or(0);
    let (fade_out, fade_in) = (frames(fade_out), frames(fade_in));
    Transition::Smart { fade_out, fade_in, curve: settings.fade_curve }
}

/// The next track of the same album, with no silence where they meet.
fn plays_on(
    (item, first): (&MediaItem, &Analysis),
    (next, second): (&MediaItem, &Analysis),
    joins: &Joins<'_>,
) -> bool {
    let (Some(a), Some(b)) = (first.album_place, second.album_place) else { return false };
    let same_album = !item.tags.album.is_empty() && item.tags.album == next.tags.album;
    let same_artist = item.tags.artist == next.tags.artist;
    let follows = a.disc == b.disc && a.track.checked_add(1) == Some(b.track);
    let silence = first.trailing_silence.saturating_add(second.leading_silence);
    let as_measured = !joins.by_hand(item.id) && !joins.by_hand(next.id);
    same_album && same_artist && follows && silence <= GAPLESS_SILENCE && as_measured
}

/// Joins a line anew to the one that follows it now, e.g. after a change by hand: sets its marks
/// and transition, and the first frame of the other. Nothing happens outside of mode `Smart`.
pub fn rejoin_lines(
    media: Media<'_>,
    settings: &StationSettings,
    joins: &Joins<'_>,
    line: &mut Line,
    next: &mut Line,
) {
    let (item, follower) = (media.get(line.media_id), media.get(next.media_id));
    // Fades and marks that an entry of a playlist has for itself stand.
    let ours = matches!(line.transition, Transition::Smart { .. });
    if joins.mode != TransitionMode::Smart || !ours {
        return;
    }
    let (Some(item), Some(follower)) = (item, follower) else { return };
    let own = CueMarks { cue_in: line.cues.cue_in, ..item.cues };
    let met = meet((item, own), (follower, follower.cues), settings, joins);
    (line.cues, line.transition) = (met.cues, met.transition);
    line.min_airtime = line.min_airtime.min(line.cues.airtime()).max(1);
    if [0, follower.cues.cue_in].contains(&next.cues.cue_in) {
        next.cues.cue_in = met.next_cue_in;
        next.min_airtime = next.min_airtime.min(next.cues.airtime()).max(1);
    }
}

/// Ends a line before what follows begins.
pub fn part(line: &mut Line) {
    line.cues.segue = line.cues.cue_out;
    if let Transition::Smart { fade_out, fade_in, .. } = &mut line.transition {
        (*fade_out, *fade_in) = (0, 0);
    }
}

/// Lets the resolver say when each line airs; where one falls away, its neighbours meet anew.
pub(super) fn settle(
    inputs: &PlanInputs<'_>,
    lines: Vec<Line>,
    from: AirFrame,
    notes: &mut Vec<String>,
) -> Vec<Line> {
    let order = |lines: &[Line]| lines.iter().map(|line| line.id).collect::<Vec<_>>();
    let mut before = order(&lines);
    let mut lines = v1::settle(inputs, lines, from, notes);
    // Each turn but the last drops a line or moves one behind an anchor; three are rarely needed.
    for turn in 0..MAX_TURNS {
        let now = order(&lines);
        if inputs.joins.mode != TransitionMode::Smart || now == before {
            break;
        }
        before = now;
        for at in 1..lines.len() {
            let (first, second) = lines.split_at_mut(at);
            if let (Some(line), Some(next)) = (first.last_mut(), second.first_mut()) {
                let PlanInputs { media, settings, ref joins, .. } = *inputs;
                rejoin_lines(media, settings, joins, line, next);
                if turn + 1 == MAX_TURNS && matches!(line.transition, Transition::Smart { .. }) {
                    part(line);
                }
            }
        }
        if let Some(last) = lines.last_mut()
            && matches!(last.transition, Transition::Smart { .. })
        {
            part(last);
        }
        lines = v1::settle(inputs, lines, from, notes);
    }
    lines
}
