//! Automation: plays the timeline that is held, line after line, by the resolver's frames.
//!
//! The resolver says what starts when; here its next lines are prepared, handed to the mixer half
//! a second ahead, and dropped with a reason where they cannot play. Gaps are filled from the
//! rotation. Not here: whether automation owns the air (`owner`).

use super::plays::{NOW, PlayState, Spec};
use super::{COMMIT_AHEAD, Director, LEAD};
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::timeline::{Anchor, DropReason, Line, Transition};
use grimnir_events::{AirFrame, ContentHash, LineId, derive_id};
use grimnir_rules::timeline::resolve::{
    ANCHOR_FADE_FRAMES, Cursor, Interrupted, Playing, Rejoined, Resolution, ResolveSettings,
    Resolved, rejoin, resolve,
};
use std::collections::{BTreeMap, BTreeSet};

/// Lines that are prepared ahead.
const PREPARED_LINES: usize = 2;
/// Lines that are resolved in the running; anchors further away do not move the next two.
const RESOLVED_LINES: usize = 48;
/// A gap is looked for this far ahead: 12 s, so that its filler is prepared in time.
const GAP_AHEAD: i64 = 12 * 48_000;
/// A gap shorter than this is left: 1 s.
const GAP_LEAST: i64 = 48_000;
/// A line that cannot be read this long after its time is dropped: 1 s.
const OVERDUE: i64 = 48_000;

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
    decks: BTreeMap<(LineId, i64), u64>,
    fillers: BTreeSet<LineId>,
    filler_count: u64,
    rotation_next: usize,
    bad: BTreeSet<ContentHash>,
    moved_told: BTreeSet<LineId>,
}

impl Automation {
    /// Frame after the last that is surely heard; `None` where nothing is.
    pub fn sounds_until(&self) -> Option<AirFrame> {
        let ends = [&self.next, &self.playing].into_iter().flatten().map(|c| c.playing.end);
        ends.max()
    }
}

impl Director {
    fn resolve_settings(&self) -> ResolveSettings {
        let settings = self.settings();
        ResolveSettings {
            crossfade_frames: i64::from(settings.crossfade_ms) * 48,
            curve: settings.fade_curve,
            anchor_fade_frames: ANCHOR_FADE_FRAMES,
        }
    }

    /// True if automation could play something: a line or an item of the rotation.
    pub(super) fn automation_playable(&self) -> bool {
        let sounds = self.auto.sounds_until().is_some_and(|end| end > self.now());
        sounds || self.rotation_playable() || self.line_is_near()
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
        self.auto.next.is_some() || self.rotation_playable() || {
            let first = self.resolution(self.now().plus(LEAD));
            first.lines.first().is_some_and(|line| line.start.since(end) < GAP_LEAST)
        }
    }

    fn rejoined(&self, at: AirFrame) -> Rejoined {
        let mut lines = self.held.lines();
        let interrupted = self.auto.interrupted;
        if let (true, Some(broken)) = (self.auto.resume_any, interrupted) {
            for line in lines.iter_mut().filter(|line| line.id == broken.line_id) {
                line.long_form = true;
                line.min_airtime = line.min_airtime.min(GAP_LEAST);
            }
        }
        rejoin(&lines, at, &self.auto.done, interrupted)
    }

    /// A new chain; an item that fills the time before it, prepared already, stays in front.
    fn set_chain(&mut self, lines: Vec<Line>) {
        let filler = self.auto.chain.first().filter(|line| self.auto.fillers.contains(&line.id));
        self.auto.chain = filler.cloned().into_iter().chain(lines).collect();
    }

