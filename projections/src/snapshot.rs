//! The snapshot of the read models: a cache, replaced atomically, believed only when it fits.
//!
//! One line of JSON names the model's version, the ledger, the position, the hash of the commit at
//! that position and the SHA-256 of the rest; the rest is the model as JSON. A missing, damaged or
//! foreign snapshot is passed over and everything is folded again.

#![expect(clippy::disallowed_methods, reason = "the one file of this crate that touches files")]

use crate::model::{MODEL_VERSION, Model};
use grimnir_events::{ContentHash, LogId};
use grimnir_ledger::Ledger;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(PartialEq, Debug, Serialize, Deserialize)]
struct Head {
    model_version: u32,
    log_id: LogId,
    position: u64,
    hash: ContentHash,
    body_sha256: ContentHash,
}

/// Where the snapshot is in its directory.
pub fn path(dir: &Path) -> PathBuf {
    dir.join("read-models.json")
}

/// The file's bytes.
pub fn encode(log_id: LogId, model: &Model) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(model)?;
    let head = Head {
        model_version: MODEL_VERSION,
        log_id,
        position: model.position,
        hash: model.hash,
        body_sha256: ContentHash(Sha256::digest(&body).into()),
    };
    let mut bytes = serde_json::to_vec(&head)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Puts the bytes in the file's place, whole or not at all.
pub fn store(dir: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let fresh = dir.join("read-models.json.new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&fresh, path(dir))
}

/// The model in the directory, if it is whole and of this ledger.
pub async fn load(dir: &Path, ledger: &dyn Ledger) -> Option<Model> {
    let file = path(dir);
    let log_id = ledger.log_id();
    let read = tokio::task::spawn_blocking(move || match fs::read(&file) {
        Ok(bytes) => decode(&bytes, log_id).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    });
    let found = match read.await {
        Ok(Ok(model)) => model?,
        Ok(Err(reason)) => return passed_over(&reason),
        Err(error) => return passed_over(&error.to_string()),
    };
    match ledger.read_all(found.position, 1).await.as_deref() {
        Ok([commit]) if (commit.seq, commit.hash) == (found.position, found.hash) => Some(found),
        Ok(_) => passed_over("the ledger has another commit at its position"),
        Err(error) => passed_over(&error.to_string()),
    }
}

fn passed_over(reason: &str) -> Option<Model> {
    tracing::warn!(outcome = reason, "snapshot of the read models passed over; folding again");
    None
}

fn decode(bytes: &[u8], log_id: LogId) -> Result<Model, String> {
    let end = bytes.iter().position(|b| *b == b'\n').ok_or("it has no first line")?;
    let (head, body) = (&bytes[..end], &bytes[end + 1..]);
    let head: Head = serde_json::from_slice(head).map_err(|e| e.to_string())?;
    if head.model_version != MODEL_VERSION {
        return Err(format!("model version {}, expected {MODEL_VERSION}", head.model_version));
    }
    if head.log_id != log_id {
        return Err(format!("it is of ledger {}, expected {log_id}", head.log_id));
    }
    let found = ContentHash(Sha256::digest(body).into());
    if found != head.body_sha256 {
        return Err(format!("body hash {found}, expected {}", head.body_sha256));
    }
    let model: Model = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    if (model.position, model.hash) != (head.position, head.hash) {
        return Err("its first line and its body name different positions".to_owned());
    }
    Ok(model)
}
