//! Ownership: leases that end by themselves, and the commit that fences a former owner.

mod support;

use grimnir_events::owner::{self, OwnerEvent};
use grimnir_events::{SiteId, codec};
use grimnir_ledger::jetstream::{NatsAddress, Provision, provision};
use grimnir_ledger::{
    AppendError, EmbeddedLedger, Expected, JetStreamLedger, JetStreamOptions, LeaseError, Ledger,
    ManualClock, NewCommit, Options, ReadError, SegmentReader,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::nats::{Servers, Setup};
use support::*;

const SITE: SiteId = SiteId([9; 16]);

/// The commit by which a node takes a stream.
fn taking(ledger: &dyn Ledger, epoch: u64, node: &str) -> NewCommit {
    let taken = OwnerEvent::OwnershipTaken { epoch, node: node.into() };
    NewCommit {
        commit_id: owner::commit_id(ledger.log_id(), stream(1), epoch),
        command: None,
        context: None,
        epoch: Some(epoch),
        events: vec![codec::encode(&taken).expect("encodes")],
        ..commit(0, stream(1))
    }
}

fn embedded(dir: &Path) -> EmbeddedLedger {
    let clock = Arc::new(ManualClock::at(START));
    EmbeddedLedger::open(dir, Options { clock, ..Options::default() }).expect("opens")
}

/// What reading the segments says about a ledger whose last commit has epoch `last` after the
/// stream was taken under epoch 8.
async fn read_after(last: u64) -> Option<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = embedded(dir.path());
    put(&ledger, 1, stream(1)).await;
    ledger.append(taking(&ledger, 8, "b"), Expected::Version(1)).await.expect("appends");
    let late = NewCommit { epoch: Some(last), ..commit(2, stream(1)) };
    ledger.append(late, Expected::Version(2)).await.expect("appends");
    assert!(ledger.close());
    drop(ledger);
    let read: Result<Vec<_>, _> = SegmentReader::open(dir.path()).expect("opens").collect();
    match read {
        Ok(commits) => {
            assert_eq!(commits[2].commit.header.owner_epoch, last, "stamped as told");
            None
        }
        Err(ReadError::Corrupt { seq, reason }) => {
            assert_eq!(seq, 3);
            Some(reason)
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_lower_epoch_after_a_stream_was_taken_is_corruption() {
    assert_eq!(read_after(8).await, None);
    assert_eq!(read_after(9).await, None);
    let reason = read_after(7).await.expect("is corrupt");
    assert!(reason.contains("taken under epoch 8") && reason.ends_with("of 7"), "{reason}");
}

async fn node(servers: &Servers, dir: &Path) -> JetStreamLedger {
    let server = &servers.servers[0];
    let monitors = vec![server.monitor()];
    let address = NatsAddress { url: server.url(), monitors, ..NatsAddress::default() };
    let options = JetStreamOptions { site_id: Some(SITE), ..JetStreamOptions::at(address) };
    JetStreamLedger::open(dir, options).await.expect("opens")
}

async fn site() -> Servers {
    let servers = Servers::one(&Setup::default());
    let address = NatsAddress { url: servers.servers[0].url(), ..NatsAddress::default() };
    let wanted = Provision { address, site_id: SITE, replicas: 1 };
    provision(&wanted).await.expect("makes the stream");
    servers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_owners_first_append_fails_and_stays_failed() {
    let servers = site().await;
    let (dir_a, dir_b) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let a = node(&servers, dir_a.path()).await;
    let b = node(&servers, dir_b.path()).await;
    a.append(taking(&a, 5, "a"), Expected::Version(0)).await.expect("a takes it");
    let first = NewCommit { epoch: Some(5), ..commit(1, stream(1)) };
    a.append(first, Expected::Version(1)).await.expect("a decides");
    // B has seen all of it, and takes the stream.
    let taken = b.append(taking(&b, 6, "b"), Expected::Version(2)).await.expect("b takes it");
    assert_eq!(taken.recorded.commit.header.owner_epoch, 6);
    // Asked again, it is taken once.
    let again = b.append(taking(&b, 6, "b"), Expected::Version(3)).await.expect("is a repeat");
    assert!(again.repeated && again.recorded.seq == taken.recorded.seq);
    // A was asleep: it still believes that the stream ends with its own commit.
    for number in [2, 3] {
        let late = NewCommit { epoch: Some(5), ..commit(number, stream(1)) };
        let error = a.append(late, Expected::Version(2)).await.expect_err("is fenced");
        assert!(matches!(error, AppendError::Conflict { found: 3, expected: 2, .. }), "{error}");
    }
    let last = a.read(stream(1), 3, 10).await.expect("reads");
    assert_eq!(last.len(), 1, "nothing follows the taking");
    let owner = OwnerEvent::in_commit(&last[0].commit).expect("decodes");
    assert_eq!(owner, Some(OwnerEvent::OwnershipTaken { epoch: 6, node: "b".into() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_ends_when_it_is_not_renewed() {
    let servers = site().await;
    let (dir_a, dir_b) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let a = node(&servers, dir_a.path()).await.leases().expect("are kept");
    let b = node(&servers, dir_b.path()).await.leases().expect("are kept");
    let first = a.claim("own.1", b"a".to_vec(), 0).await.expect("a claims");
    let kept = a.claim("own.2", b"a".to_vec(), 0).await.expect("a claims");
    assert!(kept > first, "revisions rise over all keys");
    assert!(matches!(b.claim("own.1", b"b".to_vec(), 0).await, Err(LeaseError::Taken { .. })));
    let renewed = a.claim("own.1", b"a".to_vec(), first).await.expect("a renews");
    let stale = a.claim("own.1", b"a".to_vec(), first).await;
    assert!(matches!(stale, Err(LeaseError::Taken { .. })), "{stale:?}");
    let held = b.all().await.expect("reads");
    let seen: Vec<_> = held.iter().map(|l| (l.key.as_str(), l.revision)).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.contains(&("own.1", renewed)), "{seen:?}");
    // Renewed once and never again: a renewal must keep the time to live.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut kept = kept;
    let taken = loop {
        assert!(Instant::now() < deadline, "the lease never ended");
        kept = a.claim("own.2", b"a".to_vec(), kept).await.expect("a renews");
        match b.claim("own.1", b"b".to_vec(), 0).await {
            Ok(revision) => break revision,
            // Each renewal waits for the server.
            Err(LeaseError::Taken { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert!(taken > renewed);
    assert!(b.claim("own.2", b"b".to_vec(), 0).await.is_err(), "what is renewed is held");
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_say_that_nobody_keeps_them_and_come_back() {
    let mut servers = site().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = node(&servers, dir.path()).await;
    let leases = ledger.leases().expect("are kept");
    leases.claim("own.1", b"a".to_vec(), 0).await.expect("claims");
    servers.servers[0].kill();
    assert!(matches!(leases.all().await, Err(LeaseError::Away { .. })));
    let claimed = leases.claim("own.2", b"a".to_vec(), 0).await;
    assert!(matches!(claimed, Err(LeaseError::Away { .. })), "{claimed:?}");
    servers.servers[0].start();
    let deadline = Instant::now() + Duration::from_secs(20);
    while leases.claim("own.3", b"a".to_vec(), 0).await.is_err() {
        assert!(Instant::now() < deadline, "leases never came back");
    }
}
