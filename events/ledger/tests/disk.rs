//! The embedded ledger and its files: reopening, tears, damage, locks, and disks that say no.

mod support;

use grimnir_events::frame::HEADER_BYTES;
use grimnir_events::{SiteId, UtcMicros};
use grimnir_ledger::{
    AppendError, EmbeddedLedger, End, Expected, Ledger, ManualClock, OpenError, Options, ReadError,
    Recorded, SEGMENT_HEADER_BYTES, SegmentReader,
};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;

fn options() -> Options {
    Options { clock: Arc::new(ManualClock::at(START)), ..Options::default() }
}

fn open(dir: &Path) -> EmbeddedLedger {
    EmbeddedLedger::open(dir, options()).expect("opens")
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("segments/00000000000000000001.seg")
}

/// A closed ledger of `count` commits, and those.
async fn filled(dir: &Path, count: u64) -> Vec<Arc<Recorded>> {
    let ledger = open(dir);
    for number in 1..=count {
        put(&ledger, number, stream((number % 2) as u8)).await;
    }
    all(&ledger).await
}

/// As if the process had been killed: nothing says that it was closed in order.
fn unclean(dir: &Path) {
    fs::remove_file(dir.join("clean")).expect("a closed ledger is marked clean");
}

/// Offset of each record in a segment, and of the end.
fn offsets(history: &[Arc<Recorded>]) -> Vec<u64> {
    let mut at = SEGMENT_HEADER_BYTES;
    let mut out = vec![at];
    for recorded in history {
        at += (HEADER_BYTES + recorded.bytes.len()) as u64;
        out.push(at);
    }
    out
}

fn offline(dir: &Path) -> (Vec<Recorded>, SegmentReader) {
    let mut reader = SegmentReader::open(dir).expect("opens");
    let commits = reader.by_ref().map(|r| r.expect("reads")).collect();
    (commits, reader)
}

fn torn_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("segments")).expect("lists");
    let paths = entries.map(|entry| entry.expect("lists").path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "torn")).collect()
}

#[tokio::test]
async fn reopened_it_holds_the_same_under_a_higher_epoch() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 9).await;
    for (round, clean) in [true, false, true].into_iter().enumerate() {
        if !clean {
            unclean(dir.path());
        }
        let ledger = open(dir.path());
        assert_eq!(ledger.epoch(), round as u64 + 2);
        assert_eq!(all(&ledger).await, before);
        assert_eq!(ledger.find(id(5)).await.expect("reads").as_ref(), Some(&before[4]));
        assert_eq!(ledger.version(stream(1)).await, Ok(5));
        let again = ledger.append(commit(5, stream(1)), Expected::Any).await.expect("answers");
        assert!(again.repeated, "commit ids are known again");
        assert!(ledger.close());
    }
    let ledger = open(dir.path());
    let next = put(&ledger, 10, stream(0)).await;
    assert_eq!((next.seq, next.commit.header.previous), (10, before[7].hash));
    assert!(next.recorded_at > before[8].recorded_at, "time goes on where it was");
    assert_eq!(next.commit.header.owner_epoch, 5);
}

#[tokio::test]
async fn reads_are_the_same_from_memory_store_and_segment() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 50).await;
    let ledger = open(dir.path());
    assert_eq!((ledger.store_head(), ledger.store_degraded()), (50, None));
    assert_eq!(all(&ledger).await, before, "from the store");
    drop(ledger);
    let (offline, reader) = offline(dir.path());
    assert_eq!(reader.end(), Some(&End::Whole));
    assert!(offline.iter().eq(before.iter().map(|r| &**r)), "from the segment");
}

#[tokio::test]
async fn a_damaged_store_costs_nothing_but_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 400).await;
    let db = dir.path().join("store/db");
    let good = fs::read(&db).expect("reads");
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut bad = good.clone();
        for byte in bad.iter_mut().skip(at).take(64) {
            *byte ^= 0x55;
        }
        fs::write(&db, bad).expect("writes");
        let ledger = open(dir.path());
        assert_eq!(all(&ledger).await, before, "damage at {at}");
        assert!(ledger.close());
    }
    fs::remove_dir_all(dir.path().join("store")).expect("removes");
    assert_eq!(all(&open(dir.path())).await, before, "without it");
}

