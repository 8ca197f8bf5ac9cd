//! kill -9 of nats-server under load, and damage to its files: what it acknowledged is there,
//! once, or its loss is named.

mod support;
mod suite;
mod backends;

use backends::site_on;
use grimnir_ledger::{
    AppendError, Expected, JetStreamLedger, JetStreamOptions, Ledger, OpenError, Recorded,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use support::nats::{self, Servers, Setup};
use support::*;
use tokio::sync::mpsc;

const WRITERS: u8 = 4;
/// Commits in a store that is damaged.
const DAMAGED_COMMITS: u64 = 400;

/// How often: in short, and when there is time.
fn times(short: u64, long: u64) -> u64 {
    if std::env::var_os("GRIMNIR_SOAK").is_some_and(|on| on == "1") { long } else { short }
}

type Acknowledged = Arc<Mutex<BTreeMap<u64, Arc<Recorded>>>>;

/// Appends to a stream of its own until it is told to stop; a commit without an outcome is
/// appended again under its id, as its caller would.
async fn write(
    ledger: Arc<JetStreamLedger>,
    writer: u8,
    done: Acknowledged,
    told: mpsc::UnboundedSender<()>,
    stop: Arc<AtomicBool>,
) {
    for step in 0u64.. {
        let number = step * u64::from(WRITERS) + u64::from(writer);
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match ledger.append(commit(number, stream(writer)), Expected::Version(step)).await {
                Ok(appended) => {
                    let before = done.lock().expect("whole").insert(number, appended.recorded);
                    assert!(before.is_none(), "{number} is acknowledged once");
                    let _ = told.send(());
                    break;
                }
                Err(AppendError::Unavailable { .. } | AppendError::Uncertain { .. }) => {
                    nats::pause().await;
                }
                Err(other) => panic!("{number}: {other}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_server_acknowledged_is_there_exactly_once() {
    let mut servers = Servers::one(&Setup::default());
    let options = site_on(&servers, 1).await;
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = JetStreamLedger::open(dir.path(), options.clone()).await.expect("opens");
    let ledger = Arc::new(ledger);
    let (done, stop) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
    let (told, mut acks) = mpsc::unbounded_channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| tokio::spawn(write(ledger.clone(), w, done.clone(), told.clone(), stop.clone())))
        .collect();
    for round in 0..times(50, 1_000) {
        // Early and late: a fixed sequence without a pattern.
        for _ in 0..1 + (round * 37) % 113 {
            acks.recv().await.expect("writers run");
        }
        servers.servers[0].kill();
        servers.servers[0].start();
    }
    for _ in 0..20 {
        acks.recv().await.expect("writers go on");
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("ends well");
    }
    assert_eq!(ledger.check().await, []);
    assert_eq!(ledger.incident(), None);
    let fresh = tempfile::tempdir().expect("a folder");
    let fresh = JetStreamLedger::open(fresh.path(), options).await.expect("opens");
    let history = all(&fresh).await;
    suite::check_history(&history);
    let stored: BTreeMap<_, _> = history.iter().map(|r| (r.commit.header.commit_id, r)).collect();
    assert_eq!(stored.len(), history.len(), "no commit is there twice");
    let done = done.lock().expect("whole");
    for (number, acknowledged) in &*done {
        assert_eq!(stored.get(&id(*number)), Some(&acknowledged), "{number}");
    }
    // More may be stored than was acknowledged: at most what was on its way when it ended.
    assert!(history.len() - done.len() <= usize::from(WRITERS));
}

/// All block files below a folder.
fn blocks(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("reads").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(blocks(&path));
        } else if path.extension().is_some_and(|extension| extension == "blk") {
            found.push(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("reads").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}

/// What a node makes of a store: an objection, or the whole history.
async fn judge(dir: &Path, options: &JetStreamOptions) -> Result<Vec<Arc<Recorded>>, String> {
    let opened = JetStreamLedger::open(dir, options.clone()).await;
    let ledger = opened.map_err(|error| match error {
        OpenError::Weaker { .. } | OpenError::Damaged(_) | OpenError::Away { .. } => {
            error.to_string()
        }
        other => panic!("{other}"),
    })?;
    if let Some(deviation) = ledger.check().await.first() {
        return Err(deviation.to_string());
    }
    if let Some(incident) = ledger.incident() {
        return Err(incident.to_string());
    }
    Ok(all(&ledger).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_servers_files_is_named_or_changes_nothing() {
    let mut servers = Servers::one(&Setup::default());
    let options = site_on(&servers, 1).await;
    let replica = tempfile::tempdir().expect("a folder");
    let ledger = JetStreamLedger::open(replica.path(), options.clone()).await.expect("opens");
    for number in 0..DAMAGED_COMMITS {
        put(&ledger, number, stream((number % 7) as u8)).await;
    }
    let before = all(&ledger).await;
    assert!(ledger.close());
    drop(ledger);
    servers.servers[0].kill();
    let store = servers.servers[0].dir().join("store");
    let kept = tempfile::tempdir().expect("a folder");
    copy(&store, kept.path());
    let (mut named, mut harmless, mut seed) = (0, 0, 0x9E37_79B9_7F4A_7C15u64);
    for flip in 0..times(100, 100) {
        std::fs::remove_dir_all(&store).expect("removes");
        copy(kept.path(), &store);
        let mut files = blocks(&store);
        files.retain(|path| path.metadata().is_ok_and(|meta| meta.len() > 0));
        files.sort();
        let mut next = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let path = &files[next(files.len() as u64) as usize];
        let mut bytes = std::fs::read(path).expect("reads");
        let (at, bit) = (next(bytes.len() as u64) as usize, next(8));
        bytes[at] ^= 1 << bit;
        std::fs::write(path, bytes).expect("writes");
        servers.servers[0].start();
        // The node that holds what it followed, in a copy: each flip meets the same replica.
        let held = tempfile::tempdir().expect("a folder");
        copy(replica.path(), held.path());
        let fresh = tempfile::tempdir().expect("a folder");
        match tokio::join!(judge(held.path(), &options), judge(fresh.path(), &options)) {
            (Ok(held), Ok(fresh)) => {
                assert!(held == before && fresh == before, "flip {flip}: byte {at}, bit {bit}");
                harmless += 1;
            }
            _ => named += 1,
        }
        servers.servers[0].kill();
    }
    println!("{named} flips named, {harmless} without effect");
    assert!(named > 0, "flips reach the messages");
}
