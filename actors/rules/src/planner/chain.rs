//! The hour's chain as it grows: where it stands, and each line with its marks.
//!
//! Projected times follow the resolver's rules; in the end the resolver has the word.
//! Every version of the planner builds its hours with it: what it makes of an item never changes.

use super::PlanInputs;
use super::joint;
use super::sound::{gain_db_x100, has_own_segue, takes_crossfade};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::station::TransitionMode;
use grimnir_events::timeline::{Anchor, Line, Transition};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{AirFrame, LineId, MediaId, PlaylistId, StationId, UtcMicros, derive_id};

/// Most lines of an hour in one commit.
pub const MAX_LINES: usize = 150;
/// Most bytes that the lines of an hour take in one commit; with the notes it stays under the
/// 28 KiB of `timeline::decide::MAX_PLAN_BYTES`.
const LINES_BYTES: usize = 22 * 1024;
/// Most lines of an hour in several commits: one every 3.6 s.
pub const HOUR_LINES: usize = 1_000;
/// Most bytes that they take, so that an engine can be handed three days in one message of 16 MiB.
const HOUR_BYTES: usize = 200 * 1024;
/// Most bytes of a line beside its texts: 64 of ids and hash, 86 of numbers at their longest.
const LINE_BYTES: usize = 160;
/// Most bytes that a smart transition adds: two lengths of five.
const SMART_BYTES: usize = 10;
/// Longest title and artist in a line, in bytes.
const TEXT_BYTES: usize = 200;

/// Fades that an entry of a playlist has for itself; `None` as the station has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fades {
    /// From the line before into it, in milliseconds.
    pub before_ms: Option<u32>,
    /// From it into the next, in milliseconds.
    pub after_ms: Option<u32>,
}

/// A growing chain.
pub struct Chain<'a> {
    inputs: PlanInputs<'a>,
    hour: UtcMicros,
    from: AirFrame,
    /// What the next line hangs on.
    pub pending: Anchor,
    /// The lines so far, with projected starts.
    lines: Vec<(AirFrame, Line)>,
    bytes: usize,
    /// Legal IDs among the lines.
    legal_ids: usize,
    /// Least airtime that is worth a start, where a slot says another than the station.
    min_airtime_ms: Option<u32>,
    /// Most lines, and most bytes of them.
    most: (usize, usize),
    /// The last line has marks or fades of its own, from its playlist.
    last_is_timed: bool,
}

impl<'a> Chain<'a> {
    /// An empty chain that stands at `from`.
    pub fn new(inputs: &PlanInputs<'a>, hour: UtcMicros, from: AirFrame, pending: Anchor) -> Self {
        let (inputs, lines) = (*inputs, Vec::new());
        let (bytes, legal_ids, min_airtime_ms) = (0, 0, None);
        let (most, last_is_timed) = ((MAX_LINES, LINES_BYTES), false);
        Self {
            inputs,
            hour,
            from,
            pending,
            lines,
            bytes,
            legal_ids,
            min_airtime_ms,
            most,
            last_is_timed,
        }
    }

    /// The same with room for an hour that is entered in several commits.
    pub fn roomy(self) -> Self {
        Self { most: (HOUR_LINES, HOUR_BYTES), ..self }
    }

    /// Where the next line starts by the plan.
    pub fn next_start(&self) -> AirFrame {
        let free = self.lines.last().map_or(self.from, |(start, l)| start.plus(l.cues.airtime()));
        match self.pending {
            Anchor::AfterPrevious => free,
            // As the resolver has it: early by the grace at most, late by it at most.
            Anchor::Soft { at, grace_us } if free < at.plus(-grace_us).frame() => at.frame(),
            Anchor::Soft { at, grace_us } => free.min(at.plus(grace_us).frame()).max(self.from),
            Anchor::Hard { at } => at.frame(),
        }
    }

