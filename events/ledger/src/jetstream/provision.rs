//! Making a site's stream, which takes an administrator's credentials: new, or from segments.

use super::check::{Marks, wanted};
use super::connect::{Connection, NatsAddress, connect};
use super::names::Names;
use super::wire::{Answer, NatsWire, Outgoing, Wire};
use crate::directory::Identity;
use crate::ledger::{ReadError, Recorded, Seq};
use crate::segment::reader::SegmentReader;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::{self, stream::Stream};
use bytes::Bytes;
use grimnir_events::{LogId, SiteId, StreamId};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long making a stream may take on servers that do not answer; one question waits 5 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a stream is made with.
#[derive(Clone, Debug)]
pub struct Provision {
    /// The server, with an administrator's login.
    pub address: NatsAddress,
    /// The site.
    pub site_id: SiteId,
    /// Copies on different servers: 1, or 3 and more.
    pub replicas: usize,
}

/// A stream that was made.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Provisioned {
    /// Its name.
    pub stream: String,
    /// The site.
    pub site_id: SiteId,
    /// The ledger that begins with it, or goes on in it.
    pub log_id: LogId,
    /// 1 for a new ledger; one more with every restore.
    pub incarnation: u64,
}

/// A stream that was filled from segments.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Restored {
    /// The stream.
    pub stream: Provisioned,
    /// Commits in it.
    pub commits: Seq,
}

/// Makes the stream of a new ledger. One that is there already is left as it is and named.
pub async fn provision(wanted: &Provision) -> Result<Provisioned, String> {
    let mut id = [0u8; 16];
    getrandom::fill(&mut id).map_err(|e| format!("no random bytes: {e}"))?;
    let marks = Marks { log_id: LogId(id), incarnation: 1 };
    Ok(create(wanted, &marks).await?.made)
}

/// Asks again when no answer came in time: a group of replicas that elects its leader is silent for
/// a while, and to make the same once more changes nothing.
async fn patiently<T, F: Future<Output = Result<T, CreateStreamError>>>(
    patience: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T, CreateStreamError> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error)
                if error.kind() == CreateStreamErrorKind::TimedOut
                    && begun.elapsed() < patience => {}
            answered => return answered,
        }
    }
}

struct Made {
    made: Provisioned,
    connection: Connection,
    stream: Stream<()>,
}

async fn create(wish: &Provision, marks: &Marks) -> Result<Made, String> {
    if wish.replicas == 0 || wish.replicas == 2 {
        return Err(format!("replicas: found {}, expected 1, or 3 and more", wish.replicas));
    }
    let connection = connect(&wish.address, true).await.map_err(|refused| refused.reason)?;
    let context = jetstream::new(connection.client.clone());
    let name = Names::of(wish.site_id).stream;
    if let Ok(there) = context.get_stream(&name).await {
        let whose = Marks::of(&there.cached_info().config);
        let whose = whose.map_or_else(|reason| reason, |marks| marks.log_id.to_string());
        return Err(format!("stream {name} is there already ({whose}): nothing was changed"));
    }
    let config = wanted(wish.site_id, marks, wish.replicas);
    let made = patiently(PATIENCE, || context.create_stream(&config)).await;
    made.map_err(|error| match error.kind() {
        CreateStreamErrorKind::JetStream(inner) => format!("{name}: {inner}"),
        _ => format!("{name}: {error}"),
    })?;
    // Made again or already there, leases hold nothing that has to be kept.
    let leases = super::lease::bucket(&Names::of(wish.site_id), wish.replicas);
    let made = patiently(PATIENCE, || context.get_or_create_stream(leases.clone())).await;
    made.map_err(|e| format!("leases of {name}: {e}"))?;
    let stream = context.get_stream_no_info(&name).await.map_err(|e| e.to_string())?;
    let made = Provisioned {
        stream: name,
        site_id: wish.site_id,
        log_id: marks.log_id,
        incarnation: marks.incarnation,
    };
    Ok(Made { made, connection, stream })
}

/// Makes a stream again from the segments in a ledger's directory: the same log id, the same
/// bytes at the same positions with the same times, and the next incarnation, so that nodes accept
/// it if it holds what they followed.
pub async fn restore(wish: &Provision, dir: &Path) -> Result<Restored, String> {
    let identity = Identity::load(dir).map_err(|e| e.to_string())?;
    if identity.site_id != wish.site_id {
        let (found, wanted) = (identity.site_id, wish.site_id);
        return Err(format!("{}: it belongs to {found}, not to {wanted}", dir.display()));
    }
    // Everything is read once before anything is made: a damaged source makes no stream.
    let mut last = None;
    for recorded in segments(dir)? {
        last = Some(recorded.map_err(|e| e.to_string())?.seq);
    }
    let before = super::identity::Known::load(dir).map_err(|e| e.to_string())?;
    let incarnation = before.map_or(1, |known| known.incarnation) + 1;
    let marks = Marks { log_id: identity.log_id, incarnation };
    let Made { made, connection, stream } = create(wish, &marks).await?;
    let wire = NatsWire {
        client: connection.client,
        stream,
        names: Names::of(wish.site_id),
        lost: connection.lost,
        ack_wait: Duration::from_secs(5),
    };
    let mut tails: HashMap<StreamId, Seq> = HashMap::new();
    for recorded in segments(dir)? {
        put(&wire, recorded.map_err(|e| e.to_string())?, &mut tails).await?;
    }
    Ok(Restored { stream: made, commits: last.unwrap_or(0) })
}

fn segments(dir: &Path) -> Result<SegmentReader, String> {
    SegmentReader::open(dir).map_err(|e: ReadError| e.to_string())
}

async fn put(
    wire: &NatsWire,
    recorded: Recorded,
    tails: &mut HashMap<StreamId, Seq>,
) -> Result<(), String> {
    let (seq, stream) = (recorded.seq, recorded.commit.header.stream);
    let after = tails.insert(stream, seq).unwrap_or(0);
    let commit_id = recorded.commit.header.commit_id;
    let recorded_at = Some(recorded.recorded_at);
    let bytes = Bytes::from(recorded.bytes);
    let answer = wire.publish(Outgoing { stream, commit_id, after, bytes, recorded_at }).await;
    match answer {
        Ok(Answer::Stored(at)) if at == seq => Ok(()),
        other => Err(format!("seq {seq}: answered {other:?}; the stream is not complete")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Fails so often, with this; answers how often it was asked.
    async fn asked(failures: u32, kind: CreateStreamErrorKind, patience: Duration) -> (u32, bool) {
        let count = Cell::new(0);
        let made = patiently(patience, || {
            count.set(count.get() + 1);
            let failed = (count.get() <= failures).then(|| CreateStreamError::new(kind.clone()));
            async move { failed.map_or(Ok(()), Err) }
        });
        let made = made.await.is_ok();
        (count.get(), made)
    }

    #[tokio::test]
    async fn only_a_silent_server_is_asked_again_and_not_for_ever() {
        let (silent, long) = (CreateStreamErrorKind::TimedOut, Duration::from_secs(60));
        assert_eq!(asked(2, silent.clone(), long).await, (3, true));
        assert_eq!(asked(2, silent, Duration::ZERO).await, (1, false));
        assert_eq!(asked(2, CreateStreamErrorKind::EmptyStreamName, long).await, (1, false));
    }
}
