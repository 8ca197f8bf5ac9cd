//! How far a station is planned ahead, and what is wrong with its plan.

use super::kept;
use super::timeline::Replan;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::roll::Horizon;
use grimnir_events::{LineId, StationId, UtcMicros};
use grimnir_projections::rows::ClockRow;
use grimnir_rules::planner::problems::{Problem as Found, ProblemKind, Severity};
use grimnir_rules::timeline::command::{RollCommand, TimelineCommand};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How far ahead.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HorizonBody {
    /// Hours that are kept planned, the running one among them: 2 to 336; 48 from the start.
    #[schema(example = 48)]
    plan_hours: u32,
    /// Of these, the ones whose lines stay while they can: 1 to `plan_hours`; 24 from the start.
    #[schema(example = 24)]
    firm_hours: u32,
}

/// How far ahead a station is planned.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct HorizonView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Hours that are kept planned, the running one among them.
    plan_hours: u32,
    /// Of these, the ones whose lines stay while they can.
    firm_hours: u32,
}

impl HorizonView {
    fn of(station_id: StationId, horizon: Horizon) -> Self {
        let Horizon { plan_hours, firm_hours } = horizon;
        Self { station_id, plan_hours, firm_hours }
    }
}

/// Shows how far ahead a station is planned.
#[utoipa::path(
    get, path = "/stations/{id}/planning-horizon", tag = "timeline",
    params(("id" = String, Path)),
    responses((status = 200, body = HorizonView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<HorizonView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    Ok(Json(HorizonView::of(station, app.site.views().horizon(station))))
}

/// Sets how far ahead a station is planned, and how much of that is firm (manager).
#[utoipa::path(
    put, path = "/stations/{id}/planning-horizon", tag = "timeline",
    params(("id" = String, Path)), request_body = HorizonBody,
    responses((status = 200, body = HorizonView), (status = 422, body = ProblemDocument))
)]
pub async fn set(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(HorizonBody { plan_hours, firm_hours }): Body<HorizonBody>,
) -> Result<Answer<HorizonView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let horizon = Horizon { plan_hours, firm_hours };
    let command = TimelineCommand::Roll(RollCommand::SetHorizon { horizon });
    let options = Replan::default();
    let done = kept::recorded::<ClockRow>(&app, &intent, station, command, &options).await?;
    Ok(Answer::ok(done, HorizonView::of(station, horizon)))
}

/// How far to look.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProblemsQuery {
    /// How many hours, 1 to 336; as far as is planned where not given.
    hours: Option<u32>,
}

/// One thing that is wrong with a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleProblem {
    /// `conflict`, `suppressed`, `cut`, `gap`, `under_fill`, `unplanned`, `stale_line`,
    /// `missing_audio`, `legal_id_missing` or `show_overlap`.
    #[schema(value_type = String)]
    kind: ProblemKind,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String)]
    severity: Severity,
    /// Start of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// When it is met.
    #[schema(value_type = String, format = DateTime)]
    at: UtcMicros,
    /// The line, where it is one.
    #[schema(value_type = Option<String>)]
    line_id: Option<LineId>,
    /// What was found, for people.
    detail: String,
}

impl From<Found> for ScheduleProblem {
    fn from(found: Found) -> Self {
        let Found { kind, severity, hour, at, line_id, detail } = found;
        Self { kind, severity, hour, at, line_id, detail }
    }
}

/// Tells what is wrong with a station's plan, as far as it can be seen before it airs, by time.
#[utoipa::path(
    get, path = "/stations/{id}/schedule/problems", tag = "timeline",
    params(("id" = String, Path), ProblemsQuery),
    responses((status = 200, body = Vec<ScheduleProblem>), (status = 404, body = ProblemDocument))
)]
pub async fn problems(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<ProblemsQuery>,
) -> Result<Json<Vec<ScheduleProblem>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    if let Some(hours) = query.hours.filter(|hours| !(1..=Horizon::MOST).contains(hours)) {
        let detail = format!("hours is {hours}, expected 1 to {}", Horizon::MOST);
        return Err(Problem::invalid("hours", detail));
    }
    let found = app.site.problems(station, query.hours).await?;
    Ok(Json(found.into_iter().map(ScheduleProblem::from).collect()))
}
