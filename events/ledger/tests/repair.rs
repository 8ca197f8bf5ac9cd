//! A damaged ledger: the loss is named by its positions, and comes back from wherever it is kept.

mod support;

use grimnir_events::UtcMicros;
use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::repair::{Copy, Report, Segments, Source, StoreCopy, examine, repair};
use grimnir_ledger::{
    EmbeddedLedger, Expected, Identity, Ledger, OpenError, ReadError, Recorded,
    SEGMENT_HEADER_BYTES,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::segments::*;
use support::*;

const COUNT: u64 = 60;

/// A damaged ledger, a copy of it as it was, and its history.
struct Case {
    dir: tempfile::TempDir,
    backup: tempfile::TempDir,
    history: Vec<Arc<Recorded>>,
}

async fn case() -> Case {
    let (dir, backup) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir());
    let backup = backup.expect("a folder");
    let history = filled(dir.path(), COUNT).await;
    copy(dir.path(), backup.path());
    Case { dir, backup, history }
}

impl Case {
    /// The same ledger again, as it was before any damage.
    fn again(self) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        copy(self.backup.path(), dir.path());
        Self { dir, ..self }
    }
}

impl Case {
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.dir.path().join("segments")).expect("lists");
        let paths = entries.map(|entry| entry.expect("lists").path());
        paths.map(|path| (path.clone(), fs::read(path).expect("reads"))).collect()
    }
    /// The file that holds the commit at `seq`, and where its record is.
    fn place(&self, seq: u64) -> (PathBuf, std::ops::Range<usize>) {
        let first_of = |path: &PathBuf| -> u64 {
            path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok()).expect("a seq")
        };
        let path = segments(self.dir.path()).into_iter().rfind(|path| first_of(path) <= seq);
        let path = path.expect("a segment");
        let length = |r: &Arc<Recorded>| HEADER_BYTES + r.bytes.len();
        let before = &self.history[first_of(&path) as usize - 1..seq as usize - 1];
        let from = SEGMENT_HEADER_BYTES as usize + before.iter().map(length).sum::<usize>();
        (path, from..from + length(&self.history[seq as usize - 1]))
    }
    fn damage(&self, seq: u64, offset: usize) {
        let (path, place) = self.place(seq);
        let mut bytes = fs::read(&path).expect("reads");
        bytes[place.start + offset] ^= 0x10;
        rewrite(&path, &bytes);
    }
    fn segments_of_backup(&self) -> Segments {
        let log_id = Identity::load(self.dir.path()).expect("reads").log_id;
        Segments::in_dir(self.backup.path(), log_id).expect("lists")
    }
    fn repair(&self, sources: &mut [&mut dyn Source], accept: bool) -> Result<Report, OpenError> {
        repair(self.dir.path(), sources, accept)
    }
    async fn is_whole(&self) {
        assert!(offline(self.dir.path()).iter().eq(self.history.iter().map(|r| &**r)));
        let ledger = open(self.dir.path());
        check_answers(&ledger, &self.history).await;
    }
}

#[tokio::test]
async fn a_whole_ledger_needs_no_repair() {
    let case = case().await;
    let before = case.files();
    assert_eq!(examine(case.dir.path()), Ok(vec![]));
    let report = case.repair(&mut [], true).expect("looks");
    assert_eq!(report, Report { head: COUNT, ..Report::default() });
    assert_eq!(case.files(), before);
}

#[tokio::test]
async fn every_damaged_record_is_named_and_comes_back_from_a_backup() {
    let mut case = case().await;
    for (round, seq) in [1, 2, 13, 30, 31, 45, 59].into_iter().enumerate() {
        case = case.again();
        let before = case.files();
        // Magic, length, position, time, checksum, body: wherever it is hit.
        case.damage(seq, [0, 5, 10, 20, 25, 40, 200][round]);
        let named = examine(case.dir.path()).expect("examines");
        assert_eq!(named.len(), 1, "seq {seq}: {named:?}");
        assert_eq!((&named[0].seqs, &named[0].path), (&(seq..=seq), &case.place(seq).0));
        let damaged = case.files();
        let report = case.repair(&mut [], false).expect("looks");
        assert_eq!((report.lost, report.repaired), (vec![seq], false));
        assert_eq!(case.files(), damaged, "without a copy nothing is changed");
        let report = case.repair(&mut [&mut case.segments_of_backup()], false).expect("repairs");
        let from = case.backup.path().display().to_string();
        assert_eq!((report.recovered, report.lost), (vec![(seq, from)], vec![]));
        assert!(report.repaired && report.head == COUNT);
        assert_eq!(fs::read(&report.kept[0]).expect("is kept"), damaged[&case.place(seq).0]);
        case.is_whole().await;
        let after = case.files();
        assert!(
            before.iter().all(|(path, bytes)| after[path] == *bytes),
            "byte by byte, seq {seq}"
        );
    }
}

