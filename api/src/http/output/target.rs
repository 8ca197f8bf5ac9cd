//! What an output is, as requests say it and answers show it: without its password.

use super::rtp::RtpTarget;
use crate::problem::Problem;
use grimnir_events::output::{
    Encoding, HlsContainer, HlsOutput, IcecastOutput, MonitorOutput, OutputKind, RecordingOutput,
    SecretRef, ShoutcastOutput, SourceMethod, SrtOutput,
};
use grimnir_events::station::MountFormat;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What an output is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A mount of an Icecast server.
    Icecast(IcecastTarget),
    /// A Shoutcast v1 server.
    Shoutcast(ShoutcastTarget),
    /// HTTP live streaming, served by the engine.
    Hls(HlsTarget),
    /// A push by SRT.
    Srt(SrtTarget),
    /// Files of everything that was on air.
    Recording(RecordingTarget),
    /// A mount for studios, before the sound is shaped.
    Monitor(MonitorTarget),
    /// Packets of RTP to an address or a group.
    Rtp(RtpTarget),
}

/// A mount of an Icecast server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IcecastTarget {
    /// Name or address of the server.
    host: String,
    /// Its port; 8000 where not given.
    #[serde(default = "port")]
    port: u16,
    /// The connection is encrypted.
    #[serde(default)]
    tls: bool,
    /// Path there, beginning with a slash.
    mount: String,
    /// Name to sign in with; `source` where not given.
    #[serde(default = "source")]
    user: String,
    /// `mp3`, `aac_lc`, `opus`, `vorbis` or `flac`; `mp3` where not given.
    #[serde(default = "mp3")]
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 128 where not given, and for `flac` only 0.
    #[serde(default = "kbps")]
    bitrate_kbps: u16,
    /// How the connection is asked for: `auto`, `put` or `source`.
    #[serde(default)]
    #[schema(value_type = String)]
    method: SourceMethod,
    /// The server may list it in directories.
    #[serde(default)]
    public: bool,
    /// Told to the server.
    #[serde(default)]
    description: String,
    /// Told to the server.
    #[serde(default)]
    genre: String,
    /// Web page told to the server.
    #[serde(default)]
    url: String,
    /// Titles in Ogg formats, by chained streams; many players stumble over them.
    #[serde(default)]
    chain_titles: bool,
}

/// A Shoutcast v1 server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShoutcastTarget {
    /// Name or address of the server.
    host: String,
    /// The port that listeners use, 8000 where not given; the sound goes to the one above it.
    #[serde(default = "port")]
    port: u16,
    /// `mp3` or `aac_lc`; `mp3` where not given.
    #[serde(default = "mp3")]
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 128 where not given.
    #[serde(default = "kbps")]
    bitrate_kbps: u16,
    /// The server may list it in directories.
    #[serde(default)]
    public: bool,
    /// Told to the server.
    #[serde(default)]
    genre: String,
    /// Web page told to the server.
    #[serde(default)]
    url: String,
}

/// HTTP live streaming.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HlsTarget {
    /// HTTP path that playlists and segments stand below.
    path: String,
    /// `packed_aac` or `fmp4`; `packed_aac` where not given.
    #[serde(default)]
    #[schema(value_type = String)]
    container: HlsContainer,
    /// Bit rates of AAC-LC that are offered.
    bitrates_kbps: Vec<u16>,
    /// Length that segments are to have; 4000 where not given.
    #[serde(default = "segment_ms")]
    segment_ms: u32,
    /// Segments in a playlist; 6 where not given.
    #[serde(default = "window")]
    window: u16,
    /// Folder below the engine's own that all of it is written to as well.
    folder: Option<String>,
}

/// A push by SRT.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SrtTarget {
    /// Name or address of the listener.
    host: String,
    /// Its port.
    port: u16,
    /// `mp3`, `aac_lc` or `opus`.
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 128 where not given.
    #[serde(default = "kbps")]
    bitrate_kbps: u16,
    /// How long the other side waits for what was lost; 200 where not given.
    #[serde(default = "latency_ms")]
    latency_ms: u32,
    /// Told to the listener.
    #[serde(default)]
    stream_id: String,
}

