//! Tries smart blocks and explains plans: reads the folds as planning does, and commits nothing.

use crate::error::CommandError;
use crate::folds::{Folds, apart};
use crate::site::Site;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{LineId, StationId, UtcMicros};
use grimnir_rules::planner::PLANNER_VERSION;
use grimnir_rules::planner::problems::{Look, Problem, problems};
use grimnir_rules::planner::v2::{self, BlockTest, Explained, Materialized, PickTrace};
use grimnir_rules::show::Programme;
use grimnir_rules::timeline::TimelineState;

/// Why a planned line is what it is, as far as that can still be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineExplained {
    /// The pick; `None` where planning the hour again does not lead to this line.
    pub pick: Option<PickTrace>,
    /// The hour, planned again from what is known now, has the lines that were planned.
    pub same_hour: bool,
    /// Version of the planner that planned the hour.
    pub planned_by: u32,
    /// Version of the planner that explains it.
    pub explained_by: u32,
    /// Ledger position that the hour was planned at.
    pub input_seq: u64,
    /// What people set, and the plan follows from, is not what it was then.
    pub inputs_moved: bool,
}

impl Folds {
    fn explain(&self, hour: UtcMicros, line_id: LineId) -> Option<LineExplained> {
        let planned = self.hours().get(&hour)?;
        let prepared = self.prepare();
        let record = self.timeline.state.roll.hours.get(&hour).map(|kept| &kept.record);
        let at = record.map(|record| record.at);
        // Hours after it were there when it was planned, or came later: whichever leads to it.
        let earlier = self.hours().range(..hour).map(|(at, plan)| (*at, plan.clone())).collect();
        let explained = self.ask_as_of(&prepared, at, |inputs, then| {
            let first = v2::explain_hour(inputs, &earlier, hour);
            if same(&first, planned) {
                return first;
            }
            let others = [self.hours(), then].map(|hours| v2::explain_hour(inputs, hours, hour));
            let whole = others.iter().position(|other| same(other, planned));
            let leads = leads_to(&first, planned, line_id);
            match others {
                [_, other] if whole == Some(1) => other,
                [other, _] if whole == Some(0) || !leads => other,
                _ => first,
            }
        });
        let leads = leads_to(&explained, planned, line_id);
        let same_hour = same(&explained, planned);
        let mut picks = explained.picks.into_iter().filter(|_| leads);
        let pick = picks.find(|(line, _)| *line == Some(line_id)).map(|(_, trace)| trace);
        let input_seq = planned.input_seq;
        let inputs_moved = match record {
            Some(record) => record.inputs != self.basis(&prepared).inputs,
            // Before that was recorded only the positions tell.
            None => {
                let seq = self.station.seq.max(self.library.seq);
                seq > input_seq
            }
        };
        Some(LineExplained {
            pick,
            same_hour,
            planned_by: planned.planner_version,
            explained_by: PLANNER_VERSION,
            input_seq,
            inputs_moved,
        })
    }

    /// What is wrong with the plan from `now` to its horizon.
    fn problems(&self, now: UtcMicros, hours: u32) -> Vec<Problem> {
        let zone = self.zone();
        let running = grimnir_rules::planner::hours::hour_of(&zone, now).from;
        let legal = |item: &grimnir_events::library::MediaItem| {
            item.kind == grimnir_events::library::ItemKind::LegalId
        };
        let until = running.plus(i64::from(hours) * 3_600_000_000);
        let TimelineState { shows, grid, clocks, .. } = &*self.timeline.state;
        let programme = Programme::new(zone.clone(), shows, grid, None, clocks);
        let instances = programme.instances(now, until);
        self.standing(|standing| {
            problems(&Look {
                settings: &self.station.state.settings,
                hours: self.hours(),
                standing,
                from: now,
                until,
                legal_ids: self.library.state.playable().any(legal),
                instances: &instances,
            })
        })
    }
}

fn same(explained: &Explained, planned: &HourPlan) -> bool {
    explained.plan.lines == planned.lines
}

/// The hour as it is planned now has this very line.
fn leads_to(explained: &Explained, planned: &HourPlan, id: LineId) -> bool {
    let line = |plan: &HourPlan| plan.lines.iter().find(|line| line.id == id).cloned();
    let now = line(&explained.plan);
    now.is_some() && now == line(planned)
}

const TRYING: &str = "trying out the planner";

impl Site {
    /// What a block would yield from `at` on; nothing is planned. The same seed leads to the same
    /// items while station, library and plan stay as they are.
    pub async fn materialize(
        &self,
        station: StationId,
        block: SmartBlock,
        at: UtcMicros,
        duration_ms: u32,
        seed: u64,
    ) -> Result<Materialized, CommandError> {
        let folds = Folds::read(self, station).await?;
        apart(TRYING, move || {
            folds.ask(|inputs, hours| v2::materialize(inputs, hours, &block, at, duration_ms, seed))
        })
        .await
    }

    /// What each rule of a block leaves of the library at a time.
    pub async fn test_block(
        &self,
        station: StationId,
        block: SmartBlock,
        at: UtcMicros,
    ) -> Result<BlockTest, CommandError> {
        let folds = Folds::read(self, station).await?;
        apart(TRYING, move || folds.ask(|inputs, hours| v2::test(inputs, hours, &block, at))).await
    }

    /// Why a planned line is what it is: its hour is planned again. `None` where no such hour is
    /// planned.
    pub async fn explain_line(
        &self,
        station: StationId,
        hour: UtcMicros,
        line: LineId,
    ) -> Result<Option<LineExplained>, CommandError> {
        let folds = Folds::read(self, station).await?;
        apart(TRYING, move || folds.explain(hour, line)).await
    }

    /// What is wrong with a station's plan, as far as it can be seen now; `hours` ahead, or as far
    /// as it is to be planned.
    pub async fn problems(
        &self,
        station: StationId,
        hours: Option<u32>,
    ) -> Result<Vec<Problem>, CommandError> {
        let folds = Folds::read(self, station).await?;
        let now = crate::clock::now();
        let ahead = folds.timeline.state.roll.horizon.plan_hours;
        apart(TRYING, move || folds.problems(now, hours.unwrap_or(ahead))).await
    }
}
