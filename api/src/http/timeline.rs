//! The timeline: what is to air, and planning it again.

use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use grimnir_events::edit::Pin;
use grimnir_events::library::ItemKind;
use grimnir_events::roll::Horizon;
use grimnir_events::timeline::Anchor;
use grimnir_events::{LineId, MediaId, StationId, UtcMicros};
use grimnir_projections::rows::UpcomingRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const HOUR_US: i64 = 3_600_000_000;
/// Fourteen days: no plan reaches further.
const HOURS_MAX: u32 = Horizon::MOST;

/// Whether the plan is made again.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Replan {
    /// The station, by id or slug.
    pub(super) station_id: Option<String>,
    /// Plan again from the next hour on.
    #[serde(default)]
    replan: bool,
}

/// Plans again where the request asks for it.
pub(super) async fn replan(
    app: &App,
    intent: &Intent<Managers>,
    station: StationId,
    options: &Replan,
    done: Done,
) -> Result<Done, Problem> {
    if !options.replan {
        return Ok(done);
    }
    let seq = app.site.replan(station, intent.step("replan")).await?;
    let planned = intent.shown_at(app, seq).await;
    Ok(Done { seq: done.seq.max(planned.seq), ..done })
}

/// A line that is to air.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleEntry {
    /// Its line.
    #[schema(value_type = String)]
    id: LineId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// When it starts by the plan.
    #[schema(value_type = String, format = DateTime)]
    starts_at: UtcMicros,
    /// When the next one starts by the plan.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UtcMicros,
    /// Always `media`.
    source_type: &'static str,
    /// The item.
    #[schema(value_type = String)]
    source_id: MediaId,
    /// The same.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// What it is.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// Cue in to segue, in milliseconds.
    airtime_ms: i64,
    /// What its start hangs on: `after_previous`, `{"soft": {...}}` or `{"hard": {...}}`.
    #[schema(value_type = Object)]
    anchor: Anchor,
    /// Start of its hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// It stays what it is while it can; what is not firm is planned again when its inputs change.
    firm: bool,
    /// Why planning leaves it as it is: `hand`, `voice` or `locked`; null where it does not.
    #[schema(value_type = Option<String>)]
    pin: Option<Pin>,
}

/// The last firm hour is the one that so many hours from now but one lies in.
pub(super) fn firm_until(app: &App, station: StationId) -> UtcMicros {
    let firm = i64::from(app.site.views().horizon(station).firm_hours) - 1;
    super::now().plus(firm * HOUR_US)
}

pub(super) fn entry(
    station_id: StationId,
    row: UpcomingRow,
    firm_until: UtcMicros,
) -> ScheduleEntry {
    ScheduleEntry {
        firm: row.hour <= firm_until,
        id: row.line_id,
        station_id,
        starts_at: row.planned_at,
        ends_at: row.planned_at.plus(row.airtime_ms.saturating_mul(1_000)),
        source_type: "media",
        source_id: row.media_id,
        media_id: row.media_id,
        title: row.title,
        artist: row.artist,
        kind: row.kind,
        airtime_ms: row.airtime_ms,
        anchor: row.anchor,
        hour: row.hour,
        pin: row.pin,
    }
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScheduleQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// How many hours, 1 to 336; 24 where not given.
    hours: Option<u32>,
    /// From when, RFC 3339; where not given, only what is still to air is listed.
    #[param(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Until when, RFC 3339, instead of so many hours.
    #[param(value_type = Option<String>)]
    until: Option<UtcMicros>,
}

/// Lists the lines that are still to air, or every planned line from an instant on.
#[utoipa::path(
    get, path = "/schedule", tag = "timeline", params(ScheduleQuery),
    responses((status = 200, body = Vec<ScheduleEntry>))
)]
pub async fn schedule(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<ScheduleQuery>,
) -> Result<Json<Vec<ScheduleEntry>>, Problem> {
    let hours = query.hours.unwrap_or(24);
    if !(1..=HOURS_MAX).contains(&hours) {
        let detail = format!("hours is {hours}, expected 1 to {HOURS_MAX}");
        return Err(Problem::invalid("hours", detail));
    }
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let now = super::now();
    let from = query.from.unwrap_or(now);
    let until = query.until.unwrap_or_else(|| from.plus(i64::from(hours) * HOUR_US));
    if until < from || (query.until.is_some() && query.hours.is_some()) {
        let detail = format!("until is {until}, expected an instant from {from} on, or hours");
        return Err(Problem::invalid("until", detail));
    }
    let views = app.site.views();
    let rows = match query.from {
        Some(from) => views.schedule(station, from, until),
        None => views.upcoming(station, now, until),
    };
    let firm_until = firm_until(&app, station);
    Ok(Json(rows.into_iter().map(|row| entry(station, row, firm_until)).collect()))
}

/// Which station.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StationBody {
    /// The station, by id or slug.
    pub(super) station_id: Option<String>,
}

/// What was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recorded {
    /// The station.
    #[schema(value_type = String)]
    pub(super) station_id: StationId,
    /// Ledger position after it.
    pub(super) seq: u64,
}

/// Plans again from the next hour on (manager), firm hours too; but not what comes next on air, and
/// no hour with lines that are held.
#[utoipa::path(
    post, path = "/schedule/refresh", tag = "timeline", request_body = StationBody,
    responses((status = 200, body = Recorded))
)]
pub async fn refresh(
    State(app): State<App>,
    intent: Intent<Managers>,
    Body(request): Body<StationBody>,
) -> Result<Answer<Recorded>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let seq = app.site.replan(station_id, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}
