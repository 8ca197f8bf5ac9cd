//! The journal: what aired, in order, on disk, numbered without a gap over all runs.
//!
//! Upstream: director and outputs call [`Journal::record`], which never waits for the disk.
//! Downstream: the control plane pulls it. A full or read-only disk keeps facts in memory and
//! tries again; nothing is handed out before it is written, so that no number is used twice.

mod files;
#[cfg(test)]
mod tests;
mod writer;

pub use files::Recovered;

use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::codec;
use grimnir_events::{AirFrame, EngineRunId, UtcMicros};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Facts that wait for the disk at most; the newest beyond it are lost, and counted.
const PENDING_LIMIT: usize = 100_000;
/// Written facts kept in memory for readers that follow.
const RECENT_LIMIT: usize = 8_192;

/// One fact that waits for its number.
struct Pending {
    run: EngineRunId,
    frame: AirFrame,
    at: UtcMicros,
    event: AirEvent,
}

/// One written record: its number and its payload bytes.
pub type Written = (u64, Vec<u8>);

#[derive(Default)]
struct State {
    pending: VecDeque<Pending>,
    recent: VecDeque<Written>,
    lost: u64,
    /// How far UTC is ahead of this run's sample clock, in µs.
    ahead_us: i64,
    acked: u64,
    closing: bool,
}

struct Inner {
    dir: PathBuf,
    run: EngineRunId,
    state: Mutex<State>,
    wake: Condvar,
    head: watch::Sender<u64>,
}

/// A handle on the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

/// The writer's thread, to be waited for at the end.
pub struct WriterGuard {
    journal: Journal,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal of `dir`, cuts a torn tail, and starts its writer.
    pub fn open(dir: &Path, run: EngineRunId) -> (Self, Recovered, WriterGuard) {
        let recovered = files::recover(dir);
        let (head, _) = watch::channel(recovered.next_seq - 1);
        let state = State { acked: 0, ..State::default() };
        let inner = Arc::new(Inner {
            dir: dir.to_path_buf(),
            run,
            state: Mutex::new(state),
            wake: Condvar::new(),
            head,
        });
        let journal = Self { inner };
        let writer = writer::Writer::new(journal.clone(), recovered.next_seq);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(|error| tracing::error!(%error, "journal thread cannot start"))
            .ok();
        (journal.clone(), recovered, WriterGuard { journal, thread })
    }

    /// Notes a fact of `frame`; returns at once.
    pub fn record(&self, frame: AirFrame, event: AirEvent) {
        self.record_of(self.inner.run, frame, event);
    }

    /// From the next fact on, frames of this run stand for UTC so far ahead of the sample clock.
    pub fn anchor(&self, ahead_us: i64) {
        self.lock().ahead_us = ahead_us;
    }

    /// Notes a fact that belongs to another run: one that died before it could write it.
    pub fn record_of(&self, run: EngineRunId, frame: AirFrame, event: AirEvent) {
        let mut state = self.lock();
        if state.pending.len() >= PENDING_LIMIT {
            state.lost += 1;
            return;
        }
        tracing::debug!(frame = frame.0, ?event, "fact");
        let own = if run == self.inner.run { state.ahead_us } else { 0 };
        let at = frame.utc().plus(own);
        state.pending.push_back(Pending { run, frame, at, event });
        drop(state);
        self.inner.wake.notify_one();
    }

    /// Number of the last written record.
    pub fn head(&self) -> u64 {
        *self.inner.head.borrow()
    }
    /// Follows [`Journal::head`].
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.inner.head.subscribe()
    }
    /// Highest number that a reader has taken over.
    pub fn acked(&self) -> u64 {
        self.lock().acked
    }

    /// Records up to `seq` are taken over: whole older files may go. Blocks on the disk.
    pub fn ack(&self, seq: u64) -> u64 {
        let acked = {
            let mut state = self.lock();
            state.acked = state.acked.max(seq.min(self.head()));
            state.acked
        };
        files::remove_before(&self.inner.dir, acked);
        acked
    }

    /// Written records from `from` on, in order, some at a time; may read the disk.
    pub fn read(&self, from: u64) -> std::io::Result<Vec<Written>> {
        let from = from.max(1);
        {
            let state = self.lock();
            if state.recent.front().is_some_and(|(seq, _)| *seq <= from) {
                let found = state.recent.iter().filter(|(seq, _)| *seq >= from);
                return Ok(found.take(512).cloned().collect());
            }
        }
        files::read_from(&self.inner.dir, from, self.head())
    }

    fn fact(seq: u64, pending: &Pending) -> AirFact {
        AirFact {
            run: pending.run,
            journal_seq: seq,
            frame: pending.frame,
            at: pending.at,
            event: pending.event.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriterGuard {
    /// Writes what waits, then ends the writer; gives up after a few tries on a broken disk.
    pub fn close(mut self) {
        self.journal.lock().closing = true;
        self.journal.inner.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The record's bytes of one fact; `None` where it cannot be encoded, which is our bug.
fn payload(fact: &AirFact) -> Option<Vec<u8>> {
    match codec::encode(fact) {
        Ok(encoded) => Some(encoded.bytes),
        Err(error) => {
            tracing::error!(%error, "fact cannot be encoded");
            None
        }
    }
}
