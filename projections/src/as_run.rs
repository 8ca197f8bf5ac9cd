//! The as-run log: what aired, when, for how long, and why it differed.
//!
//! [`AsRun`] is a pure fold of air facts, used by the read model and by replay alike. Times are
//! air times (the engine's sample clock); a length that was not seen but worked out afterwards is
//! marked `inferred`.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::AsRunRow;
use crate::{recordings, words};
use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason, ItemStarted};
use grimnir_events::ladder::Tier;
use grimnir_events::sound::SoundEvent;
use grimnir_events::timeline::Line;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{AirFrame, ClaimId, EngineRunId, LineId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Entries that ended longer ago leave the read model; replay still has them.
pub const KEPT_US: i64 = 7 * 24 * 3_600_000_000;
/// A week of items of six seconds each: an engine that reports more is at fault.
const ROWS_MAX: usize = 100_000;
/// Runs whose journal position is remembered.
const RUNS_MAX: usize = 8;

/// What aired on one station.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AsRun {
    rows: VecDeque<AsRunRow>,
    /// Plays without an end.
    open: Vec<(EngineRunId, u64)>,
    /// Journal number of the last fact taken from each run, oldest run first.
    taken: Vec<(EngineRunId, u64)>,
}

impl AsRun {
    /// Folds one fact; one that was taken before changes nothing.
    ///
    /// `line` finds a planned line, for facts that carry nothing but its id.
    pub fn apply<'a>(
        &mut self,
        seq: u64,
        fact: &AirFact,
        line: impl FnOnce(LineId) -> Option<&'a Line>,
    ) {
        if !self.take(fact) {
            return;
        }
        match &fact.event {
            AirEvent::ItemStarted(item) => self.started(seq, fact, item),
            AirEvent::ItemEnded { play, frames, reason } => {
                self.ended(fact.run, *play, *frames, reason);
            }
            AirEvent::AirInterrupted { from, to, bound_frames, reason } => {
                if *reason == InterruptReason::EngineLost {
                    self.close_lost(*from);
                }
                self.interrupted(seq, fact, *from, *to, *bound_frames, *reason);
            }
            AirEvent::SilenceLeft {} => self.close_silence(fact.frame, |_| true, false),
            AirEvent::NonFiniteSamples { play, count } => self.non_finite(seq, fact, *play, *count),
            AirEvent::Sound(SoundEvent::ItemListened { play, mounts }) => {
                if let Some(row) = self.play(fact.run, *play) {
                    row.listened = Some(mounts.clone());
                }
            }
            AirEvent::Sound(SoundEvent::ItemStreamed { play, outputs }) => {
                if let Some(row) = self.play(fact.run, *play) {
                    row.streamed = Some(outputs.clone());
                }
            }
            _ => self.rows.extend(instant(seq, fact, line)),
        }
    }

    /// False for a fact that was taken before.
    fn take(&mut self, fact: &AirFact) -> bool {
        if let Some(entry) = self.taken.iter_mut().find(|(run, _)| *run == fact.run) {
            let fresh = fact.journal_seq > entry.1;
            entry.1 = entry.1.max(fact.journal_seq);
            return fresh;
        }
        if self.taken.len() == RUNS_MAX {
            self.taken.remove(0);
        }
        self.taken.push((fact.run, fact.journal_seq));
        true
    }

    fn started(&mut self, seq: u64, fact: &AirFact, item: &ItemStarted) {
        // An engine owns its station's air alone: whatever another run left open is over.
        self.close_others(fact.run, fact.frame);
        let mut row = blank(seq, fact, "item");
        row.play = item.play;
        row.expected_frames = Some(item.expected_frames);
        (row.tier, row.claim_id) = (Some(item.tier), Some(item.claim_id));
        row.line_id = item.line_id;
        (row.media_id, row.play_hash) = (Some(item.media_id), Some(item.play_hash));
        (row.title, row.artist) = (item.title.clone(), item.artist.clone());
        (row.kind, row.planned_at) = (Some(item.kind), item.planned_at);
        (row.ended_at, row.frames) = (None, None);
        self.rows.push_back(row);
        self.open.push((fact.run, item.play));
    }

    fn ended(&mut self, run: EngineRunId, play: u64, frames: i64, reason: &EndReason) {
        let mut open = self.open.iter().rev();
        // The engine that comes after a lost one ends its play, under its own run.
        let (rows, lost) = (&self.rows, open.find(|key| key.1 == play).map(|key| key.0));
        let of = |r: EngineRunId| rows.iter().rev().any(|row| is_play(row, r, play));
        let inferred = |row: &&AsRunRow| row.inferred && row.entry == "item" && row.play == play;
        let run = match lost {
            _ if of(run) => run,
            Some(lost) => lost,
            None => rows.iter().rev().find(inferred).map_or(run, |row| row.run),
        };
        self.open.retain(|key| *key != (run, play));
        if let Some(row) = self.play(run, play) {
            close(row, frames, words::of(reason), *reason == EndReason::EngineLost);
        }
    }

    fn play(&mut self, run: EngineRunId, play: u64) -> Option<&mut AsRunRow> {
        self.rows.iter_mut().rev().find(|row| is_play(row, run, play))
    }

    fn close_others(&mut self, run: EngineRunId, at: AirFrame) {
        let lost: Vec<_> = self.open.iter().copied().filter(|key| key.0 != run).collect();
        self.open.retain(|key| key.0 == run);
        for key in lost {
            self.close_at(key, at);
        }
        self.close_silence(at, |row| row.run != run, true);
    }

    /// Nothing was heard from `at` on: what began before it ended there, as far as is known.
    fn close_lost(&mut self, at: AirFrame) {
        for key in self.open.clone() {
            if self.play(key.0, key.1).is_some_and(|row| row.start_frame < at.0) {
                self.open.retain(|open| *open != key);
                self.close_at(key, at);
            }
        }
        self.close_silence(at, |row| row.start_frame < at.0, true);
    }

    fn close_at(&mut self, (run, play): (EngineRunId, u64), at: AirFrame) {
        if let Some(row) = self.play(run, play) {
            let expected = row.expected_frames.unwrap_or(i64::MAX);
            let frames = (at.0.saturating_sub(row.start_frame)).clamp(0, expected.max(0));
            close(row, frames, words::of(&EndReason::EngineLost), true);
        }
    }

    fn interrupted(
        &mut self,
        seq: u64,
        fact: &AirFact,
        from: AirFrame,
        to: AirFrame,
        bound_frames: i64,
        reason: InterruptReason,
    ) {
        let mut row = span(seq, fact, "interrupted", from, to);
        row.inferred = reason == InterruptReason::EngineLost;
        row.reason = words::of(&reason);
        if row.inferred {
            let bound_ms = micros_of_frames(bound_frames).div_euclid(1_000);
            row.reason.push_str(&format!(" (began at most {bound_ms} ms earlier)"));
        }
        self.rows.push_back(row);
    }

    fn close_silence(&mut self, at: AirFrame, of: impl Fn(&AsRunRow) -> bool, inferred: bool) {
        let mut rows = self.rows.iter_mut().rev();
        let open = |row: &&mut AsRunRow| row.entry == "silence" && row.ended_at.is_none();
        if let Some(row) = rows.find(|row| open(row) && of(row)) {
            row.frames = Some(at.since(AirFrame(row.start_frame)).max(0));
            row.ended_at = Some(instant_of(row, at).max(row.started_at));
            row.inferred = inferred;
        }
    }

    fn non_finite(&mut self, seq: u64, fact: &AirFact, play: u64, count: u64) {
        let mut row = blank(seq, fact, "source");
        row.play = play;
        if let Some(item) = self.play(fact.run, play) {
            (row.tier, row.claim_id, row.line_id) = (item.tier, item.claim_id, item.line_id);
            (row.media_id, row.play_hash) = (item.media_id, item.play_hash);
            (row.title, row.artist) = (item.title.clone(), item.artist.clone());
            row.kind = item.kind;
        }
        row.reason = format!("non_finite_samples: {count} made zero");
        self.rows.push_back(row);
    }

    /// Every entry, as it was recorded.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &AsRunRow> {
        self.rows.iter()
    }

    /// Entries that touch `from..to`, by air time.
    pub fn between(&self, from: UtcMicros, to: UtcMicros) -> Vec<AsRunRow> {
        let touches = |row: &&AsRunRow| {
            let over = row.ended_at.is_some_and(|end| end <= from && row.started_at < from);
            row.started_at < to && !over
        };
        let mut rows: Vec<_> = self.rows.iter().filter(touches).cloned().collect();
        // Stable: entries of one instant stay as they were recorded.
        rows.sort_by_key(|row| row.started_at);
        rows
    }

    /// Lets go of the entries at the front that ended before `oldest`; the last `keep` stay.
    pub fn prune(&mut self, oldest: UtcMicros, keep: usize) {
        let over = |row: &AsRunRow| row.ended_at.is_some_and(|end| end < oldest);
        while self.rows.len() > keep && self.rows.front().is_some_and(over) {
            self.rows.pop_front();
        }
    }
}

