//! Scene 6: the control plane is killed again and again under a stream of commands.

use grimnir_events::CommitId;
use grimnir_ledger::SegmentReader;
use grimnir_tests::programs::program;
use grimnir_tests::{Client, Server};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Command;

const ROUNDS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_command_is_in_the_ledger_exactly_once() {
    let mut server = Server::start().await;
    let client = server.admin().await;
    let body = json!({"name": "Scene", "slug": "scene", "time_zone": "UTC"});
    let station = client.post("/api/v1/stations", body).await;
    let station = station["id"].as_str().expect("an id").to_owned();
    let token = client.token().to_owned();
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..ROUNDS {
        let client = Client::new(&server.base()).with_token(&token);
        let senders: Vec<_> = (0..4)
            .map(|lane| tokio::spawn(rename_on(client.clone(), station.clone(), round, lane)))
            .collect();
        // Killed after a handful of answers: where in the stream differs from round to round.
        let wanted = 2 + round % 9;
        let mut answered = 0;
        let mut events = senders;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for sender in events.drain(..) {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut acks = sender.await.expect("a sender ends");
                while let Some(ack) = acks.recv().await {
                    if tell.send(ack).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        while let Some((seq, name)) = told.recv().await {
            acknowledged.insert(seq, name);
            answered += 1;
            if answered == wanted {
                server.kill();
            }
        }
        assert!(answered >= wanted, "round {round}: only {answered} answers");
        server.restart().await;
    }
    server.stop();
    assert!(acknowledged.len() >= ROUNDS * 2, "{} acknowledged", acknowledged.len());
    judge(&server, &acknowledged);
    server.assert_no_panic();
}

type Acks = tokio::sync::mpsc::UnboundedReceiver<(u64, String)>;

/// Renames the station until the server is gone; answers (ledger position, name) per acknowledged.
async fn rename_on(client: Client, station: String, round: usize, lane: usize) -> Acks {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for count in 0.. {
            let name = format!("r{round} l{lane} c{count}");
            let request = client
                .request(Method::PATCH, &format!("/api/v1/stations/{station}"))
                .header("Idempotency-Key", name.replace(' ', "-"))
                .json(&json!({"name": name}));
            let Ok(response) = request.send().await else { return };
            if !response.status().is_success() {
                return;
            }
            let seq = response.headers().get("x-commit-seq").and_then(|v| v.to_str().ok());
            let seq = seq.and_then(|text| text.parse().ok()).expect("an answer names its position");
            if tell.send((seq, name)).is_err() {
                return;
            }
        }
    });
    told
}

fn judge(server: &Server, acknowledged: &BTreeMap<u64, String>) {
    let mut ids: BTreeMap<CommitId, u64> = BTreeMap::new();
    let mut by_seq = BTreeMap::new();
    for recorded in SegmentReader::open(&server.ledger()).expect("the ledger can be read") {
        let recorded = recorded.expect("the ledger is whole");
        let earlier = ids.insert(recorded.commit.header.commit_id, recorded.seq);
        assert_eq!(earlier, None, "a commit is there twice");
        by_seq.insert(recorded.seq, recorded);
    }
    for (seq, name) in acknowledged {
        let recorded = by_seq.get(seq).unwrap_or_else(|| panic!("seq {seq} ({name}) is lost"));
        let holds = recorded.bytes.windows(name.len()).any(|w| w == name.as_bytes());
        assert!(holds, "seq {seq} does not hold {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledgement_precedes_the_sync_that_covers_it() {
    let keep = tempfile::tempdir().expect("a folder can be made");
    let data = keep.path().join("data");
    let calls = keep.path().join("calls");
    let mut command = Command::new("strace");
    command
        .args([
            "-f",
            "-qq",
            "-y",
            "-s",
            "256",
            "-e",
            "trace=write,pwrite64,writev,sendto,fdatasync,fsync,sendmsg",
        ])
        .arg("-o")
        .arg(&calls)
        .arg(program("grimnir"));
    let mut server = Server::start_with(&data, 0, &mut command).await;
    let client = server.admin().await;
    let body = json!({"name": "Scene", "slug": "scene", "time_zone": "UTC"});
    let station = client.post("/api/v1/stations", body).await;
    let station = station["id"].as_str().expect("an id").to_owned();
    for count in 0..20 {
        let body = json!({"name": format!("name-{count:04}-mark")});
        client.patch(&format!("/api/v1/stations/{station}"), body).await;
    }
    server.stop_behind_wrapper();
    let text = std::fs::read_to_string(&calls).expect("the calls were recorded");
    let lines = joined(&text);
    for count in 0..20 {
        let mark = format!("name-{count:04}-mark");
        let stored =
            lines.iter().position(|l| l.contains(".seg>") && l.contains(&mark) && is_write(l));
        let stored = stored.unwrap_or_else(|| panic!("{mark} was not written to the segment"));
        let synced = lines[stored..]
            .iter()
            .position(|l| l.contains("fdatasync(") && l.contains(".seg>") && l.ends_with("= 0"))
            .map(|at| stored + at);
        let synced = synced.unwrap_or_else(|| panic!("{mark} was never synced"));
        let answered = lines.iter().position(|l| {
            !l.contains(".seg>")
                && (l.contains("socket:") || l.contains("TCP:"))
                && l.contains("HTTP/1.1 200")
                && l.contains(&mark)
        });
        let answered = answered.unwrap_or_else(|| panic!("no answer with {mark} was seen"));
        assert!(synced < answered, "{mark} was answered before it was synced");
    }
}

fn is_write(line: &str) -> bool {
    ["write(", "pwrite64(", "writev("].iter().any(|call| line.contains(call))
}

/// Lines of strace in the order the calls ended; interrupted ones put together.
fn joined(text: &str) -> Vec<String> {
    let mut open: BTreeMap<&str, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (pid, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            open.insert(pid, begun.to_owned());
        } else if let Some(end) = rest.split_once("resumed>").filter(|_| rest.starts_with("<...")) {
            let begun = open.remove(pid).unwrap_or_default();
            lines.push(format!("{begun}{}", end.1));
        } else {
            lines.push(rest.to_owned());
        }
    }
    lines
}
