//! A webstream over HTTP: made with a first address where nobody answers, put on air, heard from
//! the second, seen as it is, and taken off the air.

use grimnir_mix::tone::tone_level;
use grimnir_tests::nats::free_ports;
use grimnir_tests::programs::until;
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const HZ: u32 = 5_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server of ffmpeg's, for one listener; ended with the scene.
struct Elsewhere(Child);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn elsewhere(url: &str) -> Elsewhere {
    let source = format!("sine=frequency={HZ}:sample_rate=44100");
    let child = Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-f", "lavfi", "-i", &source, "-af", "volume=4", "-ac", "2"])
        .args(["-b:a", "128k", "-f", "mp3", "-listen", "1", url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Elsewhere(child.expect("ffmpeg is installed (deploy/setup.sh test)"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webstream_is_heard_from_the_address_that_gives_sound() {
    let server = Server::start().await;
    let setting = Setting { tracks: 2, seconds: 120.0, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let mount = stage.start(&server).await;
    let urls = free_ports::<2>().map(|port| format!("http://127.0.0.1:{port}/live"));
    let _elsewhere = elsewhere(&urls[1]);
    let all = format!("/api/v1/stations/{}/webstreams", stage.station);
    let body = json!({ "name": "Sister", "urls": urls, "probe": { "interval_s": 0 } });
    let made = stage.client.post(&all, body).await;
    let path = format!("{all}/{}", text(&made, "id"));
    stage.client.post(&format!("{path}/start"), json!({})).await;
    let shown = async |what: &str, wanted: fn(&Value) -> bool| {
        let look = || async { Some(stage.client.get(&path).await).filter(wanted) };
        until(what, PATIENCE, look).await
    };
    let seen = shown("the webstream on air", |seen| seen["on_air"] == true).await;
    assert_eq!((&seen["current_index"], text(&seen, "health")), (&json!(1), "degraded"), "{seen}");
    assert_eq!(text(&seen["urls"][1], "health"), "healthy", "{seen}");
    assert_ne!(text(&seen["urls"][0], "health"), "healthy", "{seen}");
    let ear = Ear::connect(&mount).await.expect("the mount can be reached");
    ear.listen(6.0, KBPS).await;
    let heard = ear.stop().await;
    let last = &heard.frames[heard.frames.len() - 48_000..];
    let level = tone_level(last, f64::from(HZ));
    assert!(level > -20.0, "{level} dB of its tone");
    stage.client.post(&format!("{path}/stop"), json!({})).await;
    shown("the webstream off the air", |seen| {
        seen["on_air"] == false && seen["claim_id"].is_null() && seen["current_url"].is_null()
    })
    .await;
    let told = stage.as_run().await;
    let switched = told.iter().find(|row| {
        text(row, "entry") == "webstream" && text(row, "reason").starts_with("switched")
    });
    assert!(switched.is_some(), "{told:?}");
    server.assert_no_panic();
}
