//! The words of outputs by RTP.

use serde::{Deserialize, Serialize};

/// Payload type of MPEG audio, the one that RFC 3551 gave it.
pub const MPEG_AUDIO_TYPE: u8 = 14;

/// Packets of RTP to an address or a group of receivers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RtpOutput {
    /// Name or address of the receiver, or the group.
    pub host: String,
    /// UDP port, an even one.
    pub port: u16,
    /// What is in the packets.
    pub payload: RtpPayload,
    /// Number of the payload, 96 to 127; 14 of MPEG audio.
    pub payload_type: u8,
    /// Routers that a packet may pass.
    pub ttl: u8,
}

/// What packets of RTP carry; all of it is 48 kHz stereo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtpPayload {
    /// Samples of 16 bits (RFC 3551).
    L16 {
        /// How much a packet holds.
        packet_ms: u8,
    },
    /// Samples of 24 bits (RFC 3190).
    L24 {
        /// How much a packet holds.
        packet_ms: u8,
    },
    /// MP3, a frame in each packet (RFC 2250).
    Mp3 {
        /// Its bit rate.
        bitrate_kbps: u16,
    },
    /// Opus, 20 ms in each packet (RFC 7587).
    Opus {
        /// Its bit rate.
        bitrate_kbps: u16,
    },
}
