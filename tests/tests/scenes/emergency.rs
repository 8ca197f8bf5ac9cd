//! Scene 2: an emergency in the middle of a crossfade, and automation's return.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_cuts_a_crossfade_and_automation_returns() {
    let server = Server::start().await;
    let setting = Setting { seconds: 34.0, tracks: 5, crossfade_ms: 4_000, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (alert, alert_id) = stage.extra(&server, 4.0, &[("kind", "emergency")]).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    // Two items on air at once: the overlap of the first two tracks.
    until("a crossfade", Duration::from_secs(60), || async {
        let rows = stage.as_run().await;
        let open = rows.iter().filter(|r| text(r, "entry") == "item" && r["ended_at"].is_null());
        (open.count() >= 2).then_some(())
    })
    .await;
    let body = json!({"station_id": stage.station, "media_id": alert_id});
    let raised = stage.client.post("/api/v1/priority/emergency", body).await;
    assert_eq!(raised["on_air"], true, "{raised}");
    assert_eq!(raised["recorded"], true, "{raised}");
    assert!(raised["accept_to_mix_us"].as_i64().is_some_and(|us| us > 0), "{raised}");
    let claim = text(&raised, "claim_id").to_owned();

    let rows = until("automation is back", Duration::from_secs(30), || async {
        let rows = stage.as_run().await;
        let after = rows.iter().position(|r| text(r, "title") == format!("Track {alert:02}"))?;
        let row = &rows[after];
        if row["ended_at"].is_null() {
            return None;
        }
        let ended = row["ended_at"].as_str()?.to_owned();
        let back = rows.iter().any(|r| {
            text(r, "entry") == "item"
                && text(r, "tier") == "automation"
                && text(r, "started_at") >= ended.as_str()
        });
        back.then_some(rows)
    })
    .await;
    ear.listen(ear.seconds(KBPS) + 4.0, KBPS).await;
    let heard = ear.stop().await;

    let items: Vec<_> = rows.iter().filter(|r| text(r, "entry") == "item").collect();
    let preempted = items.iter().filter(|r| text(r, "reason") == "preempted").count();
    assert_eq!(preempted, 2, "both sides of the overlap were preempted: {items:#?}");
    let owners: Vec<_> = rows.iter().filter(|r| text(r, "entry") == "owner").collect();
    assert!(
        owners.iter().any(|r| r["claim_id"] == claim.as_str() && text(r, "tier") == "emergency"),
        "the emergency's ownership is not in the as-run: {owners:#?}"
    );

    let runs = heard.runs(alert + 1);
    let alert_run = runs.iter().filter(|r| r.0 == Some(alert)).max_by_key(|r| r.2);
    let (_, _, windows) = alert_run.unwrap_or_else(|| panic!("the alert was not heard: {runs:?}"));
    let seconds = *windows as f64 * 0.02;
    assert!((seconds - 4.0).abs() < 0.1, "the alert was heard for {seconds:.2} s of 4");
    assert!(heard.longest_silence() < 0.05, "a gap of {:.3} s", heard.longest_silence());
    // While it is on air nothing else is: 100 ms in from both ends.
    let (_, first, _) = *alert_run.expect("heard");
    let tracks = heard.tracks(alert + 1);
    for window in &tracks[first + 5..first + windows - 5] {
        assert_eq!(window, &vec![alert], "something else sounded under the alert");
    }
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_fades_automation_out_and_a_release_brings_it_back() {
    let server = Server::start().await;
    let mut stage = Stage::set(&server, Setting::default()).await;
    let (over, over_id) = stage.extra(&server, 30.0, &[]).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(3.0, KBPS).await;
    let body = json!({
        "station_id": stage.station, "source_type": "media", "source_id": over_id, "fade_ms": 500,
    });
    let raised = stage.client.post("/api/v1/priority/override", body).await;
    assert_eq!(raised["on_air"], true, "{raised}");
    let active =
        stage.client.get(&format!("/api/v1/priority/active?station_id={}", stage.station)).await;
    assert!(active.to_string().contains(text(&raised, "claim_id")), "{active}");
    ear.listen(ear.seconds(KBPS) + 4.0, KBPS).await;
    let path =
        format!("/api/v1/priority/{}?station_id={}", text(&raised, "claim_id"), stage.station);
    stage.client.delete(&path).await;
    until("automation is back", Duration::from_secs(20), || async {
        let rows = stage.as_run().await;
        let last = rows.iter().rev().find(|r| text(r, "entry") == "item")?;
        (text(last, "tier") == "automation").then_some(())
    })
    .await;
    ear.listen(ear.seconds(KBPS) + 3.0, KBPS).await;
    let heard = ear.stop().await;
    let order: Vec<_> =
        heard.runs(over + 1).iter().filter(|r| r.2 > 10).filter_map(|r| r.0).collect();
    let at = order.iter().position(|t| *t == over).expect("the override was heard");
    assert!(at > 0 && at + 1 < order.len(), "automation before and after: {order:?}");
    assert!(heard.longest_silence() < 0.1, "a gap of {:.3} s", heard.longest_silence());
    let rows = stage.as_run().await;
    let row = rows.iter().find(|r| text(r, "title") == format!("Track {over:02}"));
    assert_eq!(text(row.expect("in the as-run"), "reason"), "released", "{row:?}");
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_at_an_equal_tier_is_heard_and_the_same_request_twice_is_one() {
    let server = Server::start().await;
    let mut stage = Stage::set(&server, Setting::default()).await;
    let (_, first_id) = stage.extra(&server, 60.0, &[]).await;
    let (second, second_id) = stage.extra(&server, 60.0, &[]).await;
    let url = stage.start(&server).await;
    let body = |id: &str, take: bool| {
        json!({
            "station_id": stage.station, "source_type": "media", "source_id": id, "take": take,
        })
    };
    let path = "/api/v1/priority/override";
    stage.client.post(path, body(&first_id, false)).await;
    let waiting = stage.client.post(path, body(&second_id, false)).await;
    assert_eq!(waiting["on_air"], false, "the incumbent stays: {waiting}");
    stage.client.delete(&format!("/api/v1/priority/{}", text(&waiting, "claim_id"))).await;
    let ask = || {
        stage
            .client
            .request(reqwest::Method::POST, path)
            .header("Idempotency-Key", "one-take")
            .json(&body(&second_id, true))
    };
    let taken = stage.client.ok(ask()).await;
    assert_eq!(taken["on_air"], true, "a take takes the air: {taken}");
    let again = stage.client.ok(ask()).await;
    assert_eq!(again["claim_id"], taken["claim_id"], "the same request is the same claim");
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(6.0, KBPS).await;
    let heard = ear.stop().await;
    let last = heard.runs(second + 1).into_iter().rfind(|run| run.2 > 10).and_then(|run| run.0);
    assert_eq!(last, Some(second), "the one that took the air is heard");
    server.assert_no_panic();
}
