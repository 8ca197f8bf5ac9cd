//! An output by RTP, as requests say it and answers show it; and the document for its receivers.

use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use grimnir_events::OutputId;
use grimnir_events::output::OutputKind;
use grimnir_events::rtp::{MPEG_AUDIO_TYPE, RtpOutput, RtpPayload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Packets of RTP.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpTarget {
    /// Name or address of the receiver, or the group.
    host: String,
    /// UDP port, an even one; 5004 where not given.
    #[serde(default = "rtp_port")]
    port: u16,
    /// What is in the packets.
    payload: RtpPayloadName,
    /// How much a packet of samples holds: 1 to 7 ms of `l16`, 1 to 5 of `l24`; 5 where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packet_ms: Option<u8>,
    /// Bit rate of what is encoded; 128 where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bitrate_kbps: Option<u16>,
    /// Number of the payload, 96 to 127; 96 where not given, and of `mp3` only 14.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_type: Option<u8>,
    /// Routers that a packet may pass; 16 where not given.
    #[serde(default = "ttl")]
    ttl: u8,
}

/// What packets of RTP carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RtpPayloadName {
    /// Samples of 16 bits.
    L16,
    /// Samples of 24 bits.
    L24,
    /// MP3.
    Mp3,
    /// Opus.
    Opus,
}

fn rtp_port() -> u16 {
    5_004
}
fn ttl() -> u8 {
    16
}

impl RtpTarget {
    /// The kind that it says.
    pub fn kind(self) -> OutputKind {
        let packet_ms = self.packet_ms.unwrap_or(5);
        let bitrate_kbps = self.bitrate_kbps.unwrap_or(128);
        let payload = match self.payload {
            RtpPayloadName::L16 => RtpPayload::L16 { packet_ms },
            RtpPayloadName::L24 => RtpPayload::L24 { packet_ms },
            RtpPayloadName::Mp3 => RtpPayload::Mp3 { bitrate_kbps },
            RtpPayloadName::Opus => RtpPayload::Opus { bitrate_kbps },
        };
        let usual = if self.payload == RtpPayloadName::Mp3 { MPEG_AUDIO_TYPE } else { 96 };
        OutputKind::Rtp(RtpOutput {
            host: self.host,
            port: self.port,
            payload,
            payload_type: self.payload_type.unwrap_or(usual),
            ttl: self.ttl,
        })
    }

    /// An output's kind as it is shown.
    pub fn of(to: RtpOutput) -> Self {
        let (payload, packet_ms, bitrate_kbps) = match to.payload {
            RtpPayload::L16 { packet_ms } => (RtpPayloadName::L16, Some(packet_ms), None),
            RtpPayload::L24 { packet_ms } => (RtpPayloadName::L24, Some(packet_ms), None),
            RtpPayload::Mp3 { bitrate_kbps } => (RtpPayloadName::Mp3, None, Some(bitrate_kbps)),
            RtpPayload::Opus { bitrate_kbps } => (RtpPayloadName::Opus, None, Some(bitrate_kbps)),
        };
        let payload_type = Some(to.payload_type);
        let (host, port, ttl) = (to.host, to.port, to.ttl);
        Self { host, port, payload, packet_ms, bitrate_kbps, payload_type, ttl }
    }
}

/// What a receiver of an output by RTP opens: where packets come, and what is in them.
#[utoipa::path(
    get, path = "/stations/{id}/outputs/{output_id}/sdp", tag = "stations",
    operation_id = "output_sdp",
    params(("id" = String, Path), ("output_id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "application/sdp"),
        (status = 404, body = ProblemDocument)
    )
)]
pub async fn sdp(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, output_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let output_id: OutputId = lookup::id("output_id", &output_id)?;
    let output = super::find(&row, output_id)?;
    let text = grimnir_rules::station::sdp(&output).ok_or_else(|| {
        let kind = output.kind.word();
        let detail = format!("output {output_id} is of kind {kind}, only rtp has an SDP document");
        Problem::not_found("output_not_found", "output_id", detail)
    })?;
    let name = "attachment; filename=\"grimnir.sdp\"";
    Ok(([(CONTENT_TYPE, "application/sdp"), (CONTENT_DISPOSITION, name)], text).into_response())
}
