//! Witnesses: what one cosigns for another site, and what becomes of it there.

mod support;

use futures_util::future::{BoxFuture, FutureExt, ready};
use grimnir_events::UtcMicros;
use grimnir_ledger::proof::checkpoint::{Checkpoint, SignedCheckpoint};
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::proof::note::{KeyKind, SignatureLine, SignerKey};
use grimnir_ledger::proof::request::AddCheckpoint;
use grimnir_ledger::proof::runner::{NotaryTask, Pace};
use grimnir_ledger::proof::submit::{
    Carrier, Sharing, SubmitError, WitnessPeer, keep_submitting, submit,
};
use grimnir_ledger::proof::witness::{Refusal, Witness};
use grimnir_ledger::{ManualClock, MemoryLedger, SystemClock};
use std::sync::Arc;
use support::{LOG, START, all, put, stream};

const ORIGIN: &str = "grimnir/log";

/// A log with a checkpoint at each of some sizes, and a witness that knows it.
struct House {
    dir: tempfile::TempDir,
    folder: ProofFolder,
    signed: Vec<SignedCheckpoint>,
    witness: Arc<Witness>,
}

impl House {
    async fn new(sizes: &[u64]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = MemoryLedger::with_clock(LOG, Arc::new(ManualClock::at(START)));
        let mut notary = Notary::open(dir.path(), ORIGIN, UtcMicros(1)).expect("opens");
        let mut signed = Vec::new();
        for size in sizes {
            while notary.size() < *size {
                let recorded = put(&ledger, notary.size(), stream(1)).await;
                notary.admit(&recorded).expect("admits");
            }
            signed.push(notary.sign().expect("signs").expect("is new"));
        }
        let key = notary.keys().signer().verifier();
        let witness = Witness::open(&dir.path().join("witnessed"), "grimnir/witness", &[key]);
        let witness = Arc::new(witness.expect("opens"));
        Self { folder: ProofFolder::of(dir.path()), dir, signed, witness }
    }
    fn request(&self, old: u64, at: usize) -> AddCheckpoint {
        AddCheckpoint::new(&self.folder, old, &self.signed[at]).expect("proves")
    }
    fn ask(&self, request: &AddCheckpoint) -> Result<String, Refusal> {
        self.witness.add_checkpoint(&request.to_string(), 1_700_000_000)
    }
    fn peer(&self) -> WitnessPeer {
        WitnessPeer { url: "http://witness".into(), key: self.witness.key() }
    }
}

#[tokio::test]
async fn what_goes_on_from_the_last_is_cosigned() {
    let house = House::new(&[3, 300, 301]).await;
    let mut old = 0;
    for at in 0..3 {
        let line = house.ask(&house.request(old, at)).expect("cosigns");
        let line: SignatureLine = line.trim_end().parse().expect("is a line");
        let text = house.signed[at].note.text();
        assert_eq!(house.witness.key().verify(text, &line), Some(true));
        assert_eq!(line.time(), Some(1_700_000_000));
        old = house.signed[at].checkpoint.size;
    }
    // The same again is cosigned again, with the time of now.
    house.ask(&house.request(301, 2)).expect("cosigns");
    let kept = Witness::open(&house.dir.path().join("witnessed"), "grimnir/witness", &[]);
    let kept = kept.expect("opens").last(ORIGIN).expect("reads").expect("is kept");
    assert_eq!(kept.checkpoint.size, 301);
}

#[tokio::test]
async fn every_refusal_has_its_reason_and_changes_nothing() {
    let house = House::new(&[3, 300, 301]).await;
    house.ask(&house.request(0, 1)).expect("cosigns");
    assert_eq!(house.ask(&house.request(0, 2)), Err(Refusal::Conflict { size: 300 }));
    assert_eq!(house.ask(&house.request(3, 2)), Err(Refusal::Conflict { size: 300 }));
    assert_eq!(house.ask(&house.request(0, 0)), Err(Refusal::Conflict { size: 300 }));
    let mut back = house.request(300, 1);
    back.old = 301;
    assert!(matches!(house.ask(&back), Err(Refusal::BadRequest(_))));
    let good = house.request(300, 2);
    for at in 0..good.proof.len() {
        let mut bad = good.clone();
        bad.proof[at][9] ^= 4;
        assert!(matches!(house.ask(&bad), Err(Refusal::BadProof(_))), "hash {at}");
        let mut bad = good.clone();
        bad.proof.remove(at);
        assert!(matches!(house.ask(&bad), Err(Refusal::BadProof(_))), "hash {at}");
    }
    let mut bad = house.request(300, 1);
    bad.proof.push([1; 32]);
    assert!(matches!(house.ask(&bad), Err(Refusal::BadProof(_))), "one size needs no proof");
    let thief = SignerKey::from_seed(ORIGIN, KeyKind::Note, [9; 32]).expect("is a key");
    let forged = good.signed.checkpoint.sign(&thief);
    let unknown = Err(Refusal::UnknownKey { origin: ORIGIN.into() });
    assert_eq!(house.ask(&AddCheckpoint { signed: forged, ..good.clone() }), unknown);
    let other = Checkpoint { origin: "grimnir/other".into(), ..good.signed.checkpoint.clone() };
    let signer = SignerKey::from_seed("grimnir/other", KeyKind::Note, [9; 32]).expect("is a key");
    let foreign = AddCheckpoint { signed: other.sign(&signer), ..good.clone() };
    let unknown = Err(Refusal::UnknownOrigin { origin: "grimnir/other".into() });
    assert_eq!(house.ask(&foreign), unknown);
    for body in ["", "old 1\n", "old 01\n\n", "old -1\n\nx", "new 1\n\nx\n", "old 1\nAAAA\n\nx\n"] {
        let found = house.witness.add_checkpoint(body, 0);
        assert!(matches!(found, Err(Refusal::BadRequest(_))), "{body:?}: {found:?}");
    }
    let last = house.witness.last(ORIGIN).expect("reads").expect("is kept");
    assert_eq!(last, house.signed[1]);
    house.ask(&good).expect("cosigns");
}

