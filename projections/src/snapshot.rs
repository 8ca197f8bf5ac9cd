//! The snapshot of the read models: a cache, believed only when it is whole and of this ledger.
//!
//! The state is the model as JSON. A missing, damaged or foreign snapshot is passed over and
//! everything is folded again.
#![expect(clippy::disallowed_methods, reason = "the one file of this crate that touches files")]

use crate::model::{MODEL_VERSION, Model};
use grimnir_events::LogId;
use grimnir_ledger::{Ledger, Snapshot, SnapshotHead};
use std::io;
use std::path::{Path, PathBuf};

/// Where the snapshot is in its directory.
pub fn path(dir: &Path) -> PathBuf {
    dir.join("read-models.snap")
}

/// Puts the snapshot of a model in the directory, whole or not at all.
pub fn store(dir: &Path, log_id: LogId, model: &Model) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let head = SnapshotHead::new(log_id, MODEL_VERSION, model.position, model.hash);
    head.write(&path(dir), |out| Ok(serde_json::to_writer(out, model)?))
}

/// The model in the directory, if it is whole and of this ledger.
pub async fn load(dir: &Path, ledger: &dyn Ledger) -> Option<Model> {
    let (file, log_id) = (path(dir), ledger.log_id());
    let read =
        tokio::task::spawn_blocking(move || Snapshot::read(&file, log_id, MODEL_VERSION)).await;
    let snapshot = read.ok().flatten()?;
    match snapshot.is_of(ledger).await {
        Ok(true) => {}
        Ok(false) => return passed_over("the ledger has another commit at its position"),
        Err(error) => return passed_over(&error.to_string()),
    }
    match serde_json::from_slice::<Model>(&snapshot.state) {
        Ok(model) if (model.position, model.hash) == (snapshot.head.seq, snapshot.head.hash) => {
            Some(model)
        }
        Ok(_) => passed_over("its state is of another position"),
        Err(error) => passed_over(&error.to_string()),
    }
}

fn passed_over(reason: &str) -> Option<Model> {
    tracing::warn!(outcome = reason, "snapshot of the read models passed over; folding again");
    None
}
