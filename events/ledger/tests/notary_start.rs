//! Where a notary begins to read at a start, and what it finds out all the same.

mod support;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use grimnir_events::{Commit, CommitId, ContentHash, LogId, StreamId, UtcMicros, envelope, frame};
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::proof::path::{prove_consistency, root_at, verify_consistency};
use grimnir_ledger::proof::runner::{NotaryStatus, NotaryTask, Pace};
use grimnir_ledger::proof::tile::{TileId, TileNodes};
use grimnir_ledger::proof::tree::{Frontier, hash_leaf, leaf_of};
use grimnir_ledger::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::segments::*;
use support::*;

const ORIGIN: &str = "grimnir/test";
const COMMITS: u64 = 700;
/// Appended at once.
const TOGETHER: usize = 10;
const NEVER: Duration = Duration::from_secs(86_400);

/// A ledger that counts what is read of it in order, and may keep its footers to itself.
struct Counted {
    inner: EmbeddedLedger,
    read: Arc<AtomicU64>,
    footers: bool,
}

impl Ledger for Counted {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }
    fn durability(&self) -> Durability {
        self.inner.durability()
    }
    fn append(
        &self,
        commit: NewCommit,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.inner.append(commit, expected)
    }
    fn read(
        &self,
        stream: StreamId,
        version: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.read(stream, version, limit)
    }
    fn read_all(
        &self,
        seq: Seq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Recorded>>, ReadError>> {
        self.inner.read_all(seq, limit)
    }
    fn find(&self, commit_id: CommitId) -> BoxFuture<'_, Result<Option<Arc<Recorded>>, ReadError>> {
        self.inner.find(commit_id)
    }
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.inner.head()
    }
    fn version(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        self.inner.version(stream)
    }
    fn position_of(&self, time: UtcMicros) -> BoxFuture<'_, Result<Seq, ReadError>> {
        self.inner.position_of(time)
    }
    fn sealed_trees(&self) -> Vec<Frontier> {
        if self.footers { self.inner.sealed_trees() } else { Vec::new() }
    }
    fn follow(&self, seq: Seq) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>> {
        let read = self.read.clone();
        let counting = move |_: &Result<Arc<Recorded>, ReadError>| {
            read.fetch_add(1, Ordering::Relaxed);
        };
        self.inner.follow(seq).inspect(counting).boxed()
    }
}

fn counted(dir: &Path) -> (Arc<Counted>, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let ledger = Counted { inner: open(dir), read: read.clone(), footers: true };
    (Arc::new(ledger), read)
}

fn spawn(dir: &Path, ledger: Arc<dyn Ledger>, pace: Pace) -> NotaryTask {
    let notary = Notary::open(dir, ORIGIN, UtcMicros(1)).expect("opens");
    NotaryTask::spawn(ledger, notary, pace, Arc::new(ManualClock::at(START)))
}

/// Nothing is signed but at the end, and sealed segments are not read again.
fn quiet() -> Pace {
    Pace { commits: u64::MAX, longest: NEVER, reread: NEVER, ..Pace::default() }
}

/// The same, and sealed segments are read again at once.
fn rereading() -> Pace {
    Pace { reread: Duration::ZERO, ..quiet() }
}

/// Runs a notary to the ledger's end, lets it sign, and answers its last status.
async fn run(dir: &Path, ledger: Arc<dyn Ledger>) -> NotaryStatus {
    let task = spawn(dir, ledger, quiet());
    let status = task.status();
    task.stop().await;
    status.borrow().clone()
}

