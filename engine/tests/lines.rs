//! Sound that comes to a running engine over SRT and RTP, from the senders that people have: who is
//! heard, who is turned away, and what becomes of packets that are lost.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::AirFact;
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason};
use grimnir_events::line::{EngineLineSecrets, EngineLines, LiveLine, RtpSound};
use grimnir_events::live::{LiveAirEvent, LiveGrant, TakePolicy};
use grimnir_events::output::SecretRef;
use grimnir_events::{ContentHash, CredentialId, LiveSessionId};
use std::time::Duration;
use support::live::*;
use support::weather::{Relay, Weather};
use support::*;

const HOST: &str = "127.0.0.1";
const LATENCY_MS: u32 = 120;

fn rtp(port: u16, sound: RtpSound) -> LiveLine {
    LiveLine::Rtp { address: HOST.into(), port, sound, latency_ms: LATENCY_MS }
}

/// Hands over the sessions 1 and on, each with its line.
async fn set_lines(client: &mut Client, grants: &[LiveGrant], lines: &[LiveLine]) {
    set_secret_lines(client, grants, lines, vec![]).await;
}

/// The same, with what those are encrypted with that are.
async fn set_secret_lines(
    client: &mut Client,
    grants: &[LiveGrant],
    lines: &[LiveLine],
    secrets: Vec<(CredentialId, String)>,
) {
    let secrets = EngineLineSecrets { revision: 2, station_id: STATION, secrets };
    let lines = (1u8..).zip(lines).map(|(n, line)| (LiveSessionId([n; 16]), line.clone()));
    let lines = EngineLines { revision: 2, station_id: STATION, lines: lines.collect() };
    set_inputs(client, 2, grants).await;
    let request = v1::SetClaimsRequest {
        claims_payload: bytes(&grimnir_events::handover::EngineClaims {
            revision: 3,
            claims: vec![],
            ended: vec![],
            owner: AUTOMATION_CLAIM,
            skips: vec![],
        }),
        lines_payload: bytes(&lines),
        line_secrets_payload: bytes(&secrets),
        epoch: 1,
        ..Default::default()
    };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

fn seen(facts: &[AirFact], wanted: impl Fn(&LiveAirEvent) -> bool) -> usize {
    live_facts(facts).iter().filter(|event| wanted(event)).count()
}

/// GStreamer, with a tone.
fn gstreamer(hertz: u32, output: &str) -> Encoder {
    let tone = format!(
        "audiotestsrc is-live=true freq={hertz} volume=0.3 ! audio/x-raw,rate=48000,channels=2 ! \
         audioconvert ! {output}"
    );
    Encoder::start("gst-launch-1.0", &[&["-q"][..], &tone.split(' ').collect::<Vec<_>>()].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_the_password_is_heard_over_srt_and_comes_back_into_its_claim() {
    let grants = [grant(1, TakePolicy::Immediate)];
    let (rig, mut client, port) = on_air(&grants).await;
    let line = ports::one();
    let listener =
        LiveLine::SrtListener { address: HOST.into(), port: line, latency_ms: LATENCY_MS };
    set_lines(&mut client, &grants, &[listener]).await;
    let ear = listen(port);
    let caller = |hertz, secret: &str| {
        let url = format!("srt://{HOST}:{line}?streamid={secret}&latency=120000");
        Encoder::ffmpeg(hertz, &["-c:a", "aac", "-b:a", "128k", "-f", "mpegts", &url])
    };
    // The listener opens in its own time: whoever calls too early calls again.
    let refused = |facts: &[AirFact]| {
        let by_line = |e: &LiveAirEvent| match e {
            LiveAirEvent::Refused { mount, reason, .. } => {
                mount == "/mount-1" && reason.contains("stream id")
            }
            _ => false,
        };
        seen(facts, by_line) > 0
    };
    let wrong = again_until(&mut client, || caller(660, "secret-2"), refused).await;
    // One that was let in would have been heard by now.
    heard_for(&mut client, 72_000).await;
    drop(wrong);
    let facts = facts_until(&mut client, 1, refused).await;
    assert_eq!(seen(&facts, |event| matches!(event, LiveAirEvent::Connected { .. })), 0);
    let heard = |times| move |facts: &[AirFact]| owners(facts).len() >= times;
    let right = again_until(&mut client, || caller(880, "secret-1"), heard(2)).await;
    heard_for(&mut client, 96_000).await;
    drop(right);
    facts_until(&mut client, 1, heard(3)).await;
    let right = again_until(&mut client, || caller(880, "secret-1"), heard(4)).await;
    heard_for(&mut client, 96_000).await;
    drop(right);
    let facts = facts_until(&mut client, 1, heard(5)).await;
    let claims = seen(&facts, |event| matches!(event, LiveAirEvent::Claimed { .. }));
    assert_eq!(claims, 1, "it came back into its claim");
    let reasons: Vec<OwnerReason> = owners(&facts).into_iter().map(|(_, why)| why).collect();
    assert_eq!(reasons[1], OwnerReason::Preempted);
    let tones = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 660, 880]);
    assert!(!tones.contains(&Some(660)), "who has no password is heard: {tones:?}");
    assert!(tones.contains(&Some(880)), "{tones:?}");
}

/// Starts a sender anew every three seconds until what it is to bring about is seen.
async fn again_until(
    client: &mut Client,
    sender: impl Fn() -> Encoder,
    enough: impl Fn(&[AirFact]) -> bool,
) -> Encoder {
    let request = v1::PullJournalRequest { from_seq: 1 };
    let mut stream = client.pull_journal(request).await.unwrap().into_inner();
    let (mut facts, mut running) = (Vec::new(), sender());
    for _ in 0..10 {
        let by = tokio::time::Instant::now() + Duration::from_secs(6);
        while let Ok(record) = tokio::time::timeout_at(by, stream.message()).await {
            let record = record.unwrap().expect("journal goes on");
            facts.push(grimnir_events::codec::decode_bytes(&record.fact_payload).unwrap());
            if enough(&facts) {
                return running;
            }
        }
        if running.0.try_wait().unwrap().is_some() {
            running = sender();
        }
    }
    panic!("not seen; facts so far: {facts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sender_of_rtp_and_an_srt_listener_that_is_called_are_ready() {
    let grants: Vec<LiveGrant> = (1..=8).map(|n| grant(n, TakePolicy::OnCue)).collect();
    let (mut rig, mut client, _) = on_air(&grants).await;
    let ports: Vec<u16> = (0..8).map(|_| ports::one()).collect();
    let called = LiveLine::SrtCaller {
        host: HOST.into(),
        port: ports[4],
        stream_id: "outside".into(),
        latency_ms: LATENCY_MS,
    };
    let lines = [
        rtp(ports[0], RtpSound::Opus),
        rtp(ports[1], RtpSound::MpegAudio),
        rtp(ports[2], RtpSound::L16 { rate: 48_000, channels: 2 }),
        rtp(ports[3], RtpSound::MpegTs),
        called,
        rtp(ports[5], RtpSound::MpegAudio),
        rtp(ports[6], RtpSound::Opus),
        rtp(ports[7], RtpSound::L16 { rate: 44_100, channels: 1 }),
    ];
    set_lines(&mut client, &grants, &lines).await;
    let to = |number: usize| format!("rtp://{HOST}:{}", ports[number]);
    let sink = |number: usize| format!("udpsink host={HOST} port={}", ports[number]);
    let listener = format!("srt://{HOST}:{}?mode=listener", ports[4]);
    let _senders = [
        gstreamer(500, &format!("opusenc ! rtpopuspay ! {}", sink(0))),
        Encoder::ffmpeg(600, &["-c:a", "libmp3lame", "-f", "rtp", &to(1)]),
        gstreamer(700, &format!("rtpL16pay ! {}", sink(2))),
        Encoder::ffmpeg(800, &["-c:a", "aac", "-f", "rtp_mpegts", &to(3)]),
        Encoder::ffmpeg(900, &["-c:a", "libmp3lame", "-f", "mpegts", &listener]),
        gstreamer(1_000, &format!("lamemp3enc ! rtpmpapay ! {}", sink(5))),
        Encoder::ffmpeg(1_100, &["-c:a", "libopus", "-f", "rtp", &to(6)]),
        Encoder::ffmpeg(
            1_200,
            &["-c:a", "pcm_s16be", "-ar", "44100", "-ac", "1", "-f", "rtp", &to(7)],
        ),
    ];
    let ready = |facts: &[AirFact]| (1..=8).all(|n| is_ready(facts, n).is_some());
    let facts = facts_within(&mut client, 1, 60, ready).await;
    assert_eq!(is_ready(&facts, 3).as_deref(), Some("l16 48000 Hz 2 ch"));
    let protocol = |number: u8| {
        live_facts(&facts).into_iter().find_map(|event| match event {
            LiveAirEvent::Connected { session_id, protocol, .. }
                if session_id == LiveSessionId([number; 16]) =>
            {
                Some(protocol)
            }
            _ => None,
        })
    };
    assert_eq!((protocol(1).as_deref(), protocol(5).as_deref()), (Some("rtp"), Some("srt")));
    // Each decodes in a process of its own, which has the network and no more, and goes with the
    // engine even where it does nothing any more.
    let processes = children(&rig, "line");
    assert_eq!(processes.len(), 8);
    let still = rustix::process::Pid::from_raw(processes[0] as i32).unwrap();
    rustix::process::kill_process(still, rustix::process::Signal::STOP).unwrap();
    rig.kill();
    until_gone(&processes);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_packets_are_short_silences_and_the_air_keeps_time() {
    let grants = [grant(1, TakePolicy::Immediate)];
    let (rig, mut client, port) = on_air(&grants).await;
    let (sent, comes) = (ports::one(), ports::one());
    set_lines(&mut client, &grants, &[rtp(comes, RtpSound::L16 { rate: 48_000, channels: 2 })])
        .await;
    let relay = Relay::begin(sent, comes, Weather { lost: 100, swapped: 10 });
    let sender = gstreamer(880, &format!("rtpL16pay ! udpsink host={HOST} port={sent}"));
    facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;
    let ear = listen(port);
    // One packet in ten of 12 s is 1.2 s: without what stands for it, the second held runs down.
    heard_for(&mut client, 12 * 48_000).await;
    let tones = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880]);
    assert!(relay.end()[0] > 20);
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() >= 2).await;
    assert_eq!(seen(&facts, |e| matches!(e, LiveAirEvent::RanDry { .. })), 0);
    assert_eq!(owners(&facts).len(), 2, "it stayed on air");
    assert!(tones.ends_with(&[Some(880)]), "{tones:?}");
    drop(sender);
    let gone = |e: &LiveAirEvent| matches!(e, LiveAirEvent::Disconnected { .. });
    facts_until(&mut client, 1, |facts| seen(facts, gone) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_line_is_open_to_its_passphrase_and_shut_without_one() {
    let grants: Vec<LiveGrant> = (1..=2).map(|n| grant(n, TakePolicy::OnCue)).collect();
    let (_rig, mut client, _) = on_air(&grants).await;
    let line = |n: u8, port| {
        let named = SecretRef { id: CredentialId([n; 16]), fingerprint: ContentHash([n; 32]) };
        let (address, latency_ms) = (HOST.into(), LATENCY_MS);
        LiveLine::SrtListener { address, port, latency_ms }.encrypted(named)
    };
    let port = ports::one();
    let lines = [line(1, port), line(2, ports::one())];
    let secrets = vec![(CredentialId([1; 16]), "a winter evening".to_owned())];
    set_secret_lines(&mut client, &grants, &lines, secrets).await;
    let told = |facts: &[AirFact], at: &str, why: &str| {
        seen(facts, |event| match event {
            LiveAirEvent::Refused { mount, reason, .. } => mount == at && reason.contains(why),
            _ => false,
        })
    };
    facts_until(&mut client, 1, |facts| told(facts, "/mount-2", "secrets store") == 1).await;
    let caller = |key: &'static str| {
        // The password of the session opens nothing here.
        let url = format!("srt://{HOST}:{port}?streamid=secret-1&latency=120000");
        let options = ["-c:a", "libmp3lame", "-f", "mpegts", "-passphrase", key, &url];
        Encoder::ffmpeg(660, &options)
    };
    let refused = |facts: &[AirFact]| told(facts, "/mount-1", "passphrase") > 0;
    drop(again_until(&mut client, || caller("a summer evening"), refused).await);
    let ready = |facts: &[AirFact]| is_ready(facts, 1).is_some();
    let facts = facts_until(&mut client, 1, refused).await;
    assert!(!ready(&facts), "who has another passphrase is heard");
    let _right = again_until(&mut client, || caller("a winter evening"), ready).await;
}
