//! Webstreams over TLS and in each codec, from the mounts of another engine: heard where the
//! certificate is trusted, refused with its reason where it is not.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::Client;
use grimnir_events::MountId;
use grimnir_events::air::AirFact;
use grimnir_events::handover::EngineConfig;
use grimnir_events::station::{Mount, MountFormat};
use grimnir_events::webstream::{SwitchReason, WebstreamAirEvent, WebstreamHealth};
use support::live::*;
use support::streams::*;
use support::*;

const FORMATS: [(MountFormat, &str, u16); 4] = [
    (MountFormat::Opus, "live.opus", 96),
    (MountFormat::Flac, "live.flac", 0),
    (MountFormat::AacLc, "live.aac", 128),
    (MountFormat::Vorbis, "live.ogg", 128),
];

/// The mounts from the `first` on.
fn mounts(revision: u64, first: usize) -> EngineConfig {
    let mount = |(n, (format, path, bitrate_kbps)): (u8, (MountFormat, &str, u16))| Mount {
        id: MountId([n; 16]),
        name: "Main".into(),
        path: format!("/{path}"),
        format,
        bitrate_kbps,
    };
    let mounts = (1..).zip(FORMATS).skip(first).map(mount).collect();
    EngineConfig { mounts, ..config(revision) }
}

/// An engine whose mounts are served over TLS, with a certificate for `localhost` that nobody
/// knows; its port and where that is.
async fn origin() -> (Rig, Client, u16, String) {
    let mut rig = Rig::new();
    let path = |name| rig.dir.path().join(name).to_str().unwrap().to_owned();
    let (chain_path, key) = (path("chain.pem"), path("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", &key])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out", &chain_path])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let tone = rig.tone(880, 120.0, "flac");
    rig.start_with(&["--mount-tls-cert", &chain_path, "--mount-tls-key", &key]);
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    configure(&mut client, &mounts(1, 0)).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    (rig, client, port, chain_path)
}

/// What was found at an address of the chain, each time that was told.
fn found(facts: &[AirFact], wanted: u16) -> Vec<(WebstreamHealth, String)> {
    let of = |event| match event {
        WebstreamAirEvent::Probed { place, health, found, .. } if place == wanted => {
            Some((health, found))
        }
        _ => None,
    };
    stream_facts(facts).into_iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_over_tls_are_heard_in_every_codec_and_under_the_right_name_alone() {
    let (_origin, mut elsewhere, port, certificate) = origin().await;
    let mut rig = Rig::new();
    rig.variables.push(("SSL_CERT_FILE".into(), certificate));
    let (rig, mut client, own_port) = on_air_in(rig, &[]).await;
    let mut urls = vec![format!("https://127.0.0.1:{port}/live.opus")];
    urls.extend(FORMATS.map(|(_, path, _)| format!("https://localhost:{port}/{path}")));
    set_streams(&mut client, 2, vec![playing(urls)]).await;
    let ear = listen(own_port);
    facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;
    for gone in 1..=FORMATS.len() {
        heard_for(&mut client, 3 * 48_000).await;
        if gone < FORMATS.len() {
            configure(&mut elsewhere, &mounts(1 + gone as u64, gone)).await;
            facts_until(&mut client, 1, |facts| switches(facts).len() > gone).await;
        }
    }
    let facts = facts_until(&mut client, 1, |facts| switches(facts).len() == 4).await;
    let (opened, ended) = (SwitchReason::Opened, SwitchReason::Ended);
    let order = [(Some(1), opened), (Some(2), ended), (Some(3), ended), (Some(4), ended)];
    assert_eq!(switches(&facts), order);
    for (place, format) in [(1, "gstreamer"), (2, "flac 48000"), (3, "aac 48000"), (4, "vorbis")] {
        let told = found(&facts, place);
        let heard = |(health, found): &(WebstreamHealth, String)| {
            *health == WebstreamHealth::Healthy && found.contains(format)
        };
        assert!(told.iter().any(heard), "{place}: {told:?}");
    }
    let (health, why) = &found(&facts, 0)[0];
    assert_eq!(*health, WebstreamHealth::Degraded);
    assert!(why.contains("certificate not valid for name"), "{why}");
    assert_eq!(owners(&facts).len(), 2, "it stayed on air");
    let frames = ear.hang_up(rig.dir.path());
    let heard = tones_heard(&frames, &[440, 880]);
    assert!(heard.ends_with(&[Some(440), Some(880)]), "{heard:?}");
    assert!(longest_gap(&frames, &[880]) < 0.3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused_with_its_reason() {
    let (_origin, _elsewhere, port, _) = origin().await;
    let (_rig, mut client, _) = on_air(&[]).await;
    let url = format!("https://localhost:{port}/live.ogg");
    set_streams(&mut client, 2, vec![playing(vec![url])]).await;
    let unhealthy = |facts: &[AirFact]| {
        found(facts, 0).iter().any(|(health, _)| *health == WebstreamHealth::Unhealthy)
    };
    let facts = facts_until(&mut client, 1, unhealthy).await;
    let told = found(&facts, 0);
    assert!(told.iter().all(|(_, why)| why.contains("certificate") && why.contains("localhost")));
    assert!(told.iter().any(|(_, why)| why.contains("UnknownIssuer")), "{told:?}");
    assert_eq!(owners(&facts).len(), 1, "automation goes on");
    assert_eq!(switches(&facts), []);
}
