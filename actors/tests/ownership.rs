//! Ownership on one ledger and one set of leases, shared by two nodes in this process.

use grimnir_actors::directory::Directory;
use grimnir_actors::ownership::keeper::Keeper;
use grimnir_actors::ownership::{Node, Ownership, Standing, memory, take};
use grimnir_actors::shell::{Shell, ShellArgs};
use grimnir_actors::site::{Parts, ProofConfig, Shared, SiteProof};
use grimnir_actors::{CommandError, LedgerPlace, Meta, SiteConfig};
use grimnir_events::owner::OwnerEvent;
use grimnir_events::{
    Actor as Principal, CommitId, CorrelationId, LogId, SiteId, StationId, StreamId, StreamKind,
};
use grimnir_ledger::proof::submit::Sharing;
use grimnir_ledger::{Leases, Ledger, MemoryLeases, MemoryLedger, Secrets};
use grimnir_projections::Projector;
use grimnir_rules::Executor;
use grimnir_rules::executor::command::ExecutorCommand;
use ractor::Actor;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SITE: SiteId = SiteId([3; 16]);
const STATION: StationId = StationId([4; 16]);

fn stream() -> StreamId {
    StreamId::of_station(StreamKind::Executor, STATION)
}

fn meta(number: u8) -> Meta {
    let commit_id = CommitId([number; 16]);
    let (actor, correlation) = (Principal::Local, CorrelationId([number; 16]));
    Meta { actor, correlation, causation: CommitId::default(), commit_id }
}

fn enter(live: bool) -> ExecutorCommand {
    use grimnir_events::executor::PlayoutState::{Live, Preloading};
    let playout = if live { Live } else { Preloading };
    ExecutorCommand::Enter { state: playout, reason: "test".into() }
}

/// A node's shell of the station's executor, and what the node knows of ownership.
async fn shell(ledger: &Arc<MemoryLedger>, name: &str) -> (Arc<Directory>, Arc<Ownership>) {
    let node = Node { name: name.into(), url: format!("http://{name}") };
    let (directory, ownership) =
        (Arc::new(Directory::default()), Arc::new(Ownership::shared(node)));
    let args = ShellArgs {
        stream: stream(),
        ledger: ledger.clone(),
        directory: directory.clone(),
        ownership: ownership.clone(),
        snapshots: None,
    };
    Shell::<Executor>::spawn(None, Shell::default(), args).await.expect("starts");
    (directory, ownership)
}

#[tokio::test]
async fn a_zombie_decides_nothing_after_its_stream_was_taken() {
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    let (directory_a, a) = shell(&ledger, "a").await;
    let (directory_b, b) = shell(&ledger, "b").await;
    a.set(STATION.0, Standing::Own { epoch: 5 });
    let first = directory_a.decide::<Executor>(stream(), enter(false), meta(1)).await;
    assert_eq!(first.expect("a decides").version, 1);
    let refused = directory_b.decide::<Executor>(stream(), enter(true), meta(2)).await;
    assert_eq!(refused.err(), Some(CommandError::NoOwner), "b owns nothing");
    // A sleeps past its lease and still believes that it owns the station.
    take::take(ledger.as_ref(), &[stream()], 6, "b").await.expect("b takes it");
    b.set(STATION.0, Standing::Own { epoch: 6 });
    for number in [3, 4] {
        let late = directory_a.decide::<Executor>(stream(), enter(true), meta(number)).await;
        let found = late.err();
        let named = |node: &str| CommandError::NotOwner { node: node.into(), url: String::new() };
        assert_eq!(found, Some(named("b")), "attempt {number}");
    }
    assert!(matches!(a.standing(STATION.0), Standing::Other(node) if node.name == "b"));
    assert_eq!(ledger.version(stream()).await, Ok(2), "nothing of a's follows the taking");
    let second = directory_b.decide::<Executor>(stream(), enter(true), meta(5)).await;
    assert_eq!(second.expect("b decides").version, 3, "b has folded a's history");
    let last = ledger.read(stream(), 3, 1).await.expect("reads");
    assert_eq!(last[0].commit.header.owner_epoch, 6);
    // A follows, and answers who reads with b's decision.
    let seen = directory_a.inspect::<Executor>(stream()).await.expect("shows");
    assert_eq!(seen.version, 3);
}

#[tokio::test]
async fn a_zombie_answers_nothing_from_a_fold_that_is_behind() {
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    let (directory, a) = shell(&ledger, "a").await;
    a.set(STATION.0, Standing::Own { epoch: 5 });
    directory.decide::<Executor>(stream(), enter(false), meta(1)).await.expect("a decides");
    let again = directory.decide::<Executor>(stream(), enter(false), meta(2)).await;
    assert_eq!(again.map(|receipt| receipt.events.len()), Ok(0), "nothing to do");
    take::take(ledger.as_ref(), &[stream()], 6, "b").await.expect("b takes it");
    // No append would fail: there is still nothing to do, as far as a knows.
    let late = directory.decide::<Executor>(stream(), enter(false), meta(3)).await;
    let owner = CommandError::NotOwner { node: "b".into(), url: String::new() };
    assert_eq!(late.err(), Some(owner));
}

