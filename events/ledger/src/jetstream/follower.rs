//! The follower: one consumer per node brings the log into the replica, in order, with no hole.
//!
//! The consumer is made anew at the replica's head whenever a message is missed on the way or the
//! connection was lost; every time the stream is first held against what was followed. A hole in
//! the log itself is an incident: the follower stops and says so, and never skips.

use super::Inner;
use super::connect::Connection;
use super::identity::{Known, Trouble, describe, verify};
use super::open::assess;
use super::wire::RECORDED_AT;
use crate::directory::OpenError;
use crate::embedded::Foreign;
use crate::ledger::{Ledger, ReadError, Seq};
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::push::{Config, Messages};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::stream::{Info, Stream};
use futures_util::{FutureExt, StreamExt};
use grimnir_events::{ContentHash, UtcMicros};
use std::sync::Arc;
use std::time::Duration;

/// Commits handed to the replica at once.
const BATCH: usize = 512;
/// A server that says nothing for twice this long is asked anew.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// The server forgets a consumer that nobody listens to.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// How long a server may take to make a consumer.
const MADE_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// How often the stream is looked at while nothing else makes us.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Follows until there is an incident.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut made = inner.connection.made.clone();
    // What opens looks at the stream by itself.
    let mut look = false;
    loop {
        made.mark_unchanged();
        let ended = session(&inner, &mut made, look).await;
        look = true;
        match ended {
            Ok(()) => {}
            Err(Trouble::Away(reason)) => {
                tracing::debug!(reason, "the log is not followed for now");
                // A new connection ends the pause.
                let _ = tokio::time::timeout(PAUSE, made.changed()).await;
            }
            Err(Trouble::Contradiction(error)) => {
                inner.report(error);
                return;
            }
        }
    }
}

/// Looks at the stream from time to time and when told to, until there is an incident.
pub(super) async fn watch(inner: Arc<Inner>) {
    loop {
        let _ = tokio::time::timeout(LOOK_EVERY, inner.look.notified()).await;
        if inner.incident().is_some() {
            return;
        }
        super::open::look_again(&inner).await;
    }
}

/// Holds the stream against the replica; answers its description, with its worth noted.
pub(super) async fn examine(inner: &Inner) -> Result<Info, Trouble> {
    let info = hold(inner).await?;
    inner.set_status(assess(inner, &info).await);
    Ok(info)
}

/// Holds the stream against the replica.
async fn hold(inner: &Inner) -> Result<Info, Trouble> {
    let (stream, lost) = (&inner.stream, &inner.connection.lost);
    let unreadable = |error: ReadError| Trouble::Away(error.to_string());
    // The head is read before the stream is described, so the stream is never behind it.
    let head = inner.replica.head().await.map_err(unreadable)?.seq;
    let last = inner.replica.read_all(head, 1).await.map_err(unreadable)?;
    let hash = last.first().map_or(ContentHash::default(), |commit| commit.hash);
    let info = describe(stream, lost).await?;
    let io = |error: OpenError| Trouble::Away(error.to_string());
    let known = Known::load(&inner.dir).map_err(io)?;
    let known = known.ok_or_else(|| Trouble::Away("the replica's mark is gone".into()))?;
    let found = verify(stream, lost, &info, &known, head, hash).await?;
    if found != known {
        tracing::warn!(
            stream = found.stream,
            incarnation = found.incarnation,
            "the stream was restored and holds what was followed"
        );
        found.store(&inner.dir).map_err(io)?;
    }
    Ok(info)
}

