//! How servers sync, which a stream does not say: read from their monitoring, or asked through
//! their system account.

use super::connect::{NatsAddress, NatsLogin};
use super::system;
use serde::Deserialize;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 256 << 10;

/// When a server puts acknowledged messages on its disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SyncPolicy {
    /// Before it acknowledges.
    Always,
    /// From time to time.
    Every(Duration),
    /// It could not be read.
    Unread(String),
}

impl std::fmt::Display for SyncPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Every(time) => write!(f, "every {} s", time.as_secs_f64()),
            Self::Unread(reason) => write!(f, "unverified: {reason}"),
        }
    }
}

impl SyncPolicy {
    /// The weaker of what two servers say; what is not read is the weakest.
    pub fn weaker(self, other: Self) -> Self {
        match (self, other) {
            (unread @ Self::Unread(_), _) | (_, unread @ Self::Unread(_)) => unread,
            (Self::Every(one), Self::Every(other)) => Self::Every(one.max(other)),
            (every @ Self::Every(_), Self::Always) | (Self::Always, every) => every,
        }
    }
}

/// The weakest policy of all servers, by whichever way is given; `holder` is the server that holds
/// the stream, where that is known.
pub(crate) async fn sync_policy(address: &NatsAddress, holder: Option<&str>) -> SyncPolicy {
    let by_system = !matches!(address.system, NatsLogin::None);
    match (address.monitors.is_empty(), by_system) {
        (true, false) => SyncPolicy::Unread(
            "neither a monitoring address nor a login of the system account is given".into(),
        ),
        (false, false) => monitored(&address.monitors).await,
        (true, true) => system::sync_policy(address, holder).await,
        (false, true) => {
            match (monitored(&address.monitors).await, system::sync_policy(address, holder).await) {
                (SyncPolicy::Unread(_), read) | (read, SyncPolicy::Unread(_)) => read,
                (one, other) => one.weaker(other),
            }
        }
    }
}

async fn monitored(monitors: &[String]) -> SyncPolicy {
    let mut weakest = SyncPolicy::Always;
    for monitor in monitors {
        weakest = weakest.weaker(ask(monitor).await);
    }
    weakest
}

async fn ask(monitor: &str) -> SyncPolicy {
    match tokio::time::timeout(PATIENCE, get(monitor, "/jsz")).await {
        Ok(Ok(body)) => policy_of(&body)
            .unwrap_or_else(|reason| SyncPolicy::Unread(format!("{monitor}: {reason}"))),
        Ok(Err(error)) => SyncPolicy::Unread(format!("{monitor}: {error}")),
        Err(_) => {
            SyncPolicy::Unread(format!("{monitor}: no answer within {} s", PATIENCE.as_secs()))
        }
    }
}

/// What a server says of its JetStream.
#[derive(Deserialize)]
pub(crate) struct Jsz {
    config: Option<JszConfig>,
    /// It has no JetStream.
    #[serde(default)]
    pub disabled: bool,
}

#[derive(Deserialize)]
struct JszConfig {
    #[serde(default)]
    sync_interval: u64,
    #[serde(default)]
    sync_always: bool,
}

impl Jsz {
    /// How it syncs.
    pub fn policy(&self) -> Result<SyncPolicy, String> {
        let config = self.config.as_ref().ok_or("JetStream is not enabled")?;
        Ok(match (config.sync_always, config.sync_interval) {
            (true, _) => SyncPolicy::Always,
            (false, 0) => return Err("it does not say how it syncs".into()),
            (false, nanos) => SyncPolicy::Every(Duration::from_nanos(nanos)),
        })
    }
}

fn policy_of(body: &[u8]) -> Result<SyncPolicy, String> {
    let jsz: Jsz = serde_json::from_slice(body).map_err(|e| format!("not an answer: {e}"))?;
    jsz.policy()
}

/// One GET of HTTP/1.0, which ends with the connection.
async fn get(base: &str, path: &str) -> Result<Vec<u8>, String> {
    let host = base
        .strip_prefix("http://")
        .ok_or("a monitoring address begins with http://")?
        .trim_end_matches('/');
    let mut stream = TcpStream::connect(host).await.map_err(|e| e.to_string())?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await.map_err(|e| e.to_string())?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no HTTP answer")?;
    let status = String::from_utf8_lossy(&answer[..end]).into_owned();
    if status.split(' ').nth(1) != Some("200") {
        return Err(status.lines().next().unwrap_or_default().to_owned());
    }
    Ok(answer.split_off(end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_read_and_nothing_is_taken_for_always() {
        let of = |text: &str| policy_of(text.as_bytes());
        let two_minutes = r#"{"config":{"sync_interval":120000000000}}"#;
        assert_eq!(of(two_minutes), Ok(SyncPolicy::Every(Duration::from_secs(120))));
        let always = r#"{"config":{"sync_interval":120000000000,"sync_always":true}}"#;
        assert_eq!(of(always), Ok(SyncPolicy::Always));
        for nothing in ["{}", r#"{"config":{}}"#, "<html>", ""] {
            assert!(of(nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn the_weaker_policy_of_two_counts() {
        let every = |secs| SyncPolicy::Every(Duration::from_secs(secs));
        let unread = || SyncPolicy::Unread("reason".into());
        for (one, other, weaker) in [
            (SyncPolicy::Always, SyncPolicy::Always, SyncPolicy::Always),
            (SyncPolicy::Always, every(1), every(1)),
            (every(2), every(1), every(2)),
            (SyncPolicy::Always, unread(), unread()),
            (every(1), unread(), unread()),
        ] {
            assert_eq!(one.clone().weaker(other.clone()), weaker);
            assert_eq!(other.weaker(one), weaker);
        }
    }
}
