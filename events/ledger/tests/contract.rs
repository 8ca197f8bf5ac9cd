//! The contract that every backend keeps, run on each of them.

mod support;

use futures_util::StreamExt;
use grimnir_events::{Actor, Commit, ContentHash, StreamKind, UtcMicros, envelope};
use grimnir_ledger::{
    AppendError, EmbeddedLedger, Expected, Head, Ledger, ManualClock, MemoryLedger, Options,
    Recorded,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use support::*;

/// One backend under test, its clock, and whatever must live as long as it.
struct Bench {
    ledger: Arc<dyn Ledger>,
    clock: Arc<ManualClock>,
    _dir: Option<tempfile::TempDir>,
}

fn memory() -> Bench {
    let clock = Arc::new(ManualClock::at(START));
    let ledger = Arc::new(MemoryLedger::with_clock(LOG, clock.clone()));
    Bench { ledger, clock, _dir: None }
}

fn embedded() -> Bench {
    on_disk(Options::default())
}

/// A new segment for almost every group.
fn rotating() -> Bench {
    on_disk(Options { rotate_bytes: 600, ..Options::default() })
}

fn on_disk(options: Options) -> Bench {
    let clock = Arc::new(ManualClock::at(START));
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { clock: clock.clone(), ..options };
    let ledger = Arc::new(EmbeddedLedger::open(dir.path(), options).expect("opens"));
    Bench { ledger, clock, _dir: Some(dir) }
}

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::memory()).await; })*
        }
        mod on_embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::embedded()).await; })*
        }
        mod on_embedded_rotating {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::rotating()).await; })*
        }
    };
}

contract! {
    an_empty_ledger_reads_as_empty,
    a_commit_reads_back_with_what_the_ledger_added,
    positions_and_versions_are_gapless_and_chained,
    the_wrong_expected_version_is_a_conflict_that_stores_nothing,
    any_extends_whatever_there_is,
    the_same_commit_again_answers_what_was_stored,
    the_same_id_with_another_body_is_refused,
    a_repeated_command_may_have_decided_otherwise,
    a_repeated_fact_must_be_the_same_fact,
    what_cannot_be_stored_is_refused_and_leaves_no_trace,
    recorded_at_rises_even_when_the_clock_steps_back,
    position_of_a_time_is_the_first_commit_at_or_after_it,
    reads_keep_their_limits_and_ends,
    eight_racing_writers_lose_and_repeat_nothing,
    one_of_many_writers_wins_each_version,
    follow_joins_past_and_present_without_hole_or_repeat,
    a_slow_follower_loses_nothing,
    follow_from_beyond_the_head_waits_for_it,
    follow_ends_when_the_ledger_is_gone,
    an_append_that_is_never_polled_stores_nothing,
}

async fn an_empty_ledger_reads_as_empty(b: Bench) {
    assert_eq!(b.ledger.head().await, Ok(Head::default()));
    assert_eq!(b.ledger.version(stream(1)).await, Ok(0));
    assert_eq!(b.ledger.read_all(1, 10).await, Ok(vec![]));
    assert_eq!(b.ledger.read(stream(1), 1, 10).await, Ok(vec![]));
    assert_eq!(b.ledger.find(id(1)).await, Ok(None));
    assert_eq!(b.ledger.position_of(START).await, Ok(1));
    assert_eq!(b.ledger.writable(), Ok(()));
}

async fn a_commit_reads_back_with_what_the_ledger_added(b: Bench) {
    let new = commit(1, stream(1));
    let appended = b.ledger.append(new.clone(), Expected::Version(0)).await.expect("appends");
    let stored = appended.recorded;
    let header = &stored.commit.header;
    assert_eq!((stored.seq, stored.recorded_at), (1, START));
    assert_eq!((header.version, header.previous), (1, ContentHash::default()));
    assert_eq!((header.log_id, header.owner_epoch), (b.ledger.log_id(), b.ledger.epoch()));
    assert_eq!((header.commit_id, header.stream), (new.commit_id, new.stream));
    assert_eq!((header.occurred_at, header.stamped_at), (new.occurred_at, START));
    assert_eq!((header.actor, header.correlation), (new.actor, new.correlation));
    assert_eq!((&stored.commit.command, &stored.commit.context), (&new.command, &new.context));
    assert_eq!(stored.commit.events, new.events);
    assert!(header.code_version > 0, "the program's version is stamped");
    assert_eq!(Commit::decode(&stored.bytes).as_ref(), Ok(&stored.commit));
    assert_eq!(envelope::hash(&stored.bytes), stored.hash);
    assert_eq!(b.ledger.find(new.commit_id).await, Ok(Some(stored.clone())));
    assert_eq!(b.ledger.read(stream(1), 1, 9).await, Ok(vec![stored.clone()]));
    assert_eq!(b.ledger.read_all(1, 9).await, Ok(vec![stored]));
    assert_eq!(b.ledger.head().await, Ok(Head { seq: 1, recorded_at: START }));
}

