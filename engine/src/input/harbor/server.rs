//! The harbor's sockets: each connection says who it is, is let in or not, and sends its sound.
//!
//! Time and size of what it says are bounded; its sound is read no faster than it can be held.

use super::answer;
use super::chunks::Chunks;
use super::patience::Patience;
use super::private::{Line, opened};
use super::request::{Head, IcyLine, Parsed, head, icy_headers, icy_line, mount_of, title_of};
use super::seats::{Seat, Seats};
use crate::air::clock;
use crate::input::InputWord;
use crate::input::gate::{Denial, Gate, Shown};
use crate::output::record::live::Records;
use crate::output::tls::Certificate;
use bytes::BytesMut;
use grimnir_events::live::DEFAULT_MOUNT;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// An answer that nobody takes is given up.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Whoever was wrong waits before hearing so.
const WRONG_WAIT: Duration = Duration::from_millis(300);
/// Most characters that are told of a mount that somebody asked for: what a mount's path may have.
const MOUNT_CHARS: usize = 100;

/// How it tells what happens.
pub type Tell = Box<dyn Fn(InputWord) + Send + Sync>;

/// What the harbor is made of.
pub struct Harbor {
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// Where what they send is written down.
    pub records: Arc<Records>,
    /// Who is told.
    pub tell: Tell,
    /// By which it is spoken in private as well, on the same ports.
    pub certificate: Option<Arc<Certificate>>,
    /// How long it waits.
    pub patience: Patience,
}

impl Harbor {
    /// One that waits as long as is usual.
    pub fn new(
        gate: Arc<Gate>,
        records: Arc<Records>,
        tell: Tell,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        Self { gate, records, tell, certificate, patience: Patience::default() }
    }
}

/// The connection under way.
struct Visit {
    harbor: Arc<Harbor>,
    stream: Box<dyn Line>,
    address: SocketAddr,
    held: BytesMut,
    /// Until it is known who it is.
    seat: Option<Seat>,
}

/// Why a connection is over before its sound.
type Over = Option<(Shown, Denial)>;

/// Serves a port until the process ends; `icy` on the port of Shoutcast sources.
pub async fn serve(listener: TcpListener, harbor: Arc<Harbor>, icy: bool) {
    let seats = Seats::default();
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a source could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // One too many is closed at once: those who are in are not to suffer.
        let Some(seat) = seats.take(address.ip()) else { continue };
        let harbor = harbor.clone();
        tokio::spawn(async move {
            let certificate = harbor.certificate.as_deref();
            let Some(stream) = opened(stream, certificate, harbor.patience.head).await else {
                return;
            };
            let (held, seat) = (BytesMut::new(), Some(seat));
            let mut visit = Visit { harbor, stream, address, held, seat };
            let over = match icy {
                true => visit.icy().await,
                false => visit.http().await,
            };
            if let Ok(Some((shown, denial))) = over {
                visit.turned_away(&shown, denial.reason());
            }
        });
    }
}

