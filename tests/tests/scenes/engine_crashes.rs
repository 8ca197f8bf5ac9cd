//! An engine that crashes again and again: the fifth time the smallest one takes its place, the
//! fallback is heard from it, people are told, and a person brings the programme back.

use grimnir_tests::pager::Pager;
use grimnir_tests::programs::{kill, program, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The engine that plays, once it is not `before`.
async fn another(server: &Server, stage: &Stage, before: u32) -> u32 {
    until("another engine plays", PATIENCE, || async {
        let pid = server.engine_pid(&stage.station).filter(|pid| *pid != before)?;
        let state = state(stage).await;
        (state["run"].is_string() && metric(stage, "grimnir_engine_on_air").await == 1.0)
            .then_some(pid)
    })
    .await
}

async fn state(stage: &Stage) -> Value {
    stage.client.get(&format!("/api/v1/executor/states/{}", stage.station)).await
}

async fn metric(stage: &Stage, name: &str) -> f64 {
    let request = stage.client.request(Method::GET, "/metrics");
    let text = request.send().await.expect("it answers").text().await.expect("a text");
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(-1.0)
}

/// The tracks that are heard now.
async fn heard(url: &str, count: usize) -> Vec<usize> {
    let ear = until("the mount is back", PATIENCE, || Ear::connect(url)).await;
    ear.listen(3.0, KBPS).await;
    let runs = ear.stop().await.runs(count);
    runs.iter().filter(|run| run.2 > 25).filter_map(|run| run.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fallback_is_heard_after_too_many_crashes_and_a_person_brings_the_programme_back() {
    let pager = Pager::start().await;
    let data = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new(program("grimnir"));
    command.env("GRIMNIR_ALARM_URL", &pager.url);
    let server = Server::start_with(data.path(), 0, &mut command).await;
    let mut stage =
        Stage::set(&server, Setting { tracks: 3, seconds: 240.0, ..Setting::default() }).await;
    let (fallback, id) = stage.extra(&server, 60.0, &[]).await;
    let path = format!("/api/v1/stations/{}/fallback", stage.station);
    let request = stage.client.request(Method::PUT, &path).json(&json!({ "media_id": id }));
    stage.client.ok(request).await;
    let url = stage.start(&server).await;
    assert!(!heard(&url, 4).await.contains(&fallback), "the plan plays");
    let mut pid = server.engine_pid(&stage.station).expect("the engine runs");
    for crash in 1..=5u64 {
        kill(pid);
        pid = another(&server, &stage, pid).await;
        let state = until("it is taken down", PATIENCE, || async {
            let state = state(&stage).await;
            (state["crashes"] == crash).then_some(state)
        })
        .await;
        assert_eq!(text(&state["last_crash"], "ended"), "signal 9");
        assert_eq!(state["minimal_since"].is_string(), crash == 5, "{state}");
    }
    let told = until("the pager was told", PATIENCE, || async {
        let told = pager.told("engine");
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(text(&told[0]["payload"], "urgency"), "alarm", "{told:?}");
    assert_eq!(told[0]["station_id"], json!(stage.station));
    assert_eq!(pager.told("engine_crash").len(), 4, "each once");
    assert_eq!(heard(&url, 4).await, [fallback]);
    assert_eq!(metric(&stage, "grimnir_engine_minimal").await, 1.0);
    assert_eq!(metric(&stage, "grimnir_engine_crashes_total").await, 5.0);

    let body = json!({ "station_id": stage.station });
    stage.client.post("/api/v1/playout/restore-engine", body.clone()).await;
    another(&server, &stage, pid).await;
    until("the plan is heard again", PATIENCE, || async {
        let heard = heard(&url, 4).await;
        (heard.len() == 1 && !heard.contains(&fallback)).then_some(())
    })
    .await;
    until("the pager was told of the end", PATIENCE, || async {
        let told = pager.told("engine");
        (told.len() == 2 && text(&told[1]["payload"], "urgency") == "cleared").then_some(())
    })
    .await;
    let request = stage.client.request(Method::POST, "/api/v1/playout/restore-engine");
    let (status, problem) = stage.client.try_send(request.json(&body)).await.expect("answers");
    assert_eq!((status.as_u16(), text(&problem, "code")), (409, "engine_is_whole"));
    server.assert_no_panic();
}
