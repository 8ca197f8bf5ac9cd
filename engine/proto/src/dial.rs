//! Connecting to an engine's Unix socket.

use crate::v1::engine_client::EngineClient;
use hyper_util::rt::TokioIo;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Channel, Endpoint, Uri};

/// A connected engine.
pub type Client = EngineClient<Channel>;

/// Why an engine could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("engine socket {path} cannot be reached: {reason}")]
pub struct DialError {
    /// The socket.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Connects to the engine behind `socket`.
pub async fn dial(socket: &Path) -> Result<Client, DialError> {
    let path = socket.to_path_buf();
    let target = path.clone();
    let connect = tower::service_fn(move |_: Uri| {
        let target = target.clone();
        async move { tokio::net::UnixStream::connect(target).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://engine.invalid")
        .connect_timeout(Duration::from_secs(2))
        .connect_with_connector(connect)
        .await
        .map_err(|e| DialError { path, reason: source_chain(&e) })?;
    Ok(EngineClient::new(channel).max_decoding_message_size(16 << 20))
}

fn source_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
