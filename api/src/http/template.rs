//! Templates: a day or a week of plan or of clocks, taken down and laid over later ones.

use super::mount::Removed;
use super::playlist::OfStation;
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::templates::What;
use grimnir_events::grid::LocalDate;
use grimnir_events::template::{TemplateHour, TemplateSpan};
use grimnir_events::{StationId, TemplateId, UtcMicros};
use grimnir_rules::Timeline;
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::timeline::edits::command::EditCommand;
use grimnir_rules::timeline::edits::templates::Template;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateView {
    /// Its id.
    #[schema(value_type = String)]
    id: TemplateId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// `day` or `week`.
    #[schema(value_type = String)]
    span: TemplateSpan,
    /// Hours of it that hold lines.
    hours_with_lines: usize,
    /// Hours of it that name a clock.
    hours_with_clocks: usize,
    /// Its hours by number: `place`, `clock_id`, `lines` (`media_id`, `offset_ms`, `start`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    hours: Option<Vec<TemplateHour>>,
}

fn view(id: TemplateId, station_id: StationId, template: &Template, whole: bool) -> TemplateView {
    let hours = template.hours.values();
    TemplateView {
        id,
        station_id,
        name: template.name.clone(),
        description: template.description.clone(),
        span: template.span,
        hours_with_lines: hours.clone().filter(|hour| !hour.lines.is_empty()).count(),
        hours_with_clocks: hours.clone().filter(|hour| hour.clock_id.is_some()).count(),
        hours: whole.then(|| hours.cloned().collect()),
    }
}

fn missing(id: TemplateId) -> Problem {
    Problem::not_found("template_not_found", "id", format!("there is no template {id}"))
}

/// The template that a path names, and its station.
async fn found(app: &App, id: &str) -> Result<(TemplateId, StationId, Template), Problem> {
    let id: TemplateId = lookup::id("id", id)?;
    for station in app.site.views().stations() {
        let timeline = app.site.inspect::<Timeline>(station.id).await?;
        if let Some(template) = timeline.state.templates.all.get(&id) {
            return Ok((id, station.id, template.clone()));
        }
    }
    Err(missing(id))
}

async fn shown(
    app: &App,
    station_id: StationId,
    id: TemplateId,
    whole: bool,
) -> Result<TemplateView, Problem> {
    let timeline = app.site.inspect::<Timeline>(station_id).await?;
    let template = timeline.state.templates.all.get(&id).ok_or_else(|| missing(id))?;
    Ok(view(id, station_id, template, whole))
}

/// Lists a station's templates.
#[utoipa::path(
    get, path = "/schedule-templates", tag = "timeline", params(OfStation),
    responses((status = 200, body = Vec<TemplateView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<TemplateView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let timeline = app.site.inspect::<Timeline>(station).await?;
    let all = timeline.state.templates.all.iter();
    Ok(Json(all.map(|(id, template)| view(*id, station, template, false)).collect()))
}

/// A template that is to be taken down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// `day` or `week`; a week where not given.
    #[schema(value_type = Option<String>)]
    span: Option<TemplateSpan>,
    /// The day, or a day of the week, e.g. `2026-12-24`.
    #[schema(value_type = String, format = Date)]
    start_date: LocalDate,
    /// With the entries of its hours.
    #[serde(default = "yes")]
    lines: bool,
    /// With the clocks that rule its hours.
    #[serde(default = "yes")]
    clocks: bool,
}

const fn yes() -> bool {
    true
}

/// Takes a day or a week of a station's plan down as a template (manager).
#[utoipa::path(
    post, path = "/schedule-templates", tag = "timeline", request_body = TakeRequest,
    responses((status = 201, body = TemplateView), (status = 422, body = ProblemDocument))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Body(request): Body<TakeRequest>,
) -> Result<Answer<TemplateView>, Problem> {
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let id = TemplateId(intent.mint("template"));
    let span = request.span.unwrap_or(TemplateSpan::Week);
    let (name, description) = (request.name, request.description);
    let command = EditCommand::SetTemplate { template_id: id, name, description, span };
    let command = TimelineCommand::Edit(Box::new(command));
    let receipt = app.site.command::<Timeline>(station, command, intent.meta).await?;
    let what = What { lines: request.lines, clocks: request.clocks };
    let asked = (span, request.start_date, what);
    let seq = app.site.take_template(station, id, asked, intent.step("take")).await?;
    let done = intent.shown(&app, &receipt).await;
    let done = Done { seq: done.seq.max(seq), ..done };
    let view = shown(&app, station, id, false).await?;
    Ok(Answer::created(done, format!("/api/v1/schedule-templates/{id}"), view))
}