    /// Prepares what automation would begin with at `at`; true once that can start.
    pub(super) fn rehearse_automation(&mut self, at: AirFrame) -> bool {
        loop {
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
    }

    /// Automation takes the air at `at`: what it cannot catch up on is dropped, with the reason.
    pub(super) fn enter_automation(&mut self, at: AirFrame) {
        let rejoined = self.rejoined(at);
        for (line_id, reason) in &rejoined.dropped {
            let reason = match (self.was_off_air, reason) {
                (true, DropReason::TimePassed) => DropReason::OffAir,
                (_, other) => *other,
            };
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
        self.auto_entry = Some(at);
        self.step_automation();
    }

    /// Another tier takes the air: remembers where the line was cut, gives up what is planned.
    pub(super) fn leave_automation(&mut self) {
        let now = self.now();
        self.auto_entry = None;
        if let Some(next) = self.auto.next.take() {
            self.plays.discard(next.voice, EndReason::Preempted);
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
        let lines = self.held.lines();
        let last = self.auto.next.as_ref().or(self.auto.playing.as_ref()).cloned();
        let place = last.as_ref().and_then(|c| lines.iter().position(|l| l.id == c.line.id));
        let chain = match (place, &last) {
            (Some(place), _) => lines[place + 1..].to_vec(),
            (None, last) => {
                let from = last.as_ref().map_or(self.now(), |c| c.playing.segue);
                rejoin(&lines, from, &self.auto.done, None).lines
            }
        };
        let keep = |line: &Line| {
            !self.auto.done.contains(&line.id)
                && last.as_ref().is_none_or(|c| c.line.id != line.id)
        };
        let chain = chain.into_iter().filter(keep).collect();
        self.set_chain(chain);
    }

    /// Items of the rotation may have come back.
    pub(super) fn forget_bad_rotation(&mut self) {
        self.auto.bad.clear();
        self.auto.rotation_next = 0;
    }

    /// The chain from now on, in frames.
    fn resolution(&self, earliest: AirFrame) -> Resolution {
        let current = self.auto.next.as_ref().or(self.auto.playing.as_ref());
        let cursor =
            Cursor { at: earliest, playing: current.map(|current| current.playing.clone()) };
        let own = current.map(|current| current.line.clone());
        let lines: Vec<Line> =
            own.into_iter().chain(self.auto.chain.iter().take(RESOLVED_LINES).cloned()).collect();
        resolve(&lines, &cursor, &self.resolve_settings())
    }

    /// Moves automation on: prepares, fills gaps, drops, and hands the next line to the mixer.
    pub(super) fn step_automation(&mut self) {
        let Some(entry) = self.auto_entry else { return };
        // More than a few turns only where many files in a row are bad; the next tick goes on.
        for _ in 0..16 {
            let earliest = self.now().plus(LEAD).max(entry);
            let resolution = self.fill_gaps(earliest);
            if self.prepare_lines(&resolution) {
                continue;
            }
            let Some(first) = resolution.lines.first().cloned() else { return };
            let due = first.start.since(self.now());
            if self.auto.next.is_some() || due > COMMIT_AHEAD {
                return;
            }
            if !self.deck_ready(&first) {
                self.drop_if_overdue(&first, earliest);
                return;
            }
            self.commit_line(&first, &resolution);
        }
    }

    /// Resolves; where nothing is to be heard soon, an item of the rotation goes in first.
    fn fill_gaps(&mut self, earliest: AirFrame) -> Resolution {
        let resolution = self.resolution(earliest);
        if self.auto.next.is_some() {
            return resolution;
        }
        let silent_from = self.auto.sounds_until().unwrap_or(earliest).max(earliest);
        if silent_from.since(self.now()) > GAP_AHEAD {
            return resolution;
        }
        let gap = resolution.lines.first().map_or(i64::MAX, |l| l.start.since(silent_from));
        if gap < GAP_LEAST {
            return resolution;
        }
        let Some(filler) = self.next_filler(silent_from) else { return resolution };
        let id = filler.id;
        self.auto.chain.insert(0, filler);
        let filled = self.resolution(earliest);
        if filled.lines.first().is_some_and(|line| line.line_id == id) {
            return filled;
        }
        self.auto.chain.remove(0);
        self.auto.fillers.remove(&id);
        resolution
    }

    fn next_filler(&mut self, from: AirFrame) -> Option<Line> {
        let config = self.held.config.as_ref()?;
        let count = config.rotation.len();
        let last = self.auto.playing.as_ref().map(|current| current.line.play_hash);
        let usable = |n: usize| {
            let item = &config.rotation[n % count];
            !self.auto.bad.contains(&item.play_hash) && (count == 1 || last != Some(item.play_hash))
        };
        let place = (self.auto.rotation_next..self.auto.rotation_next + count).find(|n| usable(*n));
        let place = place? % count;
        let item = config.rotation[place].clone();
        self.auto.filler_count += 1;
        let number = self.auto.filler_count.to_be_bytes();
        let id = LineId(derive_id("engine.filler", &[&self.run.0, &number]));
        self.auto.fillers.insert(id);
        self.auto.rotation_next = place + 1;
        Some(Line {
            id,
            media_id: item.media_id,
            play_hash: item.play_hash,
            title: item.title,
            artist: item.artist,
            kind: item.kind,
            planned_at: from.utc(),
            anchor: Anchor::AfterPrevious,
            cues: item.cues,
            gain_db_x100: item.gain_db_x100,
            transition: Transition::Crossfade { curve: self.settings().fade_curve },
            min_airtime: GAP_LEAST,
            must_air: false,
            long_form: false,
        })
    }

    /// Prepares the first lines. True if one of them fell away, so that all has to be resolved
    /// again.
    fn prepare_lines(&mut self, resolution: &Resolution) -> bool {
        let wanted: Vec<(LineId, i64)> = resolution
            .lines
            .iter()
            .take(PREPARED_LINES)
            .map(|line| (line.line_id, line.from_frame))
            .collect();
        self.release_decks(&wanted);
        for key in wanted {
            let Some(line) = self.auto.chain.iter().find(|line| line.id == key.0) else { continue };
            let voice = match self.auto.decks.get(&key) {
                Some(voice) => *voice,
                None => {
                    let filler = self.auto.fillers.contains(&line.id);
                    let voice = self.plays.prepare(Spec::of_line(line, key.1, filler));
                    self.auto.decks.insert(key, voice);
                    voice
                }
            };
            if self.check_deck(key, voice) {
                return true;
            }
        }
        false
    }

    /// Looks at one prepared line. True if it was dropped, or is shorter than it was taken for.
    fn check_deck(&mut self, key: (LineId, i64), voice: u64) -> bool {
        let Some(play) = self.plays.get(voice) else { return false };
        if let PlayState::Failed { missing, .. } = play.state {
            let reason =
                if missing { DropReason::MissingFile } else { DropReason::Undecodable };
            self.drop_line(key.0, reason);
            return true;
        }
        let Some((frames, _)) = play.short else { return false };
        let to = play.spec.from + frames;
        if frames < GAP_LEAST {
            self.drop_line(key.0, DropReason::Undecodable);
            return true;
        }
        let Some(line) = self.auto.chain.iter_mut().find(|line| line.id == key.0) else {
            return false;
        };
        if line.cues.cue_out <= to {
            return false;
        }
        line.cues.cue_out = to;
        line.cues.segue = line.cues.segue.min(to);
        true
    }

    fn release_decks(&mut self, wanted: &[(LineId, i64)]) {
        let gone: Vec<(LineId, i64)> =
            self.auto.decks.keys().filter(|key| !wanted.contains(key)).copied().collect();
        for key in gone {
            if let Some(voice) = self.auto.decks.remove(&key) {
                self.plays.discard(voice, EndReason::Replaced);
            }
        }
    }

    fn deck_ready(&self, line: &Resolved) -> bool {
        let voice = self.auto.decks.get(&(line.line_id, line.from_frame));
        voice.is_some_and(|voice| self.plays.ready(*voice))
    }

    /// A line that is still being read long after its time must not hold up the next.
    fn drop_if_overdue(&mut self, first: &Resolved, earliest: AirFrame) {
        let silent = self.auto.sounds_until().is_none_or(|end| end <= self.now());
        let id = first.line_id;
        let since = self.auto_waiting.get_or_insert((id, earliest));
        if since.0 != id {
            *since = (id, earliest);
        }
        if silent && earliest.since(since.1) > OVERDUE {
            tracing::error!(line = %id, "line is not readable in time");
            self.drop_line(id, DropReason::Undecodable);
        }
    }

    /// Hands the first resolved line to the mixer, and ends what it takes over from.
    fn commit_line(&mut self, first: &Resolved, resolution: &Resolution) {
        let Some(index) = self.auto.chain.iter().position(|line| line.id == first.line_id) else {
            return;
        };
        let Some(voice) = self.auto.decks.remove(&(first.line_id, first.from_frame)) else {
            return;
        };
        let line = self.auto.chain.remove(index);
        let passed: BTreeSet<LineId> =
            self.auto.chain[..index].iter().map(|line| line.id).collect();
        for (line_id, reason) in &resolution.dropped {
            if passed.contains(line_id) {
                self.drop_line(*line_id, *reason);
            }
        }
        if resolution.moved.contains(&line.id) && self.auto.moved_told.insert(line.id) {
            let reason = DropReason::PassedByAnchor;
            self.fact(AirEvent::LineMoved { line_id: line.id, reason });
        }
        self.hand_over_from_playing(resolution);
        // Its natural length: what cuts it fades it, once that is handed to the mixer.
        let length = (line.cues.cue_out - first.from_frame).max(0);
        self.plays.commit(voice, first.start, Some(length), first.fade_in, first.curve_in);
        self.auto_waiting = None;
        let natural_end = first.start.plus(length);
        let playing = Playing {
            line_id: line.id,
            start: first.start,
            segue: first.start.plus((line.cues.segue - first.from_frame).max(0)),
            end: natural_end,
        };
        let filler = self.auto.fillers.remove(&line.id);
        self.auto.next = Some(Current { voice, line, playing, filler });
    }

    fn hand_over_from_playing(&mut self, resolution: &Resolution) {
        let station_curve = self.settings().fade_curve;
        let Some(current) = &mut self.auto.playing else { return };
        let natural = current.playing.end;
        let (end, fade) = resolution.playing_cut.unwrap_or((natural, resolution.playing_fade_out));
        let cut = end < current.playing.segue;
        let reason = if cut { EndReason::CutByAnchor } else { EndReason::Completed };
        let curve = match current.line.transition {
            Transition::Crossfade { curve } if !cut => curve,
            Transition::Crossfade { .. } | Transition::Segue => station_curve,
        };
        current.playing.end = end;
        let voice = current.voice;
        if end < natural || fade > 0 {
            self.plays.fade(voice, end.plus(-fade), fade, curve, reason);
        }
    }

    /// A line will not air: says so once.
    pub(super) fn drop_line(&mut self, line_id: LineId, reason: DropReason) {
        let place = self.auto.chain.iter().position(|line| line.id == line_id);
        let line = match place {
            Some(place) => Some(self.auto.chain.remove(place)),
            None => self.held.lines().into_iter().find(|line| line.id == line_id),
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
            let (media_id, title, planned_at) = (line.media_id, line.title, line.planned_at);
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

    /// Leaves the playing line now, over `fade` frames; the next one starts at once.
    pub(super) fn skip_automation(&mut self, fade: i64) {
        if let Some(next) = self.auto.next.take() {
            self.plays.discard(next.voice, EndReason::Replaced);
            if let Some(current) = &self.auto.playing {
                self.plays.unplan(current.voice);
            }
            if next.filler {
                self.auto.fillers.insert(next.line.id);
            }
            self.auto.chain.insert(0, next.line);
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

fn resolve_at(lines: &[Line], at: AirFrame, settings: &ResolveSettings) -> Resolution {
    let few = &lines[..lines.len().min(RESOLVED_LINES)];
    resolve(few, &Cursor { at, playing: None }, settings)
}
