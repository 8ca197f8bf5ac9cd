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
    let bounds = [
        (Resource::As, MEMORY_BYTES, MEMORY_BYTES),
        (Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 5),
        // A crash is told by its signal; what was in memory is of no use to anybody.
        (Resource::Core, 0, 0),
    ];
    for (resource, current, maximum) in bounds {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })
            .map_err(|e| format!("limits of the decoder process: {e}"))?;
    }
    Ok(())
}
