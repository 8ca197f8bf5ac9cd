//! The ladder as it is heard: overrides, skips, the rotation, the last rung, sign-off and sign-on.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason};
use grimnir_events::handover::EngineClaims;
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM, OwnerReason, ReleaseReason, Tier};
use grimnir_events::{ClaimId, LineId};
use support::*;

fn owners(facts: &[AirFact]) -> Vec<(ClaimId, OwnerReason)> {
    let owner = |fact: &AirFact| match fact.event {
        AirEvent::OwnerChanged { to, reason, .. } => Some((to, reason)),
        _ => None,
    };
    facts.iter().filter_map(owner).collect()
}

fn ends(facts: &[AirFact]) -> Vec<EndReason> {
    let end = |fact: &AirFact| match &fact.event {
        AirEvent::ItemEnded { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

fn claims(revision: u64, held: &[&grimnir_events::ladder::Claim]) -> EngineClaims {
    EngineClaims {
        revision,
        claims: held.iter().map(|claim| (*claim).clone()).collect(),
        ended: Vec::new(),
        owner: grimnir_events::ClaimId::default(),
        skips: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_plays_its_items_without_a_gap_and_gives_the_air_back_when_released() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac"), rig.tone(660, 30.0, "flac")];
    let items = vec![item(51, rig.tone(1_500, 1.0, "wav")), item(52, rig.tone(1_800, 40.0, "wav"))];
    rig.start();
    let (mut client, port) = rig.client().await;
    let mut lines = chain(&tones, now(), 0);
    lines[0].long_form = true;
    set_timeline(&mut client, 1, lines).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let ear = listen(port);
    let raised = claim(61, Tier::LiveOverride, items);
    set_claims(&mut client, &claims(1, &[&raised])).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 3).await;
    // Missing from the next hand-over: it was released.
    set_claims(&mut client, &claims(2, &[])).await;
    let facts =
        facts_until(&mut client, 1, |facts| started(facts).len() == 4 && ends(facts).len() == 3)
            .await;
    let starts = started(&facts);
    assert_eq!(starts[2].1.since(starts[1].1), 48_000);
    // The long-form line goes on where it was cut.
    let resumed = facts.iter().rev().find_map(|fact| match &fact.event {
        AirEvent::ItemStarted(item) => Some((item.line_id, item.from_frame)),
        _ => None,
    });
    let (line, from) = resumed.unwrap();
    assert_eq!(line, Some(LineId([1; 16])));
    assert!((from - starts[1].1.since(starts[0].1)).abs() <= 960, "{from}");
    assert_eq!(ends(&facts), [EndReason::Preempted, EndReason::Completed, EndReason::Released]);
    assert_eq!(
        owners(&facts),
        [
            (AUTOMATION_CLAIM, OwnerReason::SignOn),
            (raised.id, OwnerReason::Preempted),
            (AUTOMATION_CLAIM, OwnerReason::Released),
        ]
    );
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 1_500, 1_800]);
    let heard: Vec<u32> = heard.into_iter().flatten().collect();
    assert_eq!(heard[..3], [440, 1_500, 1_800]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_fades_the_line_out_once_and_a_claim_ends_at_its_longest_time() {
    let mut rig = Rig::new();
    let tones: Vec<_> = [440, 660, 880].map(|hertz| rig.tone(hertz, 30.0, "flac")).into();
    let long = vec![item(51, rig.tone(1_500, 30.0, "wav"))];
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let skip = (LineId([1; 16]), AUTOMATION_CLAIM);
    let request = v1::FadeRequest {
        epoch: 1,
        line_id: skip.0.0.to_vec(),
        claim_id: skip.1.0.to_vec(),
        fade_ms: 100,
    };
    assert!(client.fade(request.clone()).await.unwrap().into_inner().done);
    let mut asked = claims(1, &[]);
    asked.skips.push(skip);
    set_claims(&mut client, &asked).await;
    let facts =
        facts_until(&mut client, 1, |facts| ends(facts).len() == 1 && started(facts).len() == 2)
            .await;
    assert_eq!(ends(&facts), [EndReason::Skipped]);
    let again = client.fade(request).await.unwrap().into_inner();
    assert!(!again.done && again.reason.contains("not on air"));

    let mut raised = claim(62, Tier::LiveScheduled, long);
    raised.max_length_us = 700_000;
    set_claims(&mut client, &claims(2, &[&raised])).await;
    let facts = facts_until(&mut client, 1, |facts| {
        facts.iter().any(|fact| matches!(fact.event, AirEvent::ClaimEnded { .. }))
    })
    .await;
    let reason = ReleaseReason::Expired;
    let ended = AirEvent::ClaimEnded { claim_id: raised.id, reason };
    assert!(facts.iter().any(|fact| fact.event == ended));
    assert!(ends(&facts).contains(&EndReason::Expired), "{:?}", ends(&facts));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_of_a_claim_can_be_skipped_and_each_skip_is_carried_out_once() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac")];
    let items =
        [1_500, 1_800, 2_100].map(|hertz| item((hertz / 100) as u8, rig.tone(hertz, 20.0, "wav")));
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    let raised = claim(61, Tier::LiveOverride, items.into());
    let request = v1::RouteLiveRequest { claim_payload: bytes(&raised), epoch: 1 };
    assert!(client.route_live(request).await.unwrap().into_inner().on_air);
    let mut asked = claims(1, &[&raised]);
    for skipped in 1..=2 {
        // The status follows the journal within a turn.
        let (title, mut named) = (format!("Item {}", [15, 18][skipped - 1]), None);
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while named.is_none() && std::time::Instant::now() < limit {
            let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
            named = (status.title == title).then_some(status.item_id);
            tokio::task::yield_now().await;
        }
        let named: [u8; 16] = named.expect("is heard in time").try_into().unwrap();
        asked.skips.push((LineId(named), raised.id));
        asked.revision += 1;
        set_claims(&mut client, &asked).await;
        facts_until(&mut client, 1, |facts| {
            ends(facts).iter().filter(|end| **end == EndReason::Skipped).count() == skipped
        })
        .await;
    }
    // Handed over again, and sent as the call that may have been lost, they skip nothing more.
    asked.revision += 1;
    set_claims(&mut client, &asked).await;
    let (line_id, claim_id) = (asked.skips[1].0.0.to_vec(), raised.id.0.to_vec());
    let again = v1::FadeRequest { epoch: 1, line_id, claim_id, fade_ms: 0 };
    let again = client.fade(again).await.unwrap().into_inner();
    assert!(!again.done && again.reason.contains("not on air"), "{}", again.reason);
    facts_until(&mut client, 1, |facts| {
        let skipped = ends(facts).iter().filter(|end| **end == EndReason::Skipped).count();
        skipped == 2 && started(facts).last().is_some_and(|(title, _)| title == "Item 21")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rotation_follows_the_timeline_and_the_fallback_the_rotation() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 2.0, "flac")];
    let mut held = config(1);
    held.rotation = vec![item(71, rig.tone(700, 2.0, "flac")), item(72, rig.tone(900, 2.0, "mp3"))];
    held.fallback = Some(item(73, rig.tone(1_200, 1.0, "wav")));
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &held).await;
    let ear = listen(port);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 4).await;
    let titles: Vec<String> = started(&facts).into_iter().map(|(title, _)| title).collect();
    assert_eq!(titles, ["Line 1", "Item 71", "Item 72", "Item 71"]);
    // Nothing left but the last rung.
    held.revision = 2;
    held.rotation.clear();
    configure(&mut client, &held).await;
    let facts = facts_until(&mut client, 1, |facts| {
        owners(facts).last().is_some_and(|owner| owner.0 == FALLBACK_CLAIM)
            && started(facts).last().is_some_and(|start| start.0 == "Item 73")
    })
    .await;
    let starts = started(&facts);
    let ended = facts.iter().rev().find(|f| matches!(f.event, AirEvent::ItemEnded { .. })).unwrap();
    assert_eq!(starts.last().unwrap().1.since(ended.frame), 0);
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 700, 900, 1_200]);
    let quiet = heard.iter().skip_while(|tone| tone.is_none()).position(Option::is_none);
    assert!(quiet.is_none(), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_off_ends_the_outputs_and_sign_on_joins_the_timeline() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac"), rig.tone(660, 30.0, "flac")];
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let ear = listen(port);
    let stop = v1::StopRequest { epoch: 1, immediate: false };
    assert!(client.stop(stop).await.unwrap().into_inner().done);
    // The stream ends by itself.
    let _ = ear.until_closed();
    assert!(get(port, "GET /live.mp3 HTTP/1.1").starts_with("HTTP/1.1 503"));
    let low = client.play(v1::PlayRequest { epoch: 0 }).await.unwrap().into_inner();
    assert!(!low.done && low.reason.contains("epoch"));
    assert!(client.play(v1::PlayRequest { epoch: 1 }).await.unwrap().into_inner().done);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    assert_eq!(ends(&facts), [EndReason::SignOff]);
    let off = |fact: &AirFact| {
        matches!(fact.event, AirEvent::AirInterrupted { reason: InterruptReason::OffAir, .. })
    };
    assert!(facts.iter().any(off));
    assert_eq!(started(&facts)[1].0, "Line 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_cuts_an_override_that_is_about_to_end_and_the_override_comes_back() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac"), rig.tone(660, 30.0, "flac")];
    let over = claim(61, Tier::LiveOverride, vec![item(51, rig.tone(1_500, 2.0, "wav"))]);
    // Not in memory before: it is decoded when it comes.
    let alert = claim(62, Tier::Emergency, vec![item(50, rig.tone(2_000, 1.0, "mp3"))]);
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let request = v1::RouteLiveRequest { claim_payload: bytes(&over), epoch: 1 };
    assert!(client.route_live(request).await.unwrap().into_inner().on_air);
    let request = v1::InsertEmergencyRequest { claim_payload: bytes(&alert) };
    let aired = client.insert_emergency(request).await.unwrap().into_inner();
    assert!(aired.on_air, "{}", aired.reason);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 5).await;
    let starts = started(&facts);
    let titles: Vec<&str> = starts.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Line 1", "Item 51", "Item 50", "Item 51", "Line 2"]);
    assert_eq!(starts[2].1.0, aired.first_frame);
    assert_eq!(starts[3].1.since(starts[2].1), 48_000);
    assert_eq!(starts[4].1.since(starts[3].1), 96_000);
    let closed: Vec<ClaimId> = facts
        .iter()
        .filter_map(|fact| match fact.event {
            AirEvent::ClaimEnded { claim_id, reason: ReleaseReason::Completed } => Some(claim_id),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [alert.id, over.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_with_a_hard_time_cuts_what_plays_on_its_frame() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac"), rig.tone(660, 2.0, "flac")];
    rig.start();
    let (mut client, _) = rig.client().await;
    let mut lines = chain(&tones, now(), 0);
    let at = grimnir_events::UtcMicros(now().0 + 2_500_000);
    lines[1].anchor = grimnir_events::timeline::Anchor::Hard { at };
    lines[1].planned_at = at;
    set_timeline(&mut client, 1, lines).await;
    configure(&mut client, &config(1)).await;
    let facts =
        facts_until(&mut client, 1, |facts| ends(facts).len() == 1 && started(facts).len() == 2)
            .await;
    let starts = started(&facts);
    assert_eq!(starts[1], ("Line 2".into(), at.frame()));
    assert_eq!(ends(&facts), [EndReason::CutByAnchor]);
}
