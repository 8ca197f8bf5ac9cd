//! Shows: programmes that come again.

mod instance;
mod schedule;
#[cfg(test)]
mod tests;

pub use instance::{
    __path_change, __path_list as __path_instances, __path_remove as __path_cancel, change,
    list as instances, remove as cancel,
};
pub use schedule::{__path_calendar, __path_windows, calendar, windows};

use super::mount::Removed;
use super::timeline::{Replan, replan};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::extract::Params;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::Meta;
use grimnir_events::show::{KeptShow, LiveAccess, LocalTime, Show, ShowContent};
use grimnir_events::timeline::SlotStart;
use grimnir_events::{ClockId, PlaylistId, ShowId, StationId, UserId};
use grimnir_projections::rows::StationRow;
use grimnir_rules::Timeline;
use grimnir_rules::planner::hours;
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::timeline::shows::command::ShowCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Grace of a soft start that names none.
const GRACE_MS: u32 = 300_000;
/// Colour of a show that names none.
const COLOUR: &str = "#808080";

/// A show.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShowView {
    /// Its id.
    #[schema(value_type = String)]
    id: ShowId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The show.
    #[serde(flatten)]
    body: ShowBody,
    /// Instances that something is different about.
    exceptions: usize,
}

/// A programme that comes again, in the station's own time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowBody {
    /// Its name, 1 to 100 characters.
    name: String,
    /// What it is about, at most 2,000 characters.
    #[serde(default)]
    description: String,
    /// Who presents it.
    #[serde(default)]
    host: String,
    /// As `#rrggbb`.
    #[serde(default = "colour", alias = "color")]
    colour: String,
    /// When it starts for the first time, e.g. `2026-11-21T14:00:00`, in the station's own time.
    #[schema(value_type = String)]
    start: LocalTime,
    /// How long it is: 60 to 86,400 s.
    duration_s: u32,
    /// When it comes again (RFC 5545); empty for once only. `FREQ` is `DAILY`, `WEEKLY`, `MONTHLY`
    /// or `YEARLY`; `INTERVAL`, `COUNT`, `UNTIL`, `BYDAY`, `BYMONTHDAY`, `BYMONTH`, `BYSETPOS`,
    /// `BYHOUR`, `BYMINUTE` and `WKST` go with it.
    #[serde(default)]
    rrule: String,
    /// How its first line starts: `soft` unless said otherwise.
    #[serde(default)]
    begins: Begins,
    /// With a soft start: how long the running item may go on, and how early this may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace_ms: Option<u32>,
    /// What is planned while it is on: nothing of its own unless said otherwise.
    #[serde(default)]
    content: ContentBody,
    /// Who may go live while it is on; null for a show without live sources.
    #[serde(default)]
    live: Option<LiveBody>,
    /// All its instances have the same content: what is put into one is put into all.
    #[serde(default)]
    linked: bool,
    /// 0 to 9. Shows of one priority are never on at once; of others the higher one airs.
    #[serde(default)]
    priority: u8,
}

fn colour() -> String {
    COLOUR.into()
}

/// How a show's first line starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Begins {
    /// After whatever comes before.
    Free,
    /// Next at the first junction within `grace_ms` before or after; it waits or cuts beyond.
    #[default]
    Soft,
    /// On the frame of its time; what plays is cut.
    Hard,
}

/// What is planned while a show is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ContentBody {
    /// What would be planned without the show.
    #[default]
    Automation,
    /// By a format clock of its own.
    Clock {
        /// Which.
        #[schema(value_type = String)]
        clock_id: ClockId,
    },
    /// A playlist, once and in order; then what would be planned without the show.
    Playlist {
        /// Which.
        #[schema(value_type = String)]
        playlist_id: PlaylistId,
    },
    /// What the last instance of a show aired that was over before.
    Rebroadcast {
        /// Which show.
        #[schema(value_type = String)]
        show_id: ShowId,
    },
}

