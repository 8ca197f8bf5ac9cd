//! Reaching the server: addresses, credentials, TLS, and what is known of the connection.

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// A lost connection is tried again after this time at the latest: the air does not wait for it,
/// but people's commands do.
const RECONNECT_AT_MOST: Duration = Duration::from_millis(500);

/// How a server is reached.
#[derive(Clone, Debug, Default)]
pub struct NatsAddress {
    /// One or more addresses of one cluster, `nats://host:port` or `tls://host:port`, separated by
    /// commas.
    pub url: String,
    /// Who we are to it.
    pub login: NatsLogin,
    /// Certificates to trust beside the system's own.
    pub tls_ca: Option<PathBuf>,
    /// Addresses of the servers' monitoring, `http://host:port`: the sync policy is read there.
    pub monitors: Vec<String>,
    /// A user of the servers' system account: the sync policy is asked there.
    pub system: NatsLogin,
}

/// Who we are to a server.
#[derive(Clone, Default)]
pub enum NatsLogin {
    /// Nobody in particular, or what the address says.
    #[default]
    None,
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
    /// A `.creds` file: a JWT and the seed of its key.
    Creds(PathBuf),
}

impl std::fmt::Debug for NatsLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets stay out of traces.
        match self {
            Self::None => f.write_str("None"),
            Self::Password { user, .. } => write!(f, "Password({user})"),
            Self::Token(_) => f.write_str("Token"),
            Self::Creds(path) => write!(f, "Creds({})", path.display()),
        }
    }
}

/// A connection, and marks that move each time it is made again and each time it is lost.
pub(crate) struct Connection {
    pub client: Client,
    pub made: watch::Receiver<u64>,
    pub lost: Lost,
}

/// Hears of the connection's loss.
#[derive(Clone)]
pub(crate) struct Lost(watch::Receiver<u64>);

impl Lost {
    /// What the server answers, within `patience`; else why there is no answer. What was asked on
    /// a connection that is lost is never answered: that is said at once, so that who asks can go
    /// on as soon as there is another one.
    pub async fn unless<T>(
        &self,
        patience: Duration,
        asked: impl Future<Output = T>,
    ) -> Result<T, String> {
        let mut lost = self.0.clone();
        lost.mark_unchanged();
        tokio::select! {
            biased;
            answer = asked => Ok(answer),
            Ok(()) = lost.changed() => Err("the connection was lost before the answer".into()),
            () = tokio::time::sleep(patience) => {
                Err(format!("no answer within {} ms", patience.as_millis()))
            }
        }
    }
}

/// Why there is no connection.
pub(crate) struct Refused {
    pub reason: String,
    /// It may be otherwise in a moment: the server is away, not unwilling.
    pub passes: bool,
}

/// Connects; where `wait` is false the connection is made in the background as soon as it can be.
pub(crate) async fn connect(address: &NatsAddress, wait: bool) -> Result<Connection, Refused> {
    let (count, made) = watch::channel(0u64);
    let (losses, lost) = watch::channel(0u64);
    let mut options = match &address.login {
        NatsLogin::None => ConnectOptions::new(),
        NatsLogin::Password { user, password } => {
            ConnectOptions::with_user_and_password(user.clone(), password.clone())
        }
        NatsLogin::Token(token) => ConnectOptions::with_token(token.clone()),
        NatsLogin::Creds(path) => ConnectOptions::with_credentials_file(path)
            .await
            .map_err(|e| Refused { reason: format!("{}: {e}", path.display()), passes: false })?,
    };
    if let Some(path) = &address.tls_ca {
        options = options.add_root_certificates(path.clone());
    }
    if !wait {
        options = options.retry_on_initial_connect();
    }
    let servers: Vec<&str> = address.url.split(',').map(str::trim).collect();
    let client = options
        .name("grimnir")
        .connection_timeout(Duration::from_secs(2))
        .ping_interval(Duration::from_secs(5))
        .reconnect_delay_callback(|tries| {
            RECONNECT_AT_MOST.min(Duration::from_millis(20 * tries.min(100) as u64))
        })
        .event_callback(move |event| {
            match &event {
                Event::Connected => count.send_modify(|count| *count += 1),
                Event::Disconnected => {
                    losses.send_modify(|losses| *losses += 1);
                    tracing::warn!("the connection to JetStream is lost");
                }
                other => tracing::info!(event = %other, "JetStream connection"),
            }
            std::future::ready(())
        })
        .connect(servers)
        .await
        .map_err(|e| Refused {
            reason: format!("{}: {e}", address.url),
            passes: matches!(
                e.kind(),
                ConnectErrorKind::Io | ConnectErrorKind::TimedOut | ConnectErrorKind::Dns
            ),
        })?;
    Ok(Connection { client, made, lost: Lost(lost) })
}
