//! Asks a child of the engine what files say about themselves; a file that ends it is at fault.

use crate::error::CommandError;
use grimnir_engine_proto::report::ScanReport;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Longest time that one file may take: a day of sound is read from a slow disk.
const PATIENCE: Duration = Duration::from_secs(300);

/// Files on their way through a child.
pub struct Scan {
    program: PathBuf,
    waiting: VecDeque<PathBuf>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Scan {
    /// Of these files, in this order.
    pub fn of(program: &Path, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let (program, waiting) = (program.to_owned(), files.into_iter().collect());
        Self { program, waiting, running: None }
    }

    /// What the next file says about itself; `None` after the last.
    pub async fn answer(&mut self) -> Result<Option<ScanReport>, CommandError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        let answer = tokio::time::timeout(PATIENCE, running.lines.next_line()).await;
        self.waiting.pop_front();
        let refused = |error: String| ScanReport { error: Some(error), ..ScanReport::default() };
        match answer {
            Ok(Ok(Some(line))) => {
                let report = serde_json::from_str(&line).map_err(|e| failed(e.to_string()))?;
                self.running = Some(running);
                Ok(Some(report))
            }
            Err(_) => {
                let _ = running.child.kill().await;
                Ok(Some(refused(format!("took over {} s to read", PATIENCE.as_secs()))))
            }
            Ok(Ok(None) | Err(_)) => {
                let status = running.child.wait().await.map_err(|e| failed(e.to_string()))?;
                match status.code() {
                    // It crashed over the file, and touched nothing but its own process.
                    None => Ok(Some(refused("its reader crashed".into()))),
                    Some(code) => Err(failed(format!("exit code {code}"))),
                }
            }
        }
    }

    fn start(&self) -> Result<Running, CommandError> {
        let spawned = Command::new(&self.program)
            .arg("scan")
            .env_clear()
            .envs(grimnir_engine_proto::bounds::environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(|e| failed(format!("{}: {e}", self.program.display())))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipes".into()));
        };
        let waiting: Vec<PathBuf> = self.waiting.iter().cloned().collect();
        // Beside the reading, so that neither side waits for the other; ends with the child.
        tokio::spawn(async move {
            for path in waiting {
                let mut line = serde_json::to_vec(&path.to_string_lossy()).unwrap_or_default();
                line.push(b'\n');
                if input.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
        Ok(Running { child, lines: BufReader::new(output).lines() })
    }
}

fn failed(reason: String) -> CommandError {
    CommandError::Failed { what: "reading files", reason }
}
