//! `grimnir audit`: whether a ledger is what was signed, and proofs of it for others.

mod args;
mod progress;
mod report;

pub use args::Audit;

use crate::output;
use args::{Form, Question};
use grimnir_events::UtcMicros;
use grimnir_replay::audit::{self, Evidence, ExportRequest, LedgerSource};
use std::path::Path;

/// Answers; an error where anything does not hold.
pub fn run(args: Audit) -> Result<(), String> {
    match args.question {
        Question::Verify { path, key, checkpoint, format } if audit::is_pack(&path) => {
            if !checkpoint.is_empty() {
                return Err("a pack carries its checkpoint; --checkpoint is for ledgers".into());
            }
            let found = audit::verify_pack(&path, key.as_ref()).map_err(|e| e.to_string())?;
            print(format, &found, report::pack(&found))?;
            holds(found.holds, "the pack does not hold")
        }
        Question::Verify { path, key, checkpoint, format } => {
            let found = verify(&path, key.as_ref(), &checkpoint)?;
            print(format, &found, report::audit(&found))?;
            holds(found.holds, "the ledger does not hold")
        }
        Question::Export { ledger, station, from, to, out } => {
            let request = ExportRequest { station, from, to, out };
            let done = audit::export(&ledger, &request).map_err(|e| e.to_string())?;
            output::print_json(&done)
        }
        Question::Prove { ledger, commit, out } => {
            let proof = audit::prove(&ledger, commit).map_err(|e| e.to_string())?;
            if let Some(out) = out {
                std::fs::write(&out, &proof.tlog_proof)
                    .map_err(|e| format!("{}: {e}", out.display()))?;
            }
            output::print_json(&proof)
        }
        Question::Keys { ledger } => keys(&ledger),
        Question::RotateKey { ledger } => {
            let now = UtcMicros(jiff::Timestamp::now().as_microsecond());
            let key = grimnir_ledger::proof::rotate::rotate_key(&ledger, now);
            output::print(&key.map_err(|e| e.to_string())?.to_string())
        }
    }
}

fn verify(
    path: &Path,
    key: Option<&args::VerifierKey>,
    checkpoints: &[std::path::PathBuf],
) -> Result<audit::Audit, String> {
    if path.to_string_lossy().starts_with("nats://") {
        return Err("this program audits directories; copy the stream to segments first".into());
    }
    // What was signed is read first: a server may sign more while the ledger is read.
    let mut evidence = Evidence::beside(&LedgerSource::directory(path));
    if let Some(key) = key {
        evidence.trust(key).map_err(|e| e.to_string())?;
    }
    for file in checkpoints {
        evidence.add_file(file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let mut source = LedgerSource::open(path).map_err(|e| e.to_string())?;
    let mut bar = progress::Bar::new();
    let found = audit::audit(&mut source, &evidence, |word| bar.show(word));
    bar.clear();
    found.map_err(|e| e.to_string())
}

fn keys(ledger: &Path) -> Result<(), String> {
    let evidence = Evidence::beside(&LedgerSource::directory(ledger));
    if let Some(reason) = evidence.unusable {
        return Err(reason);
    }
    let history = evidence.history.ok_or("no key was made yet: a server makes the first")?;
    let keys = history.entries().iter().map(|entry| format!("{}\n", entry.key));
    output::print(&keys.collect::<String>())
}

fn print<T: serde::Serialize>(format: Form, value: &T, text: String) -> Result<(), String> {
    match format {
        Form::Json => output::print_json(value),
        Form::Table => output::print(&text),
    }
}

fn holds(holds: bool, otherwise: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| otherwise.to_owned())
}
