//! Several nodes sign one log, each with its own key and what it read itself.

use crate::audit::{filled_stream, node};
use crate::house::*;
use futures_util::future::{BoxFuture, FutureExt, ready};
use grimnir_events::UtcMicros;
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::proof::note::VerifierKey;
use grimnir_ledger::proof::runner::NotaryStatus;
use grimnir_ledger::proof::submit::{
    Carrier, Sharing, SubmitError, WitnessPeer, keep_submitting, submit,
};
use grimnir_ledger::proof::witness::{Refusal, Witness};
use grimnir_ledger::{Ledger, Recorded};
use grimnir_tests::nats::pause;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const ORIGIN: &str = "grimnir/site/log";

/// Commits of a ledger, and two nodes' folders.
async fn commits() -> (tempfile::TempDir, Vec<Recorded>) {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), 60).await;
    let commits = history(dir.path());
    (dir, commits)
}

fn notary_at(dir: &Path, commits: &[Recorded], sizes: &[u64]) -> Vec<SignedCheckpoint> {
    let mut notary = Notary::open(dir, ORIGIN, UtcMicros(1)).expect("opens");
    let mut signed = Vec::new();
    for recorded in commits {
        notary.admit(recorded).expect("admits");
        if sizes.contains(&notary.size()) {
            signed.push(notary.sign().expect("signs").expect("is new"));
        }
    }
    signed
}

fn key(dir: &Path) -> VerifierKey {
    let history = Keys::load_history(ProofFolder::of(dir).dir()).expect("reads").expect("is there");
    history.entries()[0].key.clone()
}

struct Direct(Arc<Witness>);

impl Carrier for Direct {
    fn post(&self, _: String, body: String) -> BoxFuture<'_, Result<(u16, String), String>> {
        let answer = match self.0.add_checkpoint(&body, 5) {
            Ok(line) => (200, line),
            Err(Refusal::Conflict { size }) => (409, format!("{size}\n")),
            Err(Refusal::BadProof(reason)) => (422, reason),
            Err(other) => (400, other.to_string()),
        };
        ready(Ok(answer)).boxed()
    }
}

/// Two nodes of one log, and a witness that knows the keys of both.
struct Two {
    _dir: tempfile::TempDir,
    a: tempfile::TempDir,
    b: tempfile::TempDir,
    signed_a: Vec<SignedCheckpoint>,
    signed_b: Vec<SignedCheckpoint>,
    witness: Arc<Witness>,
    peer: WitnessPeer,
    commits: Vec<Recorded>,
}

async fn two(sizes_a: &[u64], sizes_b: &[u64]) -> Two {
    let (dir, commits) = commits().await;
    let (a, b) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    let signed_a = notary_at(a.path(), &commits, sizes_a);
    let signed_b = notary_at(b.path(), &commits, sizes_b);
    let keys = [key(a.path()), key(b.path())];
    assert_ne!(keys[0], keys[1]);
    let witness = Witness::open(&dir.path().join("witness"), "witness", &keys).expect("opens");
    let peer = WitnessPeer { url: "http://witness".into(), key: witness.key() };
    Two { _dir: dir, a, b, signed_a, signed_b, witness: Arc::new(witness), peer, commits }
}

impl Two {
    async fn ask(
        &self,
        dir: &Path,
        signed: &SignedCheckpoint,
        believed: u64,
    ) -> Result<(), SubmitError> {
        let (carrier, folder) = (Direct(self.witness.clone()), ProofFolder::of(dir));
        submit(&carrier, &folder, &self.peer, signed, believed).await.map(drop)
    }
}

#[tokio::test]
async fn a_witness_takes_the_checkpoints_of_both_nodes_as_one_log() {
    let nodes = two(&[20, 40], &[20, 30, 50]).await;
    let (a, b) = (&nodes.signed_a, &nodes.signed_b);
    assert_eq!(a[0].checkpoint, b[0].checkpoint, "the same size has the same root");
    assert_ne!(a[0].note, b[0].note);
    nodes.ask(nodes.a.path(), &a[0], 0).await.expect("cosigns");
    nodes.ask(nodes.b.path(), &b[0], 0).await.expect("cosigns the same size for the other");
    nodes.ask(nodes.a.path(), &a[1], 20).await.expect("cosigns");
    // The other has signed less so far: it is behind, and not in the wrong.
    let behind = nodes.ask(nodes.b.path(), &b[1], 20).await;
    assert!(matches!(behind, Err(SubmitError::Ahead { size: 40, ours: 30, .. })), "{behind:?}");
    // Then more: the witness names the size it knows of, and the proof goes from there.
    nodes.ask(nodes.b.path(), &b[2], 20).await.expect("cosigns");
    let last = nodes.witness.last(ORIGIN).expect("reads").expect("is kept");
    assert_eq!(last, b[2]);
    // A node with another history of that size is not one of them.
    let mut other = nodes.commits.clone();
    other[9].bytes[3] ^= 1;
    other[9].hash.0[0] ^= 1;
    let c = tempfile::tempdir().expect("dir");
    let secret = nodes.a.path().join("proof");
    std::fs::create_dir_all(c.path().join("proof")).expect("makes");
    for name in ["key", "keys"] {
        std::fs::copy(secret.join(name), c.path().join("proof").join(name)).expect("copies");
    }
    let forked = notary_at(c.path(), &other, &[50, 60]);
    for signed in &forked {
        let found = nodes.ask(c.path(), signed, 0).await;
        assert!(matches!(found, Err(SubmitError::Disputed { size: 50, .. })), "{found:?}");
    }
}

