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
use grimnir_actors::site::ModeWanted;
use grimnir_events::executor::PlayoutState;
use grimnir_events::ladder::Tier;
use grimnir_events::{ClaimId, EngineRunId, LineId, StationId, UtcMicros};
use grimnir_projections::rows::ExecutorRow;
use serde::{Deserialize, Serialize};
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

/// How lines are to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeBody {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// `automatic`: by the plan. `assist`: the next line is made ready, a person starts it.
    /// `stop_after`: what is on air plays to its end, then none is started. `hold`: what automation
    /// plays is left at once, and none is started. While none is, the fallback holds the air.
    mode: ModeWord,
}

/// A mode by its word.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeWord {
    /// By the plan.
    Automatic,
    /// By a person.
    Assist,
    /// Not after what is on air.
    StopAfter,
    /// Not from now on.
    Hold,
}

/// Chooses who starts lines (dj).
#[utoipa::path(
    post, path = "/playout/mode", tag = "executor", request_body = ModeBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn mode(
    State(app): State<App>,
    intent: Intent<Djs>,
    Body(request): Body<ModeBody>,
) -> Result<Answer<Recorded>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let wanted = match request.mode {
        ModeWord::Automatic => ModeWanted::Automatic,
        ModeWord::Assist => ModeWanted::Assist,
        ModeWord::StopAfter => ModeWanted::StopAfter,
        ModeWord::Hold => ModeWanted::Hold,
    };
    let seq = app.site.set_mode(station_id, wanted, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}

/// Starts the line that is ready, in mode assist (dj).
#[utoipa::path(
    post, path = "/playout/start", tag = "executor", request_body = StationBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn start(
    State(app): State<App>,
    intent: Intent<Djs>,
    Body(request): Body<StationBody>,
) -> Result<Answer<Recorded>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let seq = app.site.start_next(station_id, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}

/// Lets a whole engine play again, after too many crashes left the smallest one (dj).
#[utoipa::path(
    post, path = "/playout/restore-engine", tag = "executor", request_body = StationBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn restore_engine(
    State(app): State<App>,
    intent: Intent<Djs>,
    Body(request): Body<StationBody>,
) -> Result<Answer<Recorded>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let seq = app.site.restore_engine(station_id, intent.meta).await?;
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
    /// Who starts lines: `automatic`, `assist`, `stop_after` or `hold`.
    mode: &'static str,
    /// The line that is made ready; only where one station is asked for.
    next: Option<NextView>,
    /// Engines of the station that ended without an order.
    crashes: u64,
    /// The last of them.
    last_crash: Option<CrashView>,
    /// Since when, after too many crashes, only the fallback and emergencies play; `null` when all
    /// does.
    #[schema(value_type = Option<String>, format = DateTime)]
    minimal_since: Option<UtcMicros>,
}

/// An engine that ended without an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct CrashView {
    /// When that was seen.
    #[schema(value_type = String, format = DateTime)]
    at: UtcMicros,
    /// How, e.g. `signal 6`.
    ended: String,
    /// How long it had run, in milliseconds; `null` for one that was started by another process.
    lived_ms: Option<u64>,
    /// What its log last said of a panic or an error.
    last_words: String,
}

/// The line that is made ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextView {
    /// Which.
    #[schema(value_type = String)]
    line_id: LineId,
    /// Its title.
    title: String,
    /// It waits for a person, or for another mode.
    waiting: bool,
}

fn view(station_id: StationId, row: Option<ExecutorRow>) -> ExecutorView {
    ExecutorView {
        station_id,
        mode: row.as_ref().map(|row| row.mode).unwrap_or_default().word(),
        next: None,
        state: row.as_ref().map(|row| row.state).unwrap_or_default(),
        since: row.as_ref().map(|row| row.since),
        current_source_id: row.as_ref().map(|row| row.owner),
        tier: row.as_ref().map(|row| row.tier),
        current_priority: row.as_ref().map(|row| row.tier.number()),
        crashes: row.as_ref().map(|row| row.crashes).unwrap_or_default(),
        last_crash: row.as_ref().and_then(|row| row.last_crash.as_deref()).map(|crash| CrashView {
            at: crash.at,
            ended: crash.ended.clone(),
            lived_ms: crash.lived_ms,
            last_words: crash.last_words.clone(),
        }),
        minimal_since: row.as_ref().and_then(|row| row.minimal_since),
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
    let next = app.site.next_line(station).await;
    let next = next.map(|n| NextView { line_id: n.line_id, title: n.title, waiting: n.waiting });
    Ok(Json(ExecutorView { next, ..view(station, app.site.views().executor(station)) }))
}
