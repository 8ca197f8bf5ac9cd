//! What a planner asks of the timeline, and under which identity, so that each takes effect once.

use super::PlannerState;
use crate::error::CommandError;
use crate::gather::Gathered;
use crate::meta::{Meta, Receipt};
use grimnir_events::roll::{Origin, RepairReason};
use grimnir_events::timeline::{HourPlan, TimelineEvent};
use grimnir_events::{CommitId, LineId, StreamId, StreamKind, UtcMicros, derive_id};
use grimnir_rules::Timeline;
use grimnir_rules::planner::entry::{Basis, entry};
use grimnir_rules::planner::{self, Repair, digest};
use grimnir_rules::timeline::command::TimelineCommand;

/// An hour and where its lines come from.
pub(super) type Planned = (HourPlan, Vec<Origin>);

impl PlannerState {
    pub(super) async fn command(
        &self,
        command: TimelineCommand,
        meta: Meta,
    ) -> Result<Receipt<TimelineEvent>, CommandError> {
        let stream = StreamId::of_station(StreamKind::Timeline, self.station);
        self.shared.directory.decide::<Timeline>(stream, command, meta).await
    }

    /// An identity that follows from what is committed and from the state that it is added to.
    pub(super) fn meta(&self, what: &str, folds: &Gathered, parts: &[&[u8]]) -> Meta {
        let log = self.shared.ledger.log_id();
        let version = folds.timeline.version.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![&log.0, &self.station.0, &version];
        all.extend(parts);
        let commit_id = CommitId(derive_id(what, &all));
        Meta::own_under(commit_id)
    }

    /// Plans hours on a thread of its own: it takes milliseconds per hour, and must not hold up the
    /// other actors.
    pub(super) async fn plan(
        &self,
        folds: &Gathered,
        hours: &[UtcMicros],
    ) -> Result<(Vec<Planned>, Basis), CommandError> {
        let hours = hours.to_vec();
        self.apart(folds, move |folds, prepared| {
            let plans = folds.ask(prepared, |inputs, planned| {
                planner::plan_with_origins(inputs, planned, &hours)
            });
            (plans, folds.basis(prepared))
        })
        .await
    }

    pub(super) async fn apart<T: Send + 'static>(
        &self,
        folds: &Gathered,
        work: impl FnOnce(&Gathered, &crate::gather::Prepared) -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        let _permit = self.shared.planning_permit().await?;
        let (folds, larder) = (folds.clone(), self.shared.larder(self.station));
        tokio::task::spawn_blocking(move || {
            let mut larder = larder.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let prepared = larder.prepare(&folds);
            drop(larder);
            work(&folds, &prepared)
        })
        .await
        .map_err(|e| CommandError::Failed { what: "planning", reason: e.to_string() })
    }

    /// Enters an hour, in as many commits as it takes.
    pub(super) async fn enter(
        &self,
        folds: &Gathered,
        (plan, origins): &Planned,
        basis: Basis,
    ) -> Result<(), CommandError> {
        let replace = folds.timeline.state.hours.contains_key(&plan.hour);
        let digest = digest::plan(plan);
        for (part, command) in (0u32..).zip(entry(plan, origins, basis, replace)) {
            let parts = [&plan.hour.0.to_be_bytes()[..], &digest.0, &part.to_be_bytes()];
            self.command(command, self.meta("plan", folds, &parts)).await?;
        }
        Ok(())
    }

    /// Picks one line again.
    pub(super) async fn pick_again(
        &self,
        folds: &Gathered,
        hour: UtcMicros,
        line_id: LineId,
        reason: RepairReason,
    ) -> Result<Option<TimelineCommand>, CommandError> {
        self.apart(folds, move |folds, prepared| {
            let timeline = &folds.timeline.state;
            let kept = timeline.roll.hours.get(&hour);
            let of = kept.and_then(|kept| kept.of.get(&line_id));
            let same = kept.into_iter().flat_map(|kept| &kept.of);
            let run: Vec<LineId> =
                same.filter(|(_, at)| Some(*at) == of).map(|(line, _)| *line).collect();
            let origin = timeline.origin(hour, &line_id);
            let repaired = folds.ask(prepared, |inputs, planned| {
                let reason = &reason;
                let asked = Repair { hour, line_id, origin, run: &run, reason };
                planner::repair(inputs, planned, &asked)
            });
            repaired.map(|(line, seed)| {
                TimelineCommand::Roll(grimnir_rules::timeline::command::RollCommand::RepairLine {
                    hour,
                    line_id,
                    reason,
                    with: line.map(Box::new),
                    input_seq: folds.seq,
                    seed,
                })
            })
        })
        .await
    }
}
