//! `grimnir-engine`: the media engine of one station, and its media tools.
//!
//! Reading order: `run` (what is wired to what), `director` (what is heard next), `air` (the mix
//! thread), `input`, `output`, `control`, `journal`, `position`, `held`, `media`.

mod air;
mod confine;
mod control;
mod director;
mod elsewhere;
mod held;
mod input;
mod journal;
mod media;
mod output;
mod position;
mod run;

use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "grimnir-engine", version, about = "Grimnir's media engine")]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Play one station until told to end.
    Run(Box<RunArguments>),
    /// Measure a file; one line of JSON on standard output.
    Analyze {
        /// The file.
        #[arg(long)]
        file: PathBuf,
        /// Where the rest of the answer goes.
        #[command(flatten)]
        outputs: media::analyze::Outputs,
    },
    /// Read the tags of the files that standard input names, a line of JSON for each.
    Scan,
    /// Decode a stream with GStreamer: bytes at standard input, frames at standard output.
    Decode,
    /// Decode what comes over SRT or RTP: frames at standard output.
    Line {
        /// Which line, whose (JSON).
        #[arg(long)]
        task: String,
    },
    /// Decode a file with GStreamer into a FLAC file.
    Transcode {
        /// The file.
        #[arg(long)]
        file: PathBuf,
        /// The FLAC file to write.
        #[arg(long)]
        out: PathBuf,
    },
}

/// No mount can take more than there may be connections.
const LISTENERS: u64 = output::http::CONNECTION_LIMIT as u64;

/// What one engine plays, and where.
#[derive(clap::Args)]
struct RunArguments {
    /// The engine's own folder: lock, socket, journal, kept hand-overs.
    #[arg(long)]
    dir: PathBuf,
    /// The media store.
    #[arg(long)]
    media: PathBuf,
    /// The station.
    #[arg(long)]
    station: grimnir_events::StationId,
    /// Where listeners connect; port 0 takes a free one.
    #[arg(long)]
    listen: SocketAddr,
    /// Where encoders of live sources connect, Shoutcast's on the next port; port 0 takes two free
    /// ones. None where it is not given.
    #[arg(long)]
    harbor: Option<SocketAddr>,
    /// Lowest epoch of a control plane that is obeyed.
    #[arg(long, default_value_t = 0)]
    epoch: u64,
    /// Listeners that one mount takes at once.
    #[arg(
        long, env = "GRIMNIR_MOUNT_LISTENERS", default_value_t = LISTENERS,
        value_parser = clap::value_parser!(u64).range(1..=LISTENERS)
    )]
    mount_listeners: u64,
    /// Certificate chain (PEM) by which mounts are served over TLS as well, on the same port.
    #[arg(long, env = "GRIMNIR_MOUNT_TLS_CERT", requires = "mount_tls_key")]
    mount_tls_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, env = "GRIMNIR_MOUNT_TLS_KEY", requires = "mount_tls_cert")]
    mount_tls_key: Option<PathBuf>,
    /// Play the last rung and emergencies, and nothing else: what an engine is started with when
    /// others crashed too often.
    #[arg(long)]
    minimal: bool,
    #[command(flatten)]
    elsewhere: elsewhere::Elsewhere,
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GRIMNIR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Colours are for eyes: a log that goes to a file is read by programs too.
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    match Arguments::parse().command {
        Action::Run(arguments) => match run::run(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                tracing::error!(reason, "engine cannot run");
                eprintln!("grimnir-engine: {reason}");
                ExitCode::FAILURE
            }
        },
        Action::Analyze { file, outputs } => media::analyze::print(&file, &outputs),
        Action::Decode => input::child::decode(),
        Action::Line { task } => input::line::command(&task),
        Action::Scan => media::scan::print(),
        Action::Transcode { file, out } => media::transcode::print(&file, &out),
    }
}
