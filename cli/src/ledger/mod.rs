//! `grimnir ledger`: makes a site's stream on JetStream, new or from segments; archives and repairs
//! segments; and how a server is named on the command line.

mod archive;
mod repair;

pub use archive::store_options;

use crate::output;
use clap::{Args, Subcommand, ValueEnum};
use grimnir_events::SiteId;
use grimnir_ledger::jetstream::{NatsAddress, NatsLogin, Provision, provision, restore};
use std::path::PathBuf;

/// Work on a ledger: its stream, with an administrator's credentials, and its segments.
#[derive(Args)]
pub struct LedgerArgs {
    /// What is done.
    #[command(subcommand)]
    pub work: Work,
}

/// What is done.
#[derive(Subcommand)]
pub enum Work {
    /// Make the stream of a new site's ledger.
    Provision {
        /// Which stream, and where.
        #[command(flatten)]
        stream: StreamArgs,
    },
    /// Make a lost stream again from the segments of a ledger's folder.
    Restore {
        /// Which stream, and where.
        #[command(flatten)]
        stream: StreamArgs,
        /// The folder whose segments it is made from.
        #[arg(long, env = "GRIMNIR_LEDGER", default_value = "grimnir-data/ledger")]
        from: PathBuf,
    },
    /// Copy sealed segments to an archive, each read back; also while a server runs.
    Archive(archive::ArchiveArgs),
    /// Bring back what a damaged ledger lost, from archives and backups.
    Repair(repair::RepairArgs),
}

/// Form of an answer.
#[derive(Clone, Copy, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A stream and its server.
#[derive(Args)]
pub struct StreamArgs {
    /// Addresses of the servers, nats://host:port, separated by commas.
    #[arg(long)]
    nats: String,
    /// Id of the site, sit_...; a new one is made up and printed where not given.
    #[arg(long, env = "GRIMNIR_SITE")]
    site: Option<SiteId>,
    /// Copies of the stream on different servers: 1, or 3 and more.
    #[arg(long, default_value_t = 1)]
    replicas: usize,
    #[command(flatten)]
    login: NatsArgs,
}

/// How a server is told who we are.
#[derive(Args, Clone, Default)]
pub struct NatsArgs {
    /// Credentials file of a user of the server's account.
    #[arg(long, env = "GRIMNIR_NATS_CREDS", conflicts_with_all = ["nats_user", "nats_token"])]
    pub nats_creds: Option<PathBuf>,
    /// User at the server.
    #[arg(long, env = "GRIMNIR_NATS_USER", requires = "nats_password")]
    pub nats_user: Option<String>,
    /// Password at the server.
    #[arg(long, env = "GRIMNIR_NATS_PASSWORD", hide_env_values = true)]
    pub nats_password: Option<String>,
    /// Token for the server.
    #[arg(long, env = "GRIMNIR_NATS_TOKEN", hide_env_values = true, conflicts_with = "nats_user")]
    pub nats_token: Option<String>,
    /// Certificates to trust beside the system's own, PEM; for tls:// addresses.
    #[arg(long, env = "GRIMNIR_NATS_CA")]
    pub nats_ca: Option<PathBuf>,
    /// The servers' monitoring, http://host:port, separated by commas: how they sync is read there.
    #[arg(long, env = "GRIMNIR_NATS_MONITOR", value_delimiter = ',')]
    pub nats_monitor: Vec<String>,
    /// User of the servers' system account: how they sync is asked there.
    #[arg(long, env = "GRIMNIR_NATS_SYSTEM_USER", requires = "nats_system_password")]
    pub nats_system_user: Option<String>,
    /// Password of that user.
    #[arg(long, env = "GRIMNIR_NATS_SYSTEM_PASSWORD", hide_env_values = true)]
    pub nats_system_password: Option<String>,
    /// Credentials file of a user of the servers' system account.
    #[arg(long, env = "GRIMNIR_NATS_SYSTEM_CREDS", conflicts_with = "nats_system_user")]
    pub nats_system_creds: Option<PathBuf>,
}

impl NatsArgs {
    /// The server at `url`, with this login.
    pub fn address(&self, url: &str) -> NatsAddress {
        let NatsArgs { nats_creds, nats_user, nats_password, nats_token, .. } = self;
        let login = login(nats_creds, nats_user, nats_password, nats_token);
        let (user, password) = (&self.nats_system_user, &self.nats_system_password);
        let system = self::login(&self.nats_system_creds, user, password, &None);
        let (tls_ca, monitors) = (self.nats_ca.clone(), self.nats_monitor.clone());
        NatsAddress { url: url.to_owned(), login, tls_ca, monitors, system }
    }
}

fn login(
    creds: &Option<PathBuf>,
    user: &Option<String>,
    password: &Option<String>,
    token: &Option<String>,
) -> NatsLogin {
    match (creds, user, token) {
        (Some(path), _, _) => NatsLogin::Creds(path.clone()),
        (None, Some(user), _) => NatsLogin::Password {
            user: user.clone(),
            password: password.clone().unwrap_or_default(),
        },
        (None, None, Some(token)) => NatsLogin::Token(token.clone()),
        (None, None, None) => NatsLogin::None,
    }
}

impl StreamArgs {
    fn wish(&self, site: Option<SiteId>) -> Provision {
        let fresh = || SiteId(*uuid::Uuid::new_v4().as_bytes());
        Provision {
            address: self.login.address(&self.nats),
            site_id: self.site.or(site).unwrap_or_else(fresh),
            replicas: self.replicas,
        }
    }
}

/// Does it.
pub async fn work(args: LedgerArgs) -> Result<(), String> {
    match args.work {
        Work::Provision { stream } => output::print_json(&provision(&stream.wish(None)).await?),
        Work::Restore { stream, from } => {
            let identity = grimnir_ledger::Identity::load(&from).map_err(|e| e.to_string())?;
            let wish = stream.wish(Some(identity.site_id));
            output::print_json(&restore(&wish, &from).await?)
        }
        Work::Archive(args) => archive::archive(args).await,
        Work::Repair(args) => repair::repair(args).await,
    }
}
