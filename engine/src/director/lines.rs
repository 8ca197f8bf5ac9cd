//! The lines ahead: resolved, prepared, handed to the mixer; gaps filled from the rotation.
//!
//! Upstream: the chain that `automation` keeps, the resolver of the rules. Downstream: plays.

use super::automation::Current;
use super::plays::{PlayState, Spec};
use super::{COMMIT_AHEAD, Director, LEAD};
use grimnir_events::air::{AirEvent, EndReason};
use grimnir_events::timeline::{Anchor, DropReason, Line, Transition};
use grimnir_events::{AirFrame, LineId, derive_id};
use grimnir_rules::timeline::resolve::{
    ANCHOR_FADE_FRAMES, Cursor, Playing, Resolution, ResolveSettings, Resolved, resolve,
};
use std::collections::BTreeSet;

/// Lines that are prepared ahead.
const PREPARED_LINES: usize = 2;
/// Lines that are resolved in the running; anchors further away do not move the next two.
const RESOLVED_LINES: usize = 48;
/// A gap is looked for this far ahead: 12 s, so that its filler is prepared in time.
const GAP_AHEAD: i64 = 12 * 48_000;
/// A gap shorter than this is left: 1 s.
pub(super) const GAP_LEAST: i64 = 48_000;
/// A line that cannot be read this long after its time is dropped: 1 s.
const OVERDUE: i64 = 48_000;

impl Director {
    pub(super) fn resolve_settings(&self) -> ResolveSettings {
        let settings = self.settings();
        ResolveSettings {
            crossfade_frames: i64::from(settings.crossfade_ms) * 48,
            curve: settings.fade_curve,
            anchor_fade_frames: ANCHOR_FADE_FRAMES,
        }
    }

    /// The chain from now on, in frames.
    pub(super) fn resolution(&self, earliest: AirFrame) -> Resolution {
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
            if self.auto.next.is_none() && self.waits() {
                return;
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
    pub(super) fn fill_gaps(&mut self, earliest: AirFrame) -> Resolution {
        let resolution = self.resolution(earliest);
        if self.auto.next.is_some() || self.waits() {
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
    pub(super) fn prepare_lines(&mut self, resolution: &Resolution) -> bool {
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
            let reason = if missing { DropReason::MissingFile } else { DropReason::Undecodable };
            self.drop_line(key.0, reason);
            return true;
        }
        let Some((frames, _)) = play.short else { return false };
        let to = play.spec.from + frames;
        if frames < GAP_LEAST {
            self.drop_line(key.0, DropReason::Undecodable);
            return true;
        }
        // In the chain, and in what is held: the chain may be made anew from it.
        let mut changed = false;
        let held = self.lines.iter_mut().chain(self.auto.chain.iter_mut());
        for line in held.filter(|line| line.id == key.0 && line.cues.cue_out > to) {
            line.cues.cue_out = to;
            line.cues.segue = line.cues.segue.min(to);
            changed = true;
        }
        changed
    }

    pub(super) fn release_decks(&mut self, wanted: &[(LineId, i64)]) {
        let gone: Vec<(LineId, i64)> =
            self.auto.decks.keys().filter(|key| !wanted.contains(key)).copied().collect();
        for key in gone {
            if let Some(voice) = self.auto.decks.remove(&key) {
                self.plays.discard(voice, EndReason::Replaced);
            }
        }
    }

    pub(super) fn deck_ready(&self, line: &Resolved) -> bool {
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
        // As the resolver reads marks: a segue outside of the sound is no segue.
        let inside = line.cues.segue > first.from_frame && line.cues.segue <= line.cues.cue_out;
        let segue = if inside { line.cues.segue } else { line.cues.cue_out };
        let playing = Playing {
            line_id: line.id,
            start: first.start,
            segue: first.start.plus((segue - first.from_frame).max(0)),
            end: natural_end,
        };
        let filler = self.auto.fillers.remove(&line.id);
        self.auto.next = Some(Current { voice, line, playing, filler });
        self.started_by_mode();
    }

    fn hand_over_from_playing(&mut self, resolution: &Resolution) {
        let station_curve = self.settings().fade_curve;
        let Some(current) = &mut self.auto.playing else { return };
        let natural = current.playing.end;
        let (end, fade) = resolution.playing_cut.unwrap_or((natural, resolution.playing_fade_out));
        let cut = end < current.playing.segue;
        let reason = if cut { EndReason::CutByAnchor } else { EndReason::Completed };
        let curve = match current.line.transition {
            Transition::Crossfade { curve } | Transition::Smart { curve, .. } if !cut => curve,
            Transition::Crossfade { .. } | Transition::Smart { .. } | Transition::Segue => {
                station_curve
            }
        };
        current.playing.end = end;
        let voice = current.voice;
        if end < natural || fade > 0 {
            self.plays.fade(voice, end.plus(-fade), fade, curve, reason);
        }
    }
}

/// A chain from `at` on, with nothing on air.
pub(super) fn resolve_at(lines: &[Line], at: AirFrame, settings: &ResolveSettings) -> Resolution {
    let few = &lines[..lines.len().min(RESOLVED_LINES)];
    resolve(few, &Cursor { at, playing: None }, settings)
}
