//! Scene 1: from an empty folder to programme, in the planned order, each overlap on its frame.

use grimnir_mix::tone::tone_level;
use grimnir_tests::ear::WINDOW;
use grimnir_tests::stage::{KBPS, clear_of_the_turn, text};
use grimnir_tests::{Ear, Heard, Server, Setting, Stage, tracks};

const CROSSFADE_S: f64 = 2.0;
const TRACKS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_becomes_programme_in_the_planned_order() {
    clear_of_the_turn(120).await;
    let server = Server::start().await;
    let setting = Setting { seconds: 32.0, tracks: TRACKS, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(102.0, KBPS).await;
    let path = format!("/api/v1/stations/{}/listeners", stage.station);
    let listeners = stage.client.get(&path).await;
    let one = &listeners[0];
    assert_eq!(listeners.as_array().map(Vec::len), Some(1), "{listeners}");
    assert_eq!((text(one, "user_agent"), text(one, "address_family")), ("ear", "ipv4"));
    assert!(one["heard_ms"].as_i64().is_some_and(|ms| ms > 20_000), "{listeners}");
    let heard = ear.stop().await;
    let as_run = stage.as_run().await;
    let items: Vec<_> = as_run.iter().filter(|row| text(row, "entry") == "item").collect();

    let order = order_heard(&heard);
    assert!(order.len() >= 4, "only {order:?} were heard in {:.1} s", heard.seconds());
    for pair in order.windows(2) {
        assert_eq!(pair[1], (pair[0] + 1) % TRACKS, "heard out of order: {order:?}");
    }
    assert!(heard.longest_silence() < 0.02, "a gap of {:.3} s", heard.longest_silence());

    let planned = stage.schedule(1).await;
    for row in &items {
        let line = planned.iter().find(|p| p["id"] == row["line_id"]);
        let line = line.unwrap_or_else(|| panic!("{row} was not planned"));
        assert_eq!(line["media_id"], row["media_id"]);
    }
    overlaps_start_on_their_frame(&heard, &order, &items);
    let counted = items.iter().filter(|row| row["listeners"] == 1 && row["ended_at"].is_string());
    assert!(counted.count() >= 2, "items are told with who heard them: {items:#?}");
    server.assert_no_panic();
}

/// Starts of the incoming tones, told from their rise, are as far apart as the recorded frames.
fn overlaps_start_on_their_frame(heard: &Heard, order: &[usize], items: &[&serde_json::Value]) {
    let starts: Vec<f64> = order.iter().skip(1).filter_map(|t| rise(heard, *t)).collect();
    assert!(starts.len() >= 2, "too few rises were told apart: {starts:?}");
    let track_of = |row: &serde_json::Value| -> usize {
        text(row, "title").trim_start_matches("Track ").parse().unwrap_or(usize::MAX)
    };
    let frames: Vec<f64> = order
        .iter()
        .skip(1)
        .filter(|t| rise(heard, **t).is_some())
        .filter_map(|t| items.iter().rev().find(|row| track_of(row) == *t))
        .filter_map(|row| row["start_frame"].as_i64())
        .map(|frame| frame as f64 / 48_000.0)
        .collect();
    assert_eq!(frames.len(), starts.len(), "a heard track has no as-run row");
    for (ear, air) in starts.windows(2).zip(frames.windows(2)) {
        let off = (ear[1] - ear[0]) - (air[1] - air[0]);
        assert!(off.abs() <= 0.010, "an overlap is {:.1} ms off its frame", off * 1e3);
    }
}

/// Tracks in the order they were heard, each once per turn.
fn order_heard(heard: &Heard) -> Vec<usize> {
    let mut order = Vec::new();
    for (track, _, windows) in heard.runs(TRACKS) {
        if let Some(track) = track
            && windows > 25
            && order.last() != Some(&track)
        {
            order.push(track);
        }
    }
    order
}

/// Second at which a track's equal-power rise began, from the law of its gain.
fn rise(heard: &Heard, track: usize) -> Option<f64> {
    let hz = tracks::hz(track);
    let amplitude = |w: &[grimnir_mix::Frame]| 10f64.powf(f64::from(tone_level(w, hz)) / 20.0);
    let levels: Vec<f64> = heard.frames.chunks_exact(WINDOW).map(amplitude).collect();
    let full = levels.iter().copied().fold(0.0, f64::max);
    // The first climb of this track from nothing to full.
    let top = levels.iter().position(|a| *a > 0.97 * full)?;
    let foot = levels[..top].iter().rposition(|a| *a < 0.02 * full)?;
    let mut began = Vec::new();
    for (window, level) in levels.iter().enumerate().take(top).skip(foot) {
        let ratio = level / full;
        if (0.25..0.8).contains(&ratio) {
            let middle = (window as f64 + 0.5) * WINDOW as f64 / 48_000.0;
            began.push(middle - CROSSFADE_S * ratio.asin() * 2.0 / std::f64::consts::PI);
        }
    }
    if began.len() < 10 {
        return None;
    }
    began.sort_by(f64::total_cmp);
    Some(began[began.len() / 2])
}
