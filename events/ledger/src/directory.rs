//! The small files of a ledger's directory: who it is, who has it open, how it was closed.
//!
//! ```text
//! ledger.json   identity; written once
//! lock          held by the process that has it open; its pid for people to read
//! epoch         number of openings; stamped into every commit
//! clean         present only after an orderly close: the head and its hash
//! segments/     the commits
//! store/        a copy that serves reads; may be deleted at any time
//! ```

use crate::files;
use crate::ledger::{Deviation, ReadError, Seq};
use grimnir_events::{ContentHash, LogId, SiteId, UtcMicros};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Format of a ledger's directory that this program writes.
pub const DIRECTORY_FORMAT: u32 = 1;

/// What a ledger says about itself, in `ledger.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Format of the directory.
    pub format: u32,
    /// The ledger.
    pub log_id: LogId,
    /// The site that owns it.
    pub site_id: SiteId,
    /// When it was begun.
    pub created_at: UtcMicros,
}

impl Identity {
    /// Reads it from a ledger's directory.
    pub fn load(dir: &Path) -> Result<Self, ReadError> {
        let path = dir.join("ledger.json");
        let unavailable = |reason| ReadError::Unavailable { reason };
        match Self::find(dir) {
            Ok(Some(identity)) => Ok(identity),
            Ok(None) => Err(unavailable(format!("{} is not there: no ledger", path.display()))),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    pub(crate) fn find(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join("ledger.json");
        let Some(bytes) = files::read_if_there(&path).map_err(OpenError::io(&path))? else {
            return Ok(None);
        };
        let foreign = |reason: String| OpenError::Foreign { path: path.clone(), reason };
        let identity: Self = serde_json::from_slice(&bytes).map_err(|e| foreign(e.to_string()))?;
        if identity.format != DIRECTORY_FORMAT {
            let found = identity.format;
            return Err(foreign(format!("format {found}, this program knows {DIRECTORY_FORMAT}")));
        }
        Ok(Some(identity))
    }

    pub(crate) fn store(&self, dir: &Path) -> Result<(), OpenError> {
        let path = dir.join("ledger.json");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|e| OpenError::Foreign { path: path.clone(), reason: e.to_string() })?;
        files::replace(&path, &text).map_err(OpenError::io(&path))
    }
}

/// Why a ledger could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file system said no.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// Another process has it open.
    #[error("{} is held by {}: one process may open a ledger", path.display(), holder(pid))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process named in it, where one is.
        pid: Option<u32>,
    },
    /// It is not a ledger of this program, or not the one that was wanted.
    #[error("{}: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The server cannot be reached, or does not serve the stream.
    #[error("JetStream: {reason}")]
    Away {
        /// What was found.
        reason: String,
    },
    /// What the stream promises is less than a ledger has to.
    #[error("stream {stream} is weaker than a ledger has to be: {}", list(deviations))]
    Weaker {
        /// The stream.
        stream: String,
        /// In what.
        deviations: Vec<Deviation>,
    },
    /// The ledger contradicts itself or cannot be read. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] ReadError),
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io { path, reason: error.to_string() }
    }
}

fn list(deviations: &[Deviation]) -> String {
    let all: Vec<String> = deviations.iter().map(ToString::to_string).collect();
    all.join("; ")
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}

/// The process lock; let go when dropped, and by the kernel when the process dies.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("lock");
        let io = || OpenError::io(&path);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io())?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(io())?;
                return Err(OpenError::Locked { pid: text.trim().parse().ok(), path });
            }
            Err(error) => return Err(io()(error.into())),
        }
        file.set_len(0).map_err(io())?;
        writeln!(file, "{}", std::process::id()).map_err(io())?;
        Ok(Self { _file: file })
    }
}

/// The epoch last used; `None` before the first opening was complete.
pub(crate) fn load_epoch(dir: &Path) -> Result<Option<u64>, OpenError> {
    let path = dir.join("epoch");
    let Some(bytes) = files::read_if_there(&path).map_err(OpenError::io(&path))? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let found = text.trim();
    let reason = format!("\"{found}\" is not an epoch");
    found.parse().map(Some).map_err(|_| OpenError::Foreign { path, reason })
}

/// Makes an epoch the one in use.
pub(crate) fn store_epoch(dir: &Path, epoch: u64) -> Result<(), OpenError> {
    let path = dir.join("epoch");
    files::replace(&path, format!("{epoch}\n").as_bytes()).map_err(OpenError::io(&path))
}

/// What an orderly close left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Clean {
    /// The head.
    pub seq: Seq,
    /// Hash of the commit there; zero for an empty ledger.
    pub hash: ContentHash,
    /// The store was whole too, and written out.
    pub store: bool,
}

impl Clean {
    /// What the last close left; anything unreadable counts as nothing.
    pub fn load(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join("clean");
        let bytes = files::read_if_there(&path).map_err(OpenError::io(&path))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
    /// Leaves it for the next opening.
    pub fn store(&self, dir: &Path) -> io::Result<()> {
        files::replace(&dir.join("clean"), &serde_json::to_vec(self)?)
    }
    /// Takes it away, durably: from here on only an orderly close makes the ledger clean again.
    pub fn remove(dir: &Path) -> Result<(), OpenError> {
        let path = dir.join("clean");
        match fs::remove_file(&path) {
            Ok(()) => files::sync_parent(&path).map_err(OpenError::io(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(OpenError::io(&path)(error)),
        }
    }
}
