//! sled behind the segment: a copy of the commits that serves reads. Never trusted.
//!
//! One append-ordered tree `log`: key is the seq (big endian), value the commit's stored bytes.
//! Its own flush is no fsync, it may panic on damage, and it may open with a shorter history and
//! say nothing: so it is opened only after an orderly close and held against the segment then,
//! else built again; every value read is held against the checksum the segment gave it; and
//! whatever it does, nothing but speed is lost.

use crate::directory::{Clean, OpenError};
use crate::ledger::{Recorded, Seq};
use grimnir_events::{ContentHash, envelope};
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

const FOLDER: &str = "store";
/// sled's own cache; most reads hit the ledger's tail or the page cache.
const CACHE_BYTES: u64 = 16 << 20;

/// The store, or the reason it is not in use.
pub(crate) struct Store {
    open: RwLock<Option<(sled::Db, sled::Tree)>>,
    /// Commits up to here are in it.
    head: AtomicU64,
    degraded: OnceLock<String>,
    path: PathBuf,
}

impl Store {
    /// Opens the store if `clean` and the segment agree on its end, else begins a new one.
    pub fn open(dir: &Path, clean: Option<Clean>) -> Result<Self, OpenError> {
        let path = dir.join(FOLDER);
        let store = Self {
            open: RwLock::new(None),
            head: AtomicU64::new(0),
            degraded: OnceLock::new(),
            path,
        };
        if let Some(clean) = clean.filter(|clean| clean.store) {
            match open_sled(&store.path).and_then(|open| ends_with(open, clean.seq, clean.hash)) {
                Ok(open) => {
                    store.head.store(clean.seq, Ordering::Release);
                    store.install(Some(open));
                    return Ok(store);
                }
                Err(reason) => tracing::warn!(reason, "store is built again from the segment"),
            }
        }
        // After an unclean stop it is not even opened: opening may lose what is good in it.
        if store.path.exists() {
            fs::remove_dir_all(&store.path).map_err(OpenError::io(&store.path))?;
        }
        match open_sled(&store.path) {
            Ok(open) => store.install(Some(open)),
            Err(reason) => store.degrade(reason),
        }
        Ok(store)
    }

    fn install(&self, open: Option<(sled::Db, sled::Tree)>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
    }

    fn tree(&self) -> Option<sled::Tree> {
        if self.degraded.get().is_some() {
            return None;
        }
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|(_, tree)| tree.clone())
    }

    /// Why the store is not in use; `None` while it is.
    pub fn degraded(&self) -> Option<&str> {
        self.degraded.get().map(String::as_str)
    }
    /// Takes it out of use.
    pub fn degrade(&self, reason: String) {
        if self.degraded.set(reason.clone()).is_ok() {
            tracing::warn!(reason, "store is out of use; reads come from the segment");
        }
    }
    /// Commits up to this one are in it.
    pub fn head(&self) -> Seq {
        self.head.load(Ordering::Acquire)
    }

    /// The stored bytes of a commit, if the store has them.
    pub fn get(&self, seq: Seq) -> Option<Vec<u8>> {
        if seq > self.head() {
            return None;
        }
        let tree = self.tree()?;
        match guarded(|| tree.get(seq.to_be_bytes())) {
            Ok(Some(value)) => Some(value.to_vec()),
            Ok(None) => {
                self.degrade(format!("seq {seq} is missing from the store"));
                None
            }
            Err(reason) => {
                self.degrade(reason);
                None
            }
        }
    }

    /// Takes the commits that follow its head; false once it is out of use.
    pub fn put(&self, commits: &[Arc<Recorded>]) -> bool {
        let (Some(tree), Some(last)) = (self.tree(), commits.last()) else { return false };
        let mut batch = sled::Batch::default();
        for commit in commits {
            batch.insert(&commit.seq.to_be_bytes(), commit.bytes.as_slice());
        }
        match guarded(|| tree.apply_batch(batch)) {
            Ok(()) => {
                self.head.store(last.seq, Ordering::Release);
                true
            }
            Err(reason) => {
                self.degrade(reason);
                false
            }
        }
    }

    /// Writes everything out and closes it; true when it may be opened again as it is.
    pub fn close(&self) -> bool {
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some((db, tree)) = open else { return false };
        let flushed = guarded(|| tree.flush());
        let dropped = catch_unwind(AssertUnwindSafe(move || {
            drop(tree);
            drop(db);
        }));
        let synced = File::open(self.path.join("db")).and_then(|file| file.sync_all());
        self.degraded().is_none() && flushed.is_ok() && dropped.is_ok() && synced.is_ok()
    }
}

/// Opens sled in a thread of its own, where a panic ends nothing else.
fn open_sled(path: &Path) -> Result<(sled::Db, sled::Tree), String> {
    let path = path.to_owned();
    let opened = std::thread::spawn(move || {
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .use_compression(false);
        let db = config.open()?;
        let tree = db.open_tree("log")?;
        Ok::<_, sled::Error>((db, tree))
    });
    match opened.join() {
        Ok(Ok(open)) => Ok(open),
        Ok(Err(error)) => Err(format!("store cannot be opened: {error}")),
        Err(_) => Err("store cannot be opened: sled panicked".into()),
    }
}

/// Whether the store's last commit is the one the segment ends with.
fn ends_with(
    open: (sled::Db, sled::Tree),
    seq: Seq,
    hash: ContentHash,
) -> Result<(sled::Db, sled::Tree), String> {
    let last = guarded(|| open.1.last())?;
    let found = last.map(|(key, value)| (key.to_vec(), envelope::hash(&value)));
    let expected = (seq > 0).then(|| (seq.to_be_bytes().to_vec(), hash));
    if found == expected {
        Ok(open)
    } else {
        Err(format!("store does not end with seq {seq} as the segment does"))
    }
}

/// Runs a store operation; a panic in it is an error like any other.
fn guarded<T>(operation: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(operation)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("store failed: {error}")),
        Err(_) => Err("store failed: sled panicked".into()),
    }
}