/// Order, versions, previous hashes and times of a whole ledger.
fn check_history(recorded: &[Arc<Recorded>]) {
    let mut tails = BTreeMap::new();
    let mut before = UtcMicros(i64::MIN);
    for (at, r) in recorded.iter().enumerate() {
        assert_eq!(r.seq, at as u64 + 1, "gapless");
        assert!(r.recorded_at > before, "seq {} rises", r.seq);
        before = r.recorded_at;
        let header = &r.commit.header;
        let (version, previous) =
            tails.insert(header.stream, (header.version, r.hash)).unwrap_or_default();
        assert_eq!((header.version, header.previous), (version + 1, previous), "seq {}", r.seq);
    }
}

async fn positions_and_versions_are_gapless_and_chained(b: Bench) {
    for number in 1..=30 {
        put(&*b.ledger, number, stream((number % 3) as u8)).await;
    }
    let history = all(&*b.ledger).await;
    assert_eq!(history.len(), 30);
    check_history(&history);
    let own = b.ledger.read(stream(1), 1, 100).await.expect("reads");
    let numbers: Vec<_> = own.iter().map(|r| r.commit.header.commit_id).collect();
    assert_eq!(numbers, (1..=30).filter(|n| n % 3 == 1).map(id).collect::<Vec<_>>());
}

async fn the_wrong_expected_version_is_a_conflict_that_stores_nothing(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    for expected in [0, 2, u64::MAX] {
        let answer = b.ledger.append(commit(2, stream(1)), Expected::Version(expected)).await;
        let conflict = AppendError::Conflict { stream: stream(1), found: 1, expected };
        assert_eq!(answer.err(), Some(conflict));
    }
    assert_eq!(b.ledger.head().await.map(|h| h.seq), Ok(1));
    assert_eq!(b.ledger.find(id(2)).await, Ok(None));
    // The same commit is stored once the expectation is right.
    b.ledger.append(commit(2, stream(1)), Expected::Version(1)).await.expect("appends");
    assert_eq!(b.ledger.version(stream(1)).await, Ok(2));
}

async fn any_extends_whatever_there_is(b: Bench) {
    for number in 1..=3 {
        let fact = fact(number, witnessed(1));
        let appended = b.ledger.append(fact, Expected::Any).await.expect("appends");
        assert_eq!(appended.recorded.commit.header.version, number);
        assert_eq!(appended.recorded.commit.header.stream.kind, StreamKind::Air);
    }
}

async fn the_same_commit_again_answers_what_was_stored(b: Bench) {
    let first = put(&*b.ledger, 1, stream(1)).await;
    put(&*b.ledger, 2, stream(1)).await;
    // Its expectation was true when it was stored, and is not any more: still the same answer.
    for expected in [Expected::Version(0), Expected::Version(9), Expected::Any] {
        let again = b.ledger.append(commit(1, stream(1)), expected).await.expect("answers");
        assert!(again.repeated);
        assert_eq!(again.recorded, first);
    }
    let together = (0..5).map(|_| (commit(3, stream(1)), Expected::Version(2))).collect();
    let answers = put_together(&*b.ledger, together).await;
    let fresh = answers.iter().filter(|a| !a.as_ref().expect("stored").repeated).count();
    assert_eq!(fresh, 1, "one of five identical appends is the first");
    assert_eq!(b.ledger.head().await.map(|h| h.seq), Ok(3));
}

async fn the_same_id_with_another_body_is_refused(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    let mut command = commit(1, stream(1));
    command.command = Some(payload("test.command", b"other"));
    let mut version = commit(1, stream(1));
    version.command.as_mut().expect("a command").version = 2;
    let mut actor = commit(1, stream(1));
    actor.actor = Actor::System;
    let bodies = [command, version, actor, commit(1, stream(2)), fact(1, stream(1))];
    for other in bodies {
        let answer = b.ledger.append(other, Expected::Any).await;
        assert_eq!(answer.err(), Some(AppendError::OtherBody { commit_id: id(1) }));
    }
    assert_eq!(b.ledger.head().await.map(|h| h.seq), Ok(1));
}

async fn a_repeated_command_may_have_decided_otherwise(b: Bench) {
    let first = put(&*b.ledger, 1, stream(1)).await;
    let mut again = commit(1, stream(1));
    again.events = vec![payload("test.event", b"decided in another state")];
    again.context = Some(payload("test.context", b"later"));
    again.occurred_at = START.plus(5);
    let answer = b.ledger.append(again, Expected::Any).await.expect("answers");
    assert!(answer.repeated);
    assert_eq!(answer.recorded, first);
}

