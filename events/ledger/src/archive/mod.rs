//! Copies of sealed segments elsewhere: a folder, a bucket, whatever an `object_store` URL names.
//!
//! ```text
//! <url>/<log id>/ledger.json        identity, as in the ledger's own directory
//! <url>/<log id>/segments/*.seg     sealed segments, byte by byte
//! <url>/<log id>/manifest.json      what is archived: positions, sizes, hashes, roots
//! ```
//!
//! So an archive in a folder is a ledger's directory that replay and audit read. A segment is in
//! the manifest once it was checked here, written, read back, and found the same. Nothing that is
//! archived is ever overwritten: another content under the same name is an error. Reading order:
//! this, `add` (into it), `read` (out of it), `keep` (a ledger that is archived as it grows).

mod add;
mod keep;
mod read;

pub use add::{Outcome, Refused};
pub use keep::{ArchiveStatus, Archiver, Pace, Place};
pub use read::{ArchiveCopy, Commits};

use crate::ledger::{ReadError, Seq};
use crate::segment;
use bytes::Bytes;
use futures_util::StreamExt;
use grimnir_events::{ContentHash, LogId};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Format of the manifest that this program writes.
pub const MANIFEST_FORMAT: u32 = 1;

/// Why something was not archived, or not read from an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The URL names no store that this program can use.
    #[error("{url} is no archive: {reason}")]
    Url {
        /// As given.
        url: String,
        /// Why.
        reason: String,
    },
    /// The store said no.
    #[error("archive: {0}")]
    Store(#[from] StoreError),
    /// A file here said no.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The segment here is not what it should be, and was not archived.
    #[error(transparent)]
    Damaged(#[from] ReadError),
    /// What is archived under a name is not what belongs there.
    #[error("{key} is archived with SHA-256 {found}, expected {expected}")]
    Differs {
        /// Its name in the archive.
        key: String,
        /// As read back.
        found: ContentHash,
        /// Of the segment here, or as the manifest says.
        expected: ContentHash,
    },
    /// What is archived of these positions is of another node or copy: it was cut otherwise.
    #[error(
        "seq {first} to {last} are not what is archived from seq {archived} on: each node, and \
         each copy that was followed anew, needs an archive of its own"
    )]
    Overlaps {
        /// First position of the segment here.
        first: Seq,
        /// Its last position.
        last: Seq,
        /// First position of the archived one.
        archived: Seq,
    },
    /// The manifest is not one that this program knows.
    #[error("{key} is no manifest of this program: {reason}")]
    Manifest {
        /// Its name in the archive.
        key: String,
        /// Why.
        reason: String,
    },
}

/// One archived segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Archived {
    /// Position of its first commit.
    pub first_seq: Seq,
    /// Position of its last commit.
    pub last_seq: Seq,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: ContentHash,
    /// Merkle root over its commits.
    pub root: ContentHash,
}

/// What is archived of one ledger, in order of positions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the manifest.
    pub format: u32,
    /// The ledger.
    pub log_id: LogId,
    /// The segments.
    pub segments: Vec<Archived>,
}

/// An archive of any number of ledgers.
#[derive(Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    root: Key,
}

impl Archive {
    /// The archive at a URL (`file:///…`; `s3://…` and `https://…` where built in); `options` are
    /// the store's own, such as keys and regions.
    pub fn open(url: &str, options: &[(String, String)]) -> Result<Self, ArchiveError> {
        let refused = |reason: String| ArchiveError::Url { url: url.into(), reason };
        let parsed = Url::parse(url).map_err(|e| refused(e.to_string()))?;
        if parsed.scheme() == "file" {
            let path = parsed.to_file_path().map_err(|()| refused("is no absolute path".into()))?;
            return Self::in_folder(&path);
        }
        let pairs = options.iter().map(|(key, value)| (key, value.clone()));
        let opened = object_store::parse_url_opts(&parsed, pairs);
        let (store, root) = opened.map_err(|e| refused(e.to_string()))?;
        Ok(Self { store: store.into(), root })
    }

