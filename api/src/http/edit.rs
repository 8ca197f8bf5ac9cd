//! Work on the plan by hand: insert, change, remove, queue next, shuffle; and what it would break.
//!
//! What is on air, what comes next and what is past is refused by the rules behind it. What an edit
//! breaks is judged first: hard rules refuse it unless it is forced, soft ones are warned of.

use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::Managers;
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::{Path, State};
use grimnir_actors::edits::{EditRequest, Edited};
use grimnir_events::timeline::Anchor;
use grimnir_events::{LineId, MediaId, StationId, UtcMicros};
use grimnir_rules::planner::hours::{hour_of, zone};
use grimnir_rules::planner::violations::Violation;
use grimnir_rules::timeline::edits::command::Place;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

mod validate;

pub use validate::{__path_validate, __path_validate_edits, validate, validate_edits};

/// Whether an edit is carried out whatever it breaks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Force {
    /// Carry it out even where it breaks a hard rule.
    #[serde(default)]
    pub(super) force: bool,
}

/// How a line starts that a person puts somewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryStart {
    /// After whatever comes before.
    #[default]
    Free,
    /// At the first junction around `starts_at`, within `grace_ms`.
    Soft,
    /// On the frame of `starts_at`; what plays is cut.
    Hard,
}

/// Grace of a soft start that names none: 5 minutes.
const GRACE_MS: u32 = 300_000;

/// A place in the plan, as a request names it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct PlaceBody {
    /// Start of the hour, RFC 3339; any instant of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    hour: Option<UtcMicros>,
    /// Place in the hour, from 0; beyond the last it is the end.
    index: Option<u32>,
    /// Behind this line.
    #[schema(value_type = Option<String>)]
    after: Option<LineId>,
    /// Where this instant falls in the plan, RFC 3339.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<UtcMicros>,
    /// How it starts; `soft` and `hard` need `starts_at`.
    #[serde(default)]
    start: EntryStart,
    /// With a soft start: how early and how late it may be; 300000 where not given.
    grace_ms: Option<u32>,
}

impl PlaceBody {
    fn is_given(&self) -> bool {
        let by_hour = self.hour.is_some() || self.index.is_some();
        by_hour || self.after.is_some() || self.starts_at.is_some()
    }

    /// Hour, place and anchor, as the plan stands.
    fn read(&self, app: &App, station: StationId) -> Result<(UtcMicros, Place, Anchor), Problem> {
        let row = app.site.views().station(station);
        let zone = zone(&row.map(|row| row.time_zone).unwrap_or_default());
        let start_of = |at: UtcMicros| hour_of(&zone, at).from;
        let anchor = match (self.start, self.starts_at) {
            (EntryStart::Free, _) => Anchor::AfterPrevious,
            (EntryStart::Soft | EntryStart::Hard, None) => {
                return Err(Problem::missing("missing_required_fields", "starts_at"));
            }
            (EntryStart::Soft, Some(at)) => {
                let grace_us = i64::from(self.grace_ms.unwrap_or(GRACE_MS)) * 1_000;
                Anchor::Soft { at, grace_us }
            }
            (EntryStart::Hard, Some(at)) => Anchor::Hard { at },
        };
        if let Some(after) = self.after {
            let found = app.site.views().line_place(after);
            let plan = found.filter(|(of, _)| *of == station).map(|(_, plan)| plan);
            let unknown = || {
                let detail = format!("no planned hour that is kept has line {after}");
                Problem::not_found("unknown_line", "after", detail)
            };
            return Ok((plan.ok_or_else(unknown)?.hour, Place::After(after), anchor));
        }
        match (self.hour, self.index, self.starts_at) {
            (Some(hour), index, None) => {
                let index = index.unwrap_or(u32::MAX);
                Ok((start_of(hour), Place::Index(index), anchor))
            }
            (hour, None, Some(at)) => {
                let hour = start_of(hour.unwrap_or(at));
                let plans = app.site.views().plans(station);
                let plan = plans.iter().find(|plan| plan.hour == hour);
                let before = |plan: &&grimnir_events::timeline::HourPlan| {
                    plan.lines.iter().filter(|line| line.planned_at < at).count()
                };
                let index = plan.as_ref().map_or(0, before);
                Ok((hour, Place::Index(u32::try_from(index).unwrap_or(u32::MAX)), anchor))
            }
            (Some(hour), Some(index), Some(_)) => Ok((start_of(hour), Place::Index(index), anchor)),
            (None, _, _) => Err(Problem::missing("missing_required_fields", "hour")),
        }
    }
}

