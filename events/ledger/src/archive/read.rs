//! Out of the archive: its commits in order for an audit, single commits for a repair.

use super::{Archive, ArchiveError, Archived};
use crate::ledger::{ReadError, Recorded, Seq};
use crate::remote::{Remains, Remote, recorded, whole_in};
use crate::repair::{Copy, Source};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_events::{ContentHash, LogId, frame};
use std::collections::{BTreeMap, VecDeque};
use tokio::runtime::Handle;

/// The commits of an archived ledger.
pub struct Commits {
    archive: Archive,
    log_id: LogId,
    left: VecDeque<Archived>,
    current: Option<Open>,
    hash: ContentHash,
}

/// A segment that is being read.
struct Open {
    archived: Archived,
    bytes: Bytes,
    at: usize,
    next: Seq,
    /// Why it is not what the manifest says.
    differs: Option<String>,
}

impl Archive {
    /// The ledger that is archived here; an error that names them where there are several.
    pub async fn only_ledger(&self) -> Result<LogId, ArchiveError> {
        let found = self.ledgers().await?;
        match found[..] {
            [one] => Ok(one),
            _ => {
                let names: Vec<String> = found.iter().map(LogId::to_string).collect();
                let reason = format!("ledgers found: {}, expected one", names.join(", "));
                Err(ArchiveError::Manifest { key: "the archive".into(), reason })
            }
        }
    }

    /// Everything that is archived of a ledger, for a reader without a runtime of its own. Each
    /// segment is held against the manifest; whoever reads checks the commits.
    pub fn remote(self, log_id: Option<LogId>) -> Result<Remote, ReadError> {
        let unavailable = |e: ArchiveError| ReadError::Unavailable { reason: e.to_string() };
        Remote::open(async move {
            let log_id = match log_id {
                Some(log_id) => log_id,
                None => self.only_ledger().await.map_err(unavailable)?,
            };
            let manifest = self.manifest(log_id).await.map_err(unavailable)?;
            let last = manifest.segments.last().map_or(0, |archived| archived.last_seq);
            if last == 0 {
                let reason = format!("nothing is archived of {log_id}");
                return Err(ReadError::Unavailable { reason });
            }
            let (rest, all) = (self.clone(), manifest.segments.clone());
            let commits = Commits {
                archive: self,
                log_id,
                left: manifest.segments.into(),
                current: None,
                hash: ContentHash::default(),
            };
            let remains = move |seq| remains(rest.clone(), log_id, all.clone(), seq);
            Ok((log_id, last, commits.stream(), Box::new(remains) as Remains))
        })
    }
}

