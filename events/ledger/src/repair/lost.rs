//! What is known of commits that are nowhere to be found: between which times they were recorded,
//! and which versions of which streams are missing because of them.

use super::salvage::Salvage;
use crate::ledger::Seq;
use grimnir_events::{Commit, StreamId, UtcMicros};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

/// Positions in a row that are lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Lost {
    /// The first of them.
    pub from_seq: Seq,
    /// The last of them.
    pub to_seq: Seq,
    /// When the commit before them was recorded; `None`: none is there.
    pub after: Option<UtcMicros>,
    /// When the commit after them was recorded; `None`: none is there.
    pub before: Option<UtcMicros>,
    /// What is missing of streams that go on after them, or whose end a footer names. Versions
    /// that may lie in one of several rows are named with each.
    pub streams: Vec<LostStream>,
}

/// Versions of a stream that are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct LostStream {
    /// The stream.
    #[serde(serialize_with = "as_text")]
    pub stream: StreamId,
    /// The first of them.
    pub from_version: u64,
    /// The last of them.
    pub to_version: u64,
}

fn as_text<S: Serializer>(stream: &StreamId, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(stream)
}

/// What is known of these positions, which are in order.
pub(super) fn named(salvaged: &[Salvage], lost: &[Seq]) -> Vec<Lost> {
    let mut rows = rows(lost);
    if rows.is_empty() {
        return rows;
    }
    let times: BTreeMap<Seq, UtcMicros> = salvaged
        .iter()
        .flat_map(|segment| segment.records.iter().map(|(seq, copy)| (*seq, copy.recorded_at)))
        .collect();
    for row in &mut rows {
        row.after = times.range(..row.from_seq).next_back().map(|(_, at)| *at);
        row.before = times.range(row.to_seq + 1..).next().map(|(_, at)| *at);
    }
    // Version and position of the last commit of each stream that is there.
    let mut tails: HashMap<StreamId, (u64, Seq)> = HashMap::new();
    for segment in salvaged {
        for (seq, copy) in &segment.records {
            let Ok(commit) = Commit::decode(&copy.bytes) else { continue };
            let (stream, version) = (commit.header.stream, commit.header.version);
            note(&mut rows, &mut tails, (stream, version, *seq), version.saturating_sub(1));
        }
        let Some((last, _)) = segment.sealed else { continue };
        for (stream, version) in &segment.versions {
            note(&mut rows, &mut tails, (*stream, *version, last), *version);
        }
    }
    for row in &mut rows {
        row.streams.sort_by_key(|lost| (lost.stream, lost.from_version));
    }
    rows
}

fn rows(lost: &[Seq]) -> Vec<Lost> {
    let mut rows: Vec<Lost> = Vec::new();
    for &seq in lost {
        match rows.last_mut() {
            Some(row) if row.to_seq + 1 == seq => row.to_seq = seq,
            _ => rows.push(Lost {
                from_seq: seq,
                to_seq: seq,
                after: None,
                before: None,
                streams: Vec::new(),
            }),
        }
    }
    rows
}

/// A stream stands at `version` with position `seq`: it misses whatever lies between its tail and
/// `missing_to`.
fn note(
    rows: &mut [Lost],
    tails: &mut HashMap<StreamId, (u64, Seq)>,
    (stream, version, seq): (StreamId, u64, Seq),
    missing_to: u64,
) {
    let (had, at) = tails.get(&stream).copied().unwrap_or_default();
    if version >= had {
        tails.insert(stream, (version, seq));
    }
    if missing_to <= had {
        return;
    }
    let (from_version, to_version) = (had + 1, missing_to);
    for row in rows.iter_mut().filter(|row| row.to_seq > at && row.from_seq <= seq) {
        row.streams.push(LostStream { stream, from_version, to_version });
    }
}
