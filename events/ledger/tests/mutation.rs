//! Mutation: whatever single damage a segment or the store takes, it is named, or every commit
//! reads back as it was. Never silently fewer, never another, and no panic outside sled.
//!
//! Damage to one record by its fields is in `disk.rs`, forged records are in `forged.rs`.

mod support;

use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::{
    EmbeddedLedger, End, Ledger, ManualClock, OpenError, Options, ReadError, Recorded,
    SEGMENT_HEADER_BYTES, SegmentReader,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use support::*;

fn open(dir: &Path) -> Result<EmbeddedLedger, OpenError> {
    let clock = Arc::new(ManualClock::at(START));
    EmbeddedLedger::open(dir, Options { clock, ..Options::default() })
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("segments/00000000000000000001.seg")
}

/// A closed ledger of `count` commits of three streams, and those.
async fn filled(dir: &Path, count: u64) -> Vec<Arc<Recorded>> {
    let ledger = open(dir).expect("opens");
    for number in 1..=count {
        put(&ledger, number, stream((number % 3) as u8)).await;
    }
    let history = all(&ledger).await;
    assert!(ledger.close());
    history
}

/// A ledger's files, so that each damage begins with the same ones.
struct Kept(Vec<(PathBuf, Vec<u8>)>);

impl Kept {
    fn of(dir: &Path) -> Self {
        let (mut files, mut folders) = (Vec::new(), vec![dir.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("lists") {
                let path = entry.expect("lists").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).expect("reads");
                    files.push((path, bytes));
                }
            }
        }
        files.sort();
        Self(files)
    }
    fn put_back(&self, dir: &Path) {
        for folder in ["segments", "store"] {
            let _ = fs::remove_dir_all(dir.join(folder));
        }
        for (path, bytes) in &self.0 {
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
            fs::write(path, bytes).expect("writes");
        }
    }
}

/// Offset of each record, and of the end of the last.
fn offsets(history: &[Arc<Recorded>]) -> Vec<usize> {
    let mut at = SEGMENT_HEADER_BYTES as usize;
    let mut out = vec![at];
    for recorded in history {
        at += HEADER_BYTES + recorded.bytes.len();
        out.push(at);
    }
    out
}

/// What is read offline: the commits before any word of damage, and that word.
fn offline(dir: &Path) -> (Vec<Recorded>, Option<String>) {
    let mut reader = match SegmentReader::open(dir) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let (mut good, mut said) = (Vec::new(), None);
    for read in reader.by_ref() {
        match read {
            Ok(recorded) => good.push(recorded),
            Err(error) => said = Some(error.to_string()),
        }
    }
    if let Some(End::Torn { path, offset, reason }) = reader.end() {
        said = Some(format!("{} is torn at byte {offset}: {reason}", path.display()));
    }
    (good, said)
}

/// Holds a damaged ledger against its history: all of it is there, or the damage is named, both
/// opened and offline, and everything before it still reads.
async fn judge(dir: &Path, history: &[Arc<Recorded>], first_bad: usize, what: &str) {
    let (good, said) = offline(dir);
    assert!(good.iter().zip(history).all(|(read, was)| *read == **was), "{what}: reads otherwise");
    if good.len() < history.len() || said.is_some() {
        assert!(good.len() >= first_bad, "{what}: {} good commits are lost", first_bad);
    }
    match open(dir) {
        Ok(ledger) => {
            let read = all(&ledger).await;
            assert!(read == history, "{what}: opens with {} of {}", read.len(), history.len());
        }
        Err(OpenError::Damaged(ReadError::Corrupt { seq, reason })) => {
            assert!(seq as usize > first_bad, "{what}: named at seq {seq}: {reason}");
            assert!(reason.contains(".seg"), "{what}: names the file: {reason}");
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

/// Position of the record that holds byte `at`; the header counts as before all.
fn record_at(offsets: &[usize], at: usize) -> usize {
    offsets.iter().filter(|&&start| start <= at).count().saturating_sub(1)
}

#[tokio::test]
async fn every_flipped_byte_of_a_segment_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), 4).await;
    let (kept, at) = (Kept::of(dir.path()), offsets(&history));
    let good = fs::read(segment(dir.path())).expect("reads");
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        fs::write(segment(dir.path()), &bad).expect("writes");
        let what = format!("byte {byte}");
        judge(dir.path(), &history, record_at(&at, byte).min(3), &what).await;
        if byte < at[4] {
            assert!(open(dir.path()).is_err(), "{what} went unnoticed");
            assert!(offline(dir.path()).1.is_some(), "{what}: reading offline says nothing");
        }
        assert_eq!(fs::read(segment(dir.path())).expect("reads"), bad, "{what}: left as it was");
        if byte % 97 == 0 {
            kept.put_back(dir.path());
        }
    }
    kept.put_back(dir.path());
    assert_eq!(all(&open(dir.path()).expect("opens")).await, history, "whole again, it opens");
}

#[tokio::test]
async fn a_segment_cut_anywhere_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), 3).await;
    let at = offsets(&history);
    let good = fs::read(segment(dir.path())).expect("reads");
    for length in 0..good.len() {
        fs::write(segment(dir.path()), &good[..length]).expect("writes");
        let what = format!("cut to {length}");
        judge(dir.path(), &history, record_at(&at, length).min(2), &what).await;
        assert!(length >= at[3] || open(dir.path()).is_err(), "{what} went unnoticed");
    }
    fs::write(segment(dir.path()), &good).expect("writes");
    assert_eq!(all(&open(dir.path()).expect("opens")).await, history);
}

