//! Snapshot files: a folded state with the position it was folded to, replaced as a whole.
//!
//! A snapshot is a cache. One that is missing, damaged, of another ledger or of another schema
//! reads as none, and the state is folded again. Big endian:
//!
//! ```text
//! 0   8   magic "GrimSnp\0"
//! 8   4   CRC32C of everything from byte 12 on
//! 12  4   schema of the state
//! 16  16  log id
//! 32  8   seq of the last commit folded
//! 40  32  hash of that commit (zero at seq 0)
//! 72  n   state
//! ```

use crate::files;
use crate::ledger::{Ledger, ReadError, Seq};
use grimnir_events::{ContentHash, LogId};
use std::io;
use std::path::Path;

const MAGIC: [u8; 8] = *b"GrimSnp\0";
const HEADER_BYTES: usize = 72;

/// A folded state and where it was folded to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The ledger it was folded from.
    pub log_id: LogId,
    /// The caller's version of `state`.
    pub schema: u32,
    /// Position of the last commit folded; 0: none.
    pub seq: Seq,
    /// Hash of that commit; zero at position 0.
    pub hash: ContentHash,
    /// The state, in the caller's encoding.
    pub state: Vec<u8>,
}

impl Snapshot {
    /// Puts it in the place of `path`, durably: after a crash the old one is there or the new.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, &self.encode())
    }

    /// The snapshot at `path`, if it is one of this ledger and schema.
    pub fn read(path: &Path, log_id: LogId, schema: u32) -> Option<Self> {
        let bytes = files::read_if_there(path).ok().flatten()?;
        let snapshot = Self::decode(&bytes)?;
        (snapshot.log_id == log_id && snapshot.schema == schema).then_some(snapshot)
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
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&self.state);
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, state) = bytes.split_at_checked(HEADER_BYTES)?;
        let crc = crc32c::crc32c(&bytes[12..]);
        if header[..8] != MAGIC || header[8..12] != crc.to_be_bytes() {
            return None;
        }
        Some(Self {
            schema: u32::from_be_bytes(header[12..16].try_into().ok()?),
            log_id: LogId(header[16..32].try_into().ok()?),
            seq: u64::from_be_bytes(header[32..40].try_into().ok()?),
            hash: ContentHash(header[40..72].try_into().ok()?),
            state: state.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let (log_id, hash) = (LogId([7; 16]), ContentHash([9; 32]));
        Snapshot { log_id, schema: 3, seq: 42, hash, state: b"folded".to_vec() }
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
        let bytes = std::fs::read(&path).expect("reads");
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Snapshot::decode(&bad), None, "flip at {at}");
            assert_eq!(Snapshot::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
