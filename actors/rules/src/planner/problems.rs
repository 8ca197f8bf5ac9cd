//! What is wrong with a plan, as far as it can be seen before it airs.
//!
//! Upstream: the planned hours and what they are held against. Downstream: the API. Pure: the same
//! state has the same problems. Not here: mending them (the planning actor repairs what it may),
//! and what went wrong on air, which the engine reports as facts.

use super::hours::hours_between;
use super::invalid::Standing;
use super::retime::rules;
use crate::show::Instance;
use crate::timeline::decide::HOUR_US;
use crate::timeline::resolve::{Cursor, Resolution, resolve};
use grimnir_events::library::ItemKind;
use grimnir_events::roll::RepairReason;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{LineId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Listeners hear something else than was meant.
    Warning,
    /// Listeners hear nothing that was meant, or it cannot air at all.
    Critical,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Two lines are to start exactly at times that leave the first no room.
    Conflict,
    /// A line has no room before one with a fixed time, and will not air.
    Suppressed,
    /// A line is ended by one with a fixed time before it is over.
    Cut,
    /// Between two lines there is nothing.
    Gap,
    /// An hour ends before the next one begins.
    UnderFill,
    /// An hour has no plan.
    Unplanned,
    /// A line cannot stay what it is.
    StaleLine,
    /// The audio of a line cannot be played.
    MissingAudio,
    /// No station identification stands near the hour.
    LegalIdMissing,
    /// Two shows are on at once: one gives way.
    ShowOverlap,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// How bad.
    pub severity: Severity,
    /// Start of the hour.
    pub hour: UtcMicros,
    /// When it is met.
    pub at: UtcMicros,
    /// The line, where it is one.
    pub line_id: Option<LineId>,
    /// What was found, for people.
    pub detail: String,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Look<'l, 's> {
    /// How the station plays.
    pub settings: &'l StationSettings,
    /// Planned hours.
    pub hours: &'l BTreeMap<UtcMicros, HourPlan>,
    /// What lines are held against.
    pub standing: &'l Standing<'s>,
    /// From when.
    pub from: UtcMicros,
    /// Until when.
    pub until: UtcMicros,
    /// The station identifies itself around every hour.
    pub legal_ids: bool,
    /// Instances of shows in that time.
    pub instances: &'l [Instance],
}

/// Nothing for this long is told, and for this long is bad: 1 s, 10 s, 5 min.
const GAPS_US: [i64; 3] = [1_000_000, 10_000_000, 300_000_000];
/// An hour that ends this much early is told: the planner meets it to a minute.
const SHORT_US: i64 = 60_000_000;
/// A problem this near is worse: 2 h.
const NEAR_US: i64 = 2 * 3_600_000_000;
/// An identification is looked for this long before and after the hour: 10 min.
const LEGAL_ID_US: i64 = 600_000_000;

/// Everything that is wrong, by time.
pub fn problems(look: &Look<'_, '_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for hour in hours_between(look.standing.zone, look.from, look.until) {
        let Some(plan) = look.hours.get(&hour.from) else {
            // A plan that was begun in another zone goes on beside the hours of this one.
            if !look.hours.range(hour.from..hour.until).any(|(_, plan)| !plan.lines.is_empty()) {
                let detail = "the hour is not planned".into();
                found.push(look.of(ProblemKind::Unplanned, hour.from, hour.from, None, detail));
            }
            continue;
        };
        look.chain(plan, hour.until, &mut found);
        look.lines(plan, &mut found);
        look.legal_id(plan, &mut found);
    }
    look.shows(&mut found);
    found.sort_by_key(|problem| (problem.at, problem.kind, problem.line_id));
    found
}

impl Look<'_, '_> {
    fn of(
        &self,
        kind: ProblemKind,
        hour: UtcMicros,
        at: UtcMicros,
        line: Option<&Line>,
        detail: String,
    ) -> Problem {
        let near = at.since(self.from) < NEAR_US;
        let severity = match kind {
            ProblemKind::Cut => Severity::Info,
            ProblemKind::Conflict => Severity::Critical,
            ProblemKind::Unplanned | ProblemKind::MissingAudio if near => Severity::Critical,
            ProblemKind::Unplanned
            | ProblemKind::MissingAudio
            | ProblemKind::Suppressed
            | ProblemKind::Gap
            | ProblemKind::UnderFill
            | ProblemKind::StaleLine
            | ProblemKind::ShowOverlap
            | ProblemKind::LegalIdMissing => Severity::Warning,
        };
        Problem { kind, severity, hour, at, line_id: line.map(|line| line.id), detail }
    }

    /// What the resolver cannot place, ends early, or leaves empty.
    fn chain(&self, plan: &HourPlan, until: UtcMicros, found: &mut Vec<Problem>) {
        let hour = plan.hour;
        let Some(first) = plan.lines.first() else {
            let why = plan.notes.first().map_or("nothing is planned", String::as_str);
            let mut empty = self.of(ProblemKind::UnderFill, hour, hour, None, why.into());
            empty.severity = Severity::Critical;
            found.push(empty);
            return;
        };
        let cursor = Cursor { at: first.planned_at.frame(), playing: None };
        let resolution = resolve(&plan.lines, &cursor, &rules(self.settings));
        self.without_room(plan, &resolution, found);
        for cut in resolution.lines.iter().filter(|line| line.cut) {
            let line = &plan.lines[cut.index];
            let lost = line.cues.cue_out - line.cues.cue_in - cut.end.since(cut.start);
            let ms = micros_of_frames(lost) / 1_000;
            let detail = format!("\"{}\" is cut {ms} ms before its end", line.title);
            found.push(self.of(ProblemKind::Cut, hour, cut.end.utc(), Some(line), detail));
        }
        for (from, to) in &resolution.gaps {
            let us = micros_of_frames(to.since(*from));
            if us >= GAPS_US[0] {
                let detail = format!("nothing is planned for {} ms", us / 1_000);
                let mut gap = self.of(ProblemKind::Gap, hour, from.utc(), None, detail);
                gap.severity = by_length(us);
                found.push(gap);
            }
        }
        self.end(plan, &resolution, until, found);
    }

    fn without_room(&self, plan: &HourPlan, resolution: &Resolution, found: &mut Vec<Problem>) {
        for (id, reason) in &resolution.dropped {
            let Some(line) = plan.lines.iter().find(|line| line.id == *id) else { continue };
            let hard = matches!(line.anchor, Anchor::Hard { .. });
            let kind = if hard { ProblemKind::Conflict } else { ProblemKind::Suppressed };
            let detail = format!("\"{}\" has no room before a fixed time: {reason:?}", line.title);
            found.push(self.of(kind, plan.hour, line.planned_at, Some(line), detail));
        }
        // A line that is to be on its frame and is cut below its least airtime by another such.
        for cut in resolution.lines.iter().filter(|line| line.cut) {
            let line = &plan.lines[cut.index];
            let aired = cut.end.since(cut.start);
            if matches!(line.anchor, Anchor::Hard { .. }) && aired < line.min_airtime {
                let detail = format!("\"{}\" is cut by the next fixed time at once", line.title);
                let at = line.planned_at;
                found.push(self.of(ProblemKind::Conflict, plan.hour, at, Some(line), detail));
            }
        }
    }

    /// The hour ends before what follows begins.
    fn end(
        &self,
        plan: &HourPlan,
        resolution: &Resolution,
        until: UtcMicros,
        found: &mut Vec<Problem>,
    ) {
        let next = self.hours.range(plan.hour.plus(1)..).next().map(|(_, next)| next);
        let next = next.and_then(|next| next.lines.first()).filter(|line| line.planned_at >= until);
        let begins = next.map_or(until, |line| line.planned_at);
        let last = resolution.lines.last().map(|line| line.segue.utc());
        let ends = last.unwrap_or(plan.hour);
        let short = begins.since(ends);
        if short > SHORT_US {
            let detail = format!("the hour ends {} s before the next begins", short / 1_000_000);
            let mut problem = self.of(ProblemKind::UnderFill, plan.hour, ends, None, detail);
            problem.severity = by_length(short);
            found.push(problem);
        }
    }

    fn lines(&self, plan: &HourPlan, found: &mut Vec<Problem>) {
        for line in plan.lines.iter().filter(|line| line.planned_at >= self.from) {
            let Some(reason) = self.standing.reason(plan.hour, line) else { continue };
            let (kind, why) = match &reason {
                RepairReason::Removed => (ProblemKind::MissingAudio, "its item was removed".into()),
                RepairReason::Unplayable { reason } => {
                    (ProblemKind::MissingAudio, format!("it cannot be played: {reason}"))
                }
                RepairReason::AudioReplaced => {
                    (ProblemKind::StaleLine, "its item has other audio now".into())
                }
                RepairReason::NotValid => {
                    (ProblemKind::StaleLine, "its item is not valid then".into())
                }
                RepairReason::Daypart => {
                    (ProblemKind::StaleLine, "its item may not air at that time".into())
                }
                RepairReason::SourceGone => {
                    (ProblemKind::StaleLine, "what it was picked from is gone".into())
                }
                RepairReason::HardRule { rule } => (ProblemKind::StaleLine, rule.clone()),
            };
            let detail = format!("\"{}\": {why}", line.title);
            found.push(self.of(kind, plan.hour, line.planned_at, Some(line), detail));
        }
    }

    /// Shows that are on at once. Between two of one priority that is nobody's wish: it is refused
    /// as far ahead as is looked, and comes about beyond that and where the clocks change.
    fn shows(&self, found: &mut Vec<Problem>) {
        let airing: Vec<&Instance> = self.instances.iter().filter(|on| on.airs()).collect();
        for (n, one) in airing.iter().enumerate() {
            for other in &airing[n + 1..] {
                let (from, until) = (one.from.max(other.from), one.until.min(other.until));
                if from >= until || until <= self.from || from >= self.until {
                    continue;
                }
                let (wins, gives) =
                    if one.rank() <= other.rank() { (one, other) } else { (other, one) };
                let zone = self.standing.zone;
                let hour = hours_between(zone, from, from.plus(1)).first().map_or(from, |h| h.from);
                let detail =
                    format!("\"{}\" gives way to \"{}\" until {until}", gives.name, wins.name);
                let mut problem = self.of(ProblemKind::ShowOverlap, hour, from, None, detail);
                if wins.priority != gives.priority {
                    problem.severity = Severity::Info;
                }
                found.push(problem);
            }
        }
    }

    fn legal_id(&self, plan: &HourPlan, found: &mut Vec<Problem>) {
        if !self.legal_ids {
            return;
        }
        let around = self.hours.range(plan.hour.plus(-HOUR_US)..=plan.hour);
        let near = |line: &&Line| {
            line.kind == ItemKind::LegalId && line.planned_at.since(plan.hour).abs() <= LEGAL_ID_US
        };
        if !around.flat_map(|(_, plan)| &plan.lines).any(|line| near(&line)) {
            let detail = "no legal ID is planned within ten minutes of the hour".into();
            found.push(self.of(ProblemKind::LegalIdMissing, plan.hour, plan.hour, None, detail));
        }
    }
}

fn by_length(us: i64) -> Severity {
    match us {
        us if us >= GAPS_US[2] => Severity::Critical,
        us if us >= GAPS_US[1] => Severity::Warning,
        _ => Severity::Info,
    }
}