async fn a_repeated_fact_must_be_the_same_fact(b: Bench) {
    b.ledger.append(fact(1, witnessed(1)), Expected::Any).await.expect("appends");
    let again = b.ledger.append(fact(1, witnessed(1)), Expected::Any).await.expect("answers");
    assert!(again.repeated);
    let mut other = fact(1, witnessed(1));
    other.events.push(payload("test.event", b"more"));
    let answer = b.ledger.append(other, Expected::Any).await;
    assert_eq!(answer.err(), Some(AppendError::OtherBody { commit_id: id(1) }));
}

async fn what_cannot_be_stored_is_refused_and_leaves_no_trace(b: Bench) {
    let mut empty = commit(1, stream(1));
    empty.events.clear();
    let mut large = commit(2, stream(1));
    large.events[0].bytes = vec![0; envelope::MAX_COMMIT_BYTES];
    for (number, bad) in [(1, empty), (2, large)] {
        let answer = b.ledger.append(bad, Expected::Any).await;
        let Err(AppendError::NotStorable { commit_id, .. }) = answer else {
            panic!("answered {answer:?}");
        };
        assert_eq!(commit_id, id(number));
    }
    assert_eq!(b.ledger.head().await.map(|h| h.seq), Ok(0));
    // The id is not taken.
    put(&*b.ledger, 1, stream(1)).await;
}

async fn recorded_at_rises_even_when_the_clock_steps_back(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    b.clock.set(START.plus(-3_600_000_000));
    put(&*b.ledger, 2, stream(1)).await;
    put(&*b.ledger, 3, stream(1)).await;
    b.clock.set(START.plus(1_000_000));
    put(&*b.ledger, 4, stream(1)).await;
    let times: Vec<_> = all(&*b.ledger).await.iter().map(|r| r.recorded_at.since(START)).collect();
    assert_eq!(times, [0, 1, 2, 1_000_000]);
}

async fn position_of_a_time_is_the_first_commit_at_or_after_it(b: Bench) {
    for number in 1..=5 {
        b.clock.set(START.plus(number as i64 * 10));
        put(&*b.ledger, number, stream(1)).await;
    }
    for (offset, expected) in [(i64::MIN, 1), (0, 1), (10, 1), (11, 2), (20, 2), (50, 5), (51, 6)] {
        let position = b.ledger.position_of(START.plus(offset)).await;
        assert_eq!(position, Ok(expected), "offset {offset}");
    }
}

async fn reads_keep_their_limits_and_ends(b: Bench) {
    for number in 1..=10 {
        put(&*b.ledger, number, stream(1)).await;
    }
    let ledger = &b.ledger;
    let ends = [
        (0, 2, vec![1, 2]),
        (9, usize::MAX, vec![9, 10]),
        (11, 5, vec![]),
        (u64::MAX, usize::MAX, vec![]),
        (3, 0, vec![]),
    ];
    for (from, limit, expected) in ends {
        let whole = ledger.read_all(from, limit).await.expect("reads");
        assert_eq!(seqs(&whole), expected, "all from {from}, at most {limit}");
        let own = ledger.read(stream(1), from, limit).await.expect("reads");
        assert_eq!(seqs(&own), expected, "stream from {from}, at most {limit}");
    }
}

async fn eight_racing_writers_lose_and_repeat_nothing(b: Bench) {
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
    let ids: std::collections::BTreeSet<_> =
        history.iter().map(|r| r.commit.header.commit_id).collect();
    assert_eq!(ids.len(), 800);
}

async fn one_of_many_writers_wins_each_version(b: Bench) {
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

async fn follow_joins_past_and_present_without_hole_or_repeat(b: Bench) {
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

async fn a_slow_follower_loses_nothing(b: Bench) {
    let mut follower = b.ledger.follow(1);
    put(&*b.ledger, 1, stream(1)).await;
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 1);
    // More than any buffer between them holds, while it does not look.
    for chunk in (2..=5_000).collect::<Vec<_>>().chunks(500) {
        let together = chunk.iter().map(|n| (commit(*n, stream(1)), Expected::Any)).collect();
        for answer in put_together(&*b.ledger, together).await {
            answer.expect("appends");
        }
    }
    let seen: Vec<_> = follower.take(4_999).map(|r| r.expect("follows").seq).collect().await;
    assert_eq!(seen, (2..=5_000).collect::<Vec<_>>());
}

async fn follow_from_beyond_the_head_waits_for_it(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    let mut follower = b.ledger.follow(3);
    for number in 2..=3 {
        assert!(futures_util::poll!(follower.next()).is_pending(), "before {number}");
        put(&*b.ledger, number, stream(1)).await;
    }
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 3);
}

async fn follow_ends_when_the_ledger_is_gone(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    let mut follower = b.ledger.follow(1);
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 1);
    drop(b);
    assert!(follower.next().await.is_none());
}

async fn an_append_that_is_never_polled_stores_nothing(b: Bench) {
    drop(b.ledger.append(commit(1, stream(1)), Expected::Any));
    put(&*b.ledger, 2, stream(1)).await;
    assert_eq!(b.ledger.find(id(1)).await, Ok(None));
}
