//! Appending to the active segment: write, sync, and a clean way back when the disk says no.

use super::file::SegmentFile;
use super::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::files;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Why a group is not durable.
#[derive(Clone, Debug)]
pub(crate) enum WriteFault {
    /// It was taken back: nothing of it is in the file, and the next one may be tried.
    Undone(String),
    /// It may be in the file or not, and nothing more is written until the ledger is opened again.
    Unknown(String),
    /// Nothing was written, because of an earlier unknown outcome.
    Refused(String),
}

/// The writer of the active segment.
pub(crate) struct SegmentWriter {
    file: Box<dyn SegmentFile>,
    /// Bytes up to the end of the last durable record.
    length: u64,
    /// Bytes that are reserved.
    allocated: u64,
    /// Reserved at a time; 0: nothing is reserved ahead.
    chunk: u64,
    broken: Option<String>,
}

/// Makes a new segment file with its header, durably, and nothing in its place before.
pub(crate) fn create(path: &Path, header: &SegmentHeader) -> io::Result<()> {
    let aside = files::beside(path, "new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(&header.encode())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    files::sync_parent(path)
}

/// Opens a segment for writing.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

impl SegmentWriter {
    /// A writer that goes on at `length`, where the file ends.
    pub fn new(file: Box<dyn SegmentFile>, length: u64, chunk: u64) -> Self {
        debug_assert!(length >= SEGMENT_HEADER_BYTES, "the header is there");
        Self { file, length, allocated: length, chunk, broken: None }
    }

    /// Writes one group of records and, where it is an acknowledgement, syncs it; answers the
    /// offset of its first byte.
    pub fn append(&mut self, group: &[u8], sync: bool) -> Result<u64, WriteFault> {
        if let Some(reason) = &self.broken {
            return Err(WriteFault::Refused(reason.clone()));
        }
        self.reserve(group.len() as u64);
        if let Err(error) = self.file.write_all_at(group, self.length) {
            return Err(self.undo(&error));
        }
        if let Err(error) = if sync { self.file.sync() } else { Ok(()) } {
            // The kernel may have dropped the dirty pages and marked them clean: a second sync
            // that succeeds would prove nothing, so there is none.
            return Err(self.give_up(format!("sync failed: {error}")));
        }
        let offset = self.length;
        self.length += group.len() as u64;
        Ok(offset)
    }

    /// Syncs what was written without.
    pub fn sync(&mut self) -> Result<(), WriteFault> {
        if let Some(reason) = &self.broken {
            return Err(WriteFault::Refused(reason.clone()));
        }
        self.file.sync().map_err(|error| self.give_up(format!("sync failed: {error}")))
    }

    /// Space ahead, so that most syncs need not record a new file size. Best effort: when there
    /// is no room for it, the write itself says what is wrong.
    fn reserve(&mut self, needed: u64) {
        let end = self.length + needed;
        if self.chunk == 0 || end <= self.allocated {
            return;
        }
        let until = end.div_ceil(self.chunk) * self.chunk;
        if self.file.allocate(self.allocated, until - self.allocated).is_ok() {
            self.allocated = until;
        }
    }

    fn undo(&mut self, cause: &io::Error) -> WriteFault {
        match self.file.truncate(self.length).and_then(|()| self.file.sync()) {
            Ok(()) => {
                self.allocated = self.length;
                WriteFault::Undone(format!("write failed: {cause}"))
            }
            Err(error) => self.give_up(format!("write failed: {cause}; undoing it: {error}")),
        }
    }

    fn give_up(&mut self, reason: String) -> WriteFault {
        self.broken = Some(reason.clone());
        WriteFault::Unknown(reason)
    }

    /// Bytes up to the end of the last durable record.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes nothing more, for this reason.
    pub fn stop(&mut self, reason: String) {
        self.broken.get_or_insert(reason);
    }

    /// Cuts off the space reserved ahead: then the file holds exactly its durable records.
    pub fn finish(&mut self) -> Result<(), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        self.allocated = self.length;
        let cut = self.file.truncate(self.length).and_then(|()| self.file.sync());
        cut.map_err(|e| format!("cutting off what was reserved: {e}"))
    }
}
