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
use grimnir_events::stock::EntryTimes;
use grimnir_events::{MediaId, PlaylistId, StationId};
use grimnir_projections::rows::PlaylistRow;
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;
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
    /// The same with the marks that entries have for themselves.
    entries: Vec<Entry>,
}

/// An entry of a playlist; marks that are not given are the item's own.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// First frame that airs, at 48 kHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cue_in: Option<i64>,
    /// Frame at which the next item starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segue: Option<i64>,
    /// Frame after the last that airs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cue_out: Option<i64>,
    /// How long the item before fades into this one, 0 to 20,000 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fade_in_ms: Option<u32>,
    /// How long this one fades into the next, 0 to 20,000 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fade_out_ms: Option<u32>,
}

/// An entry as it is asked for: an item's id, or with marks of its own.
#[derive(Clone, Copy)]
pub struct EntryRequest(Entry);

impl<'de> Deserialize<'de> for EntryRequest {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let read = match serde_json::Value::deserialize(reader)? {
            serde_json::Value::String(text) => {
                let media_id = text.parse().map_err(D::Error::custom)?;
                Ok(Entry { media_id, ..Entry::default() })
            }
            other => serde_json::from_value(other).map_err(D::Error::custom),
        };
        read.map(Self)
    }
}

impl From<EntryRequest> for Entry {
    fn from(request: EntryRequest) -> Self {
        request.0
    }
}

fn entries(row: &PlaylistRow) -> Vec<Entry> {
    let entry = |(place, media_id): (usize, &MediaId)| {
        let times = u16::try_from(place).ok().and_then(|place| row.times.get(&place));
        let EntryTimes { cue_in, segue, cue_out, fade_in_ms, fade_out_ms } =
            times.copied().unwrap_or_default();
        Entry { media_id: *media_id, cue_in, segue, cue_out, fade_in_ms, fade_out_ms }
    };
    row.items.iter().enumerate().map(entry).collect()
}

fn with_entries(row: PlaylistRow, entries: &[Entry]) -> PlaylistRow {
    let times = |entry: &Entry| {
        let Entry { cue_in, segue, cue_out, fade_in_ms, fade_out_ms, .. } = *entry;
        EntryTimes { cue_in, segue, cue_out, fade_in_ms, fade_out_ms }
    };
    let timed = entries.iter().enumerate().filter_map(|(place, entry)| {
        Some((u16::try_from(place).ok()?, times(entry))).filter(|(_, times)| !times.is_plain())
    });
    let (times, items) = (timed.collect(), entries.iter().map(|entry| entry.media_id).collect());
    PlaylistRow { items, times, ..row }
}

fn view(row: PlaylistRow) -> PlaylistView {
    let entries = entries(&row);
    let PlaylistRow { id, station_id, name, items, .. } = row;
    PlaylistView { id, station_id, name, items, entries }
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
    /// Its items, in order, at most 1,800, 300 of them with marks of their own: ids, or entries as
    /// they are shown.
    #[schema(value_type = Vec<Object>)]
    items: Vec<EntryRequest>,
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
    let items: Vec<Entry> = request.items.into_iter().map(Entry::from).collect();
    let (name, none, times) = (request.name, Vec::new(), Default::default());
    let row = PlaylistRow { id, station_id: station.id, name, items: none, times };
    let row = with_entries(row, &items);
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::created(done, format!("/api/v1/playlists/{id}"), view(row)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    row: &PlaylistRow,
    options: &Replan,
) -> Result<crate::answer::Done, Problem> {
    let times = |place: usize| u16::try_from(place).ok().and_then(|at| row.times.get(&at)).copied();
    let entry = |(place, id): (usize, &MediaId)| (*id, times(place).unwrap_or_default());
    // Without marks it takes no more room than its items do.
    let command = if row.times.is_empty() && !row_was_timed(app, row.id) {
        let (name, items) = (row.name.clone(), row.items.clone());
        LibraryCommand::SetPlaylist { playlist_id: row.id, name, items }
    } else {
        LibraryCommand::Stock(StockCommand::SetEntries {
            playlist_id: row.id,
            name: row.name.clone(),
            entries: row.items.iter().enumerate().map(entry).collect(),
        })
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
    let items: Vec<Entry> = request.items.into_iter().map(Entry::from).collect();
    let row = with_entries(PlaylistRow { name: request.name, ..row }, &items);
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::ok(done, view(row)))
}

/// The playlist has marks that have to be taken away.
fn row_was_timed(app: &App, id: PlaylistId) -> bool {
    app.site.views().playlist(id).is_some_and(|held| !held.times.is_empty())
}

/// What is to change about a playlist, in this order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistPatch {
    /// Its name.
    name: Option<String>,
    /// Places of entries to take out, counted from 0.
    #[serde(default)]
    remove: Vec<usize>,
    /// The new order of what is left: each of its places once, counted from 0.
    order: Option<Vec<usize>>,
    /// Entries to put in, and the place that the first of them is to have.
    insert: Option<Insertion>,
    /// Entries to put at the end.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    append: Vec<EntryRequest>,
}

/// Entries to put into a playlist.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Insertion {
    /// The place of the first of them, counted from 0.
    at: usize,
    /// The entries.
    #[schema(value_type = Vec<Object>)]
    items: Vec<EntryRequest>,
}

impl PlaylistPatch {
    fn applied(self, mut entries: Vec<Entry>) -> Result<(Option<String>, Vec<Entry>), Problem> {
        let count = entries.len();
        let beyond = |field: &str, found: usize, count: usize| {
            Problem::invalid(field, format!("place {found} is not there: {count} entries"))
        };
        if let Some(found) = self.remove.iter().find(|place| **place >= count) {
            return Err(beyond("remove", *found, count));
        }
        let mut place = 0..;
        entries.retain(|_| !place.next().is_some_and(|place| self.remove.contains(&place)));
        if let Some(order) = self.order {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..entries.len()) {
                let detail = format!("expected each place from 0 to {} once", entries.len());
                return Err(Problem::invalid("order", detail));
            }
            entries = order.into_iter().map(|place| entries[place]).collect();
        }
        if let Some(Insertion { at, items }) = self.insert {
            if at > entries.len() {
                return Err(beyond("insert.at", at, entries.len()));
            }
            entries.splice(at..at, items.into_iter().map(Entry::from));
        }
        entries.extend(self.append.into_iter().map(Entry::from));
        Ok((self.name, entries))
    }
}

/// Changes what is given: takes entries out, puts them in another order, adds some (manager).
#[utoipa::path(
    patch, path = "/playlists/{id}", tag = "library", params(("id" = String, Path), Replan),
    request_body = PlaylistPatch,
    responses((status = 200, body = PlaylistView), (status = 404, body = ProblemDocument))
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(patch): Body<PlaylistPatch>,
) -> Result<Answer<PlaylistView>, Problem> {
    let (_, row) = kept::found::<PlaylistRow>(&app, &id, options.station_id.as_deref())?;
    let (name, entries) = patch.applied(entries(&row))?;
    let row = with_entries(PlaylistRow { name: name.unwrap_or(row.name.clone()), ..row }, &entries);
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

#[cfg(test)]
mod tests;
