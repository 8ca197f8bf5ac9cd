//! The projector: folds the ledger into the read models as it grows.
//!
//! One task per site. It starts at the snapshot's position, writes a snapshot now and then and on
//! close, and never stops for a commit it cannot read.

use crate::change::changes_of;
use crate::decoded::Decoded;
use crate::snapshot;
use crate::views::{Shared, Views};
use futures_util::StreamExt;
use grimnir_ledger::{Ledger, ReadError, Recorded};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Commits between two snapshots: a second's worth of folding at most.
pub const SNAPSHOT_EVERY: u64 = 5_000;
/// Pause before a ledger that could not be read is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps the read models up to date.
pub struct Projector {
    shared: Arc<Shared>,
    snapshot_dir: Option<PathBuf>,
    /// Position of the last snapshot.
    saved: u64,
    /// When it was begun to be written, and how long that took.
    last_save: Option<(Instant, Duration)>,
}

impl Projector {
    /// Starts to follow `ledger`. Without a `snapshot_dir` every start folds from zero.
    ///
    /// The views answer at once, from nothing: wait for a position with [`Views::wait_for`]. The
    /// task ends when [`Views::close`] is called.
    pub fn spawn(
        ledger: Arc<dyn Ledger>,
        snapshot_dir: Option<PathBuf>,
    ) -> (Arc<Views>, JoinHandle<()>) {
        let shared = Shared::new(ledger);
        let views = Arc::new(Views { shared: shared.clone() });
        let projector = Self { shared, snapshot_dir, saved: 0, last_save: None };
        (views, tokio::spawn(projector.run()))
    }

    async fn run(mut self) {
        // Whatever ends this task, those who wait on it are told.
        let _told = TellClosed(self.shared.clone());
        self.restore().await;
        let mut close = self.shared.close.subscribe();
        while !*close.borrow() {
            let Err(error) = self.follow(&mut close).await else { break };
            tracing::error!(
                event.seq = self.position() + 1,
                outcome = %error,
                "read models stand still: the ledger cannot be read"
            );
            tokio::select! {
                _ = tokio::time::sleep(RETRY) => {}
                _ = close.changed() => {}
            }
        }
        self.save().await;
    }

    /// Follows until close (`Ok`) or until the ledger cannot be read.
    async fn follow(&mut self, close: &mut watch::Receiver<bool>) -> Result<(), ReadError> {
        let mut commits = self.shared.ledger.follow(self.position() + 1);
        loop {
            let next = tokio::select! {
                biased;
                // An error means the sender is gone, which is a close too.
                _ = close.wait_for(|closed| *closed) => return Ok(()),
                next = commits.next() => next,
            };
            match next {
                Some(commit) => self.fold(&*commit?),
                None => {
                    return Err(ReadError::Unavailable { reason: "the ledger closed".into() });
                }
            }
            if self.position() >= self.saved + SNAPSHOT_EVERY && !self.rests() {
                self.save().await;
            }
        }
    }

    fn fold(&self, recorded: &Recorded) {
        let commit = Decoded::of(recorded);
        if !self.shared.write().fold(&commit) {
            return;
        }
        self.shared.remember(commit.place.seq, changes_of(&commit));
        self.shared.progress.send_modify(|p| p.position = commit.place.seq);
    }

    fn position(&self) -> u64 {
        self.shared.progress.borrow().position
    }

    async fn restore(&mut self) {
        let Some(dir) = &self.snapshot_dir else { return };
        let Some(model) = snapshot::load(dir, &*self.shared.ledger).await else { return };
        self.saved = model.position;
        *self.shared.write() = model;
        self.shared.progress.send_modify(|p| p.position = self.saved);
    }

    /// Large snapshots are written a tenth of the time at most.
    fn rests(&self) -> bool {
        let rests = |(begun, took): (Instant, Duration)| begun.elapsed() < took * 10;
        self.last_save.is_some_and(rests)
    }

    async fn save(&mut self) {
        let position = self.position();
        let Some(dir) = self.snapshot_dir.clone().filter(|_| position > self.saved) else { return };
        self.saved = position;
        let begun = Instant::now();
        let shared = self.shared.clone();
        // Only this task writes the model, and it waits here: readers are not held up.
        let written = tokio::task::spawn_blocking(move || {
            snapshot::store(&dir, shared.ledger.log_id(), &shared.read())
        });
        let written = written.await;
        self.last_save = Some((begun, begun.elapsed()));
        let outcome = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        // The next start folds more; nothing is lost.
        tracing::warn!(event.seq = position, outcome, "snapshot of the read models not written");
    }
}

struct TellClosed(Arc<Shared>);

impl Drop for TellClosed {
    fn drop(&mut self) {
        self.0.progress.send_modify(|p| p.closed = true);
    }
}
