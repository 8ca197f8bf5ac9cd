//! Record framing, shared by ledger segments and engine journals.
//!
//! A record is self-delimiting, so that a reader can stop at a torn tail and can find the next
//! good record after a damaged one:
//!
//! ```text
//! 0   4  magic "GRec"
//! 4   4  length n of the body (u32, big endian)
//! 8   8  seq (u64): position in the file's order
//! 16  8  recorded_at (i64): µs since 1970, UTC, strictly rising in a ledger
//! 24  4  CRC32C of bytes 4..24 and of the body
//! 28  n  body
//! ```

use crate::units::UtcMicros;

/// First four bytes of every record.
pub const MAGIC: [u8; 4] = *b"GRec";
/// Bytes before the body.
pub const HEADER_BYTES: usize = 28;
/// Largest body: a commit and room for its successors; a longer length is damage, not data.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// One record as read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Position in the file's order.
    pub seq: u64,
    /// When the log took it.
    pub recorded_at: UtcMicros,
    /// The bytes it holds.
    pub body: &'a [u8],
}

/// Why the bytes at an offset are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a record needs: a torn tail when at the end of a file.
    #[error("record is cut short: {have} bytes, needs {need}")]
    Short {
        /// Bytes at hand.
        have: usize,
        /// Bytes wanted.
        need: usize,
    },
    /// The first bytes are not the magic.
    #[error("record does not begin with its magic")]
    Magic,
    /// The length field is beyond the limit.
    #[error("record length {found}, limit {MAX_BODY_BYTES}")]
    Length {
        /// The length as stored.
        found: usize,
    },
    /// The checksum does not match.
    #[error("record checksum {found:08x}, computed {computed:08x}")]
    Checksum {
        /// As stored.
        found: u32,
        /// As computed.
        computed: u32,
    },
}

/// Appends one record to `out`.
pub fn write(out: &mut Vec<u8>, seq: u64, recorded_at: UtcMicros, body: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(&seq.to_be_bytes());
    out.extend_from_slice(&recorded_at.0.to_be_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&out[start + 4..start + 24]), body);
    out.extend_from_slice(&crc.to_be_bytes());
    out.extend_from_slice(body);
}

/// Reads the record at the beginning of `bytes`; answers it and its whole length.
pub fn read(bytes: &[u8]) -> Result<(Record<'_>, usize), FrameError> {
    if bytes.len() < HEADER_BYTES {
        return Err(FrameError::Short { have: bytes.len(), need: HEADER_BYTES });
    }
    if bytes[..4] != MAGIC {
        return Err(FrameError::Magic);
    }
    let length = u32::from_be_bytes(take(bytes, 4)) as usize;
    if length > MAX_BODY_BYTES {
        return Err(FrameError::Length { found: length });
    }
    let end = HEADER_BYTES + length;
    if bytes.len() < end {
        return Err(FrameError::Short { have: bytes.len(), need: end });
    }
    let body = &bytes[HEADER_BYTES..end];
    let found = u32::from_be_bytes(take(bytes, 24));
    let computed = crc32c::crc32c_append(crc32c::crc32c(&bytes[4..24]), body);
    if found != computed {
        return Err(FrameError::Checksum { found, computed });
    }
    let seq = u64::from_be_bytes(take(bytes, 8));
    let recorded_at = UtcMicros(i64::from_be_bytes(take(bytes, 16)));
    Ok((Record { seq, recorded_at, body }, end))
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0u8; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_every_flipped_byte_is_noticed() {
        let mut bytes = Vec::new();
        write(&mut bytes, 7, UtcMicros(1_790_000_000_000_000), b"what aired");
        let (record, used) = read(&bytes).expect("reads");
        assert_eq!((record.seq, record.body, used), (7, &b"what aired"[..], bytes.len()));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x40;
            assert!(read(&bad).is_err(), "flip at {at} went unnoticed");
        }
    }

    #[test]
    fn a_torn_tail_is_short_not_damaged() {
        let mut bytes = Vec::new();
        write(&mut bytes, 1, UtcMicros(5), b"body");
        for cut in 0..bytes.len() {
            assert!(matches!(read(&bytes[..cut]), Err(FrameError::Short { .. })), "cut {cut}");
        }
    }
}
