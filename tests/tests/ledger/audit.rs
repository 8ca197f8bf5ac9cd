//! `grimnir audit verify nats://…`: the stream itself, read with an auditor's credentials.

use crate::house::*;
use grimnir_ledger::jetstream::{NatsAddress, NatsLogin, Provision, provision};
use grimnir_ledger::{Expected, JetStreamLedger, JetStreamOptions, Ledger, Recorded};
use grimnir_tests::nats::{self, Servers, Setup, get, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const COUNT: u64 = 40;

fn servers() -> Servers {
    let accounts = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nats/accounts.conf");
    let more = nats::accounts(accounts.as_ref());
    Servers::one(&Setup { more, ..Setup::default() })
}

pub fn address(servers: &Servers, user: &str, password: &str) -> NatsAddress {
    let login = NatsLogin::Password { user: user.into(), password: password.into() };
    let (url, monitors) = (servers.url(), servers.monitors());
    NatsAddress { url, login, monitors, ..NatsAddress::default() }
}

/// A node with its replica.
pub async fn node(servers: &Servers) -> (TempDir, JetStreamLedger) {
    let dir = tempfile::tempdir().expect("a folder");
    let options = JetStreamOptions {
        site_id: Some(site()),
        ack_wait: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        ..JetStreamOptions::at(address(servers, "grimnir", "of-app"))
    };
    let ledger = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    (dir, ledger)
}

/// A site's stream with commits in it, and a node that has read them.
pub async fn filled_stream() -> (Servers, TempDir, Vec<Recorded>) {
    let servers = servers();
    let admin = address(&servers, "grimnir-admin", "of-admin");
    let wish = Provision { address: admin, site_id: site(), replicas: 1 };
    provision(&wish).await.expect("is made");
    let (dir, ledger) = node(&servers).await;
    for number in 1..=COUNT {
        ledger.append(commit(number), Expected::Any).await.expect("appends");
    }
    let commits = all(&ledger).await.iter().map(|recorded| Recorded::clone(recorded)).collect();
    assert!(ledger.close());
    (servers, dir, commits)
}

fn audit(servers: &Servers, user: [&str; 2], more: &[&str]) -> (bool, Value) {
    let (url, site) = (servers.url(), site().to_string());
    let login = ["--nats-user", user[0], "--nats-password", user[1]];
    verify(&[&[url.as_str(), "--site", &site], &login[..], more].concat())
}

const AUDITOR: [&str; 2] = ["grimnir-auditor", "of-audit"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_audited_with_credentials_that_only_read() {
    let (servers, dir, commits) = filled_stream().await;
    let signed = sign(dir.path(), COUNT - 5);
    let (file, key) = (kept(dir.path(), "kept", &signed), key_of(dir.path()));
    let held = ["--checkpoint", text(&file), "--key", &key];
    let (ok, found) = audit(&servers, AUDITOR, &held);
    assert!(ok, "{found}");
    assert_eq!((&found["commits"], &found["covered"]), (&COUNT.into(), &(COUNT - 5).into()));
    assert_eq!(found["hash"], commits.last().expect("one").hash.to_string());
    // The same report as of the replica.
    let (ok, here) = verify(&[&[text(dir.path())], &held[..]].concat());
    assert!(ok, "{here}");
    for word in ["log_id", "commits", "streams", "hash", "root", "covered", "holds", "recorded_at"]
    {
        assert_eq!(found[word], here[word], "{word}");
    }
    // Another log's key, no key at all, no site, no such user.
    let other = tempfile::tempdir().expect("a folder");
    sign_as(other.path(), &commits, &signed.checkpoint.origin, 3);
    let foreign = key_of(other.path());
    let with = |key: &str| audit(&servers, AUDITOR, &["--checkpoint", text(&file), "--key", key]);
    let (ok, found) = with(&foreign);
    assert!(!ok && found["fault"]["seq"] == COUNT - 5, "{found}");
    let (ok, found) = audit(&servers, AUDITOR, &["--checkpoint", text(&file)]);
    assert!(!ok && found["fault"]["reason"].to_string().contains("no key was given"), "{found}");
    let said = grimnir(&["audit", "verify", &servers.url()]);
    assert!(!said.ok && said.err.contains("--site"), "{said:?}");
    let site = site().to_string();
    let login = ["--nats-user", "grimnir-auditor", "--nats-password", "wrong"];
    let said =
        grimnir(&[&["audit", "verify", &servers.url(), "--site", &site], &login[..]].concat());
    assert!(!said.ok && said.err.to_lowercase().contains("authorization"), "{said:?}");
}

/// Speaks to a server as any program might, past everything that ours would refuse.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn to(servers: &Servers, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", servers.servers[0].port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is set");
        let mut raw = Self(BufReader::new(stream));
        let login = json!({"user": user, "pass": password, "verbose": false, "headers": true});
        raw.send(format!("CONNECT {login}\r\nSUB _INBOX.raw 1\r\n").as_bytes());
        raw
    }
    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("sends");
    }
    /// Publishes and waits for the answer.
    fn ask(&mut self, subject: &str, payload: &[u8]) -> Value {
        self.send(format!("PUB {subject} _INBOX.raw {}\r\n", payload.len()).as_bytes());
        self.send(&[payload, b"\r\n"].concat());
        let mut line = String::new();
        while !line.starts_with("MSG ") {
            assert!(!line.starts_with("-ERR"), "{line}");
            if line.starts_with("PING") {
                self.send(b"PONG\r\n");
            }
            line.clear();
            self.0.read_line(&mut line).expect("answers");
        }
        line.clear();
        self.0.read_line(&mut line).expect("answers");
        let answer: Value = serde_json::from_str(line.trim()).expect("is JSON");
        assert_eq!(answer.get("error"), None, "{subject}: {answer}");
        answer
    }
}

