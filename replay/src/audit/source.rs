//! What is audited: every commit of a ledger, in order, from wherever it is kept.

use crate::ReplayError;
use crate::audit::Affected;
use grimnir_events::LogId;
use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::{End, ReadError, Recorded, Remote, SegmentReader};
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

/// A ledger's directory, also while a server has it open; or no more than its segments.
pub struct LedgerSource {
    /// Where the segments are.
    folder: PathBuf,
    reader: SegmentReader,
    read: u64,
    bytes: u64,
}

impl LedgerSource {
    /// Opens the ledger in `path`: its directory, an archive that holds one ledger, or a folder of
    /// segments, with its directory around it or without.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let dir = Self::directory(path);
        let (folder, reader) = if dir.join("ledger.json").exists() {
            (dir.join("segments"), SegmentReader::open(&dir)?)
        } else {
            // Without anything beside them: the folder itself, or one of that name in it.
            let inner = dir.join("segments");
            let folder = if inner.is_dir() { inner } else { dir };
            let reader = SegmentReader::open_segments(&folder)?;
            (folder, reader)
        };
        let bytes = segment_files(&folder).into_iter().filter_map(|path| path.metadata().ok());
        let bytes = bytes.map(|file| file.len()).sum();
        Ok(Self { folder, reader, read: 0, bytes })
    }

    /// The ledger's directory that a path leads to.
    pub fn directory(path: &Path) -> PathBuf {
        let is_ledger = |dir: &Path| dir.join("ledger.json").exists();
        if is_ledger(path) {
            return path.to_owned();
        }
        let parent = path.parent().filter(|parent| is_ledger(parent));
        if let Some(parent) = parent
            && path.file_name().is_some_and(|name| name == "segments")
        {
            return parent.to_owned();
        }
        // An archive has a directory for each ledger.
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let inside: Vec<_> =
            entries.map(|entry| entry.path()).filter(|dir| is_ledger(dir)).collect();
        match &inside[..] {
            [one] => one.clone(),
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
        Affected::in_files(&segment_files(&self.folder), seq)
    }
}

/// A ledger that is somewhere else: an archive, or a stream on a server.
pub struct RemoteSource {
    remote: Remote,
    read: u64,
}

impl RemoteSource {
    /// A source of what is read there.
    pub fn of(remote: Remote) -> Self {
        Self { remote, read: 0 }
    }
}

impl AuditSource for RemoteSource {
    fn log_id(&self) -> LogId {
        self.remote.log_id()
    }
    fn next(&mut self) -> Option<Result<Recorded, ReadError>> {
        let next = self.remote.next();
        self.read += u64::from(matches!(next, Some(Ok(_))));
        next
    }
    /// Commits in place of bytes: nobody says how many those are.
    fn progress(&self) -> Option<(u64, u64)> {
        Some((self.read, self.remote.reaches().max(self.read)))
    }
    fn affected(&self, seq: u64) -> Affected {
        Affected::of(seq, self.remote.remains(seq)).reaching(self.remote.reaches())
    }
}

/// The segment files in a folder, in order.
fn segment_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "seg")).collect();
    paths.sort();
    paths
}