fn is_play(row: &AsRunRow, run: EngineRunId, play: u64) -> bool {
    row.entry == "item" && row.run == run && row.play == play
}

/// The instant of a frame by the clock that the row's own start stands on.
fn instant_of(row: &AsRunRow, at: AirFrame) -> UtcMicros {
    at.utc().plus(ahead(row.started_at, AirFrame(row.start_frame)))
}

/// How far UTC is ahead of the sample clock where `frame` is at `at`: it may have been set.
fn ahead(at: UtcMicros, frame: AirFrame) -> i64 {
    let ahead = at.since(frame.utc());
    // Less than a frame is rounding.
    if ahead.abs() <= micros_of_frames(1) + 1 { 0 } else { ahead }
}

fn close(row: &mut AsRunRow, frames: i64, reason: String, inferred: bool) {
    row.frames = Some(frames);
    row.ended_at = Some(instant_of(row, AirFrame(row.start_frame).plus(frames)));
    (row.reason, row.inferred) = (reason, inferred);
}

/// An entry that ends where it begins.
fn blank(seq: u64, fact: &AirFact, entry: &str) -> AsRunRow {
    AsRunRow {
        seq,
        run: fact.run,
        play: 0,
        started_at: fact.at,
        ended_at: Some(fact.at),
        start_frame: fact.frame.0,
        frames: Some(0),
        expected_frames: None,
        listened: None,
        streamed: None,
        entry: entry.to_owned(),
        tier: None,
        claim_id: None,
        line_id: None,
        media_id: None,
        play_hash: None,
        title: String::new(),
        artist: String::new(),
        kind: None,
        planned_at: None,
        reason: String::new(),
        inferred: false,
    }
}