/// A server that shows these commits as the site's stream.
fn shown(commits: &[Recorded], bodies: &[Vec<u8>]) -> (Servers, Raw, String) {
    let (servers, site) = (servers(), site());
    let name = format!("EVT_{site}");
    let mut raw = Raw::to(&servers, "grimnir-admin", "of-admin");
    let log_id = commits[0].commit.header.log_id.to_string();
    let metadata = json!({"schema": "1", "log_id": log_id, "incarnation": "1"});
    let config = json!({
        "name": name, "subjects": [format!("evt.{site}.>")], "storage": "file",
        "retention": "limits", "num_replicas": 1, "metadata": metadata,
    });
    raw.ask(&format!("$JS.API.STREAM.CREATE.{name}"), config.to_string().as_bytes());
    for (recorded, body) in commits.iter().zip(bodies) {
        let stream = recorded.commit.header.stream;
        let id: String = stream.id.iter().map(|byte| format!("{byte:02x}")).collect();
        raw.ask(&format!("evt.{site}.{}.{id}", stream.kind.word()), body);
    }
    (servers, raw, name)
}

fn bodies(commits: &[Recorded]) -> Vec<Vec<u8>> {
    commits.iter().map(|recorded| recorded.bytes.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_a_missing_and_a_forged_message_are_each_found() {
    let (first, dir, commits) = filled_stream().await;
    drop(first);
    let signed = sign(dir.path(), COUNT);
    let (file, key) = (kept(dir.path(), "kept", &signed), key_of(dir.path()));
    let held = ["--checkpoint", text(&file), "--key", &key];

    let (servers, mut raw, name) = shown(&commits, &bodies(&commits));
    let (ok, found) = audit(&servers, AUDITOR, &held);
    assert!(ok, "as it was it holds, wherever it lies: {found}");
    // A message is gone: the server tells nobody, and numbers its neighbours as before.
    raw.ask(
        &format!("$JS.API.STREAM.MSG.DELETE.{name}"),
        json!({"seq": 17}).to_string().as_bytes(),
    );
    let (ok, found) = audit(&servers, AUDITOR, &held);
    let fault = &found["fault"];
    assert!(!ok && fault["seq"] == 17, "{found}");
    let affected = &fault["affected"];
    let seen = (&affected["to_seq"], &affected["readable"], &affected["missing"]);
    assert_eq!(seen, (&COUNT.into(), &(COUNT - 17).into(), &1.into()), "{found}");
    // The last ones are gone: the stream still says how far it reached.
    for seq in COUNT - 2..=COUNT {
        let body = json!({"seq": seq}).to_string();
        raw.ask(&format!("$JS.API.STREAM.MSG.DELETE.{name}"), body.as_bytes());
    }
    drop((raw, servers));

    // One byte of one event: the next commit of its stream follows another one.
    let mut changed = bodies(&commits);
    let body = &mut changed[9];
    let at = body.len() - 3;
    body[at] ^= 1;
    let (servers, _raw, _) = shown(&commits, &changed);
    let (ok, found) = audit(&servers, AUDITOR, &[]);
    assert!(!ok && found["fault"]["reason"].to_string().contains("follows hash"), "{found}");
    assert_eq!(found["fault"]["seq"], 13, "three streams in turn: {found}");

    // The last commit of all: nothing follows it, and only the checkpoint tells.
    let mut changed = bodies(&commits);
    let body = changed.last_mut().expect("one");
    let at = body.len() - 3;
    body[at] ^= 1;
    let (servers, _raw, _) = shown(&commits, &changed);
    let (ok, found) = audit(&servers, AUDITOR, &[]);
    assert!(ok, "without anything signed it is a history like any other: {found}");
    let (ok, found) = audit(&servers, AUDITOR, &held);
    let reason = found["fault"]["reason"].to_string();
    assert!(!ok && reason.contains("the signed checkpoint says"), "{found}");
    assert!(reason.contains(&key), "whose checkpoint is told: {found}");

    // A commit under another stream's subject.
    let mut commits = commits;
    commits[4].commit.header.stream = stream_of(0);
    commits[4].commit.header.stream.id[15] ^= 1;
    let (servers, _raw, _) = shown(&commits, &bodies(&commits));
    let (ok, found) = audit(&servers, AUDITOR, &held);
    assert!(!ok && found["fault"]["reason"].to_string().contains("lies under"), "{found}");
    assert_eq!(found["fault"]["seq"], 5, "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_end_is_gone_is_found_by_its_own_word() {
    let (first, _dir, commits) = filled_stream().await;
    drop(first);
    let (servers, mut raw, name) = shown(&commits, &bodies(&commits));
    for seq in COUNT - 2..=COUNT {
        let body = json!({"seq": seq}).to_string();
        raw.ask(&format!("$JS.API.STREAM.MSG.DELETE.{name}"), body.as_bytes());
    }
    let (ok, found) = audit(&servers, AUDITOR, &[]);
    assert!(!ok && found["fault"]["seq"] == COUNT - 2, "{found}");
    let reason = found["fault"]["reason"].to_string();
    assert!(reason.contains("says that it reaches seq 40"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_can_change_nothing() {
    let (servers, _dir, commits) = filled_stream().await;
    let mut raw = Raw::to(&servers, AUDITOR[0], AUDITOR[1]);
    let subject = format!("evt.{}.ladder.{}", site(), "01".repeat(16));
    let asked = [subject, format!("$JS.API.STREAM.DELETE.EVT_{}", site())];
    for subject in asked {
        raw.send(format!("PUB {subject} 2\r\n{{}}\r\n").as_bytes());
        let mut line = String::new();
        while !line.starts_with("-ERR") {
            line.clear();
            assert!(raw.0.read_line(&mut line).expect("answers") > 0, "{subject} was allowed");
        }
        assert!(line.contains("Permissions Violation"), "{line}");
    }
    let port = servers.servers[0].monitor_port;
    let messages = format!("\"messages\": {}", commits.len());
    until("it is all there", || get(port, "/jsz").filter(|text| text.contains(&messages)));
    assert!(Path::new(servers.servers[0].dir()).exists());
}
