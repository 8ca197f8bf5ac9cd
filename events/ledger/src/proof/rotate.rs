//! Giving a ledger's log a new key, while no server has it open.

use super::checkpoint::origin_of;
use super::folder::ProofFolder;
use super::keys::Keys;
use super::note::VerifierKey;
use crate::directory::{Identity, Lock, OpenError};
use grimnir_events::UtcMicros;
use std::path::Path;

/// Makes a new key for the log of the ledger in `ledger_dir`, signed by the one it has; answers it.
/// From the last checkpoint on it is the new one that signs.
pub fn rotate_key(ledger_dir: &Path, now: UtcMicros) -> Result<VerifierKey, OpenError> {
    // A running notary has the old key in memory and would go on with it.
    let _lock = Lock::take(ledger_dir)?;
    let identity = Identity::load(ledger_dir)?;
    let folder = ProofFolder::of(ledger_dir);
    let rotate = || {
        folder.make()?;
        let from_size = folder.newest()?.map_or(0, |newest| newest.checkpoint.size);
        let origin = origin_of(identity.site_id, identity.log_id);
        let mut keys = Keys::open(folder.dir(), &origin, now)?;
        keys.rotate(from_size, now)?;
        Ok(keys.signer().verifier())
    };
    rotate().map_err(|error: super::error::ProofError| OpenError::Foreign {
        path: folder.dir().to_owned(),
        reason: error.to_string(),
    })
}
