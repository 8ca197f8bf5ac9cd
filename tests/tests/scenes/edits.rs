//! Work on the plan by hand, over HTTP and by ear: what is queued and inserted is heard next, what
//! is on air is not touched, and an hour comes back to what it was.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{KBPS, clear_of_the_turn, rows, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const TRACKS: usize = 4;

/// Titles of the items that aired, in order.
async fn aired(stage: &Stage) -> Vec<String> {
    let rows = stage.as_run().await;
    let items = rows.iter().filter(|row| text(row, "entry") == "item");
    items.map(|row| text(row, "title").to_owned()).collect()
}

/// Skips what is on air once this many items have begun.
async fn skip_at(stage: &Stage, count: usize) {
    until("the next item is on air", PATIENCE, || async {
        (aired(stage).await.len() == count).then_some(())
    })
    .await;
    let body = json!({ "station_id": stage.station });
    stage.client.post("/api/v1/playout/skip", body).await;
}

/// The entries of the hour after the running one.
async fn next_hour(stage: &Stage) -> (String, Vec<Value>) {
    let now = jiff::Timestamp::now().as_second();
    let second = now.div_euclid(3_600) * 3_600 + 3_600;
    let hour = jiff::Timestamp::from_second(second).expect("an instant");
    let until = jiff::Timestamp::from_second(second + 3_600).expect("an instant");
    let path = format!("/api/v1/schedule?station_id={}&from={hour}&until={until}", stage.station);
    (hour.to_string(), rows(stage.client.get(&path).await))
}

