//! `grimnir ledger repair`: brings back what a damaged ledger lost, and names what stays lost.

use super::Form;
use super::archive::store_options;
use crate::output;
use clap::Args;
use grimnir_events::LogId;
use grimnir_ledger::archive::{Archive, ArchiveCopy};
use grimnir_ledger::repair::{Lost, Repair, Report, Segments, Source, StoreCopy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What is repaired, and from what.
#[derive(Args)]
pub struct RepairArgs {
    /// The ledger's folder; no server may have it open.
    #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
    ledger: PathBuf,
    /// Where lost commits may still be: the URL of an archive, or the folder of a backup; may be
    /// repeated.
    #[arg(long)]
    from: Vec<String>,
    /// Where something stays lost, let the ledger end before it; otherwise nothing is changed.
    #[arg(long)]
    accept_loss: bool,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Serialize)]
struct Answer {
    /// The ledger is whole now, or was.
    whole: bool,
    log_id: LogId,
    damaged: Vec<Damaged>,
    restored: Vec<Restored>,
    lost: Vec<Lost>,
    repaired: bool,
    kept: Vec<PathBuf>,
    source_faults: Vec<String>,
    head_seq: u64,
}

#[derive(Serialize)]
struct Damaged {
    file: PathBuf,
    from_seq: u64,
    to_seq: u64,
    reason: String,
}

#[derive(Serialize)]
struct Restored {
    from_seq: u64,
    to_seq: u64,
    from: String,
}

/// Does it.
pub async fn repair(args: RepairArgs) -> Result<(), String> {
    let repair = Repair::begin(&args.ledger).map_err(|e| e.to_string())?;
    let log_id = repair.identity().log_id;
    let mut sources: Vec<Box<dyn Source + Send>> = Vec::new();
    for from in &args.from {
        sources.push(source(from, log_id).await?);
    }
    let (dir, accept_loss) = (args.ledger.clone(), args.accept_loss);
    let work = move || {
        // Asked last: it is the ledger's own, and behind what is kept elsewhere.
        let store = StoreCopy::of(&dir).map_err(|e| e.to_string())?;
        sources.extend(store.map(|store| Box::new(store) as Box<dyn Source + Send>));
        let mut asked: Vec<&mut dyn Source> = Vec::new();
        for source in &mut sources {
            asked.push(&mut **source);
        }
        repair.run(&mut asked, accept_loss).map_err(|e| e.to_string())
    };
    let report = tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())??;
    let answer = answer(log_id, report);
    match args.format {
        Form::Json => output::print_json(&answer)?,
        Form::Table => output::print(&table(&answer))?,
    }
    match (answer.lost.is_empty(), answer.repaired) {
        (true, _) => Ok(()),
        (false, true) => Err("the ledger was cut before what is lost".into()),
        (false, false) => Err("commits are lost: nothing was changed".into()),
    }
}

async fn source(from: &str, log_id: LogId) -> Result<Box<dyn Source + Send>, String> {
    if !from.contains("://") {
        let copy = Segments::in_dir(Path::new(from), log_id).map_err(|e| e.to_string())?;
        return Ok(Box::new(copy));
    }
    let archive = Archive::find(from, &store_options()).map_err(|e| e.to_string())?;
    let copy = ArchiveCopy::of(archive, from.into(), log_id).await;
    Ok(Box::new(copy.map_err(|e| e.to_string())?))
}

fn answer(log_id: LogId, report: Report) -> Answer {
    let damaged = report.damaged.into_iter().map(|loss| Damaged {
        from_seq: *loss.seqs.start(),
        to_seq: *loss.seqs.end(),
        file: loss.path,
        reason: loss.reason,
    });
    Answer {
        whole: report.losses.is_empty(),
        log_id,
        damaged: damaged.collect(),
        restored: restored(report.recovered),
        lost: report.losses,
        repaired: report.repaired,
        kept: report.kept,
        source_faults: report.source_faults,
        head_seq: report.head,
    }
}

/// Positions in a row from one source, as one line.
fn restored(recovered: Vec<(u64, String)>) -> Vec<Restored> {
    let mut rows: Vec<Restored> = Vec::new();
    for (seq, from) in recovered.into_iter().collect::<BTreeMap<_, _>>() {
        match rows.last_mut() {
            Some(row) if row.to_seq + 1 == seq && row.from == from => row.to_seq = seq,
            _ => rows.push(Restored { from_seq: seq, to_seq: seq, from }),
        }
    }
    rows
}

fn table(answer: &Answer) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<12} {text}");
    };
    line("ledger", answer.log_id.to_string());
    for Damaged { file, from_seq, to_seq, reason } in &answer.damaged {
        let what = match from_seq <= to_seq {
            true => format!("seq {from_seq} to {to_seq}"),
            false => "no commit".into(),
        };
        line("damaged", format!("{what}: {}: {reason}", file.display()));
    }
    for Restored { from_seq, to_seq, from } in &answer.restored {
        line("restored", format!("seq {from_seq} to {to_seq} from {from}"));
    }
    for lost in &answer.lost {
        let after = lost.after.map_or("the beginning".into(), |at| at.to_string());
        let before = lost.before.map_or("the end".into(), |at| at.to_string());
        let seqs = format!("seq {} to {}", lost.from_seq, lost.to_seq);
        line("LOST", format!("{seqs}, recorded after {after} and before {before}"));
        for missing in &lost.streams {
            let (from, to) = (missing.from_version, missing.to_version);
            line("", format!("{}: versions {from} to {to}", missing.stream));
        }
    }
    for fault in &answer.source_faults {
        line("source", fault.clone());
    }
    for kept in &answer.kept {
        line("kept", kept.display().to_string());
    }
    let head = answer.head_seq;
    line(
        "result",
        match (answer.damaged.is_empty(), answer.repaired, answer.whole) {
            (true, ..) => format!("nothing is wrong; the ledger ends at seq {head}"),
            (_, true, true) => format!("whole again; the ledger ends at seq {head}"),
            (_, true, false) => format!("cut: the ledger ends at seq {head}"),
            (_, false, _) => "nothing was changed; --accept-loss lets it end before".into(),
        },
    );
    out
}
