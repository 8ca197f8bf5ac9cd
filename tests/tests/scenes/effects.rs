//! Scene 7: the control plane dies between an append and its effect; after a restart the engine
//! converges, and each effect is there once.

use grimnir_events::executor::ExecutorEvent;
use grimnir_events::{StreamKind, codec};
use grimnir_ledger::SegmentReader;
use grimnir_tests::programs::{program, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// Starts the server again so that it dies right after the next append to such a stream.
async fn mortal(server: &mut Server, place: &str) -> grimnir_tests::Client {
    server.stop();
    let mut command = Command::new(program("grimnir"));
    command.env("GRIMNIR_DIE_AT", place);
    server.restart_with(&mut command).await;
    server.admin().await
}

/// Sends a command that is recorded and never answered.
async fn lost(client: &grimnir_tests::Client, method: Method, path: &str, body: Value) {
    let request = client.request(method, path).header("Idempotency-Key", "lost").json(&body);
    assert!(client.try_send(request).await.is_none(), "{path}: the server was to die");
}

async fn entries(stage: &Stage, title: &str) -> Vec<Value> {
    let rows = stage.as_run().await;
    rows.into_iter().filter(|r| text(r, "entry") == "item" && text(r, "title") == title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_recorded_puts_the_station_on_air() {
    let mut server = Server::start().await;
    let mut stage = Stage::set(&server, Setting::default()).await;
    stage.client = mortal(&mut server, "append.station").await;
    let path = format!("/api/v1/stations/{}/start", stage.station);
    lost(&stage.client, Method::POST, &path, json!({})).await;
    server.restart().await;
    stage.client = server.admin().await;
    let url = server.on_air(&stage.client, &stage.station).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(3.0, KBPS).await;
    assert!(ear.stop().await.longest_silence() < 0.1);
    let rows = stage.as_run().await;
    let started = rows.iter().filter(|r| text(r, "reason").contains("started")).count();
    assert!(started <= 1, "the engine was started once: {rows:#?}");
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_that_was_recorded_is_heard_once() {
    let mut server = Server::start().await;
    let mut stage = Stage::set(&server, Setting::default()).await;
    let (over, over_id) = stage.extra(&server, 5.0, &[]).await;
    stage.start(&server).await;
    stage.client = mortal(&mut server, "append.ladder").await;
    let body = json!({
        "station_id": stage.station, "source_type": "media", "source_id": over_id,
    });
    lost(&stage.client, Method::POST, "/api/v1/priority/override", body).await;
    server.restart().await;
    stage.client = server.admin().await;
    let title = format!("Track {over:02}");
    until("the override was heard", Duration::from_secs(30), || async {
        let rows = entries(&stage, &title).await;
        rows.first().filter(|r| !r["ended_at"].is_null()).map(drop)
    })
    .await;
    until("the claim is gone", Duration::from_secs(20), || async {
        let path = format!("/api/v1/priority/active?station_id={}", stage.station);
        let active = stage.client.get(&path).await;
        (!active.to_string().contains("live_override")).then_some(())
    })
    .await;
    let rows = entries(&stage, &title).await;
    assert_eq!(rows.len(), 1, "once: {rows:#?}");
    assert_eq!(text(&rows[0], "reason"), "completed");
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_that_was_recorded_skips_once() {
    let mut server = Server::start().await;
    let setting = Setting { seconds: 60.0, tracks: 3, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    stage.start(&server).await;
    let skipped = until("a track is on air", Duration::from_secs(20), || async {
        stage.as_run().await.into_iter().rfind(|r| text(r, "entry") == "item")
    })
    .await;
    stage.client = mortal(&mut server, "append.executor").await;
    server.on_air(&stage.client, &stage.station).await;
    let body = json!({"station_id": stage.station});
    lost(&stage.client, Method::POST, "/api/v1/playout/skip", body).await;
    server.restart().await;
    stage.client = server.admin().await;
    let rows = until("the skip is in the as-run", Duration::from_secs(20), || async {
        let rows = entries(&stage, text(&skipped, "title")).await;
        rows.first().filter(|r| !r["ended_at"].is_null()).map(|_| rows.clone())
    })
    .await;
    assert_eq!(text(&rows[0], "reason"), "skipped", "{rows:#?}");
    let items = stage.as_run().await;
    let items: Vec<_> = items.iter().filter(|r| text(r, "entry") == "item").collect();
    assert_eq!(items.len(), 2, "one was skipped, the next is on air: {items:#?}");
    assert!(items[1]["ended_at"].is_null(), "skipped twice: {items:#?}");
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_an_override_can_be_skipped() {
    let server = Server::start().await;
    let mut stage = Stage::set(&server, Setting { tracks: 3, ..Setting::default() }).await;
    let (first, first_id) = stage.extra(&server, 30.0, &[]).await;
    let (second, second_id) = stage.extra(&server, 30.0, &[]).await;
    let items = json!([first_id, second_id]);
    let body = json!({"station_id": stage.station, "name": "Over", "items": items});
    let playlist = stage.client.post("/api/v1/playlists", body).await;
    stage.start(&server).await;
    let body = json!({
        "station_id": stage.station, "source_type": "playlist", "source_id": playlist["id"],
    });
    stage.client.post("/api/v1/priority/override", body).await;
    for track in [first, second] {
        let title = format!("Track {track:02}");
        until("the item is on air", Duration::from_secs(20), || async {
            (!entries(&stage, &title).await.is_empty()).then_some(())
        })
        .await;
        let body = json!({"station_id": stage.station});
        stage.client.post("/api/v1/playout/skip", body).await;
        let rows = until("the item has ended", Duration::from_secs(10), || async {
            let rows = entries(&stage, &title).await;
            rows.first().filter(|r| !r["ended_at"].is_null()).map(|_| rows.clone())
        })
        .await;
        assert_eq!((rows.len(), text(&rows[0], "reason")), (1, "skipped"), "{rows:#?}");
    }
    // Each was recorded, so that an engine that missed the call is told by the hand-over.
    let asked = SegmentReader::open(&server.ledger()).expect("the ledger can be read");
    let asked = asked.map(|recorded| recorded.expect("is whole").commit);
    let skips = asked.filter(|commit| commit.header.stream.kind == StreamKind::Executor);
    let skips = skips.filter(|commit| {
        let events = commit.events.iter().map(codec::decode::<ExecutorEvent>);
        events.flatten().any(|event| matches!(event, ExecutorEvent::SkipRequested { .. }))
    });
    assert_eq!(skips.count(), 2);
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aired_is_recorded_once_and_its_consequence_drawn_once() {
    let mut server = Server::start().await;
    let mut stage = Stage::set(&server, Setting::default()).await;
    let (alert, alert_id) = stage.extra(&server, 3.0, &[("kind", "emergency")]).await;
    stage.start(&server).await;
    let body = json!({"station_id": stage.station, "media_id": alert_id});
    stage.client.post("/api/v1/priority/emergency", body).await;
    // Dies with the first fact it imports; once more between import and consequence.
    server.stop();
    let mut command = Command::new(program("grimnir"));
    command.env("GRIMNIR_DIE_AT", "append.air");
    server.restart_until_death(&mut command).await;
    server.restart().await;
    stage.client = server.admin().await;
    let title = format!("Track {alert:02}");
    until("the alert is in the as-run", Duration::from_secs(30), || async {
        let rows = entries(&stage, &title).await;
        rows.first().filter(|r| !r["ended_at"].is_null()).map(drop)
    })
    .await;
    until("the claim is released", Duration::from_secs(20), || async {
        let path = format!("/api/v1/priority/active?station_id={}", stage.station);
        let active = stage.client.get(&path).await;
        (!active.to_string().contains("\"emergency\"")).then_some(())
    })
    .await;
    assert_eq!(entries(&stage, &title).await.len(), 1);
    let rows = stage.as_run().await;
    let mut seen = std::collections::BTreeSet::new();
    for row in rows.iter().filter(|r| text(r, "entry") == "item") {
        let key = (text(row, "run").to_owned(), row["play"].as_u64());
        assert!(seen.insert(key), "a play is there twice: {row}");
    }
    server.assert_no_panic();
}
