//! What the benches of the ledger share: figures, and a commit of usual size.
#![allow(dead_code, reason = "each bench uses its own part")]

use grimnir_events::codec::Encoded;
use grimnir_events::{Actor, CommitId, CorrelationId, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_ledger::NewCommit;
use std::fs::File;
use std::io::Write;

/// One figure beside its reference.
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub reference: &'static str,
    pub reference_value: f64,
    pub ratio: f64,
}

/// Prints it, and appends it to the file that `GRIMNIR_BENCH_OUT` names.
pub fn report(figure: &Figure) {
    let Figure { name, value, unit, reference, reference_value, ratio } = figure;
    println!("{name} {value:.0} {unit} | {reference} {reference_value:.0} | {ratio:.3}");
    let Some(path) = std::env::var_os("GRIMNIR_BENCH_OUT") else { return };
    let line = serde_json::json!({
        "name": name, "value": value, "unit": unit, "reference": reference,
        "reference_value": reference_value, "ratio": ratio,
    });
    let file = File::options().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.expect("the file named by GRIMNIR_BENCH_OUT can be written");
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A commit of the size that stations write most: about 200 bytes of payload.
pub fn commit(number: u64) -> NewCommit {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let part =
        |name: &str, length| Encoded { name: name.into(), version: 1, bytes: vec![7; length] };
    NewCommit {
        commit_id: CommitId(id),
        stream: StreamId::of_station(StreamKind::Executor, StationId([(number % 64) as u8; 16])),
        occurred_at: UtcMicros(1_795_269_600_000_000),
        actor: Actor::System,
        correlation: CorrelationId([1; 16]),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: Some(part("executor.command", 60)),
        context: Some(part("decision.context", 60)),
        events: vec![part("executor.event", 80)],
    }
}
