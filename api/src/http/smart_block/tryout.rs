//! Smart blocks tried out, and planned lines explained; nothing is recorded.

use super::super::kept;
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Body;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::Line;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{LineId, MediaId, SmartBlockId, StationId, UtcMicros};
use grimnir_projections::rows::BlockRow;
use grimnir_rules::planner::v2::PickTrace;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const HOUR_US: i64 = 3_600_000_000;
/// Length of a run where none is asked for.
const DURATION_MS: u32 = 15 * 60_000;
/// Longest run: a day.
const DURATION_MAX_MS: u32 = 24 * 3_600_000;

/// A run of a block that is to be tried out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaterializeRequest {
    /// The station, by id or slug; a block of another is not found.
    station_id: Option<String>,
    /// What chance is drawn from; 0 or not given takes a fresh one, which the answer names.
    #[serde(default)]
    seed: u64,
    /// Length, at most 24 h; 0 or not given means 15 min.
    #[serde(default)]
    duration_ms: u32,
    /// From when, RFC 3339; the start of the next hour where not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<UtcMicros>,
}

/// One item of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedItem {
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// What it is.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// Its start, from the start of the run.
    starts_at_ms: i64,
    /// Start of the next one.
    ends_at_ms: i64,
}

/// What a block would yield.
#[derive(Debug, Serialize, ToSchema)]
pub struct Materialization {
    /// The block.
    #[schema(value_type = String)]
    smart_block_id: SmartBlockId,
    /// What chance was drawn from; given again, it leads to the same items.
    seed: u64,
    /// When the run starts.
    #[schema(value_type = String, format = DateTime)]
    at: UtcMicros,
    /// The items.
    items: Vec<TriedItem>,
    /// From the start of the run to the end of its last item.
    total_ms: i64,
    /// A pick failed: the block had nothing more to give.
    exhausted: bool,
    /// What could not be done as asked.
    notes: Vec<String>,
    /// How each pick came about.
    #[schema(value_type = Vec<Object>)]
    picks: Vec<PickTrace>,
}

fn items(at: UtcMicros, lines: Vec<Line>) -> Vec<TriedItem> {
    let item = |line: Line| {
        let starts_at_ms = line.planned_at.since(at).div_euclid(1_000);
        let ends_at = line.planned_at.plus(micros_of_frames(line.cues.airtime()));
        TriedItem {
            media_id: line.media_id,
            title: line.title,
            artist: line.artist,
            kind: line.kind,
            starts_at_ms,
            ends_at_ms: ends_at.since(at).div_euclid(1_000),
        }
    };
    lines.into_iter().map(item).collect()
}

/// The start of the next hour: a trial repeated within the hour meets the same plan.
fn next_hour() -> UtcMicros {
    let now = super::super::now();
    UtcMicros(now.0.div_euclid(HOUR_US).saturating_add(1).saturating_mul(HOUR_US))
}

/// Shows what a smart block would yield; nothing is planned.
#[utoipa::path(
    post, path = "/smart-blocks/{id}/materialize", tag = "timeline",
    params(("id" = String, Path)), request_body = MaterializeRequest,
    responses((status = 200, body = Materialization), (status = 404, body = ProblemDocument))
)]
pub async fn materialize(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Body(request): Body<MaterializeRequest>,
) -> Result<Json<Materialization>, Problem> {
    let (id, row) = kept::found::<BlockRow>(&app, &id, request.station_id.as_deref())?;
    let duration_ms = if request.duration_ms == 0 { DURATION_MS } else { request.duration_ms };
    if !(1_000..=DURATION_MAX_MS).contains(&duration_ms) {
        let detail = format!("duration_ms is {duration_ms}, expected 1000 to {DURATION_MAX_MS}");
        return Err(Problem::invalid("duration_ms", detail));
    }
    let seed = if request.seed == 0 { fresh_seed(&app) } else { request.seed };
    let at = request.at.unwrap_or_else(next_hour);
    let made = app.site.materialize(row.station_id, row.block, at, duration_ms, seed).await?;
    let items = items(at, made.lines);
    let picks: Vec<PickTrace> = made.picks.into_iter().map(|(_, trace)| trace).collect();
    Ok(Json(Materialization {
        smart_block_id: id,
        seed,
        at,
        total_ms: items.last().map_or(0, |item| item.ends_at_ms),
        exhausted: picks.iter().any(|pick| pick.picked.is_none()),
        items,
        notes: made.notes,
        picks,
    }))
}

