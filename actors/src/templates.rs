//! Templates: taken down from the plan of a station, and laid over later days.
//!
//! Hours are matched by the station's own time. Those that are planned are filled at once; the
//! others wait in the timeline, and are filled when the planner has planned them.

use crate::clock;
use crate::edits::line;
use crate::error::CommandError;
use crate::folds::Folds;
use crate::meta::Meta;
use crate::site::{Shared, Site};
use grimnir_events::grid::{DAY_HOURS, DatedSet, Days, Grid, LocalDate};
use grimnir_events::template::{TemplateHour, TemplateSpan};
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::{
    Actor, CommitId, CorrelationId, LineId, StationId, StreamId, StreamKind, TemplateId, UtcMicros,
    derive_id,
};
use grimnir_rules::Timeline;
use grimnir_rules::planner::hours::{Hour, hours_between, ruling_clock, zone};
use grimnir_rules::planner::violations::Severity;
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::timeline::decide::HOUR_US;
use grimnir_rules::timeline::edits::command::EditCommand;
use grimnir_rules::timeline::edits::templates::{Taken, Template, anchor_in};
use jiff::ToSpan;
use std::collections::BTreeMap;

/// What is taken down, or laid over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct What {
    /// Lines of hours.
    pub lines: bool,
    /// Which clock rules which hour.
    pub clocks: bool,
}

/// What laying a template over days led to.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Ledger position after it.
    pub seq: u64,
    /// Starts of the hours that were filled.
    pub filled: Vec<UtcMicros>,
    /// Starts of the hours that are filled once they are planned.
    pub waiting: Vec<UtcMicros>,
    /// Hours that stay as they are, with the reason.
    pub left: Vec<(UtcMicros, String)>,
    /// What does not air any more as the template has it, with the reason.
    pub notes: Vec<String>,
}

impl Site {
    /// Takes a day or a week of a station down: from midnight of `date`, or of its week's Monday.
    pub async fn take_template(
        &self,
        station: StationId,
        template_id: TemplateId,
        (span, date, what): (TemplateSpan, LocalDate, What),
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let folds = Folds::read(self, station).await?;
        let hours = days(&folds, span, date)?;
        let timeline = &folds.timeline.state;
        let default = timeline.default_clock.and_then(|id| timeline.clocks.get(&id));
        let mut seq = 0;
        for (day, hours) in hours.chunk_by(|a, b| a.0.date == b.0.date).enumerate() {
            let taken = |(hour, place): &(Hour, u16)| {
                let clock = ruling_clock(&timeline.grid, default, &timeline.clocks, hour);
                let clock_id = clock.filter(|_| what.clocks).map(|clock| clock.id);
                Taken { hour: hour.from, place: *place, clock_id }
            };
            let hours = hours.iter().map(taken).collect();
            let lines = what.lines;
            let command = EditCommand::TakeHours { template_id, hours, lines };
            let meta = step(meta, &format!("day {day}"));
            seq = self.hand(station, command, meta).await?;
        }
        Ok(seq)
    }

    /// Lays a template over the day or week of `date`.
    pub async fn apply_template(
        &self,
        station: StationId,
        template_id: TemplateId,
        (date, what): (LocalDate, What),
        meta: Meta,
    ) -> Result<Applied, CommandError> {
        self.ours(station)?;
        let folds = Folds::read(self, station).await?;
        let template = folds.timeline.state.templates.all.get(&template_id).cloned();
        let missing = || format!("template {template_id} does not exist");
        let template =
            template.ok_or_else(|| CommandError::not_found("template_not_found", missing()))?;
        let mut out = Applied { seq: folds.timeline.seq, ..Applied::default() };
        let now = clock::now();
        let hours = days(&folds, template.span, date)?;
        let coming = hours.into_iter().filter(|(hour, _)| hour.until > now);
        let coming: Vec<(Hour, u16)> = coming.collect();
        if what.clocks {
            let grid = laid_over(&folds, &template, &coming, &mut out.notes);
            let command = TimelineCommand::SetGrid { grid };
            let meta = step(meta, "grid");
            out.seq = self.command::<Timeline>(station, command, meta).await?.seq;
        }
        let mut waiting = Vec::new();
        for (hour, place) in coming.iter().filter(|_| what.lines) {
            let Some(from) = template.hours.get(place).filter(|h| !h.lines.is_empty()) else {
                continue;
            };
            if !folds.hours().contains_key(&hour.from) {
                waiting.push((hour.from, *place));
                continue;
            }
            let meta = step(meta, &format!("hour {}", hour.from.0));
            let plan = filled(&folds, from, hour.from, meta.commit_id, &mut out.notes);
            match plan {
                Some(plan) => {
                    let plan = Box::new(plan);
                    let command = EditCommand::FillHour { plan, template_id };
                    match self.hand(station, command, meta).await {
                        Ok(seq) => {
                            out.seq = out.seq.max(seq);
                            out.filled.push(hour.from);
                        }
                        Err(CommandError::Rejected { message, .. }) => {
                            out.left.push((hour.from, message));
                        }
                        Err(other) => return Err(other),
                    }
                }
                None => out.left.push((hour.from, "no item of it can be played".into())),
            }
        }
        for (part, hours) in waiting.chunks(168).enumerate() {
            let command = EditCommand::AssignHours { template_id, hours: hours.to_vec() };
            out.seq = self.hand(station, command, step(meta, &format!("wait {part}"))).await?;
        }
        out.waiting = waiting.into_iter().map(|(hour, _)| hour).collect();
        Ok(out)
    }

