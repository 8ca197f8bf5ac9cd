//! Sealing: the footer is made from the records as the disk holds them, and put after them.
//!
//! The segment after it begins before this one is sealed, so that appends do not wait. A crash
//! leaves at most a part of a footer behind the last record; the next opening makes it again.

use super::chain::Chain;
use super::file::SegmentFile;
use super::filter::{Filter, IdKey};
use super::footer::{Footer, MARK_EVERY, Placed, StreamRange, TRAILER_BYTES};
use super::scan::{Scan, Step};
use super::sealed::Sealed;
use crate::ledger::{ReadError, Recorded, Seq};
use crate::proof::tree::{Frontier, hash_leaf, leaf_of};
use grimnir_events::{ContentHash, LogId, StreamId, UtcMicros};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A sealed segment may be read and not written.
const SEALED_MODE: u32 = 0o400;
const OPEN_MODE: u32 = 0o600;

/// A footer ready to be put after the records.
pub(crate) struct Seal {
    placed: Placed,
    bytes: Vec<u8>,
}

/// Reads a segment up to the commit `until`, which is its last, and makes its footer; `chain` and
/// `frontier` stand before its first commit. Answers the chain after it too.
pub(crate) fn prepare(
    path: &Path,
    mut chain: Chain,
    frontier: Frontier,
    until: (Seq, ContentHash),
) -> Result<(Seal, Chain), ReadError> {
    let unavailable =
        |e: io::Error| ReadError::Unavailable { reason: format!("{}: {e}", path.display()) };
    let corrupt = |seq: Seq, offset: u64, what: String| ReadError::Corrupt {
        seq,
        reason: format!("{} at byte {offset}: {what}", path.display()),
    };
    let file = File::open(path).map_err(unavailable)?;
    let begun = Scan::begin(&file).map_err(unavailable)?;
    let (header, mut scan) = begun.map_err(|what| corrupt(chain.next(), 0, what))?;
    chain.check_segment(&header).map_err(|what| corrupt(chain.next(), 0, what))?;
    let mut draft = Draft::new(header.log_id, header.first_seq, frontier);
    while chain.next() <= until.0 {
        let next = chain.next();
        match scan.step().map_err(unavailable)? {
            Step::Record(found) => {
                let offset = found.offset;
                let recorded = chain.admit(found).map_err(|what| corrupt(next, offset, what))?;
                draft.push(&recorded, offset).map_err(|what| corrupt(next, offset, what))?;
            }
            Step::End { offset } => {
                let what =
                    format!("records end before seq {next}, the segment ends with {}", until.0);
                return Err(corrupt(next, offset, what));
            }
            Step::Torn { offset, error } | Step::Damaged { offset, error, .. } => {
                return Err(corrupt(next, offset, error.to_string()));
            }
        }
    }
    if chain.hash() != until.1 {
        let what = format!("the last commit is {}, {} belongs there", chain.hash(), until.1);
        return Err(corrupt(until.0, scan.offset(), what));
    }
    draft.finish(scan.offset()).map(|seal| (seal, chain)).map_err(|what| corrupt(until.0, 0, what))
}

impl Seal {
    /// Puts the footer into the segment, durably, in the place of whatever follows the records.
    pub fn write(
        &self,
        path: &Path,
        wrap: impl FnOnce(File) -> Box<dyn SegmentFile>,
    ) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(OPEN_MODE))?;
        let file = super::writer::open_file(path)?;
        let length = file.metadata()?.len();
        let mut file = wrap(file);
        if length > self.placed.offset {
            file.truncate(self.placed.offset)?;
            // What is written below must not meet the end of another footer there.
            file.sync()?;
        }
        file.write_all_at(&self.bytes, self.placed.offset)?;
        file.sync()?;
        fs::set_permissions(path, Permissions::from_mode(SEALED_MODE))?;
        File::open(path)?.sync_all()
    }

    /// The segment as it can be read now; from memory where the footer could not be `written`.
    pub fn into_sealed(self, path: &Path, written: bool) -> Sealed {
        let Self { placed, mut bytes } = self;
        let tables = (!written).then(|| {
            bytes.truncate(bytes.len() - TRAILER_BYTES);
            bytes.split_off(placed.footer.front_bytes())
        });
        Sealed::new(path.to_owned(), placed, tables)
    }
}

