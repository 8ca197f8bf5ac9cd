//! The site is cut from JetStream; engine and control plane die inside the cut, and a command
//! races it. The air goes on, and afterwards the as-run is whole.

use grimnir_ledger::SegmentReader;
use grimnir_tests::cluster::PATIENCE;
use grimnir_tests::programs::{kill, soak, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Cluster, Ear, Setting, Stage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Waits until `url` serves again.
async fn again(url: &str) -> Ear {
    until("the mount is back", Duration::from_secs(20), || Ear::connect(url)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_cut_from_jetstream_plays_on_and_its_as_run_is_whole_afterwards() {
    let cut_s = if soak() { 600.0 } else { 20.0 };
    let mut cluster = Cluster::start();
    let mut server = cluster.node("common").await;
    let stage =
        Stage::set(&server, Setting { tracks: 4, seconds: 32.0, ..Setting::default() }).await;
    let station = stage.station.clone();
    let path = format!("/api/v1/stations/{station}");
    let url = stage.start(&server).await;
    let first = Ear::connect(&url).await.expect("the mount can be reached");
    first.listen(4.0, KBPS).await;

    let raced = race_the_cut(&stage, &path, || cluster.nats.servers[0].kill()).await;

    // The engine dies: the control plane, alone with its replica, starts it where it was.
    let engine = server.engine_pid(&station).expect("the engine runs");
    first.listen(first.seconds(KBPS) + 2.0, KBPS).await;
    kill(engine);
    let second = again(&url).await;
    second.listen(3.0, KBPS).await;
    // The control plane dies and begins without anybody to ask: the engine is adopted.
    server.kill();
    second.listen(second.seconds(KBPS) + 2.0, KBPS).await;
    server.restart_with(&mut cluster.command("common")).await;
    let client = server.admin().await;
    until("the engine is adopted in the cut", PATIENCE, || async {
        let (_, ready) = client.try_send(client.request(Method::GET, "/readyz")).await?;
        let cut = ready["ledger_writable"] == false;
        (cut && ready["engines"][0]["connected"] == true).then_some(())
    })
    .await;
    second.listen(cut_s, KBPS).await;

    cluster.nats.servers[0].start();
    let stage = Stage { client, ..stage };
    until("commands are taken again", PATIENCE, || async {
        let request = stage.client.request(Method::PATCH, &path).json(&json!({"name": "after"}));
        let (status, _) = stage.client.try_send(request).await?;
        status.is_success().then_some(())
    })
    .await;
    until("the journal is in the ledger", PATIENCE, || async {
        let (_, ready) =
            stage.client.try_send(stage.client.request(Method::GET, "/readyz")).await?;
        (ready["engines"][0]["journal_backlog"] == 0).then_some(())
    })
    .await;
    second.listen(second.seconds(KBPS) + 2.0, KBPS).await;
    assert!(!second.ended(), "the listener was cut off");
    let (first, second) = (first.stop().await, second.stop().await);
    for (heard, what) in [(&first, "before"), (&second, "after")] {
        let gap = heard.longest_silence();
        assert!(gap < 0.02, "{what} the engine died: a gap of {gap:.3} s");
    }
    assert!(second.seconds() >= cut_s, "{:.1} s were heard in the cut", second.seconds());
    as_run_is_whole(&settled_as_run(&stage).await);
    let raced_in = commits_with(&server.ledger(), b"raced the cut");
    assert_eq!(commits_with(&server.ledger(), b"too late"), 0, "it was refused");
    assert!(raced_in <= 1, "{raced_in} commits of one command");
    assert!(!raced.is_success() || raced_in == 1, "acknowledged, and not there");
    server.assert_no_panic();
}

/// Sends a command while the site is cut: it may be in or not, and says which. Answers its status
/// once the cut is noticed.
async fn race_the_cut(stage: &Stage, path: &str, cut: impl FnOnce()) -> StatusCode {
    let racing = stage
        .client
        .request(Method::PATCH, path)
        .header("Idempotency-Key", "races-the-cut")
        .json(&json!({"name": "raced the cut"}));
    let racing = tokio::spawn(racing.send());
    cut();
    let raced = racing.await.expect("a sender ends").expect("an answer").status();
    println!("the command that raced the cut: {raced}");
    assert!(raced.is_success() || raced == StatusCode::SERVICE_UNAVAILABLE, "{raced}");
    let refused = until("the cut is noticed", PATIENCE, || async {
        let request = stage.client.request(Method::PATCH, path).json(&json!({"name": "too late"}));
        let (status, body) = stage.client.try_send(request).await?;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(body)
    })
    .await;
    println!("a command in the cut: {refused}");
    raced
}

/// The as-run once every play but the last has ended: two are open while one fades into the next.
async fn settled_as_run(stage: &Stage) -> Vec<Value> {
    until("every play but the last has ended", PATIENCE, || async {
        let rows = stage.as_run().await;
        let open = |row: &&Value| text(row, "entry") == "item" && row["frames"].is_null();
        (rows.iter().filter(open).count() <= 1).then_some(rows)
    })
    .await
}

/// Commits of the node's replica that hold these bytes; every one of them is read and checked.
fn commits_with(ledger: &std::path::Path, bytes: &[u8]) -> usize {
    SegmentReader::open(ledger)
        .expect("the ledger is there")
        .map(|recorded| recorded.expect("the ledger is whole").bytes)
        .filter(|stored| stored.windows(bytes.len()).any(|part| part == bytes))
        .count()
}

/// In order, none twice, and no hole but the one that the engine's death made, which is told.
fn as_run_is_whole(rows: &[Value]) {
    let items: Vec<_> = rows.iter().filter(|row| text(row, "entry") == "item").collect();
    let mut seen = BTreeSet::new();
    for row in &items {
        let key = (text(row, "run").to_owned(), row["play"].as_u64());
        assert!(seen.insert(key), "a play is there twice: {row}");
    }
    let (mut holes, mut runs) = (0, BTreeSet::new());
    for pair in items.windows(2) {
        runs.extend([text(pair[0], "run"), text(pair[1], "run")]);
        let (start, frames) = pair[0]["start_frame"]
            .as_i64()
            .zip(pair[0]["frames"].as_i64())
            .unwrap_or_else(|| panic!("an earlier play is open: {}", pair[0]));
        let next = pair[1]["start_frame"].as_i64().expect("a play has a start");
        assert!(next >= start, "out of order: {} before {}", pair[0], pair[1]);
        if text(pair[0], "run") == text(pair[1], "run") {
            let hole = next - start - frames;
            assert!(hole <= 0, "a hole of {hole} frames before {}", pair[1]);
        } else {
            holes += 1;
        }
    }
    assert_eq!((holes, runs.len()), (1, 2), "two runs of the engine: {rows:#?}");
    let told = rows.iter().filter(|row| text(row, "entry") == "interrupted").count();
    assert_eq!(told, 1, "the one interruption is told: {rows:#?}");
}
