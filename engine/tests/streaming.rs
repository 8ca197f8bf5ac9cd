//! Recordings, HLS and SRT of a running engine, as their clients meet them.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::*;
use grimnir_events::recording::{Recorded, RecordingEnd, RecordingReport};
use grimnir_events::station::MountFormat;
use grimnir_events::{ContentHash, CredentialId, OutputId};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::*;

/// Of the tone in either channel: half of full scale, made stereo at equal power.
const AMPLITUDE: f64 = 0.5 * std::f64::consts::FRAC_1_SQRT_2;
const FLAC: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
const AAC: Encoding = Encoding { format: MountFormat::AacLc, bitrate_kbps: 128 };

fn output(n: u8, name: &str, kind: OutputKind) -> EngineOutput {
    let output = Output { id: OutputId([n; 16]), name: name.into(), kind, enabled: true };
    EngineOutput { output, secret: None }
}

fn recording(folder: &str) -> EngineOutput {
    let folder = folder.to_owned();
    let kind = RecordingOutput { encoding: FLAC, folder, keep_days: 30, keep_bytes: 0 };
    output(1, "Archive", OutputKind::Recording(kind))
}

fn hls(n: u8, container: HlsContainer, path: &str, folder: Option<&str>) -> EngineOutput {
    let kind = HlsOutput {
        path: path.into(),
        container,
        bitrates_kbps: vec![64, 128],
        segment_ms: 1_000,
        window: 12,
        folder: folder.map(str::to_owned),
    };
    output(n, "HLS", OutputKind::Hls(kind))
}

async fn send_out(client: &mut Client, config: &EngineConfig, outputs: Vec<EngineOutput>) {
    let request = v1::ConfigureRequest {
        config_payload: bytes(config),
        epoch: 1,
        outputs_payload: bytes(&EngineOutputs { outputs }),
    };
    assert!(client.configure(request).await.unwrap().into_inner().accepted);
}

fn reports(facts: &[AirFact]) -> Vec<(u8, OutputReport)> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::OutputReported { output_id, report } => {
            Some((output_id.0[0], (**report).clone()))
        }
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

fn is_up(facts: &[AirFact], n: u8) -> bool {
    let mut healths = reports(facts).into_iter().filter_map(|(of, report)| match report {
        OutputReport::Health { health, .. } if of == n => Some(health),
        _ => None,
    });
    healths.next_back() == Some(OutputHealth::Up)
}

fn closed(facts: &[AirFact]) -> Vec<Recorded> {
    let of = |(_, report)| match report {
        OutputReport::Recording(RecordingReport::Closed(recorded)) => Some(recorded),
        _ => None,
    };
    reports(facts).into_iter().filter_map(of).collect()
}

/// What ffmpeg makes of a file or an address, as raw sound.
fn ffmpeg_to(raw: &Path, from: &[&str]) -> Child {
    Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(from)
        .args(["-f", "f32le", "-ac", "2", "-ar", "48000"])
        .arg(raw)
        .stdin(Stdio::null())
        .spawn()
        .expect("ffmpeg is installed")
}

fn raw(path: &Path) -> Vec<[f32; 2]> {
    let bytes = std::fs::read(path).unwrap();
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks_exact(8).map(|frame| [sample(&frame[..4]), sample(&frame[4..])]).collect()
}

/// Longest run of samples near zero within the tone, and the tone's level.
fn check_tone(whose: &str, frames: &[[f32; 2]], seconds: usize) {
    assert!(frames.len() >= seconds * 48_000, "{whose}: {} frames", frames.len());
    // Before the programme there is silence; the first and the last moments are an encoder's own.
    let begin = frames.iter().position(|frame| frame[0].abs() > 0.1).unwrap_or(0);
    let frames = &frames[begin..];
    let inner = &frames[4_800..frames.len() - 4_800];
    let level = |window: &[[f32; 2]]| 20.0 * (power(window, 500) / AMPLITUDE).log10();
    let levels = inner.chunks_exact(480).map(level).enumerate();
    let off: Vec<String> = levels
        .filter(|(_, level)| level.abs() > 1.0)
        .map(|(n, level)| format!("{level:.1} dB at {} ms", 100 + n * 10))
        .collect();
    assert!(off.is_empty(), "{whose}: {} of {}: {off:.300?}", off.len(), inner.len() / 480);
}

