//! ID3v2.4 tags: titles in packed audio and in event messages, labels of MP3 recordings.

/// Bytes of a tag before its first frame.
const HEADER: usize = 10;
/// Text in UTF-8.
const UTF_8: u8 = 3;
/// Longest text that is written: titles are for people.
const TEXT_LIMIT: usize = 1_000;

/// A tag that is being put together.
#[derive(Default)]
pub struct Tag {
    frames: Vec<u8>,
}

impl Tag {
    /// A text frame such as `TIT2`; an empty text is left out.
    pub fn text(mut self, id: &[u8; 4], text: &str) -> Self {
        let text = clean(text);
        if !text.is_empty() {
            let mut body = vec![UTF_8];
            body.extend_from_slice(text.as_bytes());
            self.frame(id, &body);
        }
        self
    }

    /// A text of one's own, with its name.
    pub fn named(mut self, name: &str, text: &str) -> Self {
        let mut body = vec![UTF_8];
        body.extend_from_slice(clean(name).as_bytes());
        body.push(0);
        body.extend_from_slice(clean(text).as_bytes());
        self.frame(b"TXXX", &body);
        self
    }

    /// The time of the sound behind the tag, as HLS wants it: 33 bits at 90 kHz.
    pub fn timestamp(mut self, ticks: u64) -> Self {
        let mut body = b"com.apple.streaming.transportStreamTimestamp\0".to_vec();
        body.extend_from_slice(&(ticks & 0x1_FFFF_FFFF).to_be_bytes());
        self.frame(b"PRIV", &body);
        self
    }

    /// The whole tag.
    pub fn bytes(self) -> Vec<u8> {
        let mut out = b"ID3\x04\0\0".to_vec();
        out.extend_from_slice(&synchsafe(self.frames.len()));
        out.extend_from_slice(&self.frames);
        debug_assert_eq!(out.len(), HEADER + self.frames.len());
        out
    }

    fn frame(&mut self, id: &[u8; 4], body: &[u8]) {
        self.frames.extend_from_slice(id);
        self.frames.extend_from_slice(&synchsafe(body.len()));
        self.frames.extend_from_slice(&[0, 0]);
        self.frames.extend_from_slice(body);
    }
}

/// Length of the tag that `bytes` begins with; 0 where there is none.
pub fn length(bytes: &[u8]) -> usize {
    match bytes.get(..HEADER) {
        Some(head) if head.starts_with(b"ID3") => {
            let size = head[6..].iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7F));
            HEADER + size
        }
        _ => 0,
    }
}

/// Seven bits to a byte, so that no tag looks like sound.
fn synchsafe(length: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (length >> shift) as u8 & 0x7F)
}

fn clean(text: &str) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut room = TEXT_LIMIT.min(text.len());
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    text.truncate(room);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_as_long_as_it_says_and_never_looks_like_sound() {
        let tag = Tag::default()
            .timestamp(u64::MAX)
            .text(b"TIT2", &"ä\0".repeat(900))
            .text(b"TPE1", "")
            .named("RUN", "x")
            .bytes();
        assert_eq!(length(&tag), tag.len());
        assert!(!tag[..20].contains(&0xFF) && tag.len() > 1_000 && tag.len() < 1_200);
        assert!(!tag.windows(4).any(|four| four == b"TPE1"));
        let time = tag.windows(10).position(|w| w == b"Timestamp\0").expect("named") + 10;
        assert_eq!(tag[time..time + 8], [0, 0, 0, 1, 255, 255, 255, 255]);
        assert_eq!(length(b"OggS"), 0);
    }
}
