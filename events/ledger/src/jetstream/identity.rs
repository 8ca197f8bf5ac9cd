//! Which stream the replica is of, and whether the one on the server is still that one.
//!
//! A stream that was deleted and made again has the same name, and a mirror splices the two
//! histories without a word. So a node remembers what it followed, and holds the server's stream
//! against it at every opening, at every new connection and from time to time.

use super::check::Marks;
use super::connect::Lost;
use crate::directory::OpenError;
use crate::embedded::REPLICA_MARK;
use crate::files;
use crate::ledger::{ReadError, Seq};
use async_nats::jetstream::stream::{Info, LastRawMessageErrorKind, Stream};
use grimnir_events::{ContentHash, LogId, envelope};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// How long a server may take to describe its stream.
const PATIENCE: Duration = Duration::from_secs(3);

/// The stream that was followed last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    pub stream: String,
    pub log_id: LogId,
    /// Rises with every restore from segments.
    pub incarnation: u64,
    /// When the server made it.
    pub created: String,
}

impl Known {
    /// What the replica in `dir` is of; `None` where there is none.
    pub fn load(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join(REPLICA_MARK);
        let bytes = files::read_if_there(&path).map_err(OpenError::io(&path))?;
        let foreign =
            |e: serde_json::Error| OpenError::Foreign { path: path.clone(), reason: e.to_string() };
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(foreign)).transpose()
    }
    /// Remembers it.
    pub fn store(&self, dir: &Path) -> Result<(), OpenError> {
        let path = dir.join(REPLICA_MARK);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|e| OpenError::Foreign { path: path.clone(), reason: e.to_string() })?;
        files::replace(&path, &text).map_err(OpenError::io(&path))
    }
}

/// Why a stream is not gone on with.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It cannot be looked at now.
    Away(String),
    /// It is not the one it was.
    Contradiction(ReadError),
}

/// The server's description of the stream.
pub(crate) async fn describe(stream: &Stream<()>, lost: &Lost) -> Result<Info, Trouble> {
    let answered = lost.unless(PATIENCE, stream.get_info()).await.map_err(Trouble::Away)?;
    answered.map_err(|error| Trouble::Away(error.to_string()))
}

/// Holds a stream against what was followed of it up to `head`, whose hash is `hash`.
pub(crate) async fn verify(
    stream: &Stream<()>,
    lost: &Lost,
    info: &Info,
    known: &Known,
    head: Seq,
    hash: ContentHash,
) -> Result<Known, Trouble> {
    let name = &info.config.name;
    let contradiction = |reason: String| {
        let reason = format!("stream {name}: {reason}");
        Trouble::Contradiction(ReadError::Corrupt { seq: head, reason })
    };
    let marks = Marks::of(&info.config).map_err(contradiction)?;
    let found = Known {
        stream: name.clone(),
        log_id: marks.log_id,
        incarnation: marks.incarnation,
        created: created(info),
    };
    if found.log_id != known.log_id {
        let (other, own) = (found.log_id, known.log_id);
        return Err(contradiction(format!("it is {other}, the replica here is of {own}")));
    }
    if found.incarnation < known.incarnation {
        let (older, own) = (found.incarnation, known.incarnation);
        return Err(contradiction(format!(
            "it is incarnation {older}, the replica has followed incarnation {own}"
        )));
    }
    if found.incarnation == known.incarnation && found.created != known.created {
        let (now, then) = (&found.created, &known.created);
        return Err(contradiction(format!(
            "it was made at {now}, the one followed at {then}: it was made again, not restored"
        )));
    }
    let last = info.state.last_sequence;
    if last < head {
        return Err(contradiction(format!("it ends at seq {last}, the replica reaches {head}")));
    }
    if head > 0 {
        let stored = hash_at(stream, lost, head).await?;
        if stored != Some(hash) {
            let stored = stored.map_or_else(|| "no commit".into(), |hash| hash.to_string());
            return Err(contradiction(format!("at seq {head} it has {stored}, not {hash}")));
        }
    }
    Ok(found)
}

async fn hash_at(
    stream: &Stream<()>,
    lost: &Lost,
    seq: Seq,
) -> Result<Option<ContentHash>, Trouble> {
    match lost.unless(PATIENCE, stream.get_raw_message(seq)).await.map_err(Trouble::Away)? {
        Ok(message) => Ok(Some(envelope::hash(&message.payload))),
        Err(e) if e.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Trouble::Away(error.to_string())),
    }
}

/// When the server made the stream, in a form that compares.
pub(crate) fn created(info: &Info) -> String {
    info.created.unix_timestamp_nanos().to_string()
}
