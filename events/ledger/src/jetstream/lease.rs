//! Leases in a JetStream bucket of the site.
//!
//! A key-value `update` drops the time to live, and the entry would stay for ever. So a claim is a
//! message of its own to the key's subject, with its time to live and the condition that the key
//! is where its holder left it. What is read is read from the stream's leader.

use super::names::Names;
use crate::lease::{Lease, LeaseError, Leases};
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_TTL};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, LastRawMessageErrorKind, StorageType, Stream,
};
use async_nats::{Client, HeaderMap, Request, jetstream};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use std::future::Future;
use std::time::Duration;

/// A lease ends by itself so long after its last renewal; whole seconds, as the server counts.
pub const LEASE_TTL: Duration = Duration::from_secs(3);
/// How long a server may take to answer: well below the time to live.
const PATIENCE: Duration = Duration::from_millis(800);
/// Keys that are read at once.
const READS_AT_ONCE: usize = 16;
/// Wrong last sequence, with and without its number.
const MOVED: [u64; 2] = [10_071, 10_164];

/// The configuration of a site's bucket.
pub(crate) fn bucket(names: &Names, replicas: usize) -> Config {
    Config {
        name: names.lease_stream(),
        subjects: vec![format!("{}>", names.lease_prefix())],
        max_messages_per_subject: 1,
        max_messages: -1,
        max_bytes: -1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_direct: true,
        allow_rollup: true,
        deny_delete: true,
        allow_message_ttl: true,
        ..Config::default()
    }
}

/// The leases of one site on a server.
pub(crate) struct NatsLeases {
    pub client: Client,
    pub stream: Stream<()>,
    pub prefix: String,
}

impl NatsLeases {
    pub async fn open(client: &Client, names: &Names) -> Result<Self, String> {
        let stream = jetstream::new(client.clone())
            .get_stream_no_info(names.lease_stream())
            .await
            .map_err(|e| e.to_string())?;
        Ok(Self { client: client.clone(), stream, prefix: names.lease_prefix() })
    }

    async fn keys(&self) -> Result<Vec<String>, LeaseError> {
        let wanted = format!("{}>", self.prefix);
        let mut found = patient(self.stream.info_with_subjects(wanted)).await?;
        let mut keys = Vec::new();
        while let Some(next) = found.next().await {
            let (subject, _) = next.map_err(away)?;
            keys.extend(subject.strip_prefix(&self.prefix).map(str::to_owned));
        }
        Ok(keys)
    }

    async fn read(&self, key: String) -> Result<Option<Lease>, LeaseError> {
        let subject = format!("{}{key}", self.prefix);
        let asked = self.stream.get_last_raw_message_by_subject(&subject);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(message)) => {
                let value = message.payload.to_vec();
                Ok(Some(Lease { key, value, revision: message.sequence }))
            }
            Ok(Err(e)) if e.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Ok(Err(error)) => Err(away(error)),
            Err(_) => Err(late()),
        }
    }
}

impl Leases for NatsLeases {
    fn all(&self) -> BoxFuture<'_, Result<Vec<Lease>, LeaseError>> {
        Box::pin(async move {
            let keys = self.keys().await?;
            let reads = keys.into_iter().map(|key| self.read(key));
            let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).collect().await;
            let read: Result<Vec<_>, _> = read.into_iter().collect();
            Ok(read?.into_iter().flatten().collect())
        })
    }

    fn claim<'a>(
        &'a self,
        key: &'a str,
        value: Vec<u8>,
        revision: u64,
    ) -> BoxFuture<'a, Result<u64, LeaseError>> {
        Box::pin(async move {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_TTL, format!("{}s", LEASE_TTL.as_secs()).as_str());
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string().as_str());
            let request =
                Request::new().headers(headers).payload(value.into()).timeout(Some(PATIENCE));
            let subject = format!("{}{key}", self.prefix);
            let answer = patient(self.client.send_request(subject, request)).await?;
            answer_of(key, &answer.payload)
        })
    }
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
    error: Option<AckError>,
}

#[derive(Deserialize)]
struct AckError {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

fn answer_of(key: &str, payload: &[u8]) -> Result<u64, LeaseError> {
    let ack: Ack = serde_json::from_slice(payload).map_err(away)?;
    match ack.error {
        None if ack.seq > 0 => Ok(ack.seq),
        None => Err(away("the answer names no revision")),
        Some(error) if MOVED.contains(&error.err_code) => {
            Err(LeaseError::Taken { key: key.into() })
        }
        Some(error) => Err(away(format!("{} ({})", error.description, error.err_code))),
    }
}

async fn patient<T, E: std::fmt::Display>(
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, LeaseError> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(away),
        Err(_) => Err(late()),
    }
}

fn away(reason: impl std::fmt::Display) -> LeaseError {
    LeaseError::Away { reason: reason.to_string() }
}

fn late() -> LeaseError {
    away(format!("no answer within {} ms", PATIENCE.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_a_claim_are_told_apart() {
        let of = |text: &str| answer_of("k", text.as_bytes());
        assert_eq!(of(r#"{"stream":"KV_x","seq":7}"#), Ok(7));
        let error = |code: u64| {
            of(&format!(r#"{{"error":{{"code":400,"err_code":{code},"description":"d"}}}}"#))
        };
        assert_eq!(error(10_071), Err(LeaseError::Taken { key: "k".into() }));
        assert_eq!(error(10_166), Err(LeaseError::Away { reason: "d (10166)".into() }));
        assert!(matches!(of("{}"), Err(LeaseError::Away { .. })));
    }
}
