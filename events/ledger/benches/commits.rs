//! Commits per second and fold speed, each beside a bare reference measured in the same run.
//!
//! Prints `name value unit | reference name value | ratio`, and appends the same as JSON lines to
//! the file that `GRIMNIR_BENCH_OUT` names. Subject and reference alternate in rounds on the same
//! disk, and medians are compared, so that what the machine does beside hits both alike.

mod support;

use futures_util::future::join_all;
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::codec::{decode, encode};
use grimnir_events::ladder::{Entry, ReleaseReason};
use grimnir_events::ladder::{LadderEvent, OwnerReason, Tier};
use grimnir_events::{AirFrame, ClaimId, Commit, EngineRunId, UtcMicros, frame};
use grimnir_ledger::{EmbeddedLedger, Expected, Ledger, Options};
use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use support::{Figure, commit, median};

const ROUNDS: usize = 9;
const FOLD_EVENTS: usize = 1_000_000;
/// Events are decoded from this many different ones: more than any processor cache holds.
const FOLD_COMMITS: usize = 200_000;

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = runtime.expect("a runtime starts");
    for (group, groups) in [(1, 400), (10, 200), (100, 60), (1_000, 20)] {
        runtime.block_on(commits(group, groups));
    }
    fold();
}

/// Groups of `group` appends at once against bare writes of the same bytes, each group synced.
async fn commits(group: usize, groups: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = EmbeddedLedger::open(dir.path().join("ledger"), Options::default());
    let ledger = ledger.expect("opens");
    let mut number = 0;
    let (mut ours, mut bare, mut reserved) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms all up and is not counted.
    for round in 0..=ROUNDS {
        let first = ledger.head().await.expect("reads").seq + 1;
        let begun = Instant::now();
        for _ in 0..groups {
            let appends = (0..group).map(|_| {
                number += 1;
                ledger.append(commit(number), Expected::Any)
            });
            for answer in join_all(appends).await {
                answer.expect("appends");
            }
        }
        let took = begun.elapsed().as_secs_f64();
        let written = stored_groups(&ledger, first, group).await;
        let path = dir.path().join(format!("bare-{round}"));
        let (plain, ahead) = (bare_writes(&path, &written, 0), {
            let total = written.iter().map(Vec::len).sum::<usize>() as u64;
            bare_writes(&path, &written, total)
        });
        if round > 0 {
            ours.push((group * groups) as f64 / took);
            bare.push((group * groups) as f64 / plain);
            reserved.push((group * groups) as f64 / ahead);
        }
    }
    // We reserve space ahead, and the second reference does so too.
    for (reference, values) in
        [("bare_write_fdatasync", bare), ("bare_write_fdatasync_reserved", reserved)]
    {
        let ratio = median(ours.iter().zip(&values).map(|(ours, bare)| ours / bare).collect());
        Figure {
            name: format!("ledger_commits_group_{group}"),
            value: median(ours.clone()),
            unit: "commits/s",
            reference,
            reference_value: median(values),
            ratio,
        }
        .report();
    }
}

/// The records that the ledger wrote from `first` on, in groups.
async fn stored_groups(ledger: &EmbeddedLedger, first: u64, group: usize) -> Vec<Vec<u8>> {
    let commits = ledger.read_all(first, usize::MAX).await.expect("reads");
    let record = |bytes: &mut Vec<u8>, commit: &grimnir_ledger::Recorded| {
        frame::write(bytes, commit.seq, commit.recorded_at, &commit.bytes);
    };
    let groups = commits.chunks(group).map(|chunk| {
        let mut bytes = Vec::new();
        chunk.iter().for_each(|commit| record(&mut bytes, commit));
        bytes
    });
    groups.collect()
}

/// Seconds that it takes to write and sync the same bytes with nothing else around them, with so
/// many bytes reserved ahead.
fn bare_writes(path: &Path, groups: &[Vec<u8>], reserved: u64) -> f64 {
    let mut file = File::create(path).expect("creates");
    if reserved > 0 {
        let flags = rustix::fs::FallocateFlags::empty();
        rustix::fs::fallocate(&file, flags, 0, reserved).expect("reserves");
    }
    file.sync_all().expect("syncs");
    let begun = Instant::now();
    for group in groups {
        file.write_all(group).expect("writes");
        file.sync_data().expect("syncs");
    }
    begun.elapsed().as_secs_f64()
}

