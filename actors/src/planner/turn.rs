//! One turn of a planner: what is due, in order of how soon it is heard.

use super::PlannerState;
use super::commit::Planned;
use crate::clock;
use crate::error::CommandError;
use crate::gather::Gathered;
use crate::meta::Meta;
use grimnir_events::roll::RepairReason;
use grimnir_events::timeline::{DropReason, HourPlan};
use grimnir_events::{CommitId, ContentHash, LineId, UtcMicros, derive_id};
use grimnir_rules::planner::entry::entry;
use grimnir_rules::planner::invalid::{Invalid, invalid};
use grimnir_rules::planner::retime::retime;
use grimnir_rules::planner::{self, v2};
use grimnir_rules::timeline::command::{RollCommand, TimelineCommand};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

const HOUR_US: i64 = 3_600_000_000;
/// Hours that are planned and entered before the others where the running one has no plan: an
/// engine waits for it.
const FIRST_HOURS: usize = 2;
/// What is planned beyond the firm horizon is rebuilt once its inputs have rested for so long …
const SETTLED: Duration = Duration::from_secs(3);
/// … or after so long, where they never rest.
const AT_LEAST_EVERY: Duration = Duration::from_secs(120);
/// Lines of an hour that is over for so long are asked after: an engine's journal may be late.
const OVER_US: i64 = 3 * HOUR_US;

/// What is remembered between turns; all of it can be found again.
#[derive(Default)]
pub(super) struct Rest {
    /// Versions of station and library, and of the timeline, at the last look.
    seen: (u64, u64, u64),
    /// Since when what people set has been other than at the last rebuild, and since when it rests.
    moved: Option<(Instant, Instant)>,
    /// Digest of the inputs that what is beyond the firm horizon was last held against.
    rebuilt: Option<ContentHash>,
    /// Version of the timeline whose lines were last held against the hard rules.
    ruled: u64,
}

impl PlannerState {
    /// Does the first thing that is due; the commits of it lead to the next turn.
    pub(super) async fn turn(&mut self) -> Result<(), CommandError> {
        if self.shared.is_closing() || self.shared.epoch_of(self.station) == 0 {
            return Ok(());
        }
        let folds = Gathered::read(&self.shared, self.station).await?;
        if !folds.station.state.on_air {
            return Ok(());
        }
        let (zone, now) = (folds.zone(), clock::now());
        self.look(&folds);
        if self.clear_stale(&folds, &zone, now).await?
            || self.extend(&folds, &zone, now).await?
            || self.mend(&folds, &zone, now).await?
            || self.retime(&folds, now).await?
            || self.rebuild(&folds, &zone, now).await?
        {
            return Ok(());
        }
        self.settle_past(&folds, now).await
    }

    /// Notes what moved since the last turn.
    fn look(&mut self, folds: &Gathered) {
        let seen = (folds.station.version, folds.library.version, folds.timeline.version);
        let first = self.rest.rebuilt.is_none() && self.rest.moved.is_none();
        if seen != self.rest.seen || first {
            let at = Instant::now();
            let since = self.rest.moved.map_or(at, |(since, _)| since);
            // The plan's own commits move the timeline too: what they change is no input, and the
            // digest tells.
            self.rest.moved = Some((since, at));
        }
        self.rest.seen = seen;
    }

    /// Takes out coming hours that begin where none does any more: the station keeps another time.
    async fn clear_stale(
        &self,
        folds: &Gathered,
        zone: &TimeZone,
        now: UtcMicros,
    ) -> Result<bool, CommandError> {
        let planned = folds.timeline.state.hours.keys().copied().collect();
        let stale = planner::stale_hours(zone, now, &planned);
        for hour in &stale {
            let reason = "the station keeps another time".into();
            let command = TimelineCommand::ClearHour { hour: *hour, reason };
            let meta = self.meta("clear", folds, &[&hour.0.to_be_bytes()]);
            self.command(command, meta).await?;
        }
        Ok(!stale.is_empty())
    }

    /// Plans the hours of the horizon that have no plan, or none that is of use.
    async fn extend(
        &self,
        folds: &Gathered,
        zone: &TimeZone,
        now: UtcMicros,
    ) -> Result<bool, CommandError> {
        let timeline = &folds.timeline.state;
        let kept = timeline.hours.values().filter(|plan| is_of_use(folds, plan));
        let kept: BTreeSet<UtcMicros> = kept.map(|plan| plan.hour).collect();
        let horizon = timeline.roll.horizon.plan_hours;
        let mut missing = planner::hours_to_plan(zone, now, &kept, horizon);
        missing.retain(|hour| timeline.hours.get(hour).is_none_or(|plan| !touched(folds, plan)));
        let Some(first) = missing.first() else { return Ok(false) };
        if *first <= now && missing.len() > FIRST_HOURS {
            missing.truncate(FIRST_HOURS);
        }
        let (plans, basis) = self.plan(folds, &missing).await?;
        let mut entered = 0;
        for planned in &plans {
            // Still empty from the same inputs: nothing that could be said anew.
            let known = timeline.roll.hours.get(&planned.0.hour);
            let known =
                known.filter(|known| known.is_whole() && known.record.inputs == basis.inputs);
            if planned.0.lines.is_empty() && known.is_some() {
                continue;
            }
            self.enter(folds, planned, basis).await?;
            entered += 1;
        }
        if entered > 0 {
            info!(station.id = %self.station, hours = entered, "the plan was extended");
        }
        Ok(entered > 0)
    }

