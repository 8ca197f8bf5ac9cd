//! What a process that read untrusted bytes died of, by its end and its last words.

use grimnir_events::analysis::FailureKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Bytes kept of what such a process says on its standard error.
pub const LAST_WORDS: u64 = 64 * 1024;
/// What Rust's allocator and GLib's say before they abort.
const NO_MEMORY: [&str; 3] = ["memory allocation of", "failed to allocate", "out of memory"];
/// Exit code of a panic in Rust.
const PANICKED: i32 = 101;
/// Linux, the same on every platform it runs on.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Why it died; `None` if it ended by itself.
pub fn cause_of(status: ExitStatus, last_words: &str) -> Option<(FailureKind, String)> {
    let memory = NO_MEMORY.iter().any(|words| last_words.contains(words));
    let (kind, reason) = match (status.signal(), status.code()) {
        (Some(_), _) | (_, Some(PANICKED)) if memory => {
            (FailureKind::OutOfMemory, "it needs more memory than is allowed: 2 GiB".into())
        }
        (Some(SIGXCPU), _) => {
            (FailureKind::TimedOut, "it needs more CPU time than its size allows".into())
        }
        (Some(SIGKILL), _) => (FailureKind::Crashed, "its decoder was killed (signal 9)".into()),
        (Some(signal), _) => {
            (FailureKind::Crashed, format!("its decoder crashed (signal {signal})"))
        }
        (None, Some(PANICKED)) => (FailureKind::Crashed, "its decoder panicked".into()),
        (None, _) => return None,
    };
    Some((kind, reason))
}
