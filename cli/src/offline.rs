//! `grimnir replay`: answers from a ledger's folder.

use crate::args::{Form, Question, Replay};
use crate::output;
use grimnir_replay::Format;

/// Answers a question to the ledger.
pub fn replay(args: Replay) -> Result<(), String> {
    let answer = match args.question {
        Question::AsRun { ledger, station, hour, format } => {
            grimnir_replay::as_run(&ledger, &station, &hour, form(format))
        }
        Question::At { ledger, station, time, format } => {
            grimnir_replay::at(&ledger, &station, &time, form(format))
        }
        Question::Redecide { ledger } => {
            let report = grimnir_replay::redecide(&ledger).map_err(|e| e.to_string())?;
            output::print_json(&report)?;
            let clean = report.different == 0 && report.undecidable == 0;
            return clean.then_some(()).ok_or("decisions came out differently".into());
        }
        Question::Verify { ledger } => {
            let report = grimnir_replay::verify(&ledger).map_err(|e| e.to_string())?;
            output::print_json(&report)?;
            return report.fault.is_none().then_some(()).ok_or("the ledger has a fault".into());
        }
    };
    output::print(&answer.map_err(|e| e.to_string())?)
}

fn form(form: Form) -> Format {
    match form {
        Form::Table => Format::Table,
        Form::Json => Format::Json,
        Form::Csv => Format::Csv,
    }
}
