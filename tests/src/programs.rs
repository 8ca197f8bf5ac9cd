//! Finding the programs under test, and waiting for what they do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The folder of the built programs.
pub fn bin_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("GRIMNIR_BIN_DIR") {
        return PathBuf::from(dir);
    }
    let own = std::env::current_exe().expect("a test has a path");
    own.ancestors().find(|dir| dir.join("grimnir").is_file()).map(PathBuf::from).expect(
        "the programs are built: run `make test`, or `cargo build --workspace --bins` first",
    )
}

/// Path of one program.
pub fn program(name: &str) -> PathBuf {
    let path = bin_dir().join(name);
    assert!(path.is_file(), "{} is not built: run `make test`", path.display());
    path
}

/// True when the long forms were asked for.
pub fn soak() -> bool {
    std::env::var_os("GRIMNIR_SOAK").is_some()
}

/// Asks again and again until there is an answer; fails the test after `patience`.
///
/// The pause between two questions only spares the processor: no outcome depends on it.
pub async fn until<T, F>(what: &str, patience: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < patience, "{what}: not within {patience:?}");
        tokio::task::yield_now().await;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        pause.tick().await;
        pause.tick().await;
    }
}

/// Ends one process by its number, at once.
pub fn kill(pid: u32) {
    send(pid, rustix::process::Signal::KILL);
}

/// Sends a signal to one process.
pub fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process number is positive");
    let _ = rustix::process::kill_process(pid, signal);
}