#[tokio::test]
async fn every_record_dropped_doubled_or_swapped_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), 6).await;
    let at = offsets(&history);
    let good = fs::read(segment(dir.path())).expect("reads");
    let header = good[..at[0]].to_vec();
    let record = |n: usize| good[at[n]..at[n + 1]].to_vec();
    let rest = good[at[6]..].to_vec();
    let mut arranged = Vec::new();
    for first in 0..6 {
        let without: Vec<_> = (0..6).filter(|n| *n != first).collect();
        arranged.push((format!("{first} dropped"), without, first));
        let doubled: Vec<_> = (0..=first).chain(first..6).collect();
        arranged.push((format!("{first} doubled"), doubled, first + 1));
        for second in first + 1..6 {
            let mut swapped: Vec<_> = (0..6).collect();
            swapped.swap(first, second);
            arranged.push((format!("{first} and {second} swapped"), swapped, first));
        }
    }
    for (what, order, first_bad) in arranged {
        let records = order.into_iter().map(record);
        let parts = std::iter::once(header.clone()).chain(records).chain([rest.clone()]);
        fs::write(segment(dir.path()), parts.collect::<Vec<_>>().concat()).expect("writes");
        judge(dir.path(), &history, first_bad.min(5), &what).await;
        assert!(open(dir.path()).is_err(), "{what} went unnoticed");
    }
}

/// After an unclean stop the end of the segment may be a write that was cut short, so damage to
/// the last record reads as one: it is put aside, and reading offline says that it is torn.
#[tokio::test]
async fn without_an_orderly_close_only_the_last_record_can_be_taken_for_torn() {
    let (dir, open_one) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir());
    let open_one = open_one.expect("a folder");
    let ledger = open(open_one.path()).expect("opens");
    for number in 1..=4 {
        put(&ledger, number, stream(1)).await;
    }
    let history = all(&ledger).await;
    let at = offsets(&history);
    // As a kill would leave it: copied while it is open, and nothing said that it was closed.
    for name in ["ledger.json", "epoch"] {
        fs::copy(open_one.path().join(name), dir.path().join(name)).expect("copies");
    }
    let good = fs::read(segment(open_one.path())).expect("reads")[..at[4]].to_vec();
    fs::create_dir(dir.path().join("segments")).expect("makes");
    fs::create_dir(dir.path().join("store")).expect("makes");
    let kept = Kept::of(dir.path());
    for byte in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[byte] ^= 0x80;
        fs::write(segment(dir.path()), &bad).expect("writes");
        let (read, said) = offline(dir.path());
        assert!(said.is_some(), "byte {byte}: reading offline says nothing");
        match open(dir.path()) {
            Err(OpenError::Damaged(_)) => assert!(byte < at[3], "byte {byte}: not a tail"),
            Err(other) => panic!("byte {byte}: {other}"),
            Ok(ledger) => {
                assert!(byte >= at[3], "byte {byte} went unnoticed");
                assert_eq!((all(&ledger).await, read.len()), (history[..3].to_vec(), 3));
                drop(ledger);
                let aside = segment(dir.path()).with_extension(format!("seg.{}.torn", at[3]));
                assert_eq!(fs::read(&aside).expect("is kept"), bad[at[3]..], "byte {byte}");
                kept.put_back(dir.path());
                fs::create_dir_all(dir.path().join("segments")).expect("makes");
                fs::remove_file(dir.path().join("clean")).expect("a close left it");
            }
        }
    }
}

/// Damage to sled's files may cost the store, and nothing else: sled may panic, fail, or open with
/// less than it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flip_anywhere_in_the_stores_files_loses_nothing() {
    let soak = std::env::var_os("GRIMNIR_SOAK").is_some_and(|on| on == "1");
    let rounds = if soak { 2_000 } else { 250 };
    // sled's own panics are caught where it is called; one anywhere else would be ours.
    let (ours, seen) = (Arc::new(Mutex::new(Vec::new())), std::panic::take_hook());
    let panics = ours.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if !place.contains("/sled-") {
            seen(panic);
            panics.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        }
    }));
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), 300).await;
    let kept = Kept::of(dir.path());
    let store: Vec<_> =
        kept.0.iter().filter(|(path, _)| path.starts_with(dir.path().join("store"))).collect();
    let total: usize = store.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total > 10_000, "the store is there: {total} bytes");
    let (mut damaged, mut place) = (0, 7u64);
    for round in 0..rounds {
        // A fixed sequence without a pattern; small files get their share by file first.
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let (path, good) = if round % 4 == 0 {
            store[(place >> 33) as usize % store.len()]
        } else {
            store.iter().max_by_key(|(_, bytes)| bytes.len()).expect("a file")
        };
        if good.is_empty() {
            continue;
        }
        let mut bad = good.clone();
        let at = (place >> 20) as usize % bad.len();
        bad[at] ^= 1 << (round % 8);
        fs::write(path, bad).expect("writes");
        let what = format!("round {round}: {} at {at}", path.display());
        let ledger = open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(all(&ledger).await == history, "{what}: reads otherwise");
        let version = ledger.read(stream(1), 1, usize::MAX).await.expect("reads");
        assert_eq!(version.len(), 100, "{what}");
        damaged += usize::from(ledger.store_degraded().is_some());
        drop(ledger);
        kept.put_back(dir.path());
    }
    let _ = std::panic::take_hook();
    let ours = ours.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(ours.is_empty(), "panics outside sled: {ours:?}");
    eprintln!("{rounds} flips, {damaged} of them noticed while reading");
}
