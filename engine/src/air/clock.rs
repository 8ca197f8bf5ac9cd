//! The only place of the air path that reads time: CLOCK_MONOTONIC deadlines, and UTC once.

use grimnir_events::UtcMicros;

/// Nanoseconds of one block (480 frames at 48 kHz).
pub const BLOCK_NS: i64 = 10_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// Nanoseconds on CLOCK_MONOTONIC.
pub fn monotonic_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * SECOND_NS + now.tv_nsec
}

/// UTC now.
pub fn utc_now() -> UtcMicros {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    UtcMicros(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)
}

/// UTC less CLOCK_MONOTONIC, in µs. It changes only where UTC is set: the kernel slews both alike.
pub fn utc_over_monotonic_us() -> i64 {
    // Of three looks the one that was interrupted least.
    let look = |_| {
        let (before, utc, after) = (monotonic_ns(), utc_now(), monotonic_ns());
        (after - before, utc.0 - (before + (after - before) / 2) / 1_000)
    };
    (0..3).map(look).min().map_or(0, |(_, offset)| offset)
}

/// Processor time of this process in nanoseconds.
pub fn cpu_ns() -> i64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec * SECOND_NS + used.tv_nsec
}
