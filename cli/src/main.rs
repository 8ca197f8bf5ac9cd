//! `grimnir`: the composition root. Serves a site, puts a demo on air, answers from the ledger.
//!
//! Upstream: `api`, `actors`, `replay`. Not here: logic.

mod args;
mod audit;
mod demo;
mod ledger;
mod offline;
mod output;
mod serve;
mod trace;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = match cli.command {
        args::Command::Serve(serve) => runtime().and_then(|rt| rt.block_on(serve::serve(*serve))),
        args::Command::Demo(demo) => runtime().and_then(|rt| rt.block_on(demo::demo(demo))),
        args::Command::Replay(replay) => offline::replay(replay),
        args::Command::Ledger(args) => runtime().and_then(|rt| rt.block_on(ledger::work(args))),
        args::Command::Audit(audit) => audit::run(audit),
        args::Command::Openapi => output::print(&grimnir_api::openapi_json()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("grimnir: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("no runtime: {e}"))
}
