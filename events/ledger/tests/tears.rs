//! Power lost inside a group: the disk keeps any part of what was not synced, in any order.

mod support;

use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::{
    EmbeddedLedger, End, Expected, ManualClock, OpenError, Options, ReadError, Recorded,
    SEGMENT_HEADER_BYTES, SegmentReader,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;

/// Commits in the last group: every subset of them is tried.
const GROUP: usize = 5;
const ANY: Expected = Expected::Any;

fn open(dir: &Path) -> Result<EmbeddedLedger, OpenError> {
    let clock = Arc::new(ManualClock::at(START));
    EmbeddedLedger::open(dir, Options { clock, group_max: GROUP, ..Options::default() })
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("segments/00000000000000000001.seg")
}

/// A closed ledger whose last two groups have `GROUP` commits each.
async fn grouped(dir: &Path) -> Vec<Arc<Recorded>> {
    let ledger = open(dir).expect("opens");
    for round in 1..1_000 {
        let many = (round * 20..round * 20 + 20).map(|n| (commit(n, stream((n % 2) as u8)), ANY));
        for answer in put_together(&ledger, many.collect()).await {
            answer.expect("appends");
        }
        let history = all(&ledger).await;
        if last_groups(&history) == [GROUP, GROUP] {
            return history;
        }
    }
    panic!("commits sent together were never grouped");
}

/// How many commits the last two groups have.
fn last_groups(history: &[Arc<Recorded>]) -> [usize; 2] {
    let stamp = |r: &Arc<Recorded>| r.commit.header.stamped_at;
    let mut groups = history.chunk_by(|a, b| stamp(a) == stamp(b)).rev().map(<[_]>::len);
    [groups.next().unwrap_or(0), groups.next().unwrap_or(0)]
}

fn place(history: &[Arc<Recorded>], at: usize) -> std::ops::Range<usize> {
    let length = |r: &Arc<Recorded>| HEADER_BYTES + r.bytes.len();
    let from = SEGMENT_HEADER_BYTES as usize + history[..at].iter().map(length).sum::<usize>();
    from..from + length(&history[at])
}

#[tokio::test]
async fn any_part_of_an_unsynced_group_may_be_missing_and_the_rest_is_put_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = grouped(dir.path()).await;
    let good = fs::read(segment(dir.path())).expect("reads");
    let before = history.len() - GROUP;
    for lost in 1..1u32 << GROUP {
        let mut bytes = good.clone();
        for at in (0..GROUP).filter(|at| lost >> at & 1 == 1) {
            // A sector that was never written reads as zeros; others of the record may be there.
            let place = place(&history, before + at);
            bytes[place.start + 100..place.end].fill(0);
        }
        fs::write(segment(dir.path()), &bytes).expect("writes");
        let _ = fs::remove_file(dir.path().join("clean"));
        let whole = before + lost.trailing_zeros() as usize;
        let mut reader = SegmentReader::open(dir.path()).expect("opens");
        let read: Vec<_> = reader.by_ref().map(|r| r.expect("no damage")).collect();
        assert!(read.iter().eq(history[..whole].iter().map(|r| &**r)), "lost {lost:05b}");
        assert!(matches!(reader.end(), Some(End::Torn { .. })), "lost {lost:05b}");
        let ledger = open(dir.path()).expect("opens");
        assert_eq!(all(&ledger).await, history[..whole], "lost {lost:05b}");
        drop(ledger);
        let left = fs::metadata(segment(dir.path())).expect("is there").len() as usize;
        assert_eq!(left, place(&history, whole).start, "nothing of it stays in the segment");
    }
    let entries = fs::read_dir(dir.path().join("segments")).expect("lists");
    let paths = entries.map(|entry| entry.expect("lists").path());
    let torn = paths.filter(|path| path.extension().is_some_and(|e| e == "torn")).count();
    assert_eq!(torn, (1 << GROUP) - 1, "every tear is kept");
}

#[tokio::test]
async fn a_hole_before_a_synced_group_is_damage_and_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = grouped(dir.path()).await;
    let _ = fs::remove_file(dir.path().join("clean"));
    let good = fs::read(segment(dir.path())).expect("reads");
    for at in history.len() - 2 * GROUP..history.len() - GROUP {
        let mut bytes = good.clone();
        bytes[place(&history, at)].fill(0);
        fs::write(segment(dir.path()), &bytes).expect("writes");
        let opened = open(dir.path()).map(|_| ());
        let Err(OpenError::Damaged(ReadError::Corrupt { seq, .. })) = opened else {
            panic!("hole at {}: {opened:?}", history[at].seq);
        };
        assert_eq!(seq, history[at].seq);
        assert_eq!(fs::read(segment(dir.path())).expect("reads"), bytes, "nothing is changed");
    }
}
