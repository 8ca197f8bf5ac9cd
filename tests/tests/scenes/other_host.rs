//! A host dies with all that runs on it: another one starts an engine at the position of the plan.

use grimnir_tests::cluster::{PATIENCE, owned_by, ranked};
use grimnir_tests::programs::{kill, until};
use grimnir_tests::stage::{KBPS, clear_of_the_turn, text};
use grimnir_tests::{Client, Cluster, Ear, Heard, Setting, Stage, tracks};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

/// Frames from which a position is told: half a second.
const LOOK: usize = 24_000;
/// A lease runs on so long at least after its holder's end: its time to live without a renewal.
const LEASE_AT_LEAST_S: f64 = 1.0;
/// The programme is never ahead of the plan, but for what measuring it costs.
const EARLY_S: f64 = 0.5;

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hosts_station_is_on_air_elsewhere_at_the_position_of_the_plan() {
    let cluster = Cluster::start();
    let mut first = cluster.node("common").await;
    let stage = Stage::set(&first, Setting { tracks: 1, ..Setting::default() }).await;
    let file = tracks::write_sweep(&first.data.join("made"), "sweep.wav", 150.0);
    let sweep = stage.client.add_media(&stage.station, &file, &[("title", "Sweep")]).await;
    let path = format!("/api/v1/playlists/{}", stage.playlist);
    let body = json!({"station_id": stage.station, "name": "All", "items": [sweep]});
    stage.client.ok(stage.client.request(Method::PUT, &path).json(&body)).await;
    // Its share is the first node's, and stays there while that one lives.
    let name = ranked("c", &stage.station, "common", false);
    let second = cluster.elsewhere(&name).await;
    let b = Client::new(&second.base()).with_token(stage.client.token());
    owned_by("common", &stage.station, &[&stage.client, &b]).await;
    clear_of_the_turn(90).await;
    let url = stage.start(&first).await;
    let zero = Instant::now();
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(5.0, KBPS).await;
    let engine = first.engine_pid(&stage.station).expect("the engine runs");

    first.kill();
    kill(engine);
    let before = ear.stop().await;
    owned_by(&name, &stage.station, &[&b]).await;
    let url = second.on_air(&b, &stage.station).await;
    let ear = until("the other mount is there", PATIENCE, || Ear::connect(&url)).await;
    ear.listen(4.0, KBPS).await;
    let after = ear.stop().await;
    let (cut, back) = (last_heard(&before, zero), first_heard(&after, zero));
    let (away, moved) = (back.1 - cut.1, back.0 - cut.0);
    println!("away for {away:.2} s, {:.2} s behind the plan", away - moved);
    // Nobody owns the station while the lease runs: where it was cut, it would be behind by all of
    // that. What starting takes it may be behind, however long that is here.
    assert!(moved > LEASE_AT_LEAST_S && moved < away + EARLY_S, "heard {cut:?}, then {back:?}");

    // The host comes back, and with it the station: the engine that is left ends.
    first.restart_with(&mut cluster.command("common")).await;
    let a = Client::new(&first.base()).with_token(b.token());
    owned_by("common", &stage.station, &[&a, &b]).await;
    let back = first.on_air(&a, &stage.station).await;
    until("the other engine has ended", PATIENCE, || async {
        Ear::connect(&url).await.is_none().then_some(())
    })
    .await;
    let ear = until("the mount is there again", PATIENCE, || Ear::connect(&back)).await;
    ear.listen(2.0, KBPS).await;

    let there = Stage { client: a, files: vec![], media: vec![], ..stage };
    let rows = until("the gap is in the as-run", PATIENCE, || async {
        let rows = there.as_run().await;
        let gaps = rows.iter().filter(|r| text(r, "entry") == "interrupted").count();
        (gaps >= 2).then_some(rows)
    })
    .await;
    three_runs_of_one_programme(&rows);
    first.assert_no_panic();
    second.assert_no_panic();
}

/// Three runs are there, no play twice, and what lies between them is told.
fn three_runs_of_one_programme(rows: &[Value]) {
    let items: Vec<_> = rows.iter().filter(|row| text(row, "entry") == "item").collect();
    let plays: BTreeSet<_> = items.iter().map(|row| row["play"].as_u64()).collect();
    assert_eq!(plays.len(), items.len(), "numbers of plays go on: {rows:#?}");
    let runs: BTreeSet<_> = items.iter().map(|row| text(row, "run")).collect();
    assert_eq!(runs.len(), 3, "{rows:#?}");
    assert_eq!(text(items[0], "line_id"), text(items[1], "line_id"), "the line goes on: {rows:#?}");
    let gaps: Vec<_> = rows.iter().filter(|row| text(row, "entry") == "interrupted").collect();
    assert_eq!(gaps.len(), 2, "{rows:#?}");
    for gap in gaps {
        assert_eq!(gap["inferred"], true, "{rows:#?}");
        let (start, frames) =
            gap["start_frame"].as_i64().zip(gap["frames"].as_i64()).expect("a span");
        let within = |row: &&&Value| {
            let played = row["start_frame"].as_i64().unwrap_or(0);
            (start..start + frames).contains(&played)
        };
        assert_eq!(items.iter().filter(within).count(), 0, "an item in a gap: {rows:#?}");
    }
}

/// Place in the sweep and when it sounded after a common zero, of the last that was heard.
fn last_heard(heard: &Heard, zero: Instant) -> (f64, f64) {
    let look = heard.frames.len().checked_sub(LOOK).expect("half a second was heard");
    let place = tracks::sweep_position(&heard.frames[look..]).expect("the sweep was cut clean");
    (place + LOOK as f64 / 48_000.0, heard.began(zero) + heard.seconds())
}

/// The same a second after the first that was heard.
fn first_heard(heard: &Heard, zero: Instant) -> (f64, f64) {
    let sound = |frame: &grimnir_mix::Frame| frame[0].abs() > 0.01;
    let first = heard.frames.iter().position(sound).expect("something is heard");
    let look = first + 2 * LOOK;
    let place = tracks::sweep_position(&heard.frames[look..look + LOOK]).expect("the sweep");
    (place, heard.began(zero) + look as f64 / 48_000.0)
}
