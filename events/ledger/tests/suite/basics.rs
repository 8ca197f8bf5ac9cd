//! Appending and reading: what every backend answers to one writer.

use super::{Bench, check_history};
use crate::support::*;
use grimnir_events::{Actor, Commit, ContentHash, StreamKind, UtcMicros, envelope};
use grimnir_ledger::{AppendError, Expected, Head};

pub async fn an_empty_ledger_reads_as_empty(b: Bench) {
    assert_eq!(b.ledger.head().await, Ok(Head::default()));
    assert_eq!(b.ledger.version(stream(1)).await, Ok(0));
    assert_eq!(b.ledger.read_all(1, 10).await, Ok(vec![]));
    assert_eq!(b.ledger.read(stream(1), 1, 10).await, Ok(vec![]));
    assert_eq!(b.ledger.find(id(1)).await, Ok(None));
    assert_eq!(b.ledger.position_of(START).await, Ok(1));
    assert_eq!(b.ledger.writable(), Ok(()));
}

pub async fn a_commit_reads_back_with_what_the_ledger_added(b: Bench) {
    let new = commit(1, stream(1));
    let appended = b.ledger.append(new.clone(), Expected::Version(0)).await.expect("appends");
    let stored = appended.recorded;
    let header = &stored.commit.header;
    assert_eq!(stored.seq, 1);
    if b.own_time {
        assert_eq!(stored.recorded_at, START);
    }
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
    let head = Head { seq: 1, recorded_at: stored.recorded_at };
    assert_eq!(b.ledger.read_all(1, 9).await, Ok(vec![stored]));
    assert_eq!(b.ledger.head().await, Ok(head));
}

pub async fn positions_and_versions_are_gapless_and_chained(b: Bench) {
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

pub async fn the_wrong_expected_version_is_a_conflict_that_stores_nothing(b: Bench) {
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

pub async fn any_extends_whatever_there_is(b: Bench) {
    for number in 1..=3 {
        let fact = fact(number, witnessed(1));
        let appended = b.ledger.append(fact, Expected::Any).await.expect("appends");
        assert_eq!(appended.recorded.commit.header.version, number);
        assert_eq!(appended.recorded.commit.header.stream.kind, StreamKind::Air);
    }
}

pub async fn the_same_commit_again_answers_what_was_stored(b: Bench) {
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

pub async fn the_same_id_with_another_body_is_refused(b: Bench) {
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

pub async fn a_repeated_command_may_have_decided_otherwise(b: Bench) {
    let first = put(&*b.ledger, 1, stream(1)).await;
    let mut again = commit(1, stream(1));
    again.events = vec![payload("test.event", b"decided in another state")];
    again.context = Some(payload("test.context", b"later"));
    again.occurred_at = START.plus(5);
    let answer = b.ledger.append(again, Expected::Any).await.expect("answers");
    assert!(answer.repeated);
    assert_eq!(answer.recorded, first);
}

pub async fn a_repeated_fact_must_be_the_same_fact(b: Bench) {
    b.ledger.append(fact(1, witnessed(1)), Expected::Any).await.expect("appends");
    let again = b.ledger.append(fact(1, witnessed(1)), Expected::Any).await.expect("answers");
    assert!(again.repeated);
    let mut other = fact(1, witnessed(1));
    other.events.push(payload("test.event", b"more"));
    let answer = b.ledger.append(other, Expected::Any).await;
    assert_eq!(answer.err(), Some(AppendError::OtherBody { commit_id: id(1) }));
}

pub async fn what_cannot_be_stored_is_refused_and_leaves_no_trace(b: Bench) {
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

pub async fn recorded_at_rises_even_when_the_clock_steps_back(b: Bench) {
    put(&*b.ledger, 1, stream(1)).await;
    b.clock.set(START.plus(-3_600_000_000));
    put(&*b.ledger, 2, stream(1)).await;
    put(&*b.ledger, 3, stream(1)).await;
    b.clock.set(START.plus(1_000_000));
    put(&*b.ledger, 4, stream(1)).await;
    let history = all(&*b.ledger).await;
    check_history(&history);
    if b.own_time {
        let times: Vec<_> = history.iter().map(|r| r.recorded_at.since(START)).collect();
        assert_eq!(times, [0, 1, 2, 1_000_000]);
    }
}

pub async fn position_of_a_time_is_the_first_commit_at_or_after_it(b: Bench) {
    for number in 1..=5 {
        b.clock.set(START.plus(number as i64 * 10));
        put(&*b.ledger, number, stream(1)).await;
    }
    let times: Vec<_> = all(&*b.ledger).await.iter().map(|r| r.recorded_at).collect();
    if b.own_time {
        let offsets: Vec<_> = times.iter().map(|time| time.since(START)).collect();
        assert_eq!(offsets, [10, 20, 30, 40, 50]);
    }
    for time in times.iter().flat_map(|time| [time.plus(-1), *time, time.plus(1)]) {
        let before = times.iter().filter(|recorded| **recorded < time).count() as u64;
        assert_eq!(b.ledger.position_of(time).await, Ok(before + 1), "{time}");
    }
    for (end, position) in [(i64::MIN, 1), (i64::MAX, 6)] {
        assert_eq!(b.ledger.position_of(UtcMicros(end)).await, Ok(position));
    }
}

pub async fn a_commit_holds_one_event_or_many_in_order(b: Bench) {
    for count in [1u64, 2, 3, 500] {
        let mut new = commit(count, stream(1));
        new.events = (0..count).map(|n| payload("test.event", &n.to_be_bytes())).collect();
        let events = new.events.clone();
        let stored = b.ledger.append(new, Expected::Any).await.expect("appends").recorded;
        assert_eq!(stored.commit.events, events);
        assert_eq!(b.ledger.find(id(count)).await, Ok(Some(stored)));
    }
    assert_eq!(b.ledger.version(stream(1)).await, Ok(4), "a commit is one version");
}

pub async fn reads_keep_their_limits_and_ends(b: Bench) {
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

pub async fn an_append_that_is_never_polled_stores_nothing(b: Bench) {
    drop(b.ledger.append(commit(1, stream(1)), Expected::Any));
    put(&*b.ledger, 2, stream(1)).await;
    assert_eq!(b.ledger.find(id(1)).await, Ok(None));
}
