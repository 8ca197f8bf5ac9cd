//! Versions of a plan: ledger positions, listed, compared and restored.
//!
//! Upstream: the ledger's commits of a timeline. An old state is folded from the commits that can
//! still speak of it: hours are planned whole, so those of the days before are enough. Restoring
//! is work on the plan of today, by commands of its own.

use crate::clock;
use crate::edits::{JUDGING, breaks, hour_of, judged, step};
use crate::error::CommandError;
use crate::folds::{Folds, apart};
use crate::meta::Meta;
use crate::site::Site;
use grimnir_events::owner::folded;
use grimnir_events::timeline::{HourPlan, TimelineEvent};
use grimnir_events::{
    Actor, CommitId, LineId, StationId, StreamId, StreamKind, UtcMicros, codec, derive_id,
};
use grimnir_ledger::{ReadError, Recorded};
use grimnir_rules::planner::violations::{Severity, Violation};
use grimnir_rules::timeline::TimelineState;
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::timeline::decide::HOUR_US;
use grimnir_rules::timeline::edits::command::EditCommand;
use grimnir_rules::timeline::edits::diff::{HourDiff, diff};
use grimnir_rules::{Aggregate, Timeline};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Commits read at once.
const BATCH: u64 = 256;
/// How long before a position a plan of one of its hours may have been made: a horizon of 14 days,
/// and the two days that past hours are kept.
const SPEAKS_US: i64 = 16 * 24 * HOUR_US;

/// One version of a plan.
#[derive(Clone, Debug)]
pub struct Version {
    /// Ledger position.
    pub seq: u64,
    /// When.
    pub at: UtcMicros,
    /// Who.
    pub actor: Actor,
    /// What, e.g. `insert`, `plan_hour`.
    pub what: &'static str,
    /// Starts of the hours that it changed.
    pub hours: Vec<UtcMicros>,
    /// The commit.
    pub commit_id: CommitId,
}

/// What a restoration led to.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Ledger position after it.
    pub seq: u64,
    /// Everything of it was carried out before.
    pub repeated: bool,
    /// Starts of the hours that are as they were.
    pub hours: Vec<UtcMicros>,
    /// Hours that stay as they are, with code and reason.
    pub left: Vec<(UtcMicros, &'static str, String)>,
    /// Lines that do not come back, for their items cannot be played any more.
    pub missing: Vec<LineId>,
    /// What it breaks.
    pub violations: Vec<Violation>,
}