/// Shows a template with its hours.
#[utoipa::path(
    get, path = "/schedule-templates/{id}", tag = "timeline", params(("id" = String, Path)),
    responses((status = 200, body = TemplateView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<TemplateView>, Problem> {
    let (id, station, template) = found(&app, &id).await?;
    Ok(Json(view(id, station, &template, true)))
}

/// Another name and description of a template.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeRequest {
    /// Its name.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
}

/// Gives a template another name and description (manager).
#[utoipa::path(
    put, path = "/schedule-templates/{id}", tag = "timeline", params(("id" = String, Path)),
    request_body = DescribeRequest,
    responses((status = 200, body = TemplateView), (status = 404, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<DescribeRequest>,
) -> Result<Answer<TemplateView>, Problem> {
    let (id, station, template) = found(&app, &id).await?;
    let (name, description) = (request.name, request.description);
    let span = template.span;
    let command = EditCommand::SetTemplate { template_id: id, name, description, span };
    let command = TimelineCommand::Edit(Box::new(command));
    let receipt = app.site.command::<Timeline>(station, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, shown(&app, station, id, false).await?))
}

/// Removes a template; hours that wait for it are planned as always (manager).
#[utoipa::path(
    delete, path = "/schedule-templates/{id}", tag = "timeline", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<Removed>, Problem> {
    let template_id: TemplateId = lookup::id("id", &id)?;
    let there = found(&app, &id).await.ok().map(|(_, station, _)| station);
    let station = lookup::station_of(&app, &intent, None, there, || missing(template_id)).await?;
    let command = EditCommand::RemoveTemplate { template_id };
    let command = TimelineCommand::Edit(Box::new(command));
    let receipt = app.site.command::<Timeline>(station, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id }))
}

/// Where a template is to be laid over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The day, or a day of the week.
    #[schema(value_type = String, format = Date)]
    target_date: LocalDate,
    /// With the entries of its hours.
    #[serde(default = "yes")]
    lines: bool,
    /// With the clocks that rule its hours.
    #[serde(default = "yes")]
    clocks: bool,
}

/// An hour that stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftHour {
    /// Start of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Why.
    detail: String,
}

/// What laying a template over days led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppliedView {
    /// The template.
    #[schema(value_type = String)]
    id: TemplateId,
    /// Ledger position after it.
    seq: u64,
    /// Starts of the hours that were filled.
    #[schema(value_type = Vec<String>)]
    filled: Vec<UtcMicros>,
    /// Starts of the hours that are filled once they are planned.
    #[schema(value_type = Vec<String>)]
    waiting: Vec<UtcMicros>,
    /// Hours that stay as they are.
    left: Vec<LeftHour>,
    /// What does not air any more as the template has it.
    notes: Vec<String>,
}

/// Lays a template over a later day or week, hour by hour of the station's own time (manager).
#[utoipa::path(
    post, path = "/schedule-templates/{id}/apply", tag = "timeline",
    params(("id" = String, Path)), request_body = ApplyRequest,
    responses((status = 200, body = AppliedView), (status = 404, body = ProblemDocument))
)]
pub async fn apply(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<ApplyRequest>,
) -> Result<Answer<AppliedView>, Problem> {
    let (id, station, _) = found(&app, &id).await?;
    let what = What { lines: request.lines, clocks: request.clocks };
    let asked = (request.target_date, what);
    let applied = app.site.apply_template(station, id, asked, intent.meta).await?;
    let done = intent.shown_at(&app, applied.seq).await;
    let left = applied.left.into_iter().map(|(hour, detail)| LeftHour { hour, detail });
    Ok(Answer::ok(
        done,
        AppliedView {
            id,
            seq: applied.seq,
            filled: applied.filled,
            waiting: applied.waiting,
            left: left.collect(),
            notes: applied.notes,
        },
    ))
}
