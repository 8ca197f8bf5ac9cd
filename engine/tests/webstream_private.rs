//! Webstreams over TLS and in each codec, from the mounts of another engine: heard where the
//! certificate is trusted, refused with its reason where it is not.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::air::AirFact;
use grimnir_events::handover::EngineConfig;
use grimnir_events::ladder::OwnerReason;
use grimnir_events::station::{Mount, MountFormat};
use grimnir_events::webstream::{SwitchReason, WebstreamAirEvent, WebstreamHealth};
use grimnir_events::{ClaimId, MountId, WebstreamId};
use std::path::Path;
use support::live::*;
use support::streams::*;
use support::*;

const FORMATS: [(MountFormat, &str, u16); 4] = [
    (MountFormat::Opus, "live.opus", 96),
    (MountFormat::Flac, "live.flac", 0),
    (MountFormat::AacLc, "live.aac", 128),
    (MountFormat::Vorbis, "live.ogg", 128),
];

fn mounts() -> EngineConfig {
    let mount = |(n, (format, path, bitrate_kbps)): (u8, (MountFormat, &str, u16))| Mount {
        id: MountId([n; 16]),
        name: "Main".into(),
        path: format!("/{path}"),
        format,
        bitrate_kbps,
    };
    EngineConfig { mounts: (1..).zip(FORMATS).map(mount).collect(), ..config(1) }
}

/// An engine whose mounts are served over TLS, with a certificate for `localhost` that nobody
/// knows; its port and where that is.
async fn origin() -> (Rig, u16, String) {
    let mut rig = Rig::new();
    let path = |name| rig.dir.path().join(name).to_str().unwrap().to_owned();
    let (chain_path, key) = (path("chain.pem"), path("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=Grimnir of a test", "-keyout", &key])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out", &chain_path])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let tone = rig.tone(880, 120.0, "flac");
    rig.start_with(&["--mount-tls-cert", &chain_path, "--mount-tls-key", &key]);
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    configure(&mut client, &mounts()).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    (rig, port, chain_path)
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
    let (_origin, port, certificate) = origin().await;
    let trusted = [("SSL_CERT_FILE", Path::new(&certificate))];
    let (rig, mut client, own_port) = on_air_in(&trusted, &[]).await;
    let ear = listen(own_port);
    for (n, (_, path, _)) in (1..).zip(FORMATS) {
        let named = |host| format!("https://{host}:{port}/{path}");
        let mut grant = playing(vec![named("127.0.0.1"), named("localhost")]);
        // One after the other, each another webstream.
        grant.webstream.id = WebstreamId([n; 16]);
        grant.start.number = u64::from(n);
        set_streams(&mut client, 1 + u64::from(n), vec![grant]).await;
        let taken = |(_, why): &(ClaimId, OwnerReason)| *why == OwnerReason::Preempted;
        let times = |facts: &[AirFact]| owners(facts).iter().filter(|o| taken(o)).count();
        facts_within(&mut client, 1, 30, |facts| times(facts) == usize::from(n)).await;
        heard_for(&mut client, 48_000).await;
    }
    let facts = facts_until(&mut client, 1, |facts| switches(facts).len() >= FORMATS.len()).await;
    assert_eq!(switches(&facts), [(Some(1), SwitchReason::Opened); FORMATS.len()]);
    for format in ["gstreamer", "flac 48000 Hz 2 ch", "aac 48000 Hz 2 ch", "vorbis 48000 Hz 2 ch"] {
        let wanted = (WebstreamHealth::Healthy, format.to_owned());
        assert!(found(&facts, 1).contains(&wanted), "{format}: {:?}", found(&facts, 1));
    }
    for (health, why) in found(&facts, 0) {
        assert!(health != WebstreamHealth::Healthy, "under another name");
        assert!(why.contains("certificate not valid for name \"127.0.0.1\""), "{why}");
    }
    let frames = ear.hang_up(rig.dir.path());
    let stream = |part: &&[_]| power(part, 880) > 0.1;
    let tenths = frames.chunks_exact(4_800).filter(stream).count();
    assert!(tenths >= 4 * 9, "{tenths} tenths of a second of the streams");
    assert!(!tones_heard(&frames, &[440, 880])[1..].contains(&None), "a gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused_with_its_reason() {
    let (_origin, port, _) = origin().await;
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
