//! Ways to fill an hour. By the rules first; where they leave a hole that listeners hear, the hour
//! is planned again by ways that give way earlier, and the one that is heard longest stands.
//!
//! What is never relaxed holds in all of them. What they relax is told like any other relaxation.

use super::explain::PickTrace;
use super::pick::EXCLUDE;
use super::slots::Slots;
use super::{Planner, Stretch, edges};
use crate::planner::chain::Chain;
use crate::planner::{joint, v1};
use grimnir_events::roll::Part;
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{AirFrame, LineId};

/// What comes first among the items that may air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Way {
    /// What relaxes least, then the score.
    #[default]
    Rules,
    /// What relaxes least, then the longest: where plays are counted, fewer plays fill more.
    Long,
    /// The longest rested, whatever that relaxes below exclusions.
    Rested,
    /// The longest, whatever that relaxes below exclusions.
    Most,
}

/// Tried where the rules leave a hole; an earlier one stands among equals.
const OTHERS: [Way; 3] = [Way::Long, Way::Rested, Way::Most];
/// Silence of a hundredth of the hour is heard as a hole.
const HOLE_PERCENT: i64 = 1;

impl Way {
    /// What counts of that which a candidate breaks.
    pub fn counted(self, mask: u32) -> u32 {
        if self.weighs() { mask } else { mask & EXCLUDE }
    }

    /// It takes what breaks the least.
    pub const fn weighs(self) -> bool {
        matches!(self, Self::Rules | Self::Long)
    }

    /// So many frames less of silence are worth it: 1 s where nothing more is relaxed, else 30 s.
    const fn worth(self) -> i64 {
        if self.weighs() { FRAMES_PER_SECOND } else { 30 * FRAMES_PER_SECOND }
    }

    /// Among what breaks the same the smallest comes first; then the score.
    pub const fn first(self, airtime: i64, last: i64) -> i64 {
        match self {
            Self::Rules => 0,
            Self::Long | Self::Most => -airtime,
            Self::Rested => last,
        }
    }

    const fn note(self) -> &'static str {
        match self {
            Self::Rules => "by the rules",
            Self::Long => "the longest first",
            Self::Rested => "the longest rested first",
            Self::Most => "the longest first, whatever else they break",
        }
    }
}

/// An hour in one way.
pub(super) struct Draft {
    pub lines: Vec<Line>,
    pub notes: Vec<String>,
    pub origins: Vec<(LineId, Option<u32>, Part)>,
    traces: Option<Vec<(Option<LineId>, PickTrace)>>,
    heard: i64,
}

impl Planner<'_> {
    /// The hour by the rules, or by the way that fills it better.
    pub(super) fn draft(
        &mut self,
        stretch: &Stretch,
        earlier: &[&HourPlan],
        seed: [u8; 32],
        notes: &[String],
    ) -> Draft {
        let mut best = self.attempt(stretch, earlier, seed, notes, Way::Rules);
        let whole = stretch.until.frame().since(stretch.from.frame());
        let silent = whole - best.heard;
        if self.hole && silent * 100 > whole * HOLE_PERCENT {
            for way in OTHERS {
                let mut other = self.attempt(stretch, earlier, seed, notes, way);
                if other.heard > best.heard + way.worth() {
                    let left = (whole - other.heard) * 1_000 / FRAMES_PER_SECOND;
                    let ms = silent * 1_000 / FRAMES_PER_SECOND;
                    let way = way.note();
                    let note = format!("the rules leave {ms} ms silent, {left} with {way}");
                    other.notes.push(note);
                    best = other;
                }
            }
        }
        self.way = Way::Rules;
        if let (Some(all), Some(own)) = (&mut self.traces, best.traces.take()) {
            all.extend(own);
        }
        best
    }

    fn attempt(
        &mut self,
        stretch: &Stretch,
        earlier: &[&HourPlan],
        seed: [u8; 32],
        before: &[String],
        way: Way,
    ) -> Draft {
        (self.way, self.hole) = (way, false);
        let known = self.traces.as_ref().map_or(0, Vec::len);
        let (hour, inputs) = (stretch.from, self.inputs);
        let (from, anchor, note) = v1::entry(earlier, &stretch.slots, hour, true);
        let chain = Chain::new(&self.inputs, hour, from, anchor).roomy();
        self.history.mark();
        let mut filling = Slots::new(self, earlier, chain, seed, stretch);
        filling.notes.extend(note.into_iter().chain(before.iter().cloned()));
        filling.fill();
        let origins = std::mem::take(&mut filling.origins);
        let (lines, mut notes) = filling.finish();
        self.history.take_back();
        let told = notes.len();
        let mut lines = joint::settle(&inputs, lines, from, &mut notes);
        let cut = v1::slots::first_cut(&stretch.next, stretch.until);
        edges::trim(inputs.settings, &mut lines, stretch.until, cut, &mut notes);
        let last = earlier.iter().rev().find_map(|plan| plan.lines.last());
        let moved = notes.len() > told;
        edges::tell_silence(last, &lines, moved, &mut notes);
        let heard = heard(last, &lines, stretch.from.frame(), stretch.until.frame());
        let traces = self.traces.as_mut().map(|traces| traces.split_off(known));
        Draft { lines, notes, origins, traces, heard }
    }
}

/// Frames between these two that something is heard in.
fn heard(before: Option<&Line>, lines: &[Line], from: AirFrame, until: AirFrame) -> i64 {
    let (mut heard_to, mut heard) = (from, 0);
    let mut all = before.into_iter().chain(lines).peekable();
    while let Some(line) = all.next() {
        let start = line.planned_at.frame();
        let next = all.peek().map_or(until, |next| next.planned_at.frame());
        let natural = start.plus(line.cues.cue_out - line.cues.cue_in);
        let end = natural.min(next).min(until);
        heard += end.since(start.max(heard_to)).max(0);
        heard_to = heard_to.max(end);
    }
    heard
}
