//! The change feed over WebSocket: resumes after a cursor, with no hole and no repeat.
//!
//! Nothing is queued for a client: changes are pulled at the pace it takes them, and one that
//! takes nothing for a while is dropped. It comes back with its last cursor.

use crate::app::{App, closed};
use crate::auth::{self, Caller};
use crate::extract::Params;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_events::access::Role;
use grimnir_events::{CorrelationId, StationId};
use grimnir_projections::rows::Change;
use prometheus::IntGauge;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use utoipa::IntoParams;

const PING: Duration = Duration::from_secs(15);
/// Clients have nothing to say; whatever they send is at most this long.
const INCOMING_LIMIT_BYTES: usize = 4 * 1024;
/// A cursor that the ledger holds is waited for in the read models at most this long.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Which changes, and from where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// Types, by commas: `now_playing`, `schedule_update`, `priority.emergency`,
    /// `priority.override`, `priority.released`, `priority.change`, `executor.state`,
    /// `station.update`, `library.update`, `as_run`, `access.update`; all where not given. Beside
    /// them `telemetry`, which comes only to who asks for it: levels, loudness and position of
    /// each station ten times a second, without `cursor` and `seq`.
    types: Option<String>,
    /// Changes of this station only, by id or slug.
    station_id: Option<String>,
    /// The `cursor` of the last change seen; what comes from now on where not given.
    cursor: Option<String>,
    /// The token, for clients that cannot send headers.
    token: Option<String>,
}

/// The type of readings, which are no changes.
const TELEMETRY: &str = "telemetry";

/// Readings of the stations that are asked for, as they are sent; nothing where none are.
fn readings(app: &App, filter: &Filter) -> BoxStream<'static, String> {
    let asked = filter.types.iter().flatten().any(|kind| kind == TELEMETRY);
    if !asked {
        return stream::pending().boxed();
    }
    let every = || app.site.views().stations().into_iter().map(|row| row.id).collect();
    let stations: Vec<StationId> = filter.station.map_or_else(every, |station| vec![station]);
    let of = |station_id: StationId| {
        let told = move |payload| {
            serde_json::json!({ "type": TELEMETRY, "station_id": station_id, "payload": payload })
                .to_string()
        };
        app.site.levels(station_id).map(told)
    };
    stream::select_all(stations.into_iter().map(of)).chain(stream::pending()).boxed()
}

type Cursor = (u64, u32);

/// `<seq>.<index>`, or `<seq>` for all of a commit's changes.
fn parse_cursor(text: &str) -> Result<Cursor, Problem> {
    let parsed = match text.split_once('.') {
        Some((seq, index)) => seq.parse().ok().zip(index.parse().ok()),
        None => text.parse().ok().map(|seq| (seq, u32::MAX)),
    };
    parsed.ok_or_else(|| {
        let found = crate::extract::cut(text);
        let detail = format!("cursor is \"{found}\", expected <seq>.<index>");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail).field("cursor")
    })
}

/// What a client wants to hear of.
#[derive(Debug, Default)]
struct Filter {
    types: Option<Vec<String>>,
    station: Option<StationId>,
    admin: bool,
}

impl Filter {
    fn takes(&self, change: &Change) -> bool {
        let wanted = self.types.as_ref().is_none_or(|types| types.contains(&change.kind));
        let here = self.station.is_none_or(|station| change.station_id == Some(station));
        // Who may do what is shown to those who may change it.
        wanted && here && (self.admin || !change.kind.starts_with("access."))
    }
}

/// Pushes changes as they come (WebSocket). Frames are
/// `{"type","cursor","seq","station_id","at","payload"}`; every 15 s a `{"type":"ping"}`. A cursor
/// beyond the ledger is answered with `{"type":"error","payload":…}` and close 1008; a client that
/// takes nothing for 10 s is closed with 1013.
#[utoipa::path(
    get, path = "/events", tag = "feed", params(FeedQuery),
    responses(
        (status = 101, description = "The connection is a WebSocket now"),
        (status = 426, body = ProblemDocument, description = "`websocket_expected`"),
    )
)]
pub async fn events(
    State(app): State<App>,
    Params(query): Params<FeedQuery>,
    headers: HeaderMap,
    correlation: Option<axum::Extension<CorrelationId>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let token = query.token.clone().or_else(|| bearer(&headers)).unwrap_or_default();
    let caller = auth::caller_of(&app, &token)?;
    let cursor = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let station = lookup::given_station(&app, query.station_id.as_deref())?;
    let filter = Filter {
        types: query.types.map(|types| types.split(',').map(|t| t.trim().to_owned()).collect()),
        station,
        admin: caller.role == Role::Admin,
    };
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("this route takes WebSocket connections only: {rejection}");
        Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_expected", detail)
    })?;
    let correlation = correlation.map(|extension| extension.0).unwrap_or_default();
    Ok(upgrade
        .max_message_size(INCOMING_LIMIT_BYTES)
        .max_frame_size(INCOMING_LIMIT_BYTES)
        .on_upgrade(move |socket| tell(app, socket, caller, filter, cursor, correlation)))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Counts an open connection for as long as it lives.