impl Visit {
    /// Reads until `parse` has something whole; what follows it stays held.
    async fn say<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T, &'static str> {
        let reading = async {
            loop {
                match parse(&self.held) {
                    Parsed::Whole(said, used) => {
                        let _ = self.held.split_to(used);
                        return Ok(said);
                    }
                    Parsed::Bad(why) => return Err(why),
                    Parsed::More => {}
                }
                match self.stream.read_buf(&mut self.held).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Err("the connection ended"),
                }
            }
        };
        timeout(self.harbor.patience.head, reading)
            .await
            .unwrap_or(Err("it said nothing whole in time"))
    }

    async fn answer(&mut self, text: &str) -> std::io::Result<()> {
        let written = timeout(ANSWER_TIME, self.stream.write_all(text.as_bytes())).await;
        written.unwrap_or_else(|elapsed| Err(elapsed.into()))
    }

    /// Answers and closes, so that the answer is read before the connection is torn.
    async fn close(&mut self, text: &str) -> std::io::Result<()> {
        self.answer(text).await?;
        self.stream.shutdown().await?;
        let mut rest = [0; 1_024];
        let drain = async { while let Ok(1..) = self.stream.read(&mut rest).await {} };
        let _ = timeout(Duration::from_millis(500), drain).await;
        Ok(())
    }

    async fn http(&mut self) -> std::io::Result<Over> {
        let head = match self.say(head).await {
            Ok(head) => head,
            Err(why) => {
                self.close(&answer::refusal("400 Bad Request", why)).await?;
                return Ok(None);
            }
        };
        match (head.method.as_str(), head.path.as_str()) {
            ("OPTIONS", _) => self.close(answer::OPTIONS).await.map(|()| None),
            ("PUT" | "SOURCE", _) => self.source(&head).await,
            ("GET", "/admin/metadata" | "/admin.cgi") => self.metadata(&head).await,
            _ => {
                let told = "encoders send sound here with PUT or SOURCE; listeners are elsewhere\n";
                self.close(&answer::refusal("404 Not Found", told)).await?;
                Ok(None)
            }
        }
    }

    /// Sound is announced by PUT or SOURCE.
    async fn source(&mut self, head: &Head) -> std::io::Result<Over> {
        let Some((user, password)) = head.basic() else {
            // How some look whether a password is asked for.
            self.close(&answer::refusal("401 Authentication Required", "a password is needed\n"))
                .await?;
            return Ok(None);
        };
        let mount = match mount_of(&head.path) {
            mount if mount == "/" => None,
            mount => Some(mount),
        };
        let shown = Shown { user, password, mount };
        let admitted = match self.harbor.gate.admit(&shown, clock::utc_now()) {
            Ok(admitted) => admitted,
            Err(denial) => return self.refuse(shown, denial).await,
        };
        let coding = head.header("transfer-encoding").unwrap_or("identity").to_ascii_lowercase();
        let chunks = match coding.as_str() {
            "identity" => None,
            "chunked" => Some(Chunks::default()),
            _ => {
                self.harbor.gate.leave(&admitted);
                let told = "of the transfer codings only chunked is read here\n";
                self.close(&answer::refusal("501 Not Implemented", told)).await?;
                return Ok(None);
            }
        };
        let only_looks = head.length() == Some(0);
        let waits = head.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue"));
        let answered = match (only_looks, waits) {
            (true, _) => self.close("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").await,
            (false, true) => self.answer(&format!("{}{}", answer::CONTINUE, answer::OK)).await,
            (false, false) => self.answer(answer::OK).await,
        };
        if answered.is_err() || only_looks {
            self.harbor.gate.leave(&admitted);
            return answered.map(|()| None);
        }
        let protocol = if head.method == "PUT" { "put" } else { "source" };
        let client = head.header("user-agent").unwrap_or_default().to_owned();
        self.listen(admitted, protocol, client, chunks).await;
        Ok(None)
    }

    async fn refuse(&mut self, shown: Shown, denial: Denial) -> std::io::Result<Over> {
        tokio::time::sleep(WRONG_WAIT).await;
        let text = match denial {
            Denial::Unknown => {
                answer::refusal("401 Authentication Required", "wrong user name or password\n")
            }
            Denial::NotNow => {
                answer::refusal("403 Forbidden", "the session is not valid at this time\n")
            }
            Denial::Busy => answer::refusal("403 Mountpoint in use", "Mountpoint in use\n"),
        };
        self.close(&text).await?;
        Ok(Some((shown, denial)))
    }

    /// A title is told beside the sound.
    async fn metadata(&mut self, head: &Head) -> std::io::Result<Over> {
        let (user, password) = match (head.basic(), head.value("pass")) {
            (Some(basic), _) => basic,
            (None, Some(password)) => match password.split_once(':') {
                Some((user, password)) => (user.to_owned(), password.to_owned()),
                None => (String::new(), password),
            },
            (None, None) => {
                let told = "a password is needed\n";
                self.close(&answer::refusal("401 Authentication Required", told)).await?;
                return Ok(None);
            }
        };
        let mount = head.value("mount").map(|mount| mount_of(&mount));
        let shown = Shown { user, password, mount };
        let key = match self.harbor.gate.titled(&shown) {
            Ok(key) => key,
            Err(denial) => return self.refuse(shown, denial).await,
        };
        if let (Some(key), Some(title)) = (key, title_of(head)) {
            (self.harbor.tell)(InputWord::Titled { key, title });
        }
        self.close(&answer::metadata(key.is_some())).await.map(|()| None)
    }

    /// A Shoutcast source.
    async fn icy(&mut self) -> std::io::Result<Over> {
        let (user, password, mount) = match self.say(icy_line).await {
            Ok(IcyLine::Password { user, password, mount }) => (user, password, mount),
            Ok(IcyLine::Http) => return self.http().await,
            Ok(IcyLine::Poke) | Err(_) => return Ok(None),
        };
        let shown = Shown { user, password, mount };
        let admitted = match self.harbor.gate.admit(&shown, clock::utc_now()) {
            Ok(admitted) => admitted,
            Err(denial) => {
                tokio::time::sleep(WRONG_WAIT).await;
                self.close(answer::INVALID_PASSWORD).await?;
                return Ok(Some((shown, denial)));
            }
        };
        if let Err(error) = self.answer(answer::OK2).await {
            self.harbor.gate.leave(&admitted);
            return Err(error);
        }
        match self.say(icy_headers).await {
            Ok(headers) => {
                let named = |name: &str| headers.iter().find(|(found, _)| found == name);
                let client = named("user-agent").or_else(|| named("icy-name"));
                let client = client.map(|(_, value)| value.clone()).unwrap_or_default();
                self.listen(admitted, "icy", client, None).await;
            }
            Err(_) => self.harbor.gate.leave(&admitted),
        }
        Ok(None)
    }

    fn turned_away(&self, shown: &Shown, reason: &str) {
        let mount = shown.mount.as_deref().unwrap_or(DEFAULT_MOUNT);
        (self.harbor.tell)(InputWord::Refused {
            address: self.address.to_string(),
            mount: mount.chars().take(MOUNT_CHARS).collect(),
            reason: reason.to_owned(),
        });
    }
}

mod sound;

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
