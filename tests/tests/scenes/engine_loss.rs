//! Scene 4: the engine dies; programme is back within a second, where it was cut.

use grimnir_mix::Frame;
use grimnir_tests::programs::{kill, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Heard, Server, Setting, Stage, tracks};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Frames from which a position is told: half a second.
const LOOK: usize = 24_000;
/// Frames that a decoder which begins in silence may colour: 100 ms.
const SETTLE: usize = 4_800;

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
    let zero = Instant::now();
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(8.0, KBPS).await;
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    kill(pid);
    let again = until("the mount is back", Duration::from_secs(10), || Ear::connect(&url)).await;
    // When it sounded is told by the arrival that waited least: of many one waited for nothing.
    again.listen(14.0, KBPS).await;
    let (before, after) = (ear.stop().await, again.stop().await);

    let last = the_last_heard(&before, zero);
    let first = the_first_heard(&after, zero);
    let (cut, back) = (last.position, first.position);
    assert!((back - cut).abs() < 1.0, "cut at {cut:.3} s, back at {back:.3} s");
    let heard_gap = first.at - last.at;
    assert!(heard_gap < 1.0, "programme was away for {heard_gap:.3} s");

    let rows = until("the gap is in the as-run", Duration::from_secs(10), || async {
        let rows = stage.as_run().await;
        rows.iter().any(|r| text(r, "entry") == "interrupted").then_some(rows)
    })
    .await;
    let recorded = recorded_gap(&rows);
    println!("gap heard {heard_gap:.3} s, recorded {recorded:.3} s; cut {cut:.3}, back {back:.3}");
    assert!((recorded - heard_gap).abs() <= 0.020, "heard {heard_gap:.3}, recorded {recorded:.3}");
    server.assert_no_panic();
    assert!(silence_after_sound(&after.frames) < SETTLE, "programme went on without another gap");
}

/// A moment of the programme at the ear.
struct Moment {
    /// Place in the sweep, in seconds.
    position: f64,
    /// When it sounded, in seconds after a common zero, for a player without a buffer.
    at: f64,
}

/// The last that a listener got before the cut.
fn the_last_heard(heard: &Heard, zero: Instant) -> Moment {
    let look = heard.frames.len().checked_sub(LOOK).expect("half a second was heard");
    let position = tracks::sweep_position(&heard.frames[look..]).expect("the sweep was cut clean");
    let position = position + LOOK as f64 / 48_000.0;
    Moment { position, at: heard.began(zero) + heard.seconds() }
}

/// The first sound after it.
fn the_first_heard(heard: &Heard, zero: Instant) -> Moment {
    let sound = |frame: &Frame| frame[0].abs() > 0.01;
    let first = heard.frames.iter().position(sound).expect("something is heard");
    let look = first + SETTLE;
    let position = tracks::sweep_position(&heard.frames[look..look + LOOK]).expect("the sweep");
    let position = position - SETTLE as f64 / 48_000.0;
    Moment { position, at: heard.began(zero) + first as f64 / 48_000.0 }
}

/// Seconds of the one inferred gap, which is what lies between both plays.
fn recorded_gap(rows: &[Value]) -> f64 {
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
    frames as f64 / 48_000.0
}

/// Frames of the longest silence after the first sound.
fn silence_after_sound(frames: &[Frame]) -> usize {
    let sound = |frame: &Frame| frame[0].abs() > 0.01;
    let first = frames.iter().position(sound).unwrap_or(frames.len());
    frames[first..].split(sound).map(<[Frame]>::len).max().unwrap_or(0)
}
