//! Webstreams: streams from elsewhere, how well they are, and putting them on air.

mod view;

use super::live::TakeBody;
use super::timeline::Recorded;
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::webstream::WebstreamStatus;
use grimnir_events::webstream::{FailoverSettings, ProbeSettings, Webstream};
use grimnir_events::{StationId, WebstreamId};
use grimnir_rules::webstream::{Sight, WebstreamCommand};
use serde::Deserialize;
use utoipa::ToSchema;
use view::{WebstreamBody, WebstreamPatch, WebstreamView, view};

/// Seconds that a webstream is put on air for where nothing is said: a day.
const LASTS_S: u32 = 86_400;

async fn find(app: &App, station: StationId, id: &str) -> Result<WebstreamStatus, Problem> {
    let id: WebstreamId = lookup::id("webstream", id)?;
    let all = app.site.webstreams(station).await?;
    all.into_iter().find(|status| status.webstream.id == id).ok_or_else(|| {
        let detail = format!("there is no webstream {id}");
        Problem::not_found("webstream_not_found", "webstream", detail)
    })
}

/// Lists the webstreams of a station, and how they are (dj).
#[utoipa::path(
    get, path = "/stations/{id}/webstreams", tag = "webstreams", params(("id" = String, Path)),
    responses((status = 200, body = Vec<WebstreamView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<WebstreamView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    Ok(Json(app.site.webstreams(station).await?.into_iter().map(view).collect()))
}

/// Shows a webstream, and how it is (dj).
#[utoipa::path(
    get, path = "/stations/{id}/webstreams/{webstream}", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)),
    responses((status = 200, body = WebstreamView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, webstream)): Path<(String, String)>,
) -> Result<Json<WebstreamView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    Ok(Json(view(find(&app, station, &webstream).await?)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    station: StationId,
    webstream: Webstream,
) -> Result<(Done, WebstreamView), Problem> {
    let command = WebstreamCommand::Set { webstream: Box::new(webstream.clone()) };
    let seq = app.site.webstream_command(station, command, intent.meta).await?;
    let done = intent.shown_at(app, seq).await;
    let shown = find(app, station, &webstream.id.to_string()).await;
    let fresh = WebstreamStatus { webstream, sight: Sight::default(), on_air: false };
    Ok((done, view(shown.unwrap_or(fresh))))
}

/// Adds a webstream (manager).
#[utoipa::path(
    post, path = "/stations/{id}/webstreams", tag = "webstreams", params(("id" = String, Path)),
    request_body = WebstreamBody,
    responses((status = 201, body = WebstreamView), (status = 422, body = ProblemDocument))
)]
pub async fn add(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<WebstreamBody>,
) -> Result<Answer<WebstreamView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let take = TakeBody::Faded { fade_ms: 500 };
    let webstream = Webstream {
        id: WebstreamId(intent.mint("webstream")),
        name: request.name,
        urls: request.urls,
        enabled: request.enabled.unwrap_or(true),
        take: request.take.unwrap_or(take).into(),
        passthrough: request.passthrough_metadata.unwrap_or(true),
        probe: request.probe.over(ProbeSettings::default()),
        failover: request.failover.over(FailoverSettings::default()),
    };
    let location = format!("/api/v1/stations/{station}/webstreams/{}", webstream.id);
    let (done, shown) = set(&app, &intent, station, webstream).await?;
    Ok(Answer::created(done, location, shown))
}

/// Changes a webstream (manager).
#[utoipa::path(
    patch, path = "/stations/{id}/webstreams/{webstream}", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)), request_body = WebstreamPatch,
    responses((status = 200, body = WebstreamView), (status = 404, body = ProblemDocument))
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, webstream)): Path<(String, String)>,
    Body(patch): Body<WebstreamPatch>,
) -> Result<Answer<WebstreamView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let before = find(&app, station, &webstream).await?.webstream;
    let webstream = Webstream {
        id: before.id,
        name: patch.name.unwrap_or(before.name),
        urls: patch.urls.unwrap_or(before.urls),
        enabled: patch.enabled.unwrap_or(before.enabled),
        take: patch.take.map_or(before.take, Into::into),
        passthrough: patch.passthrough_metadata.unwrap_or(before.passthrough),
        probe: patch.probe.over(before.probe),
        failover: patch.failover.over(before.failover),
    };
    let (done, shown) = set(&app, &intent, station, webstream).await?;
    Ok(Answer::ok(done, shown))
}

/// Removes a webstream; where it is heard, it ends (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/webstreams/{webstream}", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, webstream)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |webstream_id| WebstreamCommand::Remove { webstream_id };
    ask(&app, &intent, (&id, &webstream), command).await
}

/// How a webstream is put on air.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// When and how; at once where nothing is said.
    take: Option<TakeBody>,
    /// For so many seconds at most; a day where nothing is said.
    seconds: Option<u32>,
}

/// Puts a webstream on air: it claims the air once enough of it is held (dj).
#[utoipa::path(
    post, path = "/stations/{id}/webstreams/{webstream}/start", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)), request_body = StartBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn start(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path((id, webstream)): Path<(String, String)>,
    Body(request): Body<StartBody>,
) -> Result<Answer<Recorded>, Problem> {
    let take = request.take.unwrap_or(TakeBody::Immediate).into();
    let lasts_us = i64::from(request.seconds.unwrap_or(LASTS_S)) * 1_000_000;
    let command = |webstream_id| WebstreamCommand::Start { webstream_id, take, lasts_us };
    ask(&app, &intent, (&id, &webstream), command).await
}

/// Takes a webstream off the air, for this time of it (dj).
#[utoipa::path(
    post, path = "/stations/{id}/webstreams/{webstream}/stop", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn stop(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path((id, webstream)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |webstream_id| WebstreamCommand::Stop { webstream_id };
    ask(&app, &intent, (&id, &webstream), command).await
}

/// Tries out all addresses of a webstream now; what is found is seen in it (dj).
#[utoipa::path(
    post, path = "/stations/{id}/webstreams/{webstream}/test", tag = "webstreams",
    params(("id" = String, Path), ("webstream" = String, Path)),
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn test(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path((id, webstream)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |webstream_id| WebstreamCommand::Probe { webstream_id };
    ask(&app, &intent, (&id, &webstream), command).await
}

async fn ask<G>(
    app: &App,
    intent: &Intent<G>,
    (station, webstream): (&str, &str),
    command: impl FnOnce(WebstreamId) -> WebstreamCommand,
) -> Result<Answer<Recorded>, Problem> {
    let station_id: StationId = lookup::station(app, "id", station)?.id;
    let webstream_id = lookup::id("webstream", webstream)?;
    let seq = app.site.webstream_command(station_id, command(webstream_id), intent.meta).await?;
    let done = intent.shown_at(app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}
