//! The walk along the chain: places each line, and ends what sounds where it must end.
//!
//! Upstream: [`anchors`](super::anchors). Downstream: [`Resolution`].

use super::anchors::{Anchors, Role, near};
use super::{Cursor, Resolution, ResolveSettings, Resolved};
use crate::planner::joint::is_said;
use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::{DropReason, Line, Transition};
use grimnir_events::{AirFrame, LineId};
use std::collections::BTreeMap;

/// Place of the playing item among the voices; it is taken out again at the end.
const PLAYING: usize = usize::MAX;

/// One thing that sounds.
struct Voice {
    line: Resolved,
    joint: Joint,
}

/// How a voice hands over to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// At full level.
    Level,
    /// Both fade over all of the overlap.
    Cross,
    /// As it was computed for the pair.
    Smart { fade_out: i64, fade_in: i64 },
}

/// A chain on its way to frames.
pub(super) struct Chain<'a> {
    lines: &'a [Line],
    cursor: &'a Cursor,
    settings: &'a ResolveSettings,
    at: AirFrame,
    anchors: Anchors,
    voices: Vec<Voice>,
    /// Lines that an anchor passed and that follow it, by the place of the anchored line.
    deferred: BTreeMap<usize, Vec<usize>>,
    dropped: Vec<(LineId, DropReason)>,
    moved: Vec<LineId>,
    is_moved: Vec<bool>,
    gaps: Vec<(AirFrame, AirFrame)>,
}

impl<'a> Chain<'a> {
    pub fn new(lines: &'a [Line], cursor: &'a Cursor, settings: &'a ResolveSettings) -> Self {
        let at = near(cursor.at);
        let playing = cursor.playing.as_ref();
        let anchors = Anchors::of(lines, at, playing.map(|playing| playing.line_id));
        let mut voices = Vec::with_capacity(lines.len() + 1);
        if let Some(playing) = playing {
            let start = near(playing.start);
            let end = near(playing.end).max(start);
            // Its own line says how it hands over; a line that is not in the chain any more was
            // joined by the station's own way.
            let own = lines.iter().find(|line| line.id == playing.line_id);
            let (joint, curve) = joins(own.map(|line| line.transition), settings);
            let line = Resolved {
                index: PLAYING,
                line_id: playing.line_id,
                start,
                from_frame: 0,
                segue: near(playing.segue).clamp(start, end),
                end,
                fade_in: 0,
                fade_out: 0,
                curve,
                curve_in: curve,
                cut: false,
            };
            voices.push(Voice { line, joint });
        }
        Self {
            lines,
            cursor,
            settings,
            at,
            anchors,
            voices,
            deferred: BTreeMap::new(),
            dropped: Vec::new(),
            moved: Vec::new(),
            is_moved: vec![false; lines.len()],
            gaps: Vec::new(),
        }
    }

    pub fn run(mut self) -> Resolution {
        for index in 0..self.lines.len() {
            self.turn(index);
            // A deferred line can only be deferred again past a later place, so this ends.
            for waiting in self.deferred.remove(&index).unwrap_or_default() {
                self.try_at(waiting, index, self.junction(waiting), false);
            }
        }
        self.finish()
    }

    /// A line's turn at its own place.
    fn turn(&mut self, index: usize) {
        match self.anchors.slots[index].role {
            Role::Skipped => {}
            Role::Dropped(reason) => self.dropped.push((self.lines[index].id, reason)),
            Role::Overtaken(reason, by) => self.miss(index, reason, Some(by)),
            Role::Free => self.try_at(index, index, self.junction(index), false),
            Role::Late => {
                self.note_moved(index);
                self.try_at(index, index, self.junction(index), false);
            }
            Role::Gate(g) => {
                let gate = self.anchors.gates[g];
                self.try_at(index, index, gate.start(self.junction(index)), gate.hard);
            }
        }
    }

    /// The first frame from which the chain is free for this line. A smart overlap is for music:
    /// what is said waits until the line before has ended.
    fn junction(&self, index: usize) -> AirFrame {
        let Some(voice) = self.voices.last() else { return self.at };
        let free = if self.is_alone(index) { voice.line.end } else { voice.line.segue };
        free.max(voice.line.segue).max(self.at)
    }

    /// Nothing of the line before may sound with this one.
    fn is_alone(&self, index: usize) -> bool {
        let smart = |voice: &Voice| matches!(voice.joint, Joint::Smart { .. });
        self.voices.last().is_some_and(smart) && is_said(self.lines[index].kind)
    }

    /// Places `index` at `start`, unless an anchored line after `place` leaves it no room.
    fn try_at(&mut self, index: usize, place: usize, start: AirFrame, hard: bool) {
        if let Some(by) = self.anchors.passed_by(place, start) {
            return self.miss(index, DropReason::PassedByAnchor, Some(by));
        }
        let (limit, by) = (self.anchors.slots[place].limit, self.anchors.slots[place].limit_by);
        if limit.since(start) < self.anchors.slots[index].useful {
            return self.miss(index, DropReason::NoUsefulAirtime, by);
        }
        self.place(index, start, hard);
    }

