//! The feeder: one thread that brings the store up to the active segment, at its own pace.

use super::shared::Shared;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Commits the store takes at once.
const BATCH: u64 = 256;
/// Commits are collected this long: until then readers find them in memory.
const COLLECT: Duration = Duration::from_millis(20);
/// At close the store is still brought up if it is at most this far behind.
const CATCH_UP_AT_CLOSE: u64 = 16_384;

/// How the feeder is told that there is more, or that it is over.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    more: bool,
    closing: bool,
}

impl Signal {
    /// There is more to take.
    pub fn more(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.more {
            state.more = true;
            self.moved.notify_one();
        }
    }
    /// It is over.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        self.moved.notify_one();
    }
    /// Waits until there is more; true when it is over.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |state: &mut State| !state.more && !state.closing;
        let state = self.moved.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        let open = |state: &mut State| !state.closing;
        let (mut state, _) = self
            .moved
            .wait_timeout_while(state, COLLECT, open)
            .unwrap_or_else(PoisonError::into_inner);
        state.more = false;
        state.closing
    }
    fn closing(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing
    }
}

/// Feeds the store until it is over, then closes it; true when it is whole.
pub(crate) fn run(shared: &Arc<Shared>, signal: &Signal) -> bool {
    loop {
        feed(shared, signal);
        if signal.wait() {
            break;
        }
    }
    feed(shared, signal);
    let whole = shared.store.head() == shared.head.borrow().seq
        && shared.store.first() == shared.catalog().active_first();
    shared.store.close() && whole
}

fn feed(shared: &Shared, signal: &Signal) {
    loop {
        let first = shared.catalog().active_first();
        if shared.store.first() < first {
            shared.store.restart(first);
        }
        let (from, head) = (shared.store.head() + 1, shared.head.borrow().seq);
        let behind = (head + 1).saturating_sub(from);
        if behind == 0 || (signal.closing() && behind > CATCH_UP_AT_CLOSE) {
            return;
        }
        match shared.load_range(from, from + behind.min(BATCH)) {
            Ok(commits) if shared.store.put(&commits) => {}
            Ok(_) => return,
            Err(error) => {
                shared.store.degrade(format!("segment cannot be read: {error}"));
                return;
            }
        }
    }
}
