//! Mounts in every format, as listeners and their players meet them.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::OFF_AIR;
use grimnir_events::station::{Mount, MountFormat};
use grimnir_events::{ContentHash, MountId};
use grimnir_mix::Frame;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::*;

/// Tones of the programme, 3 s each but for the last.
const TONES: [u32; 4] = [440, 660, 880, 1_320];
const LAST: Option<u32> = Some(1_320);
/// Windows of 50 ms in 3 s.
const WINDOWS: usize = 60;

fn mount(n: u8, path: &str, format: MountFormat, bitrate_kbps: u16) -> Mount {
    let name = format!("Mount {n}");
    Mount { id: MountId([n; 16]), name, path: path.into(), format, bitrate_kbps }
}

/// A mount in every format, and one that is like another.
fn all_formats() -> EngineConfig {
    let mounts = vec![
        mount(1, "/live.mp3", MountFormat::Mp3, 128),
        mount(2, "/live.aac", MountFormat::AacLc, 128),
        mount(3, "/live.opus", MountFormat::Opus, 96),
        mount(4, "/live.ogg", MountFormat::Vorbis, 128),
        mount(5, "/live.flac", MountFormat::Flac, 0),
        mount(6, "/again.opus", MountFormat::Opus, 96),
    ];
    EngineConfig { mounts, ..config(1) }
}

/// A tone above noise 10 dB below it, which costs every codec the bits that music does: a burst,
/// counted in bytes, is then of a few seconds in every format.
fn noisy_tone(rig: &Rig, hertz: u32, seconds: f64) -> (ContentHash, i64) {
    let path = rig.dir.path().join(format!("{hertz}.wav"));
    let tone = format!("sine=frequency={hertz}:sample_rate=48000:duration={seconds}");
    let noise =
        format!("anoisesrc=amplitude=0.15:sample_rate=48000:duration={seconds}:seed={hertz}");
    let sum = "[0]volume=4[a];[a][1]amix=inputs=2:normalize=0";
    let sources = ["-f", "lavfi", "-i", &tone, "-f", "lavfi", "-i", &noise];
    ffmpeg(&[&sources[..], &["-filter_complex", sum, "-ac", "2"]].concat(), &path);
    (rig.store(&path), (seconds * 48_000.0) as i64)
}

type Run = (Option<u32>, Vec<f64>);

/// Waits until what somebody hears is so.
fn heard_so_far(whose: &str, ear: &Ear, rig: &Rig, enough: impl Fn(&[Run]) -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let body = ear.so_far();
        // A decoder wants more than the first headers.
        let some = body.len() > 16 * 1024;
        let heard = if some { decoded(rig.dir.path(), "so-far", &body) } else { Vec::new() };
        if enough(&runs(&heard)) {
            return;
        }
        assert!(Instant::now() < until, "{whose}: {} bytes came", body.len());
    }
}

/// The loudest tone of each 50 ms, its amplitude, and for how many windows it goes on.
fn runs(frames: &[Frame]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for window in frames.chunks_exact(2_400) {
        let tones = TONES.iter().map(|tone| (power(window, *tone), *tone));
        let (loud, tone) = tones.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let now = (loud > 0.05).then_some(tone);
        match runs.last_mut() {
            Some((last, levels)) if *last == now => levels.push(loud),
            _ => runs.push((now, vec![loud])),
        }
    }
    runs
}

/// The tones there are, in order and without silence between; of each its windows.
fn programme(whose: &str, frames: &[Frame]) -> Vec<(u32, Vec<f64>)> {
    let runs = runs(frames);
    let told: Vec<_> = runs.iter().map(|(tone, levels)| (tone, levels.len())).collect();
    let sounding = runs.iter().skip_while(|(tone, _)| tone.is_none());
    let tones: Vec<_> = sounding
        .map(|(tone, levels)| (tone.unwrap_or_else(|| panic!("{whose}: {told:?}")), levels.clone()))
        .collect();
    let order: Vec<u32> = tones.iter().map(|(tone, _)| *tone).collect();
    assert!(TONES.ends_with(&order) && !order.is_empty(), "{whose}: {told:?}");
    for (tone, levels) in &tones {
        // The last may hold less than a window of it; who joins Opus hears it whole after 80 ms.
        for level in levels.iter().take(levels.len() - 1).skip(2) {
            let off = 20.0 * (level / AMPLITUDE).log10();
            assert!(off.abs() < 1.0, "{whose}: {tone} Hz is {off:.2} dB off");
        }
    }
    tones
}

