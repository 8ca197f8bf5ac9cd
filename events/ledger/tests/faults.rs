//! The embedded ledger on disks that say no: full, read-only, failing to sync.

mod support;

use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::{
    AppendError, EmbeddedLedger, Expected, Ledger, ManualClock, Options, SEGMENT_HEADER_BYTES,
    SegmentFile, SegmentReader,
};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
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

fn torn_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("segments")).expect("lists");
    let paths = entries.map(|entry| entry.expect("lists").path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "torn")).collect()
}

/// What a disk is to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Fault {
    #[default]
    None,
    /// Writes half and then says the disk is full.
    Full,
    /// As above, and the file cannot be cut either.
    Stuck,
    /// Writes and then fails to sync.
    Unsynced,
}

struct FaultyFile(File, Arc<Mutex<Fault>>);

impl SegmentFile for FaultyFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match *self.1.lock().expect("not poisoned") {
            Fault::Full | Fault::Stuck => {
                self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::None | Fault::Unsynced => SegmentFile::write_all_at(&mut self.0, bytes, offset),
        }
    }
    fn sync(&mut self) -> io::Result<()> {
        match *self.1.lock().expect("not poisoned") {
            Fault::Unsynced => Err(io::Error::other("input/output error")),
            Fault::None | Fault::Full | Fault::Stuck => self.0.sync(),
        }
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        match *self.1.lock().expect("not poisoned") {
            Fault::Stuck => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::None | Fault::Full | Fault::Unsynced => self.0.truncate(length),
        }
    }
    fn allocate(&mut self, _offset: u64, _length: u64) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

fn faulty(dir: &Path) -> (EmbeddedLedger, Arc<Mutex<Fault>>) {
    let fault = Arc::new(Mutex::new(Fault::None));
    let shown = fault.clone();
    let wrap = move |file| Box::new(FaultyFile(file, shown.clone())) as Box<dyn SegmentFile>;
    let options = Options { wrap: Some(Arc::new(wrap)), ..options() };
    (EmbeddedLedger::open(dir, options).expect("opens"), fault)
}

fn set(fault: &Mutex<Fault>, to: Fault) {
    *fault.lock().expect("not poisoned") = to;
}

#[tokio::test]
async fn a_full_disk_refuses_without_a_trace_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, fault) = faulty(dir.path());
    let first = put(&ledger, 1, stream(1)).await;
    set(&fault, Fault::Full);
    for number in 2..=4 {
        let answer = ledger.append(commit(number, stream(1)), Expected::Version(1)).await;
        let Err(AppendError::Unavailable { reason }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("no storage space") || reason.contains("StorageFull"), "{reason}");
        assert_eq!(ledger.writable(), Err(reason));
        assert_eq!(ledger.head().await.map(|h| h.seq), Ok(1));
        assert_eq!(ledger.find(id(number)).await, Ok(None));
    }
    // What is stored still answers, also to its own repeat.
    let again = ledger.append(commit(1, stream(1)), Expected::Any).await.expect("answers");
    assert!(again.repeated);
    let length = fs::metadata(segment(dir.path())).expect("is there").len();
    let end = SEGMENT_HEADER_BYTES + (HEADER_BYTES + first.bytes.len()) as u64;
    assert_eq!(length, end, "nothing is left of what was refused");
    set(&fault, Fault::None);
    let stored = ledger.append(commit(4, stream(1)), Expected::Version(1)).await.expect("room");
    assert_eq!((stored.recorded.seq, ledger.writable()), (2, Ok(())));
    drop(ledger);
    let commits = SegmentReader::open(dir.path()).expect("opens");
    let commits: Vec<_> = commits.map(|r| r.expect("reads")).collect();
    assert_eq!(commits.len(), 2);
}

#[tokio::test]
async fn a_failed_sync_is_uncertain_and_stops_the_writer() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, fault) = faulty(dir.path());
    put(&ledger, 1, stream(1)).await;
    set(&fault, Fault::Unsynced);
    let answer = ledger.append(commit(2, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Uncertain { commit_id, .. }) if commit_id == id(2)));
    // A sync that works again proves nothing about the one that failed.
    set(&fault, Fault::None);
    let answer = ledger.append(commit(3, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    assert!(ledger.writable().is_err());
    assert_eq!(all(&ledger).await.len(), 1, "reads go on");
    assert!(!ledger.close(), "it is not closed as if all were well");
    drop(ledger);
    // Opened again the segment tells: here the bytes were there.
    let ledger = open(dir.path());
    let again = ledger.append(commit(2, stream(1)), Expected::Version(1)).await.expect("answers");
    assert!(again.repeated);
    assert_eq!(ledger.find(id(3)).await, Ok(None));
}

#[tokio::test]
async fn a_write_that_cannot_be_undone_stops_the_writer_and_heals_at_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, fault) = faulty(dir.path());
    let first = put(&ledger, 1, stream(1)).await;
    set(&fault, Fault::Stuck);
    let answer = ledger.append(commit(2, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Uncertain { .. })), "{answer:?}");
    set(&fault, Fault::None);
    let answer = ledger.append(commit(3, stream(1)), Expected::Any).await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "{answer:?}");
    drop(ledger);
    let ledger = open(dir.path());
    assert_eq!(all(&ledger).await, [first]);
    assert_eq!(torn_files(dir.path()).len(), 1, "the half record is kept aside");
    assert_eq!(put(&ledger, 4, stream(1)).await.seq, 2);
}
