//! Graphs of the engine's tests.

use grimnir_engine_proto::Client;
use grimnir_engine_proto::v1::{GraphEdge, GraphNode, LoadGraphRequest};

/// Loads these nodes, one behind the other.
pub async fn shape(client: &mut Client, kinds: &[(&str, &[(&str, &str)])]) {
    let node = |id: String, kind: &str, params: &[(&str, &str)]| GraphNode {
        id,
        r#type: kind.into(),
        params: params.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    };
    let mut nodes = vec![node("0".into(), "INPUT", &[])];
    for (n, (kind, params)) in kinds.iter().enumerate() {
        nodes.push(node((n + 1).to_string(), kind, params));
    }
    nodes.push(node((kinds.len() + 1).to_string(), "OUTPUT", &[]));
    let edge = |n: usize| GraphEdge { from: n.to_string(), to: (n + 1).to_string() };
    let edges = (0..=kinds.len()).map(edge).collect();
    let request = LoadGraphRequest { nodes, edges, epoch: 1 };
    let answer = client.load_graph(request).await.unwrap().into_inner();
    assert!(answer.accepted, "{}", answer.reason);
}
