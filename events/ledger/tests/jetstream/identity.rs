//! Streams that are not what they were: made again, restored, spliced, with holes.

use crate::backends::{fresh_site, one_server, site_on};
use crate::nodes::node;
use crate::support::*;
use async_nats::jetstream;
use futures_util::StreamExt;
use grimnir_ledger::jetstream::{Names, Provision, provision, restore};
use grimnir_ledger::{
    AppendError, EmbeddedLedger, Expected, JetStreamLedger, JetStreamOptions, Ledger, OpenError,
    Options, ReadError,
};

async fn admin(options: &JetStreamOptions) -> jetstream::Context {
    jetstream::new(async_nats::connect(&options.address.url).await.expect("connects"))
}

fn wish(options: &JetStreamOptions) -> Provision {
    let site_id = options.site_id.expect("a site");
    Provision { address: options.address.clone(), site_id, replicas: 1 }
}

fn name(options: &JetStreamOptions) -> String {
    Names::of(options.site_id.expect("a site")).stream
}

/// Why an opening was refused, as corruption.
async fn refused(dir: &std::path::Path, options: &JetStreamOptions) -> String {
    match JetStreamLedger::open(dir, options.clone()).await.err() {
        Some(OpenError::Damaged(ReadError::Corrupt { reason, .. })) => reason,
        other => panic!("answered {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_again_is_refused_and_named() {
    let options = site_on(one_server(), 1).await;
    let (dir, ledger) = node(&options).await;
    put(&*ledger, 1, stream(1)).await;
    assert!(ledger.close());
    drop(ledger);
    admin(&options).await.delete_stream(name(&options)).await.expect("deletes");
    provision(&wish(&options)).await.expect("is made again");
    let reason = refused(dir.path(), &options).await;
    assert!(reason.contains("the replica here is of"), "{reason}");
    // Also with the log id of the first: it is not the stream that was followed.
    let context = admin(&options).await;
    let mut config =
        context.get_stream(name(&options)).await.expect("is there").cached_info().config.clone();
    let known = EmbeddedLedger::open(
        dir.path(),
        Options { log_id: Some(log_of(dir.path())), ..Options::default() },
    )
    .expect("opens as a replica")
    .identity()
    .log_id;
    config.metadata.insert("log_id".into(), known.to_string());
    context.update_stream(config).await.expect("an administrator may");
    let reason = refused(dir.path(), &options).await;
    assert!(reason.contains("made again, not restored"), "{reason}");
}

fn log_of(dir: &std::path::Path) -> grimnir_events::LogId {
    grimnir_ledger::Identity::load(dir).expect("reads").log_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_restored_from_segments_is_accepted_and_goes_on() {
    let options = site_on(one_server(), 1).await;
    let (dir, ledger) = node(&options).await;
    for number in 1..=30 {
        put(&*ledger, number, stream((number % 3) as u8)).await;
    }
    let before = all(&*ledger).await;
    assert!(ledger.close());
    drop(ledger);
    admin(&options).await.delete_stream(name(&options)).await.expect("deletes");
    let restored = restore(&wish(&options), dir.path()).await.expect("restores");
    assert_eq!((restored.commits, restored.stream.incarnation), (30, 2));
    let ledger = JetStreamLedger::open(dir.path(), options.clone()).await.expect("is accepted");
    let number = put(&ledger, 31, stream(1)).await;
    assert_eq!(number.seq, 31);
    // A node without a replica gets the same history, with the times of the first recording.
    let (_fresh, other) = node(&options).await;
    let mut after = all(&*other).await;
    assert_eq!(after.pop().map(|r| r.hash), Some(number.hash));
    assert!(before == after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_lacks_what_was_followed_is_refused() {
    let options = site_on(one_server(), 1).await;
    let ((dir, first), (behind, second)) = (node(&options).await, node(&options).await);
    put(&*first, 1, stream(1)).await;
    let mut follower = second.follow(1);
    follower.next().await.expect("one").expect("follows");
    assert!(second.close());
    put(&*first, 2, stream(1)).await;
    assert!(first.close());
    drop((first, second));
    admin(&options).await.delete_stream(name(&options)).await.expect("deletes");
    restore(&wish(&options), behind.path()).await.expect("restores what it has");
    let reason = refused(dir.path(), &options).await;
    assert!(reason.contains("ends at seq 1, the replica reaches 2"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_made_again_under_a_running_node_stops_it() {
    let options = site_on(one_server(), 1).await;
    let (_dir, ledger) = node(&options).await;
    put(&*ledger, 1, stream(1)).await;
    let mut follower = ledger.follow(1);
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 1);
    admin(&options).await.delete_stream(name(&options)).await.expect("deletes");
    provision(&wish(&options)).await.expect("is made again");
    ledger.check().await;
    let error = follower.next().await.expect("an end that says why").expect_err("no commit");
    assert!(matches!(error, ReadError::Corrupt { .. }), "{error}");
    assert!(follower.next().await.is_none());
    let answer = ledger.append(commit(2, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    assert!(ledger.writable().is_err());
    assert_eq!(seqs(&all(&*ledger).await), [1], "what was followed is still read");
}

/// A stream from which an administrator took a commit in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_in_the_log_stops_the_follower_and_is_never_skipped() {
    let options = site_on(one_server(), 1).await;
    let context = admin(&options).await;
    let mut config =
        context.get_stream(name(&options)).await.expect("is there").cached_info().config.clone();
    context.delete_stream(name(&options)).await.expect("deletes");
    config.deny_delete = false;
    context.create_stream(config).await.expect("is made");
    let weak = JetStreamOptions { accept_weaker: true, ..options };
    let (_dir, ledger) = node(&weak).await;
    for number in 1..=5 {
        put(&*ledger, number, stream(number as u8)).await;
    }
    let stream = context.get_stream(name(&weak)).await.expect("is there");
    stream.delete_message(3).await.expect("deletes");
    let found = ledger.check().await;
    assert!(found.iter().any(|d| d.name == "num_deleted" && d.found == "1"), "{found:?}");
    let dir = tempfile::tempdir().expect("a folder");
    let reason = refused(dir.path(), &weak).await;
    assert!(reason.contains("goes on with seq 4, expected 3"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_no_commit_of_this_ledger_stops_the_follower() {
    let options = site_on(one_server(), 1).await;
    let (_dir, ledger) = node(&options).await;
    let stored = put(&*ledger, 1, stream(1)).await;
    let mut follower = ledger.follow(2);
    let context = admin(&options).await;
    let subject = Names::of(options.site_id.expect("a site")).subject(stream(2));
    // A commit that is there already, said again by somebody else.
    let forged = stored.bytes.clone().into();
    context.publish(subject, forged).await.expect("sends").await.expect("is stored");
    let error = follower.next().await.expect("an end that says why").expect_err("no commit");
    assert!(error.to_string().contains("has version 1, expected 2"), "{error}");
    assert_eq!(ledger.incident(), Some(error));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_a_ledger_of_its_own_or_a_replica_and_never_the_other() {
    let options = site_on(one_server(), 1).await;
    let (dir, ledger) = node(&options).await;
    assert!(ledger.close());
    drop(ledger);
    let opened = EmbeddedLedger::open(dir.path(), Options::default()).err();
    assert!(opened.expect("is refused").to_string().contains("replica of a stream"));
    let own = tempfile::tempdir().expect("a folder");
    EmbeddedLedger::open(own.path(), Options::default()).expect("opens");
    let opened = JetStreamLedger::open(own.path(), options.clone()).await.err();
    assert!(opened.expect("is refused").to_string().contains("a ledger of its own"));
    let elsewhere = JetStreamOptions { site_id: Some(fresh_site()), ..options };
    assert!(JetStreamLedger::open(dir.path(), elsewhere).await.is_err(), "another site");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_replica_is_set_aside_and_followed_anew() {
    let options = site_on(one_server(), 1).await;
    let (dir, ledger) = node(&options).await;
    for number in 0..20 {
        put(&*ledger, number, stream(1)).await;
    }
    let (before, epoch) = (all(&*ledger).await, ledger.epoch());
    assert!(ledger.close());
    drop(ledger);
    let segments = dir.path().join("segments");
    let segment = std::fs::read_dir(&segments).expect("reads").next().expect("one").expect("reads");
    let mut bytes = std::fs::read(segment.path()).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(segment.path(), &bytes).expect("writes");
    let ledger = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    assert!(all(&ledger).await == before);
    assert!(ledger.epoch() > epoch);
    let kept = dir.path().join("damaged-0/segments").join(segment.file_name());
    assert_eq!(std::fs::read(kept).expect("is kept"), bytes);
}
