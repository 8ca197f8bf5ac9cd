//! The notary: what it signs, when, and what it never signs.

mod support;

use grimnir_events::UtcMicros;
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::proof::notary::{Notary, NotaryError};
use grimnir_ledger::proof::path::{prove_inclusion, verify_inclusion};
use grimnir_ledger::proof::runner::{NotaryStatus, NotaryTask, Pace};
use grimnir_ledger::proof::tile::{TileId, TileNodes};
use grimnir_ledger::proof::tree::{Frontier, hash_leaf, leaf_of};
use grimnir_ledger::{ManualClock, MemoryLedger, Recorded};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{LOG, START, all, put, stream};

const ORIGIN: &str = "grimnir/test";

async fn ledger(commits: u64) -> Arc<MemoryLedger> {
    let ledger = MemoryLedger::with_clock(LOG, Arc::new(ManualClock::at(START)));
    for number in 0..commits {
        put(&ledger, number, stream((number % 5) as u8)).await;
    }
    Arc::new(ledger)
}

fn open(dir: &Path) -> Notary {
    Notary::open(dir, ORIGIN, UtcMicros(1)).expect("opens")
}

fn admit_all(notary: &mut Notary, commits: &[Arc<Recorded>]) -> Result<(), NotaryError> {
    commits.iter().try_for_each(|recorded| notary.admit(recorded))
}

