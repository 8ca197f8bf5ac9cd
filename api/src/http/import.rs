//! Folders that a library is filled from: taken in, looked at, left.

use super::mount::Removed;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::site::{FolderRequest, ImportStatus};
use grimnir_events::library::ItemKind;
use grimnir_events::{ImportId, MediaId, StationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A folder to take in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Where it lies on the server, absolute, under an import root.
    path: String,
    /// Category of its items, lower case.
    #[serde(default)]
    category: String,
    /// What its items are: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    kind: ItemKind,
    /// With the folders in it; true where not given.
    #[serde(default = "yes")]
    recursive: bool,
    /// Follow its changes from then on.
    #[serde(default)]
    watch: bool,
}

const fn yes() -> bool {
    true
}

/// How far a folder is taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    /// Its id.
    #[schema(value_type = String)]
    id: ImportId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Where it lies.
    path: String,
    /// Category of its items.
    category: String,
    /// What its items are.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// With the folders in it.
    recursive: bool,
    /// Its changes are followed.
    watch: bool,
    /// Every file that was there has been looked at.
    done: bool,
    /// Audio files that were found in it.
    found: usize,
    /// Files that are items now.
    taken: usize,
    /// Files whose bytes are those of an item that was known.
    duplicate: usize,
    /// Files that were refused.
    refused: usize,
    /// Files that are still to be looked at.
    left: usize,
    /// Files that somebody is writing.
    busy: usize,
    /// Names that cannot be recorded: not UTF-8, or with control characters.
    unnamable: usize,
    /// Items of it that wait for their measuring.
    pending: usize,
    /// Items of it that could not be measured.
    failed: usize,
    /// Why the folder cannot be looked at now; null where it can.
    fault: Option<String>,
    /// Files that are no items of their own or could not be measured, 1,000 at most.
    files: Vec<ImportFileView>,
}

/// A file that is no item of its own.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportFileView {
    /// Its path in the folder.
    path: String,
    /// The item that has its bytes, or that could not be measured.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// Why it was refused; null for a duplicate.
    reason: Option<String>,
}

fn view(station_id: StationId, status: ImportStatus) -> ImportView {
    let ImportStatus { id, folder, done, tally, pending, failed, progress, files } = status;
    let file = |file: grimnir_actors::site::ImportFile| ImportFileView {
        path: file.path,
        media_id: file.media_id,
        reason: file.reason,
    };
    ImportView {
        id,
        station_id,
        path: folder.path,
        category: folder.category,
        kind: folder.kind,
        recursive: folder.recursive,
        watch: folder.watch,
        done,
        found: tally.found.max(progress.found),
        taken: tally.taken,
        duplicate: tally.duplicate,
        refused: tally.refused,
        left: progress.left,
        busy: progress.busy,
        unnamable: progress.unnamable,
        pending,
        failed,
        fault: progress.fault,
        files: files.into_iter().map(file).collect(),
    }
}

fn no_import(id: &ImportId) -> Problem {
    Problem::not_found("import_not_found", "id", format!("there is no import {id}"))
}

/// The folder of this id, of whichever station.
async fn found(app: &App, id: ImportId) -> Result<(StationId, ImportStatus), Problem> {
    for station in app.site.views().stations() {
        if let Some(status) = app.site.import(station.id, id).await? {
            return Ok((station.id, status));
        }
    }
    Err(no_import(&id))
}

/// Takes a folder of the server in (manager). Items are known by their tags at once and planned
/// when they were measured, which goes on in the background.
#[utoipa::path(
    post, path = "/stations/{id}/media/import", tag = "library", params(("id" = String, Path)),
    request_body = ImportRequest,
    responses(
        (status = 201, body = ImportView),
        (status = 409, body = ProblemDocument, description = "It is taken in already"),
        (status = 422, body = ProblemDocument, description = "It is under no import root"),
    )
)]
pub async fn take(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<ImportRequest>,
) -> Result<Answer<ImportView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let import_id = ImportId(intent.mint("import"));
    let ImportRequest { path, category, kind, recursive, watch } = request;
    let folder = FolderRequest { path, category, kind, recursive, watch };
    let receipt = app.site.take_folder(station, import_id, folder, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    let status = app.site.import(station, import_id).await?;
    let status = status.ok_or_else(|| no_import(&import_id))?;
    Ok(Answer::created(done, format!("/api/v1/imports/{import_id}"), view(station, status)))
}

/// Lists a station's folders, without their files.
#[utoipa::path(
    get, path = "/stations/{id}/imports", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ImportView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ImportView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let all = app.site.imports(station).await?;
    Ok(Json(all.into_iter().map(|status| view(station, status)).collect()))
}

/// Shows how far a folder is taken in.
#[utoipa::path(
    get, path = "/imports/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = ImportView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    let (station, status) = found(&app, lookup::id("id", &id)?).await?;
    Ok(Json(view(station, status)))
}

/// Looks at a folder no more; its items stay (manager).
#[utoipa::path(
    delete, path = "/imports/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn leave(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<Removed>, Problem> {
    let id: ImportId = lookup::id("id", &id)?;
    let station = match found(&app, id).await {
        Ok((station, _)) => Some(station),
        Err(_) => None,
    };
    let station = lookup::station_of(&app, &intent, None, station, || no_import(&id)).await?;
    let receipt = app.site.leave_folder(station, id, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id: id.to_string() }))
}
