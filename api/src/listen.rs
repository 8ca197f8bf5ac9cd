//! The listener: a connection comes in, is stamped, and is served until the API closes.

use crate::app::{ApiConfig, App, closed};
use crate::extract::{AcceptedAt, Peer};
use axum::Router;
use axum::body::Body;
use grimnir_actors::Site;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// A head that takes longer is given up, an idle connection closed.
const HEADER_TIME_LIMIT: Duration = Duration::from_secs(10);
/// Heads of requests beyond this are refused (431).
const HEAD_LIMIT_BYTES: usize = 64 * 1024;
/// Connections served at once; the next ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4_096;
/// Out of file descriptors: accepting again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the API cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A metric has a name that cannot be.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The listener has no address.
    #[error("listener cannot be used: {0}")]
    Listener(#[from] io::Error),
}

/// Serves a site until `shutdown` is there, then ends open requests in order.
pub async fn serve(
    site: Site,
    config: ApiConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    let app = App::new(site, config)?;
    let router = crate::http::build(app.clone());
    tracing::info!(%address, "the API listens");
    serve_router(router, &app.closing, app.config.closing_grace, listener, shutdown).await;
    tracing::info!(%address, "the API has closed");
    Ok(())
}

async fn serve_router(
    router: Router,
    closing: &watch::Sender<bool>,
    grace: Duration,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer, slot) = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            next = next_connection(&listener, &slots) => next,
        };
        let accepted = Instant::now();
        let connection = connection(router.clone(), stream, peer, accepted, closing.subscribe());
        open.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    closing.send_replace(true);
    let ended = tokio::time::timeout(grace, async { while open.join_next().await.is_some() {} });
    if ended.await.is_err() {
        tracing::warn!(open = open.len(), "connections cut: they did not end in time");
        open.shutdown().await;
    }
}

type Slot = tokio::sync::OwnedSemaphorePermit;

async fn next_connection(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<Slot>) {
    // The semaphore is never closed, so there is always a slot in the end.
    let slot = slots.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) => {
                tracing::warn!(outcome = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    accepted: Instant,
    mut closing: watch::Receiver<bool>,
) {
    // Answers are small and somebody waits for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(outcome = %error, "TCP_NODELAY not set");
    }
    let first = AtomicBool::new(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let head_read = Instant::now();
        let is_first = first.swap(false, Ordering::Relaxed);
        let at = if is_first { accepted } else { head_read };
        request.extensions_mut().insert(AcceptedAt(at));
        request.extensions_mut().insert(Peer(peer.ip()));
        router.clone().oneshot(request.map(Body::new))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_LIMIT)
        .max_buf_size(HEAD_LIMIT_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    let outcome = tokio::select! {
        outcome = &mut serving => outcome,
        () = closed(&mut closing) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(outcome = %error, "a connection ended");
    }
}

#[cfg(test)]
mod tests;
