//! Outputs to Icecast and Shoutcast servers, against a real icecast2.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::Client;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::{EngineOutput, OutputHealth, OutputKind, ShoutcastOutput};
use grimnir_events::station::MountFormat;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::icecast::{Icecast, PASSWORD};
use support::*;

const MP3: MountFormat = MountFormat::Mp3;

fn shoutcast_output(n: u8, port: u16) -> EngineOutput {
    let to = ShoutcastOutput {
        host: "127.0.0.1".into(),
        port,
        password: None,
        encoding: encoding(MP3, 128),
        public: false,
        genre: "Test".into(),
        url: String::new(),
    };
    output(n, OutputKind::Shoutcast(to), PASSWORD)
}

/// An engine on air with a tone of a minute, and these outputs.
async fn on_air(outputs: Vec<EngineOutput>) -> (Rig, Client, u16, EngineConfig) {
    let mut rig = Rig::new();
    let tone = rig.tone(440, 60.0, "flac");
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    let config = config(1);
    set_outputs(&mut client, &config, outputs).await;
    (rig, client, port, config)
}

/// Everything reported until output `n` was reported like this for the `times`th time.
async fn until(client: &mut Client, n: u8, health: OutputHealth, times: usize) -> Vec<AirFact> {
    facts_until(client, 1, |facts| {
        healths(facts, n).iter().filter(|(found, _)| *found == health).count() >= times
    })
    .await
}

/// A second and a half of what a mount gives sounds as it should.
/// From the first frame on: of 128 kbit/s at 48 kHz, all of one length.
fn whole_mp3(body: &[u8]) -> &[u8] {
    const BYTES: usize = 384;
    let is_head = |at: usize| body.get(at..at + 2).is_some_and(|b| b[0] == 0xff && b[1] >= 0xfa);
    let first = (0..body.len()).find(|at| (0..4).all(|n| is_head(at + n * BYTES)));
    &body[first.expect("there are frames")..]
}

