//! Into the archive: every sealed segment that is not there yet, read back before it counts.

use super::{Archive, ArchiveError, Archived, Manifest, io};
use crate::directory::Identity;
use crate::ledger::ReadError;
use crate::segment::{self, check::check, footer::Footer};
use grimnir_events::{ContentHash, LogId};
use object_store::path::Path as Key;
use object_store::{Error as StoreError, ObjectStoreExt, WriteMultipart};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;

/// Sent at once; at most two such parts are under way.
const PART_BYTES: usize = 8 << 20;
const PARTS: usize = 2;
/// Read and hashed at once: nobody else on this thread waits long.
const PIECE_BYTES: usize = 256 << 10;

/// A segment that was not archived.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// Its file.
    pub file: PathBuf,
    /// Why.
    #[serde(rename = "reason", serialize_with = "as_text")]
    pub error: ArchiveError,
}

fn as_text<S: Serializer>(error: &ArchiveError, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(error)
}

/// What became of each segment of a ledger.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The ledger.
    pub log_id: LogId,
    /// Copied now, and read back.
    pub copied: Vec<Archived>,
    /// Archived before, as they are here.
    pub kept: Vec<Archived>,
    /// Not sealed yet: the active one, and what was closed just now.
    pub open: Vec<PathBuf>,
    /// Not archived, with the reason.
    pub refused: Vec<Refused>,
    /// Not tried any more after the archive itself failed.
    pub untried: Vec<PathBuf>,
}

impl Outcome {
    /// Every sealed segment is archived.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.untried.is_empty()
    }
}

impl Archive {
    /// Archives every sealed segment of the ledger in `dir` that is not archived yet, in order;
    /// answers those that were added. A server may have the ledger open meanwhile.
    pub async fn add_from(&self, dir: &Path) -> Result<Vec<Archived>, ArchiveError> {
        let outcome = self.copy_from(dir).await?;
        match outcome.refused.into_iter().next() {
            Some(refused) => Err(refused.error),
            None => Ok(outcome.copied),
        }
    }

    /// The same, and says what became of each segment. One that is damaged here, or that differs
    /// from what is archived, is refused and does not keep the others out.
    pub async fn copy_from(&self, dir: &Path) -> Result<Outcome, ArchiveError> {
        let log_id = Identity::load(dir)?.log_id;
        let mut manifest = self.manifest(log_id).await?;
        let (copied, kept, open) = (Vec::new(), Vec::new(), Vec::new());
        let (refused, untried) = (Vec::new(), Vec::new());
        let mut outcome = Outcome { log_id, copied, kept, open, refused, untried };
        let mut paths = segment::list(dir).map_err(|e| io(dir, &e))?.into_iter();
        while let Some(path) = paths.next() {
            match self.one(dir, &mut manifest, &path).await {
                Ok(One::Open) => outcome.open.push(path),
                Ok(One::Kept(archived)) => outcome.kept.push(archived),
                Ok(One::Copied(archived)) => outcome.copied.push(archived),
                Err(error) => {
                    let store_failed =
                        matches!(error, ArchiveError::Store(_) | ArchiveError::Manifest { .. });
                    outcome.refused.push(Refused { file: path, error });
                    if store_failed {
                        outcome.untried.extend(paths.by_ref());
                    }
                }
            }
        }
        Ok(outcome)
    }

    async fn one(
        &self,
        dir: &Path,
        manifest: &mut Manifest,
        path: &Path,
    ) -> Result<One, ArchiveError> {
        let log_id = manifest.log_id;
        let Some(footer) = Footer::load(path)? else { return Ok(One::Open) };
        if footer.log_id != log_id {
            let seq = footer.first_seq;
            let reason = format!("{}: it belongs to {}", path.display(), footer.log_id);
            return Err(ReadError::Corrupt { seq, reason }.into());
        }
        if let Some(archived) = self.has(manifest, &footer, path).await? {
            return Ok(One::Kept(archived));
        }
        if manifest.segments.is_empty() {
            let at = dir.join("ledger.json");
            let text = std::fs::read(&at).map_err(|e| io(&at, &e))?;
            self.store.put(&self.key(log_id, &["ledger.json"]), text.into()).await?;
        }
        let archived = self.add(log_id, path).await?;
        manifest.segments.retain(|other| other.first_seq != archived.first_seq);
        manifest.segments.push(archived.clone());
        manifest.segments.sort_by_key(|archived| archived.first_seq);
        let text = serde_json::to_vec_pretty(manifest).map_err(|e| ArchiveError::Manifest {
            key: "manifest.json".into(),
            reason: e.to_string(),
        })?;
        self.store.put(&self.key(log_id, &["manifest.json"]), text.into()).await?;
        Ok(One::Copied(archived))
    }

