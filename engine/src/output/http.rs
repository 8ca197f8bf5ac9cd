//! The HTTP server that listeners connect to.
//!
//! `GET /<mount>` gives the stream, the other answers are in `pages`. Bounds: header time, number
//! of connections, listeners of a mount and bytes queued for each (`hub`).

use super::hls::audience::Caller;
use super::hls::serve::Live;
use super::hub::{Hub, Listener, Refusal};
use super::monitor::Studio;
use super::sessions::Who;
use super::tls::{self, Certificate};
use super::{format, icy, pages};
use crate::air::clock;
use bytes::Bytes;
use grimnir_events::UtcMicros;
use grimnir_events::station::Mount;
use http::header::{self, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

/// Connections at once, of all mounts.
pub const CONNECTION_LIMIT: usize = 1_000;
/// The kernel doubles it: on a local line it would give 4 MiB to each that does not read.
const SEND_BUFFER: usize = 128 * 1024;
/// A client has this long for its request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the server offers now.
#[derive(Default)]
pub struct Offer {
    /// The station's name.
    pub name: String,
    /// Mounts and their hubs.
    pub mounts: Vec<(Mount, Arc<Hub>)>,
    /// HTTP live streaming.
    pub hls: Vec<Arc<Live>>,
    /// Mounts for studios; in no list.
    pub studios: Vec<Arc<Studio>>,
}

/// The offer, as the director changes it.
pub type SharedOffer = Arc<RwLock<Offer>>;

/// What a request came to.
#[derive(Clone)]
pub struct Door {
    /// What is offered.
    offer: SharedOffer,
    /// Since when.
    pub started: UtcMicros,
    /// The address that was called; `None` where the socket does not say.
    pub local: Option<SocketAddr>,
    /// The connection is encrypted.
    pub tls: bool,
    /// The other side's address; it is written down nowhere.
    from: IpAddr,
}

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

/// Serves until the process ends: HTTP, and HTTPS on the same port where there is a certificate.
pub async fn serve(
    listener: TcpListener,
    offer: SharedOffer,
    certificate: Option<Arc<Certificate>>,
) {
    let started = clock::utc_now();
    let seats = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, mostly: existing listeners must not suffer from a busy loop.
                tracing::warn!(%error, "a listener could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        // What the kernel holds for a player that stands still would else be megabytes.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER);
        let local = stream.local_addr().ok();
        // An IPv4 client of a socket for both is named by a mapped address.
        let from = from.ip().to_canonical();
        let mut door = Door { offer: offer.clone(), started, local, tls: false, from };
        let seat = seats.clone().try_acquire_owned().ok();
        let certificate = certificate.clone();
        tokio::spawn(async move {
            let full = seat.is_none();
            let encrypted = certificate.is_some() && begins_tls(&stream).await;
            match certificate.filter(|_| encrypted) {
                Some(certificate) => {
                    let handshake = certificate.acceptor().accept(stream);
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_TIME, handshake).await {
                        door.tls = true;
                        connection(stream, door, full).await;
                    }
                }
                None => connection(stream, door, full).await,
            }
            drop(seat);
        });
    }
}

/// The first byte on a connection is that of a TLS handshake.
pub async fn begins_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = tokio::time::timeout(HEADER_TIME, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0] == tls::HANDSHAKE
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    door: Door,
    full: bool,
) {
    let cut = Arc::new(Notify::new());
    let told = cut.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let response = open_to_pages(answer(&request, &door, &told, full));
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
}

fn answer(
    request: &Request<Incoming>,
    door: &Door,
    cut: &Arc<Notify>,
    full: bool,
) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    if !head && request.method() != Method::GET {
        let told = "only GET, HEAD and OPTIONS are answered here\n";
        return text(StatusCode::METHOD_NOT_ALLOWED, told.into());
    }
    let offer = door.offer.read().unwrap_or_else(PoisonError::into_inner);
    let path = request.uri().path();
    if !offer.hls.is_empty() {
        let caller = (!head).then(|| Caller { address: door.from, who: who(request, door) });
        let answer = |live: &Arc<Live>| live.answer(path, caller.as_ref());
        if let Some(answer) = offer.hls.iter().find_map(answer) {
            return answer;
        }
    }
    let studio = offer.studios.iter().find(|studio| studio.mount.path == path);
    let listed = offer.mounts.iter().find(|(mount, _)| mount.path == path);
    let (mount, hub) = match (listed, studio) {
        (Some((mount, hub)), _) => (mount, hub),
        (None, Some(studio)) => {
            let given = request.headers().get(header::AUTHORIZATION);
            if !studio.lets_in(given.and_then(|value| value.to_str().ok())) {
                return unauthorized();
            }
            (&studio.mount, &studio.hub)
        }
        (None, None) => return pages::answer(request, door, &offer),
    };
    if full {
        let told = format!("{CONNECTION_LIMIT} are connected, limit {CONNECTION_LIMIT}\n");
        return text(StatusCode::SERVICE_UNAVAILABLE, told);
    }
    let metadata = format::takes_titles(mount.format)
        && request.headers().get("icy-metadata").is_some_and(|value| value == "1");
    let body = if head && hub.is_open() {
        Full::new(Bytes::new()).boxed_unsync()
    } else {
        match hub.join(who(request, door), metadata, cut.clone()) {
            Ok(listener) => stream(listener),
            Err(Refusal::Closed) => {
                let told = "the station is off air\n".into();
                return text(StatusCode::SERVICE_UNAVAILABLE, told);
            }
            Err(Refusal::Full { limit }) => {
                let told = format!("{limit} listen to {path}, limit {limit}\n");
                return text(StatusCode::SERVICE_UNAVAILABLE, told);
            }
        }
    };
    mount_response(&offer.name, mount, metadata, body)
}

fn who(request: &Request<Incoming>, door: &Door) -> Who {
    let agent = request.headers().get(header::USER_AGENT);
    Who::new(
        door.from.is_ipv6(),
        door.tls,
        agent.and_then(|value| value.to_str().ok()).unwrap_or_default(),
    )
}

fn mount_response(name: &str, mount: &Mount, metadata: bool, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    // As streaming servers answer: the body ends with the connection, without chunks.
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static(format::content_type(mount.format));
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    if let Ok(value) = HeaderValue::from_bytes(clean.as_bytes()) {
        headers.insert("icy-name", value);
    }
    let mut sound = format::SOUND.to_owned();
    if mount.bitrate_kbps > 0 {
        headers.insert("icy-br", HeaderValue::from(mount.bitrate_kbps));
        sound.push_str(&format!(";bitrate={}", mount.bitrate_kbps));
    }
    if let Ok(value) = HeaderValue::from_str(&sound) {
        headers.insert("ice-audio-info", value);
    }
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

fn unauthorized() -> Response<Body> {
    let mut response = text(StatusCode::UNAUTHORIZED, "a password is needed\n".into());
    say(response.headers_mut(), header::WWW_AUTHENTICATE, "Basic realm=\"studio\"");
    response
}

/// What a browser asks before a page of another origin may ask for titles.
fn preflight() -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::new()).boxed_unsync());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    say(headers, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS");
    say(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, "Icy-MetaData, Range, Content-Type");
    say(headers, header::ACCESS_CONTROL_MAX_AGE, "86400");
    response
}

/// Players are pages of any origin; nothing here is private.
fn open_to_pages(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    say(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let seen = "icy-br, icy-metaint, icy-name, ice-audio-info";
    say(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, seen);
    response
}

fn say(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// An answer in words.
pub fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    say(response.headers_mut(), CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}