fn assert_heard(rig: &Rig, icecast: &Icecast, mount: &str) {
    let ear = icecast.listen(mount);
    // Of the leanest of them more than a second and a half.
    let until = Instant::now() + Duration::from_secs(60);
    while ear.so_far().len() < 24 * 1_024 {
        assert!(Instant::now() < until, "{mount}: {} bytes came", ear.so_far().len());
        std::thread::yield_now();
    }
    let (head, body) = ear.take();
    assert!(head.contains("200 OK"), "{mount}: {head}");
    // A server lets listeners in between any two bytes of AAC and MP3.
    let body = match mount.rsplit_once('.') {
        Some((_, "aac")) => whole_adts(&body),
        Some((_, "mp3")) => whole_mp3(&body).to_vec(),
        _ => body,
    };
    let frames = decoded(rig.dir.path(), "relayed", &body);
    assert!(frames.len() > 48_000, "{mount}: {} frames", frames.len());
    for (n, window) in frames[12_000..].chunks_exact(4_800).enumerate() {
        let off = 20.0 * (power(window, 440) / AMPLITUDE).log10();
        assert!(off.abs() < 1.0, "{mount}: window {n} is {off:.2} dB off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_get_every_format_and_the_title() {
    let icecast = Icecast::start();
    let to =
        |n, mount, format, kbps| icecast_output(n, icecast.port, mount, encoding(format, kbps));
    let outputs = vec![
        to(1, "/relay.mp3", MP3, 128),
        to(2, "/relay.aac", MountFormat::AacLc, 128),
        to(3, "/relay.opus", MountFormat::Opus, 96),
        to(4, "/relay.ogg", MountFormat::Vorbis, 128),
        to(5, "/relay.flac", MountFormat::Flac, 0),
        shoutcast_output(6, icecast.port),
    ];
    let (rig, mut client, ..) = on_air(outputs).await;
    for n in 1..=6 {
        until(&mut client, n, OutputHealth::Up, 1).await;
    }
    let mounts =
        ["/relay.mp3", "/relay.aac", "/relay.opus", "/relay.ogg", "/relay.flac", "/shout.mp3"];
    for mount in mounts {
        assert_heard(&rig, &icecast, mount);
    }
    for mount in ["/relay.mp3", "/relay.aac", "/shout.mp3"] {
        icecast.source_until(mount, |source| source["title"] == "Test - Line 1");
    }
    let source = icecast.source("/relay.mp3");
    assert_eq!((&source["server_name"], &source["genre"]), (&"Test FM".into(), &"Test".into()));
    let state = target(&mut client, 5).await;
    assert_eq!(
        (state.kind.as_str(), state.health.as_str(), state.reconnects),
        ("icecast", "up", 0)
    );
    assert!(state.bytes_sent > 10_000 && state.lost_bytes == 0, "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_hears_and_reads_on_where_a_title_begins_a_chained_stream() {
    let icecast = Icecast::start();
    let mut outputs = Vec::new();
    for (n, mount, format, kbps) in
        [(1, "/chained.opus", MountFormat::Opus, 96), (2, "/chained.flac", MountFormat::Flac, 0)]
    {
        let mut output = icecast_output(n, icecast.port, mount, encoding(format, kbps));
        if let OutputKind::Icecast(to) = &mut output.output.kind {
            to.chain_titles = true;
        }
        outputs.push(output);
    }
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 8.0, "flac"), rig.tone(880, 20.0, "flac")];
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    set_outputs(&mut client, &config(1), outputs).await;
    let player = |mount: &str| {
        icecast.source(mount);
        let raw = rig.dir.path().join(mount.trim_start_matches('/')).with_extension("raw");
        let child = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(format!("http://127.0.0.1:{}{mount}", icecast.port))
            .args(["-t", "12", "-f", "f32le", "-ac", "2", "-ar", "48000"])
            .arg(&raw)
            .stdin(Stdio::null())
            .spawn()
            .expect("ffmpeg is installed");
        (child, raw)
    };
    let mounts = ["/chained.opus", "/chained.flac"];
    let players = mounts.map(player);
    let listeners = mounts.map(|mount| icecast.listen(mount));
    facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    pass(&mut client, 3).await;
    for (mount, ear) in mounts.iter().zip(listeners) {
        let body = ear.take().1;
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("TITLE=Test - Line 2"), "{mount}: the second title is in the stream");
    }
    for (mount, (mut child, raw)) in mounts.iter().zip(players) {
        assert!(child.wait().unwrap().success(), "{mount}");
        let bytes = std::fs::read(raw).unwrap();
        let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let frames: Vec<_> =
            (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect();
        let heard: Vec<u32> = tones_heard(&frames, &[440, 880]).into_iter().flatten().collect();
        assert_eq!(heard, [440, 880], "{mount}: one after the other, without a break");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_is_connected_to_again_and_each_change_is_told_once() {
    let mut icecast = Icecast::start();
    let outputs = vec![icecast_output(1, icecast.port, "/relay.mp3", encoding(MP3, 128))];
    let (rig, mut client, ..) = on_air(outputs).await;
    until(&mut client, 1, OutputHealth::Up, 1).await;
    icecast.kill();
    until(&mut client, 1, OutputHealth::Down, 1).await;
    icecast.start_again();
    let facts = until(&mut client, 1, OutputHealth::Up, 2).await;
    let words: Vec<_> = healths(&facts, 1).into_iter().map(|(health, _)| health).collect();
    assert_eq!(words, [OutputHealth::Up, OutputHealth::Down, OutputHealth::Up]);
    assert_heard(&rig, &icecast, "/relay.mp3");
    icecast.source_until("/relay.mp3", |source| source["title"] == "Test - Line 1");
    assert_eq!(target(&mut client, 1).await.reconnects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_told_and_mended_by_a_hand_over() {
    let icecast = Icecast::start();
    let relay = |n, mount| icecast_output(n, icecast.port, mount, encoding(MP3, 128));
    let wrong = EngineOutput { secret: Some("no".into()), ..relay(1, "/relay.mp3") };
    let none = EngineOutput { secret: None, ..relay(2, "/other.mp3") };
    let in_use = relay(3, "/used.mp3");
    let holder = relay(4, "/used.mp3");
    let (_rig, mut client, _, config) = on_air(vec![wrong, none, holder.clone()]).await;
    until(&mut client, 4, OutputHealth::Up, 1).await;
    let facts = until(&mut client, 1, OutputHealth::Down, 1).await;
    assert!(healths(&facts, 1)[0].1.contains("401"), "{facts:?}");
    let facts = until(&mut client, 2, OutputHealth::Down, 1).await;
    assert!(healths(&facts, 2)[0].1.contains("no password"), "{facts:?}");
    let right = relay(1, "/relay.mp3");
    set_outputs(&mut client, &config, vec![right, holder, in_use]).await;
    until(&mut client, 1, OutputHealth::Up, 1).await;
    let facts = until(&mut client, 3, OutputHealth::Down, 1).await;
    assert!(healths(&facts, 3)[0].1.contains("403"), "{facts:?}");
    assert_eq!(healths(&facts, 4).len(), 1, "the one that stayed was not disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_fed_over_tls_where_its_certificate_is_vouched_for_and_of_its_name() {
    let mut rig = Rig::new();
    let made = certificate(rig.dir.path());
    let icecast = Icecast::start_encrypted(&made);
    let tone = rig.tone(440, 60.0, "flac");
    let relay = |n: u8, host: &str, port| {
        let mut relay = icecast_output(n, port, &format!("/{n}.mp3"), encoding(MP3, 128));
        if let OutputKind::Icecast(to) = &mut relay.output.kind {
            (to.tls, to.host) = (true, host.to_owned());
        }
        relay
    };
    let encrypted = icecast.tls_port.unwrap();
    let all = || {
        vec![
            relay(1, "localhost", encrypted),
            relay(2, "127.0.0.1", encrypted),
            relay(3, "localhost", icecast.port),
        ]
    };
    let health = |facts: &[AirFact], n| healths(facts, n).last().map(|health| health.0);
    let told = |facts: &[AirFact]| (1..=3).all(|n| health(facts, n).is_some());

    rig.start_in(&[], &[("SSL_CERT_FILE", &made[0])]);
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    set_outputs(&mut client, &config(1), all()).await;
    let facts = facts_until(&mut client, 1, told).await;
    assert_eq!(health(&facts, 1), Some(OutputHealth::Up), "{:?}", healths(&facts, 1));
    // Another name, and no TLS at all: nothing is sent there, least of all the password.
    assert_eq!(health(&facts, 2), Some(OutputHealth::Down));
    assert!(healths(&facts, 2)[0].1.contains("certificate"), "{:?}", healths(&facts, 2));
    assert_eq!(health(&facts, 3), Some(OutputHealth::Down), "{:?}", healths(&facts, 3));
    assert_heard(&rig, &icecast, "/1.mp3");
    icecast.source_until("/1.mp3", |source| source["title"] == "Test - Line 1");

    rig.kill();
    rig.start();
    let (mut client, _) = rig.client().await;
    let begun = |facts: &[AirFact]| {
        facts.iter().rposition(|fact| matches!(fact.event, AirEvent::EngineStarted { .. }))
    };
    let facts = facts_until(&mut client, 1, |facts| {
        begun(facts).is_some_and(|at| at > 0 && health(&facts[at..], 1).is_some())
    })
    .await;
    let again = healths(&facts[begun(&facts).unwrap()..], 1);
    assert_eq!(again[0].0, OutputHealth::Down, "nobody vouches for it: {again:?}");
}
