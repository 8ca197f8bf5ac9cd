//! The proof on disk, in a folder of the ledger's directory:
//!
//! ```text
//! key           the secret key (mode 0600)
//! keys          the history of all keys
//! checkpoint    the newest checkpoint, with the cosignatures it got
//! checkpoints   every checkpoint, one after the other; only ever appended to
//! tile/         hashes of the tree (C2SP tlog-tiles)
//! witnesses     how far each witness has cosigned us
//! witnessed/    what we cosigned for other sites
//! ```
//!
//! Everything but `key`, `keys` and the checkpoints can be made again from the ledger.

use super::checkpoint::{SignedCheckpoint, split_notes};
use super::error::ProofError;
use super::note::{MAX_NOTE_BYTES, SignatureLine, VerifierKey};
use super::tile::{TileId, Tiles};
use crate::files;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NEWEST: &str = "checkpoint";
const ALL: &str = "checkpoints";
/// More than one checkpoint with all the cosignatures it may have.
const TAIL_BYTES: u64 = 2 * MAX_NOTE_BYTES as u64;

/// The folder of a ledger's proof.
#[derive(Clone, Debug)]
pub struct ProofFolder {
    dir: PathBuf,
    /// Notary and witnesses' answers both write checkpoints; clones share the turn.
    turn: Arc<Mutex<()>>,
}

