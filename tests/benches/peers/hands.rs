//! How fast hands are: a skip and an override with a crossfade of 3 s configured, to the mix and to
//! a listener's socket, and Liquidsoap's skip beside them.

use crate::liquidsoap::{Liquidsoap, Wanted};
use crate::{quantiles, setting};
use grimnir_tests::programs::until;
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Tracks of the playlist, and one that takes over.
const TRACKS: usize = 6;
/// To the mix, in ms.
const MIX_AIM: f64 = 30.0;
/// To a listener's socket, in ms.
const LISTENER_AIM: f64 = 200.0;

pub async fn skip_and_override() {
    let rounds = setting("GRIMNIR_BENCH_ROUNDS", 50);
    let theirs = tokio::task::spawn_blocking(liquidsoap).await.expect("it ends");
    let server = Server::start().await;
    let setting =
        Setting { tracks: TRACKS, seconds: 120.0, crossfade_ms: 3_000, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (_, extra) = stage.extra(&server, 0.5, &[]).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(6.0, KBPS).await;
    let (mut skips, mut asked_at) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        skips.push(Instant::now());
        asked_at.push(jiff::Timestamp::now());
        let body = json!({ "station_id": stage.station });
        post(&stage, "/api/v1/playout/skip", body).await;
        // Two seconds of sound: the item after it is read by then, as on any station.
        ear.listen(ear.seconds(KBPS) + 2.0, KBPS).await;
    }
    let (mut overrides, mut to_mix) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        overrides.push(Instant::now());
        let body = json!({ "station_id": stage.station, "source_type": "media",
            "source_id": extra, "fade_ms": 0 });
        let raised = post(&stage, "/api/v1/priority/override", body).await;
        to_mix.push(raised["accept_to_mix_us"].as_f64().expect("a time") / 1_000.0);
        let claim = text(&raised, "claim_id").to_owned();
        until("the override is over", Duration::from_secs(20), || async {
            let path = format!("/api/v1/priority/active?station_id={}", stage.station);
            let active = stage.client.get(&path).await;
            (!active.to_string().contains(&claim)).then_some(())
        })
        .await;
        ear.listen(ear.seconds(KBPS) + 1.5, KBPS).await;
    }
    let as_run = stage.as_run().await;
    let skip_to_mix: Vec<f64> = asked_at.iter().map(|at| began_after(&as_run, *at)).collect();
    let heard = ear.stop().await;
    let ms = |all: Vec<Option<Duration>>| -> Vec<f64> {
        let found = all.iter().flatten().map(|d| d.as_secs_f64() * 1e3).collect::<Vec<_>>();
        assert!(found.len() * 10 >= all.len() * 9, "{} of {} were heard", found.len(), all.len());
        found
    };
    quantiles("skip_to_mix_3_s_crossfade", skip_to_mix, "aim_p99", MIX_AIM);
    let skipped = ms(heard.changes(TRACKS + 1, &skips));
    quantiles("skip_to_listener_3_s_crossfade", skipped, "aim_p99", LISTENER_AIM);
    quantiles("override_to_mix_3_s_crossfade", to_mix, "aim_p99", MIX_AIM);
    let taken = ms(heard.changes(TRACKS + 1, &overrides));
    quantiles("override_to_listener_3_s_crossfade", taken, "aim_p99", LISTENER_AIM);
    quantiles("liquidsoap_skip_to_listener_3_s_crossfade", ms(theirs), "aim_p99", LISTENER_AIM);
}

async fn post(stage: &Stage, path: &str, body: Value) -> Value {
    let request = stage.client.request(Method::POST, path).header("Connection", "close");
    stage.client.ok(request.json(&body)).await
}

/// Milliseconds from an instant to the first frame of the item that began next.
fn began_after(as_run: &[Value], asked: jiff::Timestamp) -> f64 {
    let began = |row: &Value| text(row, "started_at").parse::<jiff::Timestamp>().ok();
    let items = as_run.iter().filter(|row| text(row, "entry") == "item");
    let next = items.filter_map(began).filter(|began| *began > asked).min();
    let next = next.expect("an item began after each skip");
    next.duration_since(asked).as_secs_f64() * 1e3
}

/// Its skip: from the command to its outlet, without a server between.
fn liquidsoap() -> Vec<Option<Duration>> {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let files: Vec<_> = (0..TRACKS)
        .map(|track| grimnir_tests::tracks::write(dir.path(), track, 120.0, 48_000))
        .collect();
    let wanted = Wanted { files: &files, rate: 48_000, three: false, shaped: false };
    let peer = Liquidsoap::start(&wanted);
    let until = |seconds: f64| {
        while peer.seconds() < seconds {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    };
    until(8.0);
    let mut asked = Vec::new();
    for _ in 0..10 {
        asked.push(Instant::now());
        peer.skip();
        until(peer.seconds() + 8.0);
    }
    peer.stop().changes(TRACKS, &asked)
}