    /// Where the next line starts that is not overlapped.
    pub fn next_start_whole(&self) -> AirFrame {
        let start = self.next_start();
        match (self.lines.last(), self.pending) {
            (Some((from, last)), Anchor::AfterPrevious)
                if !matches!(last.transition, Transition::Segue) =>
            {
                from.plus(last.cues.cue_out - last.cues.cue_in)
            }
            _ => start,
        }
    }

    /// Another line fits into the hour's commits.
    pub fn has_room(&self) -> bool {
        let (lines, bytes) = self.most;
        self.lines.len() < lines && self.bytes + LINE_BYTES + 2 * TEXT_BYTES <= bytes
    }

    /// Nothing is planned yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Least airtime that is worth a start, in frames.
    pub fn useful(&self) -> i64 {
        let ms = self.min_airtime_ms.unwrap_or(self.inputs.settings.min_airtime_ms);
        frames_of_ms(i64::from(ms))
    }

    /// Sets the least airtime of the lines to come; `None` is the station's.
    pub fn set_useful(&mut self, min_airtime_ms: Option<u32>) {
        self.min_airtime_ms = min_airtime_ms;
    }

    /// Appends a legal ID; answers when it is to start. It moves to the next break when it is
    /// passed, and the ids of the lines after it are as they would be without it.
    pub fn push_legal_id(&mut self, item: &MediaItem, cues: CueMarks) -> UtcMicros {
        let place = (self.lines.len() - self.legal_ids) as u64;
        let start = self.push(item, cues, None);
        if let Some((_, line)) = self.lines.last_mut() {
            let parts: [&[u8]; 4] = [
                &self.inputs.station.0,
                &self.hour.0.to_be_bytes(),
                &place.to_be_bytes(),
                &item.id.0,
            ];
            line.id = LineId(derive_id("legal id", &parts));
            line.must_air = true;
        }
        self.legal_ids += 1;
        start
    }

    /// Appends an item with its usable marks; answers when it is to start.
    pub fn push(
        &mut self,
        item: &MediaItem,
        cues: CueMarks,
        playlist: Option<PlaylistId>,
    ) -> UtcMicros {
        self.push_timed(item, cues, playlist, Fades::default())
    }

    /// Appends an item with usable marks and fades of its own.
    pub fn push_timed(
        &mut self,
        item: &MediaItem,
        mut cues: CueMarks,
        playlist: Option<PlaylistId>,
        fades: Fades,
    ) -> UtcMicros {
        let PlanInputs { settings, joins, .. } = self.inputs;
        let own_marks = cues != item.cues;
        match fades.before_ms {
            Some(ms) if ms > 0 => self.close_with_crossfade(ms),
            Some(_) => self.close_without_crossfade(),
            None if joins.mode == TransitionMode::Smart => self.meet(item, &mut cues),
            None if !takes_crossfade(item, settings) => self.close_without_crossfade(),
            None => {}
        }
        let start = self.next_start();
        // Whether the next item takes an overlap too is seen when that one comes.
        let (cues, transition) = match fades.after_ms {
            Some(ms) if ms > 0 && has_own_segue(&cues) => {
                (cues, Transition::Crossfade { curve: settings.fade_curve })
            }
            Some(_) => (cues, Transition::Segue),
            // Marks of the entry itself are a person's: they rule as they stand.
            None if own_marks => joint::alone(item, cues, settings, &joint::Joins::default()),
            None => joint::alone(item, cues, settings, &joins),
        };
        self.last_is_timed = own_marks || fades.after_ms.is_some();
        let place = self.lines.len() - self.legal_ids;
        let line = Line {
            id: line_id(self.inputs.station, self.hour, place, item.id, playlist),
            media_id: item.id,
            play_hash: item.play_hash,
            title: cut(&item.tags.title),
            artist: cut(&item.tags.artist),
            kind: item.kind,
            planned_at: start.utc(),
            anchor: std::mem::take(&mut self.pending),
            cues,
            gain_db_x100: gain_db_x100(item, settings),
            transition,
            min_airtime: self.useful().min(cues.airtime()).max(1),
            must_air: item.must_air,
            long_form: item.long_form,
        };
        self.bytes += LINE_BYTES + line.title.len() + line.artist.len();
        if joins.mode == TransitionMode::Smart {
            self.bytes += SMART_BYTES;
        }
        self.lines.push((start, line));
        start.utc()
    }

