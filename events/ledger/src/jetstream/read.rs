//! Reading a site's stream from the server itself, message by message, with credentials that may
//! do no more than that: for an audit that trusts no replica.

use super::check::Marks;
use super::connect::{Connection, NatsAddress, connect};
use super::follower::{Arrival, consume};
use super::identity::{Trouble, describe};
use super::names::Names;
use crate::embedded::{Foreign, recorded_at};
use crate::ledger::{ReadError, Recorded, Seq};
use crate::remote::{Remains, Remote, recorded};
use async_nats::jetstream::consumer::push::Messages;
use async_nats::jetstream::{self, stream::Stream};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_events::{LogId, SiteId, UtcMicros};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How often a consumer that gave nothing is made anew before the server counts as away.
const TRIES: u32 = 5;
/// A server that says nothing for so long is asked anew; it sends heartbeats in between.
const SILENCE: Duration = Duration::from_secs(10);

/// The stream of `site` on a server, up to where it reaches now. Whoever reads checks the
/// commits; here it is checked that no position is missing and that each commit lies under the
/// subject of its stream.
pub fn read_stream(address: &NatsAddress, site: SiteId) -> Result<Remote, ReadError> {
    let away = |reason: String| ReadError::Unavailable { reason };
    Remote::open(async {
        let connection = connect(address, true).await.map_err(|refused| away(refused.reason))?;
        let connection = Arc::new(connection);
        let names = Names::of(site);
        let stream =
            jetstream::new(connection.client.clone()).get_stream_no_info(&names.stream).await;
        let stream = stream.map_err(|e| away(e.to_string()))?;
        let info = describe(&stream, &connection.lost).await.map_err(told)?;
        let named = |reason| away(format!("stream {}: {reason}", names.stream));
        let log_id = Marks::of(&info.config).map_err(named)?.log_id;
        let last = info.state.last_sequence;
        let walk = Walk::new(connection.clone(), stream.clone(), names, last);
        let remains = move |seq| remains(connection.clone(), stream.clone(), log_id, seq, last);
        Ok((log_id, last, walk.stream(), Box::new(remains) as Remains))
    })
}

fn told(trouble: Trouble) -> ReadError {
    match trouble {
        Trouble::Away(reason) => ReadError::Unavailable { reason },
        Trouble::Contradiction(error) => error,
    }
}

/// A walk over the stream from its first message.
struct Walk {
    connection: Arc<Connection>,
    stream: Stream<()>,
    names: Names,
    last: Seq,
    arrival: Arrival,
    recorded_at: Option<UtcMicros>,
    consumer: Option<Messages>,
    ready: VecDeque<(Foreign, String)>,
    tries: u32,
}

impl Walk {
    fn new(connection: Arc<Connection>, stream: Stream<()>, names: Names, last: Seq) -> Self {
        let arrival = Arrival { next: 1, delivered: 0 };
        let (recorded_at, consumer, ready) = (None, None, VecDeque::new());
        Self { connection, stream, names, last, arrival, recorded_at, consumer, ready, tries: 0 }
    }

    fn stream(self) -> BoxStream<'static, Result<Recorded, ReadError>> {
        stream::unfold(Some(self), |state| async move {
            let mut walk = state?;
            match walk.next().await {
                Ok(Some(recorded)) => Some((Ok(recorded), Some(walk))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Recorded>, ReadError> {
        loop {
            if let Some((foreign, subject)) = self.ready.pop_front() {
                return self.read(foreign, &subject).map(Some);
            }
            if self.arrival.next > self.last {
                return Ok(None);
            }
            match self.fetch().await {
                Ok(()) => self.tries = 0,
                Err(Trouble::Contradiction(error)) => return Err(error),
                Err(Trouble::Away(reason)) => {
                    self.consumer = None;
                    self.tries += 1;
                    if self.tries >= TRIES {
                        return Err(ReadError::Unavailable { reason });
                    }
                }
            }
        }
    }

    /// Takes one message; the consumer is made anew where there is none.
    async fn fetch(&mut self) -> Result<(), Trouble> {
        if self.consumer.is_none() {
            let (messages, pending) =
                consume(&self.connection, &self.stream, self.arrival.next).await?;
            if pending == 0 {
                return Err(self.ends());
            }
            (self.consumer, self.arrival.delivered) = (Some(messages), 0);
        }
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        let silent = |_| Trouble::Away(format!("no message for {} s", SILENCE.as_secs()));
        let next = tokio::time::timeout(SILENCE, consumer.next()).await.map_err(silent)?;
        let message = next.ok_or_else(|| Trouble::Away("the consumer is gone".into()))?;
        let message = message.map_err(|e| Trouble::Away(e.to_string()))?;
        let subject = message.subject.to_string();
        let pending = message.info().map(|info| info.pending).unwrap_or(0);
        let mut taken = Vec::with_capacity(1);
        if self.arrival.take(message, &mut taken)? {
            // One was missed on the way.
            self.consumer = None;
        }
        self.ready.extend(taken.into_iter().map(|foreign| (foreign, subject.clone())));
        if pending == 0 && !self.ready.is_empty() && self.arrival.next <= self.last {
            // What is ready is read first; then it is asked again, and told.
            self.consumer = None;
        }
        Ok(())
    }

    fn ends(&self) -> Trouble {
        let (seq, last) = (self.arrival.next, self.last);
        let reason = format!(
            "the stream says that it reaches seq {last} and has nothing from seq {seq} on: commits \
             are missing from it"
        );
        Trouble::Contradiction(ReadError::Corrupt { seq, reason })
    }

    fn read(&mut self, foreign: Foreign, subject: &str) -> Result<Recorded, ReadError> {
        let Foreign { seq, taken_at, bytes } = foreign;
        let corrupt = |reason: String| ReadError::Corrupt { seq, reason };
        let at = recorded_at(self.recorded_at, taken_at);
        let found = recorded(seq, at, bytes).map_err(corrupt)?;
        let expected = self.names.subject(found.commit.header.stream);
        if subject != expected {
            let reason = format!("the commit is of {expected} and lies under {subject}");
            return Err(ReadError::Corrupt { seq, reason });
        }
        self.recorded_at = Some(at);
        Ok(found)
    }
}

/// Commits of the ledger from `seq` on, over everything that is none and every hole.
fn remains(
    connection: Arc<Connection>,
    stream: Stream<()>,
    log_id: LogId,
    seq: Seq,
    last: Seq,
) -> BoxStream<'static, Recorded> {
    let begun = async move {
        match consume(&connection, &stream, seq).await {
            Ok((messages, pending)) if pending > 0 => Some((messages, connection)),
            Ok(_) | Err(_) => None,
        }
    };
    stream::once(begun)
        .flat_map(move |begun| match begun {
            Some((messages, _connection)) => readable(messages, log_id, last),
            None => stream::empty().boxed(),
        })
        .boxed()
}

fn readable(messages: Messages, log_id: LogId, last: Seq) -> BoxStream<'static, Recorded> {
    let step = move |state: Option<Messages>| async move {
        let mut messages = state?;
        let next = tokio::time::timeout(SILENCE, messages.next()).await.ok()??.ok()?;
        let info = next.info().ok()?;
        let (seq, over) = (info.stream_sequence, info.pending == 0 || info.stream_sequence >= last);
        let found = recorded(seq, UtcMicros(0), next.payload.to_vec()).ok();
        let found = found.filter(|found| found.commit.header.log_id == log_id);
        Some((found, (!over).then_some(messages)))
    };
    stream::unfold(Some(messages), step).filter_map(|found| async { found }).boxed()
}
