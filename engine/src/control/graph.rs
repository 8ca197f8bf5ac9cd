//! The programme bus as a graph: a line of nodes from INPUT to OUTPUT (`grimnir_mix::dsp::spec`).
//!
//! What is accepted is applied; anything else is refused, naming the node and what is allowed. The
//! bus ends with a limiter whether or not one is asked for.

use super::Control;
use crate::air::AirCommand;
use crate::air::bus::Shape;
use grimnir_engine_proto::v1::{GraphNode, LoadGraphRequest};
use grimnir_mix::dsp::spec::MOST_NODES;
use grimnir_mix::dsp::{Chain, NodeSpec};
use grimnir_mix::limiter::{CEILING_DB, RELEASE_MS};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// What is loaded.
#[derive(Default)]
pub struct Loaded {
    count: u64,
}

/// What a graph asks for.
#[derive(Debug, PartialEq)]
struct Plan {
    nodes: Vec<NodeSpec>,
    ceiling_db: f32,
    release_ms: f64,
}

/// Applies a graph; answers its handle, or why not.
pub(super) fn load(control: &Control, request: &LoadGraphRequest) -> Result<String, String> {
    let plan = plan_of(request)?;
    let mut loaded = control.graph.lock().unwrap_or_else(PoisonError::into_inner);
    control.air.send(AirCommand::Bus(Shape {
        chain: Box::new(Chain::of(&plan.nodes)),
        ceiling_db: plan.ceiling_db,
        release_ms: plan.release_ms,
    }));
    loaded.count += 1;
    Ok(format!("graph-{}", loaded.count))
}

fn plan_of(request: &LoadGraphRequest) -> Result<Plan, String> {
    if request.nodes.len() > MOST_NODES {
        return Err(format!("the graph has {} nodes, limit {MOST_NODES}", request.nodes.len()));
    }
    let chain = in_order(request)?;
    for (node, wanted) in [(chain.first(), "INPUT"), (chain.last(), "OUTPUT")] {
        if node.is_none_or(|node| node.r#type != wanted) {
            let found = node.map_or("nothing", |node| node.r#type.as_str());
            return Err(format!("the chain has {found} where {wanted} must stand"));
        }
    }
    let (mut nodes, mut limiter) = (Vec::new(), None);
    for (place, node) in chain.iter().enumerate() {
        let last = place + 1 == chain.len();
        if place == 0 || last {
            if let Some(name) = node.params.keys().next() {
                return Err(format!("node {}: {} has no parameter {name:?}", node.id, node.r#type));
            }
            continue;
        }
        let params: BTreeMap<String, String> =
            node.params.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
        let spec = NodeSpec::parse(&node.r#type, &params)
            .map_err(|error| format!("node {}: {error}", node.id))?;
        let behind = chain[place + 1..chain.len() - 1].iter();
        match spec {
            // It looks ahead, and everything that listens is behind it anyway.
            NodeSpec::Limiter { .. } if behind.clone().any(|n| !LISTENS.contains(&&*n.r#type)) => {
                return Err(format!(
                    "node {}: LIMITER stands before a node that changes the sound; behind it only \
                     {} may stand, in this order of sound",
                    node.id,
                    LISTENS.join(" and ")
                ));
            }
            NodeSpec::Limiter { .. } if limiter.is_some() => {
                return Err(format!("node {}: a second LIMITER, one is allowed", node.id));
            }
            NodeSpec::Limiter { ceiling_db, release_ms } => {
                limiter = Some((ceiling_db as f32, release_ms));
            }
            other => nodes.push(other),
        }
    }
    let (ceiling_db, release_ms) = limiter.unwrap_or((CEILING_DB, RELEASE_MS));
    Ok(Plan { nodes, ceiling_db, release_ms })
}

/// What may stand behind the limiter.
const LISTENS: [&str; 2] = ["SILENCE_DETECTOR", "LEVEL_METER"];

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
    use grimnir_mix::dsp::Preset;

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
        let plan = plan_of(&request).expect("is taken");
        assert_eq!((plan.nodes.len(), plan.ceiling_db), (2, -3.5));
        assert_eq!(plan.nodes[0], NodeSpec::Gain(-6.0));
        let bare = plan_of(&graph(&[("INPUT", &[]), ("OUTPUT", &[])])).expect("is taken");
        assert_eq!((bare.nodes.len(), bare.ceiling_db), (0, CEILING_DB));
    }

    #[test]
    fn every_preset_is_a_graph() {
        for preset in Preset::ALL {
            let mut types: Vec<Sketch<'_>> = vec![("INPUT", &[])];
            types.extend_from_slice(preset.nodes());
            types.push(("OUTPUT", &[]));
            assert!(plan_of(&graph(&types)).is_ok(), "{}", preset.word());
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
            let refusal = plan_of(&request).expect_err("refused");
            assert!(refusal.contains(word), "{refusal}");
        }
        let mut branching = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        branching.edges.push(GraphEdge { from: "n0".into(), to: "n2".into() });
        assert!(plan_of(&branching).expect_err("refused").contains("branches"));
        let mut ring = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        ring.edges.push(GraphEdge { from: "n2".into(), to: "n0".into() });
        assert!(plan_of(&ring).is_err());
    }
}
