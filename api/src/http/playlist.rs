//! Playlists: reusable ordered lists of items.

use super::kept::{self, Kept};
use super::mount::Removed;
use super::timeline::Replan;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::{MediaId, PlaylistId, StationId};
use grimnir_projections::rows::PlaylistRow;
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A playlist.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaylistView {
    /// Its id.
    #[schema(value_type = String)]
    id: PlaylistId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its name.
    name: String,
    /// Its items, in order.
    #[schema(value_type = Vec<String>)]
    items: Vec<MediaId>,
}

fn view(row: PlaylistRow) -> PlaylistView {
    PlaylistView { id: row.id, station_id: row.station_id, name: row.name, items: row.items }
}

/// Which station.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfStation {
    /// The station, by id or slug.
    pub(super) station_id: Option<String>,
}

impl Kept for PlaylistRow {
    type Id = PlaylistId;
    type Of = Library;

    fn find(app: &App, id: PlaylistId) -> Option<Self> {
        app.site.views().playlist(id)
    }
    fn station_id(&self) -> StationId {
        self.station_id
    }
    fn missing(id: PlaylistId) -> Problem {
        Problem::not_found("playlist_not_found", "id", format!("there is no playlist {id}"))
    }
    fn removal(playlist_id: PlaylistId) -> LibraryCommand {
        LibraryCommand::RemovePlaylist { playlist_id }
    }
}

/// Lists a station's playlists.
#[utoipa::path(
    get, path = "/playlists", tag = "library", params(OfStation),
    responses((status = 200, body = Vec<PlaylistView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<PlaylistView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    Ok(Json(app.site.views().playlists(station.id).into_iter().map(view).collect()))
}

/// A playlist that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name, 1 to 100 characters.
    name: String,
    /// Its items, in order, at most 1,800.
    #[schema(value_type = Vec<String>)]
    items: Vec<MediaId>,
}

/// Makes a playlist (manager).
#[utoipa::path(
    post, path = "/playlists", tag = "library", params(Replan), request_body = PlaylistRequest,
    responses((status = 201, body = PlaylistView))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(options): Params<Replan>,
    Body(request): Body<PlaylistRequest>,
) -> Result<Answer<PlaylistView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let station = lookup::needed_station(&app, station_id)?;
    let id = PlaylistId(intent.mint("playlist"));
    let (name, items) = (request.name, request.items);
    let row = PlaylistRow { id, station_id: station.id, name, items };
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::created(done, format!("/api/v1/playlists/{id}"), view(row)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    row: &PlaylistRow,
    options: &Replan,
) -> Result<crate::answer::Done, Problem> {
    let command = LibraryCommand::SetPlaylist {
        playlist_id: row.id,
        name: row.name.clone(),
        items: row.items.clone(),
    };
    kept::recorded::<PlaylistRow>(app, intent, row.station_id, command, options).await
}

/// Shows a playlist.
#[utoipa::path(
    get, path = "/playlists/{id}", tag = "library", params(("id" = String, Path), OfStation),
    responses((status = 200, body = PlaylistView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<OfStation>,
) -> Result<Json<PlaylistView>, Problem> {
    let (_, row) = kept::found::<PlaylistRow>(&app, &id, query.station_id.as_deref())?;
    Ok(Json(view(row)))
}

/// Gives a playlist another name and other items (manager).
#[utoipa::path(
    put, path = "/playlists/{id}", tag = "library", params(("id" = String, Path), Replan),
    request_body = PlaylistRequest,
    responses((status = 200, body = PlaylistView), (status = 404, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<PlaylistRequest>,
) -> Result<Answer<PlaylistView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let (_, row) = kept::found::<PlaylistRow>(&app, &id, station_id)?;
    let row = PlaylistRow { name: request.name, items: request.items, ..row };
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::ok(done, view(row)))
}

/// Removes a playlist (manager).
#[utoipa::path(
    delete, path = "/playlists/{id}", tag = "library", params(("id" = String, Path), Replan),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
) -> Result<Answer<Removed>, Problem> {
    kept::removed::<PlaylistRow>(&app, &intent, &id, &options).await
}
