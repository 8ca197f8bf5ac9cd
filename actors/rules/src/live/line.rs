//! What a line can be: an address and a port of this station's, times that make sense.

use super::decide::LiveRejection;
use super::state::LiveSessions;
use grimnir_events::LiveSessionId;
use grimnir_events::line::{LiveLine, RtpSound};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Longest name of a host, and longest stream id, in characters: SRT carries 512 bytes.
const HOST_MAX: usize = 253;
const STREAM_ID_MAX: usize = 500;
/// Times in which what is lost or late is waited for, in ms.
const LATENCY_MS: RangeInclusive<u32> = 20..=8_000;
/// Rates of samples, in Hz.
const RATES: RangeInclusive<u32> = 8_000..=96_000;
/// Ports below are the system's.
const LEAST_PORT: u16 = 1_024;

/// Checks a line that is wanted of a session.
pub fn check(
    state: &LiveSessions,
    session_id: LiveSessionId,
    line: &LiveLine,
) -> Result<(), LiveRejection> {
    let latency = match &line.clone().in_the_clear() {
        LiveLine::SrtListener { address, latency_ms, .. } => {
            own(address)?;
            *latency_ms
        }
        LiveLine::SrtCaller { host, port, stream_id, latency_ms } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
            if host.is_empty() || host.len() > HOST_MAX || !host.chars().all(plain) {
                return bad("host", format!("{host:?}"), "a name or an address");
            }
            let odd = stream_id.chars().any(char::is_control);
            if odd || stream_id.len() > STREAM_ID_MAX {
                let found = format!("{} bytes", stream_id.len());
                return bad("stream_id", found, "at most 500 bytes without control characters");
            }
            if *port == 0 {
                return bad("port", "0".into(), "1 to 65535");
            }
            *latency_ms
        }
        LiveLine::Rtp { address, sound, latency_ms, .. } => {
            own(address)?;
            if let RtpSound::L16 { rate, channels } = sound {
                if !RATES.contains(rate) {
                    return bad("rate", rate.to_string(), "8000 to 96000 Hz");
                }
                if !(1..=2).contains(channels) {
                    return bad("channels", channels.to_string(), "1 or 2");
                }
            }
            *latency_ms
        }
        // None that is in the clear.
        LiveLine::EncryptedSrtListener { latency_ms, .. }
        | LiveLine::EncryptedSrtCaller { latency_ms, .. } => *latency_ms,
    };
    if !LATENCY_MS.contains(&latency) {
        return bad("latency_ms", latency.to_string(), "20 to 8000 ms");
    }
    let Some(port) = line.own_port() else { return Ok(()) };
    if port < LEAST_PORT {
        return bad("port", port.to_string(), "1024 to 65535");
    }
    let taken = |(id, other): (&LiveSessionId, &LiveLine)| {
        *id != session_id && other.own_port() == Some(port)
    };
    match state.lines.iter().any(taken) {
        true => bad("port", port.to_string(), "one that no other line has"),
        false => Ok(()),
    }
}

fn own(address: &str) -> Result<(), LiveRejection> {
    match address.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => bad("address", format!("{address:?}"), "an IP address, e.g. 0.0.0.0"),
    }
}

fn bad(field: &'static str, found: String, expected: &'static str) -> Result<(), LiveRejection> {
    Err(LiveRejection::Line { field, found, expected })
}