/// Files of everything that was on air.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingTarget {
    /// `flac`, `mp3` or `opus`.
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 0 for `flac`.
    #[serde(default)]
    bitrate_kbps: u16,
    /// Folder below the engine's own.
    folder: String,
    /// Files older than this are removed; 0 keeps them.
    #[serde(default)]
    keep_days: u16,
    /// The oldest are removed while all are larger; 0 keeps them.
    #[serde(default)]
    keep_bytes: u64,
}

/// A mount for studios: what is mixed, before graph and limiter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MonitorTarget {
    /// HTTP path.
    path: String,
    /// `mp3`, `aac_lc`, `opus`, `vorbis` or `flac`.
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 0 for `flac`.
    #[serde(default)]
    bitrate_kbps: u16,
}

fn port() -> u16 {
    8_000
}
fn source() -> String {
    "source".into()
}
fn mp3() -> MountFormat {
    MountFormat::Mp3
}
fn kbps() -> u16 {
    128
}
fn segment_ms() -> u32 {
    4_000
}
fn window() -> u16 {
    6
}
fn latency_ms() -> u32 {
    200
}

impl Target {
    /// The kind that it says, with the password that is known by name.
    pub fn kind(self, secret: Option<SecretRef>) -> OutputKind {
        let encoding = |format, bitrate_kbps| Encoding { format, bitrate_kbps };
        match self {
            Self::Icecast(to) => OutputKind::Icecast(IcecastOutput {
                encoding: encoding(to.format, to.bitrate_kbps),
                host: to.host,
                port: to.port,
                tls: to.tls,
                mount: to.mount,
                user: to.user,
                password: secret,
                method: to.method,
                public: to.public,
                description: to.description,
                genre: to.genre,
                url: to.url,
                chain_titles: to.chain_titles,
            }),
            Self::Shoutcast(to) => OutputKind::Shoutcast(ShoutcastOutput {
                encoding: encoding(to.format, to.bitrate_kbps),
                host: to.host,
                port: to.port,
                password: secret,
                public: to.public,
                genre: to.genre,
                url: to.url,
            }),
            Self::Hls(hls) => OutputKind::Hls(HlsOutput {
                path: hls.path,
                container: hls.container,
                bitrates_kbps: hls.bitrates_kbps,
                segment_ms: hls.segment_ms,
                window: hls.window,
                folder: hls.folder,
            }),
            Self::Srt(to) => OutputKind::Srt(SrtOutput {
                encoding: encoding(to.format, to.bitrate_kbps),
                host: to.host,
                port: to.port,
                latency_ms: to.latency_ms,
                stream_id: to.stream_id,
                passphrase: secret,
            }),
            Self::Recording(recording) => OutputKind::Recording(RecordingOutput {
                encoding: encoding(recording.format, recording.bitrate_kbps),
                folder: recording.folder,
                keep_days: recording.keep_days,
                keep_bytes: recording.keep_bytes,
            }),
            Self::Rtp(to) => to.kind(),
            Self::Monitor(monitor) => OutputKind::Monitor(MonitorOutput {
                encoding: encoding(monitor.format, monitor.bitrate_kbps),
                path: monitor.path,
                password: secret,
            }),
        }
    }

    /// An output's kind as it is shown.
    pub fn of(kind: &OutputKind) -> Self {
        match kind.clone() {
            OutputKind::Icecast(to) => Self::Icecast(IcecastTarget {
                host: to.host,
                port: to.port,
                tls: to.tls,
                mount: to.mount,
                user: to.user,
                format: to.encoding.format,
                bitrate_kbps: to.encoding.bitrate_kbps,
                method: to.method,
                public: to.public,
                description: to.description,
                genre: to.genre,
                url: to.url,
                chain_titles: to.chain_titles,
            }),
            OutputKind::Shoutcast(to) => Self::Shoutcast(ShoutcastTarget {
                host: to.host,
                port: to.port,
                format: to.encoding.format,
                bitrate_kbps: to.encoding.bitrate_kbps,
                public: to.public,
                genre: to.genre,
                url: to.url,
            }),
            OutputKind::Hls(hls) => Self::Hls(HlsTarget {
                path: hls.path,
                container: hls.container,
                bitrates_kbps: hls.bitrates_kbps,
                segment_ms: hls.segment_ms,
                window: hls.window,
                folder: hls.folder,
            }),
            OutputKind::Srt(to) => Self::Srt(SrtTarget {
                host: to.host,
                port: to.port,
                format: to.encoding.format,
                bitrate_kbps: to.encoding.bitrate_kbps,
                latency_ms: to.latency_ms,
                stream_id: to.stream_id,
            }),
            OutputKind::Recording(recording) => Self::Recording(RecordingTarget {
                format: recording.encoding.format,
                bitrate_kbps: recording.encoding.bitrate_kbps,
                folder: recording.folder,
                keep_days: recording.keep_days,
                keep_bytes: recording.keep_bytes,
            }),
            OutputKind::Rtp(to) => Self::Rtp(RtpTarget::of(to)),
            OutputKind::Monitor(monitor) => Self::Monitor(MonitorTarget {
                path: monitor.path,
                format: monitor.encoding.format,
                bitrate_kbps: monitor.encoding.bitrate_kbps,
            }),
        }
    }

