//! Work on a plan by hand: requests by id become whole lines, are judged, and then commanded.
//!
//! Upstream: people, over HTTP. Downstream: the timeline's rules, which decide; the planner's
//! `violations`, which say what an edit would break. The same judge stands before every edit; what
//! is only asked goes the same way and is not committed.

use crate::clock;
use crate::error::CommandError;
use crate::folds::{Folds, apart};
use crate::meta::Meta;
use crate::site::Site;
use grimnir_events::timeline::{Anchor, FormatClock, HourPlan, Line, TimelineEvent};
use grimnir_events::{CommitId, LineId, MediaId, StationId, UtcMicros, derive_id};
use grimnir_rules::planner::violations::{Severity, Violation, newly, violations};
use grimnir_rules::planner::{hand_line, simulate};
use grimnir_rules::timeline::TimelineState;
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::timeline::decide::HOUR_US;
use grimnir_rules::timeline::edits::command::{EditCommand, Place};
use grimnir_rules::{Aggregate, Context, Timeline};
use std::collections::BTreeSet;

/// Hours after an edit that are judged too: what is kept apart from it may be broken there.
const JUDGED_AFTER: i64 = 24;
/// What failed, where judging did.
pub(crate) const JUDGING: &str = "judging the plan";
/// Violations that a refusal names.
const NAMED: usize = 3;

/// Work on a plan, by ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EditRequest {
    /// Put an item into an hour.
    Insert {
        /// Start of the hour.
        hour: UtcMicros,
        /// Where in it.
        place: Place,
        /// The item.
        media_id: MediaId,
        /// What its start hangs on.
        anchor: Anchor,
    },
    /// Put a line somewhere else.
    Move {
        /// Which.
        line_id: LineId,
        /// Start of the hour it goes to; its own where not given.
        to_hour: Option<UtcMicros>,
        /// Where in that.
        place: Place,
        /// What its start is to hang on.
        anchor: Anchor,
    },
    /// Let another item air in a line's place.
    Replace {
        /// Which.
        line_id: LineId,
        /// The item.
        media_id: MediaId,
    },
    /// Take a line out.
    Drop {
        /// Which.
        line_id: LineId,
        /// Why.
        reason: String,
    },
    /// Hold a line, or let it go.
    Hold {
        /// Which.
        line_id: LineId,
        /// Hold it.
        locked: bool,
    },
    /// Put the songs of an hour into another order.
    Shuffle {
        /// Start of the hour; the running one where not given.
        hour: Option<UtcMicros>,
    },
    /// Put an item right behind what comes next.
    QueueNext {
        /// The item.
        media_id: MediaId,
    },
}

/// An edit that was carried out.
#[derive(Clone, Debug)]
pub struct Edited {
    /// Ledger position after it.
    pub seq: u64,
    /// It was carried out before.
    pub repeated: bool,
    /// The line that came in, where one did.
    pub line_id: Option<LineId>,
    /// What it breaks; empty where it was carried out before.
    pub violations: Vec<Violation>,
}

/// What edits would lead to.
pub(crate) struct Drafted {
    pub commands: Vec<EditCommand>,
    pub violations: Vec<Violation>,
}

impl Site {
    /// Carries an edit out. What it breaks is answered; what no plan may break refuses it, unless
    /// it is forced.
    pub async fn edit(
        &self,
        station: StationId,
        request: EditRequest,
        force: bool,
        meta: Meta,
    ) -> Result<Edited, CommandError> {
        self.ours(station)?;
        let folds = Folds::read(self, station).await?;
        let before = match self.asked_before::<Timeline>(meta).await {
            Some(TimelineCommand::Edit(known)) if asks_for(&known, &request) => Some(*known),
            _ => None,
        };
        let (command, violations) = match before {
            Some(known) => (known, Vec::new()),
            None => {
                let drafted =
                    apart(JUDGING, move || draft(&folds, vec![request], meta.commit_id)).await??;
                let refuses = drafted.violations.iter().any(|v| v.severity == Severity::Hard);
                if refuses && !force {
                    return Err(breaks(&drafted.violations));
                }
                let command = drafted.commands.into_iter().next().ok_or_else(nothing)?;
                (command, drafted.violations)
            }
        };
        let command = TimelineCommand::Edit(Box::new(command));
        let receipt = self.command::<Timeline>(station, command, meta).await?;
        let came = receipt.events.iter().find_map(|event| match event {
            TimelineEvent::LineInserted { line, .. } => Some(line.id),
            _ => None,
        });
        let (seq, repeated) = (receipt.seq, receipt.repeated);
        Ok(Edited { seq, repeated, line_id: came, violations })
    }

