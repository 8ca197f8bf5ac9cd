//! The one place of this crate that reads the wall clock and random bytes.

use grimnir_events::UtcMicros;

/// The instant, for contexts and stamps.
pub fn now() -> UtcMicros {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Sixteen fresh random bytes.
pub fn fresh_id() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

/// CLOCK_MONOTONIC in nanoseconds: the clock engine and control plane share on one host.
pub fn monotonic_ns() -> i64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}
