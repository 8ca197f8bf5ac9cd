//! Shows over HTTP: one comes, rules its time, is moved and cancelled; windows and the calendar.

use grimnir_tests::programs::until;
use grimnir_tests::stage::text;
use grimnir_tests::{Server, Setting, Stage};
use jiff::{Timestamp, ToSpan};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Titles that are planned to start in a stretch of time.
async fn planned(stage: &Stage, from: Timestamp, until: Timestamp) -> BTreeSet<String> {
    let at = |row: &Value| text(row, "starts_at").parse::<Timestamp>().expect("a time");
    let rows = stage.schedule(8).await;
    let inside = rows.iter().filter(|row| at(row) >= from && at(row) < until);
    inside.map(|row| text(row, "title").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_rules_its_time_where_it_is_moved_and_not_where_it_is_cancelled() {
    let server = Server::start().await;
    let mut stage =
        Stage::set(&server, Setting { tracks: 2, seconds: 200.0, ..Setting::default() }).await;
    let (index, _) = stage.extra(&server, 240.0, &[("category", "special")]).await;
    let special = format!("Track {index:02}");
    let slot = json!({ "offset_ms": 0, "type": "category", "category": "special" });
    let body = json!({ "station_id": stage.station, "name": "Special", "slots": [slot] });
    let clock = stage.client.post("/api/v1/clocks", body).await["id"].clone();
    stage.start(&server).await;
    let path = format!("/api/v1/stations/{}", stage.station);
    // Half an hour from the middle of the hour after the next one on; the station keeps UTC.
    let hour = jiff::SignedDuration::from_hours(1);
    let next = Timestamp::now().round(jiff::Unit::Hour).expect("a time") + hour * 2;
    let (begins, ends) = (next + 30.minutes(), next + 60.minutes());
    let local = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let show = json!({
        "name": "Special, live", "start": local(begins), "duration_s": 1_800, "begins": "hard",
        "rrule": "FREQ=DAILY;COUNT=2", "content": { "type": "clock", "clock_id": clock },
        "live": { "names": ["studio-b"] },
    });
    let made = stage.client.post(&format!("{path}/shows?replan=true"), show.clone()).await;
    let at = format!("{path}/shows/{}", text(&made, "id"));
    let only = BTreeSet::from([special.clone()]);
    until("the show's time is planned by its clock", Duration::from_secs(20), || async {
        let inside = planned(&stage, begins, ends).await;
        let before = planned(&stage, next, begins).await;
        (inside == only && !before.contains(&special) && !before.is_empty()).then_some(())
    })
    .await;
    let mut rival = show;
    rival["rrule"] = json!("FREQ=SECONDLY");
    let (status, problem) = refused(&stage, Method::POST, &format!("{path}/shows"), &rival).await;
    assert_eq!((status, text(&problem, "code")), (StatusCode::UNPROCESSABLE_ENTITY, "show_rrule"));
    rival["rrule"] = json!("");
    let (status, problem) = refused(&stage, Method::POST, &format!("{path}/shows"), &rival).await;
    assert_eq!((status, text(&problem, "code")), (StatusCode::CONFLICT, "show_overlap"));

    let windows = stage.client.get(&format!("{path}/windows")).await;
    assert_eq!(windows.as_array().map(Vec::len), Some(2), "{windows}");
    let seen = text(&windows[0], "starts_at").parse::<jiff::Timestamp>().ok();
    assert_eq!(seen, Some(begins));
    assert_eq!(windows[0]["live"]["names"], json!(["studio-b"]));
    let instances = stage.client.get(&format!("{at}/instances")).await;
    let first = format!("{at}/instances/{}", text(&instances[0], "id"));
    let change = json!({ "start": local(next), "duration_s": 900 });
    let patch = stage.client.request(Method::PATCH, &format!("{first}?replan=true"));
    let moved = stage.client.ok(patch.json(&change)).await;
    assert_eq!((&moved["moved"], text(&moved, "local_start")), (&json!(true), &*local(next)));
    until("it is planned where it was moved", Duration::from_secs(20), || async {
        let inside = planned(&stage, next, next + 15.minutes()).await;
        let before = planned(&stage, begins, ends).await;
        (inside == only && !before.contains(&special) && !before.is_empty()).then_some(())
    })
    .await;
    let delete = stage.client.request(Method::DELETE, &format!("{first}?replan=true"));
    assert_eq!(stage.client.ok(delete).await["status"], "cancelled");
    until("it is not planned any more", Duration::from_secs(20), || async {
        let inside = planned(&stage, next, ends).await;
        (!inside.contains(&special) && !inside.is_empty()).then_some(())
    })
    .await;
    let calendar = stage.client.request(Method::GET, &format!("{path}/schedule.ics"));
    let calendar = calendar.send().await.expect("answers");
    let kind = calendar.headers()["content-type"].to_str().expect("is text").to_owned();
    let file = calendar.text().await.expect("a body");
    assert_eq!(kind, "text/calendar; charset=utf-8");
    assert!(file.starts_with("BEGIN:VCALENDAR\r\n"), "{file}");
    assert!(file.contains("SUMMARY:Special\\, live\r\n"), "{file}");
    assert_eq!(file.matches("STATUS:CANCELLED\r\n").count(), 1, "{file}");
    assert_eq!(file.matches("BEGIN:VEVENT\r\n").count(), 2, "{file}");
    stage.client.ok(stage.client.request(Method::DELETE, &at)).await;
    let (status, _) = refused(&stage, Method::GET, &at, &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    server.assert_no_panic();
}

/// Status and problem of a request that is refused.
async fn refused(stage: &Stage, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = stage.client.request(method, path).json(body);
    stage.client.try_send(request).await.expect("answers")
}