    /// A line that an anchor leaves no room: dropped, or put behind the anchored line.
    fn miss(&mut self, index: usize, reason: DropReason, by: Option<usize>) {
        match by {
            Some(by) if self.lines[index].must_air => {
                self.note_moved(index);
                self.deferred.entry(self.anchors.gates[by].index).or_default().push(index);
            }
            _ => self.dropped.push((self.lines[index].id, reason)),
        }
    }

    fn note_moved(&mut self, index: usize) {
        if !std::mem::replace(&mut self.is_moved[index], true) {
            self.moved.push(self.lines[index].id);
        }
    }

    fn place(&mut self, index: usize, start: AirFrame, hard: bool) {
        let line = &self.lines[index];
        let cues = self.anchors.slots[index].cues;
        let cut = hard || self.is_alone(index);
        let (fade_in, curve_in) = self.hand_over(start, cues.airtime(), cut);
        let silent_from = self.voices.last().map_or(self.at, |voice| voice.line.end.max(self.at));
        if start > silent_from {
            self.gaps.push((silent_from, start));
        }
        let (joint, curve) = joins(Some(line.transition), self.settings);
        let line = Resolved {
            index,
            line_id: line.id,
            start,
            from_frame: cues.cue_in,
            segue: start.plus(cues.airtime()),
            end: start.plus(cues.cue_out - cues.cue_in),
            fade_in,
            fade_out: 0,
            curve,
            curve_in,
            cut: false,
        };
        self.voices.push(Voice { line, joint });
    }

    /// Makes what sounds give way to a line at `start`; answers that line's fade in.
    fn hand_over(&mut self, start: AirFrame, airtime: i64, hard: bool) -> (i64, FadeCurve) {
        let anchor_fade = self.settings.anchor_fade_frames.max(0);
        let Some(last) = self.voices.last_mut() else { return (0, self.settings.curve) };
        if hard || start < last.line.segue {
            self.cut_at(start);
            return (0, self.settings.curve);
        }
        let line = &mut last.line;
        let natural = line.end.since(start).max(0);
        let overlap = natural.min(airtime);
        line.end = line.end.min(start.plus(overlap));
        let cut = overlap < natural;
        let length = line.end.since(line.start);
        match last.joint {
            Joint::Cross => {
                line.fade_out = overlap;
                return (overlap, line.curve);
            }
            Joint::Smart { fade_out, fade_in } => {
                let least = if cut { anchor_fade } else { 0 };
                line.fade_out = fade_out.min(overlap).max(least).min(length);
                return (fade_in.min(overlap), line.curve);
            }
            Joint::Level if cut => line.fade_out = anchor_fade.min(length),
            Joint::Level => {}
        }
        (0, line.curve)
    }

    /// Ends whatever still sounds at `cut`.
    fn cut_at(&mut self, cut: AirFrame) {
        let anchor_fade = self.settings.anchor_fade_frames.max(0);
        let mut next_start = cut;
        // Only the last two can sound: an overlap never outlasts the next line's airtime.
        for voice in self.voices.iter_mut().rev().take(2) {
            let line = &mut voice.line;
            let own_start = line.start;
            if line.end > cut {
                let fading_from = line.end.plus(-line.fade_out);
                line.end = cut.max(line.start);
                line.segue = line.segue.min(line.end);
                line.cut = true;
                // A crossfade that has begun goes on to the cut.
                let begun = match voice.joint {
                    Joint::Cross => line.end.since(next_start).max(0),
                    Joint::Smart { .. } => line.end.since(fading_from).max(0),
                    Joint::Level => 0,
                };
                let length = line.end.since(line.start);
                line.fade_out = anchor_fade.max(begun).min(length);
                line.fade_in = line.fade_in.min(length);
            }
            next_start = own_start;
        }
    }

    fn finish(mut self) -> Resolution {
        let end = self.voices.iter().map(|voice| voice.line.end).fold(self.at, AirFrame::max);
        let (mut playing_cut, mut playing_fade_out) = (None, 0);
        if let Some(playing) = &self.cursor.playing {
            let line = self.voices.remove(0).line;
            playing_fade_out = line.fade_out;
            if line.end < near(playing.end) {
                playing_cut = Some((line.end, line.fade_out));
            }
        }
        Resolution {
            lines: self.voices.into_iter().map(|voice| voice.line).collect(),
            dropped: self.dropped,
            moved: self.moved,
            gaps: self.gaps,
            playing_cut,
            playing_fade_out,
            end,
        }
    }
}

fn joins(transition: Option<Transition>, settings: &ResolveSettings) -> (Joint, FadeCurve) {
    match transition {
        Some(Transition::Crossfade { curve }) => (Joint::Cross, curve),
        Some(Transition::Segue) => (Joint::Level, settings.curve),
        Some(Transition::Smart { fade_out, fade_in, curve }) => {
            (Joint::Smart { fade_out: fade_out.into(), fade_in: fade_in.into() }, curve)
        }
        None => (Joint::Cross, settings.curve),
    }
}