fn span(seq: u64, fact: &AirFact, entry: &str, from: AirFrame, to: AirFrame) -> AsRunRow {
    let ahead = ahead(fact.at, fact.frame);
    AsRunRow {
        started_at: from.utc().plus(ahead),
        ended_at: Some(to.utc().plus(ahead)),
        start_frame: from.0,
        frames: Some(to.since(from)),
        ..blank(seq, fact, entry)
    }
}

/// The entry of a fact that opens and closes nothing before it.
fn instant<'a>(
    seq: u64,
    fact: &AirFact,
    line: impl FnOnce(LineId) -> Option<&'a Line>,
) -> Option<AsRunRow> {
    let with = |entry: &str, reason: String| AsRunRow { reason, ..blank(seq, fact, entry) };
    let of_claim = |claim_id: ClaimId, tier: Option<Tier>, entry: &str, reason: String| AsRunRow {
        claim_id: Some(claim_id),
        tier,
        ..with(entry, reason)
    };
    Some(match &fact.event {
        AirEvent::EngineStarted { version, realtime } => {
            let realtime = if *realtime { "realtime" } else { "not realtime" };
            with("engine", format!("started: version {version}, {realtime}"))
        }
        AirEvent::EngineStopped {} => with("engine", "stopped".to_owned()),
        AirEvent::LineDropped { line_id, media_id, title, planned_at, reason } => {
            let mut row = planned(with("dropped", words::of(reason)), *line_id, line);
            (row.media_id, row.planned_at) = (Some(*media_id), Some(*planned_at));
            row.title.clone_from(title);
            row
        }
        AirEvent::LineMoved { line_id, reason } => {
            planned(with("moved", words::of(reason)), *line_id, line)
        }
        AirEvent::EmergencyInserted { claim } => AsRunRow {
            title: claim.label.clone(),
            ..of_claim(claim.id, Some(claim.tier), "source", "emergency_inserted".to_owned())
        },
        AirEvent::OwnerChanged { to, tier, reason, .. } => {
            of_claim(*to, Some(*tier), "owner", words::of(reason))
        }
        AirEvent::ClaimEnded { claim_id, reason } => {
            of_claim(*claim_id, None, "source", format!("ended: {}", words::of(reason)))
        }
        AirEvent::SourceFailed { claim_id, reason } => {
            of_claim(*claim_id, None, "source", format!("failed: {reason}"))
        }
        AirEvent::SourceRecovered { claim_id } => {
            of_claim(*claim_id, None, "source", "recovered".to_owned())
        }
        AirEvent::SilenceEntered { reason } => {
            AsRunRow { ended_at: None, frames: None, ..with("silence", reason.clone()) }
        }
        AirEvent::AirStalled { from, to } => AsRunRow {
            reason: "mix_fell_behind".to_owned(),
            ..span(seq, fact, "stalled", *from, *to)
        },
        AirEvent::OutputUp { mount_id } => with("output", format!("up: {mount_id}")),
        AirEvent::OutputDown { mount_id, reason } => {
            with("output", format!("down: {mount_id}: {reason}"))
        }
        AirEvent::ProgrammeSilent { since } => {
            with("alarm", format!("programme_silent: since {}", since.utc()))
        }
        AirEvent::ProgrammeHeard {} => with("alarm", "programme_heard".to_owned()),
        AirEvent::Live(event) => with("live", words::of_live(event)),
        AirEvent::Webstream(event) => with("webstream", words::of_webstream(event)),
        AirEvent::Sound(SoundEvent::SourceSilent { play, since }) => {
            with("alarm", format!("source_silent: play {play} since {}", since.utc()))
        }
        AirEvent::Sound(SoundEvent::SourceHeard { play }) => {
            with("alarm", format!("source_heard: play {play}"))
        }
        AirEvent::Sound(SoundEvent::ClockStepped { by_us, .. }) => {
            with("clock", format!("stepped: {by_us} µs"))
        }
        AirEvent::OutputReported { output_id, report } => {
            let (entry, reason) = recordings::told_of_output(*output_id, report);
            with(entry, reason)
        }
        AirEvent::Sound(_)
        | AirEvent::AirInterrupted { .. }
        | AirEvent::ItemStarted(_)
        | AirEvent::ItemEnded { .. }
        | AirEvent::SilenceLeft {}
        | AirEvent::NonFiniteSamples { .. } => return None,
    })
}

/// Adds what the plan says of the line.
fn planned<'a>(
    mut row: AsRunRow,
    line_id: LineId,
    line: impl FnOnce(LineId) -> Option<&'a Line>,
) -> AsRunRow {
    (row.line_id, row.tier) = (Some(line_id), Some(Tier::Automation));
    if let Some(line) = line(line_id) {
        (row.media_id, row.play_hash) = (Some(line.media_id), Some(line.play_hash));
        (row.title, row.artist) = (line.title.clone(), line.artist.clone());
        (row.kind, row.planned_at) = (Some(line.kind), Some(line.planned_at));
    }
    row
}

/// Folds one fact.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    let station = place.station();
    let timeline = model.timelines.get(&station);
    let as_run = model.as_run.entry(station).or_default();
    as_run.apply(place.seq, fact, |id| timeline.and_then(|t| t.line(id)));
    as_run.prune(fact.at.plus(-KEPT_US), 0);
    while as_run.rows.len() > ROWS_MAX {
        as_run.rows.pop_front();
    }
}

/// Tells the fact as it is: the journal's own words.
pub(crate) fn tell(out: &mut Changes, fact: &AirFact) {
    out.push("as_run", fact);
}
