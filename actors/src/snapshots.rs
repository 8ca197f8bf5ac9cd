//! Snapshots of aggregates: a fold on disk, so that a shell starts without reading its whole
//! stream again. A cache: whatever is wrong with one, it is passed over and everything is folded.
//!
//! A snapshot is believed when it is whole, of this ledger and this program (also by the sources
//! that fold), of this aggregate, and when the ledger holds the very commits it was folded to, in
//! its own stream and in the witnessed one. Upstream: shells. Not here: when a shell folds.

use crate::shell::Snapshot as Fold;
use grimnir_events::{ContentHash, LogId, StreamId, StreamKind};
use grimnir_ledger::{Ledger, Snapshot, SnapshotHead};
use grimnir_rules::{Aggregate, FOLD_FINGERPRINT};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Commits between two snapshots of an aggregate: a fold of a few milliseconds.
pub const SNAPSHOT_EVERY: u64 = 256;
/// A snapshot that takes longer than this to write is a large one.
const LARGE: Duration = Duration::from_millis(100);

/// Where snapshots are, and how often they are taken.
#[derive(Clone, Debug)]
pub struct Snapshots {
    dir: PathBuf,
    every: u64,
}

/// Hashes of the last commits in a fold: of its own stream and of the witnessed one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tails {
    /// Of its own stream; zero before the first.
    pub own: ContentHash,
    /// Of the witnessed stream; zero before the first.
    pub air: ContentHash,
}

/// Takes the snapshots of one shell, beside its work.
#[derive(Default)]
pub struct Keeper {
    snapshots: Option<Snapshots>,
    /// Commits in the last one, and its writing while that is under way.
    at: u64,
    writing: Option<tokio::task::JoinHandle<()>>,
    /// When the last one was begun, and how long it took in microseconds.
    begun: Option<Instant>,
    took_us: Arc<AtomicU64>,
}

impl Keeper {
    /// One that takes them there, or none at all.
    pub fn new(snapshots: Option<Snapshots>) -> Self {
        Self { snapshots, ..Self::default() }
    }

    /// What the aggregate's snapshot holds, where it is believed.
    pub async fn load<A: Aggregate>(
        &mut self,
        stream: StreamId,
        ledger: &dyn Ledger,
    ) -> Option<(Fold<A>, Tails)> {
        let found = self.snapshots.as_ref()?.load::<A>(stream, ledger).await?;
        self.at = found.0.version + found.0.air_version;
        Some(found)
    }

    /// Writes one where it is due; one at a time.
    pub fn take<A: Aggregate>(
        &mut self,
        log_id: LogId,
        stream: StreamId,
        fold: &Fold<A>,
        tails: Tails,
    ) {
        let Some(snapshots) = &self.snapshots else { return };
        let folded = fold.version + fold.air_version;
        let writing = self.writing.as_ref().is_some_and(|task| !task.is_finished());
        if writing || folded - self.at < snapshots.every || self.rests() {
            return;
        }
        let (begun, took_us) = (Instant::now(), self.took_us.clone());
        self.begun = Some(begun);
        let (snapshots, fold) = (snapshots.clone(), fold.clone());
        self.at = folded;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = snapshots.store(log_id, stream, &fold, tails) {
                tracing::warn!(%stream, %error, "snapshot not written");
            }
            let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            took_us.store(took, Ordering::Relaxed);
        }));
    }

    /// Large ones are written a tenth of the time at most.
    fn rests(&self) -> bool {
        let took = Duration::from_micros(self.took_us.load(Ordering::Relaxed));
        took > LARGE && self.begun.is_some_and(|begun| begun.elapsed() < took * 10)
    }
}

#[derive(Serialize, Deserialize)]
struct Stored<S> {
    stream: StreamId,
    version: u64,
    air_version: u64,
    air_hash: ContentHash,
    state: S,
}

impl Snapshots {
    /// Snapshots in `dir`, one after `every` commits or more.
    pub fn new(dir: PathBuf, every: u64) -> Self {
        Self { dir, every: every.max(1) }
    }

    /// Where the snapshot of an aggregate is.
    pub fn path(&self, stream: StreamId) -> PathBuf {
        self.dir.join(format!("{}-{}.snap", stream.kind.word(), hex::encode(stream.id)))
    }

    /// Writes a fold, whole or not at all. Blocks.
    pub fn store<A: Aggregate>(
        &self,
        log_id: LogId,
        stream: StreamId,
        fold: &Fold<A>,
        tails: Tails,
    ) -> io::Result<()> {
        let stored = Stored {
            stream,
            version: fold.version,
            air_version: fold.air_version,
            air_hash: tails.air,
            state: &*fold.state,
        };
        std::fs::create_dir_all(&self.dir)?;
        SnapshotHead::new(log_id, FOLD_FINGERPRINT, fold.seq, tails.own)
            .write(&self.path(stream), |out| Ok(serde_json::to_writer(out, &stored)?))
    }

    /// The fold of an aggregate, where a snapshot of it is there and believed.
    pub async fn load<A: Aggregate>(
        &self,
        stream: StreamId,
        ledger: &dyn Ledger,
    ) -> Option<(Fold<A>, Tails)> {
        let (path, log_id) = (self.path(stream), ledger.log_id());
        if !path.exists() {
            return None;
        }
        let file = path.clone();
        let read = move || Snapshot::read(&file, log_id, FOLD_FINGERPRINT);
        let snapshot = tokio::task::spawn_blocking(read).await.ok().flatten();
        let Some(snapshot) = snapshot else {
            return passed_over(&path, "it is damaged, of another ledger or of other code");
        };
        let stored: Stored<A::State> = match serde_json::from_slice(&snapshot.state) {
            Ok(stored) => stored,
            Err(error) => return passed_over(&path, &error.to_string()),
        };
        if stored.stream != stream {
            return passed_over(&path, "it is of another aggregate");
        }
        let tails = Tails { own: snapshot.head.hash, air: stored.air_hash };
        let own = ends_at(ledger, stream, stored.version, tails.own).await;
        let air = match stream.station() {
            Some(station) => {
                let air = StreamId::of_station(StreamKind::Air, station);
                ends_at(ledger, air, stored.air_version, tails.air).await
            }
            None => (stored.air_version == 0).then_some(0),
        };
        if own != Some(snapshot.head.seq) || air.is_none() {
            return passed_over(&path, "the ledger has other commits at its position");
        }
        let (version, air_version) = (stored.version, stored.air_version);
        let fold =
            Fold { state: Arc::new(stored.state), version, seq: snapshot.head.seq, air_version };
        Some((fold, tails))
    }
}

/// Position of the commit with this version and hash in a stream, 0 for none of both; `None` where
/// the ledger has another commit there or none.
async fn ends_at(
    ledger: &dyn Ledger,
    stream: StreamId,
    version: u64,
    hash: ContentHash,
) -> Option<u64> {
    if version == 0 {
        return (hash == ContentHash::default()).then_some(0);
    }
    let found = ledger.read(stream, version, 1).await.ok()?;
    found.first().filter(|recorded| recorded.hash == hash).map(|recorded| recorded.seq)
}

fn passed_over<T>(path: &Path, reason: &str) -> Option<T> {
    let path = path.display().to_string();
    tracing::warn!(path, outcome = reason, "snapshot of an aggregate passed over; folding again");
    None
}
