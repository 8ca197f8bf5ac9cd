//! Scene 3: the control plane dies; the engine plays on through a hard start, a broken file and a
//! legal identification, and the as-run is whole afterwards.

use grimnir_tests::ear::WINDOW;
use grimnir_tests::programs::{soak, until};
use grimnir_tests::stage::{KBPS, second_of_hour, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use serde_json::{Value, json};
use std::time::Duration;

fn item(ms: i64, start: &str, id: &str) -> Value {
    json!({"offset_ms": ms, "start": start, "type": "hard_item", "media_id": id})
}

/// In at the first junction, or after 10 s through whatever plays: heard before the hard start
/// wherever in a track the scene begins.
fn soon(ms: i64, id: &str) -> Value {
    let mut slot = item(ms, "soft", id);
    slot["grace_ms"] = json!(10_000);
    slot
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_control_plane_is_not_heard() {
    let outage_s = if soak() { 600.0 } else { 60.0 };
    let mut server = Server::start().await;
    let setting = Setting { seconds: 32.0, tracks: 5, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (legal, legal_id) = stage.extra(&server, 3.0, &[("kind", "legal_id")]).await;
    let (hard, hard_id) = stage.extra(&server, 20.0, &[]).await;
    let (broken, broken_id) = stage.extra(&server, 9.0, &[]).await;
    // Everything below falls into the outage, which begins about 6 s from now.
    let second = second_of_hour();
    let at = |after: i64| (second + after) % 3_600 * 1_000;
    let list = stage.playlist.as_str();
    let fill = |ms: i64| json!({"offset_ms": ms, "type": "playlist", "playlist_id": list});
    let mut slots = vec![
        soon(at(16), &legal_id),
        fill(at(17)),
        item(at(38), "hard", &hard_id),
        item(at(39), "free", &broken_id),
        fill(at(40)),
    ];
    if !slots.iter().any(|s| s["offset_ms"] == 0) {
        slots.push(fill(0));
    }
    slots.sort_by_key(|s| s["offset_ms"].as_i64());
    stage.clock(slots).await;
    let url = stage.start(&server).await;
    // The file is whole when it is planned, and gone when it is to play.
    let hash = text(&stage.client.get(&format!("/api/v1/media/{broken_id}")).await, "play_hash")
        .to_owned();
    let path = server.data.join("media").join(&hash[..2]).join(&hash);
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(4.0, KBPS).await;

    // The look ahead of a control plane that lives would see it, and plan something else.
    server.kill();
    std::fs::remove_file(&path).expect("the stored file is where its hash says");
    ear.listen(ear.seconds(KBPS) + outage_s, KBPS).await;
    server.restart().await;
    let client = server.admin().await;
    let stage = Stage { client, ..stage };
    let rows = until("the journal is in the ledger", Duration::from_secs(30), || async {
        let request = stage.client.request(reqwest::Method::GET, "/readyz");
        let (_, ready) = stage.client.try_send(request).await?;
        let engine = ready["engines"].as_array()?.first()?.clone();
        let whole = engine["connected"] == true && engine["journal_backlog"] == 0;
        let rows = stage.as_run().await;
        let aired = rows.iter().any(|r| text(r, "title") == format!("Track {hard:02}"));
        (whole && aired).then_some(rows)
    })
    .await;
    ear.listen(ear.seconds(KBPS) + 2.0, KBPS).await;
    assert!(!ear.ended(), "the listener was cut off");
    let heard = ear.stop().await;

    assert!(heard.longest_silence() < 0.02, "a gap of {:.3} s", heard.longest_silence());
    let order: Vec<_> =
        heard.runs(broken + 1).iter().filter(|r| r.2 > 25).filter_map(|r| r.0).collect();
    assert!(order.contains(&legal), "the legal identification was heard: {order:?}");
    assert!(order.contains(&hard), "the hard item was heard: {order:?}");
    assert!(!order.contains(&broken), "a missing file cannot be heard: {order:?}");

    as_run_is_whole(&rows);
    hard_start_is_exact(&rows, hard, second + 38);
    let dropped = rows.iter().find(|r| {
        text(r, "entry") == "dropped" && text(r, "title") == format!("Track {broken:02}")
    });
    assert_eq!(text(dropped.expect("the broken item is in the as-run"), "reason"), "missing_file");
    the_plan_is_what_aired(&stage, &rows).await;
    assert!(heard.frames.len() > WINDOW);
    server.assert_no_panic();
}

/// Plays follow one another without a hole and none is there twice.
fn as_run_is_whole(rows: &[Value]) {
    let items: Vec<_> = rows.iter().filter(|r| text(r, "entry") == "item").collect();
    let mut seen = std::collections::BTreeSet::new();
    for row in &items {
        let key = (text(row, "run").to_owned(), row["play"].as_u64());
        assert!(seen.insert(key), "a play is there twice: {row}");
    }
    for pair in items.windows(2) {
        let end = pair[0]["start_frame"].as_i64().zip(pair[0]["frames"].as_i64());
        let (start, frames) = end.unwrap_or_else(|| panic!("an earlier play is open: {}", pair[0]));
        let next = pair[1]["start_frame"].as_i64().expect("a play has a start");
        assert!(next <= start + frames, "a hole of {} frames", next - start - frames);
    }
}

fn hard_start_is_exact(rows: &[Value], hard: usize, second_of_hour: i64) {
    let title = format!("Track {hard:02}");
    let row = rows.iter().find(|r| text(r, "title") == title && text(r, "entry") == "item");
    let frame = row.and_then(|r| r["start_frame"].as_i64()).expect("the hard item aired");
    let wanted = (second_of_hour % 3_600) * 48_000;
    assert_eq!(frame.rem_euclid(3_600 * 48_000), wanted, "a hard item's first frame is on T");
}

/// What aired is what the resolver makes of the plan: the lines in their order, none other.
async fn the_plan_is_what_aired(stage: &Stage, rows: &[Value]) {
    let planned = stage.schedule(2).await;
    let place = |row: &Value| planned.iter().position(|p| p["id"] == row["line_id"]);
    let aired: Vec<usize> = rows
        .iter()
        .filter(|r| text(r, "entry") == "item" && text(r, "tier") == "automation")
        .filter_map(place)
        .collect();
    assert!(aired.len() >= 3, "too little of the plan aired: {aired:?}");
    for pair in aired.windows(2) {
        assert!(pair[0] < pair[1], "lines aired out of their order: {aired:?}");
        for skipped in &planned[pair[0] + 1..pair[1]] {
            let why =
                rows.iter().find(|r| r["line_id"] == skipped["id"] && text(r, "entry") != "item");
            assert!(why.is_some(), "{skipped} did not air and nothing says why");
        }
    }
}
