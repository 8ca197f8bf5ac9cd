//! The programme bus as a graph: a line of nodes from INPUT to OUTPUT (`grimnir_mix::dsp::spec`).
//!
//! What is accepted is applied; anything else is refused, naming the node and what is allowed. The
//! bus ends with a limiter whether or not one is asked for.

use super::Control;
use crate::air::bus::Shape;
use crate::air::{AirCommand, AirHandle};
use crate::held::{Cache, Part};
use grimnir_engine_proto::v1::{GraphNode, LoadGraphRequest};
use grimnir_events::codec;
use grimnir_events::dsp::{DspGraph, DspNode};
use grimnir_mix::dsp::plan::{Asked, Plan};
use grimnir_mix::dsp::spec::MOST_NODES;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// What is loaded.
pub struct Loaded {
    graph: DspGraph,
    cache: Cache,
    count: u64,
}

impl Loaded {
    /// What an earlier run had loaded goes on.
    pub fn again(graph: DspGraph, cache: Cache, air: &AirHandle) -> Self {
        match plan_of(&graph) {
            Ok(plan) => apply(air, &plan),
            Err((place, what)) => {
                tracing::error!(
                    place,
                    what,
                    "kept graph cannot be loaded; the limiter stands alone"
                );
            }
        }
        Self { graph, cache, count: 0 }
    }
}

fn plan_of(graph: &DspGraph) -> Result<Plan, (usize, String)> {
    let asked: Vec<Asked<'_>> =
        graph.nodes.iter().map(|node| (node.kind.as_str(), &node.params)).collect();
    Plan::of(&asked)
}

fn shape(plan: &Plan) -> Shape {
    let (ceiling_db, release_ms) = (plan.ceiling_db, plan.release_ms);
    let source_silence = plan.source_silence.map(|silence| silence.settings);
    let chain = Box::new(plan.chain());
    Shape { chain, ceiling_db, release_ms, duck: plan.duck, source_silence }
}

/// Has the plan take effect: items that start from here on are watched by it.
fn apply(air: &AirHandle, plan: &Plan) {
    air.view.set_exempt(plan.source_silence.map(|silence| silence.exempt).unwrap_or_default());
    air.send(AirCommand::Bus(shape(plan)));
}

/// Applies a graph; answers its handle, or why not. One that is loaded already is left alone: what
/// its nodes have heard goes on.
pub(super) fn load(control: &Control, request: &LoadGraphRequest) -> Result<String, String> {
    let (graph, plan) = read(request)?;
    let mut loaded = control.graph.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.graph != graph || loaded.count == 0 && graph == DspGraph::default() {
        if loaded.graph != graph {
            apply(&control.air, &plan);
        }
        let encoded =
            codec::encode(&graph).map_err(|e| format!("the graph cannot be kept: {e}"))?;
        loaded.cache.keep(Part::Graph, request.epoch, &encoded.bytes);
        loaded.graph = graph;
        loaded.count += 1;
    }
    Ok(format!("graph-{}", loaded.count))
}

