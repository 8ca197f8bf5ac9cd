//! Figures of benches: each beside its reference, printed and written down the same way.
//!
//! Also part of the ledger's and the audit's benches, which are above this crate: it needs nothing
//! but the standard library and `serde_json`.
#![allow(dead_code, reason = "each bench uses its own part")]

use std::fs::File;
use std::io::Write;

/// One figure beside its reference.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// What came out.
    pub value: f64,
    /// Unit of both values.
    pub unit: &'static str,
    /// What it stands beside.
    pub reference: &'static str,
    /// What that is.
    pub reference_value: f64,
    /// The one as a part of the other.
    pub ratio: f64,
}

impl Figure {
    /// A figure that its reference divides; without a ratio where that is zero.
    pub fn beside(
        name: &str,
        value: f64,
        unit: &'static str,
        (reference, reference_value): (&'static str, f64),
    ) -> Self {
        let ratio = if reference_value == 0.0 { f64::NAN } else { value / reference_value };
        Self { name: name.into(), value, unit, reference, reference_value, ratio }
    }

    /// Prints it, and appends it as a line of JSON to the file that `GRIMNIR_BENCH_OUT` names.
    pub fn report(&self) {
        let Self { name, value, unit, reference, reference_value, ratio } = self;
        let (shown, beside) = (digits(*value), digits(*reference_value));
        println!("{name} {shown} {unit} | {reference} {beside} | {ratio:.3}");
        let Some(path) = std::env::var_os("GRIMNIR_BENCH_OUT") else { return };
        // JSON has no word for what is no number: it is written as null.
        let line = serde_json::json!({
            "name": name, "value": value, "unit": unit, "reference": reference,
            "reference_value": reference_value, "ratio": ratio,
        });
        let file = File::options().create(true).append(true).open(path);
        let written = file.and_then(|mut file| writeln!(file, "{line}"));
        written.expect("the file named by GRIMNIR_BENCH_OUT can be written");
    }
}

/// Four digits that say something.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 1_000.0 => 0,
        large if large >= 10.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
