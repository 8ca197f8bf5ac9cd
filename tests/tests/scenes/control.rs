//! Who starts lines, over HTTP and by ear; and a look ahead that says early what is missing.

use grimnir_tests::programs::until;
use grimnir_tests::stage::text;
use grimnir_tests::{Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_starts_lines_in_assist_and_the_plan_takes_over_again() {
    let server = Server::start().await;
    let stage =
        Stage::set(&server, Setting { tracks: 4, seconds: 120.0, ..Setting::default() }).await;
    stage.start(&server).await;
    let station = stage.station.clone();
    let state = format!("/api/v1/executor/states/{station}");
    let mode = |mode: &str| json!({ "station_id": station, "mode": mode });
    let body = json!({ "station_id": station });
    let post = stage.client.request(Method::POST, "/api/v1/playout/start").json(&body);
    let (status, problem) = stage.client.try_send(post).await.expect("it answers");
    assert_eq!((status.as_u16(), text(&problem, "code")), (409, "not_in_assist"));
    stage.client.post("/api/v1/playout/mode", mode("hold")).await;
    until("the fallback holds the air", PATIENCE, || async {
        let seen = stage.client.get(&state).await;
        (seen["mode"] == "hold" && seen["tier"] == "fallback").then_some(())
    })
    .await;
    stage.client.post("/api/v1/playout/mode", mode("assist")).await;
    let next = until("a line is made ready", PATIENCE, || async {
        let seen = stage.client.get(&state).await;
        let waits = seen["mode"] == "assist" && seen["next"]["waiting"] == true;
        waits.then(|| text(&seen["next"], "title").to_owned())
    })
    .await;
    stage.client.post("/api/v1/playout/start", body).await;
    until("it is on air", PATIENCE, || async {
        let seen = stage.client.get(&state).await;
        let aired = stage.as_run().await;
        let row = aired.iter().any(|row| row["title"] == next.as_str());
        (seen["tier"] == "automation" && row).then_some(())
    })
    .await;
    stage.client.post("/api/v1/playout/mode", mode("automatic")).await;
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_in_the_coming_half_hour_is_said_before_its_time() {
    let server = Server::start().await;
    // Two are open ahead of time; the others wait for minutes.
    let stage =
        Stage::set(&server, Setting { tracks: 4, seconds: 150.0, ..Setting::default() }).await;
    stage.start(&server).await;
    let now = jiff::Timestamp::now();
    let far = until("a line minutes ahead is planned", PATIENCE, || async {
        let rows = stage.schedule(2).await;
        let at = |row: &Value| text(row, "starts_at").parse::<jiff::Timestamp>().expect("a time");
        let far = |row: &&Value| at(row) > now + jiff::SignedDuration::from_mins(6);
        rows.iter().find(far).map(|row| text(row, "media_id").to_owned())
    })
    .await;
    let path = format!("/api/v1/media/{far}");
    let item = stage.client.get(&path).await;
    let hash = text(&item, "play_hash").to_owned();
    let file = server.data.join("media").join(&hash[..2]).join(&hash);
    let bytes = std::fs::read(&file).expect("it is in the store");
    // One bit of it: the length stays.
    let mut other = bytes.clone();
    other[100_000] ^= 1;
    std::fs::write(&file, &other).expect("can be written");
    let lost = |what: &'static str| {
        let (stage, path) = (&stage, &path);
        async move {
            let item = stage.client.get(path).await;
            item["lost"].as_str().is_some_and(|why| why.contains(what)).then_some(())
        }
    };
    until("other bytes are noticed", PATIENCE, || lost("other bytes")).await;
    std::fs::write(&file, &bytes).expect("can be written");
    until("it is found again", PATIENCE, || async {
        stage.client.get(&path).await["lost"].is_null().then_some(())
    })
    .await;
    std::fs::remove_file(&file).expect("can be removed");
    until("a missing file is noticed", PATIENCE, || lost("missing")).await;
    server.assert_no_panic();
}
