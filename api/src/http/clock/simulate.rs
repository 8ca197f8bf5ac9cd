//! A format clock tried out: what it would make of some hours; nothing is recorded.

use super::super::kept;
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Body;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ClockId, MediaId, UtcMicros};
use grimnir_projections::rows::ClockRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const HOUR_US: i64 = 3_600_000_000;
/// Most hours of one trial: two days.
const HOURS_MAX: u32 = 48;

/// Hours that are to be tried out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateRequest {
    /// The station, by id or slug; a clock of another is not found.
    station_id: Option<String>,
    /// An instant of the first hour, RFC 3339; the next hour where not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<UtcMicros>,
    /// How many hours, 1 to 48; 1 where not given.
    hours: Option<u32>,
    /// What chance is drawn from; where not given, it comes out as the plan would.
    seed: Option<u64>,
}

/// One item of a simulated hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedItem {
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// What it is.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// When it starts.
    #[schema(value_type = String, format = DateTime)]
    starts_at: UtcMicros,
    /// When the next one starts.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UtcMicros,
    /// What its start hangs on.
    #[schema(value_type = Object)]
    anchor: Anchor,
}

/// One simulated hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedHour {
    /// Its start.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Its items.
    items: Vec<SimulatedItem>,
    /// Airtime of its items.
    filled_ms: i64,
    /// What could not be done as asked.
    notes: Vec<String>,
}

/// What a format clock would make of some hours.
#[derive(Debug, Serialize, ToSchema)]
pub struct Simulation {
    /// The clock.
    #[schema(value_type = String)]
    clock_id: ClockId,
    /// What chance was drawn from, where that was asked.
    seed: Option<u64>,
    /// The hours.
    hours: Vec<SimulatedHour>,
}

fn item(line: Line) -> SimulatedItem {
    SimulatedItem {
        media_id: line.media_id,
        title: line.title,
        artist: line.artist,
        kind: line.kind,
        starts_at: line.planned_at,
        ends_at: line.planned_at.plus(micros_of_frames(line.cues.airtime())),
        anchor: line.anchor,
    }
}

fn hour(plan: HourPlan) -> SimulatedHour {
    let airtime: i64 = plan.lines.iter().map(|line| line.cues.airtime()).sum();
    SimulatedHour {
        hour: plan.hour,
        items: plan.lines.into_iter().map(item).collect(),
        filled_ms: micros_of_frames(airtime).div_euclid(1_000),
        notes: plan.notes,
    }
}

/// Shows what a format clock would make of some hours; nothing is planned.
#[utoipa::path(
    post, path = "/clocks/{id}/simulate", tag = "timeline", params(("id" = String, Path)),
    request_body = SimulateRequest,
    responses((status = 200, body = Simulation), (status = 404, body = ProblemDocument))
)]
pub async fn simulate(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Body(request): Body<SimulateRequest>,
) -> Result<Json<Simulation>, Problem> {
    let (clock_id, row) = kept::found::<ClockRow>(&app, &id, request.station_id.as_deref())?;
    let count = request.hours.unwrap_or(1);
    if !(1..=HOURS_MAX).contains(&count) {
        let detail = format!("hours is {count}, expected 1 to {HOURS_MAX}");
        return Err(Problem::invalid("hours", detail));
    }
    let at = request.at.unwrap_or_else(|| super::super::now().plus(HOUR_US));
    let ClockRow { station_id, clock } = row;
    let plans = app.site.simulate_clock(station_id, clock, at, count, request.seed).await?;
    let hours = plans.into_iter().map(hour).collect();
    Ok(Json(Simulation { clock_id, seed: request.seed, hours }))
}
