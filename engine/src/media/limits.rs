//! Bounds that a process sets on itself: memory, and CPU time where it reads untrusted bytes.
//!
//! Whoever started it names what it died of: SIGXCPU is time, an allocation that failed is memory.

use grimnir_engine_proto::bounds;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::path::Path;

/// Address space of the process: 2 GiB.
pub const MEMORY_BYTES: u64 = 2 << 30;

/// Sets the bounds of a process that decodes a file.
pub fn set(file: &Path) -> Result<(), String> {
    let cpu = bounds::cpu_seconds(std::fs::metadata(file).map_or(0, |data| data.len()));
    // The soft limit of CPU time sends SIGXCPU; five seconds later the hard one kills.
    bound(&[(Resource::Cpu, cpu, cpu + 5)])?;
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

/// Sets the bound of a process that is on air: an allocation beyond it ends the process, which is
/// told and started again, before the machine is short for the others.
pub fn set_for_engine(memory_mib: u64) -> Result<(), String> {
    let bytes = memory_mib << 20;
    // Data, not address space: code, files that are mapped and reserves that nobody uses are free.
    bound(&[(Resource::Data, bytes, bytes)])
}

/// Who is no longer waited for must not go on decoding.
pub fn die_with_parent() -> Result<(), String> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| format!("decoder process: {e}"))
}

fn bound(bounds: &[(Resource, u64, u64)]) -> Result<(), String> {
    for &(resource, current, maximum) in bounds {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })
            .map_err(|e| format!("limits of the process: {e}"))?;
    }
    Ok(())
}