/// Who may go live; nobody named means every DJ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LiveBody {
    /// Users.
    #[schema(value_type = Vec<String>)]
    pub(super) users: Vec<UserId>,
    /// Names that a live encoder signs in by.
    pub(super) names: Vec<String>,
}

impl From<LiveAccess> for LiveBody {
    fn from(live: LiveAccess) -> Self {
        Self { users: live.users, names: live.names }
    }
}

impl From<LiveBody> for LiveAccess {
    fn from(body: LiveBody) -> Self {
        Self { users: body.users, names: body.names }
    }
}

impl From<ContentBody> for ShowContent {
    fn from(body: ContentBody) -> Self {
        match body {
            ContentBody::Automation => Self::Automation,
            ContentBody::Clock { clock_id } => Self::Clock { clock_id },
            ContentBody::Playlist { playlist_id } => Self::Playlist { playlist_id },
            ContentBody::Rebroadcast { show_id } => Self::Rebroadcast { show_id },
        }
    }
}

impl From<ShowContent> for ContentBody {
    fn from(content: ShowContent) -> Self {
        match content {
            ShowContent::Automation => Self::Automation,
            ShowContent::Clock { clock_id } => Self::Clock { clock_id },
            ShowContent::Playlist { playlist_id } => Self::Playlist { playlist_id },
            ShowContent::Rebroadcast { show_id } => Self::Rebroadcast { show_id },
        }
    }
}

impl ShowBody {
    fn read(self, id: ShowId, station: &StationRow) -> Result<Show, Problem> {
        let begins = match (self.begins, self.grace_ms) {
            (Begins::Soft, grace) => SlotStart::Soft { grace_ms: grace.unwrap_or(GRACE_MS) },
            (Begins::Free | Begins::Hard, Some(_)) => {
                let detail = "grace_ms does not go with a start that is not soft";
                return Err(Problem::invalid("grace_ms", detail));
            }
            (Begins::Free, None) => SlotStart::Free,
            (Begins::Hard, None) => SlotStart::Hard,
        };
        let zone = hours::zone(&station.time_zone);
        let rrule = grimnir_rules::recurrence::localised(self.rrule.trim(), &zone);
        Ok(Show {
            id,
            name: self.name,
            description: self.description,
            host: self.host,
            colour: self.colour.to_ascii_lowercase(),
            start: self.start,
            duration_s: self.duration_s,
            rrule,
            begins,
            content: self.content.into(),
            live: self.live.map(LiveAccess::from),
            linked: self.linked,
            priority: self.priority,
        })
    }

    fn of(show: Show) -> Self {
        let (begins, grace_ms) = match show.begins {
            SlotStart::Free => (Begins::Free, None),
            SlotStart::Soft { grace_ms } => (Begins::Soft, Some(grace_ms)),
            SlotStart::Hard => (Begins::Hard, None),
        };
        Self {
            name: show.name,
            description: show.description,
            host: show.host,
            colour: show.colour,
            start: show.start,
            duration_s: show.duration_s,
            rrule: show.rrule,
            begins,
            grace_ms,
            content: show.content.into(),
            live: show.live.map(LiveBody::from),
            linked: show.linked,
            priority: show.priority,
        }
    }
}

fn view(station_id: StationId, kept: KeptShow) -> ShowView {
    let (id, exceptions) = (kept.show.id, kept.exceptions.len());
    ShowView { id, station_id, body: ShowBody::of(kept.show), exceptions }
}

/// The show that a path names.
fn found(app: &App, station: StationId, id: &str) -> Result<KeptShow, Problem> {
    let id: ShowId = lookup::id("show_id", id)?;
    app.site.views().shows(station).remove(&id).ok_or_else(|| missing(id))
}

fn missing(id: ShowId) -> Problem {
    Problem::not_found("show_not_found", "show_id", format!("there is no show {id}"))
}

