//! What listeners and the control plane meet at the edges: HTTP, ICY, the socket, the lock.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1::{self, GraphEdge, GraphNode};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_player_gets_titles_when_it_asks_and_errors_that_say_what_there_is() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac")];
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;

    let missing = get(port, "GET /none.mp3 HTTP/1.1");
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("/live.mp3"), "{missing}");
    assert!(get(port, "POST /live.mp3 HTTP/1.1").starts_with("HTTP/1.1 405"));
    let head = get(port, "HEAD /live.mp3 HTTP/1.1");
    assert!(head.contains("200") && head.contains("icy-br: 128"), "{head}");
    assert!(get(port, "GET / HTTP/1.1").contains("/live.mp3"));
    assert!(get(port, "GET / HTTP/1.1\r\nAccept: application/json").contains("\"path\""));

    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /live.mp3 HTTP/1.1\r\nIcy-MetaData: 1\r\nHost: x\r\n\r\n").unwrap();
    let mut bytes = vec![0u8; 18_000];
    stream.read_exact(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    assert!(head.contains("icy-metaint: 16000") && head.contains("icy-name: test fm"), "{head}");
    assert_eq!(bytes[end..end + 2], [0xFF, 0xFB], "begins on a frame");
    let block = &bytes[end + 16_000..];
    let text = String::from_utf8_lossy(&block[1..1 + 16 * usize::from(block[0])]).into_owned();
    assert_eq!(text.trim_end_matches('\0'), "StreamTitle='Test - Line 1';");
}

#[tokio::test(flavor = "multi_thread")]
async fn players_are_served_over_tls_on_the_same_port_with_the_certificate_that_is_given() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 60.0, "flac")];
    let made = certificate(rig.dir.path());
    let [chain_text, key_text] = made.each_ref().map(|path| path.to_str().unwrap());
    rig.start_with(&["--mount-tls-cert", chain_text, "--mount-tls-key", key_text]);
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let curl = |more: &[&str], address: &str| {
        let url = format!("https://{address}:{port}/live.mp3.m3u");
        let out = Command::new("curl").args(["-sS", &url]).args(more).output();
        let out = out.expect("curl is installed");
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (answered, playlist) = curl(&["--cacert", chain_text], "localhost");
    let address = format!("https://localhost:{port}/live.mp3\n");
    assert!(answered && playlist.ends_with(&address), "{playlist}");
    assert!(!curl(&[], "localhost").0, "nobody else vouches for the certificate");

    let heard = rig.dir.path().join("heard.raw");
    let url = format!("https://localhost:{port}/live.mp3");
    let player = Command::new("ffmpeg")
        .args(["-v", "error", "-ca_file", chain_text, "-tls_verify", "1", "-i", &url, "-t", "4"])
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000"])
        .arg(&heard)
        .output()
        .expect("ffmpeg is installed");
    assert!(player.status.success(), "{}", String::from_utf8_lossy(&player.stderr));
    let bytes = std::fs::read(&heard).unwrap();
    let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let frames: Vec<_> = (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect();
    assert!(frames.len() >= 3 * 48_000, "{} frames", frames.len());
    let off = 20.0 * (power(&frames[96_000..120_000], 440) / AMPLITUDE).log10();
    assert!(off.abs() < 1.0, "{off:.2} dB off");
    // In the clear, on the same port.
    assert!(get(port, "HEAD /live.mp3 HTTP/1.1").starts_with("HTTP/1.0 200"));

    // A renewed certificate is served from the next connection on.
    let (before, _) = (std::fs::read(&made[0]).unwrap(), std::fs::remove_file(&made[0]));
    certificate(rig.dir.path());
    let old = rig.dir.path().join("old.pem");
    std::fs::write(&old, before).unwrap();
    assert!(curl(&["--cacert", chain_text], "localhost").0, "the new one vouches for itself");
    assert!(!curl(&["--cacert", old.to_str().unwrap()], "localhost").0, "the old one is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_private_one_engine_holds_a_folder_and_bad_requests_are_named() {
    let mut rig = Rig::new();
    rig.start();
    let (mut client, _) = rig.client().await;
    let socket = std::fs::metadata(rig.engine_dir().join("engine.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let card = std::fs::read_to_string(rig.engine_dir().join("engine.json")).unwrap();
    let card: serde_json::Value = serde_json::from_str(&card).unwrap();
    assert_eq!(card["pid"], rig.child.as_ref().unwrap().id());
    let second = Command::new(PROGRAM)
        .args(["run", "--station", &STATION.to_string(), "--listen", "127.0.0.1:0", "--media", "."])
        .arg("--dir")
        .arg(rig.engine_dir())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another engine"));

    let request =
        v1::ConfigureRequest { config_payload: vec![1, 2, 3], epoch: 1, ..Default::default() };
    let refused = client.configure(request).await.expect_err("refused");
    assert!(refused.message().contains("config_payload"), "{refused}");
    let mut other = config(1);
    other.station_id = grimnir_events::StationId([8; 16]);
    let request =
        v1::ConfigureRequest { config_payload: bytes(&other), epoch: 1, ..Default::default() };
    assert!(client.configure(request).await.expect_err("refused").message().contains("station_id"));
    let telemetry = v1::TelemetryRequest { interval_ms: 5 };
    let refused = client.stream_telemetry(telemetry).await.expect_err("refused");
    assert!(refused.message().contains("20 to 10000"));
    let ack = client.ack_journal(v1::AckJournalRequest { seq: 10_000 }).await.unwrap().into_inner();
    assert!(!ack.done && ack.reason.contains("10000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loaded_graph_changes_the_level_that_leaves() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "wav")];
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let node = |id: &str, kind: &str, params: &[(&str, &str)]| GraphNode {
        id: id.into(),
        r#type: kind.into(),
        params: params.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    };
    let edge = |from: &str, to: &str| GraphEdge { from: from.into(), to: to.into() };
    let request = v1::LoadGraphRequest {
        nodes: vec![
            node("in", "INPUT", &[]),
            node("g", "GAIN", &[("gain_db", "-20")]),
            node("out", "OUTPUT", &[]),
        ],
        edges: vec![edge("in", "g"), edge("g", "out")],
        epoch: 1,
    };
    let mut telemetry = client
        .stream_telemetry(v1::TelemetryRequest { interval_ms: 100 })
        .await
        .unwrap()
        .into_inner();
    let mut loud = -120.0f32;
    while loud < -15.0 {
        loud = telemetry.message().await.unwrap().unwrap().level_left_db;
    }
    assert!(client.load_graph(request).await.unwrap().into_inner().accepted);
    for _ in 0..5 {
        telemetry.message().await.unwrap();
    }
    let quiet = telemetry.message().await.unwrap().unwrap().level_left_db;
    assert!((loud - quiet - 20.0).abs() < 0.5, "{loud} to {quiet}");
}
