//! A ledger of a million commits: how fast it opens after a kill, and how fast it is read through.
//!
//! Each figure stands beside its bare reference or its limit.

mod support;

use grimnir_events::{Commit, UtcMicros, envelope, frame};
use grimnir_ledger::{EmbeddedLedger, Ledger, Options, SegmentReader};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use support::{Figure, made, median, processor_seconds};

const ROUNDS: usize = 5;
const COMMITS: u64 = 1_000_000;

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = runtime.expect("a runtime starts");
    let dir = tempfile::tempdir().expect("a folder");
    made::make(dir.path(), COMMITS);
    runtime.block_on(reopen(dir.path()));
    scan(dir.path());
}

/// Opening after a kill, against the limit that the ledger promises.
async fn reopen(dir: &Path) {
    const LIMIT_MS: f64 = 1_500.0;
    let (mut took, mut worked) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (begun, idle) = (Instant::now(), processor_seconds());
        let ledger = EmbeddedLedger::open(dir, Options::default()).expect("opens");
        let (seconds, work) = (begun.elapsed().as_secs_f64(), processor_seconds() - idle);
        assert_eq!(ledger.head().await.expect("reads").seq, COMMITS);
        drop(ledger);
        made::kill(dir);
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
        Figure::beside(name, median(values), "ms", ("limit", LIMIT_MS)).report();
    }
}

/// Reading every commit from segments, in order and with the chain checked, against decoding and
/// hashing the same stored bytes that are in memory already.
fn scan(dir: &Path) {
    let stored = made::first_stored(dir, 300_000);
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // Processor time: what else the machine does hits one of the two more than the other.
        let begun = processor_seconds();
        let mut count = 0;
        for recorded in SegmentReader::open(dir).expect("opens").take(stored.len()) {
            black_box(recorded.expect("reads"));
            count += 1;
        }
        let scanned = processor_seconds() - begun;
        assert_eq!(count, stored.len());
        let begun = processor_seconds();
        for bytes in &stored {
            let mut record = Vec::new();
            frame::write(&mut record, 1, UtcMicros(1), bytes);
            black_box((Commit::decode(bytes).expect("decodes"), envelope::hash(bytes), record));
        }
        let decoded = processor_seconds() - begun;
        if round > 0 {
            ours.push(count as f64 / scanned);
            alone.push(count as f64 / decoded);
        }
    }
    let ratio = median(ours.iter().zip(&alone).map(|(ours, alone)| ours / alone).collect());
    Figure {
        name: "segment_scan_with_decode".into(),
        value: median(ours),
        unit: "commits/s",
        reference: "checksum_hash_decode_alone",
        reference_value: median(alone),
        ratio,
    }
    .report();
}
