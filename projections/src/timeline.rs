//! Timelines: format clocks, hours of plan, and what of them is still to air.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::{BlockRow, ClockRow, UpcomingRow};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::clock::{ClockEvent, LegalIdRule};
use grimnir_events::edit::{self, EditEvent, Pin};
use grimnir_events::grid::Grid;
use grimnir_events::roll::{Horizon, RollEvent};
use grimnir_events::show::{self, Shows};
use grimnir_events::smart_block::StationRules;
use grimnir_events::timeline::{FormatClock, HourPlan, Line, TimelineEvent};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ClockId, LineId, MediaId, SmartBlockId, StationId, UtcMicros};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const HOUR_US: i64 = 3_600_000_000;
/// Hours of plan older than this leave the model; replay still has them.
pub const PLANS_KEPT_US: i64 = 48 * HOUR_US;

/// One station's timeline.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TimelineTable {
    /// Which clock rules which hour.
    pub grid: Grid,
    /// Format clocks.
    pub clocks: BTreeMap<ClockId, ClockRow>,
    /// Smart blocks.
    #[serde(default)]
    pub blocks: BTreeMap<SmartBlockId, BlockRow>,
    /// What the station asks of every pick.
    #[serde(default)]
    pub rules: StationRules,
    /// How legal IDs are put around the hour; `None` puts none.
    #[serde(default)]
    pub legal_id: Option<LegalIdRule>,
    /// Recorded items by hour and voice track.
    #[serde(default)]
    pub voice: BTreeMap<UtcMicros, BTreeMap<String, MediaId>>,
    /// Shows, and what is different about their instances.
    #[serde(default)]
    pub shows: Shows,
    /// The clock of every hour that has none of its own.
    pub default_clock_id: Option<ClockId>,
    /// Hours of plan, by start.
    pub plans: BTreeMap<UtcMicros, HourPlan>,
    /// Lines that aired or were dropped, with the instant.
    pub done: BTreeMap<LineId, UtcMicros>,
    /// How far ahead it is planned.
    #[serde(default)]
    pub horizon: Horizon,
    /// Lines that planning leaves as they are.
    #[serde(default)]
    pub pins: BTreeMap<LineId, Pin>,
}

impl TimelineTable {
    /// The line with this id, if a kept hour has it.
    pub fn line(&self, id: LineId) -> Option<&Line> {
        self.plans.values().rev().flat_map(|plan| &plan.lines).find(|line| line.id == id)
    }

    /// Lines planned in `from..to`, in order; with `to_air`, only those still to air.
    pub fn rows(&self, from: UtcMicros, to: UtcMicros, to_air: bool) -> Vec<UpcomingRow> {
        let lines = self.plans.values().flat_map(|p| p.lines.iter().map(|l| self.row(p.hour, l)));
        let mut rows: Vec<_> = lines
            .filter(|row| row.planned_at >= from && row.planned_at < to)
            .filter(|row| !(to_air && self.done.contains_key(&row.line_id)))
            .collect();
        // Stable: lines planned for the same instant keep the order of their chain.
        rows.sort_by_key(|row| row.planned_at);
        rows
    }

    fn row(&self, hour: UtcMicros, line: &Line) -> UpcomingRow {
        upcoming(hour, line, self.pins.get(&line.id).copied())
    }

    fn clock_set(&mut self, station_id: StationId, clock: FormatClock) {
        self.clocks.insert(clock.id, ClockRow { station_id, clock });
    }

    fn prune(&mut self, now: UtcMicros) {
        let oldest = now.plus(-PLANS_KEPT_US);
        while let Some((&hour, _)) = self.plans.first_key_value() {
            if hour.plus(HOUR_US) >= oldest {
                break;
            }
            self.plans.remove(&hour);
        }
        self.unpin();
        self.voice = self.voice.split_off(&oldest);
        self.done.retain(|_, at| *at >= oldest);
    }
}

impl TimelineTable {
    /// Pins go with their lines.
    fn unpin(&mut self) {
        if !self.pins.is_empty() {
            let lines: BTreeSet<_> =
                self.plans.values().flat_map(|plan| &plan.lines).map(|line| line.id).collect();
            self.pins.retain(|id, _| lines.contains(id));
        }
    }
}

/// A line as it is listed.
pub fn upcoming(hour: UtcMicros, line: &Line, pin: Option<Pin>) -> UpcomingRow {
    UpcomingRow {
        line_id: line.id,
        hour,
        planned_at: line.planned_at,
        airtime_ms: micros_of_frames(line.cues.airtime()).div_euclid(1_000),
        media_id: line.media_id,
        title: line.title.clone(),
        artist: line.artist.clone(),
        kind: line.kind,
        anchor: line.anchor,
        pin,
    }
}

fn row(hour: UtcMicros, line: &Line) -> UpcomingRow {
    upcoming(hour, line, None)
}