#[tokio::test]
async fn the_store_brings_back_what_the_active_segment_lost() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = EmbeddedLedger::open(
        dir.path(),
        grimnir_ledger::Options { clock: small().clock, ..Default::default() },
    );
    let ledger = ledger.expect("opens");
    // Groups of several, so that times are not the stamps alone.
    for from in [1, 21, 41] {
        let many = (from..from + 20).map(|number| (varied(number), Expected::Any)).collect();
        put_together(&ledger, many).await.into_iter().for_each(|a| drop(a.expect("appends")));
    }
    let history = all(&ledger).await;
    assert!(ledger.close());
    let backup = tempfile::tempdir().expect("a folder");
    let case = Case { dir, backup, history };
    let grouped = |r: &&Arc<Recorded>| r.recorded_at > r.commit.header.stamped_at.plus(1);
    let seq = case.history.iter().find(grouped).expect("a group of three").seq;
    case.damage(seq, 100);
    case.damage(seq + 1, 3);
    let mut store = StoreCopy::of(case.dir.path()).expect("copies").expect("is there");
    let report = case.repair(&mut [&mut store], false).expect("repairs");
    let recovered: Vec<_> = report.recovered.iter().map(|(seq, _)| *seq).collect();
    assert_eq!((recovered, report.repaired), (vec![seq, seq + 1], true));
    drop(store);
    assert!(!case.dir.path().join("store.copy").exists());
    case.is_whole().await;
}

#[tokio::test]
async fn an_accepted_loss_ends_the_ledger_before_it_and_keeps_the_rest() {
    let case = case().await;
    case.damage(30, 60);
    let before = case.files();
    let report = case.repair(&mut [], true).expect("repairs");
    assert_eq!((report.lost.as_slice(), report.repaired, report.head), (&[30][..], true, 29));
    let kept: Vec<_> = report.kept.iter().map(|path| fs::read(path).expect("is kept")).collect();
    for (path, bytes) in before {
        let whole = fs::read(&path).is_ok_and(|now| now == bytes);
        assert!(whole || kept.contains(&bytes), "{} is nowhere", path.display());
    }
    let ledger = open(case.dir.path());
    check_answers(&ledger, &case.history[..29]).await;
    let next = ledger.append(varied(1_000), Expected::Any).await.expect("appends");
    assert_eq!(next.recorded.seq, 30);
}

#[tokio::test]
async fn missing_segments_and_headers_come_back_too() {
    let mut case = case().await;
    let count = segments(case.dir.path()).len();
    for at in 0..count {
        for header_only in [true, false] {
            case = case.again();
            let path = &segments(case.dir.path())[at];
            if header_only {
                let mut bytes = fs::read(path).expect("reads");
                bytes[30] ^= 1;
                rewrite(path, &bytes);
            } else {
                fs::remove_file(path).expect("removes");
            }
            assert!(!examine(case.dir.path()).expect("examines").is_empty());
            if !header_only {
                let report = case.repair(&mut [], false).expect("looks");
                assert!(!report.repaired && !report.lost.is_empty(), "segment {at}: {report:?}");
            }
            let report = case.repair(&mut [&mut case.segments_of_backup()], false);
            let report = report.unwrap_or_else(|e| panic!("segment {at}, {header_only}: {e}"));
            assert!(report.repaired, "segment {at}, {header_only}: {report:?}");
            assert!(offline(case.dir.path()).iter().eq(case.history.iter().map(|r| &**r)));
            assert_eq!(all(&open(case.dir.path())).await, case.history);
        }
    }
}

/// A source that answers with something else.
struct Liar(Vec<u8>, UtcMicros);

impl Source for Liar {
    fn name(&self) -> String {
        "a liar".into()
    }
    fn copy(&mut self, _: u64) -> Option<Copy> {
        Some(Copy { recorded_at: self.1, bytes: self.0.clone() })
    }
}

#[tokio::test]
async fn a_copy_that_is_not_the_commit_is_refused_and_changes_nothing() {
    let mut case = case().await;
    // In a sealed segment, whose root tells; in the active one, where the chain does.
    for seq in [COUNT - 5, 20] {
        case = case.again();
        case.damage(seq, 60);
        let before = case.files();
        let good = &case.history[seq as usize - 1];
        let mut forged = good.commit.clone();
        forged.header.previous.0[0] ^= 1;
        let other = &case.history[seq as usize];
        for (bytes, at) in [
            (forged.encode().expect("encodes"), good.recorded_at),
            (other.bytes.clone(), good.recorded_at),
            (good.bytes.clone(), other.recorded_at),
        ] {
            let refused = case.repair(&mut [&mut Liar(bytes, at)], false);
            let corrupt = matches!(&refused, Err(OpenError::Damaged(ReadError::Corrupt { .. })));
            assert!(corrupt, "seq {seq}: {refused:?}");
            assert_eq!(case.files(), before);
        }
    }
    // Bytes that are no commit are no copy at all.
    let report = case.repair(&mut [&mut Liar(b"none".to_vec(), START)], false).expect("looks");
    assert_eq!(report.lost, [20]);
}

#[tokio::test]
async fn a_torn_tail_is_no_loss() {
    let case = case().await;
    unclean(case.dir.path());
    let (path, place) = case.place(COUNT);
    let bytes = fs::read(&path).expect("reads");
    rewrite(&path, &bytes[..place.start + 50]);
    assert_eq!(examine(case.dir.path()), Ok(vec![]));
    assert_eq!(all(&open(case.dir.path())).await, case.history[..COUNT as usize - 1]);
}

#[test]
fn a_ledger_in_use_is_not_repaired() {
    let dir: &Path = &tempfile::tempdir().expect("a folder").keep();
    let ledger = open(dir);
    assert!(matches!(repair(dir, &mut [], true), Err(OpenError::Locked { .. })));
    drop(ledger);
    fs::remove_dir_all(dir).expect("removes");
}
