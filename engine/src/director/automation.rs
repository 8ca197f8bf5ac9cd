//! Automation: the timeline that is held, entered, left, and kept up with.
//!
//! Here is what automation knows and how it changes; `lines` prepares and starts what comes next.
//! Not here: whether automation owns the air (`owner`).

use super::lines::{GAP_LEAST, resolve_at};
use super::plays::NOW;
use super::{Director, LEAD};
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::timeline::{Anchor, DropReason, Line, Transition};
use grimnir_events::{AirFrame, ContentHash, LineId};
use grimnir_rules::timeline::resolve::{Interrupted, Playing, Rejoined, rejoin};
use std::collections::{BTreeMap, BTreeSet};

/// A line that the mixer has.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its play.
    pub voice: u64,
    /// The line.
    pub line: Line,
    /// Its frames.
    pub playing: Playing,
    /// It fills a gap and is no line of the timeline.
    pub filler: bool,
}

/// What automation knows.
#[derive(Default)]
pub struct Automation {
    /// Lines that may still air, in order.
    pub chain: Vec<Line>,
    /// What is heard.
    pub playing: Option<Current>,
    /// What the mixer holds for after that.
    pub next: Option<Current>,
    /// Lines that have started, or were dropped.
    pub done: BTreeSet<LineId>,
    /// The line that was cut when another tier came.
    pub interrupted: Option<Interrupted>,
    /// The cut line is resumed whatever it is: the engine died over it.
    pub resume_any: bool,
    /// Prepared plays, by line and first frame of the file.
    pub(super) decks: BTreeMap<(LineId, i64), u64>,
    /// Lines of the chain that only fill a gap.
    pub(super) fillers: BTreeSet<LineId>,
    /// How many were made, for their ids.
    pub(super) filler_count: u64,
    /// Place in the rotation.
    pub(super) rotation_next: usize,
    /// Files of the rotation that could not be played.
    pub(super) bad: BTreeSet<ContentHash>,
    /// Lines that were said to be moved.
    pub(super) moved_told: BTreeSet<LineId>,
}

impl Automation {
    /// Frame after the last that is surely heard; `None` where nothing is.
    pub fn sounds_until(&self) -> Option<AirFrame> {
        let ends = [&self.next, &self.playing].into_iter().flatten().map(|c| c.playing.end);
        ends.max()
    }
}

impl Director {
    /// True if automation could play something: a line or an item of the rotation.
    pub(super) fn automation_playable(&self) -> bool {
        let sounds = self.auto.sounds_until().is_some_and(|end| end > self.now());
        if self.is_on_hold() {
            return false;
        }
        sounds || (!self.waits() && (self.rotation_playable() || self.line_is_near()))
    }

    fn rotation_playable(&self) -> bool {
        let Some(config) = &self.held.config else { return false };
        config.rotation.iter().any(|item| !self.auto.bad.contains(&item.play_hash))
    }

    /// A line can start within the time that preparing it takes.
    fn line_is_near(&self) -> bool {
        let now = self.now();
        if self.auto.chain.is_empty() && self.auto.playing.is_none() {
            let rejoined = self.rejoined(now);
            let first = resolve_at(&rejoined.lines, now, &self.resolve_settings());
            return first.lines.first().is_some_and(|line| line.start.since(now) < GAP_LEAST);
        }
        let first = self.resolution(now);
        first.lines.first().is_some_and(|line| line.start.since(now) < GAP_LEAST)
    }

    /// Something of automation's can be heard right after `end`.
    pub(super) fn automation_follows(&self, end: AirFrame) -> bool {
        if self.waits() {
            return self.auto.next.is_some();
        }
        self.auto.next.is_some() || self.rotation_playable() || {
            let first = self.resolution(self.now().plus(LEAD));
            first.lines.first().is_some_and(|line| line.start.since(end) < GAP_LEAST)
        }
    }

    /// When the next line starts by a fixed time of its own, that time.
    pub(super) fn hard_start(&self) -> Option<AirFrame> {
        match self.rejoined(self.now()).lines.first()?.anchor {
            Anchor::Hard { at } => Some(at.frame()),
            Anchor::Soft { .. } | Anchor::AfterPrevious => None,
        }
    }

    fn rejoined(&self, at: AirFrame) -> Rejoined {
        self.entry_lines(at)
    }

