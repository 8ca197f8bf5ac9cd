//! Executors: what playout does, and going on to the next item.

use super::timeline::{Recorded, StationBody};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::executor::PlayoutState;
use grimnir_events::ladder::Tier;
use grimnir_events::{ClaimId, EngineRunId, StationId, UtcMicros};
use grimnir_projections::rows::ExecutorRow;
use serde::Serialize;
use utoipa::ToSchema;

/// Goes on to the next item (dj).
#[utoipa::path(
    post, path = "/playout/skip", tag = "executor", request_body = StationBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn skip(
    State(app): State<App>,
    intent: Intent<Djs>,
    Body(request): Body<StationBody>,
) -> Result<Answer<Recorded>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let seq = app.site.skip(station_id, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}

/// What playout does on a station.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExecutorView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// `idle`, `preloading`, `playing`, `fading`, `live` or `emergency`.
    #[schema(value_type = String)]
    state: PlayoutState,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<UtcMicros>,
    /// The claim that owns the air.
    #[schema(value_type = Option<String>)]
    current_source_id: Option<ClaimId>,
    /// The owner's tier.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// The owner's tier as a number, 0 to 4.
    current_priority: Option<u8>,
    /// The engine's run, while one is known.
    #[schema(value_type = Option<String>)]
    run: Option<EngineRunId>,
}

fn view(station_id: StationId, row: Option<ExecutorRow>) -> ExecutorView {
    ExecutorView {
        station_id,
        state: row.as_ref().map(|row| row.state).unwrap_or_default(),
        since: row.as_ref().map(|row| row.since),
        current_source_id: row.as_ref().map(|row| row.owner),
        tier: row.as_ref().map(|row| row.tier),
        current_priority: row.as_ref().map(|row| row.tier.number()),
        run: row.and_then(|row| row.run),
    }
}

/// Lists what playout does on every station.
#[utoipa::path(
    get, path = "/executor/states", tag = "executor",
    responses((status = 200, body = Vec<ExecutorView>))
)]
pub async fn states(State(app): State<App>, _: SignedIn<Djs>) -> Json<Vec<ExecutorView>> {
    let views = app.site.views();
    let stations = views.stations().into_iter();
    Json(stations.map(|station| view(station.id, views.executor(station.id))).collect())
}

/// Says what playout does on a station.
#[utoipa::path(
    get, path = "/executor/states/{station_id}", tag = "executor",
    params(("station_id" = String, Path)),
    responses((status = 200, body = ExecutorView), (status = 404, body = ProblemDocument))
)]
pub async fn state(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(station_id): Path<String>,
) -> Result<Json<ExecutorView>, Problem> {
    let station = lookup::station(&app, "station_id", &station_id)?.id;
    Ok(Json(view(station, app.site.views().executor(station))))
}
