//! What a fault touches: the commits at and after it, as far as they can still be read.

use grimnir_events::frame::{self, MAGIC};
use grimnir_events::{Commit, StreamId};
use grimnir_ledger::Recorded;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is not proven because of a fault.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Affected {
    /// From this position on nothing is proven.
    pub from_seq: u64,
    /// Last position that is known of, from what can be read or from a checkpoint.
    pub to_seq: Option<u64>,
    /// Records at or after it that can be read.
    pub readable: u64,
    /// Positions between them that are missing.
    pub missing: u64,
    /// The streams they belong to.
    pub streams: Vec<AffectedStream>,
}

/// A stream with commits that are not proven.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AffectedStream {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub stream: StreamId,
    /// How many of its commits can still be read.
    pub commits: u64,
    /// The first of their versions.
    pub from_version: u64,
}

fn as_text<S: Serializer>(stream: &StreamId, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(stream)
}

impl Affected {
    /// Looks for records in these files, over everything between them that is none.
    pub(crate) fn in_files(paths: &[PathBuf], from_seq: u64) -> Self {
        let mut found = Gathered::from(from_seq);
        for path in paths {
            let Ok(bytes) = std::fs::read(path) else { continue };
            let mut rest = &bytes[..];
            while let Some(at) = rest.iter().position(|byte| *byte == MAGIC[0]) {
                rest = &rest[at..];
                let Ok((record, length)) = frame::read(rest) else {
                    rest = &rest[1..];
                    continue;
                };
                rest = &rest[length..];
                if record.seq >= from_seq {
                    found.take(record.seq, Commit::decode(record.body).ok().as_ref());
                }
            }
        }
        found.done()
    }

    /// Of commits that can be read from `from_seq` on.
    pub(crate) fn of(from_seq: u64, commits: impl Iterator<Item = Recorded>) -> Self {
        let mut found = Gathered::from(from_seq);
        commits.for_each(|recorded| found.take(recorded.seq, Some(&recorded.commit)));
        found.done()
    }

    /// Takes in that the ledger reached `size` once.
    pub(crate) fn reaching(mut self, size: u64) -> Self {
        let known = self.to_seq.unwrap_or(self.from_seq.saturating_sub(1));
        if size > known {
            self.missing += size - known;
            self.to_seq = Some(size);
        }
        self
    }
}

/// What was found so far.
struct Gathered {
    from_seq: u64,
    readable: u64,
    last: u64,
    streams: BTreeMap<StreamId, AffectedStream>,
}

impl Gathered {
    fn from(from_seq: u64) -> Self {
        let last = from_seq.saturating_sub(1);
        Self { from_seq, readable: 0, last, streams: BTreeMap::new() }
    }

    fn take(&mut self, seq: u64, commit: Option<&Commit>) {
        self.readable += 1;
        self.last = self.last.max(seq);
        let Some(commit) = commit else { return };
        let (stream, version) = (commit.header.stream, commit.header.version);
        let fresh = AffectedStream { stream, commits: 0, from_version: version };
        let entry = self.streams.entry(stream).or_insert(fresh);
        entry.commits += 1;
        entry.from_version = entry.from_version.min(version);
    }

    fn done(self) -> Affected {
        let Self { from_seq, readable, last, streams } = self;
        Affected {
            from_seq,
            to_seq: (readable > 0).then_some(last),
            readable,
            missing: (last + 1).saturating_sub(from_seq).saturating_sub(readable),
            streams: streams.into_values().collect(),
        }
    }
}
