//! What may be stored of an output by RTP, and the document that its receivers open (SDP).

use super::StationRejection as No;
use super::decide::bitrates_kbps;
use super::outputs::{check_host, within};
use grimnir_events::derive_id;
use grimnir_events::output::Output;
use grimnir_events::rtp::{MPEG_AUDIO_TYPE, RtpOutput, RtpPayload};
use grimnir_events::station::MountFormat;
use std::fmt::Write;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Numbers of payloads that a session gives out itself (RFC 3551).
const DYNAMIC: RangeInclusive<u8> = 96..=127;
/// Most that a packet may hold, in ms, to fit into a frame of Ethernet: 1344 and 1440 bytes.
const L16_MOST_MS: u8 = 7;
const L24_MOST_MS: u8 = 5;

/// Checks an output that is wanted.
pub(super) fn check(to: &RtpOutput) -> Result<(), No> {
    check_host(&to.host)?;
    within("port", to.port.into(), 1, i64::from(u16::MAX), "")?;
    if !to.port.is_multiple_of(2) {
        return bad("port", to.port, "an even one: the odd one above it is RTCP's");
    }
    let rates = |format, found| match bitrates_kbps(format).contains(&found) {
        true => Ok(()),
        false => Err(No::Bitrate { format, found }),
    };
    match to.payload {
        RtpPayload::L16 { packet_ms } => {
            within("packet_ms", packet_ms.into(), 1, L16_MOST_MS.into(), "ms of l16")?;
        }
        RtpPayload::L24 { packet_ms } => {
            within("packet_ms", packet_ms.into(), 1, L24_MOST_MS.into(), "ms of l24")?;
        }
        RtpPayload::Mp3 { bitrate_kbps } => rates(MountFormat::Mp3, bitrate_kbps)?,
        RtpPayload::Opus { bitrate_kbps } => rates(MountFormat::Opus, bitrate_kbps)?,
    }
    let is_mp3 = matches!(to.payload, RtpPayload::Mp3 { .. });
    match to.payload_type {
        MPEG_AUDIO_TYPE if is_mp3 => {}
        found if is_mp3 => return bad("payload_type", found, "14, the one of MPEG audio"),
        found if !DYNAMIC.contains(&found) => return bad("payload_type", found, "96 to 127"),
        _ => {}
    }
    within("ttl", to.ttl.into(), 1, u8::MAX.into(), "hops")
}

fn bad(field: &'static str, found: impl Into<u32>, expected: &'static str) -> Result<(), No> {
    Err(No::Rtp { field, found: found.into(), expected })
}

/// What a receiver opens; `None` of an output that is not by RTP.
pub fn sdp(output: &Output) -> Option<String> {
    let grimnir_events::output::OutputKind::Rtp(to) = &output.kind else { return None };
    let address = to.host.parse::<IpAddr>().ok();
    let family = if address.is_some_and(|address| address.is_ipv6()) { "IP6" } else { "IP4" };
    let hops = match address {
        Some(IpAddr::V4(group)) if group.is_multicast() => format!("/{}", to.ttl),
        _ => String::new(),
    };
    let (number, port) = (to.payload_type, to.port);
    let mut media = format!("m=audio {port} RTP/AVP {number}\r\n");
    // Into a string nothing can fail.
    let _ = match to.payload {
        RtpPayload::L16 { packet_ms } => {
            write!(media, "a=rtpmap:{number} L16/48000/2\r\na=ptime:{packet_ms}\r\n")
        }
        RtpPayload::L24 { packet_ms } => {
            write!(media, "a=rtpmap:{number} L24/48000/2\r\na=ptime:{packet_ms}\r\n")
        }
        RtpPayload::Mp3 { .. } => write!(media, "a=rtpmap:{number} MPA/90000\r\n"),
        RtpPayload::Opus { .. } => write!(
            media,
            "a=rtpmap:{number} opus/48000/2\r\na=fmtp:{number} stereo=1;sprop-stereo=1\r\n\
             a=ptime:20\r\n"
        ),
    };
    let (name, host) = (&output.name, &to.host);
    let body = format!("s={name}\r\nc=IN {family} {host}{hops}\r\nt=0 0\r\na=recvonly\r\n{media}");
    // A session keeps its number; what is said of it has another with other words.
    let version = number_of(&derive_id("sdp", &[body.as_bytes()]));
    let session = number_of(&output.id.0);
    Some(format!("v=0\r\no=- {session} {version} IN IP4 127.0.0.1\r\n{body}"))
}

