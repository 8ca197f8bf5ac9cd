//! One engine over its socket: programme in planned order, emergencies, crashes, bad files.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason};
use grimnir_events::handover::EngineClaims;
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason, ReleaseReason, Tier};
use grimnir_events::timeline::DropReason;
use grimnir_events::{AirFrame, LineId, UtcMicros};
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn tracks_sound_in_planned_order_and_each_starts_on_its_frame() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 3.0, "wav"), rig.tone(660, 3.0, "flac"), rig.tone(880, 3.0, "mp3")];
    rig.start();
    let (mut client, port) = rig.client().await;
    assert!(configure(&mut client, &config(5)).await.accepted);
    let ear = listen(port);
    set_timeline(&mut client, 1, chain(&tones, now(), 24_000)).await;
    let facts = facts_until(&mut client, 1, |facts| {
        facts.iter().filter(|f| matches!(f.event, AirEvent::ItemEnded { .. })).count() == 3
    })
    .await;
    let starts = started(&facts);
    assert_eq!(
        starts.iter().map(|(title, _)| title.as_str()).collect::<Vec<_>>(),
        ["Line 1", "Line 2", "Line 3"]
    );
    let gaps: Vec<i64> = starts.windows(2).map(|pair| pair[1].1.since(pair[0].1)).collect();
    assert_eq!(gaps, [3 * 48_000 - 24_000; 2]);
    for fact in &facts {
        if let AirEvent::ItemEnded { frames, reason, .. } = &fact.event {
            assert_eq!((*frames, reason), (3 * 48_000, &EndReason::Completed));
        }
    }
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 660, 880]);
    let order: Vec<u32> = heard.into_iter().flatten().collect();
    assert_eq!(order, [440, 660, 880]);

    let stale = configure(&mut client, &config(4)).await;
    assert_eq!((stale.accepted, stale.held_revision), (false, 5));
    assert_eq!(rig.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_enters_during_a_crossfade_and_automation_returns() {
    let mut rig = Rig::new();
    let alert = item(50, rig.tone(2_000, 1.0, "wav"));
    let tones =
        [rig.tone(440, 4.0, "wav"), rig.tone(660, 30.0, "flac"), rig.tone(880, 30.0, "flac")];
    rig.start();
    let (mut client, port) = rig.client().await;
    let mut config = config(1);
    config.preload = vec![alert.clone()];
    configure(&mut client, &config).await;
    let lines = chain(&tones, now(), 3 * 48_000);
    set_timeline(&mut client, 1, lines).await;
    let ear = listen(port);
    facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    let raised = claim(60, Tier::Emergency, vec![alert]);
    let before = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner().air_frame;
    let request = v1::InsertEmergencyRequest { claim_payload: bytes(&raised) };
    let aired = client.insert_emergency(request.clone()).await.unwrap().into_inner();
    assert!(aired.on_air, "{}", aired.reason);
    assert!(aired.first_frame >= before && aired.mixed_monotonic_ns > 0);
    // The same claim by hand-over, and again by RPC: still one play.
    let held = vec![raised.clone()];
    let owner = raised.id;
    let claims = EngineClaims { revision: 3, claims: held, ended: vec![], owner, skips: vec![] };
    set_claims(&mut client, &claims).await;
    let again = client.insert_emergency(request.clone()).await.unwrap().into_inner();
    assert_eq!((again.on_air, again.first_frame), (true, aired.first_frame));

    let facts = facts_until(&mut client, 1, |facts| {
        facts.iter().filter(|f| matches!(f.event, AirEvent::OwnerChanged { .. })).count() == 3
            && started(facts).len() == 4
    })
    .await;
    let owners: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact.event {
            AirEvent::OwnerChanged { to, reason, .. } => Some((to, reason)),
            _ => None,
        })
        .collect();
    assert_eq!(
        owners,
        [
            (AUTOMATION_CLAIM, OwnerReason::SignOn),
            (raised.id, OwnerReason::Preempted),
            (AUTOMATION_CLAIM, OwnerReason::Completed),
        ]
    );
    // The line that was cut does not resume; the next one starts where the alert ends.
    let starts = started(&facts);
    assert_eq!(starts[2], ("Item 50".into(), grimnir_events::AirFrame(aired.first_frame)));
    assert_eq!(starts[3], ("Line 3".into(), starts[2].1.plus(48_000)));
    let ended = |reason: ReleaseReason| AirEvent::ClaimEnded { claim_id: raised.id, reason };
    assert!(facts.iter().any(|fact| fact.event == ended(ReleaseReason::Completed)));
    let late = client.insert_emergency(request).await.unwrap().into_inner();
    assert!(!late.on_air && late.reason.contains("ended"), "{}", late.reason);
    drop(ear);
    assert_eq!(rig.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_short_alert_is_answered_with_its_frame() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 60.0, "flac")];
    // Over before its end would be too near for a hand-over that is planned ahead.
    let sound = rig.tone(2_000, 0.05, "wav");
    rig.start();
    let (mut client, _) = rig.client().await;
    let mut lines = chain(&tones, now(), 0);
    lines[0].long_form = true;
    set_timeline(&mut client, 1, lines).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    for n in 0..25 {
        let alert = claim(100 + n, Tier::Emergency, vec![item(50, sound)]);
        let request = v1::InsertEmergencyRequest { claim_payload: bytes(&alert) };
        let aired = client.insert_emergency(request).await.unwrap().into_inner();
        assert!(aired.on_air, "alert {n}: {}", aired.reason);
        facts_until(&mut client, 1, |facts| {
            facts.iter().any(|fact| {
                matches!(fact.event, AirEvent::ClaimEnded { claim_id, .. } if claim_id == alert.id)
            })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_started_alone_goes_on_where_it_was_cut() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 60.0, "mp3"), rig.tone(660, 30.0, "wav")];
    rig.start();
    let (mut client, _) = rig.client().await;
    configure(&mut client, &config(1)).await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    let before = facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let first = started(&before)[0].1;
    let mut telemetry = client
        .stream_telemetry(v1::TelemetryRequest { interval_ms: 50 })
        .await
        .unwrap()
        .into_inner();
    while telemetry.message().await.unwrap().unwrap().position_frames < 48_000 {}
    rig.kill();
    rig.start();
    let (mut client, _) = rig.client().await;
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    let seqs: Vec<u64> = facts.iter().map(|fact| fact.journal_seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let (from, to) = facts
        .iter()
        .find_map(|fact| match fact.event {
            AirEvent::AirInterrupted { from, to, reason: InterruptReason::EngineLost, .. } => {
                Some((from, to))
            }
            _ => None,
        })
        .expect("an interruption");
    let lost = facts.iter().find_map(|fact| match fact.event {
        AirEvent::ItemEnded { frames, reason: EndReason::EngineLost, .. } => Some(frames),
        _ => None,
    });
    assert_eq!(lost, Some(from.since(first)));
    let resumed = facts.iter().rev().find_map(|fact| match &fact.event {
        AirEvent::ItemStarted(item) => Some((fact.frame, item.from_frame, item.line_id)),
        _ => None,
    });
    let (at, from_frame, line_id) = resumed.unwrap();
    assert_eq!((at, line_id), (to, Some(grimnir_events::LineId([1; 16]))));
    assert_eq!(from_frame, from.since(first));
    rig.kill();
}

fn interruptions(facts: &[AirFact]) -> Vec<(AirFrame, AirFrame, InterruptReason)> {
    let told = |fact: &AirFact| match fact.event {
        AirEvent::AirInterrupted { from, to, reason, .. } => Some((from, to, reason)),
        _ => None,
    };
    facts.iter().filter_map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_in_silence_says_how_long_the_air_was_lost() {
    let mut rig = Rig::new();
    let tones = [rig.tone(440, 30.0, "flac")];
    let silences = |facts: &[AirFact]| {
        facts.iter().filter(|f| matches!(f.event, AirEvent::SilenceEntered { .. })).count()
    };
    rig.start();
    let (mut client, _) = rig.client().await;
    configure(&mut client, &config(1)).await;
    let before = facts_until(&mut client, 1, |facts| silences(facts) == 1).await;
    let silent = before.last().unwrap().frame;
    rig.kill();
    // Once more, before anything is heard.
    rig.start();
    let (mut client, _) = rig.client().await;
    let between = facts_until(&mut client, 1, |facts| silences(facts) == 2).await;
    let first = interruptions(&between);
    assert_eq!(first.len(), 1, "{between:#?}");
    let (from, to, reason) = first[0];
    assert!(silent <= from && from < to && reason == InterruptReason::EngineLost, "{first:?}");
    rig.kill();
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, now(), 0)).await;
    let facts = facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let told = interruptions(&facts);
    assert_eq!((told.len(), told[0]), (2, first[0]));
    assert!(told[1].0 >= to && told[1].1 > told[1].0, "{told:?}");
    assert_eq!(told[1].2, InterruptReason::EngineLost);
    rig.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passed_before_the_first_sign_on_passed_off_air() {
    let mut rig = Rig::new();
    let tones = [440, 660, 880].map(|hertz| rig.tone(hertz, 10.0, "flac"));
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&tones, UtcMicros(now().0 - 15_000_000), 0)).await;
    configure(&mut client, &config(1)).await;
    let facts = facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let dropped: Vec<(u8, DropReason)> = facts
        .iter()
        .filter_map(|fact| match fact.event {
            AirEvent::LineDropped { line_id, reason, .. } => Some((line_id.0[0], reason)),
            _ => None,
        })
        .collect();
    assert_eq!(dropped, [(1, DropReason::OffAir)]);
    assert_eq!(interruptions(&facts), [], "the air was not lost, it had not begun");
    // Signed off when it dies: the air is not lost either.
    let stop = v1::StopRequest { epoch: 1, immediate: true };
    assert!(client.stop(stop).await.unwrap().into_inner().done);
    let ended =
        |facts: &[AirFact]| facts.iter().any(|f| matches!(f.event, AirEvent::ItemEnded { .. }));
    facts_until(&mut client, 1, ended).await;
    rig.kill();
    rig.start();
    let (mut client, _) = rig.client().await;
    let mut fresh = chain(&tones[..1], now(), 0);
    fresh[0].id = LineId([9; 16]);
    set_timeline(&mut client, 2, fresh).await;
    assert!(client.play(v1::PlayRequest { epoch: 1 }).await.unwrap().into_inner().done);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    let told = interruptions(&facts);
    assert!(matches!(told[..], [(_, _, InterruptReason::OffAir)]), "{told:?}");
    rig.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_broken_and_truncated_files_leave_no_gap() {
    let mut rig = Rig::new();
    let whole = rig.tone(550, 4.0, "flac");
    let path = rig.dir.path().join("550.flac");
    let bytes = std::fs::read(&path).unwrap();
    let cut = rig.dir.path().join("cut.flac");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let lie = rig.dir.path().join("lie.mp3");
    std::fs::write(&lie, b"<html>this is no sound</html>".repeat(100)).unwrap();
    let items = [
        rig.tone(440, 3.0, "wav"),
        (grimnir_events::ContentHash([3; 32]), 144_000),
        (rig.store(&lie), 144_000),
        (rig.store(&cut), whole.1),
        rig.tone(880, 3.0, "wav"),
    ];
    rig.start();
    let (mut client, port) = rig.client().await;
    configure(&mut client, &config(1)).await;
    let ear = listen(port);
    set_timeline(&mut client, 1, chain(&items, now(), 4_800)).await;
    let facts = facts_until(&mut client, 1, |facts| {
        facts.iter().filter(|f| matches!(f.event, AirEvent::ItemEnded { .. })).count() == 3
    })
    .await;
    let dropped: Vec<(u8, DropReason)> = facts
        .iter()
        .filter_map(|fact| match fact.event {
            AirEvent::LineDropped { line_id, reason, .. } => Some((line_id.0[0], reason)),
            _ => None,
        })
        .collect();
    assert_eq!(dropped, [(2, DropReason::MissingFile), (3, DropReason::Undecodable)]);
    let reasons: Vec<bool> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::ItemEnded { reason, .. } => Some(matches!(reason, EndReason::Failed { .. })),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [false, true, false]);
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 550, 880]);
    let programme: Vec<_> = heard.iter().skip_while(|t| t.is_none()).collect();
    assert_eq!(programme[..3], [&Some(440), &Some(550), &Some(880)], "{heard:?}");
    rig.kill();
}
