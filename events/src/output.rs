//! The words of outputs: where the programme goes beside the mounts.
//!
//! A password is never among them: it lies in the secrets store, and an output names it by
//! [`SecretRef`]. Only the hand-over to the engine ([`EngineOutputs`]) carries it.

use crate::codec::Payload;
use crate::ids::{ContentHash, CredentialId, OutputId};
use crate::recording::RecordingReport;
use crate::rtp::RtpOutput;
use crate::station::MountFormat;
use serde::{Deserialize, Serialize};

/// One output of a station.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Output {
    /// Its id.
    pub id: OutputId,
    /// Name shown to people.
    pub name: String,
    /// What it is.
    pub kind: OutputKind,
    /// It is to run while the station is on air.
    pub enabled: bool,
}

/// What an output is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// A mount of an Icecast server.
    Icecast(IcecastOutput),
    /// A Shoutcast v1 server.
    Shoutcast(ShoutcastOutput),
    /// HTTP live streaming, served by the engine.
    Hls(HlsOutput),
    /// A push by SRT.
    Srt(SrtOutput),
    /// Files of everything that was on air.
    Recording(RecordingOutput),
    /// A mount for studios, before the sound is shaped.
    Monitor(MonitorOutput),
    /// Packets of RTP to an address or a group.
    Rtp(RtpOutput),
}

impl OutputKind {
    /// The kind as it is written.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Icecast(_) => "icecast",
            Self::Shoutcast(_) => "shoutcast",
            Self::Hls(_) => "hls",
            Self::Srt(_) => "srt",
            Self::Recording(_) => "recording",
            Self::Monitor(_) => "monitor",
            Self::Rtp(_) => "rtp",
        }
    }

    /// The password that it needs.
    pub const fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Icecast(IcecastOutput { password, .. })
            | Self::Shoutcast(ShoutcastOutput { password, .. })
            | Self::Srt(SrtOutput { passphrase: password, .. })
            | Self::Monitor(MonitorOutput { password, .. }) => password.as_ref(),
            Self::Hls(_) | Self::Recording(_) | Self::Rtp(_) => None,
        }
    }
}

/// How the sound of an output is encoded; mounts and outputs of the same encoding share one
/// encoder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Encoding {
    /// The format.
    pub format: MountFormat,
    /// Bit rate; 0 where the format has none.
    pub bitrate_kbps: u16,
}

/// Names a password in the secrets store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecretRef {
    /// Which.
    pub id: CredentialId,
    /// SHA-256 of a salt that only the store knows and the password: another password has another.
    pub fingerprint: ContentHash,
}

/// A mount of an Icecast server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IcecastOutput {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The connection is encrypted.
    pub tls: bool,
    /// Path there, beginning with a slash.
    pub mount: String,
    /// Name to sign in with, mostly `source`.
    pub user: String,
    /// What it signs in with.
    pub password: Option<SecretRef>,
    /// How the sound is encoded.
    pub encoding: Encoding,
    /// How the connection is asked for.
    pub method: SourceMethod,
    /// The server may list it in directories.
    pub public: bool,
    /// Told to the server; may be empty.
    pub description: String,
    /// Told to the server; may be empty.
    pub genre: String,
    /// Web page told to the server; may be empty.
    pub url: String,
    /// Titles in Ogg formats, each by a stream chained to the one before; many players stumble.
    pub chain_titles: bool,
}

/// How a connection to an Icecast server is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceMethod {
    /// By `PUT`, and by `SOURCE` where the server does not know it.
    #[default]
    Auto,
    /// By `PUT` (Icecast 2.4 and later).
    Put,
    /// By `SOURCE` (every Icecast).
    Source,
}

/// A Shoutcast v1 server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShoutcastOutput {
    /// Name or address of the server.
    pub host: String,
    /// The port that listeners use; the sound is sent to the one above it.
    pub port: u16,
    /// What it signs in with.
    pub password: Option<SecretRef>,
    /// How the sound is encoded: `mp3` or `aac_lc`.
    pub encoding: Encoding,
    /// The server may list it in directories.
    pub public: bool,
    /// Told to the server; may be empty.
    pub genre: String,
    /// Web page told to the server; may be empty.
    pub url: String,
}

/// HTTP live streaming.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HlsOutput {
    /// HTTP path that playlists and segments stand below, beginning with a slash.
    pub path: String,
    /// What segments are.
    pub container: HlsContainer,
    /// Bit rates of AAC-LC that are offered, in kbit/s.
    pub bitrates_kbps: Vec<u16>,
    /// Length that segments are to have.
    pub segment_ms: u32,
    /// Segments in a playlist.
    pub window: u16,
    /// Folder below the engine's own that all of it is written to as well.
    pub folder: Option<String>,
}

/// What segments of HTTP live streaming are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HlsContainer {
    /// ADTS frames behind an ID3 tag with the time and the title.
    #[default]
    PackedAac,
    /// Fragmented MP4.
    Fmp4,
}

/// A push by SRT: MPEG transport stream to a listener.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SrtOutput {
    /// Name or address of the listener.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the sound is encoded: `mp3`, `aac_lc` or `opus`.
    pub encoding: Encoding,
    /// How long the other side waits for what was lost.
    pub latency_ms: u32,
    /// Told to the listener; may be empty.
    pub stream_id: String,
    /// What it is encrypted with; `None` sends in the clear.
    pub passphrase: Option<SecretRef>,
}

/// Files of everything that was on air.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordingOutput {
    /// How the sound is encoded: `flac`, `mp3` or `opus`.
    pub encoding: Encoding,
    /// Folder below the engine's own.
    pub folder: String,
    /// Files older than this are removed; 0 keeps them.
    pub keep_days: u16,
    /// The oldest are removed while all are larger; 0 keeps them.
    pub keep_bytes: u64,
}

/// A mount of the engine's own whose sound is taken from the mix, before graph and limiter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MonitorOutput {
    /// HTTP path, beginning with a slash.
    pub path: String,
    /// How the sound is encoded.
    pub encoding: Encoding,
    /// What listeners sign in with, by any name; `None` lets everybody in.
    pub password: Option<SecretRef>,
}

/// The reason of an output that is down because its station is: no fault of anything.
pub const OFF_AIR: &str = "the station is off air";
/// The reason of an output that is down because it was removed or changed: nothing is wrong with it
/// any more.
pub const REMOVED: &str = "it was removed or changed";

/// How an output is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputHealth {
    /// It takes everything.
    Up,
    /// It is connected but lost sound lately.
    Degraded,
    /// It takes nothing.
    #[default]
    Down,
}

impl OutputHealth {
    /// The health as it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// What the engine reports of an output.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputReport {
    /// It is doing better or worse.
    Health {
        /// How it is now.
        health: OutputHealth,
        /// Why; empty where all is well.
        reason: String,
    },
    /// Something became of a file of a recording.
    Recording(RecordingReport),
}

/// What an engine is to send out; handed over beside the configuration, at its ledger position.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineOutputs {
    /// All there are, those that are not enabled among them.
    pub outputs: Vec<EngineOutput>,
}

/// An output as an engine is handed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOutput {
    /// The output.
    pub output: Output,
    /// Its password in the clear.
    pub secret: Option<String>,
}

/// Never shows the password.
impl std::fmt::Debug for EngineOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = self.secret.as_ref().map(|_| "…");
        f.debug_struct("EngineOutput")
            .field("output", &self.output)
            .field("secret", &secret)
            .finish()
    }
}

impl Payload for EngineOutputs {
    const NAME: &'static str = "handover.outputs";
    const VERSION: u16 = 1;
}
