//! The hour's chain as it grows: where it stands, and each line with its marks.
//!
//! Projected times follow the resolver's rules; in the end the resolver has the word.
//! Every version of the planner builds its hours with it: what it makes of an item never changes.

use super::PlanInputs;
use super::joint;
use super::sound::{gain_db_x100, takes_crossfade};
use grimnir_events::library::{CueMarks, MediaItem};
use grimnir_events::station::TransitionMode;
use grimnir_events::timeline::{Anchor, Line, Transition};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{AirFrame, LineId, MediaId, PlaylistId, StationId, UtcMicros, derive_id};

/// Most lines of an hour.
pub const MAX_LINES: usize = 150;
/// Most bytes that the lines of an hour take; with the notes it stays under the 28 KiB of
/// `timeline::decide::MAX_PLAN_BYTES`.
const LINES_BYTES: usize = 22 * 1024;
/// Most bytes of a line beside its texts: 64 of ids and hash, 86 of numbers at their longest.
const LINE_BYTES: usize = 160;
/// Most bytes that a smart transition adds: two lengths of five.
const SMART_BYTES: usize = 10;
/// Longest title and artist in a line, in bytes.
const TEXT_BYTES: usize = 200;

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
}

impl<'a> Chain<'a> {
    /// An empty chain that stands at `from`.
    pub fn new(inputs: &PlanInputs<'a>, hour: UtcMicros, from: AirFrame, pending: Anchor) -> Self {
        let (inputs, lines) = (*inputs, Vec::new());
        Self { inputs, hour, from, pending, lines, bytes: 0 }
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

    /// Another line fits into the hour's commit.
    pub fn has_room(&self) -> bool {
        self.lines.len() < MAX_LINES && self.bytes + LINE_BYTES + 2 * TEXT_BYTES <= LINES_BYTES
    }

    /// Nothing is planned yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Least airtime that is worth a start, in frames.
    pub fn useful(&self) -> i64 {
        frames_of_ms(i64::from(self.inputs.settings.min_airtime_ms))
    }

    /// Appends an item with its usable marks; answers when it is to start.
    pub fn push(
        &mut self,
        item: &MediaItem,
        mut cues: CueMarks,
        playlist: Option<PlaylistId>,
    ) -> UtcMicros {
        let PlanInputs { settings, joins, .. } = self.inputs;
        if joins.mode == TransitionMode::Smart {
            self.meet(item, &mut cues);
        } else if !takes_crossfade(item, settings) {
            self.close_without_crossfade();
        }
        let start = self.next_start();
        // Whether the next item takes an overlap too is seen when that one comes.
        let (cues, transition) = joint::alone(item, cues, settings, &joins);
        let line = Line {
            id: line_id(self.inputs.station, self.hour, self.lines.len(), item.id, playlist),
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
            min_airtime: joint::useful(settings, &cues),
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
        let Some((_, last)) = self.lines.last_mut() else { return };
        let Some(before) = media.get(&last.media_id) else { return };
        let own = CueMarks { cue_in: last.cues.cue_in, ..before.cues };
        let met = joint::meet((before, own), (item, *cues), settings, &joins);
        (last.cues, last.transition) = (met.cues, met.transition);
        last.min_airtime = joint::useful(settings, &met.cues);
        cues.cue_in = met.next_cue_in;
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

    /// The last line hands over without overlap, where its overlap was ours.
    pub fn close_without_crossfade(&mut self) {
        if let Some((_, last)) = self.lines.last_mut()
            && matches!(last.transition, Transition::Crossfade { .. })
        {
            last.cues.segue = last.cues.cue_out;
            last.transition = Transition::Segue;
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
