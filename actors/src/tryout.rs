//! Tries smart blocks and explains plans: reads the folds as planning does, and commits nothing.

use crate::error::CommandError;
use crate::rebroadcast;
use crate::shell::Snapshot;
use crate::site::Site;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{LineId, MediaId, PlaylistId, StationId, UtcMicros};
use grimnir_rules::planner::joint::Joins;
use grimnir_rules::planner::v2::{self, BlockTest, Explained, Materialized, PickTrace};
use grimnir_rules::planner::{Aired, PLANNER_VERSION, PlanInputs};
use grimnir_rules::{Library, Station, Timeline};
use std::collections::BTreeMap;

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
    /// Station or library changed after that position.
    pub inputs_moved: bool,
}

/// What planning reads, at one moment.
struct Folds {
    id: StationId,
    station: Snapshot<Station>,
    library: Snapshot<Library>,
    timeline: Snapshot<Timeline>,
    aired: Aired,
}

impl Folds {
    async fn read(site: &Site, id: StationId) -> Result<Self, CommandError> {
        let station = site.inspect::<Station>(id).await?;
        let library = site.inspect::<Library>(id).await?;
        let timeline = site.inspect::<Timeline>(id).await?;
        let hours: Vec<UtcMicros> = timeline.state.hours.keys().copied().collect();
        let zone = &station.state.time_zone;
        let aired = rebroadcast::aired(site.views(), id, &timeline.state, zone, &hours);
        Ok(Self { id, station, library, timeline, aired })
    }

    fn hours(&self) -> &BTreeMap<UtcMicros, HourPlan> {
        &self.timeline.state.hours
    }

    /// Asks the planner. What is in no plan any more is not looked back to, as in planning.
    fn ask<T>(&self, answer: impl FnOnce(&PlanInputs<'_>) -> T) -> T {
        let (library, timeline) = (&self.library.state, &self.timeline.state);
        let lists = library.playlists.iter();
        let playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)> =
            lists.map(|(id, list)| (*id, (list.name.clone(), list.items.clone()))).collect();
        let inputs = PlanInputs {
            station: self.id,
            settings: &self.station.state.settings,
            media: (&**library).into(),
            prepared: None,
            playlists: &playlists,
            playlist_times: &library.playlist_times(),
            details: &library.details,
            blocks: &timeline.blocks,
            rules: &timeline.rules,
            time_zone: &self.station.state.time_zone,
            tally: &BTreeMap::new(),
            clock: timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock)),
            grid: &timeline.grid,
            clocks: &timeline.clocks,
            shows: &timeline.shows,
            aired: &self.aired,
            joins: Joins { mode: self.station.state.transitions, analyses: &library.analyses },
            played: &[],
            orders: &timeline.orders,
            input_seq: self.library.seq.max(self.timeline.seq),
        };
        answer(&inputs)
    }

    fn explain(&self, hour: UtcMicros, line_id: LineId) -> Option<LineExplained> {
        let planned = self.hours().get(&hour)?;
        let input_seq = planned.input_seq;
        // Hours after it were there when it was planned, or came later: whichever leads to it.
        let earlier = self.hours().range(..hour).map(|(at, plan)| (*at, plan.clone())).collect();
        let explained = self.ask(|inputs| {
            let first = v2::explain_hour(inputs, &earlier, hour);
            if same(&first, planned) {
                return first;
            }
            let second = v2::explain_hour(inputs, self.hours(), hour);
            if same(&second, planned) || !leads_to(&first, planned, line_id) {
                second
            } else {
                first
            }
        });
        let leads = leads_to(&explained, planned, line_id);
        let same_hour = same(&explained, planned);
        let mut picks = explained.picks.into_iter().filter(|_| leads);
        let pick = picks.find(|(line, _)| *line == Some(line_id)).map(|(_, trace)| trace);
        Some(LineExplained {
            pick,
            same_hour,
            planned_by: planned.planner_version,
            explained_by: PLANNER_VERSION,
            input_seq,
            inputs_moved: self.station.seq > input_seq || self.library.seq > input_seq,
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

/// Picking takes milliseconds; it must not hold up the actors.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    let failed = |reason: String| CommandError::Failed { what: "trying out the planner", reason };
    tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.to_string()))
}

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
        apart(move || {
            folds
                .ask(|inputs| v2::materialize(inputs, folds.hours(), &block, at, duration_ms, seed))
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
        apart(move || folds.ask(|inputs| v2::test(inputs, folds.hours(), &block, at))).await
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
        apart(move || folds.explain(hour, line)).await
    }
}
