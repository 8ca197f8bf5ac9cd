//! Every record of a segment that is still whole, wherever it lies: damage is stepped over.

use crate::ledger::{ReadError, Seq};
use crate::segment::footer::{self, Footer};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use grimnir_events::frame::{self, MAGIC};
use grimnir_events::{Commit, LogId, StreamId, UtcMicros};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A record that was found whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// When it was recorded.
    pub recorded_at: UtcMicros,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

/// What is left of one segment.
pub(crate) struct Salvage {
    pub path: PathBuf,
    /// By its name, which is there when the header is not.
    pub first_seq: Seq,
    pub header: Option<SegmentHeader>,
    /// Last position and root that its footer names, where there is a good one.
    pub sealed: Option<(Seq, [u8; 32])>,
    /// And the last version of each stream in it.
    pub versions: Vec<(StreamId, u64)>,
    pub records: BTreeMap<Seq, Copy>,
    /// Where bytes are no records though records were found behind them: from, to, and why.
    pub holes: Vec<(u64, u64, String)>,
    /// Where the records end.
    pub end: u64,
}

impl Salvage {
    /// Reads the segment at `path`, of the ledger `log_id`.
    pub fn of(path: &Path, log_id: LogId) -> Result<Self, ReadError> {
        let unavailable = |e: std::io::Error| ReadError::Unavailable {
            reason: format!("{}: {e}", path.display()),
        };
        let name = path.file_stem().and_then(|name| name.to_str());
        let first_seq = name.and_then(|name| name.parse().ok()).unwrap_or(0);
        let bytes = fs::read(path).map_err(unavailable)?;
        let file = File::open(path).map_err(unavailable)?;
        let placed = footer::find(&file).map_err(unavailable)?.ok().flatten();
        let end = placed.as_ref().map_or(bytes.len(), |placed| placed.offset as usize);
        let mut salvage = Self {
            path: path.to_owned(),
            first_seq,
            header: SegmentHeader::decode(&bytes).ok().filter(|h| h.first_seq == first_seq),
            versions: placed.iter().flat_map(|placed| streams_of(&placed.footer)).collect(),
            sealed: placed.map(|placed| (placed.footer.last_seq, placed.footer.root)),
            records: BTreeMap::new(),
            holes: Vec::new(),
            end: SEGMENT_HEADER_BYTES,
        };
        salvage.collect(&bytes[..end], log_id);
        Ok(salvage)
    }

    /// What is left of a segment that is not there.
    pub fn missing(path: PathBuf, first_seq: Seq) -> Self {
        let (header, sealed, versions) = (None, None, Vec::new());
        let (records, holes) = (BTreeMap::new(), Vec::new());
        Self { path, first_seq, header, sealed, versions, records, holes, end: 0 }
    }

    /// Forgets what was written with a last group that was never synced: an opening puts that
    /// aside, and nothing acknowledged is in it. An orderly close had `reached` so far. What is
    /// `kept_elsewhere` is written without syncs and recorded at another's time: its hole says
    /// nothing, as at an opening, and what follows the hole is followed again.
    pub fn drop_torn(&mut self, reached: Seq, kept_elsewhere: bool) {
        let due = self.first_seq..;
        let Some(due) = due.zip(self.records.keys()).find(|(due, seq)| due != *seq) else { return };
        let due = due.0;
        let group_of = |seq: Seq, copy: &Copy| {
            let commit = Commit::decode(&copy.bytes).ok()?;
            let place = copy.recorded_at.0.checked_sub(commit.header.stamped_at.0)?;
            seq.checked_sub(u64::try_from(place).ok()?)
        };
        let mut after = self.records.range(due..);
        let same = |(&seq, copy)| group_of(seq, copy).is_some_and(|first| first <= due);
        let torn = kept_elsewhere || after.all(same);
        if torn && due > reached {
            self.records.split_off(&due);
            self.holes.clear();
        }
    }

    fn collect(&mut self, bytes: &[u8], log_id: LogId) {
        let mut at = SEGMENT_HEADER_BYTES as usize;
        let mut hole: Option<(u64, String)> = None;
        while at < bytes.len() {
            let next = self.records.last_key_value().map_or(self.first_seq, |(seq, _)| seq + 1);
            let found = frame::read(&bytes[at..]).map_err(|e| e.to_string());
            let found = found.and_then(|(record, length)| match Commit::decode(record.body) {
                Err(error) => Err(error.to_string()),
                Ok(commit) if commit.header.log_id != log_id => Err("of another ledger".into()),
                Ok(_) if record.seq < next => Err(format!("seq {} again", record.seq)),
                Ok(_) => Ok((record, length)),
            });
            match found {
                Ok((record, length)) => {
                    if let Some((from, why)) = hole.take() {
                        self.holes.push((from, at as u64, why));
                    }
                    let copy =
                        Copy { recorded_at: record.recorded_at, bytes: record.body.to_vec() };
                    self.records.insert(record.seq, copy);
                    at += length;
                    self.end = at as u64;
                }
                Err(why) => {
                    hole.get_or_insert((at as u64, why));
                    at += 1 + next_magic(bytes.get(at + 1..).unwrap_or_default());
                }
            }
        }
    }
}

fn streams_of(footer: &Footer) -> impl Iterator<Item = (StreamId, u64)> + use<> {
    let last: Vec<_> = footer.streams.iter().map(|range| (range.stream, range.last)).collect();
    last.into_iter()
}

/// How far it is to the next magic, or to the end.
fn next_magic(bytes: &[u8]) -> usize {
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC).unwrap_or(bytes.len())
}
