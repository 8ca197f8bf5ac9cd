//! Who starts lines: assist, stop after this, hold, and back to the plan.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::control::{ControlMode, EngineControl};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM, OwnerReason};
use grimnir_events::timeline::{DropReason, Line};
use grimnir_events::{AirFrame, LineId, StartId, UtcMicros};
use support::*;

fn control(mode: ControlMode, starts: &[u8]) -> EngineControl {
    EngineControl { mode, starts: starts.iter().map(|n| StartId([*n; 16])).collect() }
}

/// Who took the air, and why.
fn owners(facts: &[AirFact]) -> Vec<(bool, OwnerReason)> {
    let change = |fact: &AirFact| match &fact.event {
        AirEvent::OwnerChanged { to, reason, .. } => Some((*to == AUTOMATION_CLAIM, *reason)),
        _ => None,
    };
    facts.iter().filter_map(change).collect()
}

fn titles(facts: &[AirFact]) -> Vec<String> {
    started(facts).into_iter().map(|(title, _)| title).collect()
}

/// An engine whose fallback is a tone of 300 Hz; the lines of its plan follow each other,
/// the first `in_s` seconds from now.
async fn rig(seconds: f64, mode: &EngineControl, in_s: i64) -> (Rig, Client, Vec<Line>) {
    let mut rig = Rig::new();
    let tones = [440, 660, 880].map(|hz| rig.tone(hz, seconds, "wav"));
    let fallback = item(90, rig.tone(300, 20.0, "wav"));
    rig.start();
    let (mut client, _) = rig.client().await;
    let mut config = config(1);
    config.fallback = Some(fallback);
    set_control(&mut client, 1, mode).await;
    let lines = chain(&tones, now().plus(in_s * 1_000_000), 24_000);
    set_timeline(&mut client, 1, lines.clone()).await;
    configure(&mut client, &config).await;
    (rig, client, lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_assist_each_line_waits_for_a_person_and_the_last_rung_holds_the_air() {
    let assist = |starts: &[u8]| control(ControlMode::Assist, starts);
    let (mut rig, mut client, lines) = rig(2.0, &assist(&[]), 30).await;
    // Nobody starts anything: the last rung is heard.
    let facts = facts_until(&mut client, 1, |facts| !owners(facts).is_empty()).await;
    assert_eq!(owners(&facts), [(false, OwnerReason::SignOn)]);
    let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.control_mode.as_str(), status.waiting), ("assist", true));
    assert_eq!(status.next_line_id, lines[0].id.0);
    // The first line, by a person: it plays to its end, and nothing follows.
    set_control(&mut client, 2, &assist(&[1])).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 3).await;
    assert_eq!(owners(&facts)[2], (false, OwnerReason::Held));
    let first = started(&facts).into_iter().find(|(title, _)| title == "Line 1").unwrap().1;
    let ended = facts.iter().find_map(|fact| match &fact.event {
        AirEvent::ItemEnded { frames, reason: EndReason::Completed, .. } => Some(*frames),
        _ => None,
    });
    assert_eq!(ended, Some(2 * 48_000), "it was heard whole");
    assert!(first > AirFrame(0));
    // The same start handed over again starts nothing; another one does, though line 2's time in
    // the plan is long over.
    set_control(&mut client, 3, &assist(&[1])).await;
    set_control(&mut client, 4, &assist(&[1, 2])).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 5).await;
    let heard: Vec<String> = titles(&facts).into_iter().filter(|t| t.starts_with("Line")).collect();
    assert_eq!(heard, ["Line 1", "Line 2"]);
    // Started while one plays, the next enters over it.
    set_control(&mut client, 5, &assist(&[2, 3])).await;
    let facts = facts_until(&mut client, 1, |facts| titles(facts).contains(&"Line 3".into())).await;
    let dropped = facts.iter().any(|f| matches!(f.event, AirEvent::LineDropped { .. }));
    assert!(!dropped, "a person's pace drops nothing");
    assert_eq!(rig.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_after_lets_the_line_end_and_hold_leaves_it_at_once() {
    let (mut rig, mut client, lines) = rig(3.0, &control(ControlMode::Automatic, &[]), 0).await;
    facts_until(&mut client, 1, |facts| titles(facts) == ["Line 1"]).await;
    let last = ControlMode::StopAfter { line_id: lines[0].id };
    set_control(&mut client, 2, &control(last, &[])).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;
    assert_eq!(owners(&facts)[1], (false, OwnerReason::Held));
    let lengths: Vec<i64> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::ItemEnded { frames, .. } => Some(*frames),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [3 * 48_000], "to its last frame");
    // By the plan again: what it has missed is dropped for that reason, the rest plays.
    let tail = chain_at(&mut rig, now());
    set_timeline(&mut client, 2, [lines.clone(), tail].concat()).await;
    set_control(&mut client, 3, &control(ControlMode::Automatic, &[])).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 3).await;
    assert!(owners(&facts)[2].0, "automation is heard without waiting for the loop");
    let reasons: Vec<DropReason> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::LineDropped { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert!(reasons.iter().all(|reason| *reason == DropReason::Held), "{reasons:?}");
    // Hold: what plays is left within a second.
    set_control(&mut client, 4, &control(ControlMode::Hold, &[])).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 4).await;
    let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.owner_claim, FALLBACK_CLAIM.0);
    assert_eq!(owners(&facts)[3], (false, OwnerReason::Held));
    assert_eq!(rig.terminate(), Some(0));
}

/// A later line of 60 s.
fn chain_at(rig: &mut Rig, at: UtcMicros) -> Vec<Line> {
    let mut lines = chain(&[rig.tone(990, 60.0, "wav")], at, 0);
    for line in &mut lines {
        (line.id, line.title) = (LineId([0x77; 16]), "Line 9".into());
    }
    lines
}
