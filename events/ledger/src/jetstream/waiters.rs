//! Who waits for what: appends for the replica to reach them, and for their turn on a stream.

use crate::ledger::Seq;
use grimnir_events::StreamId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedMutexGuard, oneshot};

/// Appends that wait for the replica. Each is woken once, not at every commit.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<BTreeMap<Seq, Vec<oneshot::Sender<()>>>>,
}

impl Waiters {
    /// Ends when the replica has reached `seq`; `head` says where it is.
    pub async fn reached(&self, seq: Seq, head: impl Fn() -> Seq) {
        let (reached, told) = oneshot::channel();
        locked(&self.waiting).entry(seq).or_default().push(reached);
        // Looked at after entering, so that nothing is missed between the two.
        if head() < seq {
            let _ = told.await;
        }
    }
    /// The replica has reached `head`.
    pub fn release(&self, head: Seq) {
        let mut waiting = locked(&self.waiting);
        let later = waiting.split_off(&(head + 1));
        let reached = std::mem::replace(&mut *waiting, later);
        drop(waiting);
        for sender in reached.into_values().flatten() {
            let _ = sender.send(());
        }
    }
}

/// One append of this process at a time on each stream: two would only race each other.
#[derive(Default)]
pub(crate) struct Turns {
    streams: Mutex<HashMap<StreamId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    /// Waits for a turn; it ends with the guard.
    pub async fn take(&self, stream: StreamId) -> OwnedMutexGuard<()> {
        let turn = locked(&self.streams).entry(stream).or_default().clone();
        turn.lock_owned().await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