impl ProofFolder {
    /// That of the ledger in `ledger_dir`; nothing is made.
    pub fn of(ledger_dir: &Path) -> Self {
        Self::at(&ledger_dir.join("proof"))
    }
    /// The folder itself.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), turn: Arc::default() }
    }
    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Makes it where it is missing.
    pub fn make(&self) -> Result<(), ProofError> {
        files::make_dir(&self.dir).map_err(ProofError::io(&self.dir))
    }

    /// The newest checkpoint; `None` where none was signed.
    pub fn newest(&self) -> Result<Option<SignedCheckpoint>, ProofError> {
        let kept = self.text(NEWEST)?.map(|text| text.parse::<SignedCheckpoint>()).transpose()?;
        // It is put in its place after the row was extended, so the row may be one ahead.
        let in_row = self.last_in_row()?;
        Ok(match (kept, in_row) {
            (Some(kept), Some(row)) if row.checkpoint.size > kept.checkpoint.size => Some(row),
            (kept, row) => kept.or(row),
        })
    }

    /// The newest checkpoint as it is served.
    pub fn newest_text(&self) -> Result<Option<String>, ProofError> {
        self.text(NEWEST)
    }

    /// Every checkpoint that was kept, in order; a cut one at the end is left out.
    pub fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, ProofError> {
        let text = self.text(ALL)?.unwrap_or_default();
        let (notes, _) = split_notes(&text);
        let row: Result<Vec<SignedCheckpoint>, _> = notes.into_iter().map(str::parse).collect();
        let mut row = row?;
        row.extend(self.text(NEWEST)?.map(|text| text.parse()).transpose()?);
        Ok(row)
    }

    /// Keeps a checkpoint, durably: first in the row, then as the newest.
    pub fn keep(&self, signed: &SignedCheckpoint) -> Result<(), ProofError> {
        let _turn = self.turn();
        self.keep_now(signed)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_now(&self, signed: &SignedCheckpoint) -> Result<(), ProofError> {
        self.append_to_row(signed)?;
        let path = self.dir.join(NEWEST);
        files::replace(&path, signed.to_string().as_bytes()).map_err(ProofError::io(&path))
    }

    /// Adds a witness's cosignature to the newest checkpoint; false where a newer one took its
    /// place or the witness has cosigned it already.
    pub fn add_cosignature(
        &self,
        of: &SignedCheckpoint,
        line: SignatureLine,
        witness: &VerifierKey,
    ) -> Result<bool, ProofError> {
        let _turn = self.turn();
        let Some(mut newest) = self.newest()? else { return Ok(false) };
        let known = newest.note.signatures.iter();
        let known = known.filter_map(|line| witness.verify(newest.note.text(), line)).count() > 0;
        if newest.checkpoint != of.checkpoint || known {
            return Ok(false);
        }
        newest.note.signatures.push(line);
        self.keep_now(&newest).map(|()| true)
    }

    fn append_to_row(&self, signed: &SignedCheckpoint) -> Result<(), ProofError> {
        let path = self.dir.join(ALL);
        let io = || ProofError::io(&path);
        let whole = self.row_length()?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(io())?;
        let rest = file.metadata().map_err(io())?.len().saturating_sub(whole);
        if rest > MAX_NOTE_BYTES as u64 {
            let reason = format!("{} has {rest} bytes after byte {whole}", path.display());
            return Err(ProofError::malformed("row of checkpoints", reason));
        }
        // What an append that was cut off left goes; a checkpoint in it was never anybody's.
        file.set_len(whole).map_err(io())?;
        file.seek(SeekFrom::End(0)).map_err(io())?;
        file.write_all(format!("{signed}\n").as_bytes()).map_err(io())?;
        file.sync_all().map_err(io())?;
        if whole == 0 {
            files::sync_parent(&path).map_err(io())?;
        }
        Ok(())
    }

    /// The end of the row, from a note's beginning on, and the offset where it begins.
    fn row_tail(&self) -> Result<(u64, String), ProofError> {
        let path = self.dir.join(ALL);
        let io = || ProofError::io(&path);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok((0, String::new()));
            }
            Err(error) => return Err(io()(error)),
        };
        let length = file.metadata().map_err(io())?.len();
        let from = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(from)).map_err(io())?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io())?;
        let mut skip = 0;
        if from > 0 {
            // Into the middle of a note: go on after the signatures of the one that ends next.
            let mark = "\n\u{2014} ".as_bytes();
            let signature = bytes.windows(mark.len()).position(|w| w == mark).unwrap_or(0);
            let end = bytes[signature..].windows(2).position(|w| w == b"\n\n");
            skip = end.map_or(bytes.len(), |end| signature + end + 2);
        }
        bytes.drain(..skip);
        // A write that was cut off may have cut a character.
        let whole = std::str::from_utf8(&bytes).map_or_else(|e| e.valid_up_to(), str::len);
        bytes.truncate(whole);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok((from + skip as u64, text))
    }

    fn row_length(&self) -> Result<u64, ProofError> {
        let (from, text) = self.row_tail()?;
        Ok(from + split_notes(&text).1 as u64)
    }

    fn last_in_row(&self) -> Result<Option<SignedCheckpoint>, ProofError> {
        let (_, text) = self.row_tail()?;
        split_notes(&text).0.last().map(|note| note.parse()).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<String>, ProofError> {
        let path = self.dir.join(name);
        let bytes = files::read_if_there(&path).map_err(ProofError::io(&path))?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| ProofError::malformed("checkpoint", "it is not text"))
    }

    fn tile_path(&self, id: TileId) -> PathBuf {
        self.dir.join("tile").join(id.to_string())
    }

    /// The content of a tile, whatever is there; `None` where nothing is.
    pub fn find_tile(&self, id: TileId) -> Result<Option<Vec<u8>>, ProofError> {
        let path = self.tile_path(id);
        files::read_if_there(&path).map_err(ProofError::io(&path))
    }

    /// Writes a tile as a whole, durably; a full one takes its partial ones away.
    pub fn put_tile(&self, id: TileId, content: &[u8]) -> Result<(), ProofError> {
        let path = self.tile_path(id);
        if let Some(parent) = path.parent() {
            files::make_dir(parent).map_err(ProofError::io(parent))?;
        }
        files::replace(&path, content).map_err(ProofError::io(&path))?;
        if id.is_full() {
            let partials = files::beside(&path, "p");
            match fs::remove_dir_all(&partials) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ProofError::io(&partials)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Tiles for ProofFolder {
    /// A partial tile that is gone is cut from the wider one that took its place.
    fn tile(&self, id: TileId) -> Result<Vec<u8>, ProofError> {
        let mut content = match self.find_tile(id)? {
            Some(content) => Some(content),
            None => self.find_tile(TileId::full(id.level, id.index))?,
        };
        if let Some(content) = &mut content {
            content.truncate(id.bytes());
        }
        let content = content.unwrap_or_default();
        if content.len() == id.bytes() {
            return Ok(content);
        }
        let reason = format!("{} bytes are there, expected {}", content.len(), id.bytes());
        Err(ProofError::Tile { tile: id.to_string(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::checkpoint::Checkpoint;
    use crate::proof::note::{KeyKind, SignerKey};

    fn signed(size: u64) -> SignedCheckpoint {
        let key = SignerKey::from_seed("o", KeyKind::Note, [1; 32]).expect("is a key");
        Checkpoint { origin: "o".into(), size, root: [size as u8; 32] }.sign(&key)
    }

    fn folder() -> (tempfile::TempDir, ProofFolder) {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = ProofFolder::at(dir.path());
        (dir, folder)
    }

    #[test]
    fn checkpoints_are_kept_in_order_and_a_cut_one_is_dropped() {
        let (dir, folder) = folder();
        assert_eq!(folder.newest(), Ok(None));
        // Enough of them that the end of the row is found from its middle.
        for size in 1..=900 {
            folder.keep(&signed(size)).expect("keeps");
        }
        let sizes = |folder: &ProofFolder| -> Vec<u64> {
            let all = folder.checkpoints().expect("reads");
            all.iter().map(|signed| signed.checkpoint.size).collect()
        };
        let expected: Vec<u64> = (1..=900).chain([900]).collect();
        assert_eq!(sizes(&folder), expected);
        let path = dir.path().join("checkpoints");
        let bytes = std::fs::read(&path).expect("reads");
        assert!(bytes.len() as u64 > TAIL_BYTES, "the row is longer than what is read of it");
        std::fs::write(&path, &bytes[..bytes.len() - 30]).expect("writes");
        folder.keep(&signed(901)).expect("keeps");
        let expected: Vec<u64> = (1..=899).chain([901, 901]).collect();
        assert_eq!(sizes(&folder), expected);
    }

    #[test]
    fn a_checkpoint_that_only_the_row_has_is_the_newest() {
        let (_dir, folder) = folder();
        folder.keep(&signed(1)).expect("keeps");
        folder.append_to_row(&signed(2)).expect("appends");
        assert_eq!(folder.newest(), Ok(Some(signed(2))));
    }

    #[test]
    fn a_full_tile_takes_the_place_of_its_partial_ones() {
        let (_dir, folder) = folder();
        let partial = TileId { width: 3, ..TileId::full(0, 1234) };
        folder.put_tile(partial, &[5; 96]).expect("writes");
        assert_eq!(folder.tile(partial), Ok(vec![5; 96]));
        folder.put_tile(TileId::full(0, 1234), &[5; 8192]).expect("writes");
        assert_eq!(folder.find_tile(partial), Ok(None));
        assert_eq!(folder.tile(partial), Ok(vec![5; 96]));
        assert!(folder.tile(TileId::full(0, 1235)).is_err());
    }
}