    async fn hand(
        &self,
        station: StationId,
        command: EditCommand,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let command = TimelineCommand::Edit(Box::new(command));
        Ok(self.command::<Timeline>(station, command, meta).await?.seq)
    }
}

/// Fills the planned hours that wait for a template. Called when hours were planned.
pub(crate) async fn fill_waiting(shared: &Shared, station: StationId) -> Result<(), CommandError> {
    let stream = StreamId::of_station(StreamKind::Timeline, station);
    let timeline = shared.directory.inspect::<Timeline>(stream).await?;
    let now = clock::now();
    let waiting = timeline.state.templates.waiting.iter();
    let due: Vec<_> = waiting
        .filter(|(hour, _)| timeline.state.hours.contains_key(hour) || hour.plus(HOUR_US) <= now)
        .map(|(hour, (template_id, place))| (*hour, *template_id, *place))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let folds = Folds::of(shared, station).await?;
    for (hour, template_id, place) in due {
        let parts: [&[u8]; 4] =
            [&shared.ledger.log_id().0, &station.0, &template_id.0, &hour.0.to_be_bytes()];
        let commit_id = CommitId(derive_id("template hour", &parts));
        let meta = Meta {
            actor: Actor::System,
            correlation: CorrelationId(commit_id.0),
            causation: CommitId::default(),
            commit_id,
        };
        let template = folds.timeline.state.templates.all.get(&template_id);
        let from = template.and_then(|template| template.hours.get(&place));
        let mut notes = Vec::new();
        let plan = from.and_then(|from| filled(&folds, from, hour, commit_id, &mut notes));
        let fill = plan.map(|plan| EditCommand::FillHour { plan: Box::new(plan), template_id });
        let decide = |command: EditCommand, meta| {
            let command = TimelineCommand::Edit(Box::new(command));
            shared.directory.decide::<Timeline>(stream, command, meta)
        };
        let done = match fill {
            Some(command) => decide(command, meta).await.map(drop),
            None => Err(CommandError::Closing),
        };
        if let Err(CommandError::Rejected { .. } | CommandError::Closing) = done {
            // Past, locked, or nothing of it can be played: the hour stays as it was planned.
            decide(EditCommand::GiveUpHour { hour }, step(meta, "give up")).await?;
        } else {
            done?;
        }
    }
    Ok(())
}

fn step(meta: Meta, what: &str) -> Meta {
    let id = derive_id("template", &[&meta.commit_id.0, what.as_bytes()]);
    Meta { commit_id: CommitId(id), ..meta }
}

