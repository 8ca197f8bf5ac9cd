//! Reading a ledger's directory offline, also while a server writes to it: no lock, no change.

use super::chain::Chain;
use super::list;
use super::scan::{Scan, Step};
use crate::directory::Identity;
use crate::ledger::{ReadError, Recorded};
use grimnir_events::LogId;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How a reading ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// With the last record; at most allocated space follows.
    Whole,
    /// At bytes that are no record and that no record follows: a write was cut short, or one was
    /// under way. Nothing acknowledged is behind it.
    Torn {
        /// The file.
        path: PathBuf,
        /// Where the good records end.
        offset: u64,
        /// What was found there.
        reason: String,
    },
}

/// Every commit of a ledger's directory, in order, with chain and order checked.
///
/// It may show a commit that the server has written and not yet acknowledged. After an error, or
/// the end, it yields nothing more.
pub struct SegmentReader {
    identity: Identity,
    paths: std::vec::IntoIter<PathBuf>,
    current: Option<Open>,
    chain: Chain,
    end: Option<End>,
    failed: bool,
}

struct Open {
    path: PathBuf,
    scan: Scan<File>,
}

impl SegmentReader {
    /// Opens the ledger in `dir` for reading.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let identity = Identity::load(dir)?;
        let paths = list(dir).map_err(|e| unavailable(dir, &e))?;
        if paths.is_empty() {
            let reason = format!("{}: no segment is there", dir.display());
            return Err(ReadError::Unavailable { reason });
        }
        Ok(Self {
            chain: Chain::of(identity.log_id),
            identity,
            paths: paths.into_iter(),
            current: None,
            end: None,
            failed: false,
        })
    }

    /// Which ledger it is.
    pub fn log_id(&self) -> LogId {
        self.identity.log_id
    }
    /// What the ledger says about itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// How the reading ended; `None` while it goes on and after an error.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn corrupt(&self, path: &Path, offset: u64, what: &str) -> ReadError {
        let reason = format!("{} at byte {offset}: {what}", path.display());
        ReadError::Corrupt { seq: self.chain.next(), reason }
    }

    /// Opens the next segment; `None` after the last.
    fn open_next(&mut self) -> Result<Option<Open>, ReadError> {
        let Some(path) = self.paths.next() else { return Ok(None) };
        let file = File::open(&path).map_err(|e| unavailable(&path, &e))?;
        let begun = Scan::begin(file).map_err(|e| unavailable(&path, &e))?;
        let (header, scan) = begun.map_err(|what| self.corrupt(&path, 0, &what))?;
        self.chain.check_segment(&header).map_err(|what| self.corrupt(&path, 0, &what))?;
        Ok(Some(Open { path, scan }))
    }

    fn step(&mut self) -> Result<Option<Recorded>, ReadError> {
        loop {
            let mut open = match self.current.take() {
                Some(open) => open,
                None => match self.open_next()? {
                    Some(open) => open,
                    None => {
                        self.end = Some(End::Whole);
                        return Ok(None);
                    }
                },
            };
            let last = self.paths.len() == 0;
            match open.scan.step().map_err(|e| unavailable(&open.path, &e))? {
                Step::Record(found) => {
                    let offset = found.offset;
                    let admitted = self.chain.admit(found);
                    let recorded =
                        admitted.map_err(|what| self.corrupt(&open.path, offset, &what))?;
                    self.current = Some(open);
                    return Ok(Some(recorded));
                }
                Step::End { .. } => {}
                Step::Torn { offset, error } if last => {
                    let reason = error.to_string();
                    self.end = Some(End::Torn { path: open.path, offset, reason });
                    return Ok(None);
                }
                // Only the last segment may end in the middle of a record.
                Step::Torn { offset, error } | Step::Damaged { offset, error, .. } => {
                    return Err(self.corrupt(&open.path, offset, &error.to_string()));
                }
            }
        }
    }
}

fn unavailable(path: &Path, error: &io::Error) -> ReadError {
    ReadError::Unavailable { reason: format!("{}: {error}", path.display()) }
}

impl Iterator for SegmentReader {
    type Item = Result<Recorded, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.end.is_some() {
            return None;
        }
        let step = self.step().transpose();
        // Nothing that follows an error is history.
        self.failed = matches!(step, Some(Err(_)));
        step
    }
}