impl Commits {
    fn stream(self) -> BoxStream<'static, Result<Recorded, ReadError>> {
        stream::unfold(Some(self), |state| async move {
            let mut commits = state?;
            match commits.next().await {
                Ok(Some(recorded)) => Some((Ok(recorded), Some(commits))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Recorded>, ReadError> {
        loop {
            let Some(open) = &mut self.current else {
                let Some(archived) = self.left.pop_front() else { return Ok(None) };
                self.current = Some(self.open(archived).await?);
                continue;
            };
            if open.next > open.archived.last_seq {
                let Open { archived, differs, .. } = open;
                if let Some(reason) = differs.take() {
                    return Err(ReadError::Corrupt { seq: archived.first_seq, reason });
                }
                self.current = None;
                continue;
            }
            let found = open.step();
            if let Ok(found) = &found {
                self.hash = found.hash;
            }
            return found.map(Some);
        }
    }

    async fn open(&self, archived: Archived) -> Result<Open, ReadError> {
        let seq = archived.first_seq;
        let fetched = self.archive.bytes(self.log_id, &archived).await;
        let (bytes, differs) = fetched.map_err(|error| match &error {
            ArchiveError::Store(object_store::Error::NotFound { .. }) => {
                ReadError::Corrupt { seq, reason: error.to_string() }
            }
            _ => ReadError::Unavailable { reason: error.to_string() },
        })?;
        let differs = differs.map(|error| error.to_string());
        let corrupt = |what: String| {
            let reason = differs.as_ref().map_or(what.clone(), |why| format!("{what}; {why}"));
            ReadError::Corrupt { seq, reason }
        };
        let header = SegmentHeader::decode(&bytes).map_err(&corrupt)?;
        let found = (header.log_id, header.first_seq, header.previous);
        if found != (self.log_id, seq, self.hash) {
            let (log, first, after) = found;
            let what = format!(
                "the segment is of {log} from seq {first} after {after}, expected {} from seq \
                 {seq} after {}",
                self.log_id, self.hash
            );
            return Err(corrupt(what));
        }
        Ok(Open { archived, bytes, at: SEGMENT_HEADER_BYTES as usize, next: seq, differs })
    }
}

impl Open {
    fn step(&mut self) -> Result<Recorded, ReadError> {
        let (seq, at) = (self.next, self.at);
        let corrupt = |what: String| {
            let why = self.differs.as_deref().unwrap_or("the manifest says the same");
            ReadError::Corrupt { seq, reason: format!("at byte {at}: {what}; {why}") }
        };
        let rest = self.bytes.get(at..).unwrap_or_default();
        let (record, length) = frame::read(rest).map_err(|e| corrupt(e.to_string()))?;
        if record.seq != seq {
            return Err(corrupt(format!("record has seq {}, expected {seq}", record.seq)));
        }
        let found = recorded(seq, record.recorded_at, record.body.to_vec()).map_err(corrupt)?;
        (self.next, self.at) = (seq + 1, at + length);
        Ok(found)
    }
}

/// What can still be read from `seq` on, wherever it lies.
fn remains(
    archive: Archive,
    log_id: LogId,
    segments: Vec<Archived>,
    seq: Seq,
) -> BoxStream<'static, Recorded> {
    let touched = segments.into_iter().filter(move |archived| archived.last_seq >= seq);
    let read = move |archived: Archived| {
        let archive = archive.clone();
        async move {
            let bytes = archive.bytes(log_id, &archived).await;
            let bytes = bytes.map(|(bytes, _)| bytes).unwrap_or_default();
            stream::iter(whole_in(&bytes, log_id).into_values().filter(move |r| r.seq >= seq))
        }
    };
    stream::iter(touched).then(read).flatten().boxed()
}

/// An archive as a repair asks it: each segment is fetched when a commit of it is missing, and
/// held against the manifest.
pub struct ArchiveCopy {
    archive: Archive,
    name: String,
    log_id: LogId,
    segments: Vec<Archived>,
    runtime: Handle,
    current: Option<(Seq, BTreeMap<Seq, Recorded>)>,
    faults: Vec<String>,
}

impl ArchiveCopy {
    /// What `archive`, called `name`, has of a ledger. Asked on a thread that may wait.
    pub async fn of(archive: Archive, name: String, log_id: LogId) -> Result<Self, ArchiveError> {
        let segments = archive.manifest(log_id).await?.segments;
        let (runtime, current, faults) = (Handle::current(), None, Vec::new());
        Ok(Self { archive, name, log_id, segments, runtime, current, faults })
    }
}

impl Source for ArchiveCopy {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn copy(&mut self, seq: Seq) -> Option<Copy> {
        let holds = |archived: &&Archived| (archived.first_seq..=archived.last_seq).contains(&seq);
        let archived = self.segments.iter().find(holds)?.clone();
        let first = archived.first_seq;
        if self.current.as_ref().is_none_or(|(current, _)| *current != first) {
            let fetched = self.runtime.block_on(self.archive.bytes(self.log_id, &archived));
            // What is still whole in a damaged copy is a copy all the same: it is checked.
            let (bytes, fault) = match fetched {
                Ok((bytes, differs)) => (bytes, differs),
                Err(error) => (Bytes::new(), Some(error)),
            };
            self.faults.extend(fault.map(|error| format!("{}: {error}", self.name)));
            self.current = Some((first, whole_in(&bytes, self.log_id)));
        }
        let (_, records) = self.current.as_ref()?;
        let Recorded { recorded_at, bytes, .. } = records.get(&seq)?.clone();
        Some(Copy { recorded_at, bytes })
    }

    fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }
}
