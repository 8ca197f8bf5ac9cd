//! A server that is away: appends are told so at once, reads go on, and nothing is doubled after.

use crate::backends::site_on;
use crate::nodes::{counting, node};
use crate::support::nats::{self, Servers, Setup};
use crate::support::*;
use futures_util::StreamExt;
use grimnir_ledger::{
    AppendError, Durability, Expected, JetStreamLedger, JetStreamOptions, Ledger,
};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Looks again until it is so.
async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !look() {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        nats::pause().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_appends_are_refused_and_reads_go_on() {
    let mut servers = Servers::one(&Setup::default());
    let options = site_on(&servers, 1).await;
    let (_dir, ledger) = node(&options).await;
    put(&*ledger, 1, stream(1)).await;
    servers.servers[0].kill();
    until("the loss is noticed", || ledger.writable().is_err()).await;
    let answer = ledger.append(commit(2, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    assert_eq!(seqs(&all(&*ledger).await), [1]);
    ledger.check().await;
    assert_eq!(ledger.durability(), Durability::Unverified, "what is not seen counts as weaker");
    assert_eq!(ledger.deviations().len(), 1);
    servers.servers[0].start();
    until("the connection is back", || ledger.writable().is_ok()).await;
    let appended = ledger.append(commit(2, stream(1)), Expected::Version(1)).await;
    assert!(!appended.expect("appends").repeated, "what was refused was not stored");
    until("it is examined", || ledger.deviations().is_empty()).await;
    assert_eq!(ledger.durability(), Durability::SyncAlways);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_opens_on_its_replica_while_the_server_is_away_and_follows_on_its_return() {
    let mut servers = Servers::one(&Setup::default());
    let options = site_on(&servers, 1).await;
    let ((dir, first), (_other, second)) = (node(&options).await, node(&options).await);
    put(&*first, 1, stream(1)).await;
    let mut follower = second.follow(1);
    follower.next().await.expect("one").expect("follows");
    assert!(first.close());
    drop(first);
    put(&*second, 2, stream(1)).await;
    servers.servers[0].kill();
    let unnamed = JetStreamOptions { site_id: None, ..options.clone() };
    let first = JetStreamLedger::open(dir.path(), unnamed).await.expect("opens on its replica");
    assert_eq!(seqs(&all(&first).await), [1]);
    let answer = first.append(commit(3, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    let mut follower = first.follow(2);
    servers.servers[0].start();
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 2);
    put(&first, 3, stream(1)).await;
    // Without a replica there is nothing to open on.
    servers.servers[0].kill();
    let empty = tempfile::tempdir().expect("a folder");
    assert!(JetStreamLedger::open(empty.path(), options).await.is_err());
}

/// A server that ends in the middle of appends: each is answered, and the answers are true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_meets_the_loss_has_an_outcome_after_the_return() {
    let mut servers = Servers::one(&Setup::default());
    let options = site_on(&servers, 1).await;
    let (_dir, ledger) = node(&options).await;
    let appends: Vec<_> = (0..50u8)
        .map(|n| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                ledger.append(commit(n.into(), stream(n)), Expected::Version(0)).await
            })
        })
        .collect();
    servers.servers[0].kill();
    servers.servers[0].start();
    for (number, append) in (0u64..).zip(appends) {
        match append.await.expect("ends well") {
            Ok(appended) => assert_eq!(appended.recorded.commit.header.commit_id, id(number)),
            Err(AppendError::Unavailable { .. }) => {
                assert_eq!(ledger.find(id(number)).await, Ok(None), "{number} was refused");
            }
            Err(other) => panic!("{number} has no outcome: {other}"),
        }
    }
}

/// Requests on a connection that is lost are never answered: they are not waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_on_its_way_ends_with_its_connection_and_not_with_its_time() {
    let mut servers = Servers::one(&Setup::default());
    let hours = Duration::from_secs(7_200);
    let mut options =
        JetStreamOptions { ack_wait: hours, patience: hours, ..site_on(&servers, 1).await };
    let published = counting(&mut options);
    let (_dir, ledger) = node(&options).await;
    // The server takes what is sent and answers nothing any more.
    let server = Pid::from_raw(servers.servers[0].pid()).expect("a process");
    kill_process(server, Signal::STOP).expect("stops");
    let appends: Vec<_> = (0..8u8)
        .map(|n| {
            let ledger = ledger.clone();
            tokio::spawn(
                async move { ledger.append(commit(n.into(), stream(n)), Expected::Any).await },
            )
        })
        .collect();
    until("all are sent", || published.load(Ordering::Relaxed) == 8).await;
    servers.servers[0].kill();
    servers.servers[0].start();
    for (number, append) in appends.into_iter().enumerate() {
        let appended = tokio::time::timeout(Duration::from_secs(60), append).await;
        let appended = appended.expect("ends").expect("ends well").expect("is sent again");
        assert_eq!(appended.recorded.commit.header.commit_id, id(number as u64));
    }
}