#[tokio::test]
async fn after_an_unclean_stop_the_store_is_built_again_from_the_segment() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 30).await;
    unclean(dir.path());
    // Whatever an unclean store holds, it is not looked at.
    fs::write(dir.path().join("store/db"), b"not a store").expect("writes");
    let ledger = open(dir.path());
    assert_eq!(all(&ledger).await, before);
    assert!(ledger.close());
    let ledger = open(dir.path());
    assert_eq!((ledger.store_head(), ledger.store_degraded()), (30, None));
}

#[tokio::test]
async fn a_torn_tail_is_put_aside_and_cut_off_wherever_it_is_torn() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 3).await;
    let bytes = fs::read(segment(dir.path())).expect("reads");
    let at = offsets(&before);
    assert_eq!(bytes.len() as u64, at[3], "a closed segment ends with its last record");
    let (mut saved, mut lengths) = (0, std::collections::BTreeSet::new());
    for cut in (at[2]..at[3]).step_by(13) {
        fs::write(segment(dir.path()), &bytes[..cut as usize]).expect("writes");
        let _ = fs::remove_file(dir.path().join("clean"));
        let (commits, reader) = offline(dir.path());
        assert_eq!(commits.len(), 2, "cut at {cut}");
        let torn = matches!(reader.end(), Some(End::Torn { offset, .. }) if *offset == at[2]);
        assert_eq!(torn, cut > at[2], "cut at {cut}");
        let ledger = open(dir.path());
        assert_eq!(all(&ledger).await, before[..2], "cut at {cut}");
        saved += usize::from(cut > at[2]);
        lengths.insert((cut - at[2]) as usize);
        assert_eq!(torn_files(dir.path()).len(), saved, "every tear is kept");
        put(&ledger, 3, stream(1)).await;
        assert_eq!(ledger.version(stream(1)).await, Ok(2));
    }
    let tail = &bytes[at[2] as usize..];
    for path in torn_files(dir.path()) {
        let kept = fs::read(&path).expect("reads");
        assert!(tail.starts_with(&kept), "what was torn is there");
        // Zeros at its end are not kept: space reserved ahead looks the same.
        let torn = |length: &usize| {
            *length >= kept.len() && tail[kept.len()..*length].iter().all(|&byte| byte == 0)
        };
        assert!(!kept.is_empty() && lengths.iter().any(torn), "all of it");
    }
}

#[tokio::test]
async fn zeros_after_the_last_record_are_no_tear() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 3).await;
    unclean(dir.path());
    let file = File::options().write(true).open(segment(dir.path())).expect("opens");
    file.set_len(offsets(&before)[3] + 100_000).expect("extends");
    assert_eq!(offline(dir.path()).1.end(), Some(&End::Whole));
    assert_eq!(all(&open(dir.path())).await, before);
    assert!(torn_files(dir.path()).is_empty());
}

#[tokio::test]
async fn damage_before_good_records_is_corrupt_and_nothing_is_cut_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 4).await;
    unclean(dir.path());
    let path = segment(dir.path());
    let good = fs::read(&path).expect("reads");
    let at = offsets(&before);
    for byte in at[1]..at[2] {
        let mut bad = good.clone();
        bad[byte as usize] ^= 0x10;
        fs::write(&path, &bad).expect("writes");
        let Err(OpenError::Damaged(ReadError::Corrupt { seq, reason })) =
            EmbeddedLedger::open(dir.path(), options())
        else {
            panic!("byte {byte} went unnoticed");
        };
        assert_eq!(seq, 2, "byte {byte}");
        assert!(reason.contains(&format!("at byte {}", at[1])), "{reason}");
        assert_eq!(fs::read(&path).expect("reads"), bad, "byte {byte}: nothing was changed");
        let read: Vec<_> = SegmentReader::open(dir.path()).expect("opens").collect();
        assert_eq!(read.len(), 2, "one good commit, then the damage");
        assert!(matches!(&read[1], Err(ReadError::Corrupt { seq: 2, .. })), "byte {byte}");
    }
    fs::write(&path, good).expect("writes");
    assert_eq!(all(&open(dir.path())).await, before, "it opens once repaired");
}