    /// The same with other fields, which stand under its kind.
    pub fn with(self, fields: Value) -> Result<Self, Problem> {
        let invalid = |detail: String| Problem::invalid("target", detail);
        let mut whole = serde_json::to_value(self).map_err(|error| invalid(error.to_string()))?;
        let (Value::Object(held), Value::Object(given)) = (&mut whole, fields) else {
            return Err(invalid("expected an object with the kind as its one name".into()));
        };
        for (kind, change) in given {
            match (held.get_mut(&kind), change) {
                (Some(Value::Object(held)), Value::Object(change)) => held.extend(change),
                (Some(_), _) => return Err(invalid(format!("{kind} is not an object"))),
                (None, _) => {
                    let is = held.keys().next().cloned().unwrap_or_default();
                    let kind: String = kind.chars().take(80).collect();
                    return Err(invalid(format!("{kind} is given, the output is of kind {is}")));
                }
            }
        }
        serde_json::from_value(whole).map_err(|error| invalid(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target(text: Value) -> Target {
        serde_json::from_value(text).expect("a target")
    }

    #[test]
    fn what_is_said_is_shown_again_and_stored_as_it_was_said() {
        let all = [
            json!({"icecast": {"host": "a", "mount": "/b", "tls": true, "format": "opus"}}),
            json!({"shoutcast": {"host": "a", "port": 9000, "genre": "g"}}),
            json!({"hls": {"path": "/hls", "bitrates_kbps": [64], "container": "fmp4"}}),
            json!({"srt": {"host": "a", "port": 9, "format": "aac_lc", "latency_ms": 50}}),
            json!({"rtp": {"host": "239.1.2.3", "port": 8, "payload": "l24", "packet_ms": 1,
                "payload_type": 99}}),
            json!({"rtp": {"host": "a", "payload": "mp3", "bitrate_kbps": 64, "payload_type": 14,
                "ttl": 3}}),
            json!({"rtp": {"host": "a", "payload": "opus", "bitrate_kbps": 96,
                "payload_type": 111}}),
            json!({"recording": {"format": "flac", "folder": "c", "keep_bytes": 5}}),
        ];
        for said in all {
            let first = target(said.clone());
            let shown = serde_json::to_value(&first).expect("shows");
            let stored = first.kind(None);
            assert_eq!(serde_json::to_value(Target::of(&stored)).expect("shows"), shown);
            let (kind, fields) = said.as_object().expect("an object").iter().next().expect("one");
            for (name, value) in fields.as_object().expect("an object") {
                assert_eq!(&shown[kind][name], value, "{kind}.{name}");
            }
        }
    }

    #[test]
    fn a_change_keeps_the_rest_and_names_what_is_wrong() {
        let icecast = || target(json!({"icecast": {"host": "a", "mount": "/b"}}));
        let changed = icecast().with(json!({"icecast": {"port": 1}})).expect("changes");
        let Target::Icecast(to) = changed else { panic!("another kind") };
        assert_eq!((to.host.as_str(), to.port), ("a", 1));
        for wrong in [json!([]), json!({"icecast": 1}), json!({"icecast": {"prot": 1}})] {
            assert!(icecast().with(wrong).is_err());
        }
        assert!(icecast().with(json!({"hls": {}})).is_err());
    }
}