#[tokio::test]
async fn two_histories_of_one_log_are_never_both_cosigned() {
    let house = House::new(&[300, 400]).await;
    house.ask(&house.request(0, 0)).expect("cosigns");
    // The log's own key signs another tree of the same size, and one that goes on from it.
    let dir = house.dir.path();
    let text = std::fs::read_to_string(dir.join("proof/key")).expect("reads");
    let key = SignerKey::from_secret_text(&text).expect("is a key");
    for (old, at) in [(300, 0), (300, 1)] {
        let mut request = house.request(old, at);
        let mut forged = request.signed.checkpoint.clone();
        forged.root[0] ^= 1;
        request.signed = forged.sign(&key);
        let found = house.ask(&request);
        match at {
            0 => assert_eq!(found, Err(Refusal::Conflict { size: 300 })),
            _ => assert!(matches!(found, Err(Refusal::BadProof(_))), "{found:?}"),
        }
    }
}

/// Carries requests to a witness in this process, as HTTP would.
struct Direct(Arc<Witness>);

impl Carrier for Direct {
    fn post(&self, url: String, body: String) -> BoxFuture<'_, Result<(u16, String), String>> {
        assert_eq!(url, "http://witness/add-checkpoint");
        let answer = match self.0.add_checkpoint(&body, 5) {
            Ok(line) => (200, line),
            Err(Refusal::Conflict { size }) => (409, format!("{size}\n")),
            Err(Refusal::BadProof(reason)) => (422, reason),
            Err(other) => (400, other.to_string()),
        };
        ready(Ok(answer)).boxed()
    }
}

#[tokio::test]
async fn a_log_that_forgot_its_witness_is_told_the_size_and_goes_on() {
    let house = House::new(&[3, 300, 301]).await;
    house.ask(&house.request(0, 1)).expect("cosigns");
    let carrier = Direct(house.witness.clone());
    let line = submit(&carrier, &house.folder, &house.peer(), &house.signed[2], 0).await;
    let line = line.expect("is cosigned");
    let kept = house.folder.add_cosignature(&house.signed[2], line, &house.witness.key());
    assert_eq!(kept, Ok(true));
    let newest = house.folder.newest().expect("reads").expect("is there");
    assert!(newest.note.verify(&[house.witness.key()]).is_ok(), "the cosignature is beside it");
}

#[tokio::test]
async fn a_log_that_signed_less_than_its_witness_saw_is_told_how_far_that_is() {
    let house = House::new(&[3, 300, 301]).await;
    house.ask(&house.request(0, 2)).expect("cosigns");
    let carrier = Direct(house.witness.clone());
    let found = submit(&carrier, &house.folder, &house.peer(), &house.signed[1], 3).await;
    let witness = "grimnir/witness".to_owned();
    assert_eq!(found, Err(SubmitError::Ahead { witness, size: 301, ours: 300 }));
}

#[tokio::test]
async fn every_checkpoint_of_a_running_notary_is_cosigned() {
    let house = House::new(&[]).await;
    let ledger = Arc::new(MemoryLedger::new(LOG));
    let notary = Notary::open(house.dir.path(), ORIGIN, UtcMicros(1)).expect("opens");
    let pace = Pace { commits: 1, ..Pace::default() };
    let pace = Pace { shortest: std::time::Duration::ZERO, ..pace };
    let task = NotaryTask::spawn(ledger.clone(), notary, pace, Arc::new(SystemClock));
    let carrier = Arc::new(Direct(house.witness.clone()));
    let asking = tokio::spawn(keep_submitting(
        carrier,
        task.folder().clone(),
        vec![house.peer()],
        task.status_sender(),
        Sharing::Alone,
    ));
    let mut status = task.status();
    for number in 0..5 {
        put(&*ledger, number, stream(1)).await;
        let at_least = number + 1;
        status.wait_for(|status| status.size >= at_least).await.expect("goes on");
    }
    assert_eq!(all(&*ledger).await.len(), 5);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let last = house.witness.last(ORIGIN).expect("reads");
        if last.is_some_and(|last| last.checkpoint.size == 5) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the witness has not seen it");
        tokio::task::yield_now().await;
    }
    asking.abort();
    task.stop().await;
}
