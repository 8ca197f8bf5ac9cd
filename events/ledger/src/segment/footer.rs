//! The footer of a sealed segment: what it holds, where, and the proof of it.
//!
//! It begins where the records end, and a trailer of fixed size at the file's end names that place.
//! Everything in it is made from the records and can be made again. Big endian; n commits:
//!
//! ```text
//! 0    8   magic "GrimFtr\0"
//! 8    2   format version (1)        10  2   zero
//! 12   16  log id
//! 28   8   first seq                 36  8   last seq
//! 44   8   recorded_at of the first  52  8   recorded_at of the last
//! 60   8   earliest occurred_at      68  8   latest occurred_at
//! 76   8   earliest air time         84  8   latest air time (earliest > latest: nothing aired)
//! 92   8   highest owner epoch
//! 100  32  hash of the last commit
//! 132  32  Merkle root over the commits of this segment
//! 164  4   nodes m of the ledger's frontier after the last commit (its size is the last seq)
//! 168  4   streams s                 172 4   marks p
//! 176  4   bytes f of the filter     180 8   bytes of the commits, records' heads not counted
//! 188  32m frontier nodes, largest first
//!      69s streams: 1 kind, 16 id, 8 first version, 8 last version, 32 hash of the last commit,
//!          4 place of its first offset
//!      12p marks, one for every 256th commit: 8 recorded_at, 4 offset of its record
//!      f   filter of commit ids (`filter`)
//!      4n  offsets of the records, stream by stream, in order of versions
//!      12n commit ids, sorted: 8 first bytes of the SHA-256 of the id, 4 offset of the record
//! ```
//!
//! The trailer: 8 offset of the footer, 4 its length, 4 its CRC32C, 4 CRC32C of these 16 bytes,
//! 4 zero, 8 magic "GrimEnd\0".

use super::filter::Filter;
use super::{SEGMENT_HEADER_BYTES, take};
use crate::ledger::{ReadError, Seq};
use crate::proof::tree::{Frontier, TreeHash};
use grimnir_events::{ContentHash, LogId, StreamId, StreamKind, UtcMicros};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// First bytes of a footer.
pub const FOOTER_MAGIC: [u8; 8] = *b"GrimFtr\0";
/// The only format of footers there is so far.
pub const FOOTER_FORMAT: u16 = 1;
/// Last bytes of a sealed segment.
pub const TRAILER_MAGIC: [u8; 8] = *b"GrimEnd\0";
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 32;
/// Commits between two marks.
pub(crate) const MARK_EVERY: u64 = 256;
/// Bytes of one entry in the table of commit ids.
pub(crate) const ID_BYTES: usize = 12;
const HEAD_BYTES: usize = 188;
const STREAM_BYTES: usize = 69;
const MARK_BYTES: usize = 12;

/// What one stream has in a sealed segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamRange {
    /// The stream.
    pub stream: StreamId,
    /// Version of its first commit in the segment.
    pub first: u64,
    /// Version of its last commit in the segment.
    pub last: u64,
    /// Hash of that commit.
    pub hash: ContentHash,
    /// Place of its first offset in the table of offsets.
    pub(crate) at: u32,
}

/// What a sealed segment says about itself.
pub struct Footer {
    /// The ledger it belongs to.
    pub log_id: LogId,
    /// Position of its first commit.
    pub first_seq: Seq,
    /// Position of its last commit.
    pub last_seq: Seq,
    /// When its first and its last commit were recorded.
    pub recorded: [UtcMicros; 2],
    /// Earliest and latest `occurred_at`.
    pub occurred: [UtcMicros; 2],
    /// Earliest and latest air time: `occurred_at` of what is witnessed; `None`: nothing aired.
    pub aired: Option<[UtcMicros; 2]>,
    /// Highest owner epoch.
    pub epoch: u64,
    /// Hash of the last commit.
    pub last_hash: ContentHash,
    /// Merkle root over the commits of this segment alone.
    pub root: TreeHash,
    /// The ledger's tree after the last commit.
    pub frontier: Frontier,
    /// The streams, in order of kind and id.
    pub streams: Vec<StreamRange>,
    /// Bytes of the commits, records' heads not counted.
    pub payload_bytes: u64,
    /// Time and offset of every 256th commit, from the first on.
    pub(crate) marks: Vec<(UtcMicros, u32)>,
    pub(crate) filter: Filter,
}

