//! Snapshots of aggregates: believed when they fit, passed over when they do not, and never missed.

use grimnir_actors::directory::Directory;
use grimnir_actors::ownership::Ownership;
use grimnir_actors::shell::{Shell, ShellArgs, Snapshot as Fold};
use grimnir_actors::snapshots::{Snapshots, Tails};
use grimnir_actors::{CommandError, Meta};
use grimnir_events::air::{AirEvent, AirFact, ItemStarted};
use grimnir_events::ladder::Tier;
use grimnir_events::library::ItemKind;
use grimnir_events::station::{StationEvent, StationSettings};
use grimnir_events::{
    Actor, AirFrame, ClaimId, CommitId, ContentHash, CorrelationId, EngineRunId, LogId, MediaId,
    Payload, StationId, StreamId, StreamKind, UtcMicros, codec,
};
use grimnir_ledger::{Expected, Ledger, MemoryLedger, NewCommit, Recorded, Snapshot, SnapshotHead};
use grimnir_rules::station::command::StationCommand;
use grimnir_rules::{Aggregate, FOLD_FINGERPRINT, Ladder, Station};
use ractor::Actor as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const STATION: StationId = StationId([4; 16]);

fn stream(kind: StreamKind) -> StreamId {
    StreamId::of_station(kind, STATION)
}

async fn append<P: Payload>(ledger: &dyn Ledger, to: StreamId, event: &P) -> Arc<Recorded> {
    let number = ledger.head().await.expect("reads").seq as u8;
    let commit = NewCommit {
        commit_id: CommitId([number + 1; 16]),
        stream: to,
        occurred_at: UtcMicros(1),
        actor: Actor::System,
        correlation: CorrelationId([1; 16]),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: None,
        context: None,
        events: vec![codec::encode(event).expect("encodes")],
    };
    ledger.append(commit, Expected::Any).await.expect("appends").recorded
}

fn renamed(name: &str) -> StationEvent {
    StationEvent::Renamed { name: name.into() }
}

fn heard(play: u8) -> AirFact {
    let event = AirEvent::ItemStarted(Box::new(ItemStarted {
        play: play.into(),
        claim_id: ClaimId([play; 16]),
        tier: Tier::LiveOverride,
        line_id: None,
        media_id: MediaId([5; 16]),
        play_hash: ContentHash([6; 32]),
        title: "Fjörður".into(),
        artist: String::new(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 48_000,
        gain_db_x100: 0,
    }));
    let (run, frame) = (EngineRunId([7; 16]), AirFrame(i64::from(play) * 480));
    AirFact { run, journal_seq: play.into(), frame, at: UtcMicros(play.into()), event }
}

/// A station that was created and renamed, and four facts of its air.
async fn filled(log_id: LogId, name: &str) -> Arc<MemoryLedger> {
    let ledger = Arc::new(MemoryLedger::new(log_id));
    let created = StationEvent::Created {
        name: "One".into(),
        slug: "one".into(),
        time_zone: "Europe/Berlin".into(),
        settings: StationSettings::default(),
    };
    append(&*ledger, stream(StreamKind::Station), &created).await;
    append(&*ledger, stream(StreamKind::Station), &renamed(name)).await;
    for play in 1..=4 {
        append(&*ledger, stream(StreamKind::Air), &heard(play)).await;
    }
    ledger
}

/// Runs a shell of `A` once and answers what it folded.
async fn folded<A: Aggregate>(
    ledger: &Arc<MemoryLedger>,
    snapshots: Option<&Snapshots>,
) -> Fold<A> {
    let directory = Arc::new(Directory::default());
    let args = ShellArgs {
        stream: stream(A::KIND),
        ledger: ledger.clone(),
        directory: directory.clone(),
        ownership: Arc::new(Ownership::alone(1)),
        snapshots: snapshots.cloned(),
    };
    let (shell, task) = Shell::<A>::spawn(None, Shell::default(), args).await.expect("starts");
    let fold = directory.inspect::<A>(stream(A::KIND)).await.expect("answers");
    shell.stop(None);
    task.await.expect("ends");
    fold
}

/// The snapshot is written beside the shell's work: waits until it is there.
async fn written(snapshots: &Snapshots, kind: StreamKind) {
    let until = Instant::now() + Duration::from_secs(20);
    while !snapshots.path(stream(kind)).exists() {
        assert!(Instant::now() < until, "no snapshot of {}", kind.word());
        tokio::task::yield_now().await;
    }
}

async fn load(snapshots: &Snapshots, ledger: &MemoryLedger) -> Option<Fold<Station>> {
    snapshots.load::<Station>(stream(StreamKind::Station), ledger).await.map(|found| found.0)
}

fn at(dir: &Path, every: u64) -> Snapshots {
    Snapshots::new(dir.to_owned(), every)
}

#[tokio::test]
async fn a_shell_goes_on_from_a_snapshot_that_fits() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, snapshots) = (filled(LogId([1; 16]), "Two").await, at(dir.path(), 2));
    let plain = folded::<Station>(&ledger, None).await;
    assert_eq!(folded::<Station>(&ledger, Some(&snapshots)).await.state, plain.state);
    written(&snapshots, StreamKind::Station).await;
    let found = load(&snapshots, &ledger).await.expect("fits");
    assert_eq!((found.version, found.seq, &found.state), (2, 2, &plain.state));

    // A name that no commit gave shows that it was believed; what followed is folded on top.
    let mut marked = plain.clone();
    Arc::make_mut(&mut marked.state).slug = "marked".into();
    let own = ledger.read_all(2, 1).await.expect("reads")[0].hash;
    let tails = Tails { own, ..Tails::default() };
    snapshots.store(ledger.log_id(), stream(StreamKind::Station), &marked, tails).expect("stores");
    append(&*ledger, stream(StreamKind::Station), &renamed("Three")).await;
    let resumed = folded::<Station>(&ledger, Some(&snapshots)).await;
    assert_eq!((resumed.state.slug.as_str(), resumed.state.name.as_str()), ("marked", "Three"));
    assert_eq!((resumed.version, resumed.seq), (3, 7));
}