/// The nodes between INPUT and OUTPUT, as data and as a plan.
fn read(request: &LoadGraphRequest) -> Result<(DspGraph, Plan), String> {
    if request.nodes.len() > MOST_NODES + 2 {
        return Err(format!("the graph has {} nodes, limit {MOST_NODES}", request.nodes.len()));
    }
    let chain = in_order(request)?;
    for (node, wanted) in [(chain.first(), "INPUT"), (chain.last(), "OUTPUT")] {
        if node.is_none_or(|node| node.r#type != wanted) {
            let found = node.map_or("nothing", |node| node.r#type.as_str());
            return Err(format!("the chain has {found} where {wanted} must stand"));
        }
        if let Some(name) = node.and_then(|node| node.params.keys().next()) {
            return Err(format!("{wanted} has no parameter {name:?}, allowed none"));
        }
    }
    let inner = chain.get(1..chain.len() - 1).unwrap_or_default();
    let node = |node: &&GraphNode| DspNode {
        kind: node.r#type.clone(),
        params: node.params.clone().into_iter().collect(),
    };
    let graph = DspGraph { preset: String::new(), nodes: inner.iter().map(node).collect() };
    let id = |place: usize| inner.get(place).map_or("", |node| node.id.as_str());
    let plan = plan_of(&graph).map_err(|(place, what)| format!("node {}: {what}", id(place)))?;
    Ok((graph, plan))
}

/// The nodes along the edges: one line, every node on it.
fn in_order(request: &LoadGraphRequest) -> Result<Vec<&GraphNode>, String> {
    let mut nodes: BTreeMap<&str, &GraphNode> = BTreeMap::new();
    for node in &request.nodes {
        if nodes.insert(&node.id, node).is_some() {
            return Err(format!("node {}: the id stands twice", node.id));
        }
    }
    let mut next: BTreeMap<&str, &str> = BTreeMap::new();
    let mut targets: BTreeMap<&str, &str> = BTreeMap::new();
    for edge in &request.edges {
        for end in [&edge.from, &edge.to] {
            if !nodes.contains_key(end.as_str()) {
                return Err(format!("edge {} → {}: no node {end}", edge.from, edge.to));
            }
        }
        let twice = next.insert(&edge.from, &edge.to).is_some();
        if twice || targets.insert(&edge.to, &edge.from).is_some() {
            return Err(format!(
                "edge {} → {}: the graph branches, it must be one line",
                edge.from, edge.to
            ));
        }
    }
    let first = nodes.keys().find(|id| !targets.contains_key(*id)).copied();
    let mut chain = Vec::new();
    let mut at = first;
    while let Some(id) = at {
        chain.extend(nodes.remove(id));
        at = next.get(id).copied();
    }
    match nodes.keys().next() {
        Some(id) => Err(format!("node {id}: not on the line from INPUT to OUTPUT")),
        None => Ok(chain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_engine_proto::v1::GraphEdge;
    use grimnir_mix::dsp::{NodeSpec, Preset};
    use grimnir_mix::limiter::CEILING_DB;

    type Sketch<'a> = (&'a str, &'a [(&'a str, &'a str)]);

    fn graph(types: &[Sketch<'_>]) -> LoadGraphRequest {
        let node = |(n, (kind, params)): (usize, &Sketch<'_>)| GraphNode {
            id: format!("n{n}"),
            r#type: (*kind).to_owned(),
            params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let edge = |n: usize| GraphEdge { from: format!("n{}", n - 1), to: format!("n{n}") };
        LoadGraphRequest {
            nodes: types.iter().enumerate().map(node).collect(),
            edges: (1..types.len()).map(edge).collect(),
            epoch: 0,
        }
    }

    #[test]
    fn a_line_of_known_nodes_is_taken_with_its_values() {
        let request = graph(&[
            ("INPUT", &[]),
            ("GAIN", &[("gain_db", "-6")]),
            ("LIMITER", &[("ceiling_db", "-3.5")]),
            ("LEVEL_METER", &[]),
            ("OUTPUT", &[]),
        ]);
        let (_, plan) = read(&request).expect("is taken");
        assert_eq!((plan.nodes.len(), plan.ceiling_db), (2, -3.5));
        assert_eq!(plan.nodes[0], NodeSpec::Gain(-6.0));
        let (_, bare) = read(&graph(&[("INPUT", &[]), ("OUTPUT", &[])])).expect("is taken");
        assert_eq!((bare.nodes.len(), bare.ceiling_db), (0, CEILING_DB));
    }

    #[test]
    fn every_preset_is_a_graph() {
        for preset in Preset::ALL {
            let mut types: Vec<Sketch<'_>> = vec![("INPUT", &[])];
            types.extend_from_slice(preset.nodes());
            types.push(("OUTPUT", &[]));
            assert!(read(&graph(&types)).is_ok(), "{}", preset.word());
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (request, word) in [
            (graph(&[]), "INPUT"),
            (graph(&[("INPUT", &[]), ("REVERB", &[]), ("OUTPUT", &[])]), "REVERB"),
            (
                graph(&[("INPUT", &[]), ("GAIN", &[("gain_db", "30")]), ("OUTPUT", &[])]),
                "-24 to 24",
            ),
            (graph(&[("INPUT", &[]), ("GAIN", &[("gain_db", "NaN")]), ("OUTPUT", &[])]), "NaN"),
            (graph(&[("INPUT", &[]), ("GAIN", &[("pan", "0")]), ("OUTPUT", &[])]), "pan"),
            (
                graph(&[("INPUT", &[]), ("LIMITER", &[]), ("GAIN", &[]), ("OUTPUT", &[])]),
                "LIMITER stands before",
            ),
            (graph(&[("INPUT", &[]), ("OUTPUT", &[]), ("OUTPUT", &[])]), "OUTPUT"),
        ] {
            let refusal = read(&request).expect_err("refused");
            assert!(refusal.contains(word), "{refusal}");
        }
        let mut branching = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        branching.edges.push(GraphEdge { from: "n0".into(), to: "n2".into() });
        assert!(read(&branching).expect_err("refused").contains("branches"));
        let mut ring = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        ring.edges.push(GraphEdge { from: "n2".into(), to: "n0".into() });
        assert!(read(&ring).is_err());
    }
}
