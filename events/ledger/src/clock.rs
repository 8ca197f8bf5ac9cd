//! Wall time, behind a trait: the one adapter through which a ledger learns what time it is.

use grimnir_events::UtcMicros;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a ledger reads the time from. It may step back: the ledger's own order never does.
pub trait Clock: Send + Sync + 'static {
    /// The instant now.
    fn now(&self) -> UtcMicros;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcMicros {
        // A clock set before 1970 is as good as none; order then comes from the ledger alone.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves only when it is told to: for tests and simulation.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    pub const fn at(at: UtcMicros) -> Self {
        Self(AtomicI64::new(at.0))
    }
    /// Sets it, backwards too.
    pub fn set(&self, at: UtcMicros) {
        self.0.store(at.0, Ordering::SeqCst);
    }
    /// Moves it by `micros`.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMicros {
        UtcMicros(self.0.load(Ordering::SeqCst))
    }
}
