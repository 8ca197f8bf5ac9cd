//! UTC is set while the station is on air: the sample clock runs on, what is planned by the clock
//! moves, and a large step is told and anchored at the next item.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::sound::SoundEvent;
use grimnir_events::timeline::Anchor;
use grimnir_events::{AirFrame, UtcMicros};
use support::*;

fn stepped(facts: &[AirFact]) -> Vec<(i64, i64)> {
    let step = |fact: &AirFact| match fact.event {
        AirEvent::Sound(SoundEvent::ClockStepped { by_us, ahead_us }) => Some((by_us, ahead_us)),
        _ => None,
    };
    facts.iter().filter_map(step).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_utc_moves_hard_starts_and_a_large_one_is_told_and_anchored_at_the_next_item() {
    let mut rig = Rig::new();
    let offset = rig.dir.path().join("utc-offset-us");
    let set = |us: i64| std::fs::write(&offset, us.to_string()).unwrap();
    set(0);
    let tone = rig.tone(440, 30.0, "flac");
    rig.start_in(&[], &[("GRIMNIR_TEST_UTC_OFFSET", &offset)]);
    let (mut client, _) = rig.client().await;
    let mut config = config(1);
    config.settings.crossfade_ms = 0;
    configure(&mut client, &config).await;
    let begin = now();
    let hard = |seconds: i64| begin.plus(seconds * 1_000_000);
    let mut lines = vec![line(1, tone, begin, 0)];
    for (n, seconds) in [(2, 6), (3, 13)] {
        let mut next = line(n, tone, hard(seconds), 0);
        next.anchor = Anchor::Hard { at: hard(seconds) };
        lines.push(next);
    }
    set_timeline(&mut client, 1, lines).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    set(40_000);
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    assert_eq!(stepped(&facts), [], "a small step is no fact");
    let off =
        |at: AirFrame, wanted: UtcMicros, ahead: i64| (at.since(wanted.plus(-ahead).frame())).abs();
    let (_, second) = started(&facts)[1];
    assert!(off(second, hard(6), 40_000) <= 96, "40 ms of UTC earlier: {second:?}");
    set(2_000_000);
    let facts = facts_until(&mut client, 1, |facts| !stepped(facts).is_empty()).await;
    let [(by_us, ahead_us)] = stepped(&facts)[..] else { panic!("told once: {facts:#?}") };
    assert!((by_us - 2_000_000).abs() < 2_000 && by_us == ahead_us, "{by_us}, {ahead_us}");
    assert_eq!(started(&facts).len(), 2);
    let told = facts.iter().find(|fact| !stepped(std::slice::from_ref(fact)).is_empty());
    let told = told.map(|fact| fact.at.0 - fact.frame.utc().0);
    assert_eq!(told, Some(0), "until the next item facts stand on the old anchor, this one too");
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 3).await;
    let (_, third) = started(&facts)[2];
    assert!(off(third, hard(13), 2_000_000) <= 96, "2 s of UTC earlier: {third:?}");
    assert_eq!(stepped(&facts).len(), 1);
    // What sounded went on: no end, no start, between its own start and the next.
    let ended = facts.iter().filter(|fact| matches!(fact.event, AirEvent::ItemEnded { .. }));
    assert!(ended.count() <= 2, "{facts:#?}");
    let ahead = |n: usize| {
        let mut items = facts.iter().filter(|fact| matches!(fact.event, AirEvent::ItemStarted(_)));
        let fact = items.nth(n).unwrap();
        fact.at.0 - fact.frame.utc().0
    };
    assert_eq!((ahead(0), ahead(1)), (0, 0), "until then facts stand on the old anchor");
    assert_eq!(ahead(2), ahead_us, "from the next item on, on the new one");
}
