//! The last that is heard: a legal ID, whole, when the station signs off.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::ladder::{ClaimItem, FAREWELL_CLAIM};
use grimnir_events::library::ItemKind;
use std::time::{Duration, Instant};
use support::*;

/// How each play of the legal ID ended: after so many frames, and why.
fn farewells(facts: &[AirFact]) -> Vec<(i64, EndReason)> {
    let mut plays = Vec::new();
    let mut ended = Vec::new();
    for fact in facts {
        match &fact.event {
            AirEvent::ItemStarted(item) if item.claim_id == FAREWELL_CLAIM => {
                assert_eq!((item.kind, item.line_id), (ItemKind::LegalId, None));
                plays.push(item.play);
            }
            AirEvent::ItemEnded { play, frames, reason } if plays.contains(play) => {
                ended.push((*frames, reason.clone()));
            }
            _ => {}
        }
    }
    ended
}

/// Waits until the engine has said it holds a clip in memory.
async fn clip_is_held(rig: &Rig) {
    let until = Instant::now() + Duration::from_secs(10);
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    while !rig.log().contains("clip is in memory") {
        assert!(Instant::now() < until, "{}", rig.log());
        pause.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_sign_off_a_legal_id_is_heard_whole_and_an_immediate_order_waits_for_none() {
    let mut rig = Rig::new();
    let tones = [440, 550, 660, 770].map(|hz| rig.tone(hz, 30.0, "flac"));
    let legal_id = ClaimItem { kind: ItemKind::LegalId, ..item(70, rig.tone(1_200, 2.0, "wav")) };
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    set_farewell(&mut client, legal_id).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    clip_is_held(&rig).await;

    // As the control plane does it: a configuration that is not on air.
    let ear = listen(port);
    let mut off = config(2);
    off.on_air = false;
    assert!(configure(&mut client, &off).await.accepted);
    let all = ear.until_closed();
    let facts = facts_until(&mut client, 1, |facts| !farewells(facts).is_empty()).await;
    assert_eq!(farewells(&facts), [(2 * 48_000, EndReason::SignOff)]);
    let starts = started(&facts);
    assert_eq!(starts.len(), 2, "{starts:?}");
    let faded = facts.iter().find(|f| matches!(f.event, AirEvent::ItemEnded { .. })).unwrap();
    let pause = starts[1].1.since(faded.frame);
    assert!((0..4_800).contains(&pause), "{pause} frames after the programme");
    let body = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let heard = decoded(rig.dir.path(), "off.mp3", &all[body..]);
    let last = &heard[heard.len().saturating_sub(3 * 48_000)..];
    let order: Vec<u32> = tones_heard(last, &[440, 1_200]).into_iter().flatten().collect();
    assert_eq!(order.last(), Some(&1_200), "the last that listeners hear: {order:?}");

    // Signed on again, signed off, and then at once: the legal ID is left.
    let stop = |immediate| v1::StopRequest { epoch: 1, immediate };
    let on = v1::PlayRequest { epoch: 1 };
    assert!(client.play(on).await.unwrap().into_inner().done);
    facts_until(&mut client, 1, |facts| started(facts).len() == 3).await;
    assert!(client.stop(stop(false)).await.unwrap().into_inner().done);
    facts_until(&mut client, 1, |facts| started(facts).len() == 4).await;
    assert!(client.stop(stop(true)).await.unwrap().into_inner().done);
    let facts = facts_until(&mut client, 1, |facts| farewells(facts).len() == 2).await;
    assert!(farewells(&facts)[1].0 < 2 * 48_000, "{:?}", farewells(&facts));

    // At once from the start: none is heard, and what comes next is the programme.
    assert!(client.play(on).await.unwrap().into_inner().done);
    facts_until(&mut client, 1, |facts| started(facts).len() == 5).await;
    assert!(client.stop(stop(true)).await.unwrap().into_inner().done);
    assert!(client.play(on).await.unwrap().into_inner().done);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 6).await;
    assert_eq!(farewells(&facts).len(), 2);
    assert!(started(&facts)[5].0.starts_with("Line"), "{:?}", started(&facts));
}
