//! Who listens, and how many heard an item.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::MountId;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::handover::EngineConfig;
use grimnir_events::listening::MountListened;
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::Mount;
use support::*;

/// Frames of an item.
const ITEM: i64 = 5 * 48_000;

fn listened(facts: &[AirFact]) -> Vec<(u64, Vec<MountListened>)> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::Sound(SoundEvent::ItemListened { play, mounts }) => Some((*play, mounts.clone())),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_is_told_with_how_many_were_handed_it_and_listeners_are_shown_as_they_are() {
    let mut rig = Rig::new();
    let items = [440, 660, 880, 1_000].map(|hertz| rig.tone(hertz, 5.0, "wav"));
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&items, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let first = listen_to(port, "/live.mp3 HTTP/1.1\r\nUser-Agent: Player/1.0\r\nX:");
    facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    // What a new listener is given at once is then of the second item alone.
    pass(&mut client, 3).await;
    let second = listen(port);
    pass(&mut client, 1).await;
    let shown =
        client.list_listeners(v1::ListenersRequest {}).await.unwrap().into_inner().listeners;
    assert_eq!(shown.len(), 2, "{shown:?}");
    let player = &shown[0];
    assert_eq!((player.path.as_str(), player.user_agent.as_str()), ("/live.mp3", "Player/1.0"));
    assert!(!player.ipv6 && !player.tls && player.mount_id == [9; 16], "{player:?}");
    assert!((now().0 - player.since_us) < 60_000_000 && player.since_us < shown[1].since_us);
    // 128 kbit/s: three frames of the air in a byte.
    let by_bytes = player.bytes_sent as i64 * 3;
    assert!((player.heard_frames - by_bytes).abs() < 24_000, "{player:?}");
    assert!(player.heard_frames > shown[1].heard_frames + 2 * 48_000, "{shown:?}");
    drop(first.take());
    facts_until(&mut client, 1, |facts| listened(facts).len() == 3).await;
    // While the fourth item is heard, its mount is changed: who listened is cut, another comes.
    let slower = config(2).mounts.into_iter().map(|m| Mount { bitrate_kbps: 64, ..m }).collect();
    configure(&mut client, &EngineConfig { mounts: slower, ..config(2) }).await;
    drop(second.take());
    let third = listen(port);
    let facts = facts_until(&mut client, 1, |facts| listened(facts).len() == 4).await;
    drop(third.take());

    let told = listened(&facts);
    let plays: Vec<u64> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::ItemStarted(item) if item.title.starts_with("Line") => Some(item.play),
            _ => None,
        })
        .collect();
    assert_eq!(told.iter().map(|(play, _)| *play).collect::<Vec<_>>(), plays[..4], "in order");
    let of = |n: usize| told[n].1[0];
    assert_eq!(of(0).mount_id, MountId([9; 16]));
    assert_eq!((of(0).sessions, of(0).most), (1, 1), "only the first was there");
    assert_eq!((of(1).sessions, of(1).most), (2, 2), "{told:?}");
    assert_eq!((of(2).sessions, of(2).most), (1, 1), "the first had left");
    assert!(of(0).frames <= ITEM && of(1).frames > ITEM + 48_000, "{told:?}");
    assert_eq!(of(2).frames, ITEM, "the one that stayed heard all of it");
    assert_eq!(told[3].1.len(), 1, "a mount is told once: {told:?}");
    assert_eq!((of(3).sessions, of(3).most), (2, 1), "before the change and behind it: {told:?}");
    assert!(of(3).frames > 48_000 && of(3).frames <= ITEM, "{told:?}");
    let now = client.list_listeners(v1::ListenersRequest {}).await.unwrap().into_inner();
    assert!(now.listeners.len() <= 1, "{now:?}");
}
