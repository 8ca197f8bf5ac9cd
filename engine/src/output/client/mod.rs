//! A source client: the programme sent to an Icecast or a Shoutcast server.
//!
//! Upstream: the shared encoder, through a bounded queue that drops the oldest. Downstream: one
//! connection, made again with growing pauses. A server that stands still, refuses or dies is
//! noticed by nobody else.

mod backoff;
mod chain;
pub(crate) mod connect;
mod queue;
mod request;
mod session;
pub(crate) mod tls;

use super::encoder::{EncoderKey, Tell};
use super::format;
use super::http::SharedOffer;
use super::target::{Encoded, Pulse, Sink, Target};
use backoff::Backoff;
use bytes::Bytes;
use grimnir_events::OutputId;
use grimnir_events::output::OFF_AIR;
use grimnir_events::output::{
    EngineOutput, IcecastOutput, OutputHealth, OutputKind, ShoutcastOutput,
};
use queue::{Piece, Queue};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A connection that stood for this long was a good one.
const STOOD: Duration = Duration::from_secs(10);

/// Where the sound goes.
enum Server {
    Icecast(IcecastOutput),
    Shoutcast(ShoutcastOutput),
}

/// What the encoder, the desk and the connection share.
struct Line {
    id: OutputId,
    server: Server,
    password: String,
    offer: SharedOffer,
    pulse: Pulse,
    queue: Mutex<Queue>,
    more: Notify,
    trouble: Mutex<Option<(Instant, String)>>,
    title: watch::Sender<String>,
    on_air: watch::Sender<bool>,
}

/// A source client; ends when dropped.
pub struct SourceClient {
    line: Arc<Line>,
    task: tokio::task::JoinHandle<()>,
}

impl SourceClient {
    /// The client of an output; `None` where it is none for an Icecast or Shoutcast server.
    pub fn start(
        handed: &EngineOutput,
        offer: SharedOffer,
        tell: Tell,
        runtime: &tokio::runtime::Handle,
    ) -> Option<Self> {
        let server = match handed.output.kind.clone() {
            OutputKind::Icecast(to) => Server::Icecast(to),
            OutputKind::Shoutcast(to) => Server::Shoutcast(to),
            OutputKind::Hls(_)
            | OutputKind::Srt(_)
            | OutputKind::Recording(_)
            | OutputKind::Monitor(_)
            | OutputKind::Rtp(_) => return None,
        };
        let line = Arc::new(Line {
            id: handed.output.id,
            server,
            password: handed.secret.clone().unwrap_or_default(),
            offer,
            pulse: Pulse::new(handed.output.id, OFF_AIR, tell),
            queue: Mutex::default(),
            more: Notify::new(),
            trouble: Mutex::default(),
            title: watch::Sender::new(String::new()),
            on_air: watch::Sender::new(false),
        });
        let task = runtime.spawn(run(line.clone()));
        Some(Self { line, task })
    }
}

impl Drop for SourceClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Target for SourceClient {
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        let encoding = self.line.encoding();
        vec![(encoding, self.line.clone())]
    }
    fn set_on_air(&self, on_air: bool) {
        self.line.on_air.send_if_modified(|now| std::mem::replace(now, on_air) != on_air);
    }
    fn set_title(&self, title: &str) {
        self.line.title.send_if_modified(|now| {
            let other = now != title;
            title.clone_into(now);
            other
        });
    }
    fn pulse(&self) -> &Pulse {
        &self.line.pulse
    }
}

impl Sink for Line {
    fn begin(&self, head: &Bytes) {
        lock(&self.queue).begin(head);
        self.more.notify_one();
    }

    fn push(&self, sound: &Encoded) {
        let lost = lock(&self.queue).push(sound);
        if lost > 0 {
            self.pulse.count(|state| state.lost_bytes += lost);
            let seconds = queue::LIMIT_FRAMES / 48_000;
            self.suffer(format!("the server is more than {seconds} s behind: sound is dropped"));
        }
        self.more.notify_one();
    }

    fn failed(&self, reason: &str) {
        self.suffer(reason.to_owned());
    }
}

impl Line {
    fn encoding(&self) -> EncoderKey {
        let encoding = match &self.server {
            Server::Icecast(to) => to.encoding,
            Server::Shoutcast(to) => to.encoding,
        };
        (encoding.format, encoding.bitrate_kbps)
    }

    /// Titles are not told beside the stream, because players would not look for them there.
    fn titles_in_stream(&self) -> bool {
        !format::takes_titles(self.encoding().0)
    }

    fn chains_titles(&self) -> bool {
        let asked = matches!(&self.server, Server::Icecast(to) if to.chain_titles);
        asked && self.titles_in_stream()
    }

    async fn next(&self) -> Piece {
        loop {
            if let Some(piece) = lock(&self.queue).pop() {
                return piece;
            }
            self.more.notified().await;
        }
    }

    fn suffer(&self, reason: String) {
        *lock(&self.trouble) = Some((Instant::now(), reason));
    }

    fn trouble(&self) -> Option<(Instant, String)> {
        lock(&self.trouble).clone()
    }

    fn title(&self) -> String {
        self.title.borrow().clone()
    }

    fn titles(&self) -> watch::Receiver<String> {
        self.title.subscribe()
    }

    async fn off_air(&self) {
        let _ = self.on_air.subscribe().wait_for(|on_air| !on_air).await;
    }

    async fn connect(&self) -> Result<Box<dyn connect::Wire>, String> {
        if self.password.is_empty() {
            return Err("no password is set".to_owned());
        }
        let name = self.offer.read().unwrap_or_else(PoisonError::into_inner).name.clone();
        let connected = match &self.server {
            Server::Icecast(to) => connect::icecast(to, &self.password, &name).await,
            Server::Shoutcast(to) => connect::shoutcast(to, &self.password, &name).await,
        };
        connected.map_err(|refused| refused.reason)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects while the station is on air, again and again.
async fn run(line: Arc<Line>) {
    let mut backoff = Backoff::default();
    let (mut before, mut told) = (false, false);
    loop {
        let mut on_air = line.on_air.subscribe();
        if !*on_air.borrow_and_update() {
            if told {
                line.pulse.set(OutputHealth::Down, OFF_AIR);
            }
            if on_air.wait_for(|on_air| *on_air).await.is_err() {
                return;
            }
            backoff.reset();
        }
        told = true;
        let reason = match line.connect().await {
            Err(reason) => reason,
            Ok(wire) => {
                let since = Instant::now();
                *lock(&line.trouble) = None;
                lock(&line.queue).open();
                line.pulse.count(|state| state.reconnects += u32::from(before));
                before = true;
                line.pulse.set(OutputHealth::Up, "");
                let reason = session::run(&line, wire).await;
                lock(&line.queue).close();
                if since.elapsed() > STOOD {
                    backoff.reset();
                }
                reason
            }
        };
        line.pulse.set(OutputHealth::Down, &reason);
        let [a, b, ..] = uuid::Uuid::new_v4().into_bytes();
        let pause = backoff.next(u16::from_le_bytes([a, b]));
        tracing::info!(output.id = %line.id, reason, ?pause, "output is tried again");
        let _ = tokio::time::timeout(pause, line.off_air()).await;
    }
}

#[cfg(test)]
mod tests;
