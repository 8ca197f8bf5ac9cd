//! Ledgers made for benches: the bytes that a server would have written, without its syncs.

use super::commit;
use grimnir_events::{Commit, ContentHash, Header, LogId, UtcMicros, envelope, frame};
use grimnir_ledger::{EmbeddedLedger, Options, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentReader};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where a segment of usual size ends.
const SEGMENT_BYTES: u64 = 64 << 20;
/// A moment before which none of the commits was recorded, and the time between two of them.
pub const BEGIN: UtcMicros = UtcMicros(1_795_269_600_000_000);
pub const EVERY_US: i64 = 10_000;

/// A ledger of so many commits in segments of usual size, the last of them full and not sealed: as
/// a killed process leaves it, at the worst moment for the opening after it.
pub fn make(dir: &Path, commits: u64) {
    let opened = EmbeddedLedger::open(dir, Options::default()).expect("opens");
    let log_id = opened.identity().log_id;
    drop(opened);
    fs::remove_file(path_of(dir, 1)).expect("the first segment is there");
    let mut tails = HashMap::new();
    let mut last = ContentHash::default();
    let each = record_bytes();
    let full = (SEGMENT_BYTES - SEGMENT_HEADER_BYTES) / each;
    let mut first = 1;
    while first <= commits {
        // The first one takes what is left over.
        let left = commits + 1 - first;
        let count = if left.is_multiple_of(full) { full } else { left % full };
        let header = SegmentHeader { log_id, first_seq: first, created_at: BEGIN, previous: last };
        let file = File::create(path_of(dir, first)).expect("makes");
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&header.encode()).expect("writes");
        let mut record = Vec::new();
        for seq in first..first + count {
            let stored = stored(seq, log_id, &mut tails);
            last = envelope::hash(&stored);
            record.clear();
            frame::write(&mut record, seq, recorded_at(seq), &stored);
            out.write_all(&record).expect("writes");
        }
        out.flush().expect("writes");
        first += count;
    }
    // The opening makes the footers.
    drop(EmbeddedLedger::open(dir, Options::default()).expect("opens"));
    kill(dir);
}

/// When the commit at `seq` was recorded.
pub fn recorded_at(seq: u64) -> UtcMicros {
    UtcMicros(BEGIN.0 + seq as i64 * EVERY_US)
}

/// Takes away what an orderly close left, and puts back what was reserved ahead.
pub fn kill(dir: &Path) {
    fs::remove_file(dir.join("clean")).expect("a closed ledger is marked clean");
    let active = segments(dir).pop().expect("segments");
    let file = File::options().write(true).open(active).expect("opens");
    let length = file.metadata().expect("is there").len();
    file.set_len(length + (2 << 20)).expect("grows");
}

/// The segments of a ledger, in order.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("segments")).expect("lists");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("lists").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "seg"));
    paths.sort();
    paths
}

/// The stored bytes of the first commits of a ledger.
pub fn first_stored(dir: &Path, count: usize) -> Vec<Vec<u8>> {
    let reader = SegmentReader::open(dir).expect("opens");
    reader.take(count).map(|recorded| recorded.expect("reads").bytes).collect()
}

fn path_of(dir: &Path, first: u64) -> PathBuf {
    dir.join("segments").join(format!("{first:020}.seg"))
}

/// Bytes of the longest record here; the others are a few bytes shorter.
fn record_bytes() -> u64 {
    let (mut tails, seq) = (HashMap::new(), 99_999_999);
    let stored = stored(seq, LogId([1; 16]), &mut tails);
    (frame::HEADER_BYTES + stored.len()) as u64
}

type Tails = HashMap<grimnir_events::StreamId, (u64, ContentHash)>;

fn stored(seq: u64, log_id: LogId, tails: &mut Tails) -> Vec<u8> {
    let new = commit(seq);
    let (version, previous) = tails.get(&new.stream).copied().unwrap_or_default();
    let header = Header {
        log_id,
        commit_id: new.commit_id,
        stream: new.stream,
        version: version + 1,
        occurred_at: recorded_at(seq),
        stamped_at: recorded_at(seq),
        actor: new.actor,
        correlation: new.correlation,
        causation: new.causation,
        owner_epoch: 1,
        code_version: 1,
        rules_version: 1,
        previous,
    };
    let commit = Commit { header, command: new.command, context: new.context, events: new.events };
    let bytes = commit.encode().expect("encodes");
    tails.insert(new.stream, (version + 1, envelope::hash(&bytes)));
    bytes
}
