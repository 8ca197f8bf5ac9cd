//! Outputs: where the programme goes beside the mounts. Passwords are taken, and never given.

mod rtp;
mod target;

pub use rtp::*;

use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::http::mount::Removed;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::site::{OutputState, Password};
use grimnir_events::output::Output;
use grimnir_events::{OutputId, UtcMicros};
use grimnir_projections::rows::StationRow;
use serde::{Deserialize, Serialize};
use target::Target;
use utoipa::ToSchema;

/// An output.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutputView {
    /// Its id.
    #[schema(value_type = String)]
    id: OutputId,
    /// Its name.
    name: String,
    /// It is to run while the station is on air.
    enabled: bool,
    /// What it is: `icecast`, `shoutcast`, `hls`, `srt`, `recording`, `monitor` or `rtp`.
    kind: &'static str,
    /// The same, with all that belongs to it but a password.
    target: Target,
    /// A password is kept for it.
    password_set: bool,
    /// How it is doing; null while no engine tells of it.
    status: Option<OutputStatusView>,
}

/// How an output is doing.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutputStatusView {
    /// `up`, `degraded` (connected, but sound was lost lately) or `down`.
    health: String,
    /// Why it is not up.
    reason: String,
    /// Since when its health is what it is.
    #[schema(value_type = String)]
    since: UtcMicros,
    /// Encoded bytes that left.
    bytes_sent: u64,
    /// Encoded bytes that were dropped because it was too slow.
    lost_bytes: u64,
    /// Connections after the first.
    reconnects: u32,
    /// Who listens to its segments, where the engine serves them (`hls`).
    listeners: u32,
}

/// An output that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputRequest {
    /// Its name.
    name: String,
    /// It is to run while the station is on air; true where not given.
    enabled: Option<bool>,
    /// What it is, with all that belongs to it.
    target: Target,
    /// What it signs in with, or encrypts with; never given back.
    password: Option<String>,
}

/// Changes to an output; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputPatch {
    /// Its name.
    name: Option<String>,
    /// It is to run while the station is on air.
    enabled: Option<bool>,
    /// Fields of what it is, under its kind: `{"icecast": {"port": 8001}}`.
    #[schema(value_type = Option<Object>)]
    target: Option<serde_json::Value>,
    /// What it signs in with from here on; an empty text removes it.
    password: Option<String>,
}

fn view(output: Output, states: &[OutputState]) -> OutputView {
    let state = states.iter().find(|state| state.id == output.id);
    OutputView {
        id: output.id,
        kind: output.kind.word(),
        password_set: output.kind.secret().is_some(),
        target: Target::of(&output.kind),
        name: output.name,
        enabled: output.enabled,
        status: state.map(|state| OutputStatusView {
            health: state.health.clone(),
            reason: state.reason.clone(),
            since: state.since,
            bytes_sent: state.bytes_sent,
            lost_bytes: state.lost_bytes,
            reconnects: state.reconnects,
            listeners: state.listeners,
        }),
    }
}

fn find(row: &StationRow, id: OutputId) -> Result<Output, Problem> {
    row.outputs.iter().find(|output| output.id == id).cloned().ok_or_else(|| {
        let detail = format!("station {} has no output {id}", row.id);
        Problem::not_found("output_not_found", "output_id", detail)
    })
}

/// Lists a station's outputs, and how they are doing.
#[utoipa::path(
    get, path = "/stations/{id}/outputs", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = Vec<OutputView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<OutputView>>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let states = app.site.output_states(row.id);
    Ok(Json(row.outputs.into_iter().map(|output| view(output, &states)).collect()))
}

/// Shows one output.
#[utoipa::path(
    get, path = "/stations/{id}/outputs/{output_id}", tag = "stations",
    params(("id" = String, Path), ("output_id" = String, Path)),
    responses((status = 200, body = OutputView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, output_id)): Path<(String, String)>,
) -> Result<Json<OutputView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let output = find(&row, lookup::id("output_id", &output_id)?)?;
    Ok(Json(view(output, &app.site.output_states(row.id))))
}

/// Adds an output (manager).
#[utoipa::path(
    post, path = "/stations/{id}/outputs", tag = "stations", params(("id" = String, Path)),
    request_body = OutputRequest, responses((status = 201, body = OutputView))
)]
pub async fn add(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<OutputRequest>,
) -> Result<Answer<OutputView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let output = Output {
        id: OutputId(intent.mint("output")),
        name: request.name,
        kind: request.target.kind(None),
        enabled: request.enabled.unwrap_or(true),
    };
    let password = request.password.map_or(Password::Keep, Password::Set);
    let receipt = app.site.set_output(row.id, output.clone(), password, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    let location = format!("/api/v1/stations/{}/outputs/{}", row.id, output.id);
    let shown = find(&lookup::station(&app, "id", &id)?, output.id).unwrap_or(output);
    Ok(Answer::created(done, location, view(shown, &[])))
}

/// Changes an output (manager).
#[utoipa::path(
    patch, path = "/stations/{id}/outputs/{output_id}", tag = "stations",
    params(("id" = String, Path), ("output_id" = String, Path)),
    request_body = OutputPatch,
    responses((status = 200, body = OutputView), (status = 404, body = ProblemDocument))
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, output_id)): Path<(String, String)>,
    Body(patch): Body<OutputPatch>,
) -> Result<Answer<OutputView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let mut output = find(&row, lookup::id("output_id", &output_id)?)?;
    if let Some(fields) = patch.target {
        let target = Target::of(&output.kind).with(fields)?;
        output.kind = target.kind(output.kind.secret().copied());
    }
    output.name = patch.name.unwrap_or(output.name);
    output.enabled = patch.enabled.unwrap_or(output.enabled);
    let password = match patch.password {
        None => Password::Keep,
        Some(text) if text.is_empty() => Password::Forget,
        Some(text) => Password::Set(text),
    };
    let receipt = app.site.set_output(row.id, output.clone(), password, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    let shown = find(&lookup::station(&app, "id", &id)?, output.id).unwrap_or(output);
    Ok(Answer::ok(done, view(shown, &app.site.output_states(row.id))))
}

/// Removes an output (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/outputs/{output_id}", tag = "stations",
    params(("id" = String, Path), ("output_id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, output_id)): Path<(String, String)>,
) -> Result<Answer<Removed>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let output_id: OutputId = lookup::id("output_id", &output_id)?;
    let receipt = app.site.remove_output(row.id, output_id, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id: output_id.to_string() }))
}
