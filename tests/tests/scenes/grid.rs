//! The grid: hours of the station's own time, each by its own clock; and a change of the zone.

use grimnir_tests::programs::until;
use grimnir_tests::stage::text;
use grimnir_tests::{Server, Setting, Stage};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Local hours of the coming lines from the hour after the running one on, with their titles.
async fn coming(stage: &Stage, zone: &TimeZone) -> Vec<(Timestamp, String)> {
    let next = zone.to_datetime(Timestamp::now()).round(jiff::Unit::Minute).expect("a time");
    let full = next.with().minute(0).build().expect("a time") + 1.hour();
    let full = zone.to_timestamp(full).expect("a time");
    let row = |row: &Value| {
        let at: Timestamp = text(row, "starts_at").parse().expect("a time");
        let local = zone.to_datetime(at).with().minute(0).second(0).subsec_nanosecond(0).build();
        let hour = zone.to_timestamp(local.expect("a time")).expect("a time");
        (at >= full).then(|| (hour, text(row, "title").to_owned()))
    };
    stage.schedule(8).await.iter().filter_map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_the_grid_plays_by_its_own_clock_also_in_another_zone() {
    let server = Server::start().await;
    let mut stage =
        Stage::set(&server, Setting { tracks: 2, seconds: 200.0, ..Setting::default() }).await;
    let (index, _) = stage.extra(&server, 240.0, &[("category", "special")]).await;
    let special = format!("Track {index:02}");
    let path = format!("/api/v1/stations/{}", stage.station);
    stage.client.patch(&path, json!({ "time_zone": "Asia/Kolkata" })).await;
    let slot = json!({ "offset_ms": 0, "type": "category", "category": "special" });
    let body = json!({ "station_id": stage.station, "name": "Special", "slots": [slot] });
    let clock = stage.client.post("/api/v1/clocks", body).await["id"].clone();
    let zone = TimeZone::get("Asia/Kolkata").expect("is known");
    // The hour after the next one of the station's own time.
    let chosen = (Timestamp::now() + 2.hours()).to_zoned(zone.clone());
    let day = usize::from(chosen.weekday().to_monday_zero_offset().unsigned_abs());
    let mut week = vec![vec![Value::Null; 24]; 7];
    week[day][usize::from(chosen.hour().unsigned_abs())] = clock;
    let put = stage.client.request(reqwest::Method::PUT, &format!("{path}/grid"));
    let grid = stage.client.ok(put.json(&json!({ "week": week }))).await;
    assert_eq!(stage.client.get(&format!("{path}/grid")).await, grid);
    stage.start(&server).await;
    let by_grid = |zone: TimeZone, chosen: Timestamp| {
        let (stage, special) = (&stage, &special);
        async move {
            let lines = coming(stage, &zone).await;
            let hours: BTreeSet<_> = lines.iter().map(|(hour, _)| *hour).collect();
            let right = lines.iter().all(|(hour, title)| (hour == &chosen) == (title == special));
            (hours.len() >= 4 && hours.contains(&chosen) && right).then_some(())
        }
    };
    let full = |zoned: &jiff::Zoned| {
        let start = zoned.with().minute(0).second(0).subsec_nanosecond(0).build();
        start.expect("a time").timestamp()
    };
    until("the grid's hour is planned by its clock", Duration::from_secs(30), || {
        by_grid(zone.clone(), full(&chosen))
    })
    .await;
    assert_eq!(full(&chosen).as_second().rem_euclid(3_600), 1_800, "half past of UTC");
    // The station moves: the same hour of the week is another instant now.
    stage.client.patch(&path, json!({ "time_zone": "UTC" })).await;
    let local = full(&chosen).to_zoned(zone).datetime();
    let moved = TimeZone::UTC.to_timestamp(local).expect("a time");
    until("the plan follows the station's clocks", Duration::from_secs(30), || async {
        let lines = coming(&stage, &TimeZone::UTC).await;
        let hours: BTreeSet<_> = lines.iter().map(|(hour, _)| *hour).collect();
        let right = lines.iter().all(|(hour, title)| (*hour == moved) == (*title == special));
        (hours.len() >= 4 && right).then_some(())
    })
    .await;
    server.assert_no_panic();
}