    /// The entry of a segment that is in the manifest, as it is here, and still in the store.
    async fn has(
        &self,
        manifest: &Manifest,
        footer: &Footer,
        path: &Path,
    ) -> Result<Option<Archived>, ArchiveError> {
        let (first, last) = (footer.first_seq, footer.last_seq);
        let shares =
            |archived: &&Archived| archived.first_seq <= last && archived.last_seq >= first;
        let Some(archived) = manifest.segments.iter().find(shares) else { return Ok(None) };
        let found = (archived.first_seq, archived.last_seq, archived.root.0);
        if found != (first, last, footer.root) {
            return Err(ArchiveError::Overlaps { first, last, archived: archived.first_seq });
        }
        match self.store.head(&self.key_of(footer.log_id, path)).await {
            Ok(found) => Ok((found.size == archived.bytes).then(|| archived.clone())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn add(&self, log_id: LogId, path: &Path) -> Result<Archived, ArchiveError> {
        let key = self.key_of(log_id, path);
        let footer = {
            let path = path.to_owned();
            let joined = tokio::task::spawn_blocking(move || check(&path)).await;
            joined.map_err(|e| io(Path::new(key.as_ref()), &std::io::Error::other(e)))??
        };
        let there = self.store.head(&key).await;
        let (sha256, bytes) = match there {
            Err(StoreError::NotFound { .. }) => self.send(path, Some(&key)).await?,
            Ok(_) => self.send(path, None).await?,
            Err(error) => return Err(error.into()),
        };
        self.compare(&key, sha256).await?;
        let (first_seq, last_seq) = (footer.first_seq, footer.last_seq);
        Ok(Archived { first_seq, last_seq, bytes, sha256, root: ContentHash(footer.root) })
    }

    /// Reads a file, and writes it to `to` where one is given; answers its SHA-256 and its length.
    async fn send(
        &self,
        path: &Path,
        to: Option<&Key>,
    ) -> Result<(ContentHash, u64), ArchiveError> {
        let mut writer = match to {
            Some(key) => {
                let upload = self.store.put_multipart(key).await?;
                Some(WriteMultipart::new_with_chunk_size(upload, PART_BYTES))
            }
            None => None,
        };
        match pass_on(path, writer.as_mut()).await {
            Ok(sent) => {
                if let Some(writer) = writer {
                    writer.finish().await?;
                }
                Ok(sent)
            }
            Err(error) => {
                if let Some(writer) = writer {
                    // What was sent so far stays nowhere; the error that counts is the first.
                    let _ = writer.abort().await;
                }
                Err(error)
            }
        }
    }
}

async fn pass_on(
    path: &Path,
    mut writer: Option<&mut WriteMultipart>,
) -> Result<(ContentHash, u64), ArchiveError> {
    let mut file = tokio::fs::File::open(path).await.map_err(|e| io(path, &e))?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = file.read(&mut piece).await.map_err(|e| io(path, &e))?;
        if read == 0 {
            return Ok((ContentHash(hash.finalize().into()), length));
        }
        hash.update(&piece[..read]);
        length += read as u64;
        if let Some(writer) = writer.as_deref_mut() {
            writer.wait_for_capacity(PARTS).await?;
            writer.write(&piece[..read]);
        }
    }
}

enum One {
    Open,
    Kept(Archived),
    Copied(Archived),
}
