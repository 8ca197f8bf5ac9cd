//! ICY metadata: the title blocks that a player asks for with `Icy-MetaData: 1`.

use bytes::{Bytes, BytesMut};

/// Audio bytes between two metadata blocks.
pub const METAINT: usize = 16_000;
/// Longest text of a block: one length byte counts sixteens.
const TEXT_LIMIT: usize = 255 * 16;

/// A metadata block that names `title`, padded to a multiple of sixteen, length byte first.
pub fn block(title: &str) -> Bytes {
    let mut text = format!("StreamTitle='{}';", safe(title));
    if text.len() > TEXT_LIMIT {
        let mut room = TEXT_LIMIT - "StreamTitle='';".len();
        let clean = safe(title);
        while !clean.is_char_boundary(room) {
            room -= 1;
        }
        text = format!("StreamTitle='{}';", &clean[..room]);
    }
    let sixteens = text.len().div_ceil(16);
    let mut out = BytesMut::with_capacity(1 + sixteens * 16);
    out.extend_from_slice(&[sixteens as u8]);
    out.extend_from_slice(text.as_bytes());
    out.resize(1 + sixteens * 16, 0);
    out.freeze()
}

/// `Artist - Title`, or what there is of it.
pub fn title_of(artist: &str, title: &str) -> String {
    match (artist.is_empty(), title.is_empty()) {
        (false, false) => format!("{artist} - {title}"),
        (false, true) => artist.to_owned(),
        (true, _) => title.to_owned(),
    }
}

/// The format has no escapes: players end the title at `';`, so that an apostrophe becomes its
/// typographic form; control characters go.
fn safe(title: &str) -> String {
    title
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '\'' { '\u{2019}' } else { c })
        .collect()
}

/// Puts metadata blocks between the audio bytes of one listener.
pub struct Interleaver {
    until_block: usize,
    sent_version: Option<u64>,
}

impl Default for Interleaver {
    fn default() -> Self {
        Self { until_block: METAINT, sent_version: None }
    }
}

impl Interleaver {
    /// Frames `audio`; `title` is the version and the block of what is on air.
    pub fn push(&mut self, mut audio: Bytes, title: &(u64, Bytes)) -> Bytes {
        if audio.len() < self.until_block {
            self.until_block -= audio.len();
            return audio;
        }
        let mut out = BytesMut::with_capacity(audio.len() + title.1.len() + 1);
        while audio.len() >= self.until_block {
            out.extend_from_slice(&audio.split_to(self.until_block));
            self.until_block = METAINT;
            if self.sent_version == Some(title.0) {
                out.extend_from_slice(&[0]);
            } else {
                self.sent_version = Some(title.0);
                out.extend_from_slice(&title.1);
            }
        }
        self.until_block -= audio.len();
        out.extend_from_slice(&audio);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_padded_and_cannot_be_broken_out_of() {
        let bytes = block("It's; StreamUrl='x");
        assert_eq!(bytes.len(), 1 + 16 * usize::from(bytes[0]));
        let text = String::from_utf8(bytes[1..].to_vec()).expect("utf-8");
        let text = text.trim_end_matches('\0');
        assert_eq!(text.matches('\'').count(), 2, "{text}");
        assert!(text.starts_with("StreamTitle='It\u{2019}s") && text.ends_with("';"));
    }

    #[test]
    fn a_title_too_long_is_cut_between_characters() {
        let bytes = block(&"ä".repeat(5_000));
        assert_eq!(bytes[0], 255);
        assert!(std::str::from_utf8(&bytes[1..]).is_ok());
    }

    #[test]
    fn blocks_stand_at_every_interval_and_a_title_is_sent_once() {
        let audio: Vec<u8> = (0..60_000u32).map(|n| (n % 251) as u8).collect();
        let mut interleaver = Interleaver::default();
        let mut stream = Vec::new();
        for (n, piece) in audio.chunks(384).enumerate() {
            let version = u64::from(n > 60);
            let title = (version, block(&format!("title {version}")));
            stream.extend_from_slice(&interleaver.push(Bytes::copy_from_slice(piece), &title));
        }
        let (mut heard, mut titles, mut at) = (Vec::new(), Vec::new(), 0);
        while at < stream.len() {
            let end = (at + METAINT).min(stream.len());
            heard.extend_from_slice(&stream[at..end]);
            at = end;
            if at < stream.len() {
                let length = 16 * usize::from(stream[at]);
                titles.push(String::from_utf8_lossy(&stream[at + 1..at + 1 + length]).into_owned());
                at += 1 + length;
            }
        }
        assert_eq!(heard, audio);
        let named: Vec<&str> = titles.iter().map(|t| t.trim_end_matches('\0')).collect();
        assert_eq!(named, ["StreamTitle='title 0';", "StreamTitle='title 1';", ""]);
    }
}
