//! Bounds of a process that reads untrusted bytes: memory and CPU time, set on itself.
//!
//! Whoever started it names what it died of: SIGXCPU is time, an allocation that failed is memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Address space of the process: 2 GiB.
pub const MEMORY_BYTES: u64 = 2 << 30;
/// CPU time of the process: 12 h of sound at 80 times real time.
pub const CPU_SECONDS: u64 = 540;

/// Sets the bounds.
pub fn set() -> Result<(), String> {
    // The soft limit of CPU time sends SIGXCPU; five seconds later the hard one kills.
    bound(&[(Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 5)])?;
    set_for_stream()
}

/// Sets the bounds of a process that decodes as long as somebody sends.
pub fn set_for_stream() -> Result<(), String> {
    bound(&[
        (Resource::As, MEMORY_BYTES, MEMORY_BYTES),
        // A crash is told by its signal; what was in memory is of no use to anybody.
        (Resource::Core, 0, 0),
    ])
}

/// Who is no longer waited for must not go on decoding.
pub fn die_with_parent() -> Result<(), String> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| format!("decoder process: {e}"))
}

fn bound(bounds: &[(Resource, u64, u64)]) -> Result<(), String> {
    for &(resource, current, maximum) in bounds {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })
            .map_err(|e| format!("limits of the decoder process: {e}"))?;
    }
    Ok(())
}