/// Lets a node ask until it was refused or not; answers what its status says.
async fn disputed(sharing: Sharing, read: u64) -> Option<String> {
    let nodes = two(&[40], &[30]).await;
    nodes.ask(nodes.a.path(), &nodes.signed_a[0], 0).await.expect("cosigns");
    let status = Arc::new(watch::Sender::new(NotaryStatus { read, ..NotaryStatus::default() }));
    let asked = Arc::new(watch::Sender::new(0));
    let carrier = Arc::new(Counting(Direct(nodes.witness.clone()), asked.clone()));
    let folder = ProofFolder::of(nodes.b.path());
    let asking = tokio::spawn(keep_submitting(
        carrier,
        folder,
        vec![nodes.peer.clone()],
        status.clone(),
        sharing,
    ));
    let deadline = Instant::now() + Duration::from_secs(20);
    // The second time it asks it has come to a conclusion about the first.
    while *asked.borrow() < 2 {
        assert!(Instant::now() < deadline, "it does not ask");
        status.send_modify(|_| {});
        pause().await;
    }
    asking.abort();
    status.borrow().disputed.clone()
}

struct Counting(Direct, Arc<watch::Sender<u32>>);

impl Carrier for Counting {
    fn post(&self, url: String, body: String) -> BoxFuture<'_, Result<(u16, String), String>> {
        self.1.send_modify(|count| *count += 1);
        self.0.post(url, body)
    }
}

#[tokio::test]
async fn a_node_that_is_behind_disputes_nothing_until_it_stays_behind() {
    let long = Duration::from_secs(3_600);
    assert_eq!(disputed(Sharing::Shared(long), 35).await, None, "it may still read that far");
    assert_eq!(disputed(Sharing::Shared(Duration::ZERO), 40).await, None, "it has read that far");
    let stuck = disputed(Sharing::Shared(Duration::ZERO), 35).await;
    assert!(stuck.is_some_and(|reason| reason.contains("has seen a tree of 40")));
    let alone = disputed(Sharing::Alone, 60).await;
    assert!(alone.is_some(), "nobody else can have shown it more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_one_stream_sign_the_same_and_a_fork_is_named() {
    let (servers, a, commits) = filled_stream().await;
    let (b, ledger) = node(&servers).await;
    assert_eq!(all(&ledger).await.len(), commits.len());
    assert!(ledger.close());
    let size = commits.len() as u64;
    let (one, two) = (sign(a.path(), size), sign(b.path(), size));
    assert_eq!(one.checkpoint, two.checkpoint);
    assert_ne!(one.note, two.note, "each with its own key");
    let keys = [key_of(a.path()), key_of(b.path())];
    let (file_a, file_b) = (kept(a.path(), "a", &one), kept(a.path(), "b", &two));
    let both = ["--checkpoint", text(&file_a), "--checkpoint", text(&file_b)];
    let with = |keys: &[&str]| {
        let keys: Vec<&str> = keys.iter().flat_map(|key| ["--key", *key]).collect();
        verify(&[&[text(a.path())], &both[..], &keys].concat())
    };
    let (ok, found) = with(&[&keys[0], &keys[1]]);
    assert!(ok, "{found}");
    let (ok, found) = with(&[&keys[0]]);
    assert!(!ok, "the other's key is not known: {found}");
    let said = grimnir(&["audit", "verify", text(a.path()), "--key", &keys[1]]);
    assert!(!said.ok && said.err.contains("is not among the log's keys"), "{said:?}");

    // The other node signs another history of the same size.
    let mut other = commits.clone();
    other[9].bytes[3] ^= 1;
    other[9].hash.0[0] ^= 1;
    let c = tempfile::tempdir().expect("dir");
    let forked = sign_as(c.path(), &other, &one.checkpoint.origin, size);
    let (file_c, key_c) = (kept(a.path(), "c", &forked), key_of(c.path()));
    let args = ["--checkpoint", text(&file_c), "--key", &keys[0], "--key", &key_c];
    let (ok, found) = verify(&[&[text(a.path())], &args[..]].concat());
    let reason = found["fault"]["reason"].to_string();
    assert!(!ok && reason.contains("the log has forked"), "{found}");
    assert!(reason.contains(&keys[0]) && reason.contains(&key_c), "{found}");
}