/// An entry that is to be.
#[derive(Deserialize, ToSchema)]
pub struct InsertRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Where.
    #[serde(flatten)]
    place: PlaceBody,
}

/// An entry that is to be another. Exactly one of `media_id`, `locked` and a place.
#[derive(Deserialize, ToSchema)]
pub struct ChangeRequest {
    /// Let this item air in its place.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// Hold it where it is, or let it go.
    locked: Option<bool>,
    /// Where it is to stand.
    #[serde(flatten)]
    place: PlaceBody,
}

/// An edit that was carried out.
#[derive(Debug, Serialize, ToSchema)]
pub struct EditView {
    /// The station.
    #[schema(value_type = String)]
    pub(super) station_id: StationId,
    /// The line that came in, where one did: an entry that is moved or replaced has a new id.
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<LineId>,
    /// Ledger position after it.
    pub(super) seq: u64,
    /// What it breaks that was not broken before.
    #[schema(value_type = Vec<ViolationView>)]
    pub(super) violations: Vec<Violation>,
}

/// One broken rule.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what the rules answer")]
pub struct ViolationView {
    /// When the line is planned, or the gap begins.
    #[schema(value_type = String, format = DateTime)]
    at: (),
    /// Which rule, e.g. `artist_separation`.
    code: String,
    /// `hard` (refused unless forced) or `soft`.
    severity: String,
    /// Start of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: (),
    /// The line; null for a gap.
    line_id: Option<String>,
    /// What was found, and what was asked for.
    detail: String,
}

async fn carried_out(
    app: &App,
    intent: &Intent<Managers>,
    station_id: StationId,
    request: EditRequest,
    force: bool,
) -> Result<(Done, EditView), Problem> {
    let edited = app.site.edit(station_id, request, force, intent.meta).await?;
    let Edited { seq, repeated, line_id, violations } = edited;
    let done = Done { seq, replayed: repeated };
    intent.shown_at(app, seq).await;
    Ok((done, EditView { station_id, id: line_id, seq, violations }))
}

/// The station of a planned line, or of the same request before.
async fn station_of_line(
    app: &App,
    intent: &Intent<Managers>,
    line_id: LineId,
) -> Result<StationId, Problem> {
    let found = app.site.views().line_place(line_id).map(|(station, _)| station);
    let missing = || {
        let detail = format!("no planned hour that is kept has line {line_id}");
        Problem::not_found("unknown_line", "line_id", detail)
    };
    lookup::station_of(app, intent, None, found, missing).await
}

