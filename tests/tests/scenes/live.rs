//! A live session over HTTP: somebody is let in and recorded, is heard, goes; what was sent is
//! listed, downloaded, and decoded.

use grimnir_mix::tone::tone_level;
use grimnir_tests::programs::until;
use grimnir_tests::stage::text;
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HZ: u32 = 5_000;
const SECONDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// An encoder that sends so many seconds of a tone, and ends.
fn send(secret: &str, port: u64) {
    let source = format!("sine=frequency={HZ}:sample_rate=48000:duration={SECONDS}");
    let url = format!("icecast://source:{secret}@127.0.0.1:{port}/live");
    let sent = Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-f", "lavfi", "-i", &source, "-af", "volume=4", "-ac", "2"])
        // Short pages: what is held of a page is not on its way.
        .args(["-c:a", "flac", "-page_duration", "20000"])
        .args(["-f", "ogg", "-content_type", "audio/ogg", &url])
        .stdin(Stdio::null())
        .status();
    assert!(sent.expect("ffmpeg is installed (deploy/setup.sh test)").success());
}

/// What a player is told of the sound, once it is told `wanted`.
async fn told_at(mount: &str, wanted: &str) -> String {
    let (host, path) =
        mount.strip_prefix("http://").and_then(|m| m.split_once('/')).expect("a url");
    let mut socket = TcpStream::connect(host).await.expect("the mount can be reached");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nIcy-MetaData: 1\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("it takes a request");
    let (mut bytes, mut part) = (Vec::new(), [0; 16_384]);
    loop {
        let read = tokio::time::timeout(PATIENCE, socket.read(&mut part)).await;
        let count = read.expect("it gives sound").expect("it is open");
        assert!(count > 0, "the mount closed");
        bytes.extend_from_slice(&part[..count]);
        // Behind sound that is no text: a title is found as bytes.
        let text = String::from_utf8_lossy(&bytes);
        let told = text.split("StreamTitle='").skip(1).filter_map(|rest| rest.split_once("';"));
        if let Some((title, _)) = told.into_iter().find(|(title, _)| title.contains(wanted)) {
            return title.to_owned();
        }
    }
}

/// Names what is sent, once somebody sends.
async fn name_it(secret: &str, port: u64, song: &str) {
    let url = format!("http://127.0.0.1:{port}/admin/metadata");
    let query = [("mode", "updinfo"), ("mount", "/live"), ("song", song)];
    until("the title is taken", PATIENCE, || async {
        let url = reqwest::Url::parse_with_params(&url, query).expect("an address");
        let request = reqwest::Client::new().get(url).basic_auth("source", Some(secret));
        request.send().await.ok().filter(|answer| answer.status().is_success()).map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_is_heard_and_what_it_sent_is_downloaded() {
    let server = Server::start().await;
    let setting = Setting { tracks: 2, seconds: 120.0, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let mount = stage.start(&server).await;
    let station = format!("/api/v1/stations/{}", stage.station);
    let body = json!({ "name": "Anna", "take": { "how": "immediate" } });
    let made = stage.client.post(&format!("{station}/live-sessions"), body).await;
    let session = text(&made, "id").to_owned();
    let recording = format!("{station}/live-sessions/{session}/recording");
    let request = stage.client.request(Method::PUT, &recording).json(&json!({}));
    stage.client.ok(request).await;
    let ear = Ear::connect(&mount).await.expect("the mount can be reached");
    let (secret, port) = (text(&made, "secret").to_owned(), made["harbor_port"].as_u64());
    let port = port.expect("a port");
    let sent = {
        let secret = secret.clone();
        tokio::task::spawn_blocking(move || send(&secret, port))
    };
    let titles = tokio::spawn(async move { Box::pin(told_at(&mount, "Grüße")).await });
    name_it(&secret, port, "Grüße vom Bergwind").await;
    sent.await.expect("sent");

    let files = format!("{station}/live-recordings?session={session}");
    let complete = || async {
        let files = stage.client.get(&files).await;
        files.as_array().expect("a list").first().filter(|f| f["sha256"].is_string()).cloned()
    };
    let file: Value = until("the recording is complete", PATIENCE, complete).await;
    assert_eq!(file["frames"], SECONDS * 48_000, "{file}");
    assert_eq!(file["aired"].as_array().map(Vec::len), Some(1), "{file}");
    let sha256 = text(&file, "sha256");
    let path = format!("{station}/live-recordings/{sha256}");
    let answer = stage.client.request(Method::GET, &path).send().await.expect("answers");
    assert_eq!(answer.headers()["content-type"], "audio/flac");
    let bytes = answer.bytes().await.expect("comes whole");
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, sha256);
    let folder = tempfile::tempdir().expect("a folder");
    let flac = folder.path().join("sent.flac");
    std::fs::write(&flac, &bytes).expect("written");
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&flac)
        .args(["-f", "f32le", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
    assert_eq!(decoded.stdout.len(), SECONDS * 48_000 * 8);

    assert_eq!(titles.await.expect("a title"), "Anna - Grüße vom Bergwind");
    let heard = ear.stop().await;
    let loudest = heard.frames.chunks_exact(24_000).map(|part| tone_level(part, f64::from(HZ)));
    let level = loudest.fold(f32::MIN, f32::max);
    assert!(level > -20.0, "{level} dB of its tone");
    let told = stage.as_run().await;
    let recorded = told
        .iter()
        .find(|row| text(row, "entry") == "live" && text(row, "reason").starts_with("recorded"));
    let recorded = recorded.unwrap_or_else(|| panic!("{told:?}"));
    assert!(text(recorded, "reason").contains(sha256), "{recorded}");
    server.assert_no_panic();
}