struct Open(IntGauge);

impl Open {
    fn count(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn tell(
    app: App,
    mut socket: WebSocket,
    caller: Caller,
    filter: Filter,
    cursor: Option<Cursor>,
    correlation: CorrelationId,
) {
    let _open = Open::count(&app.metrics.feed_connections);
    if let Some((seq, _)) = cursor
        && let Err(problem) = reachable(&app, seq).await
    {
        let document = problem.document("/api/v1/events", &correlation.to_string());
        let error = serde_json::json!({ "type": "error", "payload": document });
        let _ = timeout(app.config.feed_stall, socket.send(text(error.to_string()))).await;
        close(&mut socket, app.config.feed_stall, close_code::POLICY, problem.code()).await;
        return;
    }
    let changes = (app.site.views().follow(cursor), readings(&app, &filter));
    let allowed = || app.site.views().user(caller.user_id).is_some_and(|u| u.role <= caller.role);
    let mut closing = app.closing.subscribe();
    let ended =
        pump(&mut socket, changes, &filter, allowed, &mut closing, app.config.feed_stall).await;
    tracing::debug!(user.id = %caller.user_id, outcome = ?ended, "feed connection ended");
    if let Some((code, reason)) = ended.farewell() {
        close(&mut socket, app.config.feed_stall, code, reason).await;
    }
}

/// Refuses a cursor beyond the ledger: nothing has happened there yet.
async fn reachable(app: &App, seq: u64) -> Result<(), Problem> {
    let views = app.site.views();
    if seq <= views.position() {
        return Ok(());
    }
    let head = app.site.head().await.seq;
    if seq <= head && timeout(CATCH_UP, views.wait_for(seq)).await == Ok(true) {
        return Ok(());
    }
    let detail = format!("cursor is at {seq}, the ledger ends at {head}");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "cursor_ahead", detail).field("cursor"))
}

/// Why a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// The client went.
    Gone,
    /// It took nothing for too long.
    Slow,
    /// Its user may not listen any more.
    NotAllowed,
    /// The API closes.
    Closing,
    /// The feed ended.
    Over,
}

impl Ended {
    fn farewell(&self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone => None,
            Self::Slow => Some((close_code::AGAIN, "too_slow")),
            Self::NotAllowed => Some((close_code::POLICY, "unauthorized")),
            Self::Closing => Some((close_code::AWAY, "closing")),
            Self::Over => Some((close_code::RESTART, "feed_ended")),
        }
    }
}

async fn pump(
    socket: &mut WebSocket,
    (mut changes, mut readings): (BoxStream<'static, Change>, BoxStream<'static, String>),
    filter: &Filter,
    allowed: impl Fn() -> bool,
    closing: &mut watch::Receiver<bool>,
    stall: Duration,
) -> Ended {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            change = changes.next() => match change {
                None => return Ended::Over,
                Some(change) if filter.takes(&change) => change.document(),
                Some(_) => {
                    // A long way to the first change of interest must not hold a worker.
                    tokio::task::consume_budget().await;
                    continue;
                }
            },
            Some(reading) = readings.next() => reading,
            _ = ping.tick() => {
                if !allowed() {
                    return Ended::NotAllowed;
                }
                r#"{"type":"ping"}"#.to_owned()
            }
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ended::Gone,
                Some(Ok(_)) => continue,
            },
            () = closed(closing) => return Ended::Closing,
        };
        match timeout(stall, socket.send(text(message))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ended::Gone,
            Err(_) => return Ended::Slow,
        }
    }
}

fn text(message: String) -> Message {
    Message::Text(message.into())
}

async fn close(socket: &mut WebSocket, patience: Duration, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(patience, socket.send(Message::Close(Some(frame)))).await;
}

#[cfg(test)]
mod tests;
