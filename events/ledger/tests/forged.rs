//! What is whole by its checksums and still not true: forged history, a stale or altered store.

mod support;

use grimnir_events::{
    Actor, Commit, CommitId, ContentHash, CorrelationId, Header, LogId, UtcMicros, envelope, frame,
};
use grimnir_ledger::{
    EmbeddedLedger, Identity, Ledger, ManualClock, OpenError, Options, ReadError,
    SEGMENT_HEADER_BYTES, SegmentHeader, SegmentReader,
};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;

fn open(dir: &Path) -> Result<EmbeddedLedger, OpenError> {
    let clock = Arc::new(ManualClock::at(START));
    EmbeddedLedger::open(dir, Options { clock, ..Options::default() })
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("segments/00000000000000000001.seg")
}

async fn filled(dir: &Path, from: u64, to: u64) {
    let ledger = open(dir).expect("opens");
    for number in from..=to {
        put(&ledger, number, stream(1)).await;
    }
    assert!(ledger.close());
}

/// The third commit of a ledger, as it would be, and what a test makes of it.
struct Forgery {
    seq: u64,
    recorded_at: UtcMicros,
    commit: Commit,
}

/// A ledger of two commits and then a third record whose checksum is right; what opening it and
/// reading it offline say.
async fn forged(edit: impl FnOnce(&mut Forgery)) -> [Option<String>; 2] {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 2).await;
    let ledger = open(dir.path()).expect("opens");
    let before = all(&ledger).await;
    let log_id = ledger.log_id();
    drop(ledger);
    fs::remove_file(dir.path().join("clean")).expect("removes");
    let new = commit(3, stream(1));
    let mut forgery = Forgery {
        seq: 3,
        recorded_at: before[1].recorded_at.plus(1),
        commit: Commit {
            header: Header {
                log_id,
                commit_id: new.commit_id,
                stream: new.stream,
                version: 3,
                occurred_at: START,
                stamped_at: START,
                actor: Actor::System,
                correlation: CorrelationId([2; 16]),
                causation: CommitId::default(),
                owner_epoch: 1,
                code_version: 1,
                rules_version: 1,
                previous: before[1].hash,
            },
            command: new.command,
            context: new.context,
            events: new.events,
        },
    };
    edit(&mut forgery);
    let mut bytes = fs::read(segment(dir.path())).expect("reads");
    let body = forgery.commit.encode().expect("encodes");
    frame::write(&mut bytes, forgery.seq, forgery.recorded_at, &body);
    fs::write(segment(dir.path()), &bytes).expect("writes");
    let offline = SegmentReader::open(dir.path()).expect("opens").find_map(Result::err);
    let opened = open(dir.path()).map(|_| ()).err();
    assert!(fs::read(segment(dir.path())).expect("reads").starts_with(&bytes), "nothing is cut");
    let reason = |error| match error {
        ReadError::Corrupt { seq, reason } => {
            assert_eq!(seq, 3, "{reason}");
            reason
        }
        ReadError::Unavailable { reason } => panic!("unavailable: {reason}"),
    };
    let opened = opened.map(|error| match error {
        OpenError::Damaged(error) => reason(error),
        other => panic!("{other}"),
    });
    [opened, offline.map(reason)]
}