/// A footer while its commits go by.
struct Draft {
    log_id: LogId,
    first_seq: Seq,
    frontier: Frontier,
    own: Frontier,
    streams: BTreeMap<StreamId, (StreamRange, Vec<u32>)>,
    marks: Vec<(UtcMicros, u32)>,
    ids: Vec<(IdKey, u32)>,
    occurred: [UtcMicros; 2],
    aired: [UtcMicros; 2],
    last: Option<(Seq, UtcMicros, ContentHash)>,
    epoch: u64,
    payload_bytes: u64,
}

const NEVER: [UtcMicros; 2] = [UtcMicros(i64::MAX), UtcMicros(i64::MIN)];

fn widen(range: &mut [UtcMicros; 2], at: UtcMicros) {
    *range = [range[0].min(at), range[1].max(at)];
}

impl Draft {
    fn new(log_id: LogId, first_seq: Seq, frontier: Frontier) -> Self {
        Self {
            log_id,
            first_seq,
            frontier,
            own: Frontier::default(),
            streams: BTreeMap::new(),
            marks: Vec::new(),
            ids: Vec::new(),
            occurred: NEVER,
            aired: NEVER,
            last: None,
            epoch: 0,
            payload_bytes: 0,
        }
    }

    fn push(&mut self, recorded: &Recorded, offset: u64) -> Result<(), String> {
        let place = u32::try_from(offset)
            .map_err(|_| format!("offset is beyond {}, the limit of a footer", u32::MAX))?;
        let header = &recorded.commit.header;
        let leaf = hash_leaf(&leaf_of(recorded));
        self.frontier.push(leaf);
        self.own.push(leaf);
        let (stream, version, hash) = (header.stream, header.version, recorded.hash);
        let fresh = StreamRange { stream, first: version, last: version, hash, at: 0 };
        let (range, places) = self.streams.entry(stream).or_insert((fresh, Vec::new()));
        (range.last, range.hash) = (version, hash);
        places.push(place);
        if (self.ids.len() as u64).is_multiple_of(MARK_EVERY) {
            self.marks.push((recorded.recorded_at, place));
        }
        self.ids.push((IdKey::of(header.commit_id), place));
        widen(&mut self.occurred, header.occurred_at);
        if header.stream.kind.is_witnessed() {
            widen(&mut self.aired, header.occurred_at);
        }
        self.last = Some((recorded.seq, recorded.recorded_at, hash));
        self.epoch = self.epoch.max(header.owner_epoch);
        self.payload_bytes += recorded.bytes.len() as u64;
        Ok(())
    }

    fn finish(self, offset: u64) -> Result<Seal, String> {
        let Some((last_seq, last_time, last_hash)) = self.last else {
            return Err("a segment without commits is not sealed".into());
        };
        let first_time = self.marks.first().map_or(last_time, |mark| mark.0);
        let mut offsets = Vec::with_capacity(self.ids.len());
        let mut streams = Vec::with_capacity(self.streams.len());
        for (mut range, places) in self.streams.into_values() {
            range.at = offsets.len() as u32;
            offsets.extend(places);
            streams.push(range);
        }
        let keys: Vec<_> = self.ids.iter().map(|(key, _)| *key).collect();
        let mut ids: Vec<_> = self.ids.iter().map(|(key, place)| (key.order, *place)).collect();
        ids.sort_unstable();
        let footer = Footer {
            log_id: self.log_id,
            first_seq: self.first_seq,
            last_seq,
            recorded: [first_time, last_time],
            occurred: self.occurred,
            aired: (self.aired != NEVER).then_some(self.aired),
            epoch: self.epoch,
            last_hash,
            root: self.own.root(),
            frontier: self.frontier,
            streams,
            payload_bytes: self.payload_bytes,
            marks: self.marks,
            filter: Filter::of(&keys),
        };
        let bytes = footer.encode(offset, &offsets, &ids);
        Ok(Seal { placed: Placed { footer, offset }, bytes })
    }
}
