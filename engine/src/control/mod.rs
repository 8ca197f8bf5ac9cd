//! The control server: the engine's gRPC service over its Unix socket.
//!
//! Decodes and checks, hands on to the director, answers. Not here: decisions.

mod graph;
mod reports;
mod service;

use crate::air::AirHandle;
use crate::director::{Msg, status::Board};
use crate::journal::Journal;
use crate::output::http::SharedOffer;
use grimnir_engine_proto::v1::engine_server::EngineServer;
use grimnir_events::{EngineRunId, StationId};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;

/// Largest message taken: a whole timeline of three days and some.
const MESSAGE_BYTES: usize = 16 << 20;

/// What the service speaks to.
pub struct Control {
    /// The station.
    pub station: StationId,
    /// This run.
    pub run: EngineRunId,
    /// The mix thread.
    pub air: AirHandle,
    /// The journal.
    pub journal: Journal,
    /// The director.
    pub director: Mutex<Sender<Msg>>,
    /// What the director shows.
    pub board: Board,
    /// What listeners find.
    pub offer: SharedOffer,
    /// Port of the listeners' server, once bound.
    pub http_port: Arc<AtomicU32>,
    /// What shapes the programme.
    pub graph: Mutex<graph::Loaded>,
    /// Where whoever asks for the status stood; levels there are of the time since.
    pub metered: Mutex<reports::Mark>,
    /// Only the last rung and emergencies play.
    pub minimal: bool,
}

pub use graph::Loaded;

/// Binds the socket: a stale one is replaced, nobody else may connect.
pub fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until `stop` is done.
pub async fn serve(
    listener: UnixListener,
    control: Control,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let service = EngineServer::new(service::Service(Arc::new(control)))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .serve_with_incoming_shutdown(service, UnixListenerStream::new(listener), stop)
        .await
}
