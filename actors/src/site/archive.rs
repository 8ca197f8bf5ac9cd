//! The archive of a running site: sealed segments are copied to it, and nothing waits for that.

use crate::error::CommandError;
use grimnir_ledger::Ledger;
use grimnir_ledger::archive::{Archiver, Pace};
use serde::Serialize;
use std::path::Path;

pub use grimnir_ledger::archive::Place as ArchivePlace;

/// How far the archive is. Where it is stays untold: anybody may ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ArchiveReadiness {
    /// Every commit up to this position is archived.
    pub seq: u64,
    /// Segments that are archived.
    pub segments: u64,
    /// Sealed segments that are not.
    pub behind: u64,
    /// Tries that failed since the start.
    pub failures: u64,
    /// Why the last try failed; it is tried again, and the site is no less ready.
    pub fault: Option<String>,
}

/// Begins to archive the ledger in `ledger_dir`, where an archive was named.
pub(crate) fn open(
    place: Option<&ArchivePlace>,
    ledger_dir: &Path,
    ledger: &dyn Ledger,
) -> Result<Option<Archiver>, CommandError> {
    let Some(place) = place.cloned() else { return Ok(None) };
    let spawned = Archiver::spawn(ledger_dir, place, Pace::default(), ledger.sealed());
    let failed = |reason| CommandError::Failed { what: "opening the archive", reason };
    spawned.map(Some).map_err(|e| failed(e.to_string()))
}

/// How far it is.
pub(crate) fn readiness(archiver: &Archiver) -> ArchiveReadiness {
    let status = archiver.status();
    let status = status.borrow();
    ArchiveReadiness {
        seq: status.archived,
        segments: status.segments,
        behind: status.behind,
        failures: status.failures,
        fault: status.fault.clone(),
    }
}
