//! The engine's `analyze` as a child process: its report, or what is wrong with the file.
//!
//! No decoder touches the bytes in this process. Whatever the child does (crash, hang, use up
//! memory, print nonsense) is a named reason; what it prints is read to a bound.

use crate::analysis::Outputs;
use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport};
use grimnir_engine_proto::{bounds, death};
use grimnir_events::analysis::FailureKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// Most bytes of a report.
const REPORT_BYTES: u64 = 256 * 1024;

/// Why there is no report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The file is at fault.
    File(FailureKind, String),
    /// The measuring failed.
    World(String),
}

/// Measures a file.
pub async fn analyse(
    program: &Path,
    file: &Path,
    outputs: &Outputs,
    patience: Duration,
) -> Result<AnalysisReport, Refused> {
    let world = |reason: String| Refused::World(reason);
    let mut child = Command::new(program)
        .arg("analyze")
        .arg("--file")
        .arg(file)
        .arg("--play-copy")
        .arg(&outputs.play_copy)
        .arg("--waveform")
        .arg(&outputs.waveform)
        .arg("--artwork")
        .arg(&outputs.artwork)
        .env_clear()
        .envs(bounds::environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| world(format!("{}: {e}", program.display())))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let says = bounded(stdout, REPORT_BYTES);
        let last_words = bounded(stderr, death::LAST_WORDS);
        let (text, last_words) = tokio::join!(says, last_words);
        (child.wait().await, text, last_words)
    };
    let Ok((status, text, last_words)) = tokio::time::timeout(patience, ended).await else {
        let reason = format!("it took over {} s to measure", patience.as_secs());
        return Err(Refused::File(FailureKind::TimedOut, reason));
    };
    let status = status.map_err(|e| world(e.to_string()))?;
    if let Some((kind, reason)) = death::cause_of(status, &last_words) {
        return Err(Refused::File(kind, reason));
    }
    let line = text.lines().last().unwrap_or_default();
    match status.code() {
        Some(0) => serde_json::from_str(line).map_err(|e| world(format!("report: {e}"))),
        Some(2) => {
            let refusal: AnalysisRefusal =
                serde_json::from_str(line).map_err(|e| world(format!("refusal: {e}")))?;
            Err(Refused::File(refusal.kind, refusal.error))
        }
        code => Err(world(format!("exit code {code:?}"))),
    }
}

/// What a pipe says up to a bound; what comes after that is read and let go, so that nobody waits.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut pipe).take(most).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(100);

    /// What a program that does this comes to.
    async fn outcome(script: &str, patience: Duration) -> Result<AnalysisReport, Refused> {
        let dir = tempfile::tempdir().expect("a folder");
        let program = dir.path().join("analyser");
        let text = dir.path().join("text");
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("writes");
        // By another process: a child that another test starts just now has what this one writes
        // open, and a program that is open for writing cannot run.
        let made = std::process::Command::new("install").arg(&text).arg(&program).status();
        assert!(made.expect("install starts").success());
        let outputs = Outputs::in_folder(dir.path());
        analyse(&program, &dir.path().join("file"), &outputs, patience).await
    }

    async fn kind(script: &str) -> FailureKind {
        match outcome(script, LONG).await {
            Err(Refused::File(kind, reason)) if !reason.is_empty() => kind,
            other => panic!("{script}: {other:?}"),
        }
    }

    #[tokio::test]
    async fn every_death_of_the_child_has_a_name() {
        assert_eq!(kind("kill -SEGV $$").await, FailureKind::Crashed);
        assert_eq!(kind("kill -KILL $$").await, FailureKind::Crashed);
        assert_eq!(kind("echo panicked >&2; exit 101").await, FailureKind::Crashed);
        assert_eq!(kind("kill -XCPU $$").await, FailureKind::TimedOut);
        let memory = "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$";
        assert_eq!(kind(memory).await, FailureKind::OutOfMemory);
        let said = r#"echo '{"error":"no sound","kind":"refused"}'; exit 2"#;
        assert_eq!(kind(said).await, FailureKind::Refused);
        // What it says before is no excuse.
        let loud = "i=0; while [ $i -lt 3000 ]; do echo noise-noise-noise-noise-noise >&2; \
                    i=$((i+1)); done; kill -SEGV $$";
        assert_eq!(kind(loud).await, FailureKind::Crashed);
    }

    #[tokio::test]
    async fn a_child_that_hangs_is_given_up() {
        let found = outcome("exec tail -f /dev/null", Duration::from_millis(200)).await;
        assert!(matches!(found, Err(Refused::File(FailureKind::TimedOut, _))), "{found:?}");
    }

    #[tokio::test]
    async fn nonsense_is_a_fault_of_ours_not_of_the_file() {
        for script in ["echo nonsense", "exit 7", "echo '{}'; exit 2", "true"] {
            let found = outcome(script, LONG).await;
            assert!(matches!(found, Err(Refused::World(_))), "{script}: {found:?}");
        }
    }
}
