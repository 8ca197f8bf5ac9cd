//! What is audited: every commit of a ledger, in order, from wherever it is kept.

use crate::ReplayError;
use crate::audit::Affected;
use grimnir_events::LogId;
use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::{End, ReadError, Recorded, SegmentReader};
use std::path::{Path, PathBuf};

/// Every commit of a ledger from the first one on. The audit checks them itself: a source need
/// not, and may stop at the first thing that it finds wrong.
pub trait AuditSource {
    /// Which ledger it is.
    fn log_id(&self) -> LogId;
    /// The next commit; nothing after an error or the end.
    fn next(&mut self) -> Option<Result<Recorded, ReadError>>;
    /// What follows the last commit that is none: a write that was cut short or is under way.
    fn torn(&self) -> Option<String> {
        None
    }
    /// Bytes read and bytes there are, for people who wait; `None` where that is not known.
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }
    /// What can still be read at and after position `seq`, where a fault was found.
    fn affected(&self, seq: u64) -> Affected {
        Affected { from_seq: seq, ..Affected::default() }
    }
}

/// A ledger's directory, also while a server has it open.
pub struct LedgerSource {
    dir: PathBuf,
    reader: SegmentReader,
    read: u64,
    bytes: u64,
}

impl LedgerSource {
    /// Opens the ledger in `dir`; the folder of its segments will do as well.
    pub fn open(dir: &Path) -> Result<Self, ReplayError> {
        let dir = Self::directory(dir);
        let reader = SegmentReader::open(&dir)?;
        let bytes = segment_files(&dir).into_iter().filter_map(|path| path.metadata().ok());
        let bytes = bytes.map(|file| file.len()).sum();
        Ok(Self { dir, reader, read: 0, bytes })
    }

    /// The ledger's directory that a path leads to.
    pub fn directory(path: &Path) -> PathBuf {
        let parent = path.parent().filter(|_| !path.join("ledger.json").exists());
        match parent.filter(|parent| parent.join("ledger.json").exists()) {
            Some(parent) if path.file_name().is_some_and(|name| name == "segments") => {
                parent.to_owned()
            }
            _ => path.to_owned(),
        }
    }
}

impl AuditSource for LedgerSource {
    fn log_id(&self) -> LogId {
        self.reader.log_id()
    }
    fn next(&mut self) -> Option<Result<Recorded, ReadError>> {
        let next = self.reader.next();
        if let Some(Ok(recorded)) = &next {
            self.read += (HEADER_BYTES + recorded.bytes.len()) as u64;
        }
        next
    }
    fn torn(&self) -> Option<String> {
        match self.reader.end() {
            Some(End::Torn { path, offset, reason }) => {
                Some(format!("{} at byte {offset}: {reason}", path.display()))
            }
            _ => None,
        }
    }
    fn progress(&self) -> Option<(u64, u64)> {
        Some((self.read, self.bytes.max(self.read)))
    }
    fn affected(&self, seq: u64) -> Affected {
        Affected::in_files(&segment_files(&self.dir), seq)
    }
}

/// The segment files in a ledger's directory, in order.
fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir.join("segments")) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "seg")).collect();
    paths.sort();
    paths
}
