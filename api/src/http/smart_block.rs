//! Smart blocks: rules that yield items, and what a station asks of every pick.

use super::kept::{self, Kept};
use super::mount::Removed;
use super::playlist::OfStation;
use super::timeline::Replan;
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use grimnir_events::smart_block::{
    BlockFault, BlockRules, SmartBlock, StationRules, check_separations,
};
use grimnir_events::{SmartBlockId, StationId};
use grimnir_projections::rows::BlockRow;
use grimnir_rules::Timeline;
use grimnir_rules::timeline::command::TimelineCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod tryout;

pub use tryout::{__path_explain, __path_materialize, __path_test, explain, materialize, test};

/// A smart block.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockView {
    /// Its id.
    #[schema(value_type = String)]
    id: SmartBlockId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// Its rules, every key with its value.
    #[schema(value_type = Object)]
    rules: BlockRules,
}

fn view(row: BlockRow) -> BlockView {
    let SmartBlock { id, name, description, rules } = row.block;
    BlockView { id, station_id: row.station_id, name, description, rules }
}

impl Kept for BlockRow {
    type Id = SmartBlockId;
    type Of = Timeline;

    fn find(app: &App, id: SmartBlockId) -> Option<Self> {
        app.site.views().smart_block(id)
    }
    fn station_id(&self) -> StationId {
        self.station_id
    }
    fn missing(id: SmartBlockId) -> Problem {
        Problem::not_found("smart_block_not_found", "id", format!("there is no smart block {id}"))
    }
    fn removal(block_id: SmartBlockId) -> TimelineCommand {
        TimelineCommand::RemoveSmartBlock { block_id }
    }
}

/// Lists a station's smart blocks.
#[utoipa::path(
    get, path = "/smart-blocks", tag = "timeline", params(OfStation),
    responses((status = 200, body = Vec<BlockView>))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<BlockView>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?;
    Ok(Json(app.site.views().smart_blocks(station.id).into_iter().map(view).collect()))
}

/// A smart block that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// Its name, 1 to 100 characters.
    name: String,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    description: String,
    /// Its rules: `include` and `exclude` (groups of `{field, op, value}`), `weights`, `quotas`,
    /// `separation`, `sequence`, `duration`, `order`, `rest`, `bumpers`, `interstitials`,
    /// `loop_to_fill`, `fallbacks`. What is left out has its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    rules: BlockRules,
}

impl BlockRequest {
    /// The block, if its rules make sense: told here, because here the key can be named.
    fn block(self, id: SmartBlockId) -> Result<SmartBlock, Problem> {
        let Self { name, description, rules, .. } = self;
        let block = SmartBlock { id, name, description, rules };
        block.validate().map_err(senseless)?;
        Ok(block)
    }
}

fn senseless(fault: BlockFault) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "smart_block_rules", fault.to_string())
        .field(fault.field)
}

/// Makes a smart block (manager).
#[utoipa::path(
    post, path = "/smart-blocks", tag = "timeline", params(Replan), request_body = BlockRequest,
    responses((status = 201, body = BlockView), (status = 422, body = ProblemDocument))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(options): Params<Replan>,
    Body(request): Body<BlockRequest>,
) -> Result<Answer<BlockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let station_id = lookup::needed_station(&app, station_id)?.id;
    let id = SmartBlockId(intent.mint("smart block"));
    let row = BlockRow { station_id, block: request.block(id)? };
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::created(done, format!("/api/v1/smart-blocks/{id}"), view(row)))
}

async fn set(
    app: &App,
    intent: &Intent<Managers>,
    row: &BlockRow,
    options: &Replan,
) -> Result<Done, Problem> {
    let command = TimelineCommand::SetSmartBlock { block: Box::new(row.block.clone()) };
    kept::recorded::<BlockRow>(app, intent, row.station_id, command, options).await
}

/// Shows a smart block.
#[utoipa::path(
    get, path = "/smart-blocks/{id}", tag = "timeline",
    params(("id" = String, Path), OfStation),
    responses((status = 200, body = BlockView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<OfStation>,
) -> Result<Json<BlockView>, Problem> {
    let (_, row) = kept::found::<BlockRow>(&app, &id, query.station_id.as_deref())?;
    Ok(Json(view(row)))
}

/// Gives a smart block another name, description and rules (manager).
#[utoipa::path(
    put, path = "/smart-blocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    request_body = BlockRequest,
    responses((status = 200, body = BlockView), (status = 404, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<BlockRequest>,
) -> Result<Answer<BlockView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let (id, row) = kept::found::<BlockRow>(&app, &id, station_id)?;
    let row = BlockRow { block: request.block(id)?, ..row };
    let done = set(&app, &intent, &row, &options).await?;
    Ok(Answer::ok(done, view(row)))
}

/// Removes a smart block that no clock and no other block names (manager).
#[utoipa::path(
    delete, path = "/smart-blocks/{id}", tag = "timeline", params(("id" = String, Path), Replan),
    responses(
        (status = 200, body = Removed), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
) -> Result<Answer<Removed>, Problem> {
    kept::removed::<BlockRow>(&app, &intent, &id, &options).await
}

/// What a station asks of every pick.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The rules.
    #[serde(flatten)]
    #[schema(value_type = RulesBody)]
    rules: StationRules,
}

/// What a station is to ask of every pick.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes what the stored type reads and shows")]
pub struct RulesBody {
    /// The performance complement of 17 U.S.C. § 114(j)(13) is kept, whatever else is relaxed.
    performance_complement: bool,
    /// Seconds between alike items, for sources that name none of their own: `artist_sec`,
    /// `title_sec`, `album_sec`, `label_sec`, `fields` (a list of `{field, sec}`).
    #[schema(value_type = Object)]
    separation: (),
}

/// Shows what a station asks of every pick.
#[utoipa::path(
    get, path = "/stations/{id}/planning-rules", tag = "timeline",
    params(("id" = String, Path)),
    responses((status = 200, body = RulesView), (status = 404, body = ProblemDocument))
)]
pub async fn rules(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<RulesView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    Ok(Json(RulesView { station_id, rules: app.site.views().station_rules(station_id) }))
}

/// Sets what a station asks of every pick; what is left out has its default (manager).
#[utoipa::path(
    put, path = "/stations/{id}/planning-rules", tag = "timeline",
    params(("id" = String, Path), Replan), request_body = RulesBody,
    responses((status = 200, body = RulesView), (status = 422, body = ProblemDocument))
)]
pub async fn set_rules(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(rules): Body<StationRules>,
) -> Result<Answer<RulesView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    check_separations("separation", &rules.separation).map_err(senseless)?;
    let command = TimelineCommand::SetStationRules { rules: Box::new(rules.clone()) };
    let done = kept::recorded::<BlockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, RulesView { station_id, rules }))
}
