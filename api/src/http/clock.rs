//! Format clocks: the template of an hour.

use super::kept::{self, Kept};
use super::mount::Removed;
use super::playlist::OfStation;
use super::timeline::{Replan, replan};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::timeline::FormatClock;
use grimnir_events::{ClockId, StationId};
use grimnir_projections::rows::ClockRow;
use grimnir_rules::Timeline;
use grimnir_rules::timeline::command::{ClockCommand, TimelineCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod simulate;

pub use simulate::{__path_simulate, simulate};
mod orders;
mod slot;

pub use orders::{
    __path_assign_voice_track, __path_legal_id, __path_set_legal_id, __path_voice_tracks,
    assign_voice_track, legal_id, set_legal_id, voice_tracks,
};
use slot::Slot;

/// A format clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// Its id.
    #[schema(value_type = String)]
    id: ClockId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its name.
    name: String,
    /// Its slots, in order.
    slots: Vec<Slot>,
    /// Below this airtime an item is not started; null is the station's.
    min_airtime_ms: Option<u32>,
    /// It is the clock of every hour that has none of its own.
    default: bool,
}

fn view(app: &App, row: ClockRow) -> ClockView {
    let station = app.site.views().station(row.station_id);
    let default = station.is_some_and(|s| s.default_clock_id == Some(row.clock.id));
    let FormatClock { id, name, slots, min_airtime_ms } = row.clock;
    let slots = slots.into_iter().map(Slot::of).collect();
    ClockView { id, station_id: row.station_id, name, slots, min_airtime_ms, default }
}

impl Kept for ClockRow {
    type Id = ClockId;
    type Of = Timeline;

    fn find(app: &App, id: ClockId) -> Option<Self> {
        app.site.views().clock(id)
    }
    fn station_id(&self) -> StationId {
        self.station_id
    }
    fn missing(id: ClockId) -> Problem {
        Problem::not_found("clock_not_found", "id", format!("there is no format clock {id}"))
    }
    fn removal(clock_id: ClockId) -> TimelineCommand {
        TimelineCommand::RemoveClock { clock_id }
    }
}

/// Lists a station's format clocks.
#[utoipa::path(
    get, path = "/clocks", tag = "timeline", params(OfStation),
    responses((status = 200, body = Vec<ClockView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<ClockView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    let rows = app.site.views().clocks(station.id);
    Ok(Json(rows.into_iter().map(|row| view(&app, row)).collect()))
}

/// A format clock that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name.
    name: String,
    /// Its slots, 1 to 200, the offsets rising.
    slots: Vec<Slot>,
    /// Below this airtime an item is not started; left out, it is the station's.
    #[serde(default)]
    min_airtime_ms: Option<u32>,
    /// Make it the clock of every hour.
    #[serde(default)]
    default: bool,
}

impl ClockRequest {
    fn clock(self, id: ClockId) -> Result<FormatClock, Problem> {
        let slots = self.slots.into_iter().enumerate().map(|(at, slot)| slot.read(at));
        let slots = slots.collect::<Result<_, _>>()?;
        Ok(FormatClock { id, name: self.name, slots, min_airtime_ms: self.min_airtime_ms })
    }
}

/// Makes a format clock (manager).
#[utoipa::path(
    post, path = "/clocks", tag = "timeline", params(Replan), request_body = ClockRequest,
    responses((status = 201, body = ClockView), (status = 422, body = ProblemDocument))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(options): Params<Replan>,
    Body(request): Body<ClockRequest>,
) -> Result<Answer<ClockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let station = lookup::needed_station(&app, station_id)?.id;
    let id = ClockId(intent.mint("clock"));
    let default = request.default;
    let row = ClockRow { station_id: station, clock: request.clock(id)? };
    let done = set(&app, &intent, &row, default, &options).await?;
    Ok(Answer::created(done, format!("/api/v1/clocks/{id}"), view(&app, row)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    row: &ClockRow,
    default: bool,
    options: &Replan,
) -> Result<Done, Problem> {
    let clock = Box::new(row.clock.clone());
    let command = TimelineCommand::Clock(ClockCommand::Set { clock });
    let receipt = app.site.command::<Timeline>(row.station_id, command, intent.meta).await?;
    let mut done = intent.shown(app, &receipt).await;
    if default {
        let clock_id = Some(row.clock.id);
        let command = TimelineCommand::ChooseDefaultClock { clock_id };
        let meta = intent.step("default");
        let receipt = app.site.command::<Timeline>(row.station_id, command, meta).await?;
        done = done.then(intent.shown(app, &receipt).await);
    }
    replan(app, intent, row.station_id, options, done).await
}

/// Shows a format clock.
#[utoipa::path(
    get, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), OfStation),
    responses((status = 200, body = ClockView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<OfStation>,
) -> Result<Json<ClockView>, Problem> {
    let (_, row) = kept::found::<ClockRow>(&app, &id, query.station_id.as_deref())?;
    Ok(Json(view(&app, row)))
}

/// Gives a format clock another name and other slots (manager).
#[utoipa::path(
    put, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    request_body = ClockRequest,
    responses((status = 200, body = ClockView), (status = 404, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<ClockRequest>,
) -> Result<Answer<ClockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let (id, row) = kept::found::<ClockRow>(&app, &id, station_id)?;
    let default = request.default;
    let row = ClockRow { clock: request.clock(id)?, ..row };
    let done = set(&app, &intent, &row, default, &options).await?;
    Ok(Answer::ok(done, view(&app, row)))
}

/// Removes a format clock (manager).
#[utoipa::path(
    delete, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
) -> Result<Answer<Removed>, Problem> {
    kept::removed::<ClockRow>(&app, &intent, &id, &options).await
}

/// The clock of every hour that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultClock {
    /// Which; null plans from the whole library.
    #[serde(deserialize_with = "crate::extract::present")]
    #[schema(value_type = Option<String>)]
    clock_id: Option<ClockId>,
}

/// What a station's hours are planned by.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultClockView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The clock; null plans from the whole library.
    #[schema(value_type = Option<String>)]
    clock_id: Option<ClockId>,
}

/// Chooses the clock of every hour (manager).
#[utoipa::path(
    put, path = "/stations/{id}/default-clock", tag = "timeline",
    params(("id" = String, Path), Replan), request_body = DefaultClock,
    responses((status = 200, body = DefaultClockView), (status = 404, body = ProblemDocument))
)]
pub async fn choose_default(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<DefaultClock>,
) -> Result<Answer<DefaultClockView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let clock_id = request.clock_id;
    let command = TimelineCommand::ChooseDefaultClock { clock_id };
    let done = kept::recorded::<ClockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, DefaultClockView { station_id, clock_id }))
}

#[cfg(test)]
mod tests;