async fn session(
    inner: &Arc<Inner>,
    made: &mut tokio::sync::watch::Receiver<u64>,
    look: bool,
) -> Result<(), Trouble> {
    if let Some(reason) = inner.wire.away() {
        return Err(Trouble::Away(reason));
    }
    hold(inner).await?;
    // What it is worth is found out beside following it: a server's monitoring may be slow.
    if look {
        inner.look.notify_one();
    }
    let head = inner.replica.head_seq();
    let (mut messages, _) = consume(&inner.connection, &inner.stream, head + 1).await?;
    let mut arrival = Arrival { next: head + 1, delivered: 0 };
    loop {
        let first = tokio::select! {
            first = messages.next() => first,
            // The server forgets a consumer when it ends: ours is made anew.
            _ = made.changed() => return Ok(()),
        };
        let Some(first) = first else { return Ok(()) };
        let first = first.map_err(|e| Trouble::Away(e.to_string()))?;
        let mut batch = Vec::with_capacity(BATCH);
        let mut missed = arrival.take(first, &mut batch)?;
        while !missed && batch.len() < BATCH {
            match messages.next().now_or_never() {
                Some(Some(Ok(message))) => missed = arrival.take(message, &mut batch)?,
                _ => break,
            }
        }
        store(inner, batch).await?;
        if missed {
            return Ok(());
        }
    }
}

/// Begins to read the stream at `from`; answers how many messages there are from there on, too.
pub(super) async fn consume(
    connection: &Connection,
    stream: &Stream<()>,
    from: Seq,
) -> Result<(Messages, u64), Trouble> {
    let config = Config {
        deliver_subject: connection.client.new_inbox(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
        ack_policy: AckPolicy::None,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT,
        inactive_threshold: FORGOTTEN_AFTER,
        num_replicas: 1,
        memory_storage: true,
        ..Config::default()
    };
    let made = async {
        let consumer = stream.create_consumer(config).await.map_err(|e| e.to_string())?;
        let pending = consumer.cached_info().num_pending;
        let messages = consumer.messages().await.map_err(|e| e.to_string())?;
        Ok((messages, pending))
    };
    connection.lost.unless(MADE_WITHIN, made).await.flatten().map_err(Trouble::Away)
}

async fn store(inner: &Inner, batch: Vec<Foreign>) -> Result<(), Trouble> {
    if batch.is_empty() {
        return Ok(());
    }
    match inner.replica.follow_in(batch).await {
        Ok(head) => {
            inner.waiters.release(head);
            Ok(())
        }
        Err(error @ ReadError::Corrupt { .. }) => Err(Trouble::Contradiction(error)),
        Err(ReadError::Unavailable { reason }) => Err(Trouble::Away(reason)),
    }
}

/// Where the consumer stands.
pub(super) struct Arrival {
    /// Position that comes next.
    pub next: Seq,
    /// Messages the consumer has sent.
    pub delivered: u64,
}

impl Arrival {
    /// Takes one message; true where one before it was missed on the way.
    pub fn take(&mut self, message: Message, batch: &mut Vec<Foreign>) -> Result<bool, Trouble> {
        let info = message.info().map_err(|e| Trouble::Away(e.to_string()))?;
        if info.consumer_sequence != self.delivered + 1 {
            return Ok(true);
        }
        let seq = info.stream_sequence;
        if seq != self.next {
            // The consumer sent all it has, so the log has no more than that.
            let reason = format!(
                "the log goes on with seq {seq}, expected {}: commits are missing from it",
                self.next
            );
            return Err(Trouble::Contradiction(ReadError::Corrupt { seq: self.next, reason }));
        }
        let micros = info.published.unix_timestamp_nanos() / 1_000;
        let published = UtcMicros(i64::try_from(micros).unwrap_or(i64::MAX));
        let taken_at = first_recorded(&message).map_or(published, |time| time.min(published));
        self.delivered += 1;
        self.next += 1;
        batch.push(Foreign { seq, taken_at, bytes: message.payload.to_vec() });
        Ok(false)
    }
}

/// When a restored commit was recorded first.
fn first_recorded(message: &Message) -> Option<UtcMicros> {
    message.headers.as_ref()?.get(RECORDED_AT)?.as_str().parse().ok().map(UtcMicros)
}