impl Footer {
    /// The footer of a segment file; `None` where it is not sealed.
    pub fn load(path: &Path) -> Result<Option<Self>, ReadError> {
        let unavailable =
            |e: io::Error| ReadError::Unavailable { reason: format!("{}: {e}", path.display()) };
        let file = File::open(path).map_err(unavailable)?;
        match find(&file).map_err(unavailable)? {
            Ok(found) => Ok(found.map(|found| found.footer)),
            Err(what) => {
                let reason = format!("{}: {what}", path.display());
                Err(ReadError::Corrupt { seq: 0, reason })
            }
        }
    }

    /// Commits in the segment.
    pub fn count(&self) -> u64 {
        self.last_seq + 1 - self.first_seq
    }

    /// Its bytes, with the two tables and the trailer for a footer that begins at `offset`.
    pub(crate) fn encode(&self, offset: u64, offsets: &[u32], ids: &[(u64, u32)]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.front_bytes() + offsets.len() * 16 + TRAILER_BYTES);
        out.extend_from_slice(&FOOTER_MAGIC);
        out.extend_from_slice(&FOOTER_FORMAT.to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.log_id.0);
        out.extend_from_slice(&self.first_seq.to_be_bytes());
        out.extend_from_slice(&self.last_seq.to_be_bytes());
        let aired = self.aired.unwrap_or([UtcMicros(i64::MAX), UtcMicros(i64::MIN)]);
        for time in self.recorded.into_iter().chain(self.occurred).chain(aired) {
            out.extend_from_slice(&time.0.to_be_bytes());
        }
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.last_hash.0);
        out.extend_from_slice(&self.root);
        let lengths = [self.frontier.nodes().len(), self.streams.len(), self.marks.len()];
        for length in lengths.into_iter().chain([self.filter.bytes().len()]) {
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
        out.extend_from_slice(&self.payload_bytes.to_be_bytes());
        debug_assert_eq!(out.len(), HEAD_BYTES, "the head is as documented");
        self.frontier.nodes().iter().for_each(|node| out.extend_from_slice(node));
        for range in &self.streams {
            out.push(range.stream.kind as u8);
            out.extend_from_slice(&range.stream.id);
            out.extend_from_slice(&range.first.to_be_bytes());
            out.extend_from_slice(&range.last.to_be_bytes());
            out.extend_from_slice(&range.hash.0);
            out.extend_from_slice(&range.at.to_be_bytes());
        }
        for (time, offset) in &self.marks {
            out.extend_from_slice(&time.0.to_be_bytes());
            out.extend_from_slice(&offset.to_be_bytes());
        }
        out.extend_from_slice(self.filter.bytes());
        debug_assert_eq!(out.len(), self.front_bytes(), "the front is as documented");
        offsets.iter().for_each(|offset| out.extend_from_slice(&offset.to_be_bytes()));
        for (key, offset) in ids {
            out.extend_from_slice(&key.to_be_bytes());
            out.extend_from_slice(&offset.to_be_bytes());
        }
        push_trailer(&mut out, offset);
        out
    }

    /// Bytes before the tables.
    pub(crate) fn front_bytes(&self) -> usize {
        HEAD_BYTES
            + self.frontier.nodes().len() * 32
            + self.streams.len() * STREAM_BYTES
            + self.marks.len() * MARK_BYTES
            + self.filter.bytes().len()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let head = split(&mut rest, HEAD_BYTES)?;
        if head[..8] != FOOTER_MAGIC || head[8..12] != [0, FOOTER_FORMAT as u8, 0, 0] {
            return None;
        }
        let number = |at: usize| u64::from_be_bytes(take(head, at));
        let length = |at: usize| u32::from_be_bytes(take(head, at)) as usize;
        let times =
            |at: usize| [at, at + 8].map(|at| UtcMicros(i64::from_be_bytes(take(head, at))));
        let (first_seq, last_seq) = (number(28), number(36));
        let count = usize::try_from(last_seq.checked_add(1)?.checked_sub(first_seq)?).ok()?;
        let nodes = split(&mut rest, length(164).checked_mul(32)?)?;
        let streams = split(&mut rest, length(168).checked_mul(STREAM_BYTES)?)?;
        let marks = split(&mut rest, length(172).checked_mul(MARK_BYTES)?)?;
        let filter = split(&mut rest, length(176))?;
        let aired = times(76);
        let nodes = nodes.chunks_exact(32).map(|node| take(node, 0)).collect();
        let whole = rest.len() == count.checked_mul(4 + ID_BYTES)?
            && length(172) as u64 == (count as u64).div_ceil(MARK_EVERY);
        let streams: Vec<_> = streams.chunks_exact(STREAM_BYTES).map_while(stream_range).collect();
        (whole && streams.len() == length(168)).then_some(())?;
        Some(Self {
            log_id: LogId(take(head, 12)),
            first_seq,
            last_seq,
            recorded: times(44),
            occurred: times(60),
            aired: (aired[0] <= aired[1]).then_some(aired),
            epoch: number(92),
            last_hash: ContentHash(take(head, 100)),
            root: take(head, 132),
            frontier: Frontier::from_parts(last_seq, nodes)?,
            streams,
            payload_bytes: number(180),
            marks: marks.chunks_exact(MARK_BYTES).map(mark).collect(),
            filter: Filter::from_bytes(filter.to_vec())?,
        })
    }
}

