//! The command line, which is also read from the environment (`deploy/grimnir.env`).

use crate::ledger::{LedgerArgs, NatsArgs};
use clap::{Args, Parser, Subcommand, ValueEnum};
use grimnir_actors::site::{VerifierKey, WitnessPeer};
use grimnir_events::SiteId;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Radio broadcast automation that keeps a station on air and proves what it played.
#[derive(Parser)]
#[command(name = "grimnir", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the control plane of a site.
    Serve(Box<Serve>),
    /// Put a demonstration station on air.
    Demo(Demo),
    /// Answer from the ledger alone, also while a server runs.
    Replay(Replay),
    /// Make a ledger's stream on JetStream; archive and repair segments.
    Ledger(LedgerArgs),
    /// Check what is proven, and prove it to others.
    Audit(crate::audit::Audit),
    /// Print the API's description.
    Openapi,
}

/// How a site is served.
#[derive(Args, Clone)]
pub struct Serve {
    /// Folder of everything the site keeps.
    #[arg(long, env = "GRIMNIR_DATA", default_value = "grimnir-data")]
    pub data: PathBuf,
    /// Where the ledger of record is: nats://host:port (several separated by commas, tls:// too);
    /// in the site's own folder where not given.
    #[arg(long = "ledger", env = "GRIMNIR_LEDGER_URL")]
    pub ledger_url: Option<String>,
    /// Id of the site on JetStream, sit_...; needed at the first start there.
    #[arg(long, env = "GRIMNIR_SITE")]
    pub site: Option<SiteId>,
    /// How the JetStream server is told who we are.
    #[command(flatten)]
    pub nats: NatsArgs,
    /// Serve although the stream is weaker than a ledger has to be; recorded in the ledger.
    #[arg(long, env = "GRIMNIR_ACCEPT_WEAKER_DURABILITY")]
    pub accept_weaker_durability: bool,
    /// Name of this node among those that share the ledger: letters, digits, dashes; made up and
    /// kept in the folder where not given.
    #[arg(long, env = "GRIMNIR_NODE_ID")]
    pub node_id: Option<String>,
    /// Address under which clients reach this node's API, named to whoever asks the wrong one.
    #[arg(long, env = "GRIMNIR_ADVERTISE")]
    pub advertise: Option<String>,
    /// Folder that the nodes of this host share: media, secrets, and the folders of the engines,
    /// so that one adopts what another started; the site's own where not given.
    #[arg(long, env = "GRIMNIR_COMMON")]
    pub common: Option<PathBuf>,
    /// Address of the API.
    #[arg(long, env = "GRIMNIR_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of the engines' mounts; the API's where not given.
    #[arg(long, env = "GRIMNIR_MOUNT_IP")]
    pub mount_ip: Option<IpAddr>,
    /// Port of the first station's mounts, the next station's is one higher; 0 takes free ones.
    #[arg(long, env = "GRIMNIR_MOUNT_PORT", default_value_t = 8000)]
    pub mount_port: u16,
    /// The engine's program; found beside this one where not given.
    #[arg(long, env = "GRIMNIR_ENGINE")]
    pub engine: Option<PathBuf>,
    /// Largest upload in MiB.
    #[arg(long, env = "GRIMNIR_UPLOAD_LIMIT_MB", default_value_t = 1024)]
    pub upload_limit_mb: u64,
    /// Folder that libraries may be filled from, with what is in it; may be repeated.
    #[arg(long = "import-root", env = "GRIMNIR_IMPORT_ROOTS", value_delimiter = ',')]
    pub import_roots: Vec<PathBuf>,
    /// Name of the administrator made at the first start.
    #[arg(long, env = "GRIMNIR_ADMIN_USER", default_value = "admin")]
    pub admin_user: String,
    /// Password of the administrator made at the first start; made up and printed once where not
    /// given.
    #[arg(long, env = "GRIMNIR_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Witness that is asked to countersign every checkpoint, as URL=KEY; may be repeated.
    #[arg(long = "witness", env = "GRIMNIR_WITNESSES", value_delimiter = ',')]
    pub witnesses: Vec<WitnessPeer>,
    /// Key of a log that this site is a witness for; may be repeated.
    #[arg(long, env = "GRIMNIR_WITNESS_FOR", value_delimiter = ',')]
    pub witness_for: Vec<VerifierKey>,
    /// URL of an archive that sealed segments are copied to, e.g. file:///mnt/archive.
    #[arg(long, env = "GRIMNIR_ARCHIVE", hide_env_values = true)]
    pub archive: Option<String>,
    /// URL that alarms are posted to, as JSON: silence, crashes, outputs that are down.
    #[arg(long, env = "GRIMNIR_ALARM_URL", hide_env_values = true)]
    pub alarm_url: Option<String>,
    /// End the engines too when this process ends in order; otherwise they play on.
    #[arg(long, env = "GRIMNIR_STOP_ENGINES")]
    pub stop_engines: bool,
}

/// How the demonstration is run.
#[derive(Args, Clone)]
pub struct Demo {
    /// Folder of audio files, searched with its subfolders; a dozen tracks are made up without it.
    #[arg(long, env = "MUSIC")]
    pub music: Option<PathBuf>,
    /// Folder of everything the demonstration keeps.
    #[arg(long, default_value = "demo")]
    pub data: PathBuf,
    /// Address of the API.
    #[arg(long, env = "GRIMNIR_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Port of the mounts; 0 takes a free one.
    #[arg(long, env = "GRIMNIR_MOUNT_PORT", default_value_t = 8000)]
    pub mount_port: u16,
    /// The engine's program; found beside this one where not given.
    #[arg(long, env = "GRIMNIR_ENGINE")]
    pub engine: Option<PathBuf>,
}

/// A question to the ledger.
#[derive(Args)]
pub struct Replay {
    /// What is asked.
    #[command(subcommand)]
    pub question: Question,
}

/// What is asked.
#[derive(Subcommand)]
pub enum Question {
    /// What aired in an hour.
    AsRun {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
        /// Name, slug or id of the station.
        #[arg(long)]
        station: String,
        /// The hour in the station's local time, e.g. 2026-11-21T14; in a doubled hour with its
        /// offset, e.g. 2026-10-25T02+01:00, otherwise both are printed.
        #[arg(long)]
        hour: String,
        /// Form of the answer.
        #[arg(long, value_enum, default_value_t = Form::Table)]
        format: Form,
    },
    /// What was on air at an instant.
    At {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
        /// Name, slug or id of the station.
        #[arg(long)]
        station: String,
        /// The instant, RFC 3339 or station-local, e.g. 2026-11-21T14:03:20.
        #[arg(long)]
        time: String,
        /// Form of the answer.
        #[arg(long, value_enum, default_value_t = Form::Table)]
        format: Form,
    },
    /// Take every recorded decision again and compare.
    Redecide {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
    },
    /// Check checksums, chain and numbering of the whole ledger.
    Verify {
        /// The ledger's folder.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        ledger: PathBuf,
    },
}

/// Form of an answer.
#[derive(Clone, Copy, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}
