//! Why something is not proven.

use super::note::NoteError;
use std::io;
use std::path::{Path, PathBuf};

/// Why something is not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The file system said no.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A note is not one, or nobody known has signed it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A text is not what it was taken for.
    #[error("{what} is not well formed: {reason}")]
    Malformed {
        /// What it was taken for.
        what: &'static str,
        /// What was found.
        reason: String,
    },
    /// A proof leads to another root, or is not one for these sizes.
    #[error("{what} does not verify: {reason}")]
    Wrong {
        /// Which proof.
        what: &'static str,
        /// What was found.
        reason: String,
    },
    /// A tile is not there, or not as wide as the tree needs it.
    #[error("tile {tile}: {reason}")]
    Tile {
        /// Its path.
        tile: String,
        /// What was found.
        reason: String,
    },
    /// A key is not to be used as it is.
    #[error("key: {reason}")]
    Key {
        /// What was found.
        reason: String,
    },
}

impl ProofError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io { path, reason: error.to_string() }
    }
    pub(crate) fn malformed(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { what, reason: reason.into() }
    }
    pub(crate) fn wrong(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Wrong { what, reason: reason.into() }
    }
    pub(crate) fn key(reason: impl Into<String>) -> Self {
        Self::Key { reason: reason.into() }
    }
}