    /// The same, for reading: a folder has to be there.
    pub fn find(url: &str, options: &[(String, String)]) -> Result<Self, ArchiveError> {
        let parsed = Url::parse(url).ok().filter(|parsed| parsed.scheme() == "file");
        let folder = parsed.and_then(|parsed| parsed.to_file_path().ok());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(ArchiveError::Url { url: url.into(), reason: "no such folder".into() });
        }
        Self::open(url, options)
    }

    /// The archive in a folder, which is made where it is missing.
    pub fn in_folder(path: &Path) -> Result<Self, ArchiveError> {
        crate::files::make_dir(path).map_err(|e| io(path, &e))?;
        let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
        Ok(Self::new(Arc::new(store)))
    }

    /// The archive in a store of the caller's.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, root: Key::default() }
    }

    fn key(&self, log_id: LogId, rest: &[&str]) -> Key {
        let mut key = self.root.clone().join(log_id.to_string());
        for part in rest {
            key = key.join(*part);
        }
        key
    }

    /// What is archived of a ledger; empty where nothing is.
    pub async fn manifest(&self, log_id: LogId) -> Result<Manifest, ArchiveError> {
        let key = self.key(log_id, &["manifest.json"]);
        let bytes = match self.store.get(&key).await {
            Ok(found) => found.bytes().await?,
            Err(StoreError::NotFound { .. }) => {
                return Ok(Manifest { format: MANIFEST_FORMAT, log_id, segments: Vec::new() });
            }
            Err(error) => return Err(error.into()),
        };
        let foreign = |reason: String| ArchiveError::Manifest { key: key.to_string(), reason };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|e| foreign(e.to_string()))?;
        if (manifest.format, manifest.log_id) != (MANIFEST_FORMAT, log_id) {
            let Manifest { format, log_id, .. } = manifest;
            return Err(foreign(format!("format {format} of ledger {log_id}")));
        }
        Ok(manifest)
    }

    fn key_of(&self, log_id: LogId, path: &Path) -> Key {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.key(log_id, &["segments", &name])
    }

    /// Reads an object back and holds it against the hash that it should have.
    async fn compare(&self, key: &Key, expected: ContentHash) -> Result<(), ArchiveError> {
        let mut stream = self.store.get(key).await?.into_stream();
        let mut hash = Sha256::new();
        while let Some(part) = stream.next().await {
            hash.update(&part?);
        }
        let found = ContentHash(hash.finalize().into());
        if found == expected {
            return Ok(());
        }
        Err(ArchiveError::Differs { key: key.to_string(), found, expected })
    }

    /// Identities of the ledgers that something is archived of.
    pub async fn ledgers(&self) -> Result<Vec<LogId>, ArchiveError> {
        let found = self.store.list_with_delimiter(Some(&self.root)).await?;
        let names = found.common_prefixes.iter().filter_map(|key| key.filename());
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// Reads everything that is archived of a ledger and compares it with the manifest.
    pub async fn verify(&self, log_id: LogId) -> Result<Manifest, ArchiveError> {
        let manifest = self.manifest(log_id).await?;
        for archived in &manifest.segments {
            let path = segment::path_of(Path::new(""), archived.first_seq);
            self.compare(&self.key_of(log_id, &path), archived.sha256).await?;
        }
        Ok(manifest)
    }

    /// Copies one archived segment to `into`, compared with the manifest on the way.
    pub async fn fetch(
        &self,
        log_id: LogId,
        archived: &Archived,
        into: &Path,
    ) -> Result<(), ArchiveError> {
        let (bytes, differs) = self.bytes(log_id, archived).await?;
        differs.map_or(Ok(()), Err)?;
        crate::files::replace(into, &bytes).map_err(|e| io(into, &e))
    }

    /// One archived segment, and why it is not what the manifest says, where it is not.
    async fn bytes(
        &self,
        log_id: LogId,
        archived: &Archived,
    ) -> Result<(Bytes, Option<ArchiveError>), ArchiveError> {
        let key = self.key_of(log_id, &segment::path_of(Path::new(""), archived.first_seq));
        let bytes = self.store.get(&key).await?.bytes().await?;
        let found = ContentHash(Sha256::digest(&bytes).into());
        let expected = archived.sha256;
        let differs = ArchiveError::Differs { key: key.to_string(), found, expected };
        Ok((bytes, (found != expected).then_some(differs)))
    }
}

fn io(path: &Path, error: &std::io::Error) -> ArchiveError {
    ArchiveError::Io { path: path.to_owned(), reason: error.to_string() }
}