/// A node with its own view of one ledger.
async fn node(
    ledger: &Arc<MemoryLedger>,
    leases: &Arc<MemoryLeases>,
    name: &str,
    dir: &std::path::Path,
) -> (Arc<Shared>, Keeper) {
    let data_dir = dir.join(name);
    std::fs::create_dir_all(&data_dir).expect("a folder");
    let config = SiteConfig {
        node: Node { name: name.into(), url: format!("http://{name}") },
        common_dir: None,
        ledger: LedgerPlace::Here,
        engine_program: None,
        listen_ip: std::net::IpAddr::from([127, 0, 0, 1]),
        mount_port: 0,
        upload_limit_bytes: 1,
        proof: ProofConfig::default(),
        data_dir: data_dir.clone(),
        archive: None,
        import_roots: Vec::new(),
        alarm_url: None,
    };
    let secrets = Arc::new(Secrets::open(data_dir.join("secrets")).expect("opens"));
    let (views, _) = Projector::spawn(ledger.clone(), None);
    let ownership = Ownership::shared(config.node.clone());
    let ledger: Arc<dyn Ledger> = ledger.clone();
    let proof =
        SiteProof::open(&config.proof, &data_dir, SITE, ledger.clone(), Sharing::Alone).await;
    let proof = proof.expect("opens");
    let parts = Parts { ledger, secrets, views, ownership, proof, archiver: None, opened_at: 0 };
    let shared = Arc::new(Shared::new(config, SITE, parts));
    let leases: Arc<dyn Leases> = leases.clone();
    // Every round renews: as if the last renewal were long ago.
    (shared.clone(), Keeper::new(shared, leases).renewing_every(Duration::ZERO))
}

/// Owner and epoch in the last commit of the site's own stream.
async fn last_taken(ledger: &MemoryLedger) -> (u64, String) {
    let stream = StreamId::access(SITE);
    let version = ledger.version(stream).await.expect("reads");
    let last = ledger.read(stream, version, 1).await.expect("reads");
    match OwnerEvent::in_commit(&last[0].commit).expect("decodes").expect("a taking") {
        OwnerEvent::OwnershipTaken { epoch, node } => (epoch, node),
    }
}

#[tokio::test]
async fn a_lost_nodes_share_is_taken_under_a_higher_epoch_and_the_old_owner_stands_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    let leases = Arc::new(MemoryLeases::default());
    let (a, mut keeper_a) = node(&ledger, &leases, "a", dir.path()).await;
    let (b, mut keeper_b) = node(&ledger, &leases, "b", dir.path()).await;
    assert!(keeper_a.round().await && keeper_b.round().await);
    let first = a.ownership.epoch(SITE.0).expect("alone, a owns all");
    assert_eq!(last_taken(&ledger).await, (first, "a".into()));
    assert_eq!(
        b.ownership.decides(SITE.0),
        Err(CommandError::NotOwner { node: "a".into(), url: "http://a".into() })
    );
    // Nobody answers: nothing changes, and nobody takes anything.
    leases.set_away(true);
    assert!(!keeper_a.round().await && !keeper_b.round().await);
    assert_eq!(a.ownership.epoch(SITE.0), Some(first));
    assert_eq!(b.ownership.epoch(SITE.0), None);
    leases.set_away(false);
    // A is silent, and its leases end.
    leases.expire("node.a");
    leases.expire(&format!("unit.{}", hex::encode(SITE.0)));
    assert!(keeper_b.round().await);
    let second = b.ownership.epoch(SITE.0).expect("b owns it");
    assert!(second > first, "epoch {second} after {first}");
    assert_eq!(last_taken(&ledger).await, (second, "b".into()));
    assert_eq!(memory::remembered(&b), BTreeMap::from([(SITE.0, second)]));
    // A wakes: it learns of it with its next renewal, and takes nothing back by force.
    assert!(keeper_a.round().await);
    assert!(matches!(a.ownership.standing(SITE.0), Standing::Other(node) if node.name == "b"));
    assert_eq!(last_taken(&ledger).await, (second, "b".into()));
}

#[tokio::test]
async fn epochs_rise_in_the_log_even_where_the_leases_count_from_one_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    take::take(ledger.as_ref(), &[StreamId::access(SITE)], 900, "old").await.expect("taken");
    let leases = Arc::new(MemoryLeases::default());
    let (a, mut keeper) = node(&ledger, &leases, "a", dir.path()).await;
    assert!(keeper.round().await);
    assert_eq!(a.ownership.epoch(SITE.0), Some(901));
}

#[tokio::test]
async fn two_processes_of_one_name_do_not_both_decide() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    let leases = Arc::new(MemoryLeases::default());
    let (first, mut keeper_1) = node(&ledger, &leases, "a", dir.path()).await;
    assert!(keeper_1.round().await);
    let before = first.ownership.epoch(SITE.0).expect("owns it");
    let (second, mut keeper_2) = node(&ledger, &leases, "a", dir.path()).await;
    assert!(keeper_2.round().await);
    assert!(second.ownership.epoch(SITE.0).expect("owns it at once") > before);
    assert!(keeper_1.round().await);
    assert_eq!(first.ownership.decides(SITE.0), Err(CommandError::NoOwner));
}

#[tokio::test]
async fn a_node_that_closes_lets_go_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Arc::new(MemoryLedger::new(LogId([1; 16])));
    let leases = Arc::new(MemoryLeases::default());
    let (a, mut keeper_a) = node(&ledger, &leases, "a", dir.path()).await;
    let (b, mut keeper_b) = node(&ledger, &leases, "b", dir.path()).await;
    assert!(keeper_a.round().await && keeper_b.round().await);
    keeper_a.release().await;
    assert_eq!(a.ownership.decides(SITE.0), Err(CommandError::NoOwner));
    assert!(keeper_b.round().await);
    assert!(b.ownership.epoch(SITE.0).is_some(), "no lease had to end first");
}