    /// The lines that automation would begin with at `at`.
    pub(super) fn entry_lines(&self, at: AirFrame) -> Rejoined {
        if let Some(by_hand) = self.rejoined_by_hand(at) {
            return by_hand;
        }
        let interrupted = self.auto.interrupted;
        if let (true, Some(broken)) = (self.auto.resume_any, interrupted) {
            let mut lines = self.lines.clone();
            for line in lines.iter_mut().filter(|line| line.id == broken.line_id) {
                line.long_form = true;
                line.min_airtime = line.min_airtime.min(GAP_LEAST);
            }
            return rejoin(&lines, at, &self.auto.done, interrupted);
        }
        rejoin(&self.lines, at, &self.auto.done, interrupted)
    }

    /// A new chain; an item that fills the time before it, prepared already, stays in front.
    fn set_chain(&mut self, lines: Vec<Line>) {
        let lines = self.by_hand(lines);
        let filler = self.auto.chain.first().filter(|line| self.auto.fillers.contains(&line.id));
        self.auto.chain = filler.cloned().into_iter().chain(lines).collect();
    }

    /// Prepares what automation would begin with at `at`; true once that can start.
    pub(super) fn rehearse_automation(&mut self, at: AirFrame) -> bool {
        // More turns only where many files in a row are bad; the next tick goes on.
        for _ in 0..16 {
            let rejoined = self.rejoined(at);
            self.set_chain(rejoined.lines);
            let resolution = self.fill_gaps(at);
            if self.prepare_lines(&resolution) {
                continue;
            }
            let Some(first) = resolution.lines.first() else { return false };
            // A first line that lies ahead is no hindrance if something fills the time; if nothing
            // does, automation has nothing to give yet.
            return first.start.since(at) < GAP_LEAST && self.deck_ready(first);
        }
        false
    }

    /// Automation takes the air at `at`: what it cannot catch up on is dropped, with the reason.
    pub(super) fn enter_automation(&mut self, at: AirFrame) {
        let rejoined = self.rejoined(at);
        let (off_air, held) = (self.passed_off_air(), self.passed_on_hold());
        for (line_id, reason) in &rejoined.dropped {
            let reason = self.reason_of_drop(*line_id, *reason, &off_air, &held);
            self.drop_line(*line_id, reason);
        }
        for line_id in &rejoined.moved {
            if self.auto.moved_told.insert(*line_id) {
                let reason = DropReason::TimePassed;
                self.fact(AirEvent::LineMoved { line_id: *line_id, reason });
            }
        }
        self.set_chain(rejoined.lines);
        self.auto.playing = None;
        self.auto.next = None;
        self.auto.interrupted = None;
        self.auto.resume_any = false;
        self.was_off_air = false;
        self.modes.held_since = None;
        self.auto_entry = Some(at);
        self.step_automation();
    }

    /// Lines that could not have aired from the sign-on on, whoever held the air since.
    fn passed_off_air(&self) -> BTreeSet<LineId> {
        if !self.was_off_air {
            return BTreeSet::new();
        }
        let at_sign_on = rejoin(&self.lines, self.signed_on_at, &self.auto.done, None);
        at_sign_on.dropped.into_iter().map(|(line_id, _)| line_id).collect()
    }

    /// Another tier takes the air: remembers where the line was cut, gives up what is planned.
    pub(super) fn leave_automation(&mut self) {
        let now = self.now();
        self.auto_entry = None;
        if let Some(next) = self.auto.next.take() {
            self.plays.discard(next.voice, EndReason::Preempted);
            // It was to go on where it had been cut before, and still is.
            if self.auto.done.contains(&next.line.id) {
                let at_frame = next.line.cues.cue_in.max(0);
                self.auto.interrupted = Some(Interrupted { line_id: next.line.id, at_frame });
            }
        }
        if let Some(current) = self.auto.playing.take()
            && !current.filler
        {
            let at_frame =
                current.line.cues.cue_in.max(0) + now.since(current.playing.start).max(0);
            self.auto.interrupted = Some(Interrupted { line_id: current.line.id, at_frame });
        }
        self.release_decks(&[]);
        self.auto.chain.clear();
        self.auto.fillers.clear();
    }