/// Reads the whole ledger and signs.
async fn sign(dir: &Path, ledger: &MemoryLedger) -> Result<Option<SignedCheckpoint>, NotaryError> {
    let mut notary = Notary::open(dir, ORIGIN, UtcMicros(1))?;
    notary.check_end(ledger).await?;
    admit_all(&mut notary, &all(ledger).await)?;
    notary.sign()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[tokio::test]
async fn a_checkpoint_is_the_root_over_all_commits_and_every_one_is_proven_in_it() {
    let dir = folder();
    let ledger = ledger(700).await;
    let signed = sign(dir.path(), &ledger).await.expect("signs").expect("is new");
    let commits = all(&*ledger).await;
    let mut frontier = Frontier::default();
    commits.iter().for_each(|recorded| frontier.push(hash_leaf(&leaf_of(recorded))));
    let found = &signed.checkpoint;
    assert_eq!((found.size, found.root), (700, frontier.root()));
    let proof = ProofFolder::of(dir.path());
    Keys::load_history(proof.dir()).expect("reads").expect("is there").verify(&signed).expect("ok");
    let nodes = TileNodes::new(&proof, 700);
    for recorded in commits {
        let index = recorded.seq - 1;
        let path = prove_inclusion(&nodes, index, 700).expect("proves");
        let leaf = hash_leaf(&leaf_of(&recorded));
        verify_inclusion(&leaf, index, 700, &found.root, &path).expect("verifies");
    }
    assert_eq!(sign(dir.path(), &ledger).await, Ok(None), "nothing is new");
}

#[tokio::test]
async fn it_goes_on_after_every_restart_and_old_proofs_stay_good() {
    let dir = folder();
    let ledger = ledger(0).await;
    let mut kept = Vec::new();
    for round in 0..6u64 {
        for number in 0..97 {
            put(&*ledger, round * 97 + number, stream(1)).await;
        }
        kept.push(sign(dir.path(), &ledger).await.expect("signs").expect("is new").checkpoint);
    }
    let proof = ProofFolder::of(dir.path());
    let row: Vec<_> =
        proof.checkpoints().expect("reads").into_iter().map(|s| s.checkpoint).collect();
    assert_eq!(row[..6], kept[..]);
    for checkpoint in kept {
        let nodes = TileNodes::new(&proof, checkpoint.size);
        let root = grimnir_ledger::proof::path::root_at(&nodes, checkpoint.size);
        assert_eq!(root, Ok(checkpoint.root), "tiles of size {}", checkpoint.size);
    }
}

#[tokio::test]
async fn a_ledger_that_was_restored_short_is_refused() {
    let dir = folder();
    sign(dir.path(), &*ledger(300).await).await.expect("signs");
    let found = sign(dir.path(), &*ledger(299).await).await;
    assert_eq!(found, Err(NotaryError::Shorter { held: 300, found: 299 }));
}

#[tokio::test]
async fn a_ledger_that_was_made_anew_is_refused_and_the_old_checkpoint_stays() {
    let dir = folder();
    let signed = sign(dir.path(), &*ledger(300).await).await.expect("signs");
    let other = MemoryLedger::with_clock(LOG, Arc::new(ManualClock::at(START.plus(1))));
    for number in 0..400 {
        put(&other, number, stream(1)).await;
    }
    let found = sign(dir.path(), &other).await;
    assert_eq!(found, Err(NotaryError::Inconsistent { held: 300, differs_at: Some(300) }));
    // Its end alone was looked at; without that, the first commit is found to be another one.
    let mut notary = open(dir.path());
    let found = admit_all(&mut notary, &all(&other).await);
    assert_eq!(found, Err(NotaryError::Inconsistent { held: 300, differs_at: Some(1) }));
    assert_eq!(ProofFolder::of(dir.path()).newest().expect("reads"), signed);
}

#[tokio::test]
async fn one_commit_that_was_changed_in_the_middle_is_named() {
    let dir = folder();
    let ledger = ledger(600).await;
    sign(dir.path(), &ledger).await.expect("signs");
    let mut commits = all(&*ledger).await;
    let mut changed = (*commits[341]).clone();
    changed.hash.0[5] ^= 1;
    commits[341] = Arc::new(changed);
    let mut notary = open(dir.path());
    let found = admit_all(&mut notary, &commits);
    assert_eq!(found, Err(NotaryError::Inconsistent { held: 600, differs_at: Some(342) }));
    assert!(matches!(notary.sign(), Err(NotaryError::Unconfirmed { held: 600, .. })));
    // Past the last full tile as well.
    let mut commits = all(&*ledger).await;
    let mut changed = (*commits[590]).clone();
    changed.commit.header.version += 1;
    commits[590] = Arc::new(changed);
    let found = admit_all(&mut open(dir.path()), &commits);
    assert_eq!(found, Err(NotaryError::Inconsistent { held: 600, differs_at: Some(591) }));
}

#[tokio::test]
async fn nothing_is_signed_before_what_was_signed_is_read_again() {
    let dir = folder();
    let ledger = ledger(300).await;
    sign(dir.path(), &ledger).await.expect("signs");
    let commits = all(&*ledger).await;
    let mut notary = open(dir.path());
    admit_all(&mut notary, &commits[..299]).expect("reads");
    assert_eq!(notary.sign(), Err(NotaryError::Unconfirmed { held: 300, read: 299 }));
    let skipped = notary.admit(&commits[298]);
    assert_eq!(skipped, Err(NotaryError::Gap { expected: 300, found: 299 }));
}

#[tokio::test]
async fn tiles_that_rotted_or_are_gone_are_made_again() {
    let dir = folder();
    let ledger = ledger(600).await;
    sign(dir.path(), &ledger).await.expect("signs");
    let proof = ProofFolder::of(dir.path());
    let tile = TileId::full(0, 1);
    let good = proof.find_tile(tile).expect("reads").expect("is there");
    let mut rotten = good.clone();
    rotten[77] ^= 1;
    proof.put_tile(tile, &rotten).expect("writes");
    assert_eq!(sign(dir.path(), &ledger).await, Ok(None));
    assert_eq!(proof.find_tile(tile).expect("reads"), Some(good));
    std::fs::remove_dir_all(proof.dir().join("tile")).expect("removes");
    put(&*ledger, 1_000, stream(1)).await;
    let signed = sign(dir.path(), &ledger).await.expect("signs").expect("is new");
    let root = grimnir_ledger::proof::path::root_at(&TileNodes::new(&proof, 601), 601);
    assert_eq!(root, Ok(signed.checkpoint.root));
}

#[tokio::test]
async fn a_checkpoint_that_is_not_the_logs_own_is_not_gone_on_from() {
    let dir = folder();
    sign(dir.path(), &*ledger(10).await).await.expect("signs");
    let path = dir.path().join("proof/checkpoint");
    let text = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, text.replacen("\n10\n", "\n11\n", 1)).expect("writes");
    let found = Notary::open(dir.path(), ORIGIN, UtcMicros(1)).expect_err("is refused");
    assert!(found.to_string().contains("signature of"), "{found}");
    std::fs::write(&path, text).expect("writes");
    std::fs::remove_file(dir.path().join("proof/keys")).expect("removes");
    std::fs::remove_file(dir.path().join("proof/key")).expect("removes");
    let found = Notary::open(dir.path(), ORIGIN, UtcMicros(1)).expect_err("is refused");
    assert!(found.to_string().contains("has checkpoints and no keys"), "{found}");
}

