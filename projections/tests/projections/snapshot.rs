//! The snapshot: believed when it fits, passed over when it does not.

use crate::history::*;
use grimnir_events::station::StationEvent;
use grimnir_events::{LogId, StreamKind};
use grimnir_ledger::{Ledger, MemoryLedger};
use grimnir_projections::{Model, Projector, snapshot};
use std::path::Path;
use std::sync::Arc;

async fn filled(name: &str) -> Arc<MemoryLedger> {
    filled_as(LogId([1; 16]), name).await
}

async fn filled_as(log_id: LogId, name: &str) -> Arc<MemoryLedger> {
    let ledger = Arc::new(MemoryLedger::new(log_id));
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let event = StationEvent::Renamed { name: name.into() };
    append(&ledger, StreamKind::Station, T0, &[event]).await;
    ledger
}

/// Folds to the head, closes, answers the model.
async fn run(ledger: Arc<MemoryLedger>, dir: &Path) -> Model {
    let head = ledger.head().await.expect("reads").seq;
    let (views, task) = Projector::spawn(ledger, Some(dir.to_owned()));
    assert!(views.wait_for(head).await);
    views.close();
    task.await.expect("ends");
    views.with(Model::clone)
}

#[tokio::test]
async fn a_fitting_snapshot_is_gone_on_from() {
    let dir = tempfile::tempdir().expect("dir");
    let ledger = filled("First").await;
    let model = run(ledger.clone(), dir.path()).await;
    let found = snapshot::load(dir.path(), &*ledger).await.expect("fits");
    assert_eq!(found, model);

    // A mark that no commit makes shows that the snapshot was believed.
    let marked = Model { faults: 77, ..model };
    snapshot::store(dir.path(), ledger.log_id(), &marked).expect("stores");
    append(&ledger, StreamKind::Station, T0, &[StationEvent::Started {}]).await;
    let resumed = run(ledger.clone(), dir.path()).await;
    assert_eq!((resumed.faults, resumed.position), (77, 3));
    assert!(resumed.stations[&STATION].on_air);
}

#[tokio::test]
async fn a_damaged_snapshot_is_folded_again_whichever_byte_is_wrong() {
    let dir = tempfile::tempdir().expect("dir");
    let ledger = filled("First").await;
    let model = run(ledger.clone(), dir.path()).await;
    let path = snapshot::path(dir.path());
    let good = std::fs::read(&path).expect("reads");
    for at in (0..100).chain((100..good.len()).step_by(97)) {
        let mut bad = good.clone();
        bad[at] ^= 0x15;
        std::fs::write(&path, &bad).expect("writes");
        assert_eq!(snapshot::load(dir.path(), &*ledger).await, None, "byte {at}");
    }
    for cut in [0, 1, 71, 72, 73, good.len() - 1] {
        std::fs::write(&path, &good[..cut]).expect("writes");
        assert_eq!(snapshot::load(dir.path(), &*ledger).await, None, "cut at {cut}");
    }
    assert_eq!(run(ledger, dir.path()).await, model);
}

#[tokio::test]
async fn a_foreign_snapshot_is_folded_again() {
    let dir = tempfile::tempdir().expect("dir");
    run(filled("First").await, dir.path()).await;
    let other_log = filled_as(LogId([2; 16]), "First").await;
    assert_eq!(snapshot::load(dir.path(), &*other_log).await, None);
    let other_history = filled("Second").await;
    assert_eq!(snapshot::load(dir.path(), &*other_history).await, None);
    let shorter = ledger();
    append(&shorter, StreamKind::Station, T0, &[created()]).await;
    assert_eq!(snapshot::load(dir.path(), &*shorter).await, None);
    let model = run(other_history, dir.path()).await;
    assert_eq!(model.stations[&STATION].name, "Second");
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_stops_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("taken");
    std::fs::write(&file, b"not a directory").expect("writes");
    assert_eq!(run(filled("First").await, &file).await.position, 2);
}