    /// Picks firm lines again that cannot stay, one by one.
    async fn mend(
        &mut self,
        folds: &Gathered,
        zone: &TimeZone,
        now: UtcMicros,
    ) -> Result<bool, CommandError> {
        let timeline = &folds.timeline.state;
        let until = firm_until(folds, zone, now);
        let from = planner::hours::hour_of(zone, now).from;
        let firm =
            |plan: &&HourPlan| plan.hour >= from && (plan.hour < until || timeline.has_pins(plan));
        let hours = timeline.hours.values().filter(firm);
        let mut found = folds.standing(|standing| invalid(standing, hours, now));
        if self.rest.ruled != folds.timeline.version {
            found.extend(self.broken(folds, from).await?);
        }
        let locked = timeline.locked();
        let stays = |line: &LineId| timeline.is_pinned(line) || locked.contains(line);
        let due = found.into_iter().find(|invalid| !stays(&invalid.line_id));
        let Some(Invalid { hour, line_id, reason }) = due else {
            self.rest.ruled = folds.timeline.version;
            return Ok(false);
        };
        let told = format!("{reason:?}");
        let Some(command) = self.pick_again(folds, hour, line_id, reason).await? else {
            return Ok(false);
        };
        let meta = self.meta("repair", folds, &[&line_id.0, &folds.seq.to_be_bytes()]);
        self.command(command, meta).await?;
        info!(station.id = %self.station, line = %line_id, reason = told, "a line is another");
        Ok(true)
    }

    /// Lines in hours that somebody had a hand in that break a hard rule since.
    async fn broken(
        &self,
        folds: &Gathered,
        from: UtcMicros,
    ) -> Result<Vec<Invalid>, CommandError> {
        let timeline = &folds.timeline.state;
        let handled = timeline.hours.range(from..).filter(|(_, plan)| timeline.has_pins(plan));
        let hours: Vec<UtcMicros> = handled.map(|(hour, _)| *hour).collect();
        if hours.is_empty() {
            return Ok(Vec::new());
        }
        self.apart(folds, move |folds, prepared| {
            let timeline = &folds.timeline.state;
            let stays = |line: &LineId| timeline.is_pinned(line) || timeline.aired.is_done(line);
            let breaks = |hour: &UtcMicros| {
                let found = folds
                    .ask(prepared, |inputs, planned| v2::breaks(inputs, planned, *hour, &stays));
                let hour = *hour;
                found.into_iter().map(move |(line_id, rule)| {
                    let reason = RepairReason::HardRule { rule: rule.into() };
                    Invalid { hour, line_id, reason }
                })
            };
            hours.iter().flat_map(breaks).collect()
        })
        .await
    }

    /// Tells lines when they start, where that has changed.
    async fn retime(&self, folds: &Gathered, now: UtcMicros) -> Result<bool, CommandError> {
        let timeline = &folds.timeline.state;
        let running = timeline.hours.range(..=now).next_back().map(|(hour, _)| *hour);
        let from = running.filter(|hour| now.since(*hour) < HOUR_US).unwrap_or(now);
        let settings = &folds.station.state.settings;
        let done = |line: &LineId| timeline.aired.is_done(line);
        let moved = retime(settings, &timeline.hours, from, &done);
        // The last hour first: as long as the first is not told, all of it is found again.
        for (hour, times) in moved.iter().rev() {
            let command = RollCommand::RetimeLines { hour: *hour, times: times.clone() };
            let meta = self.meta("retime", folds, &[&hour.0.to_be_bytes()]);
            self.command(TimelineCommand::Roll(command), meta).await?;
        }
        Ok(!moved.is_empty())
    }

