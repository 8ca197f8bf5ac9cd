//! The change feed: no hole, no repeat, from every cursor.

use crate::history::*;
use futures_util::StreamExt;
use grimnir_events::StreamKind;
use grimnir_events::station::StationEvent;
use grimnir_ledger::Ledger;
use grimnir_projections::rows::Change;
use grimnir_projections::{Decoded, Projector, Views, changes_of};
use proptest::prelude::*;
use std::sync::Arc;

async fn derived(ledger: &dyn Ledger) -> Vec<Change> {
    let all = ledger.read_all(1, 100_000).await.expect("reads");
    all.iter().flat_map(|r| changes_of(&Decoded::of(r))).collect()
}

async fn told(views: &Views, cursor: Option<(u64, u32)>, count: usize) -> Vec<Change> {
    views.follow(cursor).take(count).collect().await
}

fn at(change: &Change) -> (u64, u32) {
    (change.seq, change.index)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_cursor_resumes_after_itself(ops in ops(40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("runtime").block_on(async {
            let ledger = ledger_of(&ops).await;
            let whole = derived(&*ledger).await;
            let (views, _task) = Projector::spawn(ledger.clone(), None);
            prop_assert_eq!(&told(&views, Some((0, 0)), whole.len()).await, &whole);
            for (n, change) in whole.iter().enumerate() {
                let rest = &whole[n + 1..];
                let found = told(&views, Some(at(change)), rest.len()).await;
                prop_assert_eq!(found.as_slice(), rest);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_reader_that_fell_far_behind_is_told_everything_from_the_ledger() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let (views, _task) = Projector::spawn(ledger.clone(), None);
    assert!(views.wait_for(1).await);
    let mut slow = views.follow(Some((1, 0)));
    for n in 0..1_500 {
        let event = StationEvent::Renamed { name: format!("Name {n}") };
        append(&ledger, StreamKind::Station, T0.plus(n), &[event]).await;
    }
    assert!(views.wait_for(1_501).await);
    for seq in 2..=1_501 {
        let change = slow.next().await.expect("goes on");
        assert_eq!(at(&change), (seq, 0));
    }
}

#[tokio::test]
async fn without_a_cursor_only_what_comes_is_told_and_the_views_hold_it_already() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let (views, _task) = Projector::spawn(ledger.clone(), None);
    assert!(views.wait_for(1).await);
    let mut live = views.follow(None);
    append(&ledger, StreamKind::Station, T0, &[StationEvent::Started {}]).await;
    let change = live.next().await.expect("comes");
    assert_eq!((at(&change), change.kind.as_str()), ((2, 0), "station.update"));
    assert!(views.station(STATION).expect("is there").on_air);
}

#[tokio::test]
async fn the_feed_ends_with_the_projector_and_everything_before_is_told() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let (views, task) = Projector::spawn(ledger.clone(), None);
    assert!(views.wait_for(1).await);
    let feed = views.follow(Some((0, 0)));
    let views: Arc<Views> = views;
    views.close();
    task.await.expect("ends");
    assert_eq!(feed.count().await, 1);
}
