//! Why there is no answer.

use grimnir_events::CommitId;
use grimnir_ledger::ReadError;
use grimnir_ledger::proof::error::ProofError;
use std::path::{Path, PathBuf};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// There is no ledger, it cannot be read, or it contradicts itself.
    #[error(transparent)]
    Ledger(#[from] ReadError),
    /// No station goes by that name.
    #[error("station \"{found}\" is not in this ledger; {}", list(.known))]
    Station {
        /// The name as given.
        found: String,
        /// The stations there are.
        known: Vec<String>,
    },
    /// Several stations go by that name.
    #[error("\"{found}\" names {} stations; give slug or id: {}", .known.len(), .known.join(", "))]
    Ambiguous {
        /// The name as given.
        found: String,
        /// The stations it names.
        known: Vec<String>,
    },
    /// The station keeps the time of a zone that is not in the time-zone data.
    #[error("station keeps the time of \"{found}\", which is not in the time-zone data")]
    Zone {
        /// The zone.
        found: String,
    },
    /// The text is not an hour.
    #[error(
        "\"{found}\" is not an hour: expected e.g. 2026-11-21T14 in the station's own time, or \
         with an offset, 2026-11-21T14+01:00 or 2026-11-21T13Z"
    )]
    Hour {
        /// The text as given.
        found: String,
    },
    /// The text is not an instant.
    #[error(
        "\"{found}\" is not a time: expected e.g. 2026-11-21T14:03:05 in the station's own time, \
         or with an offset, 2026-11-21T14:03:05.250+01:00 or 2026-11-21T13:03:05Z"
    )]
    Time {
        /// The text as given.
        found: String,
    },
    /// The station's clocks never showed that time.
    #[error("{found} was skipped in {zone}: its clocks went from {from} to {to}")]
    Skipped {
        /// The hour or time.
        found: String,
        /// The zone.
        zone: String,
        /// Last before the gap, local.
        from: String,
        /// First after it, local.
        to: String,
    },
    /// The station's clocks did not show that hour at that offset.
    #[error("{zone} was not at {found} in that hour; it was at {}", .kept.join(" and "))]
    Offset {
        /// The offset as given.
        found: String,
        /// The zone.
        zone: String,
        /// The offsets it had.
        kept: Vec<String>,
    },
    /// The format is none of ours.
    #[error("format \"{found}\" is not known: expected table, json or csv")]
    Format {
        /// The format as given.
        found: String,
    },
    /// The ledger does not reach that far.
    #[error("position {found} is beyond the ledger's last, {last}")]
    Position {
        /// The position as given.
        found: u64,
        /// The last one.
        last: u64,
    },
    /// A file could not be read or written.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        reason: String,
    },
    /// What was signed is not as it must be, or a proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Nothing was signed yet.
    #[error("{} has no checkpoint and keys: a server signs the first one", path.display())]
    Unsigned {
        /// The folder.
        path: PathBuf,
    },
    /// The commit is newer than the last checkpoint.
    #[error("seq {seq} is not signed yet: the last checkpoint covers {size} commits")]
    NotCovered {
        /// The position.
        seq: u64,
        /// Size of the last checkpoint.
        size: u64,
    },
    /// There is no such commit.
    #[error("{found} is not in this ledger")]
    NoCommit {
        /// The commit.
        found: CommitId,
    },
    /// The times are in the wrong order.
    #[error("from {from} to {to} is no span of time")]
    Backwards {
        /// The beginning as given.
        from: String,
        /// The end as given.
        to: String,
    },
    /// The pack cannot be read as one.
    #[error("not a pack of this program: {reason}")]
    Pack {
        /// What was found.
        reason: String,
    },
    /// The answer could not be written.
    #[error("answer cannot be written: {reason}")]
    Write {
        /// Why.
        reason: String,
    },
}

fn list(names: &[String]) -> String {
    match names {
        [] => "it has no station".to_owned(),
        names => format!("it has {}", names.join(", ")),
    }
}

impl ReplayError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io { path, reason: error.to_string() }
    }
    pub(crate) fn write(error: impl std::fmt::Display) -> Self {
        Self::Write { reason: error.to_string() }
    }
}