/// A seed that JSON numbers hold exactly.
fn fresh_seed(app: &App) -> u64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&app.site.fresh_id()[..6]);
    u64::from_be_bytes(bytes).max(1)
}

/// When a block is to be tested.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// The station, by id or slug; a block of another is not found.
    station_id: Option<String>,
    /// When, RFC 3339; the start of the next hour where not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<UtcMicros>,
}

/// What each rule of a block leaves of the library.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestView {
    /// The block.
    #[schema(value_type = String)]
    smart_block_id: SmartBlockId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: UtcMicros,
    /// Items looked at.
    library: usize,
    /// Of a kind that does not come up here.
    other: usize,
    /// Left out by each include group, of those that came as far.
    include: Vec<usize>,
    /// Left out by each exclude group, of those that came as far.
    exclude: Vec<usize>,
    /// Items that can come up.
    matching: usize,
    /// Items that come up once exclusions are relaxed.
    reserve: usize,
    /// Airtime of the items that can come up.
    airtime_ms: i64,
    /// The first pick: what the rules that look at the time hold back.
    #[schema(value_type = Object)]
    pick: PickTrace,
}

/// Counts what each rule of a smart block leaves of the library.
#[utoipa::path(
    post, path = "/smart-blocks/{id}/test", tag = "timeline", params(("id" = String, Path)),
    request_body = TestRequest,
    responses((status = 200, body = TestView), (status = 404, body = ProblemDocument))
)]
pub async fn test(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Body(request): Body<TestRequest>,
) -> Result<Json<TestView>, Problem> {
    let (id, row) = kept::found::<BlockRow>(&app, &id, request.station_id.as_deref())?;
    let at = request.at.unwrap_or_else(next_hour);
    let tested = app.site.test_block(row.station_id, row.block, at).await?;
    Ok(Json(TestView {
        smart_block_id: id,
        at,
        library: tested.counts.library,
        other: tested.counts.other,
        include: tested.counts.include,
        exclude: tested.counts.exclude,
        matching: tested.matching,
        reserve: tested.reserve,
        airtime_ms: micros_of_frames(tested.airtime).div_euclid(1_000),
        pick: tested.pick,
    }))
}

/// Why a planned line is what it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainView {
    /// The line.
    #[schema(value_type = String)]
    line_id: LineId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Start of its hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// The pick, found by planning the hour again; null where that does not lead to this line.
    #[schema(value_type = Option<Object>)]
    pick: Option<PickTrace>,
    /// Planning the hour again leads to the very lines that were planned.
    same_hour: bool,
    /// The station or its library changed since the hour was planned.
    inputs_moved: bool,
    /// Version of the planner that planned the hour.
    planner_version: u32,
    /// Version of the planner that explains it.
    explained_by: u32,
    /// Ledger position that the hour was planned at.
    input_seq: u64,
    /// What the planner noted about the hour.
    notes: Vec<String>,
}

/// Explains why a planned line is what it is, by planning its hour again from what is known now.
#[utoipa::path(
    get, path = "/schedule/{line_id}/explain", tag = "timeline",
    params(("line_id" = String, Path)),
    responses((status = 200, body = ExplainView), (status = 404, body = ProblemDocument))
)]
pub async fn explain(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<ExplainView>, Problem> {
    let line_id: LineId = lookup::id("line_id", &id)?;
    let unknown = || {
        let detail = format!("no planned hour that is kept has line {line_id}");
        Problem::not_found("unknown_line", "line_id", detail)
    };
    let (station_id, plan) = app.site.views().line_place(line_id).ok_or_else(unknown)?;
    let found = app.site.explain_line(station_id, plan.hour, line_id).await?;
    let found = found.ok_or_else(unknown)?;
    Ok(Json(ExplainView {
        line_id,
        station_id,
        hour: plan.hour,
        pick: found.pick,
        same_hour: found.same_hour,
        inputs_moved: found.inputs_moved,
        planner_version: found.planned_by,
        explained_by: found.explained_by,
        input_seq: found.input_seq,
        notes: plan.notes,
    }))
}
