//! A server's monitoring: where its sync policy can be read, which a stream does not say.

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

/// The weakest policy of all servers asked.
pub(crate) async fn sync_policy(monitors: &[String]) -> SyncPolicy {
    if monitors.is_empty() {
        return SyncPolicy::Unread("no monitoring address is given".into());
    }
    let mut weakest = SyncPolicy::Always;
    for monitor in monitors {
        match ask(monitor).await {
            SyncPolicy::Always => {}
            unread @ SyncPolicy::Unread(_) => return unread,
            every @ SyncPolicy::Every(_) => weakest = every,
        }
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

#[derive(Deserialize)]
struct Jsz {
    config: Option<JszConfig>,
}

#[derive(Deserialize)]
struct JszConfig {
    #[serde(default)]
    sync_interval: u64,
    #[serde(default)]
    sync_always: bool,
}

fn policy_of(body: &[u8]) -> Result<SyncPolicy, String> {
    let jsz: Jsz = serde_json::from_slice(body).map_err(|e| format!("not an answer: {e}"))?;
    let config = jsz.config.ok_or("JetStream is not enabled")?;
    Ok(match (config.sync_always, config.sync_interval) {
        (true, _) => SyncPolicy::Always,
        (false, 0) => return Err("it does not say how it syncs".into()),
        (false, nanos) => SyncPolicy::Every(Duration::from_nanos(nanos)),
    })
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
}
