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
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: [u8; 8] = *b"GrimSnp2";
const HEADER_BYTES: usize = 108;

/// A folded state and where it was folded to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Of what it is.
    pub head: SnapshotHead,
    /// The state, in the caller's encoding.
    pub state: Vec<u8>,
}

/// Of what a snapshot is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotHead {
    /// The ledger it was folded from.
    pub log_id: LogId,
    /// The caller's version of the state.
    pub schema: u32,
    /// Version of the program that folded it.
    pub code_version: u32,
    /// Position of the last commit folded; 0: none.
    pub seq: Seq,
    /// Hash of that commit; zero at position 0.
    pub hash: ContentHash,
}

impl SnapshotHead {
    /// Of a state as this program folded it.
    pub fn new(log_id: LogId, schema: u32, seq: Seq, hash: ContentHash) -> Self {
        Self { log_id, schema, code_version: code_version(), seq, hash }
    }

    /// Puts a snapshot in the place of `path`, durably: after a crash the old one is there or the
    /// new. `state` writes the state, part by part: the whole of it never lies in memory.
    pub fn write(
        &self,
        path: &Path,
        state: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        files::replace_with(path, |file| {
            file.write_all(&[0; HEADER_BYTES])?;
            let mut out = Sealing { file, sha: Sha256::new(), crc: 0, length: 0 };
            let mut buffered = BufWriter::with_capacity(1 << 16, &mut out);
            state(&mut buffered)?;
            buffered.flush()?;
            drop(buffered);
            let Sealing { file, sha, crc, length } = out;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&self.sealed(ContentHash(sha.finalize().into()), crc, length))
        })
    }

    /// The first bytes of a file whose state has this hash, CRC32C and length.
    fn sealed(&self, state: ContentHash, crc: u32, length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.schema.to_be_bytes());
        out.extend_from_slice(&self.code_version.to_be_bytes());
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        out.extend_from_slice(&state.0);
        let whole = crc32c::crc32c_combine(crc32c::crc32c(&out[12..]), crc, length);
        out[8..12].copy_from_slice(&whole.to_be_bytes());
        out
    }
}

/// A file whose hash and checksum are taken while it is written.
struct Sealing<'f> {
    file: &'f mut File,
    sha: Sha256,
    crc: u32,
    length: usize,
}

impl Write for Sealing<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let written = self.file.write(part)?;
        self.sha.update(&part[..written]);
        self.crc = crc32c::crc32c_append(self.crc, &part[..written]);
        self.length += written;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Snapshot {
    /// The snapshot at `path`, if it is one of this ledger, schema and program version.
    pub fn read(path: &Path, log_id: LogId, schema: u32) -> Option<Self> {
        let bytes = files::read_if_there(path).ok().flatten()?;
        let snapshot = Self::decode(bytes)?;
        let head = &snapshot.head;
        let fits =
            (head.log_id, head.schema, head.code_version) == (log_id, schema, code_version());
        fits.then_some(snapshot)
    }

    /// Whether the ledger holds the very commit this was folded to.
    pub async fn is_of(&self, ledger: &dyn Ledger) -> Result<bool, ReadError> {
        let SnapshotHead { log_id, seq, hash, .. } = &self.head;
        if *log_id != ledger.log_id() || *seq == 0 {
            return Ok(*log_id == ledger.log_id() && *hash == ContentHash::default());
        }
        let at = ledger.read_all(*seq, 1).await?;
        Ok(at.first().is_some_and(|recorded| recorded.hash == *hash))
    }

    fn decode(mut bytes: Vec<u8>) -> Option<Self> {
        let (header, state) = bytes.split_at_checked(HEADER_BYTES)?;
        let whole = header[..8] == MAGIC
            && header[8..12] == crc32c::crc32c(&bytes[12..]).to_be_bytes()
            && header[76..108] == envelope::hash(state).0;
        if !whole {
            return None;
        }
        let head = SnapshotHead {
            schema: u32::from_be_bytes(header[12..16].try_into().ok()?),
            code_version: u32::from_be_bytes(header[16..20].try_into().ok()?),
            log_id: LogId(header[20..36].try_into().ok()?),
            seq: u64::from_be_bytes(header[36..44].try_into().ok()?),
            hash: ContentHash(header[44..76].try_into().ok()?),
        };
        bytes.drain(..HEADER_BYTES);
        Some(Self { head, state: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> SnapshotHead {
        SnapshotHead::new(LogId([7; 16]), 3, 42, ContentHash([9; 32]))
    }

    fn write(head: &SnapshotHead, path: &Path, state: &[u8]) {
        // In parts, as an encoder writes.
        let parts = |out: &mut dyn Write| state.chunks(4).try_for_each(|part| out.write_all(part));
        head.write(path, parts).expect("writes");
    }

    #[test]
    fn a_snapshot_reads_back_and_replaces_the_one_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("now-playing.snapshot");
        write(&head(), &path, b"folded");
        let read = Snapshot::read(&path, head().log_id, 3);
        assert_eq!(read, Some(Snapshot { head: head(), state: b"folded".to_vec() }));
        let later = SnapshotHead { seq: 43, ..head() };
        write(&later, &path, b"");
        let read = Snapshot::read(&path, later.log_id, 3);
        assert_eq!(read, Some(Snapshot { head: later, state: vec![] }));
        let left = std::fs::read_dir(dir.path()).expect("lists").count();
        assert_eq!(left, 1, "nothing is left over");
    }

    #[test]
    fn a_state_that_cannot_be_written_leaves_the_one_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.snapshot");
        write(&head(), &path, b"folded");
        let failed = head().write(&path, |_| Err(io::Error::other("no")));
        assert!(failed.is_err());
        assert!(Snapshot::read(&path, head().log_id, 3).is_some());
    }

    #[test]
    fn a_missing_foreign_or_damaged_snapshot_reads_as_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.snapshot");
        let good = head();
        assert_eq!(Snapshot::read(&path, good.log_id, 3), None);
        write(&good, &path, b"folded");
        assert_eq!(Snapshot::read(&path, LogId([8; 16]), 3), None, "another ledger");
        assert_eq!(Snapshot::read(&path, good.log_id, 4), None, "another schema");
        let older = SnapshotHead { code_version: good.code_version + 1, ..good.clone() };
        write(&older, &path, b"folded");
        assert_eq!(Snapshot::read(&path, good.log_id, 3), None, "another program version");
        write(&good, &path, b"folded");
        let bytes = std::fs::read(&path).expect("reads");
        // Whole by its checksum, and of another state than its hash says.
        let mut other = bytes.clone();
        other[108] ^= 1;
        let crc = crc32c::crc32c(&other[12..]);
        other[8..12].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(Snapshot::decode(other), None, "another state");
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Snapshot::decode(bad), None, "flip at {at}");
            assert_eq!(Snapshot::decode(bytes[..at].to_vec()), None, "cut at {at}");
        }
    }
}
