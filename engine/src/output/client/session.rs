//! One connection that stands: sound out as it comes, titles beside it, until something ends it.

use super::queue::Piece;
use super::{Line, Server, chain::Chain, connect, request};
use bytes::Bytes;
use grimnir_events::output::OutputHealth;
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// A server that takes nothing for this long is left.
const STALL: Duration = Duration::from_secs(10);
/// How often it is looked at while it takes nothing.
const LOOK: Duration = Duration::from_millis(500);
/// So long after the last loss all is well again.
const HEALED: Duration = Duration::from_secs(10);
/// Least time between two titles: what comes between is told once, as it is then.
const BETWEEN_TITLES: Duration = Duration::from_secs(3);
/// Tries to tell one title.
const TITLE_TRIES: u32 = 3;

/// Runs until the connection is over; why it is.
pub async fn run(line: &Line, wire: Box<dyn connect::Wire>) -> String {
    let (read, write) = tokio::io::split(wire);
    tokio::select! {
        reason = listen(read) => reason,
        reason = send(line, write) => reason,
        () = line.off_air() => grimnir_events::output::OFF_AIR.to_owned(),
        never = tell_titles(line) => match never {},
    }
}

/// A server says nothing while all is well.
async fn listen(mut read: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let mut chunk = [0; 1_024];
    loop {
        match read.read(&mut chunk).await {
            Ok(0) => return "the server closed the connection".to_owned(),
            Ok(count) if said.len() < 8_192 => said.extend_from_slice(&chunk[..count]),
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
        let text = String::from_utf8_lossy(&said);
        if let Some(status @ 400..) = request::status(text.lines().next().unwrap_or("")) {
            return format!("the server ended the stream ({status})");
        }
    }
}

async fn send(line: &Line, mut write: impl AsyncWrite + Unpin) -> String {
    let mut chain = line.chains_titles().then(Chain::default);
    loop {
        let bytes = match (line.next().await, &mut chain) {
            (piece, Some(chain)) => chain.push(piece, &line.title()),
            (Piece::Head(bytes) | Piece::Sound(bytes, _), None) => bytes,
        };
        if let Err(reason) = give(line, &mut write, bytes).await {
            return reason;
        }
        look(line);
    }
}

/// Writes all of it, and looks after the health while the server does not take it.
async fn give(
    line: &Line,
    write: &mut (impl AsyncWrite + Unpin),
    mut bytes: Bytes,
) -> Result<(), String> {
    let mut moved = Instant::now();
    while !bytes.is_empty() {
        match tokio::time::timeout(LOOK, write.write(&bytes)).await {
            Ok(Ok(0)) => return Err("the server takes no more".to_owned()),
            Ok(Ok(count)) => {
                line.pulse.count(|state| state.bytes_sent += count as u64);
                bytes = bytes.split_off(count);
                moved = Instant::now();
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) if moved.elapsed() > STALL => {
                return Err(format!("the server took nothing for {} s", STALL.as_secs()));
            }
            Err(_) => look(line),
        }
    }
    Ok(())
}

/// Degraded while sound is lost, up once that is long ago.
fn look(line: &Line) {
    match line.trouble() {
        Some((at, reason)) if at.elapsed() < HEALED => {
            line.pulse.set(OutputHealth::Degraded, &reason);
        }
        _ => line.pulse.set(OutputHealth::Up, ""),
    }
}

/// Tells each title once, and never two in a hurry.
async fn tell_titles(line: &Line) -> Infallible {
    let mut titles = line.titles();
    let mut told = String::new();
    loop {
        let title = titles.borrow_and_update().clone();
        if !title.is_empty() && title != told && !line.titles_in_stream() {
            for turn in 1..=TITLE_TRIES {
                match tell(line, &title).await {
                    Ok(()) => break,
                    Err(reason) => {
                        tracing::warn!(output.id = %line.id, turn, reason, "a title is not taken");
                        tokio::time::sleep(BETWEEN_TITLES).await;
                    }
                }
            }
            told = title;
            tokio::time::sleep(BETWEEN_TITLES).await;
        }
        if titles.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn tell(line: &Line, title: &str) -> Result<(), String> {
    let password = &line.password;
    let (host, port, tls, request) = match &line.server {
        Server::Icecast(to) => {
            (&to.host, to.port, to.tls, request::icecast_title(to, password, title))
        }
        Server::Shoutcast(to) => {
            (&to.host, to.port, false, request::shoutcast_title(to, password, title))
        }
    };
    match connect::once(host, port, tls, &request).await {
        Ok(200) => Ok(()),
        Ok(status) => Err(format!("the server answers {status}")),
        Err(refused) => Err(refused.reason),
    }
}
