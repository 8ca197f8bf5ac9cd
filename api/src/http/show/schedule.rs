//! What shows come to: windows for live sources and streams, and the calendar file.

use super::LiveBody;
use super::instance::{DAYS_MAX, Within, bounded};
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Params;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use grimnir_events::timeline::FormatClock;
use grimnir_events::{ClockId, InstanceId, ShowId, UtcMicros};
use grimnir_projections::rows::StationRow;
use grimnir_rules::planner::hours;
use grimnir_rules::show::{Programme, Window, WindowKind, ical};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Longest stretch of time in one question about windows, in days: it looks at every hour.
const WINDOW_DAYS_MAX: i64 = 31;

/// A stretch of time in which something beside automation may take the air.
#[derive(Debug, Serialize, ToSchema)]
pub struct WindowView {
    /// `live` or `webstream`.
    #[schema(value_type = String)]
    kind: WindowKind,
    /// First instant.
    #[schema(value_type = String, format = DateTime)]
    starts_at: UtcMicros,
    /// Instant after the last.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UtcMicros,
    /// With `live`: who may go live.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<LiveBody>,
    /// With `webstream`: its addresses, the first one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    /// The show that it is of; null where it is of a slot of the grid's clock.
    #[schema(value_type = Option<String>)]
    show_id: Option<ShowId>,
    /// The instance.
    #[schema(value_type = Option<String>)]
    instance_id: Option<InstanceId>,
    /// What the instance is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

fn view(window: Window) -> WindowView {
    let live = (window.kind == WindowKind::Live).then(|| LiveBody::from(window.live));
    WindowView {
        kind: window.kind,
        starts_at: window.from,
        ends_at: window.until,
        live,
        urls: window.urls,
        show_id: window.of.map(|(show_id, _)| show_id),
        instance_id: window.of.map(|(_, instance_id)| instance_id),
        name: window.name,
    }
}

/// Asks what is on of a station's shows and clocks.
fn ask<T>(app: &App, station: &StationRow, answer: impl FnOnce(&Programme<'_>) -> T) -> T {
    let views = app.site.views();
    let shows = views.shows(station.id);
    let grid = views.grid(station.id).unwrap_or_default();
    let rows = views.clocks(station.id).into_iter();
    let clocks: BTreeMap<ClockId, FormatClock> =
        rows.map(|row| (row.clock.id, row.clock)).collect();
    let default = station.default_clock_id.and_then(|id| clocks.get(&id));
    let zone = hours::zone(&station.time_zone);
    answer(&Programme::new(zone, &shows, &grid, default, &clocks))
}

/// Lists the windows of live sources and streams, as far as they lie in the asked time.
#[utoipa::path(
    get, path = "/stations/{id}/windows", tag = "shows",
    params(("id" = String, Path), Within),
    responses((status = 200, body = Vec<WindowView>), (status = 404, body = ProblemDocument))
)]
pub async fn windows(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<Within>,
) -> Result<Json<Vec<WindowView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let (from, until) = query.read(0, 7, WINDOW_DAYS_MAX)?;
    let windows = ask(&app, &station, |programme| programme.windows_between(from, until));
    Ok(Json(windows.into_iter().map(view).collect()))
}

/// The instances of a station's shows as a calendar file, from a week ago to 90 days ahead unless
/// said otherwise.
#[utoipa::path(
    get, path = "/stations/{id}/schedule.ics", tag = "shows",
    params(("id" = String, Path), Within),
    responses(
        (status = 200, body = String, content_type = "text/calendar"),
        (status = 404, body = ProblemDocument)
    )
)]
pub async fn calendar(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<Within>,
) -> Result<Response, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let (from, until) = query.read(-7, 97, DAYS_MAX)?;
    let instances = ask(&app, &station, |programme| programme.instances(from, until));
    let (name, zone) = (&station.name, &station.time_zone);
    let file = ical::calendar(name, zone, &bounded(instances)?, crate::http::now());
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"schedule.ics\""),
    ];
    Ok((headers, file).into_response())
}
