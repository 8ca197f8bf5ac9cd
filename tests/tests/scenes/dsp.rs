//! What shapes the programme, set over HTTP and heard; it outlives engine and control plane.

use grimnir_tests::ear::{Ear, Heard};
use grimnir_tests::programs::kill;
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Client, Server, Setting, Stage};
use reqwest::Method;
use serde_json::json;

async fn level_db(url: &str) -> f64 {
    let ear = Ear::connect(url).await.expect("the mount can be reached");
    ear.listen(6.0, KBPS).await;
    let Heard { frames, .. } = ear.stop().await;
    // The first seconds are what was buffered before.
    let last = &frames[frames.len() - 48_000..];
    let sum: f64 = last.iter().flatten().map(|s| f64::from(*s) * f64::from(*s)).sum();
    10.0 * (sum / (2 * last.len()) as f64).log10()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_is_heard_at_once_and_again_after_a_restart() {
    let mut server = Server::start().await;
    let mut stage =
        Stage::set(&server, Setting { tracks: 2, seconds: 120.0, ..Setting::default() }).await;
    let path = format!("/api/v1/stations/{}/dsp-graph", stage.station);
    let put = async |client: &Client, body| {
        let request = client.request(Method::PUT, &path).json(&body);
        client.try_send(request).await.expect("it answers")
    };
    let url = stage.start(&server).await;
    let before = level_db(&url).await;
    let wrong = json!({ "nodes": [{ "type": "GAIN" }, { "type": "LEVEL_METER" },
        { "type": "COMPRESSOR", "params": { "ratio": 99 } }] });
    let (status, problem) = put(&stage.client, wrong).await;
    assert_eq!((status.as_u16(), text(&problem, "field")), (422, "nodes[2]"), "{problem}");
    assert!(text(&problem, "detail").contains("1 to 20"), "{problem}");
    let (status, graph) =
        put(&stage.client, json!({ "nodes": [{ "type": "GAIN", "params": { "gain_db": -20 } }] }))
            .await;
    assert!(status.is_success(), "{graph}");
    let lower = level_db(&url).await;
    assert!((before - lower - 20.0).abs() < 0.5, "{before} to {lower} dBFS");
    // Both die: the engine goes on with what it kept.
    let engine = server.engine_pid(&stage.station).expect("it runs");
    server.kill();
    kill(engine);
    server.restart().await;
    stage.client = server.admin().await;
    let url = server.on_air(&stage.client, &stage.station).await;
    assert_eq!(stage.client.get(&path).await["nodes"], graph["nodes"]);
    let again = level_db(&url).await;
    assert!((lower - again).abs() < 0.5, "{lower} to {again} dBFS");
    let (status, shown) = put(&stage.client, json!({ "preset": "broadcast" })).await;
    assert!(status.is_success(), "{shown}");
    assert_eq!(text(&shown, "preset"), "broadcast");
    let loud = level_db(&url).await;
    assert!(loud > again + 15.0, "{again} to {loud} dBFS");
    server.assert_no_panic();
}