fn number_of(id: &[u8; 16]) -> u32 {
    u32::from_be_bytes([id[0], id[1], id[2], id[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reject;
    use grimnir_events::OutputId;
    use grimnir_events::output::OutputKind;

    const OPUS: RtpPayload = RtpPayload::Opus { bitrate_kbps: 128 };
    const MP3: RtpPayload = RtpPayload::Mp3 { bitrate_kbps: 128 };

    fn to(host: &str, payload: RtpPayload, payload_type: u8) -> RtpOutput {
        RtpOutput { host: host.into(), port: 5_004, payload, payload_type, ttl: 4 }
    }

    #[test]
    fn what_no_receiver_could_take_is_refused_by_its_field() {
        let l16 = |packet_ms| to("239.1.2.3", RtpPayload::L16 { packet_ms }, 96);
        let l24 = |packet_ms| to("239.1.2.3", RtpPayload::L24 { packet_ms }, 127);
        for fits in [l16(1), l16(7), l24(5), to("::1", OPUS, 111), to("studio.example", MP3, 14)] {
            assert_eq!(check(&fits), Ok(()), "{fits:?}");
        }
        let cases = [
            (RtpOutput { port: 5_005, ..l16(5) }, "port is 5005, expected an even one"),
            (RtpOutput { ttl: 0, ..l16(5) }, "ttl is 0"),
            (l16(0), "packet_ms is 0 ms of l16, expected 1 to 7"),
            (l16(8), "packet_ms is 8 ms of l16, expected 1 to 7"),
            (l24(6), "packet_ms is 6 ms of l24, expected 1 to 5"),
            (to("a", OPUS, 95), "payload_type is 95, expected 96 to 127"),
            (to("a", OPUS, 128), "payload_type is 128"),
            (to("a", MP3, 96), "payload_type is 96, expected 14"),
            (to("a", RtpPayload::Mp3 { bitrate_kbps: 129 }, 14), "129"),
            (to("a b", OPUS, 96), "a b"),
        ];
        for (wrong, told) in cases {
            let refused = check(&wrong).expect_err(told);
            assert!(refused.to_string().contains(told), "{refused}");
            assert!(refused.field().is_some(), "{refused}");
        }
    }

    #[test]
    fn a_receiver_is_told_where_what_comes_and_how_it_is_packed() {
        let of = |to| {
            let (id, name) = (OutputId([1; 16]), "Studio link".into());
            let output = Output { id, name, kind: OutputKind::Rtp(to), enabled: true };
            sdp(&output).expect("it is by RTP")
        };
        let group = of(to("239.1.2.3", RtpPayload::L24 { packet_ms: 1 }, 97));
        let lines: Vec<&str> = group.split("\r\n").collect();
        assert_eq!(lines[0], "v=0");
        assert!(lines[1].starts_with("o=- 16843009 ") && lines[1].ends_with(" IN IP4 127.0.0.1"));
        let rest = [
            "s=Studio link",
            "c=IN IP4 239.1.2.3/4",
            "t=0 0",
            "a=recvonly",
            "m=audio 5004 RTP/AVP 97",
            "a=rtpmap:97 L24/48000/2",
            "a=ptime:1",
            "",
        ];
        assert_eq!(lines[2..], rest);
        let opus = of(to("::1", OPUS, 96));
        assert!(opus.contains("c=IN IP6 ::1\r\n") && opus.contains("a=rtpmap:96 opus/48000/2\r\n"));
        assert!(opus.contains("a=fmtp:96 stereo=1;sprop-stereo=1\r\n"), "{opus}");
        let mp3 = of(to("studio.example", MP3, 14));
        assert!(mp3.contains("c=IN IP4 studio.example\r\n"), "{mp3}");
        assert!(mp3.contains("m=audio 5004 RTP/AVP 14\r\na=rtpmap:14 MPA/90000\r\n"), "{mp3}");
        assert_ne!(opus.lines().nth(1), mp3.lines().nth(1), "another version");
    }
}