#[tokio::test]
async fn history_lost_since_an_orderly_close_is_noticed() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 4).await;
    let path = segment(dir.path());
    let bytes = fs::read(&path).expect("reads");
    // A whole number of records is missing: without the close's word it would look complete.
    fs::write(&path, &bytes[..offsets(&before)[3] as usize]).expect("writes");
    let opened = EmbeddedLedger::open(dir.path(), options()).map(|_| ());
    let lost = |e: &OpenError| matches!(e, OpenError::Damaged(ReadError::Corrupt { seq: 4, .. }));
    assert!(opened.as_ref().is_err_and(lost), "{opened:?}");
    fs::remove_file(&path).expect("removes");
    let opened = EmbeddedLedger::open(dir.path(), options()).map(|_| ());
    assert!(matches!(opened, Err(OpenError::Damaged(_))), "{opened:?}");
}

#[tokio::test]
async fn records_of_another_order_are_corrupt_though_each_is_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 4).await;
    unclean(dir.path());
    let path = segment(dir.path());
    let good = fs::read(&path).expect("reads");
    let at: Vec<_> = offsets(&before).into_iter().map(|o| o as usize).collect();
    let part = |from: usize, to: usize| good[at[from]..at[to]].to_vec();
    let header = good[..at[0]].to_vec();
    let arranged = [
        ("one is missing", [header.clone(), part(0, 1), part(2, 4)].concat(), 2),
        ("one is there twice", [header.clone(), part(0, 2), part(1, 4)].concat(), 3),
        ("two are swapped", [header, part(0, 1), part(2, 3), part(1, 2)].concat(), 2),
    ];
    for (what, bytes, expected) in arranged {
        fs::write(&path, bytes).expect("writes");
        let opened = EmbeddedLedger::open(dir.path(), options()).map(|_| ());
        let found = match opened {
            Err(OpenError::Damaged(ReadError::Corrupt { seq, .. })) => seq,
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    let refused = EmbeddedLedger::open(dir.path(), options()).map(|_| ()).expect_err("is locked");
    let path = dir.path().join("lock");
    assert_eq!(refused, OpenError::Locked { path: path.clone(), pid: Some(std::process::id()) });
    let text = refused.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    // A closed ledger lets go, and takes nothing more.
    put(&ledger, 1, stream(1)).await;
    assert!(ledger.close());
    assert!(ledger.writable().is_err());
    let late = ledger.append(commit(2, stream(1)), Expected::Any).await;
    assert!(matches!(late, Err(AppendError::Unavailable { .. })), "{late:?}");
    assert_eq!(all(&open(dir.path())).await.len(), 1);
}

#[tokio::test]
async fn a_ledger_of_another_site_or_format_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let site = SiteId([4; 16]);
    let own = Options { site_id: Some(site), ..options() };
    let ledger = EmbeddedLedger::open(dir.path(), own.clone()).expect("opens");
    assert_eq!(ledger.identity().site_id, site);
    drop(ledger);
    let other = Options { site_id: Some(SiteId([5; 16])), ..options() };
    let refused = EmbeddedLedger::open(dir.path(), other).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{refused:?}");
    drop(EmbeddedLedger::open(dir.path(), own).expect("its own site opens it"));
    let path = dir.path().join("ledger.json");
    let text = fs::read_to_string(&path).expect("reads");
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).expect("writes");
    let refused = EmbeddedLedger::open(dir.path(), options()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{refused:?}");
    fs::remove_file(&path).expect("removes");
    let refused = EmbeddedLedger::open(dir.path(), options()).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "not taken for an empty folder");
}

#[tokio::test]
async fn the_directory_reads_offline_while_it_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    assert_eq!(offline(dir.path()).0.len(), 0);
    for number in 1..=200 {
        let recorded = put(&ledger, number, stream(1)).await;
        if number % 20 == 0 {
            let (commits, reader) = offline(dir.path());
            assert_eq!(commits.last(), Some(&*recorded), "all that is acknowledged is there");
            assert_eq!(reader.log_id(), ledger.log_id());
        }
    }
}

#[tokio::test]
async fn recorded_at_rises_over_a_reopening_with_the_clock_set_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let before = filled(dir.path(), 2).await;
    let clock = Arc::new(ManualClock::at(UtcMicros(0)));
    let ledger = EmbeddedLedger::open(dir.path(), Options { clock, ..options() }).expect("opens");
    let next = put(&ledger, 3, stream(1)).await;
    assert_eq!(next.recorded_at, before[1].recorded_at.plus(1));
}
