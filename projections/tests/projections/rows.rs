//! What the rows say after what happened.

use crate::history::*;
use grimnir_events::air::{AirEvent, EndReason, InterruptReason};
use grimnir_events::ladder::{Entry, LadderEvent, OwnerReason, ReleaseReason, Tier};
use grimnir_events::library::LibraryEvent;
use grimnir_events::station::StationEvent;
use grimnir_events::timeline::{DropReason, TimelineEvent};
use grimnir_events::{ClaimId, ClockId, MediaId, StreamKind, UtcMicros};
use grimnir_ledger::{Ledger, MemoryLedger};
use grimnir_projections::rows::AsRunRow;
use grimnir_projections::{Projector, Views};
use std::sync::Arc;

async fn views_of(ledger: &Arc<MemoryLedger>) -> Arc<Views> {
    let head = ledger.head().await.expect("reads").seq;
    let (views, _task) = Projector::spawn(ledger.clone(), None);
    assert!(views.wait_for(head).await);
    views
}

fn after(seconds: i64) -> UtcMicros {
    T0.plus(seconds * SECOND)
}

/// A station on air, and what its engine reported: (run, seconds, fact).
async fn aired(facts: &[(u8, i64, AirEvent)]) -> Arc<MemoryLedger> {
    let ledger = ledger();
    let begin = [created(), StationEvent::Started {}];
    append(&ledger, StreamKind::Station, T0, &begin).await;
    for (n, (r, seconds, event)) in facts.iter().enumerate() {
        let fact = fact(run(*r), n as u64 + 1, after(*seconds), event.clone());
        append(&ledger, StreamKind::Air, after(*seconds), &[fact]).await;
    }
    ledger
}

async fn as_run(facts: &[(u8, i64, AirEvent)]) -> Vec<AsRunRow> {
    views_of(&aired(facts).await).await.as_run(STATION, T0, after(7_200))
}

#[tokio::test]
async fn a_play_opens_an_entry_and_its_end_closes_it() {
    let rows = as_run(&[
        (1, 0, started(1, Tier::Automation, "One", 183)),
        (1, 180, started(2, Tier::Automation, "Two", 183)),
        (1, 183, ended(1, 183, EndReason::Completed)),
    ])
    .await;
    let said: Vec<_> = rows.iter().map(|r| (r.title.as_str(), r.ended_at)).collect();
    assert_eq!(said, [("One", Some(after(183))), ("Two", None)]);
    assert_eq!((rows[0].reason.as_str(), rows[0].inferred), ("completed", false));
    assert_eq!(rows[0].frames, Some(183 * 48_000));
}

#[tokio::test]
async fn the_highest_tier_is_playing_and_the_last_started_of_equals() {
    let mut facts = vec![
        (1, 0, started(1, Tier::Automation, "One", 183)),
        (1, 180, started(2, Tier::Automation, "Two", 183)),
    ];
    let views = views_of(&aired(&facts).await).await;
    assert_eq!(views.now_playing(STATION).expect("is there").title, "Two");

    facts.push((1, 200, started(3, Tier::Emergency, "Alert", 20)));
    let views = views_of(&aired(&facts).await).await;
    let row = views.now_playing(STATION).expect("is there");
    assert_eq!((row.title.as_str(), row.ends_at), ("Alert", after(220)));

    facts.push((1, 220, ended(3, 20, EndReason::Completed)));
    let views = views_of(&aired(&facts).await).await;
    assert_eq!(views.now_playing(STATION).expect("is there").title, "Two");
}

#[tokio::test]
async fn nothing_is_playing_in_silence_after_sign_off_and_without_an_engine() {
    let playing = (1, 0, started(1, Tier::Automation, "One", 183));
    let silent = AirEvent::SilenceEntered { reason: "no fallback".into() };
    for last in [silent, AirEvent::EngineStopped {}] {
        let views = views_of(&aired(&[playing.clone(), (1, 10, last)]).await).await;
        let row = views.now_playing(STATION).expect("is there");
        assert_eq!((row.status.as_str(), row.started_at), ("idle", after(10)));
    }
    let ledger = aired(&[playing]).await;
    append(&ledger, StreamKind::Station, after(5), &[StationEvent::Stopped {}]).await;
    let views = views_of(&ledger).await;
    assert_eq!(views.now_playing(STATION).expect("is there").status, "idle");
}

