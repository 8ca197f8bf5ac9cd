//! sled behind the segment: a copy of the commits that serves reads. Never trusted.
//!
//! One append-ordered tree `log`: key is the seq (big endian), value the commit's stored bytes. It
//! holds the active segment only: sealed ones serve reads themselves, so with each new segment a
//! new store is begun and the old one deleted. That bounds its memory, its disk and its opening.
//! Its own flush is no fsync, it may panic on damage, and it may open with a shorter history and
//! say nothing: so it is opened only after an orderly close and held against the segment then,
//! else built again; every value read is held against the checksum the segment gave it; and
//! whatever it does, nothing but speed is lost.

use crate::directory::{Clean, OpenError};
use crate::ledger::{Recorded, Seq};
use grimnir_events::envelope;
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
    /// Position of the first commit that it is to hold.
    first: AtomicU64,
    /// Commits up to here are in it.
    head: AtomicU64,
    degraded: OnceLock<String>,
    path: PathBuf,
}

impl Store {
    /// Opens the store if `clean` and the segment agree on its end, else begins a new one; it
    /// holds the commits from `first` on.
    pub fn open(dir: &Path, first: Seq, clean: Option<Clean>) -> Result<Self, OpenError> {
        let path = dir.join(FOLDER);
        let store = Self {
            open: RwLock::new(None),
            first: AtomicU64::new(first),
            head: AtomicU64::new(first - 1),
            degraded: OnceLock::new(),
            path,
        };
        if let Some(clean) = clean.filter(|clean| clean.store) {
            match open_sled(&store.path).and_then(|open| holds(open, first, clean)) {
                Ok(open) => {
                    store.head.store(clean.seq, Ordering::Release);
                    store.install(Some(open));
                    return Ok(store);
                }
                Err(reason) => tracing::warn!(reason, "store is built again from the segment"),
            }
        }
        // After an unclean stop it is not even opened: opening may lose what is good in it.
        store.begin_anew().map_err(OpenError::io(&store.path))?;
        Ok(store)
    }

    fn begin_anew(&self) -> std::io::Result<()> {
        if self.path.exists() {
            fs::remove_dir_all(&self.path)?;
        }
        match open_sled(&self.path) {
            Ok(open) => self.install(Some(open)),
            Err(reason) => self.degrade(reason),
        }
        Ok(())
    }

    /// Position of the first commit that it holds or is to hold.
    pub fn first(&self) -> Seq {
        self.first.load(Ordering::Acquire)
    }

    /// Lets go of everything and begins again with the commit at `first`.
    pub fn restart(&self, first: Seq) {
        self.head.store(0, Ordering::Release);
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(open)));
        if dropped.is_err() {
            self.degrade("store could not be closed: sled panicked".into());
        } else if let Err(error) = self.begin_anew() {
            self.degrade(format!("store cannot be begun anew: {error}"));
        }
        self.first.store(first, Ordering::Release);
        self.head.store(first - 1, Ordering::Release);
    }

    fn install(&self, open: Option<(sled::Db, sled::Tree)>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// Works on the tree, which is not closed meanwhile; `None` where there is none in use.
    fn with_tree<T>(
        &self,
        work: impl FnOnce(&sled::Tree) -> sled::Result<T>,
    ) -> Option<Result<T, String>> {
        if self.degraded.get().is_some() {
            return None;
        }
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|(_, tree)| guarded(|| work(tree)))
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
        if seq > self.head() || seq < self.first() {
            return None;
        }
        match self.with_tree(|tree| tree.get(seq.to_be_bytes()))? {
            Ok(Some(value)) => Some(value.to_vec()),
            // A new one was begun meanwhile.
            Ok(None) if seq < self.first() || seq > self.head() => None,
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
        let Some(last) = commits.last() else { return false };
        let mut batch = sled::Batch::default();
        for commit in commits {
            batch.insert(&commit.seq.to_be_bytes(), commit.bytes.as_slice());
        }
        let Some(done) = self.with_tree(|tree| tree.apply_batch(batch)) else { return false };
        match done {
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

/// Whether the store begins with `first` and its last commit is the one the ledger ends with.
fn holds(
    open: (sled::Db, sled::Tree),
    first: Seq,
    clean: Clean,
) -> Result<(sled::Db, sled::Tree), String> {
    let Clean { seq, hash, .. } = clean;
    let begin = guarded(|| open.1.first())?.map(|(key, _)| key.to_vec());
    let last = guarded(|| open.1.last())?;
    let found = last.map(|(key, value)| (key.to_vec(), envelope::hash(&value)));
    let key = |seq: Seq| (seq >= first).then(|| seq.to_be_bytes().to_vec());
    if begin == key(seq).and(key(first)) && found == key(seq).map(|key| (key, hash)) {
        Ok(open)
    } else {
        Err(format!("store does not hold seq {first} to {seq} as the segment does"))
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
