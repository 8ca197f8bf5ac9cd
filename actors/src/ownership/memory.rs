//! What this node owned last, in a file of its own: for when it begins and nobody can be asked.

use super::Unit;
use super::words::raw;
use crate::site::Shared;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Writes down what this node owns now.
pub(super) fn remember(shared: &Shared) -> std::io::Result<()> {
    let owned = shared.ownership.owned().into_iter();
    let owned: BTreeMap<String, u64> =
        owned.map(|(unit, epoch)| (hex::encode(unit), epoch)).collect();
    let path = owned_file(shared);
    let partial = path.with_extension("tmp");
    std::fs::write(&partial, serde_json::to_vec(&owned)?)?;
    std::fs::rename(&partial, &path)
}

/// What the last life of this node owned, under which epochs.
pub fn remembered(shared: &Shared) -> BTreeMap<Unit, u64> {
    let text = std::fs::read(owned_file(shared)).unwrap_or_default();
    let owned: BTreeMap<String, u64> = serde_json::from_slice(&text).unwrap_or_default();
    owned.into_iter().filter_map(|(unit, epoch)| Some((raw(&unit)?, epoch))).collect()
}

fn owned_file(shared: &Shared) -> PathBuf {
    shared.config.data_dir.join("owned.json")
}
