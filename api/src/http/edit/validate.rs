//! What a plan breaks, or would after some edits; nothing is recorded.

use super::{EntryStart, PlaceBody, ViolationView};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::edits::EditRequest;
use grimnir_events::{LineId, MediaId, StationId, UtcMicros};
use grimnir_rules::planner::violations::{Severity, Violation};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const HOUR_US: i64 = 3_600_000_000;
/// Most edits of one request.
const EDITS_MAX: usize = 100;

/// Which hours.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Window {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Hours that begin from here on, RFC 3339; now where not given.
    #[param(value_type = Option<String>)]
    start: Option<UtcMicros>,
    /// Hours that begin before, RFC 3339; 24 h later where not given.
    #[param(value_type = Option<String>)]
    end: Option<UtcMicros>,
}

/// What is broken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Validation {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Nothing hard is broken.
    valid: bool,
    /// What is.
    #[schema(value_type = Vec<ViolationView>)]
    violations: Vec<Violation>,
}

impl Validation {
    fn of(station_id: StationId, violations: Vec<Violation>) -> Json<Self> {
        let valid = violations.iter().all(|v| v.severity == Severity::Soft);
        Json(Self { station_id, valid, violations })
    }
}

/// Shows what the plan breaks as it is.
#[utoipa::path(
    get, path = "/schedule/validate", tag = "timeline", params(Window),
    responses((status = 200, body = Validation), (status = 422, body = ProblemDocument))
)]
pub async fn validate(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(window): Params<Window>,
) -> Result<Json<Validation>, Problem> {
    let station = lookup::needed_station(&app, window.station_id.as_deref())?.id;
    let start = window.start.unwrap_or_else(|| super::super::now().plus(-HOUR_US));
    let end = window.end.unwrap_or_else(|| start.plus(25 * HOUR_US));
    if end < start {
        let detail = format!("end is {end}, before start at {start}");
        return Err(Problem::invalid("end", detail));
    }
    Ok(Validation::of(station, app.site.validate_plan(station, start, end).await?))
}

/// One edit that is only asked about.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct EditBody {
    /// What.
    op: Op,
    /// The entry, for `move`, `replace`, `delete`, `lock` and `unlock`.
    #[schema(value_type = Option<String>)]
    id: Option<LineId>,
    /// The item, for `insert`, `replace` and `queue_next`.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// Where, for `insert` and `move`; the hour of `shuffle`.
    #[serde(flatten)]
    place: PlaceBody,
}

/// What is done.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Put an item in.
    Insert,
    /// Put an entry somewhere else.
    Move,
    /// Let another item air in its place.
    Replace,
    /// Take it out.
    Delete,
    /// Hold it.
    Lock,
    /// Let it go.
    Unlock,
    /// Put the songs of an hour into another order.
    Shuffle,
    /// Put an item behind what comes next.
    QueueNext,
}

/// Edits that are only asked about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditsRequest {
    /// The edits, each on top of those before it; none judges the plan as it is.
    edits: Vec<EditBody>,
}

impl EditBody {
    fn read(&self, app: &App, station: StationId, at: usize) -> Result<EditRequest, Problem> {
        let name = |field: &str| format!("edits[{at}].{field}");
        let missing = |field: &str| Problem::missing("missing_required_fields", name(field));
        let line = || self.id.ok_or_else(|| missing("id"));
        let item = || self.media_id.ok_or_else(|| missing("media_id"));
        if self.place.start != EntryStart::Free && self.place.starts_at.is_none() {
            return Err(missing("starts_at"));
        }
        Ok(match self.op {
            Op::Insert => {
                let media_id = item()?;
                let (hour, place, anchor) = self.place.read(app, station)?;
                EditRequest::Insert { hour, place, media_id, anchor }
            }
            Op::Move => {
                let line_id = line()?;
                let (hour, place, anchor) = self.place.read(app, station)?;
                EditRequest::Move { line_id, to_hour: Some(hour), place, anchor }
            }
            Op::Replace => EditRequest::Replace { line_id: line()?, media_id: item()? },
            Op::Delete => EditRequest::Drop { line_id: line()?, reason: String::new() },
            Op::Lock => EditRequest::Hold { line_id: line()?, locked: true },
            Op::Unlock => EditRequest::Hold { line_id: line()?, locked: false },
            Op::Shuffle => EditRequest::Shuffle { hour: self.place.hour },
            Op::QueueNext => EditRequest::QueueNext { media_id: item()? },
        })
    }
}

/// Shows what edits would break, without carrying them out; one that would be refused is told with
/// the code of the refusal (manager).
#[utoipa::path(
    post, path = "/stations/{id}/schedule/validate", tag = "timeline",
    params(("id" = String, Path)), request_body = EditsRequest,
    responses((status = 200, body = Validation), (status = 422, body = ProblemDocument))
)]
pub async fn validate_edits(
    State(app): State<App>,
    _: SignedIn<Managers>,
    Path(id): Path<String>,
    Body(request): Body<EditsRequest>,
) -> Result<Json<Validation>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let found = request.edits.len();
    if found > EDITS_MAX {
        let detail = format!("{found} edits, limit {EDITS_MAX}");
        return Err(Problem::invalid("edits", detail));
    }
    let edits = request.edits.iter().enumerate().map(|(at, edit)| edit.read(&app, station, at));
    let edits: Vec<EditRequest> = edits.collect::<Result<_, _>>()?;
    let violations = if edits.is_empty() {
        let from = super::super::now().plus(-HOUR_US);
        app.site.validate_plan(station, from, from.plus(25 * HOUR_US)).await?
    } else {
        app.site.validate_edits(station, edits).await?
    };
    Ok(Validation::of(station, violations))
}