fn done(mut child: Child, seconds: u64) -> bool {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        std::thread::yield_now();
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

fn media_sequence(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hls_plays_from_the_engine_and_goes_on_after_it_was_killed() {
    let mut rig = Rig::new();
    let tone = [rig.tone(500, 90.0, "wav")];
    rig.start();
    let (mut client, port) = rig.client().await;
    let outputs = || {
        vec![
            recording("archive"),
            hls(2, HlsContainer::PackedAac, "/hls/main", Some("main")),
            hls(3, HlsContainer::Fmp4, "/hls/cmaf", None),
        ]
    };
    set_timeline(&mut client, 1, chain(&tone, now(), 0)).await;
    send_out(&mut client, &config(1), outputs()).await;
    facts_until(&mut client, 1, |facts| (1..=3).all(|n| is_up(facts, n))).await;

    let get_text = |path: &str| get(port, &format!("GET {path} HTTP/1.1"));
    let master = get_text("/hls/main/index.m3u8");
    assert!(master.starts_with("HTTP/1.1 200") && master.contains("\n64.m3u8\n"), "{master}");
    let lower = master.to_lowercase();
    assert!(lower.contains("content-type: application/vnd.apple.mpegurl"), "{master}");
    assert!(lower.contains("access-control-allow-origin: *") && lower.contains("max-age=1\r"));
    assert!(get_text("/hls/main/96.m3u8").starts_with("HTTP/1.1 404"));
    players_hear_the_tone(rig.dir.path(), port, &["/hls/main/index.m3u8", "/hls/cmaf/index.m3u8"]);
    let before = get_text("/hls/main/128.m3u8");
    let (last, numbered) = (media_sequence(&before), get_text("/hls/cmaf/64.m3u8"));
    assert!(numbered.contains("#EXT-X-MAP:URI=\"64-head.mp4\"") && numbered.contains(".m4s\n"));
    let segment = get_text(&format!("/hls/main/128-{last}.aac")).to_lowercase();
    assert!(segment.contains("content-type: audio/aac") && segment.contains("immutable"));

    rig.kill();
    rig.start();
    let (mut client, port) = rig.client().await;
    let facts = facts_until(&mut client, 1, |facts| {
        let again = facts.iter().rposition(|f| matches!(f.event, AirEvent::EngineStarted { .. }));
        again.is_some_and(|at| at > 0 && is_up(&facts[at..], 2)) && !closed(facts).is_empty()
    })
    .await;
    let after = get(port, "GET /hls/main/128.m3u8 HTTP/1.1");
    assert!(after.contains("#EXT-X-DISCONTINUITY\n"), "{after}");
    assert!(media_sequence(&after) >= media_sequence(&before), "{after}");
    let folder = rig.engine_dir().join("hls/main");
    let kept = std::fs::read_to_string(folder.join("128.m3u8")).unwrap();
    for name in kept.lines().filter(|line| !line.starts_with('#')) {
        assert!(folder.join(name).exists(), "{name} of {kept}");
    }

    the_cut_recording_is_whole(&rig, &facts);
}

fn players_hear_the_tone(dir: &Path, port: u16, paths: &[&str]) {
    let player = |path: &&str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let raw = dir.join(path.replace('/', "-"));
        ((*path).to_owned(), ffmpeg_to(&raw, &["-i", &url, "-t", "6"]), raw)
    };
    let players: Vec<_> = paths.iter().map(player).collect();
    for (path, player, heard) in players {
        assert!(done(player, 40), "{path}: ffmpeg ends");
        check_tone(&path, &raw(&heard), 3);
    }
}

/// What was recorded until the engine was killed is closed, hashed and told by the next run.
fn the_cut_recording_is_whole(rig: &Rig, facts: &[AirFact]) {
    let recorded = &closed(facts)[0];
    assert_eq!(recorded.end, RecordingEnd::EngineLost);
    let path = rig.engine_dir().join("recordings/archive").join(&recorded.file);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(ContentHash(Sha256::digest(&bytes).into()), recorded.hash);
    let heard = rig.dir.path().join("recorded.raw");
    assert!(done(ffmpeg_to(&heard, &["-i", path.to_str().unwrap()]), 20));
    assert_eq!(raw(&heard).len() as i64, recorded.frames);
    let lost = facts.iter().find_map(|fact| match &fact.event {
        AirEvent::AirInterrupted { from, .. } => Some(*from),
        _ => None,
    });
    let lost = lost.expect("told").since(recorded.first.plus(recorded.frames));
    assert!(lost < 48_000, "{lost} frames of the recording are lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_by_srt_comes_back_when_its_listener_does() {
    let mut rig = Rig::new();
    let tone = [rig.tone(500, 90.0, "wav")];
    rig.start();
    let (mut client, _) = rig.client().await;
    let port = support::ports::one();
    let srt = SrtOutput {
        host: "127.0.0.1".into(),
        port,
        encoding: AAC,
        latency_ms: 120,
        stream_id: String::new(),
        passphrase: Some(SecretRef {
            id: CredentialId([1; 16]),
            fingerprint: ContentHash([1; 32]),
        }),
    };
    let relay = output(4, "Relay", OutputKind::Srt(srt));
    let relay = EngineOutput { secret: Some("lets-hear-it".into()), ..relay };
    set_timeline(&mut client, 1, chain(&tone, now(), 0)).await;
    send_out(&mut client, &config(1), vec![relay]).await;
    // A listener that has a passphrase takes nothing in the clear.
    let url = format!("srt://127.0.0.1:{port}?mode=listener&passphrase=lets-hear-it");
    let heard = rig.dir.path().join("srt.raw");
    let player = ffmpeg_to(&heard, &["-i", &url, "-t", "4"]);
    let facts = facts_until(&mut client, 1, |facts| is_up(facts, 4)).await;
    assert!(done(player, 20), "ffmpeg ends");
    check_tone("srt", &raw(&heard), 3);
    let from = facts.len() as u64 + 1;
    let facts = facts_until(&mut client, from, |facts| !reports(facts).is_empty()).await;
    assert!(!is_up(&facts, 4), "nobody listens any more");
    let again = rig.dir.path().join("srt-again.raw");
    let player = ffmpeg_to(&again, &["-i", &url, "-t", "4"]);
    let from = from + facts.len() as u64;
    facts_until(&mut client, from, |facts| is_up(facts, 4)).await;
    assert!(done(player, 20), "ffmpeg ends");
    check_tone("srt, after the listener came back", &raw(&again), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_recording_alone_and_it_goes_on_when_there_is_room() {
    let mut rig = Rig::new();
    let tone = [rig.tone(500, 90.0, "wav")];
    rig.start_on_small_disk(256);
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tone, now(), 0)).await;
    send_out(&mut client, &config(1), vec![recording("archive")]).await;
    facts_until(&mut client, 1, |facts| is_up(facts, 1)).await;
    let ear = listen(port);
    let down = |facts: &[AirFact]| {
        reports(facts).iter().any(|(_, report)| match report {
            OutputReport::Health { health, reason } => {
                *health == OutputHealth::Down && reason.contains("No space left")
            }
            OutputReport::Recording(_) => false,
        })
    };
    let facts = facts_until(&mut client, 1, down).await;
    let full = &closed(&facts)[0];
    assert!(matches!(&full.end, RecordingEnd::Fault { reason } if reason.contains("No space")));
    let inside = rig.engine_dir().join("recordings/archive");
    let pid = rig.child.as_ref().unwrap().id();
    let root = Path::new("/proc").join(pid.to_string()).join("root");
    let path = root.join(inside.strip_prefix("/").unwrap()).join(&full.file);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(ContentHash(Sha256::digest(&bytes).into()), full.hash);
    std::fs::remove_file(&path).unwrap();
    let from = facts.len() as u64 + 1;
    let facts = facts_until(&mut client, from, |facts| is_up(facts, 1)).await;
    let again = reports(&facts).into_iter().find_map(|(_, report)| match report {
        OutputReport::Recording(RecordingReport::Opened { first, .. }) => Some(first),
        _ => None,
    });
    assert!(again.unwrap() >= full.first.plus(full.frames));
    let heard = ear.hang_up(rig.dir.path());
    check_tone("the mount", &heard, 4);
}
