//! A ledger that is somewhere else, read in order by whoever has no runtime: an audit.

use crate::ledger::{ReadError, Recorded, Seq};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use grimnir_events::frame::{self, MAGIC};
use grimnir_events::{Commit, LogId, UtcMicros, envelope};
use std::collections::BTreeMap;
use std::future::Future;
use tokio::runtime::Runtime;

/// What can still be read from a position on, over everything that cannot.
pub(crate) type Remains = Box<dyn Fn(Seq) -> BoxStream<'static, Recorded> + Send>;
/// Which ledger, how far it reaches, its commits, and what can be read where they end too early.
pub(crate) type Opened = (LogId, Seq, BoxStream<'static, Result<Recorded, ReadError>>, Remains);

/// The commits of a ledger that is not here, from the first on; nothing after an error. Not to be
/// used from within a runtime: it waits.
pub struct Remote {
    runtime: Runtime,
    log_id: LogId,
    last: Seq,
    commits: BoxStream<'static, Result<Recorded, ReadError>>,
    remains: Remains,
}

impl Remote {
    pub(crate) fn open(
        opening: impl Future<Output = Result<Opened, ReadError>>,
    ) -> Result<Self, ReadError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|e| ReadError::Unavailable { reason: format!("no runtime: {e}") })?;
        let (log_id, last, commits, remains) = runtime.block_on(opening)?;
        Ok(Self { runtime, log_id, last, commits, remains })
    }

    /// Which ledger it is.
    pub fn log_id(&self) -> LogId {
        self.log_id
    }
    /// The position that it reached when it was opened; it is read up to there.
    pub fn reaches(&self) -> Seq {
        self.last
    }
    /// Commits from `seq` on that can be read whatever is wrong between them.
    pub fn remains(&self, seq: Seq) -> impl Iterator<Item = Recorded> + use<'_> {
        let mut rest = (self.remains)(seq);
        std::iter::from_fn(move || self.runtime.block_on(rest.next()))
    }
}

impl Iterator for Remote {
    type Item = Result<Recorded, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.commits.next())
    }
}

/// A commit from its stored bytes; else what is wrong with them.
pub(crate) fn recorded(
    seq: Seq,
    recorded_at: UtcMicros,
    bytes: Vec<u8>,
) -> Result<Recorded, String> {
    let commit = Commit::decode(&bytes).map_err(|e| e.to_string())?;
    let hash = envelope::hash(&bytes);
    Ok(Recorded { seq, recorded_at, hash, commit, bytes })
}

/// Every record of the ledger that is whole in these bytes, wherever it lies.
pub(crate) fn whole_in(bytes: &[u8], log_id: LogId) -> BTreeMap<Seq, Recorded> {
    let (mut out, mut at) = (BTreeMap::new(), 0);
    while at < bytes.len() {
        let found = frame::read(&bytes[at..]).ok();
        let found = found.and_then(|(record, length)| {
            let found = recorded(record.seq, record.recorded_at, record.body.to_vec()).ok()?;
            (found.commit.header.log_id == log_id).then_some((found, length))
        });
        match found {
            Some((found, length)) => {
                out.insert(found.seq, found);
                at += length;
            }
            None => {
                let next = bytes[at + 1..].windows(MAGIC.len()).position(|w| w == MAGIC);
                at += 1 + next.unwrap_or(bytes.len());
            }
        }
    }
    out
}