    /// What edits would break, one after the other, without carrying any out. One that would be
    /// refused is told with the code of the refusal, and the next is judged without it.
    pub async fn validate_edits(
        &self,
        station: StationId,
        requests: Vec<EditRequest>,
    ) -> Result<Vec<Violation>, CommandError> {
        let folds = Folds::read(self, station).await?;
        let commit_id = CommitId(clock::fresh_id());
        apart(JUDGING, move || {
            let mut refused = Vec::new();
            let mut good = Vec::new();
            // Each is tried behind those before it, and judging is left to the end.
            for request in requests {
                good.push(request);
                if let Err(error) = lead_to(&folds, good.clone(), commit_id) {
                    good.pop();
                    refused.push(refusal(&error)?);
                }
            }
            let mut found = draft(&folds, good, commit_id)?.violations;
            found.extend(refused);
            Ok(found)
        })
        .await?
    }

    /// What the plan breaks as it is, in the hours that begin in `from..until`.
    pub async fn validate_plan(
        &self,
        station: StationId,
        from: UtcMicros,
        until: UtcMicros,
    ) -> Result<Vec<Violation>, CommandError> {
        let folds = Folds::read(self, station).await?;
        apart(JUDGING, move || {
            folds.ask(|inputs, _| violations(inputs, folds.hours(), from, until))
        })
        .await
    }
}

impl Site {
    /// What a format clock would make of some hours, the one that holds `at` first; nothing is
    /// planned. The same seed leads to the same items while station, library and plan stay.
    pub async fn simulate_clock(
        &self,
        station: StationId,
        clock: FormatClock,
        at: UtcMicros,
        hours: u32,
        seed: Option<u64>,
    ) -> Result<Vec<HourPlan>, CommandError> {
        let folds = Folds::read(self, station).await?;
        apart(JUDGING, move || {
            folds.ask(|inputs, _| simulate(inputs, folds.hours(), &clock, at, hours, seed))
        })
        .await
    }
}

fn nothing() -> CommandError {
    CommandError::Failed { what: "editing the plan", reason: "no command came of it".into() }
}

pub(crate) fn breaks(found: &[Violation]) -> CommandError {
    let hard: Vec<&str> =
        found.iter().filter(|v| v.severity == Severity::Hard).map(|v| v.detail.as_str()).collect();
    let more = match hard.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = hard[..hard.len().min(NAMED)].join("; ");
    CommandError::taken("edit_breaks_rules", "force", format!("{named}{more}"))
}

/// A refused edit among those that are only asked.
fn refusal(error: &CommandError) -> Result<Violation, CommandError> {
    let CommandError::Rejected { code, message, .. } = error else { return Err(error.clone()) };
    let (severity, line_id, detail) = (Severity::Hard, None, message.clone());
    let (at, hour) = (clock::now(), UtcMicros(0));
    Ok(Violation { at, code, severity, hour, line_id, detail })
}

/// The known command is what this request asks for.
fn asks_for(known: &EditCommand, request: &EditRequest) -> bool {
    use EditRequest as R;
    match (known, request) {
        // Not by the place: an instant leads to another one once the edit is carried out.
        (EditCommand::Insert { hour, line, .. }, R::Insert { hour: h, media_id, .. }) => {
            hour == h && line.media_id == *media_id
        }
        (EditCommand::Move { line_id, .. }, R::Move { line_id: l, .. }) => line_id == l,
        (EditCommand::Replace { line_id, line, .. }, R::Replace { line_id: l, media_id }) => {
            line_id == l && line.media_id == *media_id
        }
        (EditCommand::Drop { line_id, reason, .. }, R::Drop { line_id: l, reason: r }) => {
            line_id == l && reason == r
        }
        (EditCommand::Hold { line_id, locked, .. }, R::Hold { line_id: l, locked: k }) => {
            line_id == l && locked == k
        }
        (EditCommand::Shuffle { hour, .. }, R::Shuffle { hour: h }) => hour == h,
        (EditCommand::QueueNext { line }, R::QueueNext { media_id }) => line.media_id == *media_id,
        _ => false,
    }
}

/// Makes commands of requests, decides them one after the other, and judges what comes out.
pub(crate) fn draft(
    folds: &Folds,
    requests: Vec<EditRequest>,
    commit_id: CommitId,
) -> Result<Drafted, CommandError> {
    let (commands, state, touched) = lead_to(folds, requests, commit_id)?;
    Ok(Drafted { commands, violations: judged(folds, &state, &touched) })
}

/// Commands, the state that they lead to, and the hours that are others there.
type Led = (Vec<EditCommand>, TimelineState, BTreeSet<UtcMicros>);

