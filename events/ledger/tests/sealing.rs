//! A crash between the closing of a segment and its seal, and damage to the seal itself.

mod support;

use grimnir_ledger::{
    EmbeddedLedger, Footer, Ledger, OpenError, Options, ReadError, Recorded, SegmentFile,
    SegmentHeader, TRAILER_BYTES,
};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use support::segments::*;
use support::*;

const COUNT: u64 = 60;

async fn origin() -> (tempfile::TempDir, Vec<Arc<Recorded>>) {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), COUNT).await;
    (dir, history)
}

/// Where the records of a sealed segment end.
fn end_of_records(bytes: &[u8]) -> usize {
    let at = bytes.len() - TRAILER_BYTES;
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes")) as usize
}

/// Opens the directory with one segment replaced: the history is the same, and the footer is made
/// again byte by byte.
async fn heals(dir: &Path, at: usize, good: &[u8], bad: &[u8], history: &[Arc<Recorded>]) {
    let path = &segments(dir)[at];
    rewrite(path, bad);
    assert!(offline(dir).iter().eq(history.iter().map(|r| &**r)), "offline");
    let ledger = open(dir);
    assert_eq!(all(&ledger).await, history);
    let some = history[at * 3].commit.header.commit_id;
    assert_eq!(ledger.find(some).await.expect("reads").as_ref(), Some(&history[at * 3]));
    assert!(ledger.close());
    assert!(fs::read(path).expect("reads") == good, "the footer is as it was");
}

#[tokio::test]
async fn a_footer_cut_short_anywhere_is_made_again() {
    let (dir, history) = origin().await;
    for at in [0, segments(dir.path()).len() - 2] {
        let good = fs::read(&segments(dir.path())[at]).expect("reads");
        let end = end_of_records(&good);
        let cuts = (end..good.len()).step_by(257).chain([end + 1, good.len() - 1]);
        for cut in cuts {
            heals(dir.path(), at, &good, &good[..cut], &history).await;
        }
    }
}

#[tokio::test]
async fn a_footer_of_which_sectors_are_missing_is_made_again() {
    let (dir, history) = origin().await;
    let good = fs::read(&segments(dir.path())[1]).expect("reads");
    let end = end_of_records(&good);
    for sector in end / 512..=(good.len() - 1) / 512 {
        let mut bad = good.clone();
        let length = bad.len();
        bad[(sector * 512).max(end)..((sector + 1) * 512).min(length)].fill(0);
        heals(dir.path(), 1, &good, &bad, &history).await;
    }
}

#[tokio::test]
async fn any_flipped_byte_of_a_footer_is_noticed_and_costs_nothing() {
    let (dir, history) = origin().await;
    let good = fs::read(&segments(dir.path())[1]).expect("reads");
    for at in end_of_records(&good)..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        rewrite(&segments(dir.path())[1], &bad);
        let own = Footer::load(&segments(dir.path())[1]);
        assert!(!matches!(own, Ok(Some(_))), "flip at {at} went unnoticed");
        if at % 499 == 0 {
            heals(dir.path(), 1, &good, &bad, &history).await;
        }
    }
}

/// The same footer for records that end elsewhere: whole by its checksums.
fn moved(footer: &[u8], end: usize) -> Vec<u8> {
    let mut out = footer.to_vec();
    let trailer = out.len() - TRAILER_BYTES;
    out[trailer..trailer + 8].copy_from_slice(&(end as u64).to_be_bytes());
    let own = crc32c::crc32c(&out[trailer..trailer + 16]);
    out[trailer + 16..trailer + 20].copy_from_slice(&own.to_be_bytes());
    out
}

#[tokio::test]
async fn a_footer_of_another_segment_is_not_believed() {
    let (dir, history) = origin().await;
    let [one, two] = [1, 2].map(|at| fs::read(&segments(dir.path())[at]).expect("reads"));
    let end = end_of_records(&one);
    let swapped = [&one[..end], &moved(&two[end_of_records(&two)..], end)].concat();
    rewrite(&segments(dir.path())[1], &swapped);
    let believed = Footer::load(&segments(dir.path())[1]).expect("reads");
    assert!(believed.is_some(), "by itself it is whole");
    assert_eq!(all(&open(dir.path())).await, history);
    assert!(
        fs::read(&segments(dir.path())[1]).expect("reads") == one,
        "the footer is its own again"
    );
}

