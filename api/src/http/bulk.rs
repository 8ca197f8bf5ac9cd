//! Many items at once: changed, deleted, restored; and categories, which are what items say.

use super::library::{MediaPatch, MediaQuery};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::State;
use grimnir_actors::CommandError;
use grimnir_events::{MediaId, StationId};
use grimnir_projections::rows::MediaRow;
use grimnir_projections::search::{Filter, Order, Page};
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Rows read at a time.
const PAGE: usize = 2_000;
/// Most ids that a request names.
const IDS_MAX: usize = 10_000;

/// Which items, and what is to become of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// The items, at most 10,000; or else `query`.
    #[schema(value_type = Option<Vec<String>>)]
    ids: Option<Vec<MediaId>>,
    /// The items that a list with these parameters would show, all pages of it.
    query: Option<MediaQuery>,
    /// What to change, as for one item.
    patch: Option<MediaPatch>,
    /// Delete them.
    #[serde(default)]
    delete: bool,
    /// Restore those that are deleted.
    #[serde(default)]
    restore: bool,
}

/// What became of many items.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkView {
    /// Items that were meant.
    matched: usize,
    /// Items that are another now.
    changed: usize,
    /// Items that were so already.
    unchanged: usize,
    /// Items that could not be changed.
    refused: usize,
    /// Each of them.
    items: Vec<BulkItem>,
}

/// What became of an item.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkItem {
    /// Which.
    #[schema(value_type = String)]
    id: MediaId,
    /// `changed`, `unchanged` or `refused`.
    outcome: &'static str,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

type Answers = Vec<(MediaId, Result<bool, CommandError>)>;

fn view(answers: Answers) -> BulkView {
    let mut view =
        BulkView { matched: answers.len(), changed: 0, unchanged: 0, refused: 0, items: vec![] };
    for (id, answer) in answers {
        let (outcome, code, detail) = match answer {
            Ok(true) => ("changed", None, None),
            Ok(false) => ("unchanged", None, None),
            Err(CommandError::Rejected { code, message, .. }) => {
                ("refused", Some(code), Some(message))
            }
            Err(error) => ("refused", None, Some(error.to_string())),
        };
        match outcome {
            "changed" => view.changed += 1,
            "unchanged" => view.unchanged += 1,
            _ => view.refused += 1,
        }
        view.items.push(BulkItem { id, outcome, code, detail });
    }
    view
}

/// Every item that a filter takes.
fn all_of(app: &App, station: StationId, filter: &Filter) -> Vec<MediaRow> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = Page { order: Order::Added, descending: false, after, limit: PAGE };
        let (rows, next) = app.site.views().media_page(station, filter, &page);
        all.extend(rows);
        match next {
            Some(place) => after = Some(place),
            None => return all,
        }
    }
}

/// Changes, deletes or restores many items (manager). Each is changed wholly or not at all; many
/// are recorded in several commits.
#[utoipa::path(
    post, path = "/media/bulk", tag = "library", request_body = BulkRequest,
    responses((status = 200, body = BulkView), (status = 422, body = ProblemDocument))
)]
pub async fn bulk(
    State(app): State<App>,
    intent: Intent<Managers>,
    Body(request): Body<BulkRequest>,
) -> Result<Answer<BulkView>, Problem> {
    let BulkRequest { station_id, ids, query, patch, delete, restore } = request;
    let given = station_id.or_else(|| query.as_ref()?.station_id().map(str::to_owned));
    let station = lookup::needed_station(&app, given.as_deref())?.id;
    if usize::from(patch.is_some()) + usize::from(delete) + usize::from(restore) != 1 {
        return Err(Problem::invalid("patch", "expected one of patch, delete and restore"));
    }
    let (rows, missing) = match (ids, query) {
        (Some(ids), None) => named(&app, station, ids)?,
        (None, Some(query)) => (all_of(&app, station, &query.filter()?), Vec::new()),
        _ => return Err(Problem::invalid("ids", "expected one of ids and query")),
    };
    let commands = |row: &MediaRow| match &patch {
        Some(patch) => patch.clone().commands(row),
        None => {
            let media_id = row.item.id;
            let one = if delete {
                StockCommand::DeleteMedia { media_id }
            } else {
                StockCommand::RestoreMedia { media_id }
            };
            vec![LibraryCommand::Stock(one)]
        }
    };
    let items = rows.iter().map(|row| (row.item.id, commands(row))).collect();
    let (mut answers, seq) = app.site.change_items(station, items, intent.meta).await?;
    let unknown = |id: &MediaId| {
        CommandError::not_found("media_not_found", format!("there is no media item {id}"))
    };
    answers.extend(missing.into_iter().map(|id| (id, Err(unknown(&id)))));
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, view(answers)))
}

/// The rows of these ids, each once, and the ids that are not there.
fn named(
    app: &App,
    station: StationId,
    mut ids: Vec<MediaId>,
) -> Result<(Vec<MediaRow>, Vec<MediaId>), Problem> {
    if ids.len() > IDS_MAX {
        let detail = format!("found {} ids, limit {IDS_MAX}", ids.len());
        return Err(Problem::invalid("ids", detail));
    }
    ids.sort_unstable();
    ids.dedup();
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match app.site.views().media_item(id).filter(|row| row.station_id == station) {
            Some(row) => rows.push(row),
            None => missing.push(id),
        }
    }
    Ok((rows, missing))
}

/// A category of a library.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryView {
    /// Its name; empty for items of none.
    name: String,
    /// Its items.
    items: usize,
    /// Their length in milliseconds.
    duration_ms: i64,
}

/// Lists the categories that a station's items have.
#[utoipa::path(
    get, path = "/categories", tag = "library", params(super::playlist::OfStation),
    responses((status = 200, body = Vec<CategoryView>))
)]
pub async fn categories(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<super::playlist::OfStation>,
) -> Result<Json<Vec<CategoryView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    let mut found: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    app.site.views().with(|model| {
        let rows = model.libraries.get(&station.id).map(|table| table.media().values());
        for row in rows.into_iter().flatten().filter(|row| row.deleted.is_none()) {
            let (items, frames) = match found.get_mut(&row.item.category) {
                Some(held) => held,
                None => found.entry(row.item.category.clone()).or_default(),
            };
            *items += 1;
            *frames += row.item.duration_frames;
        }
    });
    let shown = |(name, (items, frames))| CategoryView {
        name,
        items,
        duration_ms: grimnir_events::units::micros_of_frames(frames) / 1_000,
    };
    Ok(Json(found.into_iter().map(shown).collect()))
}

/// A category that is to have another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name now.
    from: String,
    /// Its name from then on; that of another category joins the two.
    to: String,
}

/// Gives a category another name: its items say so from then on (manager). Clocks and smart blocks
/// name categories themselves and are not changed.
#[utoipa::path(
    post, path = "/categories/rename", tag = "library", request_body = RenameRequest,
    responses((status = 200, body = BulkView), (status = 422, body = ProblemDocument))
)]
pub async fn rename(
    State(app): State<App>,
    intent: Intent<Managers>,
    Body(request): Body<RenameRequest>,
) -> Result<Answer<BulkView>, Problem> {
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let with =
        |deleted| Filter { category: Some(request.from.clone()), deleted, ..Filter::default() };
    let mut rows = all_of(&app, station, &with(false));
    rows.extend(all_of(&app, station, &with(true)));
    let patch = MediaPatch::category(request.to);
    let items = rows.iter().map(|row| (row.item.id, patch.clone().commands(row))).collect();
    let (answers, seq) = app.site.change_items(station, items, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, view(answers)))
}
