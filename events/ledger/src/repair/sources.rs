//! Where lost commits may still be: another directory of segments, or the store.

use super::salvage::{Copy, Salvage};
use crate::directory::Identity;
use crate::embedded::REPLICA_MARK;
use crate::ledger::{ReadError, Seq};
use crate::segment;
use grimnir_events::{Commit, LogId};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Somewhere else that commits are kept.
pub trait Source {
    /// How it is called in a report.
    fn name(&self) -> String;
    /// The commit at `seq`, if it is there. What it answers is checked before it is used.
    fn copy(&mut self, seq: Seq) -> Option<Copy>;
    /// What is wrong with it, as far as it was asked.
    fn faults(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A directory with segments of the same ledger: a backup, or what was fetched from an archive.
pub struct Segments {
    dir: PathBuf,
    log_id: LogId,
    paths: Vec<PathBuf>,
    current: Option<Salvage>,
}

impl Segments {
    /// The segments in `dir/segments` that belong to the ledger `log_id`.
    pub fn in_dir(dir: &Path, log_id: LogId) -> Result<Self, ReadError> {
        let paths = segment::list(dir)
            .map_err(|e| ReadError::Unavailable { reason: format!("{}: {e}", dir.display()) })?;
        Ok(Self { dir: dir.to_owned(), log_id, paths, current: None })
    }
}

impl Source for Segments {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }
    fn copy(&mut self, seq: Seq) -> Option<Copy> {
        let begins = segment::path_of(&self.dir, seq);
        let path = self.paths.iter().rfind(|path| **path <= begins)?.clone();
        if self.current.as_ref().is_none_or(|current| current.path != path) {
            self.current = Salvage::of(&path, self.log_id).ok();
        }
        self.current.as_ref()?.records.get(&seq).cloned()
    }
}

/// A ledger's own store, read from a copy of it: sled may wipe what it opens.
pub struct StoreCopy {
    open: Option<(sled::Db, sled::Tree)>,
    copied_to: PathBuf,
}

impl StoreCopy {
    /// Copies the store of the ledger in `dir` and opens the copy; `None` where there is none, or
    /// none that sled can open; and of a replica: the store keeps no times, and there they are
    /// the server's.
    pub fn of(dir: &Path) -> Result<Option<Self>, ReadError> {
        let unavailable =
            |e: io::Error| ReadError::Unavailable { reason: format!("{}: {e}", dir.display()) };
        Identity::load(dir)?;
        let (from, to) = (dir.join("store"), dir.join("store.copy"));
        if !from.is_dir() || dir.join(REPLICA_MARK).exists() {
            return Ok(None);
        }
        let _ = fs::remove_dir_all(&to);
        copy_dir(&from, &to).map_err(unavailable)?;
        let path = to.clone();
        let opened = std::thread::spawn(move || {
            let db = sled::Config::new().path(path).flush_every_ms(None).open()?;
            let tree = db.open_tree("log")?;
            Ok::<_, sled::Error>((db, tree))
        });
        let open = opened.join().ok().and_then(Result::ok);
        Ok(Some(Self { open, copied_to: to }))
    }

    fn bytes(&self, seq: Seq) -> Option<Vec<u8>> {
        let (_, tree) = self.open.as_ref()?;
        let got = catch_unwind(AssertUnwindSafe(|| tree.get(seq.to_be_bytes())));
        Some(got.ok()?.ok()??.to_vec())
    }
}

impl Source for StoreCopy {
    fn name(&self) -> String {
        "the store".into()
    }
    fn copy(&mut self, seq: Seq) -> Option<Copy> {
        let bytes = self.bytes(seq)?;
        let stamp = |bytes: &[u8]| Commit::decode(bytes).ok().map(|c| c.header.stamped_at);
        let stamped_at = stamp(&bytes)?;
        // The store keeps no times: `recorded_at` is the stamp of the group and the place in it,
        // and a group never begins before the segment that the store began with.
        let mut place = 0;
        while let Some(before) = seq.checked_sub(place + 1).and_then(|seq| self.bytes(seq))
            && stamp(&before)? == stamped_at
        {
            place += 1;
        }
        Some(Copy { recorded_at: stamped_at.plus(i64::try_from(place).ok()?), bytes })
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        let open = self.open.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(open)));
        let _ = fs::remove_dir_all(&self.copied_to);
    }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
