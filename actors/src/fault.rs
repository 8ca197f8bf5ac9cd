//! Places where a test may end the process at once, between an append and its effect.
//!
//! Only in programs built with debug assertions, and only where `GRIMNIR_DIE_AT` names the place.

/// Ends the process with SIGKILL when this place was asked for.
pub fn point(place: &str) {
    #[cfg(debug_assertions)]
    if std::env::var("GRIMNIR_DIE_AT").is_ok_and(|wanted| wanted == place) {
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
    #[cfg(not(debug_assertions))]
    let _ = place;
}
