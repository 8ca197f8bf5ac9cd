//! Opening the active segment: everything in it is checked, a torn tail is put aside and cut off.

use super::chain::Chain;
use super::scan::{Scan, Step};
use super::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::files;
use crate::index::Index;
use crate::ledger::{ReadError, Seq};
use grimnir_events::ContentHash;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a segment holds.
pub(crate) struct Recovered {
    pub header: SegmentHeader,
    pub index: Index,
    /// Hash of its last commit, or of the last before it.
    pub hash: ContentHash,
    /// Offset after the last good record.
    pub length: u64,
    /// Highest owner epoch in any commit.
    pub epoch: u64,
    /// Hash of the commit asked about, where it is there.
    pub asked: Option<ContentHash>,
    /// Bytes after the last good record that are neither records nor zeros.
    pub torn: bool,
}

/// Checks every commit of the segment at `path` against the chain before it; `ask` names one whose
/// hash is wanted.
/// Damage that good records follow is an error, and nothing is changed; but what is
/// `kept_elsewhere` is written without syncs, so that a hole says nothing: it ends there.
pub(crate) fn recover(
    path: &Path,
    mut chain: Chain,
    ask: Option<Seq>,
    kept_elsewhere: bool,
) -> Result<Recovered, ReadError> {
    let unavailable =
        |e: io::Error| ReadError::Unavailable { reason: format!("{}: {e}", path.display()) };
    let file = File::open(path).map_err(unavailable)?;
    let corrupt = |seq: Seq, offset: u64, what: String| ReadError::Corrupt {
        seq,
        reason: format!("{} at byte {offset}: {what}", path.display()),
    };
    let begun = Scan::begin(&file).map_err(unavailable)?;
    let (header, mut scan) = begun.map_err(|what| corrupt(chain.next(), 0, what))?;
    chain.check_segment(&header).map_err(|what| corrupt(chain.next(), 0, what))?;
    let mut index = Index::after(chain.head());
    let (mut epoch, mut asked) = (0, None);
    let (length, torn) = loop {
        match scan.step().map_err(unavailable)? {
            Step::Record(found) => {
                let (offset, crc, next) = (found.offset, found.crc, chain.next());
                let recorded = chain.admit(found).map_err(|what| corrupt(next, offset, what))?;
                epoch = epoch.max(recorded.commit.header.owner_epoch);
                if ask == Some(recorded.seq) {
                    asked = Some(recorded.hash);
                }
                index.push(&recorded, offset, crc);
            }
            Step::End { offset } => break (offset, false),
            Step::Torn { offset, .. } => break (offset, true),
            Step::Damaged { offset, .. } if kept_elsewhere => break (offset, true),
            Step::Damaged { offset, error, resumes_at } => {
                let what = format!("{error}; good records follow from byte {resumes_at}");
                return Err(corrupt(chain.next(), offset, what));
            }
        }
    };
    debug_assert!(length >= SEGMENT_HEADER_BYTES, "the header is before every record");
    Ok(Recovered { header, index, hash: chain.hash(), length, epoch, asked, torn })
}

/// Saves everything from `length` on beside the segment, durably, and answers where.
pub(crate) fn save_torn(path: &Path, length: u64) -> io::Result<PathBuf> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(length))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
    let (mut side, at) = create_numbered(path, length)?;
    side.write_all(&bytes[..end])?;
    side.sync_all()?;
    files::sync_parent(&at)?;
    Ok(at)
}

/// A new side file named by the offset; an earlier one of the same offset is never overwritten.
fn create_numbered(path: &Path, length: u64) -> io::Result<(File, PathBuf)> {
    let mut count = 0;
    loop {
        let name = match count {
            0 => format!("{length}.torn"),
            _ => format!("{length}-{count}.torn"),
        };
        let at = files::beside(path, &name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at) {
            Ok(file) => return Ok((file, at)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
            Err(error) => return Err(error),
        }
    }
}