#[tokio::test]
async fn a_lost_engine_leaves_an_inferred_end_and_an_interruption() {
    let interrupted = AirEvent::AirInterrupted {
        from: after(100).frame(),
        to: after(101).frame(),
        bound_frames: 480,
        reason: InterruptReason::EngineLost,
    };
    // The new engine names the play of the one before it, before or after the interruption.
    let end = (2, 101, ended(1, 100, EndReason::EngineLost));
    let gap = (2, 101, interrupted);
    for (first, second) in [(end.clone(), gap.clone()), (gap, end)] {
        let rows = as_run(&[
            (1, 0, started(1, Tier::Automation, "One", 183)),
            (2, 101, AirEvent::EngineStarted { version: "0.1.0".into(), realtime: true }),
            first,
            second,
            (2, 101, started(2, Tier::Automation, "One", 83)),
        ])
        .await;
        let said: Vec<_> = rows.iter().map(|r| (r.entry.as_str(), r.inferred)).collect();
        let entries = [("item", true), ("interrupted", true), ("engine", false), ("item", false)];
        assert_eq!(said, entries);
        assert_eq!(rows[0].ended_at, Some(after(100)));
        assert_eq!((rows[1].started_at, rows[1].ended_at), (after(100), Some(after(101))));
        assert_eq!(rows[1].reason, "engine_lost (began at most 10 ms earlier)");
        assert_eq!(rows[3].ended_at, None);
    }
}

#[tokio::test]
async fn a_play_that_nobody_ended_is_over_when_another_engine_plays() {
    let rows = as_run(&[
        (1, 0, started(1, Tier::Automation, "One", 60)),
        (2, 90, started(1, Tier::Automation, "Two", 60)),
    ])
    .await;
    assert_eq!((rows[0].ended_at, rows[0].inferred), (Some(after(60)), true));
    assert_eq!((rows[1].title.as_str(), rows[1].ended_at), ("Two", None));
}

#[tokio::test]
async fn a_fact_handed_over_twice_is_one_entry() {
    let ledger = aired(&[(1, 0, started(1, Tier::Automation, "One", 60))]).await;
    let again = fact(run(1), 1, T0, started(1, Tier::Automation, "One", 60));
    let next = fact(run(1), 2, after(60), ended(1, 60, EndReason::Completed));
    append(&ledger, StreamKind::Air, after(60), &[again, next]).await;
    let rows = views_of(&ledger).await.as_run(STATION, T0, after(100));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].ended_at, Some(after(60)));
}

#[tokio::test]
async fn drops_moves_and_silences_are_entries_with_their_reasons() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let lines = vec![line(1, after(0)), line(2, after(180))];
    append(&ledger, StreamKind::Timeline, T0, &[plan(T0, lines)]).await;
    let dropped = AirEvent::LineDropped {
        line_id: line_id(1),
        media_id: MediaId([1; 16]),
        title: "Title 1".into(),
        planned_at: T0,
        reason: DropReason::TimePassed,
    };
    let moved = AirEvent::LineMoved { line_id: line_id(2), reason: DropReason::Interrupted };
    let silent = AirEvent::SilenceEntered { reason: "no fallback".into() };
    let events = [dropped, moved, silent, AirEvent::SilenceLeft {}];
    for (n, event) in (1..).zip(events) {
        let fact = fact(run(1), n, after(n as i64), event);
        append(&ledger, StreamKind::Air, after(n as i64), &[fact]).await;
    }
    let views = views_of(&ledger).await;
    let rows = views.as_run(STATION, T0, after(60));
    let said: Vec<_> =
        rows.iter().map(|r| (r.entry.as_str(), r.title.as_str(), r.reason.as_str())).collect();
    let expected = [
        ("dropped", "Title 1", "time_passed"),
        ("moved", "Title 2", "interrupted"),
        ("silence", "", "no fallback"),
    ];
    assert_eq!(said, expected);
    assert_eq!(rows[0].artist, "Artist 1");
    assert_eq!(rows[2].ended_at, Some(after(4)));
    let to_air = views.upcoming(STATION, T0, after(3_600));
    assert_eq!(to_air.iter().map(|r| r.line_id).collect::<Vec<_>>(), [line_id(2)]);
    assert_eq!(views.schedule(STATION, T0, after(3_600)).len(), 2);
}

