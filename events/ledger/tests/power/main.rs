//! Power loss: whatever the disk kept of what was not synced, the ledger opens with every
//! acknowledged commit.
//!
//! A process appends under a recorder (`recorder.c`, loaded into it), which also sees what sled
//! does. From the recording come images of the disk at any instant (`disk.rs`), each is opened and
//! read, and some are the beginning of another life that is recorded too, so that power is lost
//! in a recovery as well.

#[path = "../support/mod.rs"]
mod support;

mod dice;
mod disk;
mod record;

use dice::Dice;
use disk::Disk;
use grimnir_events::CommitId;
use grimnir_ledger::{
    EmbeddedLedger, Expected, Ledger, NewCommit, Options, Recorded, SegmentReader,
};
use record::{Kind, Op};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::*;

const DIR: &str = "GRIMNIR_POWER_DIR";
const LIFE: &str = "GRIMNIR_POWER_LIFE";
/// Acknowledgements go to this file in the recorded folder, so that they have their place in the
/// order of things; the ledger is in the folder beside it.
const ACKS: &str = "acks";
const LEDGER: &str = "ledger";
/// More commits than a life has.
const PER_LIFE: u64 = 1_000_000;
/// Groups that a life appends.
const GROUPS: usize = 8;
/// Lives of one recording: each ends in order (0), or falls before so many syncs of a segment.
const LIVES: [u64; 4] = [0, 6, 0, 0];

/// What a writer appends under this number; its size follows from the number. The first life has
/// many that are long: from those sled makes files of their own.
fn sized(number: u64) -> NewCommit {
    let mut dice = Dice::of(number);
    let long = if number / PER_LIFE % 100 == 1 { 10 } else { 1 };
    let bytes = match dice.below(40) {
        kind if kind < long => 50_000,
        10..=14 => 6_000,
        _ => dice.below(700),
    };
    let mut new = commit(number, stream((number % 3) as u8));
    let mut filler: Vec<u8> = (0..=bytes / 8).flat_map(|_| dice.roll().to_le_bytes()).collect();
    filler.truncate(bytes as usize);
    new.events.push(payload("test.filler", &filler));
    new
}

/// The numbers that a life appends, group by group.
fn groups(life: u64) -> Vec<Vec<u64>> {
    let mut dice = Dice::of(life);
    let mut next = life * PER_LIFE;
    let mut group = || {
        let first = next;
        next += [1, 1, 2, 5, 30][dice.below(5) as usize];
        (first..next).collect()
    };
    (0..GROUPS).map(|_| group()).collect()
}

/// Asks again for all that the life before asked for, as one does who got no answer; then appends
/// in groups of all sizes; and says what was acknowledged. Without its variables set it is no test
/// of its own and ends at once.
#[tokio::test]
async fn recorded_process() {
    let (Ok(dir), Ok(life)) = (std::env::var(DIR), std::env::var(LIFE)) else { return };
    let life: u64 = life.parse().expect("a number");
    let dir = Path::new(&dir);
    let mut acks = OpenOptions::new().append(true).create(true).open(dir.join(ACKS)).expect("acks");
    let ledger = EmbeddedLedger::open(dir.join(LEDGER), Options::default()).expect("opens");
    let again = if life % 100 > 1 { groups(life - 1).concat() } else { Vec::new() };
    for numbers in again.into_iter().map(|number| vec![number]).chain(groups(life)) {
        let group = numbers.iter().map(|&n| (sized(n), Expected::Any)).collect();
        let answers =
            put_together(&ledger, group).await.into_iter().map(|a| a.expect("appends").recorded);
        for (answer, number) in answers.zip(&numbers) {
            let line = format!("{number} {} {}\n", answer.seq, answer.hash);
            acks.write_all(line.as_bytes()).expect("says so");
        }
    }
    assert!(ledger.close());
    std::process::exit(0);
}

/// One life of the recorded process.
fn live(library: &Path, root: &Path, log: &Path, life: u64, falls: u64) {
    let mut process = Command::new(std::env::current_exe().expect("a path"));
    if falls > 0 {
        process.env("GRIMNIR_RECORD_FALL", falls.to_string());
    }
    let ended = process
        .args(["--exact", "recorded_process", "--nocapture"])
        .env(DIR, root)
        .env(LIFE, life.to_string())
        .env("LD_PRELOAD", library)
        .env("GRIMNIR_RECORD_ROOT", root)
        .env("GRIMNIR_RECORD_LOG", log)
        .output()
        .expect("starts");
    let expected = if falls > 0 { 9 } else { 0 };
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(expected), "{said}");
}

/// Number of a commit → its seq and hash.
type Acknowledged = BTreeMap<u64, (u64, String)>;

/// Takes the acknowledgements in an operation, if it is one on their file.
fn takes_acks(op: &Op, acknowledged: &mut Acknowledged) -> bool {
    if op.path != Path::new(ACKS) {
        return false;
    }
    for line in String::from_utf8_lossy(&op.data).lines() {
        let parts: Vec<_> = line.split(' ').collect();
        let [number, seq, hash] = parts[..] else { panic!("{line}") };
        let seen = (seq.parse().expect("a seq"), hash.to_owned());
        acknowledged.insert(number.parse().expect("a number"), seen);
    }
    true
}