    /// Plans what is beyond the firm horizon again, once its inputs have changed and rest.
    async fn rebuild(
        &mut self,
        folds: &Gathered,
        zone: &TimeZone,
        now: UtcMicros,
    ) -> Result<bool, CommandError> {
        let Some((since, rests)) = self.rest.moved else { return Ok(false) };
        if rests.elapsed() < SETTLED && since.elapsed() < AT_LEAST_EVERY {
            return Ok(false);
        }
        self.rest.moved = None;
        let basis = self.apart(folds, |folds, prepared| folds.basis(prepared)).await?;
        if self.rest.rebuilt == Some(basis.inputs) {
            return Ok(false);
        }
        let timeline = &folds.timeline.state;
        // An hour without lines holds nothing that could be firm.
        let firm = firm_until(folds, zone, now);
        let coming = timeline.hours.range(now..);
        let beyond = coming.filter(|(hour, plan)| **hour >= firm || plan.lines.is_empty());
        let stale = beyond.filter(|(hour, plan)| {
            let kept = timeline.roll.hours.get(hour);
            !touched(folds, plan) && kept.is_none_or(|kept| kept.record.inputs != basis.inputs)
        });
        let hours: Vec<UtcMicros> = stale.map(|(hour, _)| *hour).collect();
        let (plans, basis) = self.plan(folds, &hours).await?;
        let mut entered = 0;
        for planned in plans.iter().filter(|planned| differs(folds, planned)) {
            self.enter(folds, planned, basis).await?;
            entered += 1;
        }
        self.rest.rebuilt = Some(basis.inputs);
        let looked = hours.len();
        info!(station.id = %self.station, looked, hours = entered, "the plan was rebuilt");
        Ok(entered > 0)
    }

    /// Says of lines that are over and were never heard of that they passed.
    async fn settle_past(&self, folds: &Gathered, now: UtcMicros) -> Result<(), CommandError> {
        let timeline = &folds.timeline.state;
        for plan in timeline.hours.values() {
            if now.since(plan.hour) < HOUR_US + OVER_US {
                break;
            }
            let passed = timeline.roll.passed.get(&plan.hour);
            let silent = |line: &LineId| {
                !timeline.aired.is_done(line) && !passed.is_some_and(|passed| passed.contains(line))
            };
            let lines: Vec<LineId> = plan.lines.iter().map(|line| line.id).filter(silent).collect();
            if lines.is_empty() {
                continue;
            }
            let (hour, reason) = (plan.hour, DropReason::TimePassed);
            let command = TimelineCommand::Roll(RollCommand::PassLines { hour, lines, reason });
            let meta = self.meta("passed", folds, &[&hour.0.to_be_bytes()]);
            self.command(command, meta).await?;
        }
        Ok(())
    }

    /// Plans again because somebody asked: everything after the running hour, and the running hour
    /// where it is empty; but not what is on air, what comes next, and hours with pinned lines.
    pub(super) async fn replan(&mut self, cause: Meta) -> Result<u64, CommandError> {
        let folds = Gathered::read(&self.shared, self.station).await?;
        let (zone, now) = (folds.zone(), clock::now());
        let timeline = &folds.timeline.state;
        let stays = |plan: &&HourPlan| {
            (plan.hour <= now && !plan.lines.is_empty()) || touched(&folds, plan)
        };
        let stays = timeline.hours.values().filter(stays).map(|plan| plan.hour).collect();
        let hours = planner::hours_to_plan(&zone, now, &stays, timeline.roll.horizon.plan_hours);
        let (plans, basis) = self.plan(&folds, &hours).await?;
        let mut seq = folds.timeline.seq;
        let mut index = 0u32;
        for (plan, origins) in &plans {
            for command in entry(plan, origins, basis, true) {
                let log = self.shared.ledger.log_id();
                let parts: [&[u8]; 3] = [&log.0, &cause.commit_id.0, &index.to_be_bytes()];
                let commit_id = CommitId(derive_id("replan", &parts));
                let meta = Meta { commit_id, ..cause };
                seq = self.command(command, meta).await?.seq;
                index += 1;
            }
        }
        self.rest.rebuilt = Some(basis.inputs);
        Ok(seq)
    }
}

/// Lines of hours before this instant are firm.
fn firm_until(folds: &Gathered, zone: &TimeZone, now: UtcMicros) -> UtcMicros {
    let hours = folds.timeline.state.roll.horizon.firm_hours;
    planner::hours::hour_of(zone, now).from.plus(i64::from(hours) * HOUR_US)
}

/// All lines of the hour came, and there are some, or nothing has changed since there were none.
fn is_of_use(folds: &Gathered, plan: &HourPlan) -> bool {
    if folds.timeline.state.orders.awaits_sign_on(plan.hour) {
        return false;
    }
    match folds.timeline.state.roll.hours.get(&plan.hour) {
        Some(kept) if !kept.is_whole() => false,
        Some(_) | None => {
            let moved = folds.library.seq.max(folds.station.seq);
            !plan.lines.is_empty() || plan.input_seq >= moved
        }
    }
}

/// Something in the hour is not to be touched by planning it anew.
fn touched(folds: &Gathered, plan: &HourPlan) -> bool {
    let timeline = &folds.timeline.state;
    let locked = timeline.locked();
    timeline.has_pins(plan) || plan.lines.iter().any(|line| locked.contains(&line.id))
}

fn differs(folds: &Gathered, (plan, _): &Planned) -> bool {
    let known = folds.timeline.state.hours.get(&plan.hour);
    known.is_none_or(|known| known.lines != plan.lines || known.notes != plan.notes)
}
