//! Writers that race each other: exactly the successes are stored.

use super::{Bench, check_history};
use crate::support::*;
use grimnir_events::CommitId;
use grimnir_ledger::{AppendError, Expected, Ledger};
use std::collections::BTreeSet;
use std::sync::Arc;

pub async fn eight_racing_writers_lose_and_repeat_nothing(b: Bench) {
    let writers: Vec<_> = (0..8u8)
        .map(|writer| {
            let ledger = b.ledger.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let number = u64::from(writer) * 1_000 + round;
                    let version = Expected::Version(round);
                    let new = commit(number, stream(writer));
                    ledger.append(new, version).await.expect("its own stream");
                    put(&*ledger, number + 500, stream(100)).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writer ends well");
    }
    let history = all(&*b.ledger).await;
    assert_eq!(history.len(), 800);
    check_history(&history);
    let ids: BTreeSet<_> = history.iter().map(|r| r.commit.header.commit_id).collect();
    assert_eq!(ids.len(), 800);
}

pub async fn one_of_many_writers_wins_each_version(b: Bench) {
    for version in 0..40 {
        let racing = (0..8)
            .map(|n| (commit(version * 8 + n, stream(1)), Expected::Version(version)))
            .collect();
        let answers = put_together(&*b.ledger, racing).await;
        let won = answers.iter().filter(|a| a.is_ok()).count();
        assert_eq!(won, 1, "version {version}");
        for error in answers.into_iter().filter_map(Result::err) {
            let (found, expected) = (version + 1, version);
            assert_eq!(error, AppendError::Conflict { stream: stream(1), found, expected });
        }
    }
    check_history(&all(&*b.ledger).await);
}

/// Each wins `wins` versions of one stream, reading it again whenever another was first; answers
/// the ids that were acknowledged and how often another was.
pub async fn race(nodes: &[Arc<dyn Ledger>], wins: u64) -> (BTreeSet<CommitId>, u64) {
    let writers: Vec<_> = nodes
        .iter()
        .cloned()
        .enumerate()
        .map(|(writer, ledger)| {
            tokio::spawn(async move {
                let (mut won, mut conflicts) = (BTreeSet::new(), 0);
                while (won.len() as u64) < wins {
                    let version = ledger.version(stream(1)).await.expect("reads");
                    let number = 1 + writer as u64 * 100_000 + conflicts + won.len() as u64;
                    let new = commit(number, stream(1));
                    match ledger.append(new, Expected::Version(version)).await {
                        Ok(appended) => {
                            assert_eq!(appended.recorded.commit.header.version, version + 1);
                            assert!(won.insert(id(number)), "{number} is won once");
                        }
                        Err(AppendError::Conflict { found, expected, .. }) => {
                            assert!(found > expected, "found {found}, expected {expected}");
                            conflicts += 1;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                (won, conflicts)
            })
        })
        .collect();
    let (mut all, mut conflicts) = (BTreeSet::new(), 0);
    for writer in writers {
        let (won, lost) = writer.await.expect("writer ends well");
        all.extend(won);
        conflicts += lost;
    }
    assert_eq!(all.len() as u64, nodes.len() as u64 * wins, "nothing is won twice");
    (all, conflicts)
}

pub async fn eight_writers_racing_on_one_aggregate_store_exactly_their_successes(b: Bench) {
    let (won, _) = race(&vec![b.ledger.clone(); 8], 25).await;
    let history = all(&*b.ledger).await;
    check_history(&history);
    let stored: BTreeSet<_> = history.iter().map(|r| r.commit.header.commit_id).collect();
    assert_eq!((stored, history.len()), (won, 200));
}
