//! A mount for studios: the programme before it is shaped, for those who have the password.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::handover::EngineConfig;
use grimnir_events::ladder::Tier;
use grimnir_events::output::{EngineOutput, MonitorOutput, OutputHealth, OutputKind, SecretRef};
use grimnir_events::station::{Mount, MountFormat};
use grimnir_events::{ContentHash, CredentialId, MountId};
use grimnir_mix::Frame;
use support::*;

const FLAC: MountFormat = MountFormat::Flac;
/// `studio:hackme` and `studio:hackm`.
const RIGHT: &str = "Authorization: Basic c3R1ZGlvOmhhY2ttZQ==";
const WRONG: &str = "Authorization: Basic c3R1ZGlvOmhhY2tt";

fn level_db(frames: &[Frame], hertz: u32) -> f64 {
    20.0 * (power(frames, hertz) / AMPLITUDE).log10()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_studio_hears_the_programme_before_it_is_shaped_and_nobody_else_does() {
    let mut rig = Rig::new();
    let tone = [rig.tone(500, 60.0, "wav")];
    let alert = rig.tone(1_000, 1.0, "wav");
    rig.start();
    let (mut client, port) = rig.client().await;
    shape(&mut client, &[("GAIN", &[("gain_db", "-12")])]).await;
    set_timeline(&mut client, 1, chain(&tone, now(), 0)).await;
    let mounts = vec![Mount {
        id: MountId([1; 16]),
        name: "Main".into(),
        path: "/live.flac".into(),
        format: FLAC,
        bitrate_kbps: 0,
    }];
    let config = EngineConfig { mounts, ..config(1) };
    let (path, encoding) = ("/studio.flac".to_owned(), encoding(FLAC, 0));
    let password = Some(SecretRef { id: CredentialId([7; 16]), fingerprint: ContentHash([7; 32]) });
    let monitor = OutputKind::Monitor(MonitorOutput { path, encoding, password });
    let whole = output(5, monitor, icecast::PASSWORD);
    let missing = EngineOutput { secret: None, ..whole.clone() };
    set_outputs(&mut client, &config, vec![missing]).await;
    let shut = |facts: &[_]| healths(facts, 5).iter().any(|h| h.1.contains("password"));
    facts_until(&mut client, 1, shut).await;
    let answer = get(port, "GET /studio.flac HTTP/1.1");
    assert!(answer.starts_with("HTTP/1.1 404"), "nobody is let in: {answer}");
    set_outputs(&mut client, &config, vec![whole]).await;
    let up = |facts: &[_]| healths(facts, 5).last().is_some_and(|h| h.0 == OutputHealth::Up);
    facts_until(&mut client, 1, |facts| up(facts) && !started(facts).is_empty()).await;

    for refused in
        ["GET /studio.flac HTTP/1.1".into(), format!("GET /studio.flac HTTP/1.1\r\n{WRONG}")]
    {
        let answer = get(port, &refused);
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("Basic"), "{answer}");
    }
    for page in ["/", "/status-json.xsl"] {
        assert!(!get(port, &format!("GET {page} HTTP/1.1")).contains("studio"), "in no list");
    }
    let studio = listen_to(port, &format!("/studio.flac HTTP/1.1\r\n{RIGHT}\r\nX:"));
    let public = listen_to(port, "/live.flac");
    pass(&mut client, 3).await;
    let claim = claim(3, Tier::Emergency, vec![item(3, alert)]);
    let request = grimnir_engine_proto::v1::InsertEmergencyRequest { claim_payload: bytes(&claim) };
    assert!(client.insert_emergency(request).await.unwrap().into_inner().on_air);
    pass(&mut client, 2).await;
    let state = target(&mut client, 5).await;
    assert!(state.health == "up" && state.bytes_sent > 0, "{state:?}");
    let heard = [studio, public].map(|ear| {
        let (head, body) = ear.take();
        assert!(head.contains("200"), "{head}");
        decoded(rig.dir.path(), "heard.flac", &body)
    });
    // A second of both is of the tone alone.
    let levels = heard.each_ref().map(|frames| {
        let begun = frames.iter().position(|frame| frame[0].abs() > 0.01).unwrap();
        level_db(&frames[begun + 24_000..begun + 72_000], 500)
    });
    assert!(levels[0].abs() < 0.2, "the studio: {levels:?} dB");
    assert!((levels[1] + 12.0).abs() < 0.2, "the listeners: {levels:?} dB");
    for (whose, frames) in ["studio", "listeners"].iter().zip(&heard) {
        let alerted = frames.chunks_exact(4_800).any(|part| level_db(part, 1_000) > -3.0);
        assert!(alerted, "{whose}: the emergency is heard");
    }

    set_outputs(&mut client, &config, vec![]).await;
    assert!(get(port, &format!("GET /studio.flac HTTP/1.1\r\n{RIGHT}")).contains("404"));
}
