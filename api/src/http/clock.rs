//! Format clocks: the template of an hour.

use super::kept::{self, Kept};
use super::mount::Removed;
use super::playlist::OfStation;
use super::timeline::{Replan, replan};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::timeline::{ClockSlot, FormatClock, PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{ClockId, MediaId, PlaylistId, SmartBlockId, StationId};
use grimnir_projections::rows::ClockRow;
use grimnir_rules::Timeline;
use grimnir_rules::timeline::command::TimelineCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod simulate;

pub use simulate::{__path_simulate, simulate};

/// A format clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// Its id.
    #[schema(value_type = String)]
    id: ClockId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its name.
    name: String,
    /// Its slots, by offset.
    slots: Vec<Slot>,
    /// It is the clock of every hour that has none of its own.
    default: bool,
}

/// One place in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Milliseconds from the start of the hour.
    offset_ms: u32,
    /// How its first line starts.
    #[serde(default)]
    start: Start,
    /// With a soft start: how long the running item may go on, and how early this may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace_ms: Option<u32>,
    /// Where its lines come from.
    r#type: SlotType,
    /// The playlist, with type `playlist`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    playlist_id: Option<PlaylistId>,
    /// The category, with type `category`; empty means the whole library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// The item, with type `hard_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// The smart block, with type `smart_block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    smart_block_id: Option<SmartBlockId>,
    /// In which way, with type `playlist`: `sequential` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    mode: Option<PlaylistMode>,
}

/// How a slot's first line starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// After whatever comes before.
    #[default]
    Free,
    /// Next at the first junction within `grace_ms` before or after; it waits or cuts beyond.
    Soft,
    /// On the frame of its time; what plays is cut.
    Hard,
}

/// Where a slot's lines come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotType {
    /// A playlist, in its order; fills to the next slot.
    Playlist,
    /// Items of a category, by rotation; fills to the next slot.
    Category,
    /// One item, once.
    #[serde(alias = "media", alias = "item")]
    HardItem,
    /// Items of a smart block, by its rules.
    SmartBlock,
}

/// Grace of a soft start that names none.
const GRACE_MS: u32 = 300_000;

impl Slot {
    fn read(self, at: usize) -> Result<ClockSlot, Problem> {
        let name = |field: &str| format!("slots[{at}].{field}");
        let needed = |field: &str| Problem::missing("missing_required_fields", name(field));
        let refused = |field: &str, kind: &str| {
            let detail = format!("{} does not go with {kind}", name(field));
            Err(Problem::invalid(name(field), detail))
        };
        let start = match (self.start, self.grace_ms) {
            (Start::Soft, grace) => SlotStart::Soft { grace_ms: grace.unwrap_or(GRACE_MS) },
            (_, Some(_)) => return refused("grace_ms", "a start that is not soft"),
            (Start::Free, None) => SlotStart::Free,
            (Start::Hard, None) => SlotStart::Hard,
        };
        let is = |kind| self.r#type == kind;
        if self.smart_block_id.is_some() && !is(SlotType::SmartBlock) {
            return refused("smart_block_id", "this type of slot");
        }
        if self.mode.is_some() && !is(SlotType::Playlist) {
            return refused("mode", "this type of slot");
        }
        let (playlist, category, media) = (self.playlist_id, self.category, self.media_id);
        let source = match (self.r#type, playlist, category, media) {
            (SlotType::Playlist, Some(playlist_id), None, None) => match self.mode {
                None | Some(PlaylistMode::Sequential) => SlotSource::Playlist { playlist_id },
                Some(mode) => SlotSource::PlaylistBy { playlist_id, mode },
            },
            (SlotType::SmartBlock, None, None, None) => match self.smart_block_id {
                Some(block_id) => SlotSource::SmartBlock { block_id },
                None => return Err(needed("smart_block_id")),
            },
            (SlotType::Category, None, category, None) => {
                SlotSource::Category { category: category.unwrap_or_default() }
            }
            (SlotType::HardItem, None, None, Some(media_id)) => SlotSource::HardItem { media_id },
            (SlotType::Playlist, None, _, _) => return Err(needed("playlist_id")),
            (SlotType::HardItem, _, _, None) => return Err(needed("media_id")),
            (SlotType::Category | SlotType::HardItem | SlotType::SmartBlock, Some(_), _, _) => {
                return refused("playlist_id", "this type of slot");
            }
            (SlotType::Playlist | SlotType::HardItem | SlotType::SmartBlock, _, Some(_), _) => {
                return refused("category", "this type of slot");
            }
            (SlotType::Playlist | SlotType::Category | SlotType::SmartBlock, _, _, Some(_)) => {
                return refused("media_id", "this type of slot");
            }
        };
        Ok(ClockSlot { offset_ms: self.offset_ms, start, source })
    }

    fn of(slot: ClockSlot) -> Self {
        let (start, grace_ms) = match slot.start {
            SlotStart::Free => (Start::Free, None),
            SlotStart::Soft { grace_ms } => (Start::Soft, Some(grace_ms)),
            SlotStart::Hard => (Start::Hard, None),
        };
        let mut view = Self {
            offset_ms: slot.offset_ms,
            start,
            grace_ms,
            r#type: SlotType::Category,
            playlist_id: None,
            category: None,
            media_id: None,
            smart_block_id: None,
            mode: None,
        };
        match slot.source {
            SlotSource::Playlist { playlist_id } => {
                view.r#type = SlotType::Playlist;
                view.playlist_id = Some(playlist_id);
            }
            SlotSource::Category { category } => view.category = Some(category),
            SlotSource::HardItem { media_id } => {
                view.r#type = SlotType::HardItem;
                view.media_id = Some(media_id);
            }
            SlotSource::SmartBlock { block_id } => {
                view.r#type = SlotType::SmartBlock;
                view.smart_block_id = Some(block_id);
            }
            SlotSource::PlaylistBy { playlist_id, mode } => {
                view.r#type = SlotType::Playlist;
                view.playlist_id = Some(playlist_id);
                view.mode = Some(mode);
            }
        }
        view
    }
}

