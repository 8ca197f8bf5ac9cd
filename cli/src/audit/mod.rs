//! `grimnir audit`: whether a ledger is what was signed, and proofs of it for others.

mod args;
mod progress;
mod report;

pub use args::Audit;

use crate::ledger::store_options;
use crate::output;
use args::{Form, Question, Verify};
use grimnir_events::UtcMicros;
use grimnir_ledger::archive::Archive;
use grimnir_replay::audit::{
    self, AuditSource, Evidence, ExportRequest, LedgerSource, RemoteSource,
};
use std::path::Path;

/// Answers; an error where anything does not hold.
pub fn run(args: Audit) -> Result<(), String> {
    match args.question {
        Question::Verify(args) if audit::is_pack(Path::new(&args.path)) => {
            if !args.checkpoint.is_empty() {
                return Err("a pack carries its checkpoint; --checkpoint is for ledgers".into());
            }
            let found = audit::verify_pack(Path::new(&args.path), &args.key);
            let found = found.map_err(|e| e.to_string())?;
            print(args.format, &found, report::pack(&found))?;
            holds(found.holds, "the pack does not hold")
        }
        Question::Verify(args) => {
            let found = verify(&args)?;
            print(args.format, &found, report::audit(&found))?;
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

fn verify(args: &Verify) -> Result<audit::Audit, String> {
    // What was signed is read first: a server may sign more while the ledger is read.
    let mut evidence = match args.path.contains("://") {
        true => Evidence::default(),
        false => Evidence::beside(&LedgerSource::directory(Path::new(&args.path))),
    };
    evidence.trust(&args.key).map_err(|e| e.to_string())?;
    for file in &args.checkpoint {
        evidence.add_file(file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let mut source = source(args)?;
    let mut bar = progress::Bar::new();
    let found = audit::audit(&mut *source, &evidence, |word| bar.show(word));
    bar.clear();
    found.map_err(|e| e.to_string())
}

fn source(args: &Verify) -> Result<Box<dyn AuditSource>, String> {
    let url = args.path.as_str();
    if url.starts_with("nats://") || url.starts_with("tls://") {
        let site = args.site.ok_or("which site's stream? give --site sit_...")?;
        let stream = grimnir_ledger::jetstream::read_stream(&args.nats.address(url), site);
        return Ok(Box::new(RemoteSource::of(stream.map_err(|e| e.to_string())?)));
    }
    if url.contains("://") {
        let archive = Archive::find(url, &store_options()).map_err(|e| e.to_string())?;
        let archive = archive.remote(args.log).map_err(|e| e.to_string())?;
        return Ok(Box::new(RemoteSource::of(archive)));
    }
    let source = LedgerSource::open(Path::new(url)).map_err(|e| e.to_string())?;
    Ok(Box::new(source))
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
