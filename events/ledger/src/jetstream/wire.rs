//! What an append needs of the server, and nothing more: publish under a condition, read a tail.
//!
//! It is a trait so that a test can stand between the two and lose, delay or repeat an answer.

use super::connect::Lost;
use super::names::Names;
use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::{Client, HeaderMap, Request, jetstream};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use grimnir_events::{CommitId, StreamId, UtcMicros};
use serde::Deserialize;
use std::time::Duration;

/// Header of a restored commit: when it was recorded first, in microseconds.
pub(crate) const RECORDED_AT: &str = "Grimnir-Recorded-At";

/// One commit on its way to the server.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The stream it extends.
    pub stream: StreamId,
    /// Its identity.
    pub commit_id: CommitId,
    /// Log position of the stream's last commit as the writer knows it; 0: none.
    pub after: u64,
    /// The stored bytes.
    pub bytes: Bytes,
    /// When it was recorded, where that was before the server takes it: in a restore.
    pub recorded_at: Option<UtcMicros>,
}

/// What the server said to a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is stored at this position.
    Stored(u64),
    /// A commit of this id is stored at this position; this one was dropped.
    Repeated(u64),
    /// The stream has moved on, or another commit of it is on its way.
    Moved,
    /// It is not stored, for this reason.
    Refused(String),
}

/// Why the server said nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Silence {
    /// Nothing was sent, or nobody took it: nothing is stored.
    Away(String),
    /// It was sent; whether it is stored is not known.
    Lost(String),
}

/// The server as an append sees it.
pub trait Wire: Send + Sync + 'static {
    /// Offers a commit.
    fn publish(&self, commit: Outgoing) -> BoxFuture<'_, Result<Answer, Silence>>;
    /// Log position of a stream's last commit; 0: none.
    fn tail(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, String>>;
    /// Why nothing can be sent now; `None` while it can.
    fn away(&self) -> Option<String>;
}

/// The wire to a real server.
pub(crate) struct NatsWire {
    pub client: Client,
    pub stream: jetstream::stream::Stream<()>,
    pub names: Names,
    pub lost: Lost,
    pub ack_wait: Duration,
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<AckError>,
}

#[derive(Deserialize)]
struct AckError {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// Errors that say no more than that the stream may have moved: wrong last sequence, the id is in
/// flight, the condition cannot be judged yet, wrong last sequence (without saying which), and an
/// id that is stored already.
const MOVED: [u64; 5] = [10_071, 10_158, 10_163, 10_164, 10_201];
/// Errors of a server that cannot serve the stream now: cluster without a leader, not the leader,
/// too many requests.
const NOT_NOW: [u64; 3] = [10_008, 10_009, 10_167];

fn answer_of(payload: &[u8]) -> Result<Answer, Silence> {
    let ack: Ack = serde_json::from_slice(payload)
        .map_err(|e| Silence::Lost(format!("the answer cannot be read: {e}")))?;
    match ack.error {
        None if ack.seq == 0 => Err(Silence::Lost("the answer names no position".into())),
        None if ack.duplicate => Ok(Answer::Repeated(ack.seq)),
        None => Ok(Answer::Stored(ack.seq)),
        Some(error) if MOVED.contains(&error.err_code) => Ok(Answer::Moved),
        Some(error) if NOT_NOW.contains(&error.err_code) => {
            Err(Silence::Lost(format!("{} ({})", error.description, error.err_code)))
        }
        Some(error) => Ok(Answer::Refused(format!("{} ({})", error.description, error.err_code))),
    }
}

impl Wire for NatsWire {
    fn publish(&self, commit: Outgoing) -> BoxFuture<'_, Result<Answer, Silence>> {
        async move {
            // A message handed to a client without a connection is sent when there is one again,
            // long after its writer was told no.
            if let Some(reason) = self.away() {
                return Err(Silence::Away(reason));
            }
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, hex::encode(commit.commit_id.0).as_str());
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, commit.after.to_string().as_str());
            if let Some(time) = commit.recorded_at {
                headers.insert(RECORDED_AT, time.0.to_string().as_str());
            }
            let request = Request::new().headers(headers).payload(commit.bytes).timeout(None);
            let subject = self.names.subject(commit.stream);
            let sent = self.client.send_request(subject, request);
            match self.lost.unless(self.ack_wait, sent).await.map_err(Silence::Lost)? {
                Ok(message) => answer_of(&message.payload),
                Err(error) => match error.kind() {
                    RequestErrorKind::NoResponders => {
                        Err(Silence::Away("no server serves the stream".into()))
                    }
                    RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                        Ok(Answer::Refused(error.to_string()))
                    }
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => {
                        Err(Silence::Lost(error.to_string()))
                    }
                },
            }
        }
        .boxed()
    }

    fn tail(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, String>> {
        async move {
            // Asked of the stream's leader: a direct get may be answered by a replica behind it.
            let subject = self.names.subject(stream);
            let asked = self.stream.get_last_raw_message_by_subject(&subject);
            match self.lost.unless(self.ack_wait, asked).await? {
                Ok(message) => Ok(message.sequence),
                Err(e) if e.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(0),
                Err(error) => Err(error.to_string()),
            }
        }
        .boxed()
    }

    fn away(&self) -> Option<String> {
        match self.client.connection_state() {
            State::Connected => None,
            State::Pending | State::Disconnected => Some("JetStream is not connected".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let of = |text: &str| answer_of(text.as_bytes());
        assert_eq!(of(r#"{"stream":"EVT_x","seq":7}"#), Ok(Answer::Stored(7)));
        assert_eq!(of(r#"{"stream":"EVT_x","seq":7,"duplicate":true}"#), Ok(Answer::Repeated(7)));
        let error = |code: u64| {
            of(&format!(r#"{{"error":{{"code":400,"err_code":{code},"description":"d"}}}}"#))
        };
        assert_eq!(error(10_071), Ok(Answer::Moved));
        assert_eq!(error(10_077), Ok(Answer::Refused("d (10077)".into())));
        assert!(matches!(error(10_008), Err(Silence::Lost(_))));
        assert!(matches!(of("{}"), Err(Silence::Lost(_))));
        assert!(matches!(of("not json"), Err(Silence::Lost(_))));
    }
}