/// Content that names a playlist names one of the station.
fn check_playlist(app: &App, station: StationId, content: ShowContent) -> Result<(), Problem> {
    let ShowContent::Playlist { playlist_id } = content else { return Ok(()) };
    let known = app.site.views().playlist(playlist_id);
    if known.is_some_and(|row| row.station_id == station) {
        return Ok(());
    }
    let detail = format!("there is no playlist {playlist_id}");
    Err(Problem::not_found("playlist_not_found", "content.playlist_id", detail))
}

async fn recorded(
    app: &App,
    intent: &Intent<Managers>,
    meta: Meta,
    station: StationId,
    command: ShowCommand,
    options: &Replan,
) -> Result<Done, Problem> {
    let command = TimelineCommand::Show(command);
    let receipt = app.site.command::<Timeline>(station, command, meta).await?;
    let done = intent.shown(app, &receipt).await;
    replan(app, intent, station, options, done).await
}

/// Lists a station's shows.
#[utoipa::path(
    get, path = "/stations/{id}/shows", tag = "shows", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ShowView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShowView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let shows = app.site.views().shows(station).into_values();
    Ok(Json(shows.map(|kept| view(station, kept)).collect()))
}

/// Makes a show (manager).
#[utoipa::path(
    post, path = "/stations/{id}/shows", tag = "shows", params(("id" = String, Path), Replan),
    request_body = ShowBody,
    responses(
        (status = 201, body = ShowView), (status = 409, body = ProblemDocument),
        (status = 422, body = ProblemDocument)
    )
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<ShowBody>,
) -> Result<Answer<ShowView>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let show = request.read(ShowId(intent.mint("show")), &station)?;
    let (done, view) = set(&app, &intent, &station, show, &options).await?;
    let location = format!("/api/v1/stations/{}/shows/{}", station.id, view.id);
    Ok(Answer::created(done, location, view))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    station: &StationRow,
    show: Show,
    options: &Replan,
) -> Result<(Done, ShowView), Problem> {
    check_playlist(app, station.id, show.content)?;
    let command = ShowCommand::SetShow { show: Box::new(show.clone()) };
    let done = recorded(app, intent, intent.meta, station.id, command, options).await?;
    let kept = app.site.views().shows(station.id).remove(&show.id);
    let kept = kept.unwrap_or_else(|| KeptShow { show, exceptions: Default::default() });
    Ok((done, view(station.id, kept)))
}

/// Shows a show.
#[utoipa::path(
    get, path = "/stations/{id}/shows/{show_id}", tag = "shows",
    params(("id" = String, Path), ("show_id" = String, Path)),
    responses((status = 200, body = ShowView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, show_id)): Path<(String, String)>,
) -> Result<Json<ShowView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    Ok(Json(view(station, found(&app, station, &show_id)?)))
}

/// Changes a show, whole; what is different about its instances stays (manager).
#[utoipa::path(
    put, path = "/stations/{id}/shows/{show_id}", tag = "shows",
    params(("id" = String, Path), ("show_id" = String, Path), Replan), request_body = ShowBody,
    responses(
        (status = 200, body = ShowView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, show_id)): Path<(String, String)>,
    Params(options): Params<Replan>,
    Body(request): Body<ShowBody>,
) -> Result<Answer<ShowView>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let show_id = found(&app, station.id, &show_id)?.show.id;
    let show = request.read(show_id, &station)?;
    let (done, view) = set(&app, &intent, &station, show, &options).await?;
    Ok(Answer::ok(done, view))
}

/// Removes a show (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/shows/{show_id}", tag = "shows",
    params(("id" = String, Path), ("show_id" = String, Path), Replan),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, show_id)): Path<(String, String)>,
    Params(options): Params<Replan>,
) -> Result<Answer<Removed>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let show_id: ShowId = lookup::id("show_id", &show_id)?;
    let command = ShowCommand::RemoveShow { show_id };
    let done = recorded(&app, &intent, intent.meta, station, command, &options).await?;
    Ok(Answer::ok(done, Removed { id: show_id.to_string() }))
}
