//! The certificate of the listeners' server. It is read again when its file is another, so that a
//! renewed one needs no restart; one that cannot be read leaves the old one in use.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio_rustls::{TlsAcceptor, rustls};

/// First byte of a TLS handshake; no HTTP request begins with it.
pub const HANDSHAKE: u8 = 22;

/// A certificate and its key, in PEM files.
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    loaded: Mutex<(Option<SystemTime>, TlsAcceptor)>,
}

impl Certificate {
    /// Reads the two files.
    pub fn open(chain: &Path, key: &Path) -> Result<Self, String> {
        let loaded = Mutex::new((modified(chain), load(chain, key)?));
        Ok(Self { chain: chain.to_path_buf(), key: key.to_path_buf(), loaded })
    }

    /// What takes the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let now = modified(&self.chain);
        if now != loaded.0 {
            loaded.0 = now;
            match load(&self.chain, &self.key) {
                Ok(acceptor) => loaded.1 = acceptor,
                Err(reason) => tracing::error!(reason, "the new certificate is not used"),
            }
        }
        loaded.1.clone()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn load(chain: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let told = |path: &Path, why: String| format!("{}: {why}", path.display());
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map_err(|error| told(chain, error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| told(key, error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| told(chain, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
