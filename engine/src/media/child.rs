//! Child processes of this program, with a time limit and their answer.

use grimnir_engine_proto::bounds;
use std::process::Stdio;
use tokio::process::Command;

/// Runs `analyze` on a file; answers its report, or why the file is refused.
pub async fn analyze(file: &str, play_copy: &str) -> Result<String, String> {
    if file.is_empty() {
        return Err("path: empty".into());
    }
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    let mut command = Command::new(program);
    command.args(["analyze", "--file", file]).env_clear().envs(bounds::environment());
    if !play_copy.is_empty() {
        command.args(["--play-copy", play_copy]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.kill_on_drop(true);
    let child = command.spawn().map_err(|e| format!("analysis cannot start: {e}"))?;
    let patience = bounds::patience(std::fs::metadata(file).map_or(0, |data| data.len()));
    let output = match tokio::time::timeout(patience, child.wait_with_output()).await {
        Ok(output) => output.map_err(|e| format!("analysis: {e}"))?,
        Err(_) => return Err(format!("analysis took longer than {} s", patience.as_secs())),
    };
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !line.is_empty() {
        return Ok(line);
    }
    if let Some((_, reason)) = grimnir_engine_proto::death::cause_of(output.status, "") {
        return Err(reason);
    }
    match serde_json::from_str::<grimnir_engine_proto::report::AnalysisRefusal>(&line) {
        Ok(refusal) => Err(refusal.error),
        Err(_) => Err(format!("analysis ended with {} and no report", output.status)),
    }
}