fn view(app: &App, row: ClockRow) -> ClockView {
    let station = app.site.views().station(row.station_id);
    let default = station.is_some_and(|s| s.default_clock_id == Some(row.clock.id));
    let FormatClock { id, name, slots } = row.clock;
    let slots = slots.into_iter().map(Slot::of).collect();
    ClockView { id, station_id: row.station_id, name, slots, default }
}

impl Kept for ClockRow {
    type Id = ClockId;
    type Of = Timeline;

    fn find(app: &App, id: ClockId) -> Option<Self> {
        app.site.views().clock(id)
    }
    fn station_id(&self) -> StationId {
        self.station_id
    }
    fn missing(id: ClockId) -> Problem {
        Problem::not_found("clock_not_found", "id", format!("there is no format clock {id}"))
    }
    fn removal(clock_id: ClockId) -> TimelineCommand {
        TimelineCommand::RemoveClock { clock_id }
    }
}

/// Lists a station's format clocks.
#[utoipa::path(
    get, path = "/clocks", tag = "timeline", params(OfStation),
    responses((status = 200, body = Vec<ClockView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<ClockView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    let rows = app.site.views().clocks(station.id);
    Ok(Json(rows.into_iter().map(|row| view(&app, row)).collect()))
}

/// A format clock that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name.
    name: String,
    /// Its slots, 1 to 200, by rising offset.
    slots: Vec<Slot>,
    /// Make it the clock of every hour.
    #[serde(default)]
    default: bool,
}

impl ClockRequest {
    fn clock(self, id: ClockId) -> Result<FormatClock, Problem> {
        let slots = self.slots.into_iter().enumerate().map(|(at, slot)| slot.read(at));
        Ok(FormatClock { id, name: self.name, slots: slots.collect::<Result<_, _>>()? })
    }
}

/// Makes a format clock (manager).
#[utoipa::path(
    post, path = "/clocks", tag = "timeline", params(Replan), request_body = ClockRequest,
    responses((status = 201, body = ClockView), (status = 422, body = ProblemDocument))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(options): Params<Replan>,
    Body(request): Body<ClockRequest>,
) -> Result<Answer<ClockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let station = lookup::needed_station(&app, station_id)?.id;
    let id = ClockId(intent.mint("clock"));
    let default = request.default;
    let row = ClockRow { station_id: station, clock: request.clock(id)? };
    let done = set(&app, &intent, &row, default, &options).await?;
    Ok(Answer::created(done, format!("/api/v1/clocks/{id}"), view(&app, row)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    row: &ClockRow,
    default: bool,
    options: &Replan,
) -> Result<Done, Problem> {
    let command = TimelineCommand::SetClock { clock: row.clock.clone() };
    let receipt = app.site.command::<Timeline>(row.station_id, command, intent.meta).await?;
    let mut done = intent.shown(app, &receipt).await;
    if default {
        let clock_id = Some(row.clock.id);
        let command = TimelineCommand::ChooseDefaultClock { clock_id };
        let meta = intent.step("default");
        let receipt = app.site.command::<Timeline>(row.station_id, command, meta).await?;
        done = done.then(intent.shown(app, &receipt).await);
    }
    replan(app, intent, row.station_id, options, done).await
}

/// Shows a format clock.
#[utoipa::path(
    get, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), OfStation),
    responses((status = 200, body = ClockView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<OfStation>,
) -> Result<Json<ClockView>, Problem> {
    let (_, row) = kept::found::<ClockRow>(&app, &id, query.station_id.as_deref())?;
    Ok(Json(view(&app, row)))
}

/// Gives a format clock another name and other slots (manager).
#[utoipa::path(
    put, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    request_body = ClockRequest,
    responses((status = 200, body = ClockView), (status = 404, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<ClockRequest>,
) -> Result<Answer<ClockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let (id, row) = kept::found::<ClockRow>(&app, &id, station_id)?;
    let default = request.default;
    let row = ClockRow { clock: request.clock(id)?, ..row };
    let done = set(&app, &intent, &row, default, &options).await?;
    Ok(Answer::ok(done, view(&app, row)))
}

/// Removes a format clock (manager).
#[utoipa::path(
    delete, path = "/clocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
) -> Result<Answer<Removed>, Problem> {
    kept::removed::<ClockRow>(&app, &intent, &id, &options).await
}

/// The clock of every hour that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultClock {
    /// Which; null plans from the whole library.
    #[serde(deserialize_with = "crate::extract::present")]
    #[schema(value_type = Option<String>)]
    clock_id: Option<ClockId>,
}

/// What a station's hours are planned by.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultClockView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The clock; null plans from the whole library.
    #[schema(value_type = Option<String>)]
    clock_id: Option<ClockId>,
}

/// Chooses the clock of every hour (manager).
#[utoipa::path(
    put, path = "/stations/{id}/default-clock", tag = "timeline",
    params(("id" = String, Path), Replan), request_body = DefaultClock,
    responses((status = 200, body = DefaultClockView), (status = 404, body = ProblemDocument))
)]
pub async fn choose_default(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<DefaultClock>,
) -> Result<Answer<DefaultClockView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let clock_id = request.clock_id;
    let command = TimelineCommand::ChooseDefaultClock { clock_id };
    let done = kept::recorded::<ClockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, DefaultClockView { station_id, clock_id }))
}

#[cfg(test)]
mod tests;
