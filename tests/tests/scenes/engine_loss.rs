//! Scene 4: the engine dies; programme is back within a second, where it was cut.

use grimnir_tests::programs::{kill, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engine_is_back_where_it_was_cut() {
    let server = Server::start().await;
    let setting = Setting { seconds: 60.0, tracks: 3, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(8.0, KBPS).await;
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    kill(pid);
    let killed = Instant::now();
    // A player that reconnects at once, until it is let in.
    let again = until("the mount is back", Duration::from_secs(10), || async {
        Ear::connect(&url).await
    })
    .await;
    let first = until("the first byte", Duration::from_secs(10), || async { again.arrival_of(0) });
    let silent_for = first.await - killed;
    again.listen(4.0, KBPS).await;
    let heard = again.stop().await;
    let before = ear.stop().await;
    let order: Vec<_> = heard.runs(3).iter().filter(|r| r.2 > 10).filter_map(|r| r.0).collect();
    let last = before.runs(3).iter().filter(|r| r.2 > 10).filter_map(|r| r.0).next_back();
    assert_eq!(order.first().copied(), last, "the item that was cut goes on");

    let rows = until("the gap is in the as-run", Duration::from_secs(10), || async {
        let rows = stage.as_run().await;
        rows.iter().any(|r| text(r, "entry") == "interrupted").then_some(rows)
    })
    .await;
    let gap = rows.iter().find(|r| text(r, "entry") == "interrupted").expect("found above");
    assert_eq!(gap["inferred"], true, "{gap}");
    let frames = gap["frames"].as_i64().expect("a gap has a length");
    let length = frames as f64 / 48_000.0;
    // What was heard ended with the process: the gap cannot be longer than the player's.
    assert!(length <= silent_for.as_secs_f64() + 0.020, "{length:.3} s, heard {silent_for:?}");
    // The two plays join to the one item: cut position within a second.
    let plays: Vec<_> = rows
        .iter()
        .filter(|r| text(r, "entry") == "item" && text(r, "title") == "Track 00")
        .collect();
    let cut = plays.iter().find(|r| text(r, "reason") == "engine_lost");
    let cut = cut.unwrap_or_else(|| panic!("no play was cut: {plays:#?}"));
    let aired = cut["start_frame"].as_i64().zip(cut["frames"].as_i64()).expect("lengths");
    let resumed = plays
        .iter()
        .filter_map(|r| r["start_frame"].as_i64())
        .find(|start| *start >= aired.0 + aired.1)
        .expect("the item went on");
    assert_eq!(resumed - (aired.0 + aired.1), frames, "the event is the gap between both plays");
    assert!(silent_for < Duration::from_secs(5), "{silent_for:?} until the first byte");
    server.assert_no_panic();
}
