//! Lines of live sessions as they are asked for and shown: SRT and RTP.

use super::live::ask;
use super::timeline::Recorded;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Managers;
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::{Path, State};
use grimnir_actors::site::Password;
use grimnir_events::line::{LiveLine, RtpSound};
use grimnir_rules::live::LiveCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Time in which what is lost is sent again or waited for, where nothing is said: 200 ms.
const LATENCY_MS: u32 = 200;

/// A way of sound into a session that is no harbor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum LineBody {
    /// The engine waits for a caller, whose stream id is to be the session's password, unless it
    /// is encrypted.
    SrtListener {
        /// Own address that it waits at; all where none is given.
        #[serde(default = "everywhere")]
        address: String,
        /// UDP port.
        #[schema(value_type = u16)]
        port: u32,
        /// Time in which what is lost is sent again; 200 where nothing is said.
        #[serde(default = "latency_ms")]
        latency_ms: u32,
        /// It is encrypted with this, of 10 to 79 characters; never given back.
        #[serde(default, skip_serializing)]
        #[schema(value_type = Option<String>)]
        passphrase: Option<Passphrase>,
        /// It is encrypted; given without a passphrase, the one that it has stays.
        #[serde(default)]
        encrypted: bool,
    },
    /// The engine calls a listener.
    SrtCaller {
        /// Name or address.
        host: String,
        /// UDP port.
        #[schema(value_type = u16)]
        port: u32,
        /// What the listener is told. It is shown to whoever sees the session.
        #[serde(default)]
        stream_id: String,
        /// Time in which what is lost is sent again; 200 where nothing is said.
        #[serde(default = "latency_ms")]
        latency_ms: u32,
        /// It is encrypted with this, of 10 to 79 characters; never given back.
        #[serde(default, skip_serializing)]
        #[schema(value_type = Option<String>)]
        passphrase: Option<Passphrase>,
        /// It is encrypted; given without a passphrase, the one that it has stays.
        #[serde(default)]
        encrypted: bool,
    },
    /// Packets that come to a port, from whomever: RTP has no password.
    Rtp {
        /// Own address that they come to, or the group.
        address: String,
        /// UDP port.
        #[schema(value_type = u16)]
        port: u32,
        /// What is in them.
        sound: RtpSoundBody,
        /// Rate of `l16`; 44100 where nothing is said.
        #[serde(default)]
        rate: Option<u32>,
        /// Channels of `l16`; 2 where nothing is said.
        #[serde(default)]
        channels: Option<u8>,
        /// Time in which a late packet is waited for; 200 where nothing is said.
        #[serde(default = "latency_ms")]
        latency_ms: u32,
    },
}

/// A passphrase, which nothing shows.
#[derive(Clone, Deserialize)]
pub struct Passphrase(String);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What RTP packets carry.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RtpSoundBody {
    /// Opus.
    Opus,
    /// MP3 and its elders.
    MpegAudio,
    /// An MPEG transport stream, e.g. with AAC.
    MpegTs,
    /// Samples of 16 bits.
    L16,
}

fn everywhere() -> String {
    "0.0.0.0".to_owned()
}

fn latency_ms() -> u32 {
    LATENCY_MS
}

/// A number within a tagged body is read as it is, so that the problem can name its field.
fn port_of(port: u32) -> Result<u16, Problem> {
    let detail = || format!("port of the line is {port}, expected 1024 to 65535");
    u16::try_from(port).map_err(|_| Problem::invalid("port", detail()))
}

impl LineBody {
    /// The line, and what becomes of its passphrase.
    fn read(self) -> Result<(LiveLine, Password), Problem> {
        Ok(match self {
            Self::SrtListener { address, port, latency_ms, passphrase, encrypted } => {
                let port = port_of(port)?;
                let line = LiveLine::SrtListener { address, port, latency_ms };
                (line, password(passphrase, encrypted))
            }
            Self::SrtCaller { host, port, stream_id, latency_ms, passphrase, encrypted } => {
                let port = port_of(port)?;
                let line = LiveLine::SrtCaller { host, port, stream_id, latency_ms };
                (line, password(passphrase, encrypted))
            }
            Self::Rtp { address, port, sound, rate, channels, latency_ms } => {
                let sound = match sound {
                    RtpSoundBody::Opus => RtpSound::Opus,
                    RtpSoundBody::MpegAudio => RtpSound::MpegAudio,
                    RtpSoundBody::MpegTs => RtpSound::MpegTs,
                    RtpSoundBody::L16 => RtpSound::L16 {
                        rate: rate.unwrap_or(44_100),
                        channels: channels.unwrap_or(2),
                    },
                };
                let port = port_of(port)?;
                (LiveLine::Rtp { address, port, sound, latency_ms }, Password::Forget)
            }
        })
    }
}

fn password(passphrase: Option<Passphrase>, encrypted: bool) -> Password {
    match passphrase {
        Some(Passphrase(text)) => Password::Set(text),
        None if encrypted => Password::Keep,
        None => Password::Forget,
    }
}

impl From<LiveLine> for LineBody {
    fn from(line: LiveLine) -> Self {
        let (encrypted, passphrase) = (line.passphrase().is_some(), None);
        match line {
            LiveLine::SrtListener { address, port, latency_ms }
            | LiveLine::EncryptedSrtListener { address, port, latency_ms, .. } => {
                Self::SrtListener { address, port: port.into(), latency_ms, passphrase, encrypted }
            }
            LiveLine::SrtCaller { host, port, stream_id, latency_ms }
            | LiveLine::EncryptedSrtCaller { host, port, stream_id, latency_ms, .. } => {
                let port = port.into();
                Self::SrtCaller { host, port, stream_id, latency_ms, passphrase, encrypted }
            }
            LiveLine::Rtp { address, port, sound, latency_ms } => {
                let (sound, rate, channels) = match sound {
                    RtpSound::Opus => (RtpSoundBody::Opus, None, None),
                    RtpSound::MpegAudio => (RtpSoundBody::MpegAudio, None, None),
                    RtpSound::MpegTs => (RtpSoundBody::MpegTs, None, None),
                    RtpSound::L16 { rate, channels } => {
                        (RtpSoundBody::L16, Some(rate), Some(channels))
                    }
                };
                Self::Rtp { address, port: port.into(), sound, rate, channels, latency_ms }
            }
        }
    }
}

/// Has a session's sound come over SRT or RTP, while the session is valid (manager).
#[utoipa::path(
    put, path = "/stations/{id}/live-sessions/{session}/line", tag = "live",
    operation_id = "set_live_line",
    params(("id" = String, Path), ("session" = String, Path)), request_body = LineBody,
    responses((status = 200, body = Recorded), (status = 422, body = ProblemDocument))
)]
pub async fn set_line(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, session)): Path<(String, String)>,
    Body(request): Body<LineBody>,
) -> Result<Answer<Recorded>, Problem> {
    let (line, passphrase) = request.read()?;
    let station_id = lookup::station(&app, "id", &id)?.id;
    let session_id = lookup::id("session", &session)?;
    let seq = app.site.live_line(station_id, session_id, line, passphrase, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}

/// Closes a session's line; encoders come to the harbor as before (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/live-sessions/{session}/line", tag = "live",
    operation_id = "close_live_line",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn close_line(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |session_id| LiveCommand::SetLine { session_id, line: None };
    ask(&app, &intent, (&id, &session), command).await
}