#[tokio::test]
async fn a_true_record_is_taken_and_each_untruth_is_named() {
    assert_eq!(forged(|_| ()).await, [None, None], "unforged, it is a good record");
    type Edit = fn(&mut Forgery);
    let untruths: [(&str, Edit); 7] = [
        ("record has seq 4, expected 3", |f| f.seq = 4),
        ("not after", |f| f.recorded_at = f.recorded_at.plus(-1)),
        ("has version 4, expected 3", |f| f.commit.header.version = 4),
        ("follows hash", |f| f.commit.header.previous = ContentHash([1; 32])),
        ("is there twice", |f| f.commit.header.commit_id = id(1)),
        ("commit belongs to", |f| f.commit.header.log_id = LogId([9; 16])),
        ("has version 3, expected 1", |f| f.commit.header.stream = stream(2)),
    ];
    for (expected, edit) in untruths {
        for said in forged(edit).await {
            assert!(said.as_ref().is_some_and(|s| s.contains(expected)), "{expected}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_segment_of_another_ledger_or_place_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 2).await;
    let identity: Identity = open(dir.path()).expect("opens").identity().clone();
    let bytes = fs::read(segment(dir.path())).expect("reads");
    let own = SegmentHeader::decode(&bytes).expect("a header");
    assert_eq!((own.log_id, own.first_seq), (identity.log_id, 1));
    let others = [
        ("segment belongs to", SegmentHeader { log_id: LogId([9; 16]), ..own }),
        ("segment begins at seq 2", SegmentHeader { first_seq: 2, ..own }),
        ("segment follows hash", SegmentHeader { previous: ContentHash([1; 32]), ..own }),
    ];
    for (expected, header) in others {
        let mut other = bytes.clone();
        other[..SEGMENT_HEADER_BYTES as usize].copy_from_slice(&header.encode());
        fs::write(segment(dir.path()), &other).expect("writes");
        let opened = open(dir.path()).map(|_| ()).expect_err("refuses").to_string();
        assert!(opened.contains(expected), "{opened}");
        let offline = SegmentReader::open(dir.path()).expect("opens").find_map(Result::err);
        assert!(offline.is_some_and(|e| e.to_string().contains(expected)), "{expected}");
    }
    for at in 0..SEGMENT_HEADER_BYTES as usize {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(SegmentHeader::decode(&other).is_err(), "flip at {at}");
    }
}

#[tokio::test]
async fn what_a_longer_tear_left_behind_is_gone_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 2).await;
    fs::remove_file(dir.path().join("clean")).expect("removes");
    let length = fs::metadata(segment(dir.path())).expect("is there").len();
    let mut bytes = fs::read(segment(dir.path())).expect("reads");
    bytes.extend_from_slice(&[0xEE; 10_000]);
    fs::write(segment(dir.path()), bytes).expect("writes");
    let ledger = open(dir.path()).expect("opens");
    put(&ledger, 3, stream(1)).await;
    // As a kill would leave it: the new record, and what follows it.
    let left = fs::read(segment(dir.path())).expect("reads");
    assert!(left[length as usize..].starts_with(&frame::MAGIC));
    // A run of them: ids and hashes may hold the byte by chance.
    let torn = left.windows(64).any(|run| run == [0xEE; 64]);
    assert!(!torn, "nothing of the tear is left to be read again");
}

#[tokio::test]
async fn an_open_ledger_is_not_marked_clean() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 2).await;
    assert!(dir.path().join("clean").exists());
    let ledger = open(dir.path()).expect("opens");
    assert!(!dir.path().join("clean").exists(), "a kill from here on leaves no such word");
    drop(ledger);
    assert!(dir.path().join("clean").exists());
}

fn copy_store(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
        }
    }
}

#[tokio::test]
async fn a_store_from_an_earlier_day_is_built_again() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 20).await;
    let (store, kept) = (dir.path().join("store"), dir.path().join("kept"));
    copy_store(&store, &kept);
    filled(dir.path(), 21, 30).await;
    fs::remove_dir_all(&store).expect("removes");
    copy_store(&kept, &store);
    let ledger = open(dir.path()).expect("opens");
    assert_eq!(all(&ledger).await.len(), 30);
    assert_eq!(ledger.store_degraded(), None, "it was not taken into use as it was");
    drop(ledger);
    let ledger = open(dir.path()).expect("opens");
    assert_eq!(ledger.store_head(), 30);
    assert_eq!(all(&ledger).await.len(), 30);
}

#[tokio::test]
async fn a_value_altered_in_the_store_is_never_served() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 1, 20).await;
    let ledger = open(dir.path()).expect("opens");
    let before = all(&ledger).await;
    drop(ledger);
    let db = sled::open(dir.path().join("store")).expect("opens");
    let tree = db.open_tree("log").expect("opens");
    let mut other = Commit::decode(&before[4].bytes).expect("decodes");
    other.header.actor = Actor::Local;
    let bytes = other.encode().expect("encodes");
    assert_ne!(envelope::hash(&bytes), before[4].hash);
    tree.insert(5u64.to_be_bytes(), bytes).expect("inserts");
    drop((tree, db));
    let ledger = open(dir.path()).expect("opens");
    assert_eq!(ledger.store_head(), 20, "its end looks right");
    assert_eq!(all(&ledger).await, before, "every commit is the segment's");
    assert!(ledger.store_degraded().is_some_and(|reason| reason.contains("seq 5")));
    // It is built again at the next opening.
    drop(ledger);
    let ledger = open(dir.path()).expect("opens");
    assert_eq!(all(&ledger).await, before);
    assert_eq!(ledger.store_degraded(), None);
    File::open(segment(dir.path())).expect("the segment is where it was");
}
