//! Several nodes on one stream: they race, they follow each other, they see the same history.

use crate::backends::{one_server, site_on, three_servers};
use crate::suite::{check_history, race};
use crate::support::nats::Servers;
use crate::support::segments::{segments, unclean};
use crate::support::*;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use grimnir_events::{StreamId, UtcMicros};
use grimnir_ledger::jetstream::{Answer, Outgoing, Silence, Wire};
use grimnir_ledger::{Expected, JetStreamLedger, JetStreamOptions, Ledger, ManualClock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// A node with an empty replica.
pub async fn node(options: &JetStreamOptions) -> (TempDir, Arc<JetStreamLedger>) {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = JetStreamLedger::open(dir.path(), options.clone()).await.expect("opens");
    (dir, Arc::new(ledger))
}

async fn eight_nodes_race(servers: &Servers, replicas: usize, wins: u64) {
    let options = site_on(servers, replicas).await;
    let mut nodes: Vec<Arc<dyn Ledger>> = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..8 {
        let (dir, ledger) = node(&options).await;
        kept.push(dir);
        nodes.push(ledger);
    }
    let (won, conflicts) = race(&nodes, wins).await;
    assert!(conflicts > 0, "they did race");
    let last = 8 * wins;
    let mut histories = Vec::new();
    for ledger in &nodes {
        let mut follower = ledger.follow(last);
        assert_eq!(follower.next().await.expect("one").expect("follows").seq, last);
        histories.push(all(&**ledger).await);
    }
    check_history(&histories[0]);
    let stored: BTreeSet<_> = histories[0].iter().map(|r| r.commit.header.commit_id).collect();
    assert_eq!((stored, histories[0].len() as u64), (won, last));
    for other in &histories[1..] {
        assert!(histories[0] == *other, "every node has the same history, times included");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_racing_on_one_aggregate_store_exactly_their_successes_on_one_server() {
    eight_nodes_race(one_server(), 1, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_racing_on_one_aggregate_store_exactly_their_successes_on_three_servers() {
    eight_nodes_race(three_servers(), 3, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_extends_what_another_node_wrote() {
    let options = site_on(one_server(), 1).await;
    let ((_a, first), (_b, second)) = (node(&options).await, node(&options).await);
    for number in 0..40 {
        let ledger = if number % 2 == 0 { &first } else { &second };
        let appended = ledger.append(commit(number, stream(1)), Expected::Any).await;
        assert_eq!(appended.expect("appends").recorded.commit.header.version, number + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_another_node_is_answered_as_a_repeat() {
    let options = site_on(one_server(), 1).await;
    let ((_a, first), (_b, second)) = (node(&options).await, node(&options).await);
    let stored = put(&*first, 1, stream(1)).await;
    let again = second.append(commit(1, stream(1)), Expected::Version(0)).await.expect("answers");
    assert!(again.repeated);
    assert_eq!(again.recorded, stored);
    // Under its id in another stream it is another body, whatever the server makes of the id.
    let other = second.append(commit(1, stream(2)), Expected::Any).await;
    assert!(matches!(other, Err(grimnir_ledger::AppendError::OtherBody { .. })), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expectation_ahead_of_the_replica_waits_for_it() {
    let options = site_on(one_server(), 1).await;
    let ((_a, first), (_b, second)) = (node(&options).await, node(&options).await);
    for number in 1..=20 {
        put(&*first, number, stream(1)).await;
        let next = commit(100 + number, stream(1));
        let expected = Expected::Version(2 * number - 1);
        second.append(next, expected).await.expect("it is true, here or there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_opens_again_goes_on_with_a_higher_epoch() {
    let options = site_on(one_server(), 1).await;
    let (dir, first) = node(&options).await;
    put(&*first, 1, stream(1)).await;
    let before = first.epoch();
    assert!(first.close());
    drop(first);
    let (_other_dir, other) = node(&options).await;
    assert!(other.epoch() > before, "a new node is above every epoch in the log");
    put(&*other, 2, stream(1)).await;
    let again = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    assert!(again.epoch() > other.epoch());
    assert_eq!(seqs(&all(&again).await), [1, 2]);
}

/// Counts what reaches the server.
struct Counting {
    inner: Arc<dyn Wire>,
    published: Arc<AtomicU64>,
}

/// Counts from here on what a node with these options publishes.
pub fn counting(options: &mut JetStreamOptions) -> Arc<AtomicU64> {
    let published = Arc::new(AtomicU64::new(0));
    let count = published.clone();
    options.wrap =
        Some(Arc::new(move |inner| Arc::new(Counting { inner, published: count.clone() })));
    published
}

impl Wire for Counting {
    fn publish(&self, commit: Outgoing) -> BoxFuture<'_, Result<Answer, Silence>> {
        self.published.fetch_add(1, Ordering::Relaxed);
        self.inner.publish(commit)
    }
    fn tail(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, String>> {
        self.inner.tail(stream)
    }
    fn away(&self) -> Option<String> {
        self.inner.away()
    }
}

/// The server forgets ids after its window; the replica does not, for as long as it exists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_answered_by_the_replica_and_not_by_the_servers_window() {
    let mut options = site_on(one_server(), 1).await;
    let published = counting(&mut options);
    let (dir, ledger) = node(&options).await;
    let stored = put(&*ledger, 1, stream(1)).await;
    assert!(ledger.close());
    let ledger = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    let before = published.load(Ordering::Relaxed);
    let again = ledger.append(commit(1, stream(1)), Expected::Any).await.expect("answers");
    assert!(again.repeated);
    assert_eq!(again.recorded, stored);
    assert_eq!(published.load(Ordering::Relaxed), before, "nothing was sent");
}

/// A replica whose segments are small goes through sealed ones as any ledger does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_many_segments_is_read_again_and_goes_on() {
    let options = JetStreamOptions { rotate_bytes: 2_000, ..site_on(one_server(), 1).await };
    let (dir, first) = node(&options).await;
    // The only one of its stream: it ends in a sealed segment.
    put(&*first, 1, stream(9)).await;
    for number in 2..=60 {
        put(&*first, number, stream((number % 3) as u8)).await;
    }
    let before = all(&*first).await;
    assert!(first.close());
    drop(first);
    assert!(segments(dir.path()).len() > 5, "it rotated");
    let again = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    assert!(all(&again).await == before);
    let repeat = again.append(commit(1, stream(9)), Expected::Version(0)).await.expect("answers");
    assert!(repeat.repeated && repeat.recorded == before[0]);
    for (number, stream) in [(61, stream(9)), (62, stream(0)), (63, stream(9)), (64, stream(1))] {
        let version = again.version(stream).await.expect("reads");
        again.append(commit(number, stream), Expected::Version(version)).await.expect("appends");
    }
    check_history(&all(&again).await);
}

/// What is followed is not synced, so a power loss may keep a later record and lose an earlier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_at_the_end_of_a_replica_is_followed_again() {
    // Stamps ahead of the server's time: no place in a group can be read from them.
    let clock = Arc::new(ManualClock::at(UtcMicros(i64::MAX / 4)));
    let options = JetStreamOptions { clock, ..site_on(one_server(), 1).await };
    let (dir, first) = node(&options).await;
    for number in 1..=20 {
        put(&*first, number, stream(1)).await;
    }
    let before = all(&*first).await;
    assert!(first.close());
    drop(first);
    unclean(dir.path());
    let segment = segments(dir.path()).pop().expect("one");
    let mut bytes = std::fs::read(&segment).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    std::fs::write(&segment, bytes).expect("writes");
    let again = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    assert!(all(&again).await == before, "what was lost came again");
    assert!(!dir.path().join("damaged-0").exists(), "the rest was kept");
}
