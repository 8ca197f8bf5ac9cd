//! What others see of an importer, and how they wake it.

use super::measure::Job;
use grimnir_events::{ImportId, StationId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The importers of a site.
#[derive(Default)]
pub struct Imports {
    stations: Mutex<BTreeMap<StationId, Arc<Handle>>>,
}

/// How far an importer is with a folder, as the ledger does not say it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Files that lay there when it was looked through last.
    pub found: usize,
    /// Files of them that are still to be looked at.
    pub left: usize,
    /// Files that somebody is writing.
    pub busy: usize,
    /// Names that cannot be recorded: not UTF-8, or with control characters.
    pub unnamable: usize,
    /// Why the folder cannot be looked at now.
    pub fault: Option<String>,
}

/// One station's importer.
#[derive(Default)]
pub struct Handle {
    wake: Notify,
    touched: Mutex<BTreeSet<ImportId>>,
    progress: Mutex<BTreeMap<ImportId, Progress>>,
    vanished: Mutex<BTreeMap<ImportId, UtcMicros>>,
    queue: Mutex<VecDeque<Job>>,
    queued: Notify,
}

impl Imports {
    /// The importer of a station.
    pub(crate) fn of(&self, station: StationId) -> Arc<Handle> {
        lock(&self.stations).entry(station).or_default().clone()
    }
    /// Has a station's importer look at its folders.
    pub(crate) fn wake(&self, station: StationId) {
        self.of(station).wake.notify_one();
    }
    /// How far it is with a folder; `None` where nothing is going on.
    pub fn progress(&self, station: StationId, import: ImportId) -> Option<Progress> {
        lock(&self.of(station).progress).get(&import).cloned()
    }
    /// Items that wait for their measuring.
    pub fn waiting(&self, station: StationId) -> usize {
        lock(&self.of(station).queue).len()
    }
}

impl Handle {
    /// Something changed in a folder.
    pub(super) fn touch(&self, import: ImportId) {
        lock(&self.touched).insert(import);
    }
    /// The same, and it is to be looked at now.
    pub(super) fn stir(&self, import: ImportId) {
        self.touch(import);
        self.wake.notify_one();
    }
    pub(super) fn take_touched(&self, import: ImportId) -> bool {
        lock(&self.touched).remove(&import)
    }
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
    pub(super) fn change(&self, import: ImportId, change: impl FnOnce(&mut Progress)) {
        change(lock(&self.progress).entry(import).or_default());
    }
    /// Every file of a folder is gone; answers for how many microseconds that has been so.
    pub(super) fn vanished_for(&self, import: ImportId, now: UtcMicros) -> i64 {
        now.0.saturating_sub(lock(&self.vanished).entry(import).or_insert(now).0)
    }
    pub(super) fn is_here(&self, import: ImportId) {
        lock(&self.vanished).remove(&import);
    }
    /// A folder is being looked through.
    pub(super) fn is_looking(&self) -> bool {
        lock(&self.progress).values().any(|progress| progress.left > 0)
    }
    /// Forgets folders that are not open any more.
    pub(super) fn keep(&self, open: BTreeSet<ImportId>) {
        lock(&self.progress).retain(|id, _| open.contains(id));
    }
    pub(super) fn push(&self, jobs: impl IntoIterator<Item = Job>) {
        lock(&self.queue).extend(jobs);
        self.queued.notify_one();
    }
    pub(super) fn clear_queue(&self) {
        lock(&self.queue).clear();
    }
    pub(super) async fn pop(&self) -> Job {
        loop {
            if let Some(job) = lock(&self.queue).pop_front() {
                return job;
            }
            self.queued.notified().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