/// Stored commits of a ladder and an air stream, four events each and one.
fn stored_commits() -> Vec<Vec<u8>> {
    (0..FOLD_COMMITS as u64)
        .map(|number| stored_commit(number).encode().expect("encodes"))
        .collect()
}

fn stored_commit(number: u64) -> Commit {
    let mut claim = [0; 16];
    claim[8..].copy_from_slice(&(number % 500).to_be_bytes());
    let claim_id = ClaimId(claim);
    let changed = LadderEvent::OwnerChanged {
        from: claim_id,
        to: ClaimId([2; 16]),
        tier: Tier::Automation,
        reason: OwnerReason::Released,
        entry: Entry::NextJunction,
    };
    let released = LadderEvent::SourceReleased { claim_id, reason: ReleaseReason::Completed };
    let fact = |play| AirFact {
        run: EngineRunId([3; 16]),
        journal_seq: number * 3 + play,
        frame: AirFrame((number * 480) as i64),
        at: UtcMicros((number * 10_000) as i64),
        event: AirEvent::ItemEnded { play, frames: 480, reason: EndReason::Completed },
    };
    let mut events = vec![encode(&changed), encode(&released)];
    events.extend((0..3).map(|play| encode(&fact(play))));
    let new = commit(number);
    Commit {
        header: grimnir_events::Header {
            log_id: Default::default(),
            commit_id: new.commit_id,
            stream: new.stream,
            version: number + 1,
            occurred_at: new.occurred_at,
            stamped_at: new.occurred_at,
            actor: new.actor,
            correlation: new.correlation,
            causation: new.causation,
            owner_epoch: 1,
            code_version: 1,
            rules_version: 1,
            previous: Default::default(),
        },
        command: new.command,
        context: new.context,
        events: events.into_iter().map(|event| event.expect("encodes")).collect(),
    }
}

enum Event {
    Ladder(LadderEvent),
    Air(AirFact),
}

fn decoded(bytes: &[u8], mut each: impl FnMut(Event)) {
    let commit = Commit::decode(bytes).expect("decodes");
    for event in &commit.events {
        each(match event.name.as_str() {
            "ladder.event" => Event::Ladder(decode(event).expect("decodes")),
            _ => Event::Air(decode(event).expect("decodes")),
        });
    }
}

/// A fold of the kind that aggregates are: who owns the air, which claims ended, what aired.
#[derive(Default)]
struct State {
    owner: ClaimId,
    ended: BTreeMap<ClaimId, u64>,
    last_journal_seq: u64,
    frames: i64,
}

impl State {
    fn evolve(&mut self, event: Event) {
        match event {
            Event::Ladder(LadderEvent::OwnerChanged { to, .. }) => self.owner = to,
            Event::Ladder(LadderEvent::SourceReleased { claim_id, .. }) => {
                *self.ended.entry(claim_id).or_default() += 1;
            }
            Event::Ladder(_) => {}
            Event::Air(fact) => {
                self.last_journal_seq = fact.journal_seq;
                if let AirEvent::ItemEnded { frames, .. } = fact.event {
                    self.frames += frames;
                }
            }
        }
    }
}

/// A million events decoded and folded, against the same decoded and dropped.
fn fold() {
    let stored = stored_commits();
    let (mut folded, mut alone) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let mut state = State::default();
        stored.iter().for_each(|bytes| decoded(bytes, |event| state.evolve(event)));
        let with_fold = begun.elapsed().as_secs_f64();
        assert!(state.frames > 0 && !state.ended.is_empty(), "the fold did something");
        black_box((state.owner, state.last_journal_seq));
        let begun = Instant::now();
        stored.iter().for_each(|bytes| decoded(bytes, |event| drop(black_box(event))));
        let decode_alone = begun.elapsed().as_secs_f64();
        if round > 0 {
            folded.push(FOLD_EVENTS as f64 / with_fold);
            alone.push(FOLD_EVENTS as f64 / decode_alone);
        }
    }
    let ratio = median(folded.iter().zip(&alone).map(|(folded, alone)| folded / alone).collect());
    Figure {
        name: "fold_with_decode_1m".into(),
        value: median(folded),
        unit: "events/s",
        reference: "decode_alone",
        reference_value: median(alone),
        ratio,
    }
    .report();
}
