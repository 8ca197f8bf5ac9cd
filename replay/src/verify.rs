//! Whether a ledger's directory is whole: checksums, order, chain, versions.

use crate::ReplayError;
use grimnir_events::{ContentHash, LogId, StreamId, UtcMicros};
use grimnir_ledger::{End, ReadError, SegmentReader};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verified {
    /// The ledger.
    pub log_id: LogId,
    /// Commits that are in order, from the first on.
    pub commits: u64,
    /// Streams they belong to.
    pub streams: usize,
    /// Position of the last of them.
    pub position: u64,
    /// Its hash.
    pub hash: ContentHash,
    /// When it was recorded.
    pub recorded_at: Option<UtcMicros>,
    /// What follows it that is no record: a write that was cut short or is under way. Nothing
    /// acknowledged is behind it.
    pub torn: Option<String>,
    /// The first thing that is wrong; nothing after it was looked at.
    pub fault: Option<Fault>,
}

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Fault {
    /// Ledger position.
    pub seq: u64,
    /// What was found.
    pub reason: String,
}

/// Reads every record: its checksum, the order of positions and times, the gapless versions of
/// each stream, and the chain of hashes; stops at the first fault.
pub fn verify(dir: &Path) -> Result<Verified, ReplayError> {
    let mut reader = SegmentReader::open(dir)?;
    let mut streams: BTreeSet<StreamId> = BTreeSet::new();
    let mut found = Verified {
        log_id: reader.log_id(),
        commits: 0,
        streams: 0,
        position: 0,
        hash: ContentHash::default(),
        recorded_at: None,
        torn: None,
        fault: None,
    };
    for recorded in reader.by_ref() {
        match recorded {
            Ok(recorded) => {
                streams.insert(recorded.commit.header.stream);
                found.commits += 1;
                (found.position, found.hash) = (recorded.seq, recorded.hash);
                found.recorded_at = Some(recorded.recorded_at);
            }
            Err(ReadError::Corrupt { seq, reason }) => found.fault = Some(Fault { seq, reason }),
            Err(error) => return Err(error.into()),
        }
    }
    found.streams = streams.len();
    if let Some(End::Torn { path, offset, reason }) = reader.end() {
        found.torn = Some(format!("{} at byte {offset}: {reason}", path.display()));
    }
    Ok(found)
}