fn number_of(id: CommitId) -> u64 {
    u64::from_be_bytes(id.0[8..].try_into().expect("8 bytes"))
}

/// What is wrong with an image; nothing, when it opens with all that was acknowledged.
fn judge(
    image: &Path,
    acknowledged: &Acknowledged,
    sent: &mut BTreeMap<u64, NewCommit>,
    again: bool,
) -> Result<(), String> {
    let dir = image.join(LEDGER);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let open = || EmbeddedLedger::open(&dir, Options::default()).map_err(|e| e.to_string());
        let ledger = open()?;
        let history = ledger.read_all(1, usize::MAX).await.map_err(|e| e.to_string())?;
        let mut stored = BTreeMap::new();
        for (at, recorded) in history.iter().enumerate() {
            let number = number_of(recorded.commit.header.commit_id);
            if recorded.seq != at as u64 + 1 {
                return Err(format!("seq {} at place {at}", recorded.seq));
            }
            let sent = sent.entry(number).or_insert_with(|| sized(number));
            let told = &recorded.commit;
            if (told.events != sent.events) || told.command != sent.command {
                return Err(format!("seq {}: nobody appended this", recorded.seq));
            }
            if stored.insert(number, (recorded.seq, recorded.hash.to_string())).is_some() {
                return Err(format!("commit {number} is there twice"));
            }
        }
        for (number, seen) in acknowledged {
            if stored.get(number) != Some(seen) {
                let found = stored.get(number);
                return Err(format!("commit {number} was acknowledged as {seen:?}, is {found:?}"));
            }
        }
        if !again {
            return Ok(());
        }
        let next = ledger.append(sized(77), Expected::Any).await.map_err(|e| e.to_string())?;
        if !ledger.close() {
            return Err("it does not close in order".into());
        }
        let ledger = open()?;
        let after = ledger.read_all(1, usize::MAX).await.map_err(|e| e.to_string())?;
        let expected = history.iter().chain([&next.recorded]);
        if !after.iter().eq(expected) {
            return Err("opened again it holds something else".into());
        }
        drop(ledger);
        let offline: Result<Vec<Recorded>, _> =
            SegmentReader::open(&dir).map_err(|e| e.to_string())?.collect();
        let offline = offline.map_err(|e| format!("offline: {e}"))?;
        if !offline.iter().eq(after.iter().map(|recorded| &**recorded)) {
            return Err("read offline it holds something else".into());
        }
        Ok(())
    })
}

/// A folder that costs no disk where there is one.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}

/// Instants at which power is lost, as counts of operations: half anywhere, half right after what
/// decides (the segment, entries of folders, syncs of either, and acknowledgements); and whenever
/// something is acknowledged while a segment is not synced, a few times there.
fn cuts(ops: &[Op], count: u64, dice: &mut Dice) -> BTreeMap<usize, u64> {
    let segment = |op: &Op| op.path.starts_with(Path::new(LEDGER).join("segments"));
    let decides = |op: &Op| {
        let bytes = matches!(op.kind, Kind::Write | Kind::Length);
        segment(op) || !bytes || op.path == Path::new(ACKS)
    };
    let after = |wanted: &dyn Fn(&Op) -> bool| -> Vec<usize> {
        ops.iter().enumerate().filter(|(_, op)| wanted(op)).map(|(at, _)| at + 1).collect()
    };
    let deciding = after(&decides);
    let mut cuts = BTreeMap::new();
    for number in 0..count {
        let at = if number % 2 == 0 {
            dice.below(ops.len() as u64 + 1) as usize
        } else {
            deciding[dice.below(deciding.len() as u64) as usize]
        };
        *cuts.entry(at).or_default() += 1;
    }
    let dirty = std::cell::Cell::new(false);
    let early = after(&|op| {
        if segment(op) {
            dirty.set(op.kind == Kind::Write || (dirty.get() && op.kind != Kind::Sync));
        }
        dirty.get() && op.path == Path::new(ACKS)
    });
    for _ in 0..count.min(early.len() as u64 * 8) / 2 {
        *cuts.entry(early[dice.below(early.len() as u64) as usize]).or_default() += 1;
    }
    cuts
}

