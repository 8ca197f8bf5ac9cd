//! The HTTP server that listeners connect to.
//!
//! `GET /<mount>` gives the stream, `GET /` the list of mounts. Bounds: header time, number of
//! listeners, bytes queued per listener (`hub`).

use super::hub::{Hub, Listener};
use super::icy;
use bytes::Bytes;
use grimnir_events::station::{Mount, MountFormat};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

/// Connections at once.
const LISTENER_LIMIT: usize = 1_000;
/// A client has this long for its request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the server offers now.
#[derive(Default)]
pub struct Offer {
    /// The station's name.
    pub name: String,
    /// Mounts and their hubs.
    pub mounts: Vec<(Mount, Arc<Hub>)>,
}

/// The offer, as the director changes it.
pub type SharedOffer = Arc<RwLock<Offer>>;

/// Binds the port; tries for a while, because the engine before may still hold it.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if tries >= 100 => return Err(error),
            Err(error) => {
                if tries == 0 {
                    tracing::warn!(%address, %error, "listener port is not free yet");
                }
                tries += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, offer: SharedOffer) {
    let seats = Arc::new(Semaphore::new(LISTENER_LIMIT));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, mostly: existing listeners must not suffer from a busy loop.
                tracing::warn!(%error, "a listener could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let offer = offer.clone();
        let seat = seats.clone().try_acquire_owned().ok();
        tokio::spawn(async move {
            let full = seat.is_none();
            let cut = Arc::new(Notify::new());
            let told = cut.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let response = answer(&request, &offer, &told, full);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .max_buf_size(16 * 1024)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = cut.notified() => {}
            }
            drop(seat);
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    offer: &SharedOffer,
    cut: &Arc<Notify>,
    full: bool,
) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are answered here\n".into(),
        );
    }
    let offer = offer.read().unwrap_or_else(PoisonError::into_inner);
    let path = request.uri().path();
    if path == "/" {
        return list(request, &offer);
    }
    let Some((mount, hub)) = offer.mounts.iter().find(|(mount, _)| mount.path == path) else {
        let known: Vec<&str> = offer.mounts.iter().map(|(m, _)| m.path.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let shown: String = path.chars().take(200).collect();
        return text(StatusCode::NOT_FOUND, format!("no mount {shown}; mounts: {known}\n"));
    };
    if full {
        let told = format!("{LISTENER_LIMIT} listeners are connected, limit {LISTENER_LIMIT}\n");
        return text(StatusCode::SERVICE_UNAVAILABLE, told);
    }
    if !hub.is_open() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "the station is off air\n".into());
    }
    let metadata = request.headers().get("icy-metadata").is_some_and(|value| value == "1");
    let body = if head {
        Full::new(Bytes::new()).boxed_unsync()
    } else {
        match hub.join(metadata, cut.clone()) {
            Some(listener) => stream(listener),
            None => {
                let told = "the station is off air\n".into();
                return text(StatusCode::SERVICE_UNAVAILABLE, told);
            }
        }
    };
    mount_response(&offer.name, mount, metadata, body)
}

fn mount_response(name: &str, mount: &Mount, metadata: bool, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    // As streaming servers answer: the body ends with the connection, without chunks.
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    let MountFormat::Mp3 = mount.format;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    if let Ok(value) = HeaderValue::from_bytes(clean.as_bytes()) {
        headers.insert("icy-name", value);
    }
    headers.insert("icy-br", HeaderValue::from(mount.bitrate_kbps));
    if metadata {
        headers.insert("icy-metaint", HeaderValue::from(icy::METAINT));
    }
    response
}

fn stream(listener: Listener) -> Body {
    let frames = futures_util::stream::unfold(listener, |mut listener| async move {
        let bytes = listener.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), listener))
    });
    StreamBody::new(Box::pin(frames)).boxed_unsync()
}

fn list(request: &Request<Incoming>, offer: &Offer) -> Response<Body> {
    let json = request
        .headers()
        .get(http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    if json {
        let mounts: Vec<serde_json::Value> = offer
            .mounts
            .iter()
            .map(|(mount, hub)| {
                serde_json::json!({
                    "path": mount.path, "name": mount.name, "format": mount.format,
                    "bitrate_kbps": mount.bitrate_kbps, "on_air": hub.is_open(),
                    "listeners": hub.listeners(),
                })
            })
            .collect();
        let body = serde_json::json!({ "name": offer.name, "mounts": mounts });
        let mut response = text(StatusCode::OK, format!("{body}\n"));
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        return response;
    }
    let mut lines = format!("{}\n", offer.name);
    for (mount, _) in &offer.mounts {
        lines.push_str(&format!("{} {} kbit/s {}\n", mount.path, mount.bitrate_kbps, mount.name));
    }
    text(StatusCode::OK, lines)
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
