//! A track that falls silent on air: a person is told; the feed, the metrics and the as-run log
//! show it, and that it is over.

use futures_util::StreamExt;
use grimnir_tests::pager::Pager;
use grimnir_tests::programs::{program, until};
use grimnir_tests::stage::text;
use grimnir_tests::{Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A tone that is away from the third second on for half a minute.
fn falls_silent(folder: &Path) -> PathBuf {
    let path = folder.join("falls silent.flac");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("sine=frequency=1000:sample_rate=48000:duration=40")
        .args(["-af", "volume='if(between(t,3,33),0,1)':eval=frame", "-ac", "2"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg is installed (deploy/setup.sh test)").success());
    path
}

async fn metric(stage: &Stage, name: &str) -> f64 {
    let request = stage.client.request(Method::GET, "/metrics");
    let text = request.send().await.expect("it answers").text().await.expect("a text");
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(-1.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_that_falls_silent_reaches_a_person_the_feed_the_metrics_and_the_log() {
    let pager = Pager::start().await;
    let data = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program("grimnir"));
    command.env("GRIMNIR_ALARM_URL", &pager.url);
    let server = Server::start_with(data.path(), 0, &mut command).await;
    let setting = Setting { tracks: 2, seconds: 120.0, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let file = falls_silent(data.path());
    let silent = stage.client.add_media(&stage.station, &file, &[("title", "Hush")]).await;
    let path = format!("/api/v1/stations/{}/dsp-graph", stage.station);
    let sense = |listens: &str| {
        let params = json!({ "listens": listens, "duration_sec": 1, "restore_sec": 0.2 });
        json!({ "type": "SILENCE_DETECTOR", "params": params })
    };
    let graph = json!({ "nodes": [sense("sources"), sense("programme")] });
    stage.client.ok(stage.client.request(Method::PUT, &path).json(&graph)).await;
    stage.start(&server).await;
    let url = format!(
        "{}/api/v1/events?types=alarm&token={}",
        stage.client.base().replacen("http", "ws", 1),
        stage.client.token()
    );
    let (mut feed, _) = tokio_tungstenite::connect_async(url).await.expect("the feed answers");

    let body = json!({
        "station_id": stage.station, "source_type": "media", "source_id": silent,
    });
    stage.client.post("/api/v1/priority/override", body).await;
    let told = async |count: usize| {
        let of = |about: &str| {
            let told = pager.told(about);
            (told.len() >= count).then(|| text(&told[count - 1]["payload"], "urgency").to_owned())
        };
        let both = || async { Some([of("programme_silence")?, of("source_silence")?]) };
        until("a person is told", PATIENCE, both).await
    };
    assert_eq!(told(1).await, ["alarm", "warning"]);
    until("the metrics show it", PATIENCE, || async {
        let silent = metric(&stage, "grimnir_programme_silent").await;
        (silent == 1.0 && metric(&stage, "grimnir_silent_sources").await == 1.0).then_some(())
    })
    .await;
    stage.client.post("/api/v1/playout/skip", json!({ "station_id": stage.station })).await;
    assert_eq!(told(2).await, ["cleared", "cleared"]);
    until("the metrics show the end", PATIENCE, || async {
        (metric(&stage, "grimnir_programme_silent").await == 0.0).then_some(())
    })
    .await;

    // Everybody was told the same.
    let mut pushed: Vec<(String, String)> = Vec::new();
    let silences = |pushed: &[(String, String)]| {
        pushed.iter().filter(|(about, _)| about.ends_with("_silence")).count()
    };
    while silences(&pushed) < 4 {
        let next = tokio::time::timeout(PATIENCE, feed.next()).await.expect("the feed tells");
        let message = next.expect("it is open").expect("a message");
        let Ok(message) = serde_json::from_str::<Value>(message.to_text().unwrap_or_default())
        else {
            continue;
        };
        let payload = &message["payload"];
        pushed.push((text(payload, "about").to_owned(), text(payload, "urgency").to_owned()));
    }
    for (about, urgency) in [("programme_silence", "alarm"), ("source_silence", "warning")] {
        let of: Vec<&str> =
            pushed.iter().filter(|(of, _)| of == about).map(|(_, urgency)| &**urgency).collect();
        assert_eq!(of, [urgency, "cleared"], "{pushed:?}");
    }
    let rows = stage.as_run().await;
    let item = rows.iter().find(|row| text(row, "title") == "Hush").expect("it was on air");
    let alarms: Vec<&str> = rows
        .iter()
        .filter(|row| text(row, "entry") == "alarm")
        .map(|row| text(row, "reason"))
        .collect();
    let since = |word: &str| {
        let told = alarms.iter().find(|alarm| alarm.starts_with(word));
        let since =
            told.and_then(|alarm| alarm.rsplit(' ').next()?.parse::<jiff::Timestamp>().ok());
        since.unwrap_or_else(|| panic!("{word}: {alarms:?}"))
    };
    let began: jiff::Timestamp = text(item, "started_at").parse().expect("a time");
    for word in ["programme_silent", "source_silent"] {
        let after = since(word).duration_since(began).as_secs_f64();
        assert!((2.8..3.3).contains(&after), "{word} {after} s behind its start: {alarms:?}");
    }
    assert!(alarms.contains(&"programme_heard"), "{alarms:?}");
    server.assert_no_panic();
}
