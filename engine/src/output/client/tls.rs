//! TLS to a server: its certificate must be good for its name, by the roots that this host trusts.

use super::connect::{Refused, Wire};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A handshake has this long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Encrypts a connection.
pub async fn client(host: &str, stream: TcpStream) -> Result<Box<dyn Wire>, Refused> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let connector = TlsConnector::from(config()?);
    let shaken = tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await;
    let stream = shaken
        .map_err(|_| format!("{host}: no TLS handshake within {} s", PATIENCE.as_secs()))?
        .map_err(|error| format!("{host}: {error}"))?;
    Ok(Box::new(stream))
}

fn config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("this host has no certificates that it trusts".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
