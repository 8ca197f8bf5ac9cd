//! Playlists: M3U and PLS, which name streams, and those of HLS, which name pieces of one.
//!
//! Plain functions of text: nothing here panics or grows without a bound, whatever comes.

/// Longest playlist, in bytes.
pub const LIMIT: usize = 256 * 1024;
/// Most entries of a playlist that are read; of HLS the last ones.
pub const ENTRIES: usize = 1_000;

/// What a playlist says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Streams, one to be heard.
    Streams(Vec<String>),
    /// The same programme in several qualities.
    Master(Vec<Variant>),
    /// Pieces of a stream, one after the other.
    Media(Media),
}

/// One quality of a programme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// Bits per second.
    pub bandwidth: u64,
    /// Where its playlist is.
    pub uri: String,
}

/// Pieces of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Media {
    /// Longest piece, in milliseconds.
    pub target_ms: u64,
    /// The pieces, in order.
    pub segments: Vec<Segment>,
    /// None follows.
    pub ended: bool,
}

/// One piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its number; the next piece has the next.
    pub number: u64,
    /// Its length, in milliseconds.
    pub length_ms: u64,
    /// Where it is.
    pub uri: String,
    /// Where what stands before it is; with fragments of MP4.
    pub map: Option<String>,
}

/// Whether text is a playlist at all.
pub fn is_playlist(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let is_pls = text.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("[playlist]"));
    is_pls || text.starts_with("#EXTM3U") || text.lines().find_map(address).is_some()
}

