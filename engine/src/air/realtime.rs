//! The one privilege of the mix thread: its turn before that of ordinary threads.

/// Priority under SCHED_RR: above ordinary work, below what the kernel runs itself.
const PRIORITY: i32 = 20;

/// Asks for SCHED_RR for this thread; false where the system does not grant it.
pub fn ask() -> bool {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    #[expect(unsafe_code, reason = "a system call on this thread with a local struct")]
    let result =
        unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_RR, &parameters) };
    if result == 0 {
        tracing::info!(priority = PRIORITY, "mix thread runs under SCHED_RR");
    } else {
        let error = std::io::Error::from_raw_os_error(result);
        tracing::warn!(%error, "mix thread runs without real-time priority");
    }
    result == 0
}