fn push_trailer(out: &mut Vec<u8>, offset: u64) {
    let (length, crc, start) = (out.len() as u32, crc32c::crc32c(out), out.len());
    out.extend_from_slice(&offset.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&crc.to_be_bytes());
    let own = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&own.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&TRAILER_MAGIC);
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (part, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(part)
}

fn stream_range(bytes: &[u8]) -> Option<StreamRange> {
    let (first, last) = (u64::from_be_bytes(take(bytes, 17)), u64::from_be_bytes(take(bytes, 25)));
    let stream = StreamId { kind: StreamKind::from_number(bytes[0])?, id: take(bytes, 1) };
    let at = u32::from_be_bytes(take(bytes, 65));
    (0 < first && first <= last).then_some(StreamRange {
        stream,
        first,
        last,
        hash: ContentHash(take(bytes, 33)),
        at,
    })
}

fn mark(bytes: &[u8]) -> (UtcMicros, u32) {
    (UtcMicros(i64::from_be_bytes(take(bytes, 0))), u32::from_be_bytes(take(bytes, 8)))
}

/// A footer and its place in the file.
pub(crate) struct Placed {
    pub footer: Footer,
    /// Offset of the footer: there the records end.
    pub offset: u64,
}

/// Looks for a footer at the end of a file: none, one, or a damaged one and what is wrong with it.
pub(crate) fn find(file: &File) -> io::Result<Result<Option<Placed>, String>> {
    let length = file.metadata()?.len();
    let Some(at) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(Ok(None)) };
    if at < SEGMENT_HEADER_BYTES {
        return Ok(Ok(None));
    }
    let mut trailer = [0u8; TRAILER_BYTES];
    file.read_exact_at(&mut trailer, at)?;
    if trailer[24..] != TRAILER_MAGIC {
        return Ok(Ok(None));
    }
    let offset = u64::from_be_bytes(take(&trailer, 0));
    let size = u32::from_be_bytes(take(&trailer, 8));
    let own = crc32c::crc32c(&trailer[..16]).to_be_bytes();
    let fits = offset.checked_add(u64::from(size)) == Some(at) && offset >= SEGMENT_HEADER_BYTES;
    if trailer[16..20] != own || trailer[20..24] != [0; 4] || !fits {
        return Ok(Err("the trailer of the footer is damaged".into()));
    }
    let mut bytes = vec![0u8; size as usize];
    file.read_exact_at(&mut bytes, offset)?;
    let (found, computed) = (u32::from_be_bytes(take(&trailer, 12)), crc32c::crc32c(&bytes));
    if found != computed {
        return Ok(Err(format!("footer checksum {found:08x}, computed {computed:08x}")));
    }
    let whole = || format!("the footer at byte {offset} is not one that this program knows");
    Ok(Footer::decode(&bytes).map(|footer| Some(Placed { footer, offset })).ok_or_else(whole))
}
