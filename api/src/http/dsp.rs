//! What shapes a station's programme: a chain of nodes, own or from a preset.

use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::StationId;
use grimnir_events::dsp::{DspGraph, DspNode};
use grimnir_mix::dsp::Preset;
use grimnir_mix::dsp::plan::{Asked, Plan};
use grimnir_rules::Station;
use grimnir_rules::station::command::StationCommand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What is to shape the programme: either a preset, or nodes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphBody {
    /// `clean`, `music`, `broadcast` or `speech`.
    preset: Option<String>,
    /// The nodes, in order; a limiter ends the chain whether or not one is named.
    nodes: Option<Vec<NodeBody>>,
}

/// One node.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeBody {
    /// `GAIN`, `LOUDNESS_NORMALIZE`, `AGC`, `COMPRESSOR`, `LIMITER`, `EQUALIZER`, `GATE`,
    /// `HIGH_PASS`, `STEREO_WIDTH`, `MIX`, `DUCK`, `SILENCE_DETECTOR` or `LEVEL_METER`.
    r#type: String,
    /// Parameters by name, as numbers or texts.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    params: BTreeMap<String, Param>,
}

/// A parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Param {
    Number(serde_json::Number),
    Bool(bool),
    Text(String),
}

impl Param {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Bool(yes) => yes.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What shapes a station's programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct GraphView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The preset it was made from; null for one of its own.
    preset: Option<String>,
    /// The nodes, in order.
    nodes: Vec<NodeBody>,
}

/// A chain that is ready made.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresetView {
    /// Its name.
    preset: &'static str,
    /// Its nodes, in order.
    nodes: Vec<NodeBody>,
}

fn shown(station_id: StationId, graph: DspGraph) -> GraphView {
    let node = |node: DspNode| NodeBody {
        r#type: node.kind,
        params: node.params.into_iter().map(|(name, text)| (name, Param::Text(text))).collect(),
    };
    let preset = (!graph.preset.is_empty()).then_some(graph.preset);
    GraphView { station_id, preset, nodes: graph.nodes.into_iter().map(node).collect() }
}

fn of_preset(preset: Preset) -> DspGraph {
    let node = |(kind, params): &(&str, &[(&str, &str)])| DspNode {
        kind: (*kind).to_owned(),
        params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    let nodes = preset.nodes().iter().map(node).collect();
    DspGraph { preset: preset.word().to_owned(), nodes }
}

impl GraphBody {
    fn read(self) -> Result<DspGraph, Problem> {
        let graph = match (self.preset, self.nodes) {
            (Some(word), None) => {
                let known = Preset::ALL.into_iter().find(|preset| preset.word() == word);
                let Some(preset) = known else {
                    let allowed = Preset::ALL.map(Preset::word).join(", ");
                    let word: String = word.chars().take(80).collect();
                    let detail = format!("preset is {word:?}, allowed {allowed}");
                    return Err(Problem::invalid("preset", detail));
                };
                of_preset(preset)
            }
            (None, Some(nodes)) => {
                let node = |node: NodeBody| DspNode {
                    kind: node.r#type,
                    params: node.params.iter().map(|(k, v)| (k.clone(), v.text())).collect(),
                };
                DspGraph { preset: String::new(), nodes: nodes.into_iter().map(node).collect() }
            }
            (Some(_), Some(_)) | (None, None) => {
                let detail = "expected either preset or nodes".to_owned();
                return Err(Problem::invalid("preset", detail));
            }
        };
        let asked: Vec<Asked<'_>> =
            graph.nodes.iter().map(|node| (node.kind.as_str(), &node.params)).collect();
        match Plan::of(&asked) {
            Ok(_) => Ok(graph),
            Err((place, what)) => Err(Problem::invalid(format!("nodes[{place}]"), what)),
        }
    }
}

/// Shows what shapes a station's programme.
#[utoipa::path(
    get, path = "/stations/{id}/dsp-graph", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = GraphView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<GraphView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    Ok(Json(shown(row.id, row.dsp)))
}

/// Shapes a station's programme from now on; what was there before fades over in 20 ms (manager).
#[utoipa::path(
    put, path = "/stations/{id}/dsp-graph", tag = "stations", params(("id" = String, Path)),
    request_body = GraphBody,
    responses((status = 200, body = GraphView), (status = 422, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<GraphBody>,
) -> Result<Answer<GraphView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let graph = request.read()?;
    let command = StationCommand::SetDspGraph { graph: graph.clone() };
    let receipt = app.site.command::<Station>(station_id, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, shown(station_id, graph)))
}

/// Lists the chains that are ready made.
#[utoipa::path(
    get, path = "/dsp-presets", tag = "stations",
    responses((status = 200, body = Vec<PresetView>))
)]
pub async fn presets(_: SignedIn<Djs>) -> Json<Vec<PresetView>> {
    let view = |preset: Preset| PresetView {
        preset: preset.word(),
        nodes: shown(StationId::default(), of_preset(preset)).nodes,
    };
    Json(Preset::ALL.into_iter().map(view).collect())
}
