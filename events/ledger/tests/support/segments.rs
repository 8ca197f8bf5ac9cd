//! Ledgers of several small segments, and what is in them.

use super::*;
use grimnir_ledger::{EmbeddedLedger, ManualClock, Options, SegmentReader};
use std::fs;
use std::path::{Path, PathBuf};

/// Segments of a dozen commits.
pub const SMALL: u64 = 4_000;
pub const STREAMS: u64 = 5;

pub fn small() -> Options {
    let clock = Arc::new(ManualClock::at(START));
    Options { clock, rotate_bytes: SMALL, ..Options::default() }
}

pub fn open(dir: &Path) -> EmbeddedLedger {
    EmbeddedLedger::open(dir, small()).expect("opens")
}

/// The stream that commit `number` goes to: four are decided, one is witnessed.
pub fn stream_of(number: u64) -> StreamId {
    match number % STREAMS {
        0 => witnessed(1),
        other => stream(other as u8),
    }
}

/// A commit of its own time; every third one is longer.
pub fn varied(number: u64) -> NewCommit {
    let mut new = commit(number, stream_of(number));
    new.occurred_at = START.plus(number as i64 * 1_000 - 50_000);
    if number.is_multiple_of(3) {
        new.events.push(payload("test.event", &[number as u8; 300]));
    }
    if stream_of(number).kind.is_witnessed() {
        (new.command, new.context) = (None, None);
    }
    new
}

/// A closed ledger of `count` commits in small segments, and those.
pub async fn filled(dir: &Path, count: u64) -> Vec<Arc<Recorded>> {
    let ledger = open(dir);
    for number in 1..=count {
        ledger.append(varied(number), Expected::Any).await.expect("appends");
    }
    let history = all(&ledger).await;
    assert!(ledger.close());
    history
}

/// As if the process had been killed.
pub fn unclean(dir: &Path) {
    fs::remove_file(dir.join("clean")).expect("a closed ledger is marked clean");
}

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("segments")).expect("lists");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("lists").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "seg"));
    paths.sort();
    paths
}

/// Writes a file that may be read-only.
pub fn rewrite(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("writes");
}

/// The commits of a directory, read without a server.
pub fn offline(dir: &Path) -> Vec<Recorded> {
    let mut reader = SegmentReader::open(dir).expect("opens");
    reader.by_ref().map(|r| r.expect("a whole history")).collect()
}

/// Copies a closed ledger's directory, its store left out.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("segments")).expect("makes");
    for name in ["ledger.json", "epoch", "clean"] {
        fs::copy(from.join(name), to.join(name)).expect("copies");
    }
    for path in segments(from) {
        let name = path.file_name().expect("a name");
        fs::copy(&path, to.join("segments").join(name)).expect("copies");
    }
}

/// Asks a ledger everything it can be asked, and compares with what it should hold.
pub async fn check_answers(ledger: &dyn Ledger, history: &[Arc<Recorded>]) {
    let last = history.last().expect("commits");
    let head = ledger.head().await.expect("reads");
    assert_eq!((head.seq, head.recorded_at), (last.seq, last.recorded_at));
    assert_eq!(all(ledger).await, history);
    for at in 0..history.len() {
        let recorded = &history[at];
        let id = recorded.commit.header.commit_id;
        assert_eq!(ledger.find(id).await.expect("reads").as_ref(), Some(recorded));
        let some = ledger.read_all(recorded.seq, 7).await.expect("reads");
        assert_eq!(some, history[at..history.len().min(at + 7)], "from {}", recorded.seq);
        assert_eq!(ledger.position_of(recorded.recorded_at).await, Ok(recorded.seq));
        let after = recorded.recorded_at.plus(1);
        let next = history.iter().find(|r| r.recorded_at >= after).map_or(last.seq + 1, |r| r.seq);
        assert_eq!(ledger.position_of(after).await, Ok(next), "after {}", recorded.seq);
    }
    assert_eq!(ledger.find(id(1 << 40)).await, Ok(None));
    for number in 0..STREAMS {
        let stream = stream_of(number);
        let own: Vec<_> = history.iter().filter(|r| r.commit.header.stream == stream).collect();
        assert_eq!(ledger.version(stream).await, Ok(own.len() as u64));
        for from in 0..own.len() + 1 {
            for limit in [0, 1, 5, usize::MAX] {
                let read = ledger.read(stream, from as u64 + 1, limit).await.expect("reads");
                let end = own.len().min(from.saturating_add(limit));
                assert!(read.iter().eq(own[from..end].iter().copied()), "{stream} {from} {limit}");
            }
        }
    }
}
