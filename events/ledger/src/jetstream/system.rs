//! The servers' system account: asked there, every server says what its monitoring would.

use super::connect::{NatsAddress, connect};
use super::monitor::{Jsz, SyncPolicy};
use async_nats::StatusCode;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What every server of a cluster hears and answers.
const PING: &str = "$SYS.REQ.SERVER.PING.JSZ";
/// How long the answers may take, with the connection.
const PATIENCE: Duration = Duration::from_secs(3);
/// Nobody says how many servers there are: after the one that holds the stream no other answers
/// for so long.
const QUIET: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
struct Answer {
    server: Server,
    data: Option<Jsz>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
}

/// The weakest policy of the servers that answer, of which `holder` has to be one.
pub(super) async fn sync_policy(address: &NatsAddress, holder: Option<&str>) -> SyncPolicy {
    let until = Instant::now() + PATIENCE;
    let unread = |reason: String| SyncPolicy::Unread(format!("system account: {reason}"));
    match timeout_at(until, gather(address, holder, until)).await {
        Ok(Ok(answers)) => weakest(&answers, holder).unwrap_or_else(unread),
        Ok(Err(reason)) => unread(reason),
        Err(_) => unread(format!("no connection within {} s", PATIENCE.as_secs())),
    }
}

/// All that servers answer.
async fn gather(
    address: &NatsAddress,
    holder: Option<&str>,
    until: Instant,
) -> Result<Vec<Answer>, String> {
    let address = NatsAddress { login: address.system.clone(), ..address.clone() };
    let client = connect(&address, true).await.map_err(|refused| refused.reason)?.client;
    let inbox = client.new_inbox();
    let mut heard = client.subscribe(inbox.clone()).await.map_err(|e| e.to_string())?;
    let sent = client.publish_with_reply(PING, inbox, Bytes::new()).await;
    sent.map_err(|e| e.to_string())?;
    let mut answers: Vec<Answer> = Vec::new();
    // An answer is awaited a little less long than the whole may take.
    let mut last = until - QUIET;
    while let Ok(Some(message)) = timeout_at(last, heard.next()).await {
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Err("no server answers this user".into());
        }
        let answer: Answer =
            serde_json::from_slice(&message.payload).map_err(|e| format!("not an answer: {e}"))?;
        answers.push(answer);
        if holder.is_none_or(|name| answers.iter().any(|answer| answer.server.name == name)) {
            last = (Instant::now() + QUIET).min(until - QUIET);
        }
    }
    Ok(answers)
}

fn weakest(answers: &[Answer], holder: Option<&str>) -> Result<SyncPolicy, String> {
    if let Some(name) = holder
        && !answers.iter().any(|answer| answer.server.name == name)
    {
        return Err(format!("{name}, which holds the stream, has not answered"));
    }
    let mut found = None;
    for Answer { server, data } in answers {
        let jsz = data.as_ref().ok_or_else(|| format!("{}: an empty answer", server.name))?;
        if jsz.disabled {
            continue;
        }
        let policy = jsz.policy().map_err(|reason| format!("{}: {reason}", server.name))?;
        found = Some(found.map_or(policy.clone(), |weakest: SyncPolicy| weakest.weaker(policy)));
    }
    found.ok_or_else(|| "no server with JetStream has answered".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answers: &[&str], holder: Option<&str>) -> Result<SyncPolicy, String> {
        let read = |text: &&str| serde_json::from_str(text).expect("an answer");
        weakest(&answers.iter().map(read).collect::<Vec<_>>(), holder)
    }

    #[test]
    fn every_server_counts_and_the_one_that_holds_the_stream_must_answer() {
        let always = r#"{"server":{"name":"a"},"data":{"config":{"sync_always":true}}}"#;
        let every = r#"{"server":{"name":"b"},"data":{"config":{"sync_interval":1000000000}}}"#;
        let none = r#"{"server":{"name":"c"},"data":{"disabled":true}}"#;
        let empty = r#"{"server":{"name":"d"}}"#;
        assert_eq!(of(&[always, none], Some("a")), Ok(SyncPolicy::Always));
        let second = SyncPolicy::Every(Duration::from_secs(1));
        assert_eq!(of(&[always, every], Some("a")), Ok(second.clone()));
        assert_eq!(of(&[every, always], None), Ok(second));
        assert!(of(&[always], Some("b")).expect_err("b is missed").contains("b, which holds"));
        for nothing in [&[][..], &[none], &[always, empty]] {
            assert!(of(nothing, None).is_err());
        }
    }
}
