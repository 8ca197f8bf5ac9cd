//! Reading a ledger's directory offline, also while a server writes to it: no lock, no change.

use super::chain::Chain;
use super::footer;
use super::scan::{Scan, Step};
use super::{FOLDER, list_in};
use crate::directory::Identity;
use crate::ledger::{ReadError, Recorded, Seq};
use grimnir_events::{ContentHash, LogId};
use std::collections::VecDeque;
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
    log_id: LogId,
    identity: Option<Identity>,
    /// Where the segments are.
    folder: PathBuf,
    paths: VecDeque<PathBuf>,
    current: Option<Open>,
    /// How the segment before ended, where its next one has to confirm that.
    unconfirmed: Option<Torn>,
    chain: Chain,
    end: Option<End>,
    failed: bool,
}

struct Open {
    path: PathBuf,
    scan: Scan<File>,
    /// What its footer says that it ends with; `None`: it is not sealed.
    sealed: Option<(Seq, ContentHash)>,
}

/// Where the records of a segment end, and why.
struct Torn {
    path: PathBuf,
    offset: u64,
    reason: String,
}

impl SegmentReader {
    /// Opens the ledger in `dir` for reading.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let identity = Identity::load(dir)?;
        let log_id = identity.log_id;
        Self::begin(dir.join(FOLDER), log_id, Some(identity))
    }

    /// Opens a folder that holds nothing but segments: which ledger they are of the first one says.
    pub fn open_segments(folder: &Path) -> Result<Self, ReadError> {
        let paths = list_in(folder).map_err(|e| unavailable(folder, &e))?;
        let first = paths.first().ok_or_else(|| nothing_in(folder))?;
        let file = File::open(first).map_err(|e| unavailable(first, &e))?;
        let begun = Scan::begin(file).map_err(|e| unavailable(first, &e))?;
        let corrupt = |what| ReadError::Corrupt {
            seq: 1,
            reason: format!("{} at byte 0: {what}", first.display()),
        };
        let (header, _) = begun.map_err(corrupt)?;
        Self::begin(folder.to_owned(), header.log_id, None)
    }

    fn begin(
        folder: PathBuf,
        log_id: LogId,
        identity: Option<Identity>,
    ) -> Result<Self, ReadError> {
        let paths = list_in(&folder).map_err(|e| unavailable(&folder, &e))?;
        if paths.is_empty() {
            return Err(nothing_in(&folder));
        }
        Ok(Self {
            chain: Chain::of(log_id),
            log_id,
            identity,
            folder,
            paths: paths.into(),
            current: None,
            unconfirmed: None,
            end: None,
            failed: false,
        })
    }

    /// Which ledger it is.
    pub fn log_id(&self) -> LogId {
        self.log_id
    }
    /// What the ledger says about itself; `None` where segments are all there is.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
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
        let Some(path) = self.paths.pop_front() else { return Ok(None) };
        let file = File::open(&path).map_err(|e| unavailable(&path, &e))?;
        // A footer can be made again; one that is damaged costs nothing here.
        let footer = footer::find(&file).map_err(|e| unavailable(&path, &e))?.ok().flatten();
        let end = footer.as_ref().map_or(u64::MAX, |placed| placed.offset);
        let begun = Scan::begin_to(file, end).map_err(|e| unavailable(&path, &e))?;
        let (header, scan) = begun.map_err(|what| self.corrupt(&path, 0, &what))?;
        if let Err(what) = self.chain.check_segment(&header) {
            // The one before ended too early: that is where the damage is.
            return Err(match self.unconfirmed.take() {
                Some(torn) => self.corrupt(&torn.path, torn.offset, &torn.reason),
                None => self.corrupt(&path, 0, &what),
            });
        }
        self.unconfirmed = None;
        let sealed = footer.map(|placed| (placed.footer.last_seq, placed.footer.last_hash));
        Ok(Some(Open { path, scan, sealed }))
    }

    /// Whether more segments follow the one at `path`; a server may have begun them meanwhile.
    fn others_follow(&mut self, path: &Path) -> Result<bool, ReadError> {
        if self.paths.is_empty() {
            let all = list_in(&self.folder).map_err(|e| unavailable(&self.folder, &e))?;
            self.paths = all.into_iter().filter(|other| other.as_path() > path).collect();
        }
        Ok(!self.paths.is_empty())
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
            match open.scan.step().map_err(|e| unavailable(&open.path, &e))? {
                Step::Record(found) => {
                    let offset = found.offset;
                    let admitted = self.chain.admit(found);
                    let recorded =
                        admitted.map_err(|what| self.corrupt(&open.path, offset, &what))?;
                    self.current = Some(open);
                    return Ok(Some(recorded));
                }
                Step::End { offset } => self.finish(open, offset)?,
                Step::Torn { offset, error } if open.sealed.is_none() => {
                    let torn = Torn { path: open.path, offset, reason: error.to_string() };
                    if self.others_follow(&torn.path)? {
                        // A footer that a crash cut short looks like this too.
                        self.unconfirmed = Some(torn);
                        continue;
                    }
                    let Torn { path, offset, reason } = torn;
                    self.end = Some(End::Torn { path, offset, reason });
                    return Ok(None);
                }
                Step::Torn { offset, error } | Step::Damaged { offset, error, .. } => {
                    return Err(self.corrupt(&open.path, offset, &error.to_string()));
                }
            }
        }
    }

    /// Holds a segment whose records have ended against what its footer says.
    fn finish(&mut self, open: Open, offset: u64) -> Result<(), ReadError> {
        let reached = (self.chain.head().seq, self.chain.hash());
        match open.sealed {
            Some(sealed) if sealed != reached => {
                let what = format!(
                    "records end with seq {} ({}), the footer says {} ({})",
                    reached.0, reached.1, sealed.0, sealed.1
                );
                Err(self.corrupt(&open.path, offset, &what))
            }
            Some(_) => self.others_follow(&open.path).map(|_| ()),
            None => {
                let reason = "records end here".into();
                let torn = Torn { path: open.path, offset, reason };
                if self.others_follow(&torn.path)? {
                    self.unconfirmed = Some(torn);
                }
                Ok(())
            }
        }
    }
}

fn nothing_in(folder: &Path) -> ReadError {
    ReadError::Unavailable { reason: format!("{}: no segment is there", folder.display()) }
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