#[tokio::test]
async fn entries_across_the_edges_of_a_span_are_in_it() {
    let ledger = aired(&[
        (1, 0, started(1, Tier::Automation, "One", 100)),
        (1, 100, ended(1, 100, EndReason::Completed)),
        (1, 100, started(2, Tier::Automation, "Two", 100)),
        (1, 200, ended(2, 100, EndReason::Completed)),
        (1, 200, started(3, Tier::Automation, "Three", 100)),
    ])
    .await;
    let views = views_of(&ledger).await;
    let titles = |from, to| -> Vec<String> {
        views.as_run(STATION, after(from), after(to)).into_iter().map(|r| r.title).collect()
    };
    assert_eq!(titles(99, 101), ["One", "Two"]);
    assert_eq!(titles(100, 200), ["Two"]);
    assert_eq!(titles(150, 201), ["Two", "Three"]);
    assert_eq!(titles(5_000, 6_000), ["Three"]);
}

#[tokio::test]
async fn claims_name_their_owner_and_leave_when_released() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let raised = |n, tier| LadderEvent::SourceRaised { claim: Box::new(claim(n, tier)) };
    let owner = |n: u8, tier| LadderEvent::OwnerChanged {
        from: ClaimId([1; 16]),
        to: ClaimId([n; 16]),
        tier,
        reason: OwnerReason::Preempted,
        entry: Entry::Cut { fade_ms: 10 },
    };
    let failed = LadderEvent::SourceFailed { claim_id: ClaimId([1; 16]), reason: "gone".into() };
    let events = [
        raised(1, Tier::LiveOverride),
        raised(2, Tier::Emergency),
        owner(2, Tier::Emergency),
        failed,
    ];
    append(&ledger, StreamKind::Ladder, T0, &events).await;
    let views = views_of(&ledger).await;
    let said: Vec<_> =
        views.claims(STATION).iter().map(|r| (r.claim.tier, r.owner, r.failed)).collect();
    let expected = [(Tier::Emergency, true, false), (Tier::LiveOverride, false, true)];
    assert_eq!(said, expected);
    let row = views.executor(STATION).expect("is there");
    assert_eq!((row.owner, row.tier), (ClaimId([2; 16]), Tier::Emergency));

    let reason = ReleaseReason::Released;
    let released = LadderEvent::SourceReleased { claim_id: ClaimId([2; 16]), reason };
    append(&ledger, StreamKind::Ladder, T0, &[released]).await;
    let views = views_of(&ledger).await;
    assert_eq!(views.claims(STATION).len(), 1);
}

#[tokio::test]
async fn lost_media_is_kept_and_not_plannable_and_old_plans_go() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let added = |n| LibraryEvent::MediaAdded { item: Box::new(media(n)) };
    let lost = LibraryEvent::MediaLost { media_id: MediaId([1; 16]), reason: "missing".into() };
    append(&ledger, StreamKind::Library, T0, &[added(1), added(2), lost]).await;
    let chosen = TimelineEvent::DefaultClockChosen { clock_id: Some(ClockId([5; 16])) };
    append(&ledger, StreamKind::Timeline, T0, &[chosen, plan(T0, vec![])]).await;
    let later = T0.plus(50 * 3_600 * SECOND);
    append(&ledger, StreamKind::Timeline, later, &[plan(later, vec![])]).await;
    let views = views_of(&ledger).await;
    assert_eq!(views.media(STATION).len(), 2);
    let plannable: Vec<_> = views.plannable_media(STATION).iter().map(|m| m.id).collect();
    assert_eq!(plannable, [MediaId([2; 16])]);
    assert_eq!(views.plans(STATION).iter().map(|p| p.hour).collect::<Vec<_>>(), [later]);
    let row = views.station_by_slug("one").expect("is there");
    assert_eq!(row.default_clock_id, Some(ClockId([5; 16])));
}
