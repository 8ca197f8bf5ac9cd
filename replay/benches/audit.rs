//! Audit of a million commits, beside bare SHA-256 over the same bytes.
//!
//! Prints `name value unit | reference name value | ratio`, and appends the same as a JSON line to
//! the file that `GRIMNIR_BENCH_OUT` names.

use grimnir_events::codec::Encoded;
use grimnir_events::{
    Actor, Commit, CommitId, ContentHash, CorrelationId, Header, LogId, SiteId, StationId,
    StreamId, StreamKind, UtcMicros, envelope, frame,
};
use grimnir_ledger::proof::checkpoint::origin_of;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::{DIRECTORY_FORMAT, Identity, SegmentHeader, SegmentReader};
use grimnir_replay::audit::{Evidence, LedgerSource, audit};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

const COMMITS: u64 = 1_000_000;
const CHECKPOINTS: u64 = 100;
const ROUNDS: usize = 3;
const LOG: LogId = LogId([1; 16]);
const SITE: SiteId = SiteId([2; 16]);

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let segment = write_ledger(dir.path());
    sign(dir.path());
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // The first round brings the file into memory and is not counted.
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let evidence = Evidence::beside(dir.path());
        let mut source = LedgerSource::open(dir.path()).expect("opens");
        let found = audit(&mut source, &evidence, |_| {}).expect("reads");
        let took = begun.elapsed().as_secs_f64();
        assert!(found.holds && found.commits == COMMITS && found.covered == COMMITS, "{found:?}");
        let begun = Instant::now();
        hash_bare(&segment);
        if round > 0 {
            ours.push(took);
            bare.push(begun.elapsed().as_secs_f64());
        }
    }
    let ratio = median(bare.iter().zip(&ours).map(|(bare, ours)| bare / ours).collect());
    report(median(ours), median(bare), ratio);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Reads the file and hashes every commit in it, and nothing else.
fn hash_bare(segment: &Path) {
    let bytes = std::fs::read(segment).expect("reads");
    let mut at = grimnir_ledger::SEGMENT_HEADER_BYTES as usize;
    while at < bytes.len() {
        let mut length = [0; 4];
        length.copy_from_slice(&bytes[at + 4..at + 8]);
        let end = at + frame::HEADER_BYTES + u32::from_be_bytes(length) as usize;
        black_box(Sha256::digest(&bytes[at + frame::HEADER_BYTES..end]));
        at = end;
    }
}

/// A ledger as a server would have written it: commits of the size that stations write most.
fn write_ledger(dir: &Path) -> std::path::PathBuf {
    let identity =
        Identity { format: DIRECTORY_FORMAT, log_id: LOG, site_id: SITE, created_at: UtcMicros(1) };
    let text = serde_json::to_vec(&identity).expect("encodes");
    std::fs::write(dir.join("ledger.json"), text).expect("writes");
    std::fs::create_dir(dir.join("segments")).expect("makes");
    let path = dir.join("segments").join(format!("{:020}.seg", 1));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path).expect("makes"));
    let header = SegmentHeader {
        log_id: LOG,
        first_seq: 1,
        created_at: UtcMicros(1),
        previous: ContentHash::default(),
    };
    out.write_all(&header.encode()).expect("writes");
    let mut tails = vec![(0, ContentHash::default()); 64];
    let mut bytes = Vec::new();
    for seq in 1..=COMMITS {
        let tail = &mut tails[(seq % 64) as usize];
        let stored = commit(seq, *tail).encode().expect("encodes");
        *tail = (tail.0 + 1, envelope::hash(&stored));
        bytes.clear();
        frame::write(&mut bytes, seq, UtcMicros(seq as i64), &stored);
        out.write_all(&bytes).expect("writes");
    }
    out.flush().expect("writes");
    path
}

fn commit(seq: u64, (version, previous): (u64, ContentHash)) -> Commit {
    let part =
        |name: &str, length| Encoded { name: name.into(), version: 1, bytes: vec![7; length] };
    let mut id = [0; 16];
    id[8..].copy_from_slice(&seq.to_be_bytes());
    let header = Header {
        log_id: LOG,
        commit_id: CommitId(id),
        stream: StreamId::of_station(StreamKind::Executor, StationId([(seq % 64) as u8; 16])),
        version: version + 1,
        occurred_at: UtcMicros(seq as i64),
        stamped_at: UtcMicros(seq as i64),
        actor: Actor::System,
        correlation: CorrelationId([1; 16]),
        causation: CommitId::default(),
        owner_epoch: 1,
        code_version: 1,
        rules_version: 1,
        previous,
    };
    Commit {
        header,
        command: Some(part("executor.command", 60)),
        context: Some(part("decision.context", 60)),
        events: vec![part("executor.event", 80)],
    }
}

fn sign(dir: &Path) {
    let mut notary = Notary::open(dir, &origin_of(SITE, LOG), UtcMicros(1)).expect("opens");
    for recorded in SegmentReader::open(dir).expect("opens") {
        let recorded = recorded.expect("reads");
        notary.admit(&recorded).expect("admits");
        if recorded.seq.is_multiple_of(COMMITS / CHECKPOINTS) {
            notary.sign().expect("signs");
        }
    }
}

fn report(value: f64, reference_value: f64, ratio: f64) {
    let (name, reference) = ("audit_verify_1m_commits", "bare_sha256");
    println!("{name} {value:.3} s | {reference} {reference_value:.3} | {ratio:.3}");
    let Some(path) = std::env::var_os("GRIMNIR_BENCH_OUT") else { return };
    let line = serde_json::json!({
        "name": name, "value": value, "unit": "s", "reference": reference,
        "reference_value": reference_value, "ratio": ratio,
    });
    let file = File::options().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.expect("the file named by GRIMNIR_BENCH_OUT can be written");
}