async fn reaches(task: &NotaryTask, wanted: impl FnMut(&NotaryStatus) -> bool) -> NotaryStatus {
    let mut status = task.status();
    let found = tokio::time::timeout(Duration::from_secs(60), status.wait_for(wanted)).await;
    found.expect("in time").expect("goes on").clone()
}

fn spawn(dir: &Path, ledger: &Arc<MemoryLedger>, pace: Pace) -> NotaryTask {
    NotaryTask::spawn(ledger.clone(), open(dir), pace, Arc::new(ManualClock::at(START)))
}

const NEVER: Duration = Duration::from_secs(86_400);

#[test]
fn a_checkpoint_is_due_after_a_thousand_commits_or_a_minute_and_never_for_nothing() {
    let pace = Pace::default();
    assert_eq!(pace.wait(0), None);
    assert_eq!(pace.wait(1), Some(Duration::from_secs(60)));
    assert_eq!(pace.wait(999), Some(Duration::from_secs(60)));
    assert_eq!(pace.wait(1_000), Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_full_thousand_is_signed_and_the_rest_at_the_end() {
    let dir = folder();
    let ledger = ledger(0).await;
    let pace = Pace { longest: NEVER, shortest: Duration::ZERO, ..Pace::default() };
    let task = spawn(dir.path(), &ledger, pace);
    for number in 0..1_000 {
        put(&*ledger, number, stream(1)).await;
    }
    let status = reaches(&task, |status| status.size > 0).await;
    assert_eq!((status.size, status.signed_at), (1_000, Some(START)));
    put(&*ledger, 1_001, stream(1)).await;
    task.stop().await;
    let row = ProofFolder::of(dir.path()).checkpoints().expect("reads");
    let sizes: Vec<u64> = row.iter().map(|signed| signed.checkpoint.size).collect();
    assert_eq!(sizes, [1_000, 1_001, 1_001]);
}

#[tokio::test]
async fn a_lone_commit_is_signed_after_its_time() {
    let dir = folder();
    let ledger = ledger(0).await;
    let pace = Pace { longest: Duration::from_millis(5), ..Pace::default() };
    let task = spawn(dir.path(), &ledger, pace);
    put(&*ledger, 0, stream(1)).await;
    assert_eq!(reaches(&task, |status| status.size > 0).await.size, 1);
    task.stop().await;
}

#[tokio::test]
async fn a_ledger_that_is_not_what_was_signed_stops_the_notary_loudly() {
    let dir = folder();
    sign(dir.path(), &*ledger(300).await).await.expect("signs");
    let other = ledger(0).await;
    for number in 1..302 {
        put(&*other, number, stream(1)).await;
    }
    let task = spawn(dir.path(), &other, Pace::default());
    let status = reaches(&task, |status| status.fault.is_some()).await;
    assert_eq!(status.size, 300);
    let fault = status.fault.expect("is told");
    assert!(fault.contains("seq 1 is another commit"), "{fault}");
    task.stop().await;
    let newest = ProofFolder::of(dir.path()).newest().expect("reads").expect("is there");
    assert_eq!(newest.checkpoint.size, 300);
}
