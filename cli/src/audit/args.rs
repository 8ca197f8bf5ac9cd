//! What `grimnir audit` can be asked.

use crate::ledger::NatsArgs;
use clap::{Args, Subcommand, ValueEnum};
use grimnir_events::{CommitId, LogId, SiteId};
pub use grimnir_ledger::proof::note::VerifierKey;
use std::path::PathBuf;

/// A question about what is proven.
#[derive(Args)]
pub struct Audit {
    /// What is asked.
    #[command(subcommand)]
    pub question: Question,
}

/// What is asked.
#[derive(Subcommand)]
pub enum Question {
    /// Check a ledger against everything that was signed about it, also while a server runs; or a
    /// pack.
    Verify(Box<Verify>),
    /// Write a station's commits of some hours with their proofs, for an auditor.
    Export {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
        /// Name, slug or id of the station.
        #[arg(long)]
        station: String,
        /// From this time on, RFC 3339 or station-local, e.g. 2026-11-21T14:00:00.
        #[arg(long)]
        from: String,
        /// To before this time.
        #[arg(long)]
        to: String,
        /// The folder to be made.
        #[arg(long)]
        out: PathBuf,
    },
    /// Prove that one commit is in the ledger as it was signed.
    Prove {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
        /// Id of the commit, `cmt_…`.
        #[arg(long)]
        commit: CommitId,
        /// A file for the proof as text (C2SP tlog-proof).
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Show the keys that the log has signed with, the one that signs now last.
    Keys {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
    },
    /// Give the log a new key, signed by the one it has; no server may have the ledger open.
    RotateKey {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
    },
}

/// What is checked, and against what.
#[derive(Args)]
pub struct Verify {
    /// The ledger's folder, a pack's, an archive's, or one of segments; or the URL of an archive
    /// (file:///...) or of a JetStream server (nats://host:port).
    #[arg(env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
    pub path: String,
    /// A key that is known from elsewhere; the log must have it or have had it. Repeated, for the
    /// keys of several nodes that sign the same log: one of them must be kept beside the ledger.
    #[arg(long)]
    pub key: Vec<VerifierKey>,
    /// A checkpoint that was kept elsewhere; may be repeated.
    #[arg(long)]
    pub checkpoint: Vec<PathBuf>,
    /// Which ledger, log_..., of an archive that holds several.
    #[arg(long)]
    pub log: Option<LogId>,
    /// The site whose stream is on the server, sit_...
    #[arg(long, env = "GRIMNIR_SITE")]
    pub site: Option<SiteId>,
    #[command(flatten)]
    pub nats: NatsArgs,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    pub format: Form,
}

/// Form of an answer.
#[derive(Clone, Copy, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}