/// Puts an item into the plan (manager).
#[utoipa::path(
    post, path = "/schedule", tag = "timeline", params(Force), request_body = InsertRequest,
    responses(
        (status = 201, body = EditView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn insert(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(Force { force }): Params<Force>,
    Body(request): Body<InsertRequest>,
) -> Result<Answer<EditView>, Problem> {
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let media_id = request.media_id;
    let (hour, place, anchor) = request.place.read(&app, station)?;
    let request = EditRequest::Insert { hour, place, media_id, anchor };
    let (done, view) = carried_out(&app, &intent, station, request, force).await?;
    let location = view.id.map_or_else(String::new, |id| format!("/api/v1/schedule/{id}"));
    Ok(Answer::created(done, location, view))
}

/// Moves, replaces, locks or unlocks an entry of the plan (manager).
#[utoipa::path(
    patch, path = "/schedule/{line_id}", tag = "timeline",
    params(("line_id" = String, Path), Force), request_body = ChangeRequest,
    responses(
        (status = 200, body = EditView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(Force { force }): Params<Force>,
    Body(request): Body<ChangeRequest>,
) -> Result<Answer<EditView>, Problem> {
    let line_id: LineId = lookup::id("line_id", &id)?;
    let station = station_of_line(&app, &intent, line_id).await?;
    let request = changed(&app, station, line_id, &request)?;
    let (done, view) = carried_out(&app, &intent, station, request, force).await?;
    Ok(Answer::ok(done, view))
}

fn changed(
    app: &App,
    station: StationId,
    line_id: LineId,
    request: &ChangeRequest,
) -> Result<EditRequest, Problem> {
    match (request.media_id, request.locked, request.place.is_given()) {
        (Some(media_id), None, false) => Ok(EditRequest::Replace { line_id, media_id }),
        (None, Some(locked), false) => Ok(EditRequest::Hold { line_id, locked }),
        (None, None, true) => {
            let (hour, place, anchor) = request.place.read(app, station)?;
            Ok(EditRequest::Move { line_id, to_hour: Some(hour), place, anchor })
        }
        (None, None, false) => Err(Problem::missing("missing_required_fields", "media_id")),
        (_, _, _) => {
            let detail = "media_id, locked and a place were given; one at a time can be changed";
            Err(Problem::invalid("media_id", detail))
        }
    }
}

/// Why an entry is removed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Removal {
    /// Why, for the record.
    #[serde(default)]
    reason: String,
    /// Carry it out even where it breaks a hard rule.
    #[serde(default)]
    force: bool,
}

/// Takes an entry out of the plan (manager).
#[utoipa::path(
    delete, path = "/schedule/{line_id}", tag = "timeline",
    params(("line_id" = String, Path), Removal),
    responses(
        (status = 200, body = EditView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(removal): Params<Removal>,
) -> Result<Answer<EditView>, Problem> {
    let line_id: LineId = lookup::id("line_id", &id)?;
    let station = station_of_line(&app, &intent, line_id).await?;
    let request = EditRequest::Drop { line_id, reason: removal.reason };
    let (done, view) = carried_out(&app, &intent, station, request, removal.force).await?;
    Ok(Answer::ok(done, view))
}

/// What is to be queued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
}

/// Puts an item right behind what is on air and what comes next (manager).
#[utoipa::path(
    post, path = "/schedule/queue-next", tag = "timeline", params(Force),
    request_body = QueueRequest,
    responses((status = 200, body = EditView), (status = 409, body = ProblemDocument))
)]
pub async fn queue_next(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(Force { force }): Params<Force>,
    Body(request): Body<QueueRequest>,
) -> Result<Answer<EditView>, Problem> {
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let request = EditRequest::QueueNext { media_id: request.media_id };
    let (done, view) = carried_out(&app, &intent, station, request, force).await?;
    Ok(Answer::ok(done, view))
}

/// What is to be shuffled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShuffleRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Start of the hour, RFC 3339; the running one where not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    hour: Option<UtcMicros>,
}

/// Puts the songs of an hour that are still to air into another order; held and anchored entries
/// keep their places (manager).
#[utoipa::path(
    post, path = "/schedule/shuffle", tag = "timeline", params(Force),
    request_body = ShuffleRequest,
    responses((status = 200, body = EditView), (status = 409, body = ProblemDocument))
)]
pub async fn shuffle(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(Force { force }): Params<Force>,
    Body(request): Body<ShuffleRequest>,
) -> Result<Answer<EditView>, Problem> {
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let request = EditRequest::Shuffle { hour: request.hour };
    let (done, view) = carried_out(&app, &intent, station, request, force).await?;
    Ok(Answer::ok(done, view))
}
