//! Segment files: the bytes that an acknowledgement stands for.
//!
//! A segment is a fixed header and then records ([`grimnir_events::frame`]), each holding one
//! commit, in gapless order. What lies after the last record of the active segment is zero
//! (allocated ahead) or torn. Big endian:
//!
//! ```text
//! 0   8   magic "GrimSeg\0"
//! 8   2   format version (1)
//! 10  16  log id
//! 26  8   seq of the first record
//! 34  8   created at (i64, µs)
//! 42  32  hash of the last commit of the segment before (zero for the first)
//! 74  18  zero, for what is to come
//! 92  4   CRC32C of bytes 0..92
//! ```
//!
//! A segment that is full or old is closed, and the next one begun; then it is sealed: a footer is
//! put after its records and nobody may write to it. Only the last segment is active.
//!
//! Reading order: this header, `scan` (bytes → records), `chain` (records → history), `footer`
//! (what is sealed), `filter`, `walk` and `sealed` (reading by it), `seal` (making it), `reader`
//! (offline), `recover` (at open), `writer`. Not here: when to rotate, archives.

pub(crate) mod file;
pub(crate) mod scan;
pub(crate) mod chain;
pub(crate) mod filter;
pub(crate) mod footer;
pub(crate) mod walk;
pub(crate) mod sealed;
pub(crate) mod seal;
pub(crate) mod check;
pub(crate) mod reader;
pub(crate) mod recover;
pub(crate) mod writer;

use grimnir_events::{ContentHash, LogId, UtcMicros};
use std::path::{Path, PathBuf};

/// First bytes of every segment.
pub const SEGMENT_MAGIC: [u8; 8] = *b"GrimSeg\0";
/// The only format there is so far.
pub const SEGMENT_FORMAT: u16 = 1;
/// Bytes before the first record.
pub const SEGMENT_HEADER_BYTES: u64 = 96;
/// Folder of the segments in a ledger's directory.
pub(crate) const FOLDER: &str = "segments";

/// What a segment says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The ledger it belongs to.
    pub log_id: LogId,
    /// Position of its first record.
    pub first_seq: u64,
    /// When it was begun.
    pub created_at: UtcMicros,
    /// Hash of the last commit before it; zero for the first segment.
    pub previous: ContentHash,
}

impl SegmentHeader {
    /// Its bytes.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES as usize] {
        let mut out = [0u8; SEGMENT_HEADER_BYTES as usize];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..10].copy_from_slice(&SEGMENT_FORMAT.to_be_bytes());
        out[10..26].copy_from_slice(&self.log_id.0);
        out[26..34].copy_from_slice(&self.first_seq.to_be_bytes());
        out[34..42].copy_from_slice(&self.created_at.0.to_be_bytes());
        out[42..74].copy_from_slice(&self.previous.0);
        let crc = crc32c::crc32c(&out[..92]);
        out[92..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// The header in these bytes; else what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let Some(bytes) = bytes.get(..SEGMENT_HEADER_BYTES as usize) else {
            return Err(format!("header is {} bytes, needs {SEGMENT_HEADER_BYTES}", bytes.len()));
        };
        if bytes[..8] != SEGMENT_MAGIC {
            return Err("file does not begin with a segment's magic".into());
        }
        let (found, computed) = (u32::from_be_bytes(take(bytes, 92)), crc32c::crc32c(&bytes[..92]));
        if found != computed {
            return Err(format!("header checksum {found:08x}, computed {computed:08x}"));
        }
        let format = u16::from_be_bytes(take(bytes, 8));
        if format != SEGMENT_FORMAT {
            return Err(format!("segment format {format}, this program knows {SEGMENT_FORMAT}"));
        }
        Ok(Self {
            log_id: LogId(take(bytes, 10)),
            first_seq: u64::from_be_bytes(take(bytes, 26)),
            created_at: UtcMicros(i64::from_be_bytes(take(bytes, 34))),
            previous: ContentHash(take(bytes, 42)),
        })
    }
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0u8; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The file of the segment that begins with `first_seq`, in a ledger's directory.
pub(crate) fn path_of(dir: &Path, first_seq: u64) -> PathBuf {
    dir.join(FOLDER).join(format!("{first_seq:020}.seg"))
}

/// The segments in a ledger's directory, in order.
pub(crate) fn list(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    list_in(&dir.join(FOLDER))
}

/// The segments in a folder, in order.
pub(crate) fn list_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            found.push(path);
        }
    }
    // Names are positions padded with zeros, so their order is the ledger's.
    found.sort();
    Ok(found)
}
