//! Audit of a million commits, beside bare SHA-256 over the same bytes and beside its limit.

#[path = "../../events/ledger/benches/support/mod.rs"]
mod support;

use grimnir_events::{UtcMicros, frame};
use grimnir_ledger::proof::checkpoint::origin_of;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::{Footer, SEGMENT_HEADER_BYTES, SegmentReader};
use grimnir_replay::audit::{Evidence, LedgerSource, audit};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use support::{Figure, made, median, processor_seconds};

const COMMITS: u64 = 1_000_000;
const CHECKPOINTS: u64 = 100;
const ROUNDS: usize = 3;
const LIMIT_S: f64 = 3.0;

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    made::make(dir.path(), COMMITS);
    sign(dir.path());
    let (mut ours, mut worked, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    // The first round brings the file into memory and is not counted.
    for round in 0..=ROUNDS {
        let (begun, idle) = (Instant::now(), processor_seconds());
        let evidence = Evidence::beside(dir.path());
        let mut source = LedgerSource::open(dir.path()).expect("opens");
        let found = audit(&mut source, &evidence, |_| {}).expect("reads");
        let (took, work) = (begun.elapsed().as_secs_f64(), processor_seconds() - idle);
        assert!(found.holds && found.commits == COMMITS && found.covered == COMMITS, "{found:?}");
        let idle = processor_seconds();
        hash_bare(dir.path());
        if round > 0 {
            ours.push(took);
            worked.push(work);
            bare.push(processor_seconds() - idle);
        }
    }
    let ratio = median(bare.iter().zip(&worked).map(|(bare, work)| bare / work).collect());
    let value = median(worked);
    Figure::beside("audit_verify_1m_commits", median(ours), "s", ("limit", LIMIT_S)).report();
    Figure {
        name: "audit_verify_1m_commits_processor_time".into(),
        value,
        unit: "s",
        reference: "bare_sha256",
        reference_value: median(bare),
        ratio,
    }
    .report();
}

/// Reads the files and hashes every commit in them, and nothing else.
fn hash_bare(dir: &Path) {
    for path in made::segments(dir) {
        let bytes = std::fs::read(&path).expect("reads");
        let footer = Footer::load(&path).expect("reads");
        let mut left = footer.map_or(u64::MAX, |footer| footer.count());
        let mut at = SEGMENT_HEADER_BYTES as usize;
        while left > 0 && bytes.len() > at && bytes[at..].starts_with(&frame::MAGIC) {
            let mut length = [0; 4];
            length.copy_from_slice(&bytes[at + 4..at + 8]);
            let end = at + frame::HEADER_BYTES + u32::from_be_bytes(length) as usize;
            black_box(Sha256::digest(&bytes[at + frame::HEADER_BYTES..end]));
            (at, left) = (end, left - 1);
        }
    }
}

fn sign(dir: &Path) {
    let reader = SegmentReader::open(dir).expect("opens");
    let origin = origin_of(
        reader.identity().expect("a ledger's folder names its site").site_id,
        reader.log_id(),
    );
    let mut notary = Notary::open(dir, &origin, UtcMicros(1)).expect("opens");
    for recorded in reader {
        let recorded = recorded.expect("reads");
        notary.admit(&recorded).expect("admits");
        if recorded.seq.is_multiple_of(COMMITS / CHECKPOINTS) {
            notary.sign().expect("signs");
        }
    }
}