async fn refused(stage: &Stage, method: Method, path: &str, body: Value, code: &str) {
    let request = stage.client.request(method, path).json(&body);
    let (status, problem) = stage.client.try_send(request).await.expect("it answers");
    assert_eq!((status, text(&problem, "code")), (StatusCode::CONFLICT, code), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_and_inserted_is_heard_next() {
    clear_of_the_turn(90).await;
    let server = Server::start().await;
    let setting = Setting { tracks: TRACKS, seconds: 60.0, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (queued, queued_id) = stage.extra(&server, 60.0, &[]).await;
    let (inserted, inserted_id) = stage.extra(&server, 60.0, &[]).await;
    let url = stage.start(&server).await;
    until("programme is on air", PATIENCE, || async {
        (aired(&stage).await.len() == 1).then_some(())
    })
    .await;
    let station = stage.station.clone();
    let body = json!({ "station_id": station, "media_id": queued_id });
    let done = stage.client.post("/api/v1/schedule/queue-next", body).await;
    let line = text(&done, "id").to_owned();
    let body = json!({ "station_id": station, "media_id": inserted_id, "after": line });
    let checked = json!({ "edits": [
        { "op": "insert", "media_id": inserted_id, "after": line },
        { "op": "delete", "id": line },
    ]});
    let path = format!("/api/v1/stations/{station}/schedule/validate");
    assert_eq!(stage.client.post(&path, checked).await["valid"], true);
    let done = stage.client.post("/api/v1/schedule", body).await;
    assert!(text(&done, "id").starts_with("lin_"), "{done}");

    let upcoming = stage.client.get(&format!("/api/v1/schedule?station_id={station}")).await;
    let upcoming = rows(upcoming);
    let titles: Vec<&str> = upcoming.iter().take(4).map(|row| text(row, "title")).collect();
    // The plan of the running hour began with the hour: what airs first is what its time says.
    let first_aired = aired(&stage).await.remove(0);
    let begun: usize = first_aired.trim_start_matches("Track ").parse().expect("a number");
    let track = |n: usize| if n < TRACKS { (begun + n) % TRACKS } else { n };
    let named = |n: usize| format!("Track {:02}", track(n));
    let [first, second, after] = [&named(queued), &named(inserted), &named(2)];
    assert_eq!(titles[1..], [first, second, after].map(String::as_str));
    assert_eq!((&upcoming[1]["pin"], &upcoming[3]["pin"]), (&json!("hand"), &Value::Null));

    // What is on air and what comes next is not touched.
    let on_air = stage.as_run().await;
    let on_air = on_air
        .iter()
        .find(|row| text(row, "entry") == "item" && text(row, "title") == named(0))
        .expect("it airs");
    let path = format!("/api/v1/schedule/{}", text(on_air, "line_id"));
    refused(&stage, Method::DELETE, &path, json!({}), "line_on_air").await;
    let path = format!("/api/v1/schedule/{}", text(&upcoming[0], "id"));
    refused(&stage, Method::PATCH, &path, json!({ "locked": true }), "line_comes_next").await;

    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    for count in 1..=3 {
        skip_at(&stage, count).await;
        // Long enough to be told from what it fades over.
        ear.listen(ear.seconds(KBPS) + 4.0, KBPS).await;
    }
    until("what was inserted is on air", PATIENCE, || async {
        (aired(&stage).await.len() == 4).then_some(())
    })
    .await;
    ear.listen(ear.seconds(KBPS) + 3.0, KBPS).await;
    let titles = aired(&stage).await;
    assert_eq!(titles, [named(0), named(1), named(queued), named(inserted)]);
    let heard = ear.stop().await;
    let mut order: Vec<usize> = Vec::new();
    for (track, _, windows) in heard.runs(TRACKS + 2) {
        if let Some(track) = track.filter(|track| windows > 10 && order.last() != Some(track)) {
            order.push(track);
        }
    }
    assert!(order.ends_with(&[track(1), queued, inserted]), "heard {order:?}");
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_comes_back_to_what_it_was_and_is_kept_as_a_template() {
    clear_of_the_turn(60).await;
    let server = Server::start().await;
    let setting = Setting { tracks: TRACKS, seconds: 300.0, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (_, extra) = stage.extra(&server, 120.0, &[]).await;
    stage.start(&server).await;
    until("a day is planned", PATIENCE, || async {
        let far = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(22);
        let path = format!("/api/v1/schedule?station_id={}&from={far}&hours=1", stage.station);
        (!rows(stage.client.get(&path).await).is_empty()).then_some(())
    })
    .await;
    let (hour, before) = next_hour(&stage).await;
    let station = stage.station.clone();
    let versions = format!("/api/v1/schedule/versions?station_id={station}");
    let seq = rows(stage.client.get(&versions).await)[0]["seq"].as_u64().expect("a position");

    let body = json!({
        "station_id": station, "media_id": extra, "hour": hour, "index": 2,
    });
    stage.client.post("/api/v1/schedule", body).await;
    let path = format!("/api/v1/schedule/{}", text(&before[4], "id"));
    stage.client.delete(&path).await;
    let changed = next_hour(&stage).await.1;
    assert_ne!(changed, before);
    let listed = rows(stage.client.get(&versions).await);
    // What follows from it, other times, is there too.
    let kinds = listed.iter().map(|row| text(row, "change_type")).filter(|kind| *kind != "change");
    assert_eq!(kinds.take(2).collect::<Vec<_>>(), ["drop", "insert"]);
    let path = format!("/api/v1/schedule/versions/{seq}/diff?station_id={station}");
    let diff = rows(stage.client.get(&path).await);
    let of_hour = diff.iter().find(|row| text(row, "hour").starts_with(&hour[..13]));
    let of_hour = of_hour.expect("the hour is another");
    assert_eq!(of_hour["added"][0]["media_id"], json!(extra), "{of_hour}");
    assert_eq!(of_hour["removed"][0]["id"], before[4]["id"], "{of_hour}");

    let path = format!("/api/v1/schedule/versions/{seq}/restore");
    let elsewhere = json!({ "station_id": station, "until": hour });
    stage.client.post(&path, elsewhere).await;
    assert_eq!(next_hour(&stage).await.1, changed, "it begins after that range");
    let restored = stage.client.post(&path, json!({ "station_id": station, "from": hour })).await;
    assert_eq!(restored["left"], json!([]), "{restored}");
    until("the hour is as it was", PATIENCE, || async {
        (next_hour(&stage).await.1 == before).then_some(())
    })
    .await;

    let body = json!({
        "station_id": station, "name": "As it was", "span": "day", "start_date": &hour[..10],
    });
    let template = stage.client.post("/api/v1/schedule-templates", body).await;
    assert!(template["hours_with_lines"].as_u64() > Some(0), "{template}");
    let path = format!("/api/v1/schedule-templates/{}", text(&template, "id"));
    let shown = stage.client.get(&path).await;
    let number = hour[11..13].parse::<u64>().expect("an hour");
    let lines = shown["hours"].as_array().expect("hours").iter();
    let lines = lines.filter(|row| row["place"] == number).map(|row| row["lines"].as_array());
    let lines = lines.flatten().next().map_or(0, Vec::len);
    assert_eq!(lines, before.len(), "{shown}");

    let clocks = format!("/api/v1/clocks?station_id={station}");
    let clock = rows(stage.client.get(&clocks).await)[0].clone();
    let path = format!("/api/v1/clocks/{}/simulate", text(&clock, "id"));
    let tried = stage.client.post(&path, json!({ "hours": 2, "seed": 7 })).await;
    let hours = tried["hours"].as_array().expect("hours");
    assert!(hours.len() == 2 && hours[0]["items"].as_array().is_some_and(|i| i.len() > 5));
    assert_eq!(next_hour(&stage).await.1, before, "nothing was planned");
    server.assert_no_panic();
}