/// Names of the encoders that run.
fn encoders(pid: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    let mut names: Vec<String> = tasks.filter_map(name).map(|n| n.trim().to_owned()).collect();
    names.retain(|name| name.starts_with("enc-"));
    names.sort();
    names
}

fn outputs_up(facts: &[AirFact]) -> usize {
    facts.iter().filter(|fact| matches!(fact.event, AirEvent::OutputUp { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_carries_the_programme_to_whoever_comes_early_or_late() {
    let mut rig = Rig::new();
    let tones: Vec<_> = TONES
        .iter()
        .map(|hertz| noisy_tone(&rig, *hertz, if *hertz == TONES[3] { 60.0 } else { 3.0 }))
        .collect();
    rig.start();
    let (mut client, port) = rig.client().await;
    let config = all_formats();
    configure(&mut client, &config).await;
    // One that never reads must not be noticed by anybody.
    let mut deaf = TcpStream::connect(("127.0.0.1", port)).unwrap();
    deaf.write_all(b"GET /live.flac HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let join = || config.mounts.iter().map(|m| listen_to(port, &m.path)).collect::<Vec<_>>();
    let early = join();
    // Encoders take their time to start on a busy machine, and drop what they cannot hold.
    facts_until(&mut client, 1, |facts| outputs_up(facts) == config.mounts.len()).await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    // An encoder may be behind the air: late is who comes when the last tone has left it.
    for (mount, ear) in config.mounts.iter().zip(&early) {
        heard_so_far(&mount.path, ear, &rig, |runs| runs.iter().any(|(tone, _)| *tone == LAST));
    }
    let late = join();
    let long = |(tone, levels): &Run| *tone == LAST && levels.len() > 20;
    for (mount, ear) in config.mounts.iter().zip(&late) {
        heard_so_far(&mount.path, ear, &rig, |runs| runs.iter().any(long));
    }
    assert_eq!(
        encoders(rig.child.as_ref().unwrap().id()),
        ["enc-aac-128", "enc-flac-0", "enc-mp3-128", "enc-opus-96", "enc-vorbis-128"],
        "mounts that are alike share one"
    );
    for (mount, ear) in config.mounts.iter().zip(early) {
        let (head, body) = ear.take();
        let kind = match mount.format {
            MountFormat::Mp3 => "audio/mpeg",
            MountFormat::AacLc => "audio/aac",
            _ => "audio/ogg",
        };
        assert!(head.contains("200") && head.contains(kind), "{head}");
        let heard = programme(&mount.path, &decoded(rig.dir.path(), "early", &body));
        assert_eq!(heard.len(), 4, "{}", mount.path);
        for (tone, levels) in &heard[..3] {
            let n = levels.len();
            assert!((WINDOWS - 1..=WINDOWS + 1).contains(&n), "{}: {tone} Hz {n}", mount.path);
        }
    }
    for (mount, ear) in config.mounts.iter().zip(late) {
        let (_, body) = ear.take();
        let ogg = !matches!(mount.format, MountFormat::Mp3 | MountFormat::AacLc);
        assert_eq!(ogg, body.starts_with(b"OggS\0\x02"), "{}: headers first", mount.path);
        let frames = decoded(rig.dir.path(), "late", &body);
        let heard = programme(&mount.path, &frames);
        assert!(heard.len() < 4, "{}: what was long ago is not sent", mount.path);
        // Vorbis gives nothing for its first block, and MP3 needs a frame to get going.
        let silent = runs(&frames).first().filter(|(tone, _)| tone.is_none()).map(|r| r.1.len());
        assert!(silent.unwrap_or(0) <= 1, "{}: sounds from its first page", mount.path);
    }
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn players_find_a_mount_by_its_playlist_and_tools_by_the_status_document() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac")];
    rig.start_with(&["--mount-listeners", "1"]);
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &all_formats()).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;

    let m3u = get(port, "GET /live.opus.m3u HTTP/1.1");
    assert!(m3u.contains("audio/x-mpegurl"), "{m3u}");
    assert!(m3u.ends_with("#EXTM3U\n#EXTINF:-1,Test FM – Mount 3\nhttp://x/live.opus\n"), "{m3u}");
    let pls = get(port, "GET /live.flac.pls HTTP/1.1\r\nX-Forwarded-Proto: https");
    assert!(
        pls.contains("audio/x-scpls") && pls.contains("\nFile1=https://x/live.flac\n"),
        "{pls}"
    );
    assert!(get(port, "GET /none.opus.m3u HTTP/1.1").starts_with("HTTP/1.1 404"));

    let asked = "GET /live.ogg HTTP/1.1\r\nIcy-MetaData: 1\r\nHost: x\r\n\r\n";
    let mut seat = TcpStream::connect(("127.0.0.1", port)).unwrap();
    seat.write_all(asked.as_bytes()).unwrap();
    let mut bytes = [0; 900];
    seat.read_exact(&mut bytes).unwrap();
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(head.contains("200") && !head.contains("icy-metaint: "), "no titles in Ogg: {head}");
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    assert!(head.contains("access-control-expose-headers: icy-br, icy-metaint"), "{head}");
    let full = get(port, "GET /live.ogg HTTP/1.1");
    assert!(full.starts_with("HTTP/1.1 503") && full.contains("limit 1"), "{full}");
    assert!(get(port, "HEAD /live.ogg HTTP/1.1").contains(" 200 "), "nobody who only asks");
    let head = get(port, "HEAD /live.aac HTTP/1.1\r\nIcy-MetaData: 1").to_lowercase();
    assert!(head.contains("200") && head.contains("icy-metaint: 16000"), "{head}");
    let preflight = get(port, "OPTIONS /live.mp3 HTTP/1.1\r\nOrigin: http://y").to_lowercase();
    assert!(preflight.starts_with("http/1.1 204") && preflight.contains("icy-metadata"));

    let status = |path: &str| {
        let answer = get(port, &format!("GET /status-json.xsl{path} HTTP/1.1"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("200") && head.contains("application/json"), "{head}");
        serde_json::from_str::<serde_json::Value>(body).unwrap()["icestats"].clone()
    };
    let all = status("");
    assert!(all["server_start_iso8601"].as_str().unwrap().ends_with("+0000"), "{all}");
    assert_eq!(all["source"].as_array().map(Vec::len), Some(6), "{all}");
    let vorbis = &status("?mount=/live.ogg")["source"];
    assert_eq!(vorbis["listenurl"], "http://x/live.ogg");
    assert_eq!((&vorbis["listeners"], &vorbis["listener_peak"]), (&1.into(), &1.into()));
    assert_eq!((&vorbis["title"], &vorbis["subtype"]), (&"Test - Line 1".into(), &"Vorbis".into()));
    drop(seat);
    let gone = || status("?mount=/live.ogg")["source"]["listeners"] == 0;
    pass_until(&mut client, "the listener is gone", gone).await;
    assert_eq!(status("?mount=/live.ogg")["source"]["listener_peak"], 1, "it is remembered");
    // An encoder that feeds nobody ends.
    let one = EngineConfig { mounts: vec![all_formats().mounts[0].clone()], ..config(2) };
    configure(&mut client, &one).await;
    let pid = rig.child.as_ref().unwrap().id();
    let alone = || encoders(pid) == ["enc-mp3-128"];
    pass_until(&mut client, "one encoder is left", alone).await;
    assert!(get(port, "GET /live.ogg HTTP/1.1").starts_with("HTTP/1.1 404"));
    configure(&mut client, &EngineConfig { revision: 3, ..all_formats() }).await;
    let stop = v1::StopRequest { epoch: 1, immediate: true };
    assert!(client.stop(stop).await.unwrap().into_inner().done);
    facts_until(&mut client, 1, |facts| {
        let off_air = |event: &AirEvent| {
            matches!(event, AirEvent::OutputDown { reason, .. } if reason == OFF_AIR)
        };
        facts.iter().any(|fact| off_air(&fact.event))
    })
    .await;
    assert!(get(port, "GET /live.ogg HTTP/1.1").contains("off air"));
    assert!(status("")["source"].is_null(), "nothing is on air");
}