/// Folds one event.
pub(crate) fn apply(model: &mut Model, place: &Place, event: &TimelineEvent) {
    let station_id = place.station();
    let table = model.timelines.entry(station_id).or_default();
    match event {
        TimelineEvent::ClockSet { clock } => {
            table.clock_set(station_id, clock.clone().into());
        }
        TimelineEvent::ClockRemoved { clock_id } => {
            table.clocks.remove(clock_id);
        }
        TimelineEvent::DefaultClockChosen { clock_id } => table.default_clock_id = *clock_id,
        TimelineEvent::HourPlanned { plan } => {
            table.plans.insert(plan.hour, plan.clone());
            table.prune(place.at);
        }
        TimelineEvent::LineInserted { hour, index, line } => {
            if let Some(plan) = table.plans.get_mut(hour) {
                plan.lines.retain(|l| l.id != line.id);
                let index = plan.lines.len().min(*index as usize);
                plan.lines.insert(index, (**line).clone());
            }
        }
        TimelineEvent::SmartBlockSet { block } => {
            let block = (**block).clone();
            table.blocks.insert(block.id, BlockRow { station_id, block });
        }
        TimelineEvent::SmartBlockRemoved { block_id } => {
            table.blocks.remove(block_id);
        }
        TimelineEvent::StationRulesSet { rules } => table.rules = (**rules).clone(),
        TimelineEvent::LineDropped { hour, line_id, .. } => {
            if let Some(plan) = table.plans.get_mut(hour) {
                plan.lines.retain(|l| l.id != *line_id);
                table.pins.remove(line_id);
            }
        }
        TimelineEvent::Show(event) => show::fold(&mut table.shows, event),
        TimelineEvent::GridSet { grid } => table.grid = grid.clone(),
        TimelineEvent::HourCleared { hour, .. } => {
            table.plans.remove(hour);
            table.unpin();
        }
        TimelineEvent::Rolled(event) => rolled(table, event),
        TimelineEvent::Edited(event) => match &**event {
            EditEvent::LinePinned { line_id, pin: None, .. } => {
                table.pins.remove(line_id);
            }
            EditEvent::LinePinned { line_id, pin: Some(pin), .. } => {
                table.pins.insert(*line_id, *pin);
            }
            _ => {
                if let Some(plan) = event.hour().and_then(|hour| table.plans.get_mut(&hour)) {
                    edit::apply(event, &mut plan.lines);
                }
            }
        },
        TimelineEvent::Clock(ClockEvent::Set { clock }) => {
            table.clock_set(station_id, (**clock).clone());
        }
        TimelineEvent::Clock(ClockEvent::LegalIdSet { rule }) => table.legal_id.clone_from(rule),
        TimelineEvent::Clock(ClockEvent::VoiceTracked { hour, track, media_id }) => {
            let tracks = table.voice.entry(*hour).or_default();
            match media_id {
                Some(media_id) => tracks.insert(track.clone(), *media_id),
                None => tracks.remove(track),
            };
        }
        TimelineEvent::Clock(ClockEvent::SignedOn { .. }) => {}
    }
}

fn rolled(table: &mut TimelineTable, event: &RollEvent) {
    match event {
        RollEvent::HorizonSet { horizon } => table.horizon = *horizon,
        // What an hour was planned from is asked of replay.
        RollEvent::HourRead { .. } => {}
        RollEvent::HourContinued { hour, lines, .. } => {
            if let Some(plan) = table.plans.get_mut(hour) {
                plan.lines.extend_from_slice(lines);
            }
        }
        RollEvent::LineRepaired { hour, line_id, with, .. } => {
            table.pins.remove(line_id);
            let Some(plan) = table.plans.get_mut(hour) else { return };
            let place = plan.lines.iter().position(|line| line.id == *line_id);
            match (place, with) {
                (Some(place), Some(line)) => plan.lines[place] = (**line).clone(),
                (Some(place), None) => drop(plan.lines.remove(place)),
                (None, _) => {}
            }
        }
        RollEvent::LinesRetimed { hour, times } => {
            let Some(plan) = table.plans.get_mut(hour) else { return };
            for time in times {
                let line = plan.lines.iter_mut().find(|line| line.id == time.line_id);
                line.into_iter().for_each(|line| line.planned_at = time.planned_at);
            }
        }
        RollEvent::LinesPassed { .. } => {}
    }
}

/// A line that started or was dropped on air is not to air any more.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    let line_id = match &fact.event {
        AirEvent::ItemStarted(item) => item.line_id,
        AirEvent::LineDropped { line_id, .. } => Some(*line_id),
        _ => None,
    };
    if let Some(line_id) = line_id {
        let table = model.timelines.entry(place.station()).or_default();
        table.done.insert(line_id, fact.at);
    }
}

/// Tells what changed.
pub(crate) fn tell(out: &mut Changes, event: &TimelineEvent) {
    match event {
        TimelineEvent::HourPlanned { plan } => {
            let lines: Vec<_> = plan.lines.iter().map(|line| row(plan.hour, line)).collect();
            let hour = json!({ "hour": plan.hour, "lines": lines, "notes": plan.notes });
            out.push("schedule_update", &json!({ "hour_planned": hour }));
        }
        TimelineEvent::LineInserted { hour, index, line } => {
            let line = json!({ "hour": hour, "index": index, "line": row(*hour, line) });
            out.push("schedule_update", &json!({ "line_inserted": line }));
        }
        _ => out.push("schedule_update", event),
    }
}
