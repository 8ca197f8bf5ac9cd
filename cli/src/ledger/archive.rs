//! `grimnir ledger archive`: copies sealed segments elsewhere and says what became of each.

use super::Form;
use crate::output;
use clap::Args;
use grimnir_events::LogId;
use grimnir_ledger::archive::{Archive, Archived, Manifest, Outcome};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// What is archived, and where.
#[derive(Args)]
pub struct ArchiveArgs {
    /// The ledger's folder; a server may have it open.
    #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
    ledger: PathBuf,
    /// URL of the archive, e.g. file:///mnt/archive.
    #[arg(long, env = "GRIMNIR_ARCHIVE")]
    to: String,
    /// Read everything that is archived again, also what was archived before.
    #[arg(long)]
    verify: bool,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Serialize)]
struct Answer {
    holds: bool,
    #[serde(flatten)]
    outcome: Outcome,
    /// Segments of the whole archive that were read again.
    verified: Option<usize>,
    /// Why the archive is not what its manifest says.
    fault: Option<String>,
}

/// The options of a store that are in the environment, as its own tools have them.
pub fn store_options() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect()
}

/// Does it.
pub async fn archive(args: ArchiveArgs) -> Result<(), String> {
    let text = |e: grimnir_ledger::archive::ArchiveError| e.to_string();
    let archive = Archive::open(&args.to, &store_options()).map_err(text)?;
    let outcome = archive.copy_from(&args.ledger).await.map_err(text)?;
    let (verified, fault) = match args.verify {
        true => verify(&archive, outcome.log_id).await,
        false => (None, None),
    };
    let holds = outcome.is_complete() && fault.is_none();
    let answer = Answer { holds, outcome, verified, fault };
    match args.format {
        Form::Json => output::print_json(&answer)?,
        Form::Table => output::print(&table(&answer))?,
    }
    holds.then_some(()).ok_or_else(|| "the archive is not complete".into())
}

async fn verify(archive: &Archive, log_id: LogId) -> (Option<usize>, Option<String>) {
    match archive.verify(log_id).await {
        Ok(Manifest { segments, .. }) => (Some(segments.len()), None),
        Err(error) => (None, Some(error.to_string())),
    }
}

fn table(answer: &Answer) -> String {
    let (outcome, mut out) = (&answer.outcome, String::new());
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<12} {text}");
    };
    let commits =
        |a: &Archived| format!("seq {} to {}, {} bytes", a.first_seq, a.last_seq, a.bytes);
    line("ledger", outcome.log_id.to_string());
    for copied in &outcome.copied {
        line("copied", format!("{}, read back", commits(copied)));
    }
    for kept in &outcome.kept {
        line("skipped", format!("{}: archived before", commits(kept)));
    }
    for open in &outcome.open {
        line("skipped", format!("{}: not sealed yet", open.display()));
    }
    for refused in &outcome.refused {
        line("REFUSED", format!("{}: {}", refused.file.display(), refused.error));
    }
    for untried in &outcome.untried {
        line("UNTRIED", untried.display().to_string());
    }
    if let Some(count) = answer.verified {
        line("verified", format!("{count} segments are as the manifest says"));
    }
    if let Some(fault) = &answer.fault {
        line("FAULT", fault.clone());
    }
    let result = if answer.holds { "every sealed segment is archived" } else { "NOT COMPLETE" };
    line("result", result.into());
    out
}
