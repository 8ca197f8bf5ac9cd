//! Whether a sealed segment still holds what its footer says: every record, and the root over all.

use super::footer::{self, Footer, Placed};
use super::scan::{Scan, Step};
use crate::ledger::{ReadError, Recorded};
use crate::proof::tree::{Frontier, hash_leaf, leaf_of};
use grimnir_events::{Commit, envelope};
use std::fs::File;
use std::io;
use std::path::Path;

/// Reads the whole segment at `path` and holds it against its footer, which it answers.
pub(crate) fn check(path: &Path) -> Result<Footer, ReadError> {
    let unavailable =
        |e: io::Error| ReadError::Unavailable { reason: format!("{}: {e}", path.display()) };
    let corrupt = |seq: u64, what: String| ReadError::Corrupt {
        seq,
        reason: format!("{}: {what}", path.display()),
    };
    let file = File::open(path).map_err(unavailable)?;
    let found = footer::find(&file).map_err(unavailable)?.map_err(|what| corrupt(0, what))?;
    let Placed { footer, offset } = found.ok_or_else(|| corrupt(0, "is not sealed".into()))?;
    let begun = Scan::begin_to(file, offset).map_err(unavailable)?;
    let (header, mut scan) = begun.map_err(|what| corrupt(footer.first_seq, what))?;
    if (header.first_seq, header.log_id) != (footer.first_seq, footer.log_id) {
        return Err(corrupt(footer.first_seq, "header and footer disagree".into()));
    }
    let mut tree = Frontier::default();
    for seq in footer.first_seq..=footer.last_seq {
        let found = match scan.step().map_err(unavailable)? {
            Step::Record(found) if found.seq == seq => found,
            Step::Record(found) => {
                return Err(corrupt(seq, format!("holds seq {} in its place", found.seq)));
            }
            Step::End { offset } => return Err(corrupt(seq, format!("ends at byte {offset}"))),
            Step::Torn { offset, error } | Step::Damaged { offset, error, .. } => {
                return Err(corrupt(seq, format!("at byte {offset}: {error}")));
            }
        };
        let commit = Commit::decode(&found.body).map_err(|e| corrupt(seq, e.to_string()))?;
        let (hash, bytes, recorded_at) =
            (envelope::hash(&found.body), found.body, found.recorded_at);
        tree.push(hash_leaf(&leaf_of(&Recorded { seq, recorded_at, hash, commit, bytes })));
    }
    if tree.root() != footer.root || scan.offset() != offset {
        return Err(corrupt(footer.first_seq, "its commits are not those of its root".into()));
    }
    Ok(footer)
}
