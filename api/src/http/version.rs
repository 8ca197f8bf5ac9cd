//! Versions of a plan: ledger positions, listed, shown, compared, restored.

use super::edit::ViolationView;
use super::timeline::{ScheduleEntry, entry, firm_until};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::versions::Version;
use grimnir_events::timeline::Line;
use grimnir_events::{CommitId, LineId, MediaId, StationId, UtcMicros};
use grimnir_projections::timeline::upcoming;
use grimnir_rules::planner::violations::Violation;
use grimnir_rules::timeline::edits::diff::{HourDiff, Moved};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Versions of one answer at most.
const LIMIT_MAX: usize = 200;

/// One version of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    /// Ledger position; the version's id.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: UtcMicros,
    /// Who, e.g. `user:usr_…` or `system`.
    changed_by: String,
    /// What, e.g. `insert`, `plan_hour`.
    change_type: &'static str,
    /// Starts of the hours that it changed.
    #[schema(value_type = Vec<String>)]
    hours: Vec<UtcMicros>,
    /// The commit.
    #[schema(value_type = String)]
    commit_id: CommitId,
}

fn view(version: Version) -> VersionView {
    VersionView {
        seq: version.seq,
        at: version.at,
        changed_by: version.actor.to_string(),
        change_type: version.what,
        hours: version.hours,
        commit_id: version.commit_id,
    }
}

/// Which versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionsQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// How many, 1 to 200; 50 where not given.
    limit: Option<usize>,
    /// Only those before this ledger position.
    before: Option<u64>,
}

/// Lists versions of a station's plan, newest first.
#[utoipa::path(
    get, path = "/schedule/versions", tag = "timeline", params(VersionsQuery),
    responses((status = 200, body = Vec<VersionView>), (status = 422, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<VersionsQuery>,
) -> Result<Json<Vec<VersionView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let limit = query.limit.unwrap_or(50);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("limit is {limit}, expected 1 to {LIMIT_MAX}");
        return Err(Problem::invalid("limit", detail));
    }
    let versions = app.site.versions(station, query.before, limit).await?;
    Ok(Json(versions.into_iter().map(view).collect()))
}

/// Of which station.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
}

/// Shows a station's plan as it was at a ledger position.
#[utoipa::path(
    get, path = "/schedule/versions/{seq}", tag = "timeline",
    params(("seq" = u64, Path), VersionQuery),
    responses((status = 200, body = Vec<ScheduleEntry>), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(seq): Path<String>,
    Params(query): Params<VersionQuery>,
) -> Result<Json<Vec<ScheduleEntry>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let state = app.site.plan_at(station, position("seq", &seq)?).await?;
    let firm = firm_until(&app, station);
    let lines = state.hours.values().flat_map(|plan| {
        plan.lines.iter().map(|line| {
            let pin = state.pins.get(&line.id).copied();
            entry(station, upcoming(plan.hour, line, pin), firm)
        })
    });
    Ok(Json(lines.collect()))
}

fn position(field: &str, text: &str) -> Result<u64, Problem> {
    let detail =
        || format!("{field} is \"{}\", expected a ledger position", crate::extract::cut(text));
    text.parse().map_err(|_| Problem::invalid(field, detail()))
}

/// With what it is compared.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// The later ledger position; the plan of today where not given.
    compare_to: Option<u64>,
}

/// A line that is told of.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    /// The line.
    #[schema(value_type = String)]
    id: LineId,
    /// Its place in the hour, from 0.
    index: usize,
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// When it starts by the plan.
    #[schema(value_type = String, format = DateTime)]
    starts_at: UtcMicros,
}

/// A line that stands somewhere else.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovedView {
    /// Its id before.
    #[schema(value_type = String)]
    from_id: LineId,
    /// The hour it came from.
    #[schema(value_type = String, format = DateTime)]
    from_hour: UtcMicros,
    /// Its place there.
    from_index: usize,
    /// The line now.
    #[serde(flatten)]
    line: LineView,
}

