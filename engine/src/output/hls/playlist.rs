//! Playlists as text (RFC 8216).

use super::cutter::SAMPLES;
use super::window::Entry;
use grimnir_events::output::{HlsContainer, HlsOutput};
use std::fmt::Write;

/// The playlist of all bit rates.
pub const MASTER: &str = "index.m3u8";
/// No segment follows.
pub const END: &str = "#EXT-X-ENDLIST\n";
/// Bits of headers and tags on top of the sound, in hundredths: more than ADTS takes at 32 kbit/s.
const OVERHEAD_PERCENT: u32 = 20;

/// Name of the playlist of one bit rate.
pub fn media_name(kbps: u16) -> String {
    format!("{kbps}.m3u8")
}

/// Name of what every segment of one bit rate needs first.
pub fn head_name(kbps: u16) -> String {
    format!("{kbps}-head.mp4")
}

/// Name of a segment.
pub fn segment_name(container: HlsContainer, kbps: u16, number: u64) -> String {
    let extension = match container {
        HlsContainer::PackedAac => "aac",
        HlsContainer::Fmp4 => "m4s",
    };
    format!("{kbps}-{number}.{extension}")
}

/// Names the bit rates.
pub fn master(container: HlsContainer, bitrates_kbps: &[u16]) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{}\n", version(container));
    text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    for kbps in bitrates_kbps {
        let sound = u32::from(*kbps) * 1_000;
        let most = sound + sound * OVERHEAD_PERCENT / 100;
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={most},AVERAGE-BANDWIDTH={sound},CODECS=\"mp4a.40.2\"\n{}",
            media_name(*kbps)
        );
    }
    text
}

/// Names the segments of one bit rate; `cuts` were before the first.
pub fn media(hls: &HlsOutput, kbps: u16, cuts: u64, entries: &[&Entry]) -> String {
    let container = hls.container;
    // No segment may be longer than this, rounded to the nearest second; it never changes.
    let target = (i64::from(hls.segment_ms) * 48 + SAMPLES / 2 + 24_000) / 48_000;
    let first = entries.first().map_or(0, |entry| entry.number);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n",
        version(container),
        target.max(1)
    );
    if cuts > 0 {
        let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{cuts}");
    }
    if container == HlsContainer::Fmp4 {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", head_name(kbps));
    }
    for entry in entries {
        if entry.cut {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let at = jiff::Timestamp::from_microsecond(entry.first.utc().0).unwrap_or_default();
        // Six digits: a player that adds lengths up gets the next one's time.
        let micros = (entry.frames * 1_000 + 24) / 48;
        let _ = writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:{at:.6}\n#EXTINF:{}.{:06},\n{}",
            micros / 1_000_000,
            micros % 1_000_000,
            segment_name(container, kbps, entry.number)
        );
    }
    text
}

fn version(container: HlsContainer) -> u8 {
    match container {
        // Lengths with decimals.
        HlsContainer::PackedAac => 3,
        // A head of its own for segments that are no transport stream.
        HlsContainer::Fmp4 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::AirFrame;

    #[test]
    fn a_playlist_says_what_a_client_needs_to_go_on() {
        let entry = |number: u64, cut| Entry {
            number,
            first: AirFrame(1_795_269_600 * 48_000 + number as i64 * 287_744),
            frames: 287_744,
            cut,
        };
        let (one, two) = (entry(7, false), entry(8, true));
        let hls = |container| HlsOutput {
            path: "/hls".into(),
            container,
            bitrates_kbps: vec![64, 128],
            segment_ms: 6_000,
            window: 6,
            folder: None,
        };
        let text = media(&hls(HlsContainer::PackedAac), 128, 2, &[&one, &two]);
        let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n\
            #EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:41.962667Z\n#EXTINF:5.994667,\n128-7.aac\n\
            #EXT-X-DISCONTINUITY\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:47.957334Z\n#EXTINF:5.994667,\n128-8.aac\n";
        assert_eq!(text, expected);
        let text = media(&hls(HlsContainer::Fmp4), 64, 0, &[&one]);
        assert!(text.contains("VERSION:6\n") && text.contains("#EXT-X-MAP:URI=\"64-head.mp4\"\n"));
        assert!(text.ends_with("64-7.m4s\n") && !text.contains("DISCONTINUITY"));
        let text = master(HlsContainer::PackedAac, &[64, 128]);
        assert!(
            text.contains("BANDWIDTH=76800,AVERAGE-BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\n64.m")
        );
        assert!(text.ends_with("\n128.m3u8\n"));
    }
}
