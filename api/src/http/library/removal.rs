//! Items taken out of planning, and planned again.

use super::super::mount::Removed;
use super::{MediaView, no_item, shown};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Managers;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::{Path, State};
use grimnir_events::MediaId;
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;

/// Takes an item out of planning until it is restored; its history stays (manager).
#[utoipa::path(
    delete, path = "/media/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<Removed>, Problem> {
    let id: MediaId = lookup::id("id", &id)?;
    let found = app.site.views().media_item(id).map(|row| row.station_id);
    let station = lookup::station_of(&app, &intent, None, found, || no_item("id", &id)).await?;
    let command = LibraryCommand::Stock(StockCommand::DeleteMedia { media_id: id });
    let receipt = app.site.command::<Library>(station, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id: id.to_string() }))
}

/// Plans a deleted item again (manager).
#[utoipa::path(
    post, path = "/media/{id}/restore", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = MediaView), (status = 404, body = ProblemDocument))
)]
pub async fn restore(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<MediaView>, Problem> {
    let id: MediaId = lookup::id("id", &id)?;
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    let command = LibraryCommand::Stock(StockCommand::RestoreMedia { media_id: id });
    let receipt = app.site.command::<Library>(row.station_id, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    shown(&app, id, done)
}
