//! The words of lines: ways of sound into a live session that are no harbor, by SRT and RTP.
//!
//! A line belongs to a session and is open as often as that is valid; who is heard over it claims
//! the air as the session says. Not here: sockets, sound.

use crate::codec::Payload;
use crate::ids::{CredentialId, LiveSessionId, StationId};
use crate::output::SecretRef;
use serde::{Deserialize, Serialize};

/// A way of sound into a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveLine {
    /// The engine waits for a caller, whose stream id is to be the session's password.
    SrtListener {
        /// Own address that it waits at.
        address: String,
        /// UDP port.
        port: u16,
        /// Time in which what is lost is sent again, in milliseconds.
        latency_ms: u32,
    },
    /// The engine calls a listener.
    SrtCaller {
        /// Name or address.
        host: String,
        /// UDP port.
        port: u16,
        /// What the listener is told; empty for nothing. It is no secret.
        stream_id: String,
        /// Time in which what is lost is sent again, in milliseconds.
        latency_ms: u32,
    },
    /// Packets that come to a port, from whomever: RTP has no password.
    Rtp {
        /// Own address that they come to, or the group.
        address: String,
        /// UDP port.
        port: u16,
        /// What is in them.
        sound: RtpSound,
        /// Time in which a packet that is late is waited for, in milliseconds.
        latency_ms: u32,
    },
    /// As [`LiveLine::SrtListener`], encrypted.
    EncryptedSrtListener {
        /// Own address that it waits at.
        address: String,
        /// UDP port.
        port: u16,
        /// Time in which what is lost is sent again, in milliseconds.
        latency_ms: u32,
        /// What it is encrypted with.
        passphrase: SecretRef,
    },
    /// As [`LiveLine::SrtCaller`], encrypted.
    EncryptedSrtCaller {
        /// Name or address.
        host: String,
        /// UDP port.
        port: u16,
        /// What the listener is told; empty for nothing. It is no secret.
        stream_id: String,
        /// Time in which what is lost is sent again, in milliseconds.
        latency_ms: u32,
        /// What it is encrypted with.
        passphrase: SecretRef,
    },
}

/// What RTP packets carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtpSound {
    /// Opus (RFC 7587).
    Opus,
    /// MPEG audio, layer 1 to 3 (RFC 2250, type 14).
    MpegAudio,
    /// An MPEG transport stream (RFC 2250, type 33).
    MpegTs,
    /// Samples of 16 bits (RFC 3551).
    L16 {
        /// In Hz.
        rate: u32,
        /// One or two.
        channels: u8,
    },
}

impl LiveLine {
    /// Own port that it takes; none of a caller.
    pub fn own_port(&self) -> Option<u16> {
        match self {
            Self::SrtListener { port, .. }
            | Self::EncryptedSrtListener { port, .. }
            | Self::Rtp { port, .. } => Some(*port),
            Self::SrtCaller { .. } | Self::EncryptedSrtCaller { .. } => None,
        }
    }

    /// How it speaks, as a connection tells it.
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Rtp { .. } => "rtp",
            Self::SrtListener { .. }
            | Self::SrtCaller { .. }
            | Self::EncryptedSrtListener { .. }
            | Self::EncryptedSrtCaller { .. } => "srt",
        }
    }

    /// What it is encrypted with.
    pub fn passphrase(&self) -> Option<&SecretRef> {
        match self {
            Self::EncryptedSrtListener { passphrase, .. }
            | Self::EncryptedSrtCaller { passphrase, .. } => Some(passphrase),
            Self::SrtListener { .. } | Self::SrtCaller { .. } | Self::Rtp { .. } => None,
        }
    }

    /// The same line in the clear.
    #[must_use]
    pub fn in_the_clear(self) -> Self {
        match self {
            Self::EncryptedSrtListener { address, port, latency_ms, .. } => {
                Self::SrtListener { address, port, latency_ms }
            }
            Self::EncryptedSrtCaller { host, port, stream_id, latency_ms, .. } => {
                Self::SrtCaller { host, port, stream_id, latency_ms }
            }
            clear @ (Self::SrtListener { .. } | Self::SrtCaller { .. } | Self::Rtp { .. }) => clear,
        }
    }

    /// The same line encrypted with this; RTP stays as it is.
    #[must_use]
    pub fn encrypted(self, passphrase: SecretRef) -> Self {
        match self.in_the_clear() {
            Self::SrtListener { address, port, latency_ms } => {
                Self::EncryptedSrtListener { address, port, latency_ms, passphrase }
            }
            Self::SrtCaller { host, port, stream_id, latency_ms } => {
                Self::EncryptedSrtCaller { host, port, stream_id, latency_ms, passphrase }
            }
            other => other,
        }
    }
}

/// The lines of a station; handed over to an engine whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineLines {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// Each with its session.
    pub lines: Vec<(LiveSessionId, LiveLine)>,
}

impl Payload for EngineLines {
    const NAME: &'static str = "handover.lines";
    const VERSION: u16 = 1;
}

/// The passphrases of a station's lines, in the clear; handed over to an engine whole.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineLineSecrets {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// Each with the id that a line names it by.
    pub secrets: Vec<(CredentialId, String)>,
}

/// Never shows what they are.
impl std::fmt::Debug for EngineLineSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<CredentialId> = self.secrets.iter().map(|(id, _)| *id).collect();
        f.debug_struct("EngineLineSecrets")
            .field("revision", &self.revision)
            .field("station_id", &self.station_id)
            .field("secrets", &ids)
            .finish()
    }
}

impl Payload for EngineLineSecrets {
    const NAME: &'static str = "handover.line_secrets";
    const VERSION: u16 = 1;
}