fn lead_to(
    folds: &Folds,
    requests: Vec<EditRequest>,
    commit_id: CommitId,
) -> Result<Led, CommandError> {
    let mut state = (*folds.timeline.state).clone();
    let mut commands = Vec::new();
    let mut touched = BTreeSet::new();
    for (number, request) in requests.into_iter().enumerate() {
        let command = command(folds, &state, request, (commit_id, number))?;
        touched.extend(step(&mut state, &command)?);
        commands.push(command);
    }
    Ok((commands, state, touched))
}

/// Decides a command and folds what follows; answers the hours that are others then.
pub(crate) fn step(
    state: &mut TimelineState,
    command: &EditCommand,
) -> Result<BTreeSet<UtcMicros>, CommandError> {
    let context = Context { now: clock::now(), ..Context::default() };
    let command = TimelineCommand::Edit(Box::new(command.clone()));
    let events = Timeline::decide(state, &command, &context)
        .map_err(|rejection| CommandError::rejected(&rejection))?;
    let mut touched = BTreeSet::new();
    for event in &events {
        touched.extend(hour_of(event));
        Timeline::evolve(state, event);
    }
    Ok(touched)
}

/// The hour that an event is about.
pub(crate) fn hour_of(event: &TimelineEvent) -> Option<UtcMicros> {
    match event {
        TimelineEvent::HourPlanned { plan } => Some(plan.hour),
        TimelineEvent::LineInserted { hour, .. }
        | TimelineEvent::LineDropped { hour, .. }
        | TimelineEvent::HourCleared { hour, .. } => Some(*hour),
        TimelineEvent::Edited(event) => event.hour(),
        _ => None,
    }
}

/// What a draft breaks that was not broken before.
pub(crate) fn judged(
    folds: &Folds,
    after: &TimelineState,
    touched: &BTreeSet<UtcMicros>,
) -> Vec<Violation> {
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else { return Vec::new() };
    let (from, until) = (*first, last.plus(JUDGED_AFTER * HOUR_US));
    folds.ask(|inputs, _| {
        let before = violations(inputs, folds.hours(), from, until);
        newly(&before, violations(inputs, &after.hours, from, until))
    })
}

fn command(
    folds: &Folds,
    state: &TimelineState,
    request: EditRequest,
    (commit_id, number): (CommitId, usize),
) -> Result<EditCommand, CommandError> {
    let id = derive_id("hand", &[&commit_id.0, &(number as u64).to_be_bytes()]);
    let line_id = LineId(id);
    let line = |media_id, at, anchor| line(folds, media_id, line_id, at, anchor).map(Box::new);
    Ok(match request {
        EditRequest::Insert { hour, place, media_id, anchor } => {
            EditCommand::Insert { hour, place, line: line(media_id, hour, anchor)? }
        }
        EditRequest::Move { line_id: moved, to_hour, place, anchor } => {
            let hour = place_of(state, moved)?;
            let to_hour = to_hour.unwrap_or(hour);
            EditCommand::Move { hour, line_id: moved, to_hour, place, anchor, new_id: line_id }
        }
        EditRequest::Replace { line_id, media_id } => {
            let hour = place_of(state, line_id)?;
            let line = line(media_id, hour, Anchor::AfterPrevious)?;
            EditCommand::Replace { hour, line_id, line }
        }
        EditRequest::Drop { line_id, reason } => {
            EditCommand::Drop { hour: place_of(state, line_id)?, line_id, reason }
        }
        EditRequest::Hold { line_id, locked } => {
            EditCommand::Hold { hour: place_of(state, line_id)?, line_id, locked }
        }
        EditRequest::Shuffle { hour } => EditCommand::Shuffle { hour, seed: id },
        EditRequest::QueueNext { media_id } => {
            EditCommand::QueueNext { line: line(media_id, clock::now(), Anchor::AfterPrevious)? }
        }
    })
}

fn place_of(state: &TimelineState, line_id: LineId) -> Result<UtcMicros, CommandError> {
    let has = |line: &Line| line.id == line_id;
    let found = state.hours.values().rev().find(|plan| plan.lines.iter().any(has));
    let unknown = || format!("no planned hour that is kept has line {line_id}");
    found.map(|plan| plan.hour).ok_or_else(|| CommandError::not_found("unknown_line", unknown()))
}

/// The line of an item, as planning would play it.
pub(crate) fn line(
    folds: &Folds,
    media_id: MediaId,
    id: LineId,
    at: UtcMicros,
    anchor: Anchor,
) -> Result<Line, CommandError> {
    let library = &folds.library.state;
    let item = library.playable().find(|item| item.id == media_id);
    let missing = || {
        let message = format!("item {media_id} is not in the library, or cannot be played");
        CommandError::not_found("media_not_found", message)
    };
    let settings = &folds.station.state.settings;
    hand_line(settings, item.ok_or_else(missing)?, id, at, anchor).ok_or_else(missing)
}