/// What is different in one hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct HourDiffView {
    /// Start of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Lines that came.
    added: Vec<LineView>,
    /// Lines that went.
    removed: Vec<LineView>,
    /// Lines that came from elsewhere.
    moved: Vec<MovedView>,
    /// Lines that play in another way, as they are now.
    changed: Vec<LineView>,
    /// Lines of which only the time is another.
    retimed: usize,
}

fn line((index, line): (usize, Line)) -> LineView {
    LineView {
        id: line.id,
        index,
        media_id: line.media_id,
        title: line.title,
        artist: line.artist,
        starts_at: line.planned_at,
    }
}

fn moved(moved: Moved) -> MovedView {
    let Moved { from_id, from_hour, from_index, index, line: now } = moved;
    MovedView { from_id, from_hour, from_index, line: line((index, now)) }
}

fn hour(diff: HourDiff) -> HourDiffView {
    HourDiffView {
        hour: diff.hour,
        added: diff.added.into_iter().map(line).collect(),
        removed: diff.removed.into_iter().map(line).collect(),
        moved: diff.moved.into_iter().map(moved).collect(),
        changed: diff.changed.into_iter().map(|(index, _, now)| line((index, now))).collect(),
        retimed: diff.retimed,
    }
}

/// Compares a station's plan at two ledger positions, hour by hour.
#[utoipa::path(
    get, path = "/schedule/versions/{seq}/diff", tag = "timeline",
    params(("seq" = u64, Path), DiffQuery),
    responses((status = 200, body = Vec<HourDiffView>), (status = 404, body = ProblemDocument))
)]
pub async fn diff(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(seq): Path<String>,
    Params(query): Params<DiffQuery>,
) -> Result<Json<Vec<HourDiffView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let seq = position("seq", &seq)?;
    let found = app.site.diff_plans(station, seq, query.compare_to).await?;
    Ok(Json(found.into_iter().map(hour).collect()))
}

/// Whose plan is restored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Only hours that begin at this time or after it.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<UtcMicros>,
    /// Only hours that begin before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<UtcMicros>,
    /// Restore it even where that breaks a hard rule.
    #[serde(default)]
    force: bool,
}

/// An hour that stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftView {
    /// Start of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Why, as a code.
    code: &'static str,
    /// Why.
    detail: String,
}

/// What a restoration led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestoredView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Ledger position after it.
    seq: u64,
    /// Starts of the hours that are as they were.
    #[schema(value_type = Vec<String>)]
    hours: Vec<UtcMicros>,
    /// Hours that stay as they are.
    left: Vec<LeftView>,
    /// Lines that do not come back, for their items cannot be played any more.
    #[schema(value_type = Vec<String>)]
    missing: Vec<LineId>,
    /// What it breaks that was not broken before.
    #[schema(value_type = Vec<ViolationView>)]
    violations: Vec<Violation>,
}

/// Brings the hours to come, or those of a range, back to what they were at a ledger position, by
/// new commits. What has aired, is on air or comes next stays, and so do hours with a locked entry
/// (manager).
#[utoipa::path(
    post, path = "/schedule/versions/{seq}/restore", tag = "timeline",
    params(("seq" = u64, Path)), request_body = RestoreRequest,
    responses(
        (status = 200, body = RestoredView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn restore(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(seq): Path<String>,
    Body(request): Body<RestoreRequest>,
) -> Result<Answer<RestoredView>, Problem> {
    let station_id = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let seq = position("seq", &seq)?;
    let least = request.from.unwrap_or(UtcMicros(i64::MIN));
    let range = least..request.until.unwrap_or(UtcMicros(i64::MAX));
    let force = request.force;
    let restored = app.site.restore_plan(station_id, seq, range, force, intent.meta).await?;
    let done = Done { seq: restored.seq, replayed: restored.repeated };
    intent.shown_at(&app, restored.seq).await;
    let left = restored.left.into_iter();
    Ok(Answer::ok(
        done,
        RestoredView {
            station_id,
            seq: restored.seq,
            hours: restored.hours,
            left: left.map(|(hour, code, detail)| LeftView { hour, code, detail }).collect(),
            missing: restored.missing,
            violations: restored.violations,
        },
    ))
}
