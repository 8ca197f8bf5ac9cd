//! Outputs that are refused, reset, stand still or fill a disk, and listeners who are dropped: on
//! all others every frame of the programme is there once, in order.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::MountId;
use grimnir_events::air::AirFact;
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::{OutputHealth, OutputKind, RecordingOutput};
use grimnir_events::station::{Mount, MountFormat};
use support::icecast::{Icecast, resetting};
use support::*;

const FLAC: MountFormat = MountFormat::Flac;
const MP3: MountFormat = MountFormat::Mp3;

fn mounts() -> EngineConfig {
    let mount = |n, path: &str, format, bitrate_kbps| Mount {
        id: MountId([n; 16]),
        name: "Main".into(),
        path: path.into(),
        format,
        bitrate_kbps,
    };
    let mounts = vec![mount(1, "/live.flac", FLAC, 0), mount(2, "/live.mp3", MP3, 320)];
    EngineConfig { mounts, ..config(1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_suffer_one_after_the_other_are_heard_on_no_other() {
    let (well, sick) = (Icecast::start(), Icecast::start());
    let mut rig = Rig::new();
    let programme = coded(&rig, 240 * 48_000);
    rig.start_on_small_disk(512);
    let (mut client, port) = rig.client().await;
    let config = mounts();
    let relay = icecast_output(1, well.port, "/relay.flac", encoding(FLAC, 0));
    set_outputs(&mut client, &config, vec![relay.clone()]).await;
    facts_until(&mut client, 1, |facts| !healths(facts, 1).is_empty()).await;
    let ears = [listen_to(port, "/live.flac"), well.listen("/relay.flac")];
    let lossy = listen_to(port, "/live.mp3");
    set_timeline(&mut client, 1, chain(&[programme], now(), 0)).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;

    // Nobody there; then one who resets; then one who stands still.
    let refused = icecast_output(2, support::ports::one(), "/no.flac", encoding(FLAC, 0));
    set_outputs(&mut client, &config, vec![relay.clone(), refused]).await;
    facts_until(&mut client, 1, |facts| !healths(facts, 2).is_empty()).await;
    let reset = icecast_output(3, resetting(20_000), "/reset.mp3", encoding(MP3, 320));
    set_outputs(&mut client, &config, vec![relay.clone(), reset]).await;
    facts_until(&mut client, 1, |facts| healths(facts, 3).len() > 3).await;
    let still = icecast_output(4, sick.port, "/still.mp3", encoding(MP3, 320));
    set_outputs(&mut client, &config, vec![relay.clone(), still]).await;
    facts_until(&mut client, 1, |facts| !healths(facts, 4).is_empty()).await;
    sick.stand_still();
    let facts = facts_until(&mut client, 1, |facts| healths(facts, 4).len() > 1).await;
    assert_ne!(healths(&facts, 4)[1].0, OutputHealth::Up);

    let archive = RecordingOutput {
        encoding: encoding(FLAC, 0),
        folder: "archive".into(),
        keep_days: 30,
        keep_bytes: 0,
    };
    let archive = output(5, OutputKind::Recording(archive), "");
    set_outputs(&mut client, &config, vec![relay.clone(), archive]).await;
    let full = |facts: &[AirFact]| {
        healths(facts, 5).iter().any(|(_, reason)| reason.contains("No space left"))
    };
    facts_until(&mut client, 1, full).await;

    let path = |n| if n % 2 == 0 { "/live.flac" } else { "/live.mp3" };
    let slow: Vec<_> = (0..200).map(|n| slow_listener(port, path(n))).collect();
    until_listeners(&mut client, |listeners| listeners == 202).await;
    // Each is dropped once it is too far behind, and those who listen stay.
    until_listeners(&mut client, |listeners| listeners == 2).await;
    sick.go_on();
    drop(slow);
    pass(&mut client, 2).await;

    let well_state = target(&mut client, 1).await;
    assert_eq!((well_state.health.as_str(), well_state.reconnects), ("up", 0), "{well_state:?}");
    assert_eq!(well_state.lost_bytes, 0);
    let mut heard = Vec::new();
    for (whose, ear) in ["the mount", "the relay"].into_iter().zip(ears) {
        let (head, body) = ear.take();
        assert!(head.contains("200"), "{head}");
        heard.push(assert_whole(whose, &codes(rig.dir.path(), "lossless", &body)));
    }
    let (_, body) = lossy.take();
    heard.push(decoded(rig.dir.path(), "lossy", &body).len());
    assert!(heard.iter().all(|frames| *frames > 8 * 48_000), "{heard:?}");
    let (least, most) = (heard.iter().min().unwrap(), heard.iter().max().unwrap());
    // What lies in queues at the end, and the burst and the silence before the programme.
    assert!(most - least < 6 * 48_000, "{heard:?}");
}