#[tokio::test]
async fn every_snapshot_deleted_the_states_are_equal() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, snapshots) = (filled(LogId([1; 16]), "Two").await, at(dir.path(), 1));
    let station = folded::<Station>(&ledger, Some(&snapshots)).await;
    let ladder = folded::<Ladder>(&ledger, Some(&snapshots)).await;
    assert_eq!((station.version, ladder.version, ladder.air_version), (2, 0, 4));
    assert_eq!(ladder.state.witnessed.heard.len(), 4, "facts are in it");
    written(&snapshots, StreamKind::Station).await;
    written(&snapshots, StreamKind::Ladder).await;
    append(&*ledger, stream(StreamKind::Air), &heard(5)).await;
    // It goes on from what is there and writes nothing more, so that all can be deleted.
    let with = folded::<Ladder>(&ledger, Some(&at(dir.path(), u64::MAX))).await;
    std::fs::remove_dir_all(dir.path()).expect("removes");
    let without = folded::<Ladder>(&ledger, Some(&snapshots)).await;
    assert_eq!((&with.state, with.air_version), (&without.state, 5));
    assert_eq!(without.state.witnessed.heard.len(), 5);
    let again = folded::<Station>(&ledger, Some(&snapshots)).await;
    assert_eq!((again.state, again.version, again.seq), (station.state, 2, station.seq));
}

#[tokio::test]
async fn a_wrong_or_foreign_snapshot_is_folded_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, snapshots) = (filled(LogId([1; 16]), "Two").await, at(dir.path(), 1));
    let true_fold = folded::<Station>(&ledger, Some(&snapshots)).await;
    written(&snapshots, StreamKind::Station).await;
    let path = snapshots.path(stream(StreamKind::Station));
    let good = std::fs::read(&path).expect("reads");
    assert!(load(&snapshots, &ledger).await.is_some(), "it is good to begin with");

    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x15;
        std::fs::write(&path, &bad).expect("writes");
        assert!(load(&snapshots, &ledger).await.is_none(), "byte {at}");
    }
    std::fs::write(&path, &good).expect("writes");
    let other_log = filled(LogId([2; 16]), "Two").await;
    assert!(load(&snapshots, &other_log).await.is_none(), "another ledger");
    let other_history = filled(LogId([1; 16]), "Other").await;
    assert!(load(&snapshots, &other_history).await.is_none(), "another history");
    let fresh = MemoryLedger::new(LogId([1; 16]));
    assert!(load(&snapshots, &fresh).await.is_none(), "beyond the head");
    // One that only reads: what a shell writes beside its work would meet what is written here.
    let read_only = at(dir.path(), u64::MAX);
    let fold = folded::<Station>(&other_history, Some(&read_only)).await;
    assert_eq!((fold.state.name.as_str(), fold.version), ("Other", 2), "folded again");

    let log_id = ledger.log_id();
    let held = |code: u32, fingerprint: u32| {
        let snapshot = Snapshot::read(&path, log_id, FOLD_FINGERPRINT).expect("is there");
        let code_version = snapshot.head.code_version + code;
        let head = SnapshotHead { code_version, schema: fingerprint, ..snapshot.head };
        (head, snapshot.state)
    };
    for (what, code, fingerprint) in
        [("another program", 1, FOLD_FINGERPRINT), ("other sources", 0, !FOLD_FINGERPRINT)]
    {
        std::fs::write(&path, &good).expect("writes");
        let (head, state) = held(code, fingerprint);
        head.write(&path, |out| out.write_all(&state)).expect("writes");
        assert!(load(&snapshots, &ledger).await.is_none(), "{what}");
    }
    // Another station's file under this one's name.
    let other = StreamId::of_station(StreamKind::Station, StationId([9; 16]));
    snapshots.store(log_id, other, &true_fold, Tails::default()).expect("stores");
    std::fs::rename(snapshots.path(other), &path).expect("renames");
    assert!(load(&snapshots, &ledger).await.is_none(), "another aggregate");
    assert_eq!(folded::<Station>(&ledger, Some(&read_only)).await.state, true_fold.state);
}

#[tokio::test]
async fn a_decision_after_a_snapshot_sees_what_followed_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ledger, snapshots) = (filled(LogId([1; 16]), "Two").await, at(dir.path(), 2));
    folded::<Station>(&ledger, Some(&snapshots)).await;
    written(&snapshots, StreamKind::Station).await;
    append(&*ledger, stream(StreamKind::Station), &StationEvent::Started {}).await;
    let directory = Arc::new(Directory::default());
    let args = ShellArgs {
        stream: stream(StreamKind::Station),
        ledger: ledger.clone(),
        directory: directory.clone(),
        ownership: Arc::new(Ownership::alone(1)),
        snapshots: Some(snapshots),
    };
    let (shell, task) = Shell::<Station>::spawn(None, Shell::default(), args).await.expect("runs");
    let meta = Meta {
        actor: Actor::System,
        correlation: CorrelationId([1; 16]),
        causation: CommitId::default(),
        commit_id: CommitId([0xEE; 16]),
    };
    let answer: Result<_, CommandError> = directory
        .decide::<Station>(stream(StreamKind::Station), StationCommand::Start {}, meta)
        .await;
    let receipt = answer.expect("is on air already");
    assert_eq!((receipt.version, receipt.events.len()), (3, 0), "nothing changes");
    shell.stop(None);
    task.await.expect("ends");
}
