//! The programme bus as a graph: INPUT, then gain, limiter and meter where asked for, OUTPUT.
//!
//! What is accepted is applied; anything else is refused, naming the node and what is allowed.

use super::Control;
use crate::air::AirCommand;
use crate::air::bus::BusSettings;
use grimnir_engine_proto::v1::{GraphNode, LoadGraphRequest};
use grimnir_mix::Limiter;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::PoisonError;

/// The order in which node types may stand; each at most once.
const ORDER: [&str; 5] = ["INPUT", "GAIN", "LIMITER", "LEVEL_METER", "OUTPUT"];
const GAIN_DB: RangeInclusive<f32> = -24.0..=24.0;
const CEILING_DB: RangeInclusive<f32> = -12.0..=0.0;

/// What is loaded.
#[derive(Default)]
pub struct Loaded {
    settings: BusSettings,
    count: u64,
}

/// Applies a graph; answers its handle, or why not.
pub(super) fn load(control: &Control, request: &LoadGraphRequest) -> Result<String, String> {
    let settings = settings_of(request)?;
    let mut loaded = control.graph.lock().unwrap_or_else(PoisonError::into_inner);
    let other_ceiling = loaded.settings.ceiling_db != settings.ceiling_db;
    let limiter = other_ceiling.then(|| Box::new(Limiter::with_ceiling_db(settings.ceiling_db)));
    control.air.send(AirCommand::Bus { gain_db: settings.gain_db, limiter });
    loaded.settings = settings;
    loaded.count += 1;
    Ok(format!("graph-{}", loaded.count))
}

fn settings_of(request: &LoadGraphRequest) -> Result<BusSettings, String> {
    let chain = in_order(request)?;
    let mut settings = BusSettings::default();
    let mut last = None;
    for node in &chain {
        let kind = node.r#type.as_str();
        let Some(place) = ORDER.iter().position(|known| *known == kind) else {
            return Err(format!(
                "node {}: type {kind:?} is not known, allowed {}",
                node.id,
                ORDER.join(", ")
            ));
        };
        if last.is_some_and(|last| last >= place) {
            return Err(format!(
                "node {}: type {kind} stands out of order, allowed {}",
                node.id,
                ORDER.join(" → ")
            ));
        }
        last = Some(place);
        match kind {
            "GAIN" => settings.gain_db = parameter(node, "gain_db", GAIN_DB, 0.0)?,
            "LIMITER" => {
                let usual = BusSettings::default().ceiling_db;
                settings.ceiling_db = parameter(node, "ceiling_db", CEILING_DB, usual)?;
            }
            _ => parameters_within(node, &[])?,
        }
    }
    for (node, wanted) in [(chain.first(), "INPUT"), (chain.last(), "OUTPUT")] {
        if node.is_none_or(|node| node.r#type != wanted) {
            let found = node.map_or("nothing", |node| node.r#type.as_str());
            return Err(format!("the chain has {found} where {wanted} must stand"));
        }
    }
    Ok(settings)
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

fn parameters_within(node: &GraphNode, known: &[&str]) -> Result<(), String> {
    let mut names: Vec<&String> = node.params.keys().collect();
    names.sort();
    match names.into_iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let allowed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(format!(
                "node {}: {} has no parameter {name:?}, allowed {allowed}",
                node.id, node.r#type
            ))
        }
        None => Ok(()),
    }
}

fn parameter(
    node: &GraphNode,
    name: &str,
    range: RangeInclusive<f32>,
    usual: f32,
) -> Result<f32, String> {
    parameters_within(node, &[name])?;
    let Some(text) = node.params.get(name) else { return Ok(usual) };
    let shown: String = text.chars().take(80).collect();
    match text.parse::<f32>() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!(
            "node {}: {name} is {shown:?}, allowed {} to {}",
            node.id,
            range.start(),
            range.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_engine_proto::v1::GraphEdge;

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
        let wanted = BusSettings { gain_db: -6.0, ceiling_db: -3.5 };
        assert_eq!(settings_of(&request), Ok(wanted));
        assert_eq!(
            settings_of(&graph(&[("INPUT", &[]), ("OUTPUT", &[])])),
            Ok(BusSettings::default())
        );
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
            (graph(&[("INPUT", &[]), ("LIMITER", &[]), ("GAIN", &[]), ("OUTPUT", &[])]), "order"),
            (graph(&[("INPUT", &[]), ("OUTPUT", &[]), ("OUTPUT", &[])]), "order"),
        ] {
            let refusal = settings_of(&request).expect_err("refused");
            assert!(refusal.contains(word), "{refusal}");
        }
        let mut branching = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        branching.edges.push(GraphEdge { from: "n0".into(), to: "n2".into() });
        assert!(settings_of(&branching).expect_err("refused").contains("branches"));
        let mut ring = graph(&[("INPUT", &[]), ("GAIN", &[]), ("OUTPUT", &[])]);
        ring.edges.push(GraphEdge { from: "n2".into(), to: "n0".into() });
        assert!(settings_of(&ring).is_err());
    }
}