/// Records some lives on what is in `root` and judges images of them. Answers one image that was
/// good, to live on from, with what was acknowledged before it.
fn lose_power(
    library: &Path,
    root: &Path,
    known: &Acknowledged,
    (seed, lives, images): (u64, &[u64], u64),
) -> (tempfile::TempDir, Acknowledged) {
    let mut disk = Disk::load(root);
    let log = folder();
    let log = log.path().join("log");
    for (life, falls) in (1..).zip(lives) {
        live(library, root, &log, seed * 100 + life, *falls);
    }
    let ops = record::read(&log, root);
    let mut dice = Dice::of(seed);
    let cuts = cuts(&ops, images, &mut dice);
    let mut acknowledged = known.clone();
    let (mut last, mut judged, mut sent) = (None, 0, BTreeMap::new());
    for at in 0..=ops.len() {
        for nth in 0..cuts.get(&at).copied().unwrap_or(0) {
            let image = folder();
            let own = seed ^ (at as u64) << 32 ^ nth;
            // The same dice, the same image: it is made again where it is wanted as it was.
            let make = |to: &Path| disk.image(&mut Dice::of(own), to);
            make(image.path());
            judged += 1;
            if let Err(what) = judge(image.path(), &acknowledged, &mut sent, judged % 5 == 0) {
                let saved = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("power-lost");
                let _ = fs::remove_dir_all(&saved);
                fs::create_dir_all(&saved).expect("makes");
                make(&saved);
                let before = &ops[at.saturating_sub(1)];
                panic!(
                    "seed {seed}, power lost after operation {at} ({:?} {}), image {own}: {what}\n\
                     it is kept in {}",
                    before.kind,
                    before.path.display(),
                    saved.display()
                );
            }
            if cuts.keys().next_back() == Some(&at) {
                let kept = folder();
                make(kept.path());
                last = Some((kept, acknowledged.clone()));
            }
        }
        if let Some(op) = ops.get(at)
            && !takes_acks(op, &mut acknowledged)
        {
            disk.apply(op);
        }
    }
    disk.check(root, ACKS);
    let wrote = |path| ops.iter().any(|op| op.path.starts_with(Path::new(LEDGER).join(path)));
    assert!(wrote("segments") && wrote("store/db"), "both were recorded");
    assert!(lives.len() < LIVES.len() || wrote("store/blobs"), "and what sled keeps beside");
    assert!(acknowledged.len() > known.len() + 10, "there was something to lose");
    last.expect("an image")
}

#[test]
fn every_image_that_a_power_loss_may_leave_opens_with_all_that_was_acknowledged() {
    let soak = std::env::var_os("GRIMNIR_SOAK").is_some_and(|on| on == "1");
    let (recordings, images) = if soak { (50, 100) } else { (2, 50) };
    let library = record::library();
    for seed in 1..=recordings {
        let root = folder();
        let first = (seed, &LIVES[..], images);
        let (image, acknowledged) = lose_power(&library, root.path(), &Acknowledged::new(), first);
        // A life that begins with what a power loss left, and loses power again.
        let second = (1_000 + seed, &LIVES[1..3], images);
        lose_power(&library, image.path(), &acknowledged, second);
    }
    let _ = fs::remove_file(library);
}

#[test]
fn the_disk_keeps_what_was_synced_and_loses_some_of_the_rest() {
    let op = |kind, path: &str, number, data: &[u8]| Op {
        kind,
        inode: 1,
        after: 1_024,
        number,
        path: path.into(),
        to: "b".into(),
        data: data.to_vec(),
    };
    let root = folder();
    let mut disk = Disk::load(root.path());
    disk.apply(&op(Kind::Create, "a", 0, &[]));
    disk.apply(&op(Kind::Write, "a", 0, &[1; 1_024]));
    let seen = |disk: &Disk| {
        let mut found = BTreeMap::<Vec<(String, Vec<u8>)>, u32>::new();
        for seed in 0..2_000 {
            let image = folder();
            disk.image(&mut Dice::of(seed), image.path());
            let files = fs::read_dir(image.path()).expect("lists").map(|e| e.expect("lists"));
            let mut files: Vec<_> = files
                .map(|e| (e.file_name().into_string().expect("a name"), e.path()))
                .map(|(name, path)| (name, fs::read(path).expect("reads")))
                .collect();
            files.sort();
            *found.entry(files).or_default() += 1;
        }
        found.into_keys().collect::<Vec<_>>()
    };
    let file = |bytes: &[u8]| vec![("a".to_owned(), bytes.to_vec())];
    let halves = |first: u8, second: u8| [[first; 512], [second; 512]].concat();
    let found = seen(&disk);
    for expected in [
        vec![],
        file(&[]),
        file(&[0; 1_024]),
        file(&[1; 512]),
        file(&halves(0, 1)),
        file(&halves(1, 0)),
        file(&[1; 1_024]),
    ] {
        assert!(found.contains(&expected), "{} files", expected.len());
    }
    assert_eq!(found.len(), 7);
    // The file is synced, its name is not; then that is too, and it is renamed.
    disk.apply(&op(Kind::Sync, "a", 0, &[]));
    assert_eq!(seen(&disk), [vec![], file(&[1; 1_024])]);
    disk.apply(&Op { inode: 0, ..op(Kind::Sync, "", 0, &[]) });
    assert_eq!(seen(&disk), [file(&[1; 1_024])]);
    disk.apply(&op(Kind::Rename, "a", 0, &[]));
    let renamed = vec![("b".to_owned(), vec![1; 1_024])];
    assert_eq!(seen(&disk), [file(&[1; 1_024]), renamed]);
}
