//! What these tests share: ledgers to take care of, and the program that does.

use grimnir_events::codec::{self, Encoded};
use grimnir_events::site::SiteEvent;
use grimnir_events::{
    Actor, CommitId, CorrelationId, SiteId, StationId, StreamId, StreamKind, UtcMicros,
};
use grimnir_ledger::proof::checkpoint::{SignedCheckpoint, origin_of};
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::{
    EmbeddedLedger, Expected, Identity, Ledger, NewCommit, Options, Recorded, SegmentReader,
};
use grimnir_tests::programs::program;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Segments of a dozen commits.
const SMALL: u64 = 4_000;

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Runs `grimnir` with these arguments and nothing of ours in its environment.
pub fn grimnir(args: &[&str]) -> Said {
    let mut command = Command::new(program("grimnir"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GRIMNIR_")) {
        command.env_remove(name);
    }
    let output = command.args(args).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("is text")
}

pub fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The stream of commit `number`: one of three.
pub fn stream_of(number: u64) -> StreamId {
    StreamId::of_station(StreamKind::Ladder, StationId([(number % 3) as u8 + 1; 16]))
}

fn commit_of(number: u64, stream: StreamId, event: Encoded) -> NewCommit {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    NewCommit {
        commit_id: CommitId(id),
        stream,
        occurred_at: UtcMicros(number as i64),
        actor: Actor::System,
        correlation: CorrelationId::default(),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: None,
        context: None,
        events: vec![event],
    }
}

pub fn commit(number: u64) -> NewCommit {
    let bytes = number.to_be_bytes().repeat(8);
    let event = Encoded { name: "test.event".into(), version: 1, bytes };
    commit_of(number, stream_of(number), event)
}

/// A ledger in small segments, for a library that has it open.
pub fn open(dir: &Path) -> EmbeddedLedger {
    let options = Options { rotate_bytes: SMALL, ..Options::default() };
    EmbeddedLedger::open(dir, options).expect("opens")
}

/// A closed ledger of `count` commits in several segments.
pub async fn filled(dir: &Path, count: u64) {
    let ledger = open(dir);
    for number in 1..=count {
        ledger.append(commit(number), Expected::Any).await.expect("appends");
    }
    assert!(ledger.close());
}

/// Adds commits that a site understands to its closed ledger, each in a segment of its own.
pub async fn seal_more(dir: &Path, from: u64, count: u64) {
    let site = Identity::load(dir).expect("reads").site_id;
    let options = Options { rotate_bytes: 1, ..Options::default() };
    let ledger = EmbeddedLedger::open(dir, options).expect("opens");
    for number in from..from + count {
        let class = "weaker".into();
        let event = SiteEvent::WeakerDurabilityAccepted { class, deviations: Vec::new() };
        let event = codec::encode(&event).expect("encodes");
        let commit = commit_of(number, StreamId::site(site), event);
        ledger.append(commit, Expected::Any).await.expect("appends");
    }
    assert!(ledger.close());
}

/// Every commit of a directory.
pub fn history(dir: &Path) -> Vec<Recorded> {
    let reader = SegmentReader::open(dir).expect("opens");
    reader.map(|recorded| recorded.expect("reads")).collect()
}

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("segments")).expect("lists");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("lists").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == "seg"));
    paths.sort();
    paths
}

/// Changes one byte of a file that may be read-only.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("reads");
    bytes[at] ^= 0x10;
    std::fs::remove_file(path).expect("removes");
    std::fs::write(path, bytes).expect("writes");
}

/// Signs what is in a directory up to `size`, with the key that is kept there.
pub fn sign(dir: &Path, size: u64) -> SignedCheckpoint {
    let Identity { site_id, log_id, .. } = Identity::load(dir).expect("is a ledger");
    sign_as(dir, &history(dir), &origin_of(site_id, log_id), size)
}

/// Signs these commits as a node whose folder is `dir`.
pub fn sign_as(dir: &Path, commits: &[Recorded], origin: &str, size: u64) -> SignedCheckpoint {
    let mut notary = Notary::open(dir, origin, UtcMicros(1)).expect("opens");
    for recorded in &commits[..size as usize] {
        notary.admit(recorded).expect("admits");
    }
    notary.sign().expect("signs").expect("is new")
}

/// The key that a directory's notary signs with, as text.
pub fn key_of(dir: &Path) -> String {
    let said = grimnir(&["audit", "keys", "--ledger", text(dir)]);
    assert!(said.ok, "{said:?}");
    said.out.trim().to_owned()
}

pub fn site() -> SiteId {
    SiteId([7; 16])
}

/// What an audit says of a path, as JSON.
pub fn verify(args: &[&str]) -> (bool, Value) {
    let all: Vec<&str> =
        ["audit", "verify", "--format", "json"].iter().chain(args).copied().collect();
    let said = grimnir(&all);
    (said.ok, said.json())
}

/// Keeps a checkpoint in a file beside `dir`.
pub fn kept(dir: &Path, name: &str, signed: &SignedCheckpoint) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, signed.to_string()).expect("writes");
    path
}

/// All commits of an open ledger.
pub async fn all(ledger: &dyn Ledger) -> Vec<Arc<Recorded>> {
    ledger.read_all(1, usize::MAX).await.expect("reads")
}
