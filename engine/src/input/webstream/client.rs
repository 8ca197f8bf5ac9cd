//! Asking a server for what an address names: HTTP/1.1 and its old ICY dialect, with or without
//! TLS. Redirects and playlists are followed by [`super::fetch`].

use super::answer::{Answer, Chunks, answer};
use super::reach::Reach;
use crate::output::client::connect::Wire;
use crate::output::client::tls;
use bytes::{Bytes, BytesMut};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// A server has so long for a connection, and for its answer's head.
const PATIENCE: Duration = Duration::from_secs(5);
/// A read takes as many bytes at most.
const READ_BYTES: usize = 16 * 1024;

/// A body as it comes.
pub(super) struct Body {
    wire: Box<dyn Wire>,
    held: BytesMut,
    chunks: Option<Chunks>,
    /// Bytes that are still to come, where it was said.
    left: Option<u64>,
}

/// Asks for an address within reach; answers with what may be reached from there.
pub(super) async fn get(url: &Url, reach: Reach) -> Result<(Answer, Body, Reach), String> {
    let asked = timeout(PATIENCE, ask(url, reach)).await;
    asked.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

async fn ask(url: &Url, reach: Reach) -> Result<(Answer, Body, Reach), String> {
    let host = url.host_str().ok_or("the address names no host")?;
    let port = url.port_or_known_default().ok_or("the address names no port")?;
    let plain_host = host.trim_start_matches('[').trim_end_matches(']');
    let lost = |error: std::io::Error| format!("no connection: {error}");
    let found = tokio::net::lookup_host((plain_host, port)).await.map_err(lost)?;
    let stream = TcpStream::connect(&*reach.of(plain_host, found)?).await.map_err(lost)?;
    let reach = reach.behind(stream.peer_addr().map_err(lost)?.ip());
    let _ = stream.set_nodelay(true);
    let mut wire: Box<dyn Wire> = match url.scheme() {
        "https" => tls::client(plain_host, stream).await.map_err(|refused| refused.reason)?,
        _ => Box::new(stream),
    };
    let at = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let request = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: Grimnir/{}\r\nAccept: */*\r\n\
         Icy-MetaData: 1\r\nConnection: close\r\n\r\n",
        url.path(),
        env!("CARGO_PKG_VERSION"),
    );
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    wire.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut held = BytesMut::new();
    loop {
        if let Some((answer, used)) = answer(&held)? {
            let _ = held.split_to(used);
            let chunked = answer.header("transfer-encoding");
            let chunked = chunked.is_some_and(|how| how.eq_ignore_ascii_case("chunked"));
            let left = answer.header("content-length").filter(|_| !chunked);
            let left = left.and_then(|length| length.parse().ok());
            let chunks = chunked.then(Chunks::default);
            return Ok((answer, Body { wire, held, chunks, left }, reach));
        }
        if wire.read_buf(&mut held).await.map_err(broke)? == 0 {
            return Err("it closed the connection without an answer".into());
        }
    }
}

impl Body {
    /// The next bytes, as they are meant; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            if !self.held.is_empty() {
                let mut bytes = self.held.split().freeze();
                if let Some(left) = &mut self.left {
                    bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= bytes.len() as u64;
                }
                let Some(chunks) = &mut self.chunks else { return Ok(Some(bytes)) };
                let mut plain = Vec::with_capacity(bytes.len());
                chunks.take(&bytes, &mut plain)?;
                if !plain.is_empty() {
                    return Ok(Some(plain.into()));
                }
                if chunks.ended() {
                    return Ok(None);
                }
            }
            if self.chunks.as_ref().is_some_and(Chunks::ended) {
                return Ok(None);
            }
            self.held.reserve(READ_BYTES);
            let count = self.wire.read_buf(&mut self.held).await;
            if count.map_err(|error| format!("the connection broke: {error}"))? == 0 {
                return Ok(None);
            }
        }
    }

    /// All of it, where it is not longer than `limit`, within the time of an answer.
    pub(super) async fn whole(&mut self, first: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut all = first.to_vec();
        let reading = async {
            while let Some(bytes) = self.next().await? {
                all.extend_from_slice(&bytes);
                if all.len() > limit {
                    return Err(format!("longer than {limit} bytes"));
                }
            }
            Ok(())
        };
        match timeout(PATIENCE, reading).await {
            Ok(read) => read.map(|()| all),
            Err(_) => Err(format!("not whole within {} s", PATIENCE.as_secs())),
        }
    }
}
