//! Ledgers of many segments: how fast they open after a kill, scan, and find a time; each figure
//! beside its bare reference or its limit.
//!
//! Sizes are for a run of a couple of minutes: `GRIMNIR_BENCH_COMMITS` sets how many commits the
//! large ledger has (10,000,000 for the figures in the documents).

mod support;

use grimnir_events::{Commit, UtcMicros, envelope, frame};
use grimnir_ledger::{EmbeddedLedger, Expected, Ledger, Options, SegmentReader};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use support::{Figure, commit, median, report};

const ROUNDS: usize = 5;
/// Commits of the ledger that is opened again, and those appended at once.
const REOPEN_COMMITS: u64 = 1_000_000;
const TOGETHER: u64 = 1_000;

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let commits = std::env::var("GRIMNIR_BENCH_COMMITS").ok().and_then(|text| text.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = runtime.expect("a runtime starts");
    let dir = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        fill(dir.path(), 1, REOPEN_COMMITS).await;
        reopen(dir.path()).await;
        scan(dir.path());
        let commits = commits.unwrap_or(REOPEN_COMMITS);
        if commits > REOPEN_COMMITS {
            fill(dir.path(), REOPEN_COMMITS + 1, commits).await;
        }
        times(dir.path(), commits).await;
        disk(dir.path());
    });
}

/// Appends the commits from `from` to `to`, and leaves the ledger as a killed process would.
async fn fill(dir: &Path, from: u64, to: u64) {
    let ledger = EmbeddedLedger::open(dir, Options { group_max: 1_000, ..Options::default() });
    let ledger = ledger.expect("opens");
    let mut next = from;
    while next <= to {
        let end = (next + TOGETHER).min(to + 1);
        let appends = (next..end).map(|number| ledger.append(commit(number), Expected::Any));
        for answer in futures_util::future::join_all(appends).await {
            answer.expect("appends");
        }
        next = end;
    }
    drop(ledger);
    fs::remove_file(dir.join("clean")).expect("a closed ledger is marked clean");
}

/// Opening after a kill, against the limit that the ledger promises.
async fn reopen(dir: &Path) {
    const LIMIT_MS: f64 = 1_500.0;
    let (mut took, mut worked) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (begun, idle) = (Instant::now(), processor_seconds());
        let ledger = EmbeddedLedger::open(dir, Options::default()).expect("opens");
        let (seconds, work) = (begun.elapsed().as_secs_f64(), processor_seconds() - idle);
        assert_eq!(ledger.head().await.expect("reads").seq, REOPEN_COMMITS);
        drop(ledger);
        fs::remove_file(dir.join("clean")).expect("a closed ledger is marked clean");
        if round > 0 {
            took.push(seconds * 1e3);
            worked.push(work * 1e3);
        }
    }
    // On a machine that does other things too, only the second says what the opening costs.
    for (name, values) in [
        ("ledger_reopen_after_kill_1m", took),
        ("ledger_reopen_after_kill_1m_processor_time", worked),
    ] {
        let value = median(values);
        report(&Figure {
            name: name.into(),
            value,
            unit: "ms",
            reference: "limit",
            reference_value: LIMIT_MS,
            ratio: value / LIMIT_MS,
        });
    }
}

/// What this process has used of the processors.
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Reading every commit from segments, in order and with the chain checked, against decoding and
/// hashing the same stored bytes that are in memory already.
fn scan(dir: &Path) {
    let stored: Vec<Vec<u8>> = SegmentReader::open(dir)
        .expect("opens")
        .take(300_000)
        .map(|recorded| recorded.expect("reads").bytes)
        .collect();
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let mut count = 0;
        for recorded in SegmentReader::open(dir).expect("opens").take(stored.len()) {
            black_box(recorded.expect("reads"));
            count += 1;
        }
        let scanned = begun.elapsed().as_secs_f64();
        assert_eq!(count, stored.len());
        let begun = Instant::now();
        for bytes in &stored {
            let mut record = Vec::new();
            frame::write(&mut record, 1, UtcMicros(1), bytes);
            black_box((Commit::decode(bytes).expect("decodes"), envelope::hash(bytes), record));
        }
        let decoded = begun.elapsed().as_secs_f64();
        if round > 0 {
            ours.push(count as f64 / scanned);
            alone.push(count as f64 / decoded);
        }
    }
    let ratio = median(ours.iter().zip(&alone).map(|(ours, alone)| ours / alone).collect());
    report(&Figure {
        name: "segment_scan_with_decode".into(),
        value: median(ours),
        unit: "commits/s",
        reference: "checksum_hash_decode_alone",
        reference_value: median(alone),
        ratio,
    });
}

/// The position of a time anywhere in the ledger, against the limit.
async fn times(dir: &Path, commits: u64) {
    const LIMIT_US: f64 = 1_000.0;
    let begun = Instant::now();
    let ledger = EmbeddedLedger::open(dir, Options::default()).expect("opens");
    let opened = begun.elapsed().as_secs_f64() * 1e3;
    let head = ledger.head().await.expect("reads");
    assert_eq!(head.seq, commits);
    let first = ledger.read_all(1, 1).await.expect("reads")[0].recorded_at;
    let span = head.recorded_at.0 - first.0;
    let mut took = Vec::new();
    for round in 0..2_000i64 {
        let time = UtcMicros(first.0 + (round * 7_919 % 2_000) * span / 2_000);
        let begun = Instant::now();
        let seq = ledger.position_of(time).await.expect("reads");
        if round >= 1_000 {
            took.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        if round % 100 == 0 {
            let around = ledger.read_all(seq.max(2) - 1, 2).await.expect("reads");
            let (before, at) = (&around[0], &around[around.len() - 1]);
            assert!(at.recorded_at >= time && (seq < 2 || before.recorded_at < time));
        }
    }
    for (name, value, unit, limit) in [
        ("ledger_position_of_time", median(took), "us", LIMIT_US),
        ("ledger_reopen_after_kill_large", opened, "ms", 1_500.0),
        ("ledger_large_commits", commits as f64, "commits", 10_000_000.0),
    ] {
        let (name, reference) = (name.into(), "limit");
        let (reference_value, ratio) = (limit, value / limit);
        report(&Figure { name, value, unit, reference, reference_value, ratio });
    }
}

/// What the segments take on the disk, against the bytes of the commits.
fn disk(dir: &Path) {
    let (mut disk, mut payload) = (0, 0);
    for entry in fs::read_dir(dir.join("segments")).expect("lists") {
        let path = entry.expect("lists").path();
        if let Some(footer) = grimnir_ledger::Footer::load(&path).expect("reads") {
            disk += fs::metadata(&path).expect("is there").len();
            payload += footer.payload_bytes;
        }
    }
    report(&Figure {
        name: "sealed_segments_on_disk".into(),
        value: disk as f64,
        unit: "bytes",
        reference: "bytes_of_commits",
        reference_value: payload as f64,
        ratio: disk as f64 / payload as f64,
    });
}
