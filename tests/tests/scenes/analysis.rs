//! Analyses over HTTP: hostile files, an item whose sound was damaged, and measuring again.

use grimnir_ledger::SegmentReader;
use grimnir_tests::damage::{Numbers, mutated};
use grimnir_tests::programs::{soak, until};
use grimnir_tests::stage::KBPS;
use grimnir_tests::{Client, Ear, Server, Setting, Stage, tracks};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Seeds of mutation: two seconds of a tone in each codec.
fn seeds(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let wav = tracks::write(folder, 0, 2.0, 44_100);
    let made = |name: &'static str| {
        let to = folder.join(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&wav).args(["-metadata", "title=T"]);
        // The same bytes in every run: no version, no clock, no number drawn for a stream.
        ffmpeg.args(["-fflags", "+bitexact", "-flags:a", "+bitexact"]).arg(&to);
        assert!(ffmpeg.status().expect("ffmpeg starts").success(), "{name}");
        (name, std::fs::read(&to).expect("reads"))
    };
    let mut all: Vec<_> = ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.opus"].map(made).into();
    all.push(("a.wav", std::fs::read(&wav).expect("reads")));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_each_have_an_event_and_the_station_plays_on() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 2, ..Setting::default() }).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    let folder = tempfile::tempdir().expect("a folder");
    let (seeds, mut numbers) = (seeds(folder.path()), Numbers(20_261_121));
    let count = if soak() { 500 } else { 30 };
    let mut taken = 0;
    for n in 0..count {
        let (name, bytes) = &seeds[n % seeds.len()];
        let file = folder.path().join(format!("hostile {n:03} {name}"));
        std::fs::write(&file, mutated(bytes, &mut numbers)).expect("writes");
        let (status, body) = stage.client.upload(&stage.station, &file, &[]).await;
        let known = [StatusCode::CREATED, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT];
        assert!(known.contains(&status), "{n}: {status}: {body}");
        // The same bytes twice are no news.
        taken += usize::from(status != StatusCode::CONFLICT);
    }
    ear.listen(2.0, KBPS).await;
    let health = stage.client.get("/api/v1/stations").await;
    assert_eq!(health[0]["on_air"], true, "{health}");
    server.assert_no_panic();
    // The name of each file is in the event that took it in or refused it.
    let told: Vec<Vec<u8>> = SegmentReader::open(&server.ledger())
        .expect("the ledger can be read")
        .map(|recorded| recorded.expect("is whole").bytes)
        .collect();
    let named = |n: usize| {
        let name = format!("hostile {n:03} ");
        told.iter().any(|bytes| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
    };
    assert!((0..count).filter(|n| named(*n)).count() >= taken, "one has no event");
}

async fn item(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/v1/media/{id}")).await
}

async fn settled(client: &Client, id: &str) -> Value {
    until("the item was measured", Duration::from_secs(60), async || {
        let item = item(client, id).await;
        let state = item["analysis_state"].as_str().unwrap_or_default().to_owned();
        ["complete", "failed"].contains(&state.as_str()).then_some(item)
    })
    .await
}

fn stored(server: &Server, item: &Value) -> PathBuf {
    let hash = item["content_hash"].as_str().expect("a hash").to_owned();
    server.data.join("media").join(&hash[..2]).join(&hash)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_measured_again_is_not_planned_until_it_can() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 2, ..Setting::default() }).await;
    let (client, id) = (&stage.client, &stage.media[0]);
    let first = item(client, id).await;
    assert_eq!(first["analysis_state"], "complete", "{first}");
    assert_eq!(first["analysis"]["measured"]["cues"], first["cues"], "{first}");
    let path = stored(&server, &first);
    let whole = std::fs::read(&path).expect("is stored");
    let analyze = async || {
        client.post(&format!("/api/v1/media/{id}/analyze"), json!({})).await;
        settled(client, id).await
    };
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("is damaged");
    let failed = analyze().await;
    assert_eq!(failed["analysis_state"], "failed", "{failed}");
    assert!(failed["analysis"]["reason"].as_str().is_some_and(|r| r.len() > 10), "{failed}");
    std::fs::remove_file(&path).expect("is removed");
    assert_eq!(analyze().await["analysis"]["failure"], "missing");
    stage.start(&server).await;
    let planned = stage.schedule(2).await;
    let of = |lines: &[Value]| lines.iter().filter(|l| l["media_id"] == json!(id)).count();
    assert!(!planned.is_empty() && of(&planned) == 0, "a failed item is planned");
    std::fs::write(&path, &whole).expect("is mended");
    let mended = analyze().await;
    assert_eq!(
        (&mended["analysis_state"], &mended["analysis"]["failure"]),
        (&json!("complete"), &Value::Null)
    );
    // Marks of a person stand until the measured ones are asked for.
    let marks = json!({"cue_in": 4_800, "segue": 480_000, "cue_out": 960_000});
    client.patch(&format!("/api/v1/media/{id}"), json!({ "cues": marks })).await;
    let again = analyze().await;
    assert_eq!((&again["cues"], &again["analysis"]["marks_by_hand"]), (&marks, &json!(true)));
    let body = json!({"measured_marks": true});
    client.post(&format!("/api/v1/media/{id}/analyze"), body).await;
    assert_eq!(settled(client, id).await["cues"], first["cues"]);
    let station = format!("/api/v1/stations/{}", stage.station);
    let smart = client.patch(&station, json!({"transitions": "smart"})).await;
    assert_eq!(smart["transitions"], "smart");
}