impl Site {
    /// Versions of a station's plan before a position, newest first.
    pub async fn versions(
        &self,
        station: StationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Version>, CommandError> {
        let stream = StreamId::of_station(StreamKind::Timeline, station);
        let mut last = match before {
            Some(seq) => self.version_at(stream, seq.saturating_sub(1)).await?,
            None => self.ledger().version(stream).await.map_err(unreadable)?,
        };
        let mut out = Vec::new();
        while last > 0 && out.len() < limit {
            let first = last.saturating_sub(BATCH - 1).max(1);
            let batch = self.read(stream, first, last).await?;
            let found = batch.iter().rev().filter_map(|recorded| version(recorded));
            out.extend(found.take(limit - out.len()));
            last = first - 1;
        }
        Ok(out)
    }

    /// The hours of a station's plan as they were at a position.
    pub async fn plan_at(
        &self,
        station: StationId,
        seq: u64,
    ) -> Result<TimelineState, CommandError> {
        let head = self.head().await.seq;
        if seq == 0 || seq > head {
            let message = format!("there is no ledger position {seq}, the last is {head}");
            return Err(CommandError::not_found("version_not_found", message));
        }
        let stream = StreamId::of_station(StreamKind::Timeline, station);
        let last = self.version_at(stream, seq).await?;
        let mut state = TimelineState::default();
        if last == 0 {
            return Ok(state);
        }
        let tail = self.read(stream, last, last).await?;
        let at = tail.first().map_or(UtcMicros(0), |r| r.commit.header.occurred_at);
        let oldest = at.plus(-SPEAKS_US);
        let mut next = self.first(stream, last, |r| r.commit.header.occurred_at >= oldest).await?;
        while next <= last {
            let until = last.min(next + BATCH - 1);
            for recorded in self.read(stream, next, until).await? {
                for event in folded(&recorded.commit) {
                    let event = codec::decode::<TimelineEvent>(event).map_err(corrupt)?;
                    Timeline::evolve(&mut state, &event);
                }
            }
            next = until + 1;
        }
        Ok(state)
    }

    /// What is different in the plan at `to`, compared with that at `from`; without `to`, today.
    /// Hours that one of both does not remember any more are left out.
    pub async fn diff_plans(
        &self,
        station: StationId,
        from: u64,
        to: Option<u64>,
    ) -> Result<Vec<HourDiff>, CommandError> {
        let before = self.plan_at(station, from).await?;
        let after = match to {
            Some(to) => self.plan_at(station, to).await?,
            None => (*self.inspect::<Timeline>(station).await?.state).clone(),
        };
        let oldest = before.oldest_kept().max(after.oldest_kept());
        let kept = |state: TimelineState| -> BTreeMap<UtcMicros, HourPlan> {
            state.hours.into_iter().filter(|(hour, _)| Some(*hour) >= oldest).collect()
        };
        Ok(diff(&kept(before), &kept(after)))
    }

    /// Brings the hours to come back to what they were at a position, all of them or those that
    /// begin in a range. Hours with a locked line, and what has aired, is on air or comes next,
    /// stay.
    pub async fn restore_plan(
        &self,
        station: StationId,
        seq: u64,
        range: Range<UtcMicros>,
        force: bool,
        meta: Meta,
    ) -> Result<Restored, CommandError> {
        self.ours(station)?;
        let old = self.plan_at(station, seq).await?;
        let folds = Folds::read(self, station).await?;
        let drafted = apart(JUDGING, move || draft(&folds, &old, seq, &range)).await?;
        let (commands, mut out) = drafted?;
        let refuses = out.violations.iter().any(|v| v.severity == Severity::Hard);
        if refuses && !force {
            return Err(breaks(&out.violations));
        }
        let mut repeated = true;
        for (hour, command) in commands {
            let id = derive_id("restore", &[&meta.commit_id.0, &hour.0.to_be_bytes()]);
            let meta = Meta { commit_id: CommitId(id), ..meta };
            let command = TimelineCommand::Edit(Box::new(command));
            match self.command::<Timeline>(station, command, meta).await {
                Ok(receipt) => {
                    out.seq = out.seq.max(receipt.seq);
                    repeated &= receipt.repeated;
                    out.hours.push(hour);
                }
                Err(CommandError::Rejected { code, message, .. }) => {
                    out.left.push((hour, code, message));
                }
                Err(other) => return Err(other),
            }
        }
        out.repeated = repeated && !out.hours.is_empty();
        Ok(out)
    }

    /// Version of a stream at a ledger position; 0 before its first commit.
    async fn version_at(&self, stream: StreamId, seq: u64) -> Result<u64, CommandError> {
        let last = self.ledger().version(stream).await.map_err(unreadable)?;
        Ok(self.first(stream, last, |recorded| recorded.seq > seq).await? - 1)
    }

    /// The first version of a stream that is `so`; all after it are so too.
    async fn first(
        &self,
        stream: StreamId,
        last: u64,
        so: impl Fn(&Recorded) -> bool,
    ) -> Result<u64, CommandError> {
        let (mut low, mut high) = (1, last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.read(stream, middle, middle).await?;
            if found.first().is_some_and(|recorded| so(recorded)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    async fn read(
        &self,
        stream: StreamId,
        first: u64,
        last: u64,
    ) -> Result<Vec<Arc<Recorded>>, CommandError> {
        let count = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        self.ledger().read(stream, first, count).await.map_err(unreadable)
    }
}

/// The commands that bring back what was, and what they would break.
#[allow(clippy::type_complexity, reason = "commands by hour, and what is told of them")]
fn draft(
    folds: &Folds,
    old: &TimelineState,
    seq: u64,
    range: &Range<UtcMicros>,
) -> Result<(Vec<(UtcMicros, EditCommand)>, Restored), CommandError> {
    let now = clock::now();
    let mut state = (*folds.timeline.state).clone();
    let (mut commands, mut out) = (Vec::new(), Restored::default());
    let mut touched = BTreeSet::new();
    out.seq = folds.timeline.seq;
    let playable: BTreeSet<_> = folds.library.state.playable().map(|item| item.id).collect();
    let asked = old.hours.values().filter(|plan| range.contains(&plan.hour));
    for plan in asked.filter(|plan| plan.hour.plus(HOUR_US) > now) {
        let (hour, mut plan) = (plan.hour, plan.clone());
        let lost = plan.lines.iter().filter(|line| !playable.contains(&line.media_id));
        out.missing.extend(lost.map(|line| line.id));
        plan.lines.retain(|line| playable.contains(&line.media_id));
        if plan.lines.is_empty() && plan.notes.is_empty() {
            plan.notes.push("no item of what was planned is left".into());
        }
        let held = |line: &grimnir_events::timeline::Line| {
            old.pins.get(&line.id).map(|pin| (line.id, *pin))
        };
        let pins = plan.lines.iter().filter_map(held).collect();
        let command = EditCommand::RestoreHour { plan: Box::new(plan), pins, to_seq: seq };
        match step(&mut state, &command) {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => {
                touched.extend(changed);
                commands.push((hour, command));
            }
            Err(CommandError::Rejected { code, message, .. }) => {
                out.left.push((hour, code, message));
            }
            Err(other) => return Err(other),
        }
    }
    out.violations = judged(folds, &state, &touched);
    Ok((commands, out))
}

/// The version that a commit made, where it changed an hour.
fn version(recorded: &Recorded) -> Option<Version> {
    let events = folded(&recorded.commit).filter_map(|e| codec::decode::<TimelineEvent>(e).ok());
    let mut hours: Vec<UtcMicros> = events.filter_map(|event| hour_of(&event)).collect();
    if hours.is_empty() {
        return None;
    }
    hours.sort_unstable();
    hours.dedup();
    let header = &recorded.commit.header;
    let command = recorded.commit.command.as_ref();
    let command = command.and_then(|c| codec::decode::<TimelineCommand>(c).ok());
    Some(Version {
        seq: recorded.seq,
        at: header.occurred_at,
        actor: header.actor,
        what: command.map_or("change", |command| what(&command)),
        hours,
        commit_id: header.commit_id,
    })
}

fn what(command: &TimelineCommand) -> &'static str {
    match command {
        TimelineCommand::CommitHour { replace: false, .. } => "plan_hour",
        TimelineCommand::CommitHour { replace: true, .. } => "plan_hour_again",
        TimelineCommand::ClearHour { .. } => "clear_hour",
        TimelineCommand::DropLine { .. } => "drop",
        TimelineCommand::Edit(edit) => match **edit {
            EditCommand::Insert { .. } => "insert",
            EditCommand::Move { .. } => "move",
            EditCommand::Replace { .. } => "replace",
            EditCommand::Drop { .. } => "drop",
            EditCommand::Hold { locked: true, .. } => "lock",
            EditCommand::Hold { locked: false, .. } => "unlock",
            EditCommand::Shuffle { .. } => "shuffle",
            EditCommand::QueueNext { .. } => "queue_next",
            EditCommand::RestoreHour { .. } => "restore",
            EditCommand::FillHour { .. } => "template",
            _ => "change",
        },
        _ => "change",
    }
}

fn unreadable(error: ReadError) -> CommandError {
    CommandError::Unavailable { reason: error.to_string() }
}

fn corrupt(error: codec::CodecError) -> CommandError {
    CommandError::Failed { what: "reading the ledger", reason: error.to_string() }
}
