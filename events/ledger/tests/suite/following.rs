//! Following: what was, then what comes, with no hole and no repeat at the seam.

use super::Bench;
use crate::support::*;
use futures_util::StreamExt;
use grimnir_ledger::Expected;

pub async fn follow_joins_past_and_present_without_hole_or_repeat(b: Bench) {
    const TOTAL: u64 = 600;
    for number in 1..=100 {
        put(&*b.ledger, number, stream(1)).await;
    }
    let followers: Vec<_> = [1u64, 50, 101, 300]
        .map(|from| {
            let stream = b.ledger.follow(from);
            tokio::spawn(async move {
                let take = (TOTAL - from + 1) as usize;
                let seen: Vec<_> =
                    stream.take(take).map(|r| r.expect("follows").seq).collect().await;
                assert_eq!(seen, (from..=TOTAL).collect::<Vec<_>>());
            })
        })
        .into_iter()
        .collect();
    for chunk in (101..=TOTAL).collect::<Vec<_>>().chunks(7) {
        let together = chunk.iter().map(|n| (commit(*n, stream(1)), Expected::Any)).collect();
        for answer in put_together(&*b.ledger, together).await {
            answer.expect("appends");
        }
    }
    for follower in followers {
        follower.await.expect("sees everything once");
    }
}

pub async fn a_slow_follower_loses_nothing(b: Bench) {
    let mut follower = b.ledger.follow(1);
    put(&*b.ledger, 1, stream(1)).await;
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 1);
    // More than any buffer between them holds, while it does not look.
    for chunk in (2..=5_000).collect::<Vec<_>>().chunks(500) {
        let spread = |n: u64| commit(n, stream((n % 100) as u8));
        let together = chunk.iter().map(|n| (spread(*n), Expected::Any)).collect();
        for answer in put_together(&*b.ledger, together).await {
            answer.expect("appends");
        }
    }
    let seen: Vec<_> = follower.take(4_999).map(|r| r.expect("follows").seq).collect().await;
    assert_eq!(seen, (2..=5_000).collect::<Vec<_>>());
}

pub async fn follow_from_beyond_the_head_waits_for_it(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    let mut follower = b.ledger.follow(3);
    for number in 2..=3 {
        assert!(futures_util::poll!(follower.next()).is_pending(), "before {number}");
        put(&*b.ledger, number, stream(1)).await;
    }
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 3);
}

pub async fn follow_ends_when_the_ledger_is_gone(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    let mut follower = b.ledger.follow(1);
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 1);
    drop(b);
    assert!(follower.next().await.is_none());
}