    /// Joins the last line to what follows it.
    fn meet(&mut self, item: &MediaItem, cues: &mut CueMarks) {
        let PlanInputs { settings, joins, media, .. } = self.inputs;
        let Some((_, last)) = self.lines.last_mut().filter(|_| !self.last_is_timed) else { return };
        let Some(before) = media.get(last.media_id) else { return };
        let own = CueMarks { cue_in: last.cues.cue_in, ..before.cues };
        let met = joint::meet((before, own), (item, *cues), settings, &joins);
        (last.cues, last.transition) = (met.cues, met.transition);
        last.min_airtime = last.min_airtime.min(met.cues.airtime()).max(1);
        cues.cue_in = met.next_cue_in;
    }

    /// A legal ID is planned to start within these times.
    pub fn identifies(&self, from: AirFrame, until: AirFrame) -> bool {
        let within = |at: AirFrame| from <= at && at <= until;
        let is_id = |line: &Line| line.kind == ItemKind::LegalId;
        self.lines.iter().any(|(at, line)| is_id(line) && within(*at))
    }

    /// The line that was appended last.
    pub fn last(&self) -> Option<&Line> {
        self.lines.last().map(|(_, line)| line)
    }

    /// What follows the chain is not known: a smart overlap could cover words or an intro.
    pub fn close(&mut self) {
        if let Some((_, last)) = self.lines.last_mut()
            && matches!(last.transition, Transition::Smart { .. })
        {
            joint::part(last);
        }
    }

    /// The last line fades into what follows it, where no mark and no fixed time says otherwise.
    fn close_with_crossfade(&mut self, ms: u32) {
        let frames = frames_of_ms(i64::from(ms));
        let curve = self.inputs.settings.fade_curve;
        let Some((_, last)) = self.lines.last_mut() else { return };
        let faded = !matches!(last.transition, Transition::Segue);
        let ours = faded || !has_own_segue(&last.cues);
        // At least half of what it plays is heard alone.
        let room = (last.cues.cue_out - last.cues.cue_in) / 2;
        if ours && matches!(self.pending, Anchor::AfterPrevious) && frames <= room {
            last.cues.segue = last.cues.cue_out - frames;
            last.transition = Transition::Crossfade { curve };
            last.min_airtime = last.min_airtime.min(last.cues.airtime()).max(1);
        }
    }

    /// The last line hands over without overlap, where its overlap was ours.
    pub fn close_without_crossfade(&mut self) {
        let Some((_, last)) = self.lines.last_mut() else { return };
        match last.transition {
            Transition::Crossfade { .. } => {
                last.cues.segue = last.cues.cue_out;
                last.transition = Transition::Segue;
            }
            Transition::Smart { .. } => joint::part(last),
            Transition::Segue => {}
        }
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<Line> {
        self.lines.into_iter().map(|(_, line)| line).collect()
    }
}

/// Id of a line: station, hour, place, item, and the playlist it comes from.
pub fn line_id(
    station: StationId,
    hour: UtcMicros,
    index: usize,
    media_id: MediaId,
    playlist: Option<PlaylistId>,
) -> LineId {
    let (hour, index) = (hour.0.to_be_bytes(), (index as u64).to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![&station.0, &hour, &index, &media_id.0];
    if let Some(playlist) = &playlist {
        parts.push(&playlist.0);
    }
    LineId(derive_id("line", &parts))
}

/// A text that fits into a line.
pub fn cut(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
