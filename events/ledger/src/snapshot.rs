//! Snapshot files: a folded state with the position it was folded to, replaced as a whole.
//!
//! A snapshot is a cache. One that is missing, damaged, of another ledger, of another schema, or
//! folded by another version of the program reads as none, and the state is folded again. Big
//! endian:
//!
//! ```text
//! 0   8   magic "GrimSnp2"
//! 8   4   CRC32C of everything from byte 12 on
//! 12  4   schema of the state
//! 16  4   version of the program that folded it, as commits carry it
//! 20  16  log id
//! 36  8   seq of the last commit folded
//! 44  32  hash of that commit (zero at seq 0)
//! 76  32  SHA-256 of the state
//! 108 n   state
//! ```

use crate::files;
use crate::ledger::{Ledger, ReadError, Seq};
use crate::stage::code_version;
use grimnir_events::{ContentHash, LogId, envelope};
use std::io;
use std::path::Path;

const MAGIC: [u8; 8] = *b"GrimSnp2";
const HEADER_BYTES: usize = 108;

/// A folded state and where it was folded to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The ledger it was folded from.
    pub log_id: LogId,
    /// The caller's version of `state`.
    pub schema: u32,
    /// Version of the program that folded it.
    pub code_version: u32,
    /// Position of the last commit folded; 0: none.
    pub seq: Seq,
    /// Hash of that commit; zero at position 0.
    pub hash: ContentHash,
    /// The state, in the caller's encoding.
    pub state: Vec<u8>,
}

impl Snapshot {
    /// A state as this program folded it.
    pub fn new(log_id: LogId, schema: u32, seq: Seq, hash: ContentHash, state: Vec<u8>) -> Self {
        Self { log_id, schema, code_version: code_version(), seq, hash, state }
    }

    /// Puts it in the place of `path`, durably: after a crash the old one is there or the new.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, &self.encode())
    }

    /// The snapshot at `path`, if it is one of this ledger, schema and program version.
    pub fn read(path: &Path, log_id: LogId, schema: u32) -> Option<Self> {
        let bytes = files::read_if_there(path).ok().flatten()?;
        let snapshot = Self::decode(&bytes)?;
        let fits = snapshot.log_id == log_id
            && snapshot.schema == schema
            && snapshot.code_version == code_version();
        fits.then_some(snapshot)
    }

    /// Whether the ledger holds the very commit this was folded to.
    pub async fn is_of(&self, ledger: &dyn Ledger) -> Result<bool, ReadError> {
        if self.log_id != ledger.log_id() || self.seq == 0 {
            return Ok(self.log_id == ledger.log_id() && self.hash == ContentHash::default());
        }
        let at = ledger.read_all(self.seq, 1).await?;
        Ok(at.first().is_some_and(|recorded| recorded.hash == self.hash))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.state.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.schema.to_be_bytes());
        out.extend_from_slice(&self.code_version.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&envelope::hash(&self.state).0);
        out.extend_from_slice(&self.state);
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, state) = bytes.split_at_checked(HEADER_BYTES)?;
        let crc = crc32c::crc32c(&bytes[12..]);
        let whole = header[..8] == MAGIC
            && header[8..12] == crc.to_be_bytes()
            && header[76..108] == envelope::hash(state).0;
        if !whole {
            return None;
        }
        Some(Self {
            schema: u32::from_be_bytes(header[12..16].try_into().ok()?),
            code_version: u32::from_be_bytes(header[16..20].try_into().ok()?),
            log_id: LogId(header[20..36].try_into().ok()?),
            seq: u64::from_be_bytes(header[36..44].try_into().ok()?),
            hash: ContentHash(header[44..76].try_into().ok()?),
            state: state.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot::new(LogId([7; 16]), 3, 42, ContentHash([9; 32]), b"folded".to_vec())
    }

    #[test]
    fn a_snapshot_reads_back_and_replaces_the_one_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("now-playing.snapshot");
        snapshot().write(&path).expect("writes");
        let later = Snapshot { seq: 43, state: vec![], ..snapshot() };
        later.write(&path).expect("writes");
        assert_eq!(Snapshot::read(&path, later.log_id, 3), Some(later));
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("lists").count(),
            1,
            "nothing is left over"
        );
    }

    #[test]
    fn a_missing_foreign_or_damaged_snapshot_reads_as_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.snapshot");
        let good = snapshot();
        assert_eq!(Snapshot::read(&path, good.log_id, 3), None);
        good.write(&path).expect("writes");
        assert_eq!(Snapshot::read(&path, LogId([8; 16]), 3), None, "another ledger");
        assert_eq!(Snapshot::read(&path, good.log_id, 4), None, "another schema");
        let older = Snapshot { code_version: good.code_version + 1, ..good.clone() };
        older.write(&path).expect("writes");
        assert_eq!(Snapshot::read(&path, good.log_id, 3), None, "another program version");
        // Whole by its checksum, and of another state than its hash says.
        let mut other = good.encode();
        other[108] ^= 1;
        let crc = crc32c::crc32c(&other[12..]);
        other[8..12].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(Snapshot::decode(&other), None, "another state");
        good.write(&path).expect("writes");
        let bytes = std::fs::read(&path).expect("reads");
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Snapshot::decode(&bad), None, "flip at {at}");
            assert_eq!(Snapshot::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
