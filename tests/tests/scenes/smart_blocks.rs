//! Smart blocks over HTTP: what the files say of themselves rules what is planned.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{rows, text};
use grimnir_tests::{Client, Server, Setting, Stage, tracks};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LABELS: [&str; 2] = ["North", "South"];
const ARTISTS: [&str; 4] = ["Ada", "Ben", "Cy", "Dee"];

/// A FLAC file of a tone with these tags.
fn tagged(folder: &Path, index: usize, label: &str, mood: &str) -> std::path::PathBuf {
    let wav = tracks::write(folder, index, 100.0, 48_000);
    let flac = wav.with_extension("flac");
    let artist = ARTISTS[(index / 2) % ARTISTS.len()];
    let tags = [
        format!("TITLE=Track {index:02}"),
        format!("ARTIST={artist}"),
        format!("LABEL={label}"),
        format!("MOOD={mood}"),
    ];
    let mut made = Command::new("ffmpeg");
    made.args(["-v", "error", "-y", "-i"]).arg(&wav);
    tags.iter().for_each(|tag| {
        made.args(["-metadata", tag]);
    });
    assert!(made.arg(&flac).status().expect("ffmpeg starts").success());
    flac
}

/// Sixteen items: labels in turn, four artists, every fourth pair loud.
async fn fill(stage: &Stage) -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut items = BTreeMap::new();
    for index in 0..16 {
        let mood = if index % 8 < 6 { "Calm" } else { "Loud" };
        let file = tagged(folder.path(), index, LABELS[index % 2], mood);
        let id = stage.client.add_media(&stage.station, &file, &[]).await;
        let item = stage.client.get(&format!("/api/v1/media/{id}")).await;
        items.insert(id, item);
    }
    items
}

async fn block(client: &Client, station: &str) -> String {
    let rule = |field: &str, value: &str| json!({ "field": field, "op": "is", "value": value });
    let body = json!({
        "station_id": station, "name": "Calm north", "rules": {
            "include": [{ "rules": [rule("label", "north")] }],
            "exclude": [{ "rules": [rule("mood", "loud")] }],
            "separation": { "artist_sec": 150, "title_sec": 300 },
            "loop_to_fill": true,
        },
    });
    let made = client.post("/api/v1/smart-blocks", body).await;
    text(&made, "id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_by_label_and_mood_rules_the_hour_and_every_line_is_explained() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 0, ..Setting::default() }).await;
    let client = &stage.client;
    let items = fill(&stage).await;
    let first = items.values().find(|item| text(item, "title") == "Track 00").expect("is there");
    assert_eq!((text(first, "label"), &first["moods"]), ("North", &json!(["Calm"])));
    let found = format!("/api/v1/media?station_id={}&label=NORTH&mood=loud", stage.station);
    assert_eq!(rows(client.get(&found).await).len(), 2);
    let id = block(client, &stage.station).await;
    let path = format!("/api/v1/smart-blocks/{id}");
    let tested = client.post(&format!("{path}/test"), json!({})).await;
    assert_eq!((&tested["library"], &tested["include"]), (&json!(16), &json!([8])), "{tested}");
    assert_eq!((&tested["exclude"], &tested["matching"]), (&json!([2]), &json!(6)), "{tested}");

    let slot = json!({ "offset_ms": 0, "type": "smart_block", "smart_block_id": id });
    stage.clock(vec![slot]).await;
    stage.start(&server).await;
    let lines = until("the next hours are planned", Duration::from_secs(30), || async {
        let lines = stage.schedule(4).await;
        (lines.len() > 60).then_some(lines)
    })
    .await;
    let mut before: Option<&Value> = None;
    for line in &lines {
        let item = &items[text(line, "media_id")];
        assert_eq!((text(item, "label"), &item["moods"][0]), ("North", &json!("Calm")), "{line}");
        if let Some(before) = before {
            assert_ne!(text(before, "artist"), text(line, "artist"), "150 s apart: {line}");
        }
        before = Some(line);
    }
    let line = &lines[lines.len() / 2];
    let told = client.get(&format!("/api/v1/schedule/{}/explain", text(line, "id"))).await;
    assert_eq!(text(&told["pick"], "picked"), text(line, "media_id"), "{told}");
    assert_eq!(told["same_hour"], true, "{told}");

    let asked = json!({ "seed": 11, "duration_ms": 900_000 });
    let once = client.post(&format!("{path}/materialize"), asked.clone()).await;
    let again = client.post(&format!("{path}/materialize"), asked).await;
    assert_eq!(once["items"], again["items"]);
    assert!(once["items"].as_array().expect("items").len() >= 9, "{once}");
    assert!(once["total_ms"].as_i64() >= Some(900_000), "{once}");

    let removal = client.request(Method::DELETE, &path);
    let (status, problem) = client.try_send(removal).await.expect("answers");
    assert_eq!((status, text(&problem, "code")), (StatusCode::CONFLICT, "smart_block_in_use"));
    let bad = json!({ "name": "x", "rules": { "rest": { "share_percent": 0 } } });
    let put = client.request(Method::PUT, &path).json(&bad);
    let (status, problem) = client.try_send(put).await.expect("answers");
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(text(&problem, "field"), "rules.rest.share_percent");
}
