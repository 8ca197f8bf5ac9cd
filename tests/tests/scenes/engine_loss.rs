//! Scene 4: the engine dies; programme is back within a second, where it was cut.

use grimnir_mix::Frame;
use grimnir_tests::programs::{kill, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage, tracks};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Frames from which a position is told: 100 ms.
const LOOK: usize = 4_800;

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engine_is_back_where_it_was_cut() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 1, ..Setting::default() }).await;
    let file = tracks::write_sweep(&server.data.join("made"), "sweep.wav", 60.0);
    let sweep = stage.client.add_media(&stage.station, &file, &[("title", "Sweep")]).await;
    let path = format!("/api/v1/playlists/{}", stage.playlist);
    let body = json!({"station_id": stage.station, "name": "All", "items": [sweep]});
    stage.client.ok(stage.client.request(reqwest::Method::PUT, &path).json(&body)).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(8.0, KBPS).await;
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    kill(pid);
    let again = until("the mount is back", Duration::from_secs(10), || Ear::connect(&url)).await;
    again.listen(4.0, KBPS).await;
    let last_byte = ear.last_arrival().expect("something was heard");
    let first_byte = again.arrival_of(0).expect("something is heard");
    let heard = again.stop().await.frames;
    let before = ear.stop().await.frames;

    let cut_at = before.rchunks_exact(LOOK).find_map(tracks::sweep_position);
    // A decoder that joins in the middle needs a moment before its sound is the programme's.
    let back_at = heard.chunks_exact(LOOK).skip(2).find_map(tracks::sweep_position);
    let (cut_at, back_at) = (cut_at.expect("heard before"), back_at.expect("heard after"));
    assert!((back_at - cut_at).abs() < 1.0, "cut at {cut_at:.2} s, back at {back_at:.2} s");

    let rows = until("the gap is in the as-run", Duration::from_secs(10), || async {
        let rows = stage.as_run().await;
        rows.iter().any(|r| text(r, "entry") == "interrupted").then_some(rows)
    })
    .await;
    the_record_says_so(&rows, last_byte, first_byte);
    server.assert_no_panic();
    assert!(silence_after_sound(&heard) < LOOK, "programme went on without another gap");
}

/// One inferred gap, which is what lies between both plays and what a player had to do without.
fn the_record_says_so(rows: &[Value], last_byte: Instant, first_byte: Instant) {
    let gaps: Vec<_> = rows.iter().filter(|r| text(r, "entry") == "interrupted").collect();
    assert_eq!(gaps.len(), 1, "{gaps:#?}");
    assert_eq!(gaps[0]["inferred"], true, "{gaps:#?}");
    let frames = gaps[0]["frames"].as_i64().expect("a gap has a length");
    let plays: Vec<_> = rows.iter().filter(|r| text(r, "title") == "Sweep").collect();
    let cut = plays.iter().find(|r| text(r, "reason") == "engine_lost");
    let cut = cut.unwrap_or_else(|| panic!("no play was cut: {plays:#?}"));
    let aired = cut["start_frame"].as_i64().zip(cut["frames"].as_i64()).expect("lengths");
    let resumed = plays
        .iter()
        .filter_map(|r| r["start_frame"].as_i64())
        .find(|start| *start >= aired.0 + aired.1)
        .expect("the item went on");
    assert_eq!(resumed - (aired.0 + aired.1), frames, "the event is the gap between both plays");
    let length = frames as f64 / 48_000.0;
    assert!(length < 1.0, "programme was away for {length:.3} s");
    // A player's own gap has two encoder delays and its reconnecting in it, so it is only longer.
    let heard = (first_byte - last_byte).as_secs_f64();
    println!("gap recorded {length:.3} s, at the socket {heard:.3} s");
}

/// Frames of the longest silence after the first sound.
fn silence_after_sound(frames: &[Frame]) -> usize {
    let sound = |frame: &Frame| frame[0].abs() > 0.01;
    let first = frames.iter().position(sound).unwrap_or(frames.len());
    frames[first..].split(sound).map(<[Frame]>::len).max().unwrap_or(0)
}