#[tokio::test]
async fn what_was_left_of_a_rotation_that_failed_is_taken_away() {
    let (dir, history) = origin().await;
    let paths = segments(dir.path());
    let active = paths.last().expect("a segment");
    let active_first = SegmentHeader::decode(&fs::read(active).expect("reads")).expect("a header");
    // Begun in the middle of the active one, taken back, and there again after a power cut.
    let first_seq = active_first.first_seq + 2;
    let previous = history[first_seq as usize - 2].hash;
    let header = SegmentHeader { first_seq, previous, ..active_first };
    let left = dir.path().join(format!("segments/{first_seq:020}.seg"));
    fs::write(&left, header.encode()).expect("writes");
    fs::write(left.with_extension("seg.new"), b"half a header").expect("writes");
    let ledger = open(dir.path());
    assert_eq!(all(&ledger).await, history);
    assert!(!left.exists());
    ledger.append(varied(COUNT + 1), grimnir_ledger::Expected::Any).await.expect("appends");
}

#[tokio::test]
async fn a_segment_begun_and_not_used_yet_is_gone_on_with() {
    let (dir, history) = origin().await;
    let paths = segments(dir.path());
    let (active, before) = (&paths[paths.len() - 1], &paths[paths.len() - 2]);
    let kept = SegmentHeader::decode(&fs::read(active).expect("reads")).expect("a header");
    // All of it gone but its header, and the segment before it not sealed yet.
    rewrite(active, &kept.encode());
    let bytes = fs::read(before).expect("reads");
    rewrite(before, &bytes[..end_of_records(&bytes)]);
    unclean(dir.path());
    let ledger = open(dir.path());
    let last = kept.first_seq as usize - 1;
    check_answers(&ledger, &history[..last]).await;
    let next = ledger.append(varied(1_000), grimnir_ledger::Expected::Any).await.expect("appends");
    assert_eq!(next.recorded.seq, kept.first_seq);
}

#[tokio::test]
async fn damage_in_a_closed_segment_without_a_footer_is_named() {
    let (dir, _) = origin().await;
    let good = fs::read(&segments(dir.path())[1]).expect("reads");
    let end = end_of_records(&good);
    for at in (0..end).step_by(311) {
        let mut bad = good[..end].to_vec();
        bad[at] ^= 0x10;
        rewrite(&segments(dir.path())[1], &bad);
        let opened = EmbeddedLedger::open(dir.path(), small()).map(|_| ());
        let named =
            matches!(opened, Err(OpenError::Damaged(ReadError::Corrupt { seq, .. })) if seq > 1);
        assert!(named, "flip at {at}: {opened:?}");
    }
}

#[tokio::test]
async fn a_damaged_record_of_a_sealed_segment_is_named_when_it_is_read() {
    let (dir, history) = origin().await;
    let path = &segments(dir.path())[1];
    let good = fs::read(path).expect("reads");
    let first = SegmentHeader::decode(&good).expect("a header").first_seq;
    for at in (96..end_of_records(&good)).step_by(397) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        rewrite(path, &bad);
        let ledger = open(dir.path());
        let mut lost = 0;
        for recorded in &history {
            // Alone or with others, by position or by id: what comes is what was stored.
            for read in [
                ledger.read_all(recorded.seq, 1).await.map(|mut r| r.pop()),
                ledger.find(recorded.commit.header.commit_id).await,
            ] {
                match read {
                    Ok(read) => assert_eq!(read.as_ref(), Some(recorded), "flip at {at}"),
                    Err(ReadError::Corrupt { seq, .. }) => lost += u64::from(seq >= first),
                    Err(other) => panic!("flip at {at}: {other}"),
                }
            }
        }
        assert!(lost > 0, "flip at {at} went unnoticed");
        assert!(ledger.read_all(1, usize::MAX).await.is_err(), "flip at {at}");
    }
}

/// A disk that takes records and no footers.
struct NoFooters(File);

impl SegmentFile for NoFooters {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if bytes.starts_with(&grimnir_ledger::FOOTER_MAGIC) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        SegmentFile::write_all_at(&mut self.0, bytes, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }
    fn allocate(&mut self, _offset: u64, _length: u64) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[tokio::test]
async fn without_room_for_a_footer_it_is_kept_in_memory() {
    let dir = tempfile::tempdir().expect("a folder");
    let wrap = |file| Box::new(NoFooters(file)) as Box<dyn SegmentFile>;
    let options = Options { wrap: Some(Arc::new(wrap)), ..small() };
    let mut history = Vec::new();
    for round in 0..2 {
        let ledger = EmbeddedLedger::open(dir.path(), options.clone()).expect("opens");
        for number in round * COUNT + 1..=(round + 1) * COUNT {
            ledger.append(varied(number), grimnir_ledger::Expected::Any).await.expect("appends");
        }
        history = all(&ledger).await;
        check_answers(&ledger, &history).await;
        assert!(ledger.close());
    }
    assert!(segments(dir.path()).iter().all(|path| Footer::load(path).expect("reads").is_none()));
    check_answers(&open(dir.path()), &history).await;
    let paths = segments(dir.path());
    let sealed = |path: &&std::path::PathBuf| Footer::load(path).expect("reads").is_some();
    assert_eq!(paths.iter().filter(sealed).count(), paths.len() - 1, "there is room again");
}