/// The address in a line of an M3U that is one; a line of text is none.
fn address(line: &str) -> Option<&str> {
    let line = line.trim();
    let plain = ["http://", "https://"].iter().any(|scheme| {
        line.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    (plain && !line.contains(char::is_whitespace)).then_some(line)
}

/// Reads a playlist.
pub fn read(text: &str) -> Result<Listing, String> {
    if text.len() > LIMIT {
        return Err(format!("a playlist of {} bytes, limit {LIMIT}", text.len()));
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.lines().any(|line| line.trim_start().starts_with("#EXT-X-")) {
        return hls(text);
    }
    let found: Vec<String> = match text.get(..10) {
        Some(start) if start.eq_ignore_ascii_case("[playlist]") => pls(text),
        _ => {
            let plain = |line: &&str| !line.is_empty() && !line.starts_with('#');
            text.lines().map(str::trim).filter(plain).take(ENTRIES).map(str::to_owned).collect()
        }
    };
    match found.is_empty() {
        true => Err("a playlist without a stream".into()),
        false => Ok(Listing::Streams(found)),
    }
}

/// `File1=…` and so on, in the order of their numbers.
fn pls(text: &str) -> Vec<String> {
    let entry = |line: &str| {
        let (key, value) = line.trim().split_once('=')?;
        let key = key.trim();
        let number = key.get(..4).filter(|start| start.eq_ignore_ascii_case("file"))?;
        let number: u32 = key[number.len()..].parse().ok()?;
        Some((number, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
    };
    let mut found: Vec<(u32, String)> = text.lines().filter_map(entry).take(ENTRIES).collect();
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, value)| value).collect()
}

fn hls(text: &str) -> Result<Listing, String> {
    let mut variants = Vec::new();
    let mut media = Media::default();
    let (mut bandwidth, mut length_ms) = (None, 0);
    let (mut map, mut number) = (None, 0u64);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((tag, value)) = tag(line) else {
            if line.starts_with('#') {
                continue;
            }
            if let Some(bandwidth) = bandwidth.take() {
                if variants.len() < ENTRIES {
                    variants.push(Variant { bandwidth, uri: line.to_owned() });
                }
                continue;
            }
            let map = Clone::clone(&map);
            media.segments.push(Segment { number, length_ms, uri: line.to_owned(), map });
            if media.segments.len() > ENTRIES {
                media.segments.remove(0);
            }
            (length_ms, number) = (0, number.saturating_add(1));
            continue;
        };
        match tag {
            "#EXT-X-STREAM-INF" => {
                let rate = attribute(value, "BANDWIDTH").and_then(|rate| rate.parse().ok());
                bandwidth = Some(rate.unwrap_or(0));
            }
            "#EXTINF" => length_ms = milliseconds(value),
            "#EXT-X-TARGETDURATION" => media.target_ms = milliseconds(value),
            "#EXT-X-MEDIA-SEQUENCE" => number = value.parse().unwrap_or(0),
            "#EXT-X-ENDLIST" => media.ended = true,
            "#EXT-X-MAP" => map = attribute(value, "URI").map(str::to_owned),
            "#EXT-X-KEY" if attribute(value, "METHOD").is_some_and(|m| m != "NONE") => {
                return Err("its pieces are encrypted".into());
            }
            "#EXT-X-BYTERANGE" => return Err("its pieces are parts of files".into()),
            _ => {}
        }
    }
    match variants.is_empty() {
        false => Ok(Listing::Master(variants)),
        true => Ok(Listing::Media(media)),
    }
}

/// A tag of HLS and what it says.
fn tag(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with("#EXT") {
        return None;
    }
    let (tag, value) = line.split_once(':').unwrap_or((line, ""));
    Some((tag, value.trim()))
}

/// Seconds with a fraction, up to the comma; a day at most.
fn milliseconds(value: &str) -> u64 {
    let seconds: f64 = value.split(',').next().unwrap_or_default().trim().parse().unwrap_or(0.0);
    if seconds.is_finite() { (seconds.clamp(0.0, 86_400.0) * 1_000.0) as u64 } else { 0 }
}

/// One attribute of a list; a value in quotes may hold commas.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value, next.strip_prefix(',').unwrap_or(next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim() == name {
            return Some(value.trim());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(text: &str) -> Vec<String> {
        match read(text) {
            Ok(Listing::Streams(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lists_of_streams_are_read() {
        let m3u = "\u{feff}#EXTM3U\r\n#EXTINF:-1,A, B\r\nhttp://a.example/x\r\n\r\nb.mp3\r\n";
        assert!(is_playlist(m3u));
        assert_eq!(streams(m3u), ["http://a.example/x", "b.mp3"]);
        assert!(is_playlist("\nHTTP://a.example/;stream\n"));
        let pls = "[Playlist]\nNumberOfEntries=2\nFile2= http://b/\nTitle1=x\nfile1=http://a/\n";
        assert!(is_playlist(pls));
        assert_eq!(streams(pls), ["http://a/", "http://b/"]);
        assert!(read("[playlist]\nTitle1=x\n").is_err());
        assert!(!is_playlist("<html>\nhttp://a.example/ is where it was\n"));
        assert!(!is_playlist("nothing"));
    }

    #[test]
    fn playlists_of_hls_are_read() {
        let master = "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"mp4a.40.2,x\",BANDWIDTH=64000\nlow.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=128000\nhigh.m3u8\n";
        let Ok(Listing::Master(variants)) = read(master) else { panic!() };
        assert_eq!(variants[0], Variant { bandwidth: 64_000, uri: "low.m3u8".into() });
        assert_eq!(variants[1].bandwidth, 128_000);
        let media = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
            #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:3.5,x\na.m4s\n#EXTINF:4,\nb.m4s\n";
        let Ok(Listing::Media(media)) = read(media) else { panic!() };
        assert_eq!((media.target_ms, media.ended, media.segments.len()), (4_000, false, 2));
        let map = Some("init.mp4".to_owned());
        let second = Segment { number: 8, length_ms: 4_000, uri: "b.m4s".into(), map };
        assert_eq!(media.segments[1], second);
        let secret = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\na.ts\n";
        assert!(read(secret).expect_err("refused").contains("encrypted"));
    }

    #[test]
    fn no_text_makes_it_panic_or_grow() {
        let parts = [
            "#EXTM3U",
            "#EXT-X-MEDIA-SEQUENCE:",
            "18446744073709551615",
            "#EXTINF:",
            "nan",
            "1e400",
            "-1",
            "\n",
            "\"",
            "=",
            ",",
            "#EXT-X-STREAM-INF:",
            "BANDWIDTH",
            "a.ts",
            "\u{feff}",
            "é",
            "[playlist]",
            "File",
            "#EXT-X-MAP:URI=\"",
            "#EXT",
            ":",
            "#EXT-X-ENDLIST",
            "http://",
        ];
        for seed in 0..5_000u32 {
            let mut state = seed;
            let mut text = String::new();
            for _ in 0..40 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(parts[(state >> 16) as usize % parts.len()]);
            }
            is_playlist(&text);
            let _ = read(&text);
        }
        assert!(read(&"x\n".repeat(LIMIT)).expect_err("refused").contains("262144"));
        let many = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}", "a\n".repeat(3_000));
        let Ok(Listing::Media(media)) = read(&many) else { panic!() };
        assert_eq!((media.segments.len(), media.segments[0].number), (ENTRIES, 2_000));
    }
}
