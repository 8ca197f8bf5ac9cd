//! Connecting to a server: the handshakes of Icecast (`PUT`, `SOURCE`) and Shoutcast v1.

use super::request::{self, Method};
use grimnir_events::output::{IcecastOutput, ShoutcastOutput, SourceMethod};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server has this long for a connection, and for each answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// After `100 Continue` the final answer comes at once from Icecast, from others at the end.
const AFTER_CONTINUE: Duration = Duration::from_millis(300);
/// The kernel doubles it: 4 s of 128 kbit/s.
const SEND_BUFFER: usize = 32 * 1024;
/// Longest head of an answer, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;

/// A connection.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Why there is no connection.
#[derive(Debug)]
pub struct Refused {
    /// For people.
    pub reason: String,
    /// The server may not know the method.
    unknown: bool,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self { reason, unknown: false }
    }
}

/// Asks an Icecast server for the mount, in the way it knows.
pub async fn icecast(
    to: &IcecastOutput,
    password: &str,
    name: &str,
) -> Result<Box<dyn Wire>, Refused> {
    let first = match to.method {
        SourceMethod::Auto | SourceMethod::Put => Method::Put,
        SourceMethod::Source => Method::Source,
    };
    let asked = ask(to, password, name, first).await;
    match asked {
        Err(refused) if refused.unknown && to.method == SourceMethod::Auto => {
            tracing::info!(host = to.host, reason = refused.reason, "PUT is not known; SOURCE is");
            ask(to, password, name, Method::Source).await
        }
        asked => asked,
    }
}

async fn ask(
    to: &IcecastOutput,
    password: &str,
    name: &str,
    method: Method,
) -> Result<Box<dyn Wire>, Refused> {
    let mut wire = open(&to.host, to.port, to.tls).await?;
    send(&mut wire, &request::icecast(to, password, name, method)).await?;
    let mut held = Vec::new();
    let mut head = head(&mut wire, &mut held).await?;
    if request::status(&head) == Some(100) {
        match timeout(AFTER_CONTINUE, self::head(&mut wire, &mut held)).await {
            Ok(last) => head = last?,
            Err(_) => return Ok(wire),
        }
    }
    match request::status(&head) {
        Some(200..=299) => Ok(wire),
        Some(401) => Err("the server refuses user or password (401)".to_owned().into()),
        status => {
            let unknown = matches!(status, None | Some(400 | 404 | 405 | 501 | 505));
            Err(Refused { reason: format!("the server answers: {}", shown(&head)), unknown })
        }
    }
}

/// Signs in at a Shoutcast server.
pub async fn shoutcast(
    to: &ShoutcastOutput,
    password: &str,
    name: &str,
) -> Result<Box<dyn Wire>, Refused> {
    let mut wire = open(&to.host, to.port.saturating_add(1), false).await?;
    send(&mut wire, &format!("{password}\r\n")).await?;
    let mut held = Vec::new();
    // Icecast closes without a word; others say `invalid password`, without an empty line.
    let head = match head_until(&mut wire, &mut held, end_of_welcome).await {
        Err(refused) if refused.unknown => "connection closed".to_owned(),
        head => head?,
    };
    if !head.starts_with("OK") {
        return Err(format!("the server refuses the password: {}", shown(&head)).into());
    }
    send(&mut wire, &request::shoutcast(to, name)).await?;
    Ok(wire)
}

/// A request of its own, with its whole answer's first line.
pub async fn once(host: &str, port: u16, tls: bool, request: &str) -> Result<u16, Refused> {
    let mut wire = open(host, port, tls).await?;
    send(&mut wire, request).await?;
    let head = head(&mut wire, &mut Vec::new()).await?;
    let unreadable = || format!("the server answers: {}", shown(&head));
    request::status(&head).ok_or_else(|| unreadable().into())
}

async fn open(host: &str, port: u16, tls: bool) -> Result<Box<dyn Wire>, Refused> {
    let opened = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    let stream = opened
        .map_err(|_| format!("{host}:{port}: no connection within {} s", PATIENCE.as_secs()))?
        .map_err(|error| format!("{host}:{port}: {error}"))?;
    let _ = stream.set_nodelay(true);
    // What the kernel holds for a server that stands still is neither heard nor told as lost.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER);
    if tls { super::tls::client(host, stream).await } else { Ok(Box::new(stream)) }
}

async fn send(wire: &mut Box<dyn Wire>, text: &str) -> Result<(), Refused> {
    match timeout(PATIENCE, wire.write_all(text.as_bytes())).await {
        Ok(sent) => sent.map_err(|error| error.to_string().into()),
        Err(_) => Err("the server takes nothing".to_owned().into()),
    }
}

/// The next head of an answer; what came after it stays in `held`.
async fn head(wire: &mut Box<dyn Wire>, held: &mut Vec<u8>) -> Result<String, Refused> {
    head_until(wire, held, end_of_head).await
}

async fn head_until(
    wire: &mut Box<dyn Wire>,
    held: &mut Vec<u8>,
    ends: fn(&[u8]) -> Option<usize>,
) -> Result<String, Refused> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(end) = ends(held) {
            let rest = held.split_off(end);
            let head = std::mem::replace(held, rest);
            return Ok(String::from_utf8_lossy(&head).into_owned());
        }
        if held.len() > HEAD_LIMIT {
            return Err(format!("{} bytes of an answer, limit {HEAD_LIMIT}", held.len()).into());
        }
        let mut chunk = [0; 1_024];
        match tokio::time::timeout_at(until, wire.read(&mut chunk)).await {
            Ok(Ok(0)) => {
                let reason = "the server closed the connection without an answer".to_owned();
                return Err(Refused { reason, unknown: true });
            }
            Ok(Ok(count)) => held.extend_from_slice(&chunk[..count]),
            Ok(Err(error)) => return Err(Refused { reason: error.to_string(), unknown: true }),
            Err(_) => {
                return Err(format!("no answer within {} s", PATIENCE.as_secs()).into());
            }
        }
    }
}

fn end_of_head(held: &[u8]) -> Option<usize> {
    held.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
}

/// Whoever is welcome is told more after the first line.
fn end_of_welcome(held: &[u8]) -> Option<usize> {
    let line = held.iter().position(|byte| *byte == b'\n')? + 1;
    if held.starts_with(b"OK") { end_of_head(held) } else { Some(line) }
}

/// The first line, as far as it is fit to be shown.
fn shown(head: &str) -> String {
    head.lines().next().unwrap_or("").chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests;