async fn reaches(task: &NotaryTask, wanted: impl Fn(&NotaryStatus) -> bool) -> NotaryStatus {
    let status = task.status();
    let reached = async {
        // Not every move of it wakes those who wait.
        while !wanted(&status.borrow()) {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    let status = status.borrow().clone();
    assert!(reached.is_ok(), "{status:?}");
    status
}

async fn fill(ledger: &EmbeddedLedger) {
    for first in (1..=COMMITS).step_by(TOGETHER) {
        let many = (first..first + TOGETHER as u64).map(|number| (varied(number), Expected::Any));
        for answer in put_together(ledger, many.collect()).await {
            answer.expect("appends");
        }
    }
    assert!(ledger.close());
}

/// A ledger of many small segments whose every commit is signed; the position where its active
/// segment begins.
async fn signed(dir: &Path) -> u64 {
    fill(&open(dir)).await;
    let status = run(dir, Arc::new(open(dir))).await;
    assert_eq!((status.size, status.fault), (COMMITS, None));
    let name = segments(dir).pop().expect("segments");
    let name = name.file_stem().expect("a name").to_string_lossy().into_owned();
    name.parse().expect("a position")
}

fn newest(dir: &Path) -> SignedCheckpoint {
    ProofFolder::of(dir).newest().expect("reads").expect("is there")
}

fn root_of(dir: &Path, size: u64) -> [u8; 32] {
    let folder = ProofFolder::of(dir);
    root_at(&TileNodes::new(&folder, size), size).expect("tiles")
}

#[tokio::test]
async fn a_start_reads_what_the_last_sealed_segment_does_not_have() {
    let dir = tempfile::tempdir().expect("a folder");
    let active = signed(dir.path()).await;
    let (ledger, read) = counted(dir.path());
    put(&*ledger, 9_001, stream(1)).await;
    let status = run(dir.path(), ledger.clone()).await;
    assert_eq!(status.begun_behind, active - 1);
    assert!(active > COMMITS - 40, "segments are small: {active}");
    assert_eq!(read.load(Ordering::Relaxed), COMMITS + 1 - (active - 1));
    assert_eq!((status.size, status.confirmed), (COMMITS + 1, true));
    // The same tree as of a whole reading.
    let mut frontier = Frontier::default();
    all(&*ledger).await.iter().for_each(|recorded| frontier.push(hash_leaf(&leaf_of(recorded))));
    assert_eq!(newest(dir.path()).checkpoint.root, frontier.root());
    assert_eq!(root_of(dir.path(), COMMITS + 1), frontier.root());
}

#[tokio::test]
async fn without_footers_or_with_tiles_that_are_gone_everything_is_read() {
    let dir = tempfile::tempdir().expect("a folder");
    signed(dir.path()).await;
    let (ledger, read) = counted(dir.path());
    let Some(Counted { inner, .. }) = Arc::into_inner(ledger) else { panic!("it is held") };
    let ledger = Arc::new(Counted { inner, read: read.clone(), footers: false });
    assert_eq!(run(dir.path(), ledger.clone()).await.begun_behind, 0);
    assert_eq!(read.swap(0, Ordering::Relaxed), COMMITS);
    drop(ledger);
    let root = root_of(dir.path(), COMMITS);
    let tile = TileId::full(0, 1);
    let folder = ProofFolder::of(dir.path());
    let good = folder.find_tile(tile).expect("reads").expect("is there");
    fs::remove_dir_all(folder.dir().join("tile")).expect("removes");
    let (ledger, read) = counted(dir.path());
    let status = run(dir.path(), ledger).await;
    assert_eq!((status.begun_behind, status.confirmed), (0, true));
    assert_eq!(read.load(Ordering::Relaxed), COMMITS);
    assert_eq!(root_of(dir.path(), COMMITS), root);
    assert_eq!(folder.find_tile(tile).expect("reads"), Some(good));
}

/// Changes the commit at `seq` and every one that its stream has after it, with checksums and
/// chain in order.
fn rewrite_history(dir: &Path, seq: u64) {
    let mut tail: Option<(StreamId, ContentHash)> = None;
    let mut last = ContentHash::default();
    for path in segments(dir) {
        let bytes = fs::read(&path).expect("reads");
        let mut header = SegmentHeader::decode(&bytes).expect("a header");
        header.previous = last;
        let mut out = header.encode().to_vec();
        let mut at = SEGMENT_HEADER_BYTES as usize;
        while let Ok((record, length)) = frame::read(&bytes[at..]) {
            at += length;
            let mut commit = Commit::decode(record.body).expect("decodes");
            if record.seq == seq {
                commit.events[0].bytes[7] ^= 1;
                tail = Some((commit.header.stream, envelope::hash(record.body)));
            } else if let Some((stream, hash)) = tail
                && stream == commit.header.stream
            {
                commit.header.previous = hash;
            }
            let body = commit.encode().expect("encodes");
            if let Some((stream, hash)) = &mut tail
                && *stream == commit.header.stream
            {
                *hash = envelope::hash(&body);
            }
            last = envelope::hash(&body);
            frame::write(&mut out, record.seq, record.recorded_at, &body);
        }
        rewrite(&path, &out);
    }
}

#[tokio::test]
async fn a_history_that_was_rewritten_with_its_footers_is_refused_before_anything_is_signed() {
    let dir = tempfile::tempdir().expect("a folder");
    signed(dir.path()).await;
    let held = newest(dir.path());
    // The last commit is of another stream, so that the ledger's end is what it was.
    let changed = 101;
    assert_ne!(stream_of(changed), stream_of(COMMITS));
    rewrite_history(dir.path(), changed);
    unclean(dir.path());
    // All footers are made anew at this opening.
    let (ledger, _) = counted(dir.path());
    assert_eq!(ledger.sealed_trees().len(), segments(dir.path()).len() - 1);
    put(&*ledger, 9_001, stream(1)).await;
    let notary = Notary::open(dir.path(), ORIGIN, UtcMicros(1)).expect("opens");
    notary.check_end(&*ledger).await.expect("its end alone says nothing");
    let task = NotaryTask::spawn(ledger, notary, Pace::default(), Arc::new(SystemClock));
    let status = reaches(&task, |status| status.fault.is_some()).await;
    let fault = status.fault.expect("a fault");
    assert!(fault.contains("seq 101 is another commit"), "{fault}");
    assert_eq!((status.begun_behind, status.confirmed, status.size), (0, false, COMMITS));
    task.stop().await;
    assert_eq!(newest(dir.path()), held);
}

/// Changes the commit at `seq` alone, with its checksum in order, and leaves the footer as it was.
fn change_record(dir: &Path, seq: u64) -> PathBuf {
    for path in segments(dir) {
        let mut bytes = fs::read(&path).expect("reads");
        let mut at = SEGMENT_HEADER_BYTES as usize;
        while let Ok((record, length)) = frame::read(&bytes[at..]) {
            if record.seq == seq {
                let mut commit = Commit::decode(record.body).expect("decodes");
                commit.events[0].bytes[7] ^= 1;
                let (body, mut forged) = (commit.encode().expect("encodes"), Vec::new());
                frame::write(&mut forged, seq, record.recorded_at, &body);
                assert_eq!(forged.len(), length, "everything keeps its place");
                bytes[at..at + length].copy_from_slice(&forged);
                rewrite(&path, &bytes);
                return path;
            }
            at += length;
        }
    }
    panic!("no commit {seq}");
}

#[tokio::test]
async fn a_record_that_was_changed_under_its_footer_is_found_in_turn_and_ends_the_signing() {
    let dir = tempfile::tempdir().expect("a folder");
    let active = signed(dir.path()).await;
    let held = newest(dir.path());
    change_record(dir.path(), 101);
    let (ledger, _) = counted(dir.path());
    let appended = put(&*ledger, 9_001, stream(1)).await;
    let task = spawn(dir.path(), ledger.clone(), rereading());
    let status = reaches(&task, |status| status.fault.is_some()).await;
    let fault = status.fault.expect("a fault");
    assert!(fault.contains("seq 101 is another commit"), "{fault}");
    assert_eq!((status.begun_behind, status.confirmed), (active - 1, true));
    task.stop().await;
    assert_eq!(newest(dir.path()), held, "it was found before the next signature");
    // Signed before it is found, the tree still has the commit that was signed at first.
    assert_eq!(run(dir.path(), ledger).await.size, appended.seq);
    let (leaves, root) = (ProofFolder::of(dir.path()), newest(dir.path()).checkpoint.root);
    let nodes = TileNodes::new(&leaves, appended.seq);
    let proof = prove_consistency(&nodes, COMMITS, appended.seq).expect("has tiles");
    let (old, new) = ((COMMITS, &held.checkpoint.root), (appended.seq, &root));
    let goes_on = verify_consistency(old, new, &proof);
    assert_eq!(goes_on, Ok(()));
}

#[tokio::test]
async fn what_a_start_left_out_is_read_once_and_goes_on_where_the_last_run_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let active = signed(dir.path()).await;
    let pace = Pace { again: NEVER, ..rereading() };
    let task = spawn(dir.path(), Arc::new(open(dir.path())), pace);
    let status = reaches(&task, |status| status.reread == active - 1).await;
    assert_eq!(status.fault, None);
    task.stop().await;
    let kept = dir.path().join("proof/reread");
    assert_eq!(fs::read_to_string(&kept).expect("is kept"), format!("{}\n", active - 1));
    // The first half was read by the run before: what was changed there waits for its turn.
    fs::write(&kept, "350\n").expect("writes");
    change_record(dir.path(), 20);
    change_record(dir.path(), 500);
    let task = spawn(dir.path(), Arc::new(open(dir.path())), pace);
    let fault = reaches(&task, |status| status.fault.is_some()).await.fault;
    assert!(fault.as_ref().is_some_and(|f| f.contains("seq 500 is another commit")), "{fault:?}");
    task.stop().await;
}

/// Lets a tile rot in a ledger with segments of this size; where the start after it began.
async fn rots(rotate_bytes: u64) -> u64 {
    let dir = tempfile::tempdir().expect("a folder");
    let open = || {
        let options = Options { rotate_bytes, ..small() };
        EmbeddedLedger::open(dir.path(), options).expect("opens")
    };
    fill(&open()).await;
    assert_eq!(run(dir.path(), Arc::new(open())).await.size, COMMITS);
    let folder = ProofFolder::of(dir.path());
    let tile = TileId::full(0, 0);
    let good = folder.find_tile(tile).expect("reads").expect("is there");
    let mut rotten = good.clone();
    rotten[33] ^= 1;
    folder.put_tile(tile, &rotten).expect("writes");
    let task = spawn(dir.path(), Arc::new(open()), rereading());
    let status = reaches(&task, |status| {
        status.fault.is_some() || status.confirmed && status.reread >= status.begun_behind
    })
    .await;
    assert_eq!(status.fault, None);
    task.stop().await;
    assert_eq!(folder.find_tile(tile).expect("reads"), Some(good));
    status.begun_behind
}

#[tokio::test]
async fn a_tile_that_rotted_is_made_again_at_the_start_or_in_turn() {
    assert_eq!(rots(SMALL).await, 0, "a segment ends in the tile: its proof does not hold");
    assert!(rots(30 * SMALL).await > 256, "nothing at the start asks for the tile");
}
