//! kill -9 of a process that appends: what it acknowledged is there, once, and the chain holds.
//!
//! The writer is this test binary itself, started again for the test `writer_process`.

mod support;

use grimnir_ledger::{
    AppendError, EmbeddedLedger, End, Expected, Ledger, Options, Recorded, SegmentReader,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::*;

const DIR: &str = "GRIMNIR_CRASH_DIR";
const ROUND: &str = "GRIMNIR_CRASH_ROUND";
const ROUNDS: u64 = 50;
const SOAK_ROUNDS: u64 = 1_000;
/// They race on the aggregates, so that half of what they ask conflicts.
const WRITERS: u64 = 8;
const AGGREGATES: u64 = 3;
/// More than a round ever reaches, so that numbers of two rounds never meet.
const PER_ROUND: u64 = 1_000_000;

/// Appends until it is killed, and says what was acknowledged. Without its variables set it is
/// no test of its own and ends at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_process() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else { return };
    let round: u64 = round.parse().expect("a number");
    let ledger = Arc::new(EmbeddedLedger::open(dir, Options::default()).expect("opens"));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for step in 0.. {
                    let number = round * PER_ROUND + step * WRITERS + writer;
                    let of = stream(((step + writer) % AGGREGATES) as u8);
                    let version = ledger.version(of).await.expect("reads");
                    let expected = Expected::Version(version);
                    match ledger.append(commit(number, of), expected).await {
                        Ok(done) => {
                            println!("ack {number} {} {}", done.recorded.seq, done.recorded.hash);
                        }
                        Err(AppendError::Conflict { .. }) => println!("conflict {number}"),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("runs until it is killed");
    }
}

/// One life of the writer, ended by SIGKILL after so many acknowledgements; answers all of them,
/// and what was refused.
fn live_and_die(
    dir: &Path,
    round: u64,
    acks: usize,
) -> (BTreeMap<u64, (u64, String)>, BTreeSet<u64>) {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "writer_process", "--nocapture"])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut seen, mut refused) = (BTreeMap::new(), BTreeSet::new());
    let (mut line, mut killed) = (String::new(), false);
    // To the end of the pipe: what was said before the kill was acknowledged too.
    while lines.read_line(&mut line).expect("reads") > 0 {
        // A line without its end was not said.
        if let Some(said) = line.strip_prefix("ack ").and_then(|l| l.strip_suffix('\n')) {
            let parts: Vec<_> = said.split(' ').collect();
            let number = parts[0].parse().expect("a number");
            let known = seen.insert(number, (parts[1].parse().expect("a seq"), parts[2].into()));
            assert!(known.is_none(), "{number} was acknowledged twice");
        }
        if let Some(said) = line.strip_prefix("conflict ").and_then(|l| l.strip_suffix('\n')) {
            refused.insert(said.parse().expect("a number"));
        }
        if seen.len() >= acks && !killed {
            child.kill().expect("kills");
            killed = true;
        }
        line.clear();
    }
    let status = child.wait().expect("ends");
    assert!(killed, "the writer ended by itself: {status}");
    (seen, refused)
}

/// The whole history, read offline: every record, its order and its chain are checked on the way.
fn offline(dir: &Path) -> Vec<Recorded> {
    let mut reader = SegmentReader::open(dir).expect("opens");
    let history: Vec<_> = reader.by_ref().map(|r| r.expect("a whole history")).collect();
    assert!(matches!(reader.end(), Some(End::Whole | End::Torn { .. })));
    history
}

#[tokio::test]
async fn what_a_killed_writer_acknowledged_is_there_exactly_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let soak = std::env::var_os("GRIMNIR_SOAK").is_some_and(|on| on == "1");
    let rounds = if soak { SOAK_ROUNDS } else { ROUNDS };
    let (mut acknowledged, mut refused) = (BTreeMap::new(), BTreeSet::new());
    for round in 0..rounds {
        // Early and late in the writer's life: a fixed sequence without a pattern.
        let acks = 1 + (round * 37) % 113;
        let (seen, conflicts) = live_and_die(dir.path(), round, acks as usize);
        refused.extend(conflicts);
        let history = offline(dir.path());
        let stored: BTreeMap<_, _> =
            history.iter().map(|r| (r.commit.header.commit_id, r)).collect();
        assert_eq!(stored.len(), history.len(), "round {round}: every commit id is there once");
        // Those of earlier rounds are under the same chain: looked at one by one now and then.
        let earlier = if (round + 1) % 50 == 0 { &acknowledged } else { &BTreeMap::new() };
        for (number, (seq, hash)) in seen.iter().chain(earlier) {
            let found = stored.get(&id(*number)).map(|r| (r.seq, r.hash.to_string()));
            assert_eq!(found.as_ref(), Some(&(*seq, hash.clone())), "round {round}: {number}");
        }
        acknowledged.extend(seen);
        let doubtful = refused.iter().find(|number| stored.contains_key(&id(**number)));
        assert_eq!(doubtful, None, "round {round}: refused and stored all the same");
    }
    assert!(refused.len() > rounds as usize, "they did race: {} conflicts", refused.len());
    let ledger = EmbeddedLedger::open(dir.path(), Options::default()).expect("opens");
    assert_eq!(ledger.epoch(), rounds + 1, "each life had its own epoch");
    let served = all(&ledger).await;
    assert!(served.iter().map(|r| &**r).eq(&offline(dir.path())), "served as stored");
}
