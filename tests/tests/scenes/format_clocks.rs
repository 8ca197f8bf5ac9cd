//! Format clocks over HTTP: a break, a recorded link and legal IDs in the plan; one on air at
//! sign-on.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{clear_of_the_turn, text};
use grimnir_tests::{Server, Setting, Stage};
use jiff::{Timestamp, ToSpan, Unit};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Milliseconds from an hour to a line's start.
fn after(hour: Timestamp, line: &Value) -> i64 {
    let at: Timestamp = text(line, "starts_at").parse().expect("a time");
    at.as_millisecond() - hour.as_millisecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_a_recorded_link_and_legal_ids_stand_in_the_plan_and_sign_on_is_identified() {
    clear_of_the_turn(60).await;
    let server = Server::start().await;
    let mut stage =
        Stage::set(&server, Setting { tracks: 6, seconds: 200.0, ..Setting::default() }).await;
    let id = [("category", "ids"), ("kind", "legal_id")];
    let (_, legal_id) = stage.extra(&server, 4.0, &id).await;
    for _ in 0..3 {
        stage.extra(&server, 20.0, &[("category", "spots"), ("kind", "spot")]).await;
    }
    let (_, link) = stage.extra(&server, 12.0, &[("category", "links")]).await;
    let client = &stage.client;
    let put = async |path: String, body: Value| {
        client.ok(client.request(Method::PUT, &path).json(&body)).await
    };
    let rule = format!("/api/v1/stations/{}/legal-id", stage.station);
    put(rule, json!({ "before_ms": 240_000, "after_ms": 240_000 })).await;
    stage
        .clock(vec![
            json!({ "offset_ms": 0, "type": "playlist", "playlist_id": stage.playlist }),
            json!({ "offset_ms": 1_200_000, "type": "voice_track", "track": "link" }),
            json!({ "type": "stopset", "stopset": { "category": "spots", "length_ms": 40_000,
                "tolerance_ms": 3_000 } }),
            json!({ "type": "playlist", "playlist_id": stage.playlist, "items": 50 }),
        ])
        .await;
    // The hour after the next full one has a recorded link.
    let full = Timestamp::now().round(Unit::Hour).expect("a time");
    let hour = if full > Timestamp::now() { full + 1.hour() } else { full + 2.hours() };
    let track = json!({ "station_id": stage.station, "hour": hour.to_string(), "track": "link",
        "media_id": link });
    put("/api/v1/voice-tracks".into(), track).await;
    stage.start(&server).await;

    let lines = until("the hours are planned", Duration::from_secs(30), || async {
        let lines = stage.schedule(4).await;
        lines.iter().any(|line| after(hour, line) > 3_000_000).then_some(lines)
    })
    .await;
    let within = |line: &&Value| (0..3_600_000).contains(&after(hour, line));
    let planned: Vec<&Value> = lines.iter().filter(within).collect();
    let at = planned.iter().position(|line| line["media_id"] == json!(link)).expect("the link");
    assert!((1_200_000..1_600_000).contains(&after(hour, planned[at])), "{}", planned[at]);
    let kinds: Vec<&str> = planned[at..].iter().take(4).map(|line| text(line, "kind")).collect();
    assert_eq!(kinds, ["music", "spot", "spot", "music"], "the link, then a break of 40 s");
    let near =
        |line: &&Value| text(line, "kind") == "legal_id" && after(hour, line).abs() <= 240_000;
    assert_eq!(lines.iter().filter(near).count(), 1, "one around the hour");

    let heard = until("a legal ID is on air", Duration::from_secs(30), || async {
        let items = stage.as_run().await;
        let mut items = items.into_iter().filter(|row| text(row, "entry") == "item");
        items.find(|row| row["media_id"] == json!(legal_id))
    })
    .await;
    assert_eq!(text(&heard, "kind"), "legal_id", "{heard}");

    // Whatever plays at sign-off, the last that is heard is one as well.
    client.post(&format!("/api/v1/stations/{}/stop", stage.station), json!({})).await;
    let last = until("the station has left the air", Duration::from_secs(30), || async {
        let items = stage.as_run().await;
        let items: Vec<Value> =
            items.into_iter().filter(|row| text(row, "entry") == "item").collect();
        let last = items.last()?.clone();
        let over = text(&last, "kind") == "legal_id" && last["line_id"].is_null();
        (over && !last["ended_at"].is_null()).then_some(last)
    })
    .await;
    assert_eq!(last["media_id"], json!(legal_id));
    server.assert_no_panic();
}