/// The hours of a day or week of a station, with their numbers in a template.
fn days(
    folds: &Folds,
    span: TemplateSpan,
    date: LocalDate,
) -> Result<Vec<(Hour, u16)>, CommandError> {
    let unknown = || CommandError::invalid("invalid_field", "date", format!("there is no {date}"));
    let first = date.civil().ok_or_else(unknown)?;
    let (first, count) = match span {
        TemplateSpan::Day => (first, 1),
        TemplateSpan::Week => {
            let back = first.weekday().to_monday_zero_offset();
            (first.checked_sub(i64::from(back).days()).map_err(|_| unknown())?, 7)
        }
    };
    let zone = zone(&folds.station.state.time_zone);
    let end = first.checked_add(count.days()).map_err(|_| unknown())?;
    let midnight = |date: jiff::civil::Date| {
        let zoned = date.to_zoned(zone.clone()).map_err(|_| unknown())?;
        Ok::<_, CommandError>(UtcMicros(zoned.timestamp().as_microsecond()))
    };
    let hours = hours_between(&zone, midnight(first)?, midnight(end)?);
    let number = |hour: &Hour| {
        let day = match span {
            TemplateSpan::Day => 0,
            TemplateSpan::Week => {
                let date = hour.date.civil();
                date.map_or(0, |d| d.weekday().to_monday_zero_offset().unsigned_abs().into())
            }
        };
        (*hour, day * DAY_HOURS as u16 + u16::from(hour.hour))
    };
    Ok(hours.iter().map(number).collect())
}

/// The grid with a dated set for each day that the template has clocks for.
fn laid_over(
    folds: &Folds,
    template: &Template,
    hours: &[(Hour, u16)],
    notes: &mut Vec<String>,
) -> Grid {
    let timeline = &folds.timeline.state;
    let mut grid = timeline.grid.clone();
    for day in hours.chunk_by(|a, b| a.0.date == b.0.date) {
        let date = day[0].0.date;
        let mut clocks = vec![None; DAY_HOURS];
        for (hour, place) in day {
            let Some(id) = template.hours.get(place).and_then(|h| h.clock_id) else { continue };
            if timeline.clocks.contains_key(&id) {
                clocks[usize::from(hour.hour)] = Some(id);
            } else {
                let at = hour.from;
                notes.push(format!("{at}: format clock {id} is gone; the hour keeps its own"));
            }
        }
        if clocks.iter().all(Option::is_none) {
            continue;
        }
        let days = Days::Dates { dates: vec![date] };
        grid.sets.retain(|set| set.days != days);
        let name = template.name.chars().take(80).collect::<String>();
        let name = format!("{name} {date}");
        // The first set that names a day rules it.
        grid.sets.insert(0, DatedSet { name, days, hours: clocks });
    }
    grid
}

/// A planned hour with the lines of a template; `None` where none of them can air. Items that may
/// not air then are left out, with a note.
fn filled(
    folds: &Folds,
    from: &TemplateHour,
    hour: UtcMicros,
    commit_id: CommitId,
    notes: &mut Vec<String>,
) -> Option<HourPlan> {
    let planned = folds.hours().get(&hour)?;
    let mut lines: Vec<Line> = Vec::new();
    for (number, wanted) in from.lines.iter().enumerate() {
        let id = derive_id("template line", &[&commit_id.0, &(number as u64).to_be_bytes()]);
        let at = hour.plus(i64::from(wanted.offset_ms) * 1_000);
        let at = lines.last().map_or(at, |last: &Line| last.planned_at.max(at));
        match line(folds, wanted.media_id, LineId(id), at, anchor_in(wanted, hour)) {
            Ok(line) => lines.push(line),
            Err(error) => notes.push(format!("{hour}: left out: {error}")),
        }
    }
    let mut plan = HourPlan { lines, ..planned.clone() };
    let refused = ruled_out(folds, &plan);
    for line in plan.lines.iter().filter(|line| refused.contains_key(&line.id)) {
        notes.push(format!("{hour}: left out: {}", refused[&line.id]));
    }
    plan.lines.retain(|line| !refused.contains_key(&line.id));
    // What opens the hour does so whatever was left out before it.
    if let (Some(first), Some(known)) = (plan.lines.first_mut(), planned.lines.first()) {
        first.anchor = known.anchor;
        first.planned_at = known.planned_at;
    }
    (!plan.lines.is_empty()).then_some(plan)
}

/// Lines that break what no plan may break, with the reason.
fn ruled_out(folds: &Folds, plan: &HourPlan) -> BTreeMap<LineId, String> {
    let mut hours = folds.hours().clone();
    hours.insert(plan.hour, plan.clone());
    let until = plan.hour.plus(1);
    let found = folds.ask(|inputs, _| {
        grimnir_rules::planner::violations::violations(inputs, &hours, plan.hour, until)
    });
    let hard = found.into_iter().filter(|v| v.severity == Severity::Hard);
    hard.filter_map(|v| Some((v.line_id?, v.detail))).collect()
}