    /// Other hours are held: the lines after the current one take the place of the chain.
    pub(super) fn rechain(&mut self) {
        if self.auto_entry.is_none() {
            return;
        }
        self.auto.fillers.clear();
        let lines = &self.lines;
        let last = self.auto.next.as_ref().or(self.auto.playing.as_ref()).cloned();
        let place = last.as_ref().and_then(|c| lines.iter().position(|l| l.id == c.line.id));
        let chain = match (place, &last) {
            (Some(place), _) => lines[place + 1..].to_vec(),
            (None, last) => {
                let from = last.as_ref().map_or(self.now(), |c| c.playing.segue);
                rejoin(lines, from, &self.auto.done, None).lines
            }
        };
        let keep = |line: &Line| {
            !self.auto.done.contains(&line.id) && last.as_ref().is_none_or(|c| c.line.id != line.id)
        };
        let chain = chain.into_iter().filter(keep).collect();
        self.auto.chain = self.by_hand(chain);
    }

    /// Items of the rotation may have come back.
    pub(super) fn forget_bad_rotation(&mut self) {
        self.auto.bad.clear();
        self.auto.rotation_next = 0;
    }

    /// A line will not air: says so once.
    pub(super) fn drop_line(&mut self, line_id: LineId, reason: DropReason) {
        let place = self.auto.chain.iter().position(|line| line.id == line_id);
        let line = match place {
            Some(place) => Some(self.auto.chain.remove(place)),
            None => self.lines.iter().find(|line| line.id == line_id).cloned(),
        };
        if self.auto.fillers.remove(&line_id) {
            if let Some(line) = line {
                self.auto.bad.insert(line.play_hash);
            }
            return;
        }
        let interrupted = reason == DropReason::Interrupted;
        if !self.auto.done.insert(line_id) && !interrupted {
            return;
        }
        if let Some(line) = line {
            let (media_id, title) = (line.media_id, line.title);
            let planned_at = line.planned_at.plus(self.steps.ahead());
            self.fact(AirEvent::LineDropped { line_id, media_id, title, planned_at, reason });
        }
    }

    /// The mixer has begun a play of automation's.
    pub(super) fn automation_started(&mut self, voice: u64, at: AirFrame) {
        let Some(mut next) = self.auto.next.take_if(|next| next.voice == voice) else { return };
        let late = at.since(next.playing.start);
        next.playing.start = at;
        next.playing.segue = next.playing.segue.plus(late);
        next.playing.end = next.playing.end.plus(late);
        if !next.filler {
            self.auto.done.insert(next.line.id);
        }
        self.auto.playing = Some(next);
    }

    /// A play of automation's is over.
    pub(super) fn automation_ended(&mut self, voice: u64) {
        self.auto.playing.take_if(|current| current.voice == voice);
        self.auto.next.take_if(|current| current.voice == voice);
    }

    /// The file behind a play turned out short: the next line starts where it ends.
    pub(super) fn automation_short(&mut self, voice: u64, frames: i64) {
        for current in [&mut self.auto.playing, &mut self.auto.next].into_iter().flatten() {
            if current.voice == voice {
                let end = current.playing.start.plus(frames);
                current.playing.end = current.playing.end.min(end);
                current.playing.segue = current.playing.segue.min(end);
            }
        }
    }

    /// The air stood still: what plays ends later.
    pub(super) fn automation_stalled(&mut self, by: i64) {
        if let Some(current) = &mut self.auto.playing {
            current.playing.segue = current.playing.segue.plus(by);
            current.playing.end = current.playing.end.plus(by);
        }
    }

    /// A line that waits in the mixer goes back to the front of the chain.
    pub(super) fn take_back(&mut self, next: Current) {
        self.plays.discard(next.voice, EndReason::Replaced);
        if let Some(current) = &self.auto.playing {
            self.plays.unplan(current.voice);
        }
        if next.filler {
            self.auto.fillers.insert(next.line.id);
        }
        self.auto.chain.insert(0, next.line);
    }

    /// Leaves the playing line now, over `fade` frames; the next one starts at once.
    pub(super) fn skip_automation(&mut self, fade: i64) {
        if let Some(next) = self.auto.next.take() {
            self.take_back(next);
        }
        let now = self.now();
        let curve = self.settings().fade_curve;
        if let Some(current) = &mut self.auto.playing {
            current.playing.segue = now;
            current.playing.end = now.plus(fade).min(current.playing.end);
            // The line's own overlap no longer rules: the fade below is the hand-over.
            current.line.transition = Transition::Segue;
            self.plays.fade(current.voice, NOW, fade, curve, EndReason::Skipped);
        }
        self.step_automation();
    }
}
