//! ICY metadata: text between the bytes of the sound, every so many bytes.
//!
//! Plain functions of bytes: nothing here panics or grows without a bound, whatever comes.

/// Longest stretch of sound between two texts that is believed: 1 MiB.
pub const INTERVAL_LIMIT: usize = 1 << 20;
/// Longest title, in characters.
const TITLE_LIMIT: usize = 500;

/// Takes sound and text apart.
#[derive(Debug)]
pub struct Demux {
    interval: usize,
    /// Bytes of sound before the next text.
    left: usize,
    /// Bytes of the text that are still to come; `None` within the sound.
    text_left: Option<usize>,
    text: Vec<u8>,
}

impl Demux {
    /// For a stream with a text every `interval` bytes; none for an interval that cannot be.
    pub fn new(interval: usize) -> Option<Self> {
        let sane = (1..=INTERVAL_LIMIT).contains(&interval);
        sane.then(|| Self { interval, left: interval, text_left: None, text: Vec::new() })
    }

    /// Takes bytes as they come; sound goes to `sound`. The last title that was whole.
    pub fn take(&mut self, mut bytes: &[u8], sound: &mut Vec<u8>) -> Option<String> {
        let mut title = None;
        while let Some(first) = bytes.first() {
            match self.text_left {
                None if self.left > 0 => {
                    let count = self.left.min(bytes.len());
                    sound.extend_from_slice(&bytes[..count]);
                    bytes = &bytes[count..];
                    self.left -= count;
                    continue;
                }
                None => {
                    self.text_left = Some(usize::from(*first) * 16);
                    self.text.clear();
                    bytes = &bytes[1..];
                }
                Some(left) => {
                    let count = left.min(bytes.len());
                    self.text.extend_from_slice(&bytes[..count]);
                    bytes = &bytes[count..];
                    self.text_left = Some(left - count);
                }
            }
            if self.text_left == Some(0) {
                title = title_of(&self.text).or(title);
                (self.text_left, self.left) = (None, self.interval);
            }
        }
        title
    }
}

/// What a text says that is playing; UTF-8 or Latin-1. Apostrophes in a title have no escape: it
/// ends at the first `';`.
pub fn title_of(text: &[u8]) -> Option<String> {
    const BEGIN: &[u8] = b"StreamTitle='";
    let begin = text.windows(BEGIN.len()).position(|window| window == BEGIN)? + BEGIN.len();
    let rest = &text[begin..];
    let end = rest.windows(2).position(|window| window == b"';");
    let end = end.or_else(|| rest.iter().rposition(|byte| *byte == b'\'')).unwrap_or(rest.len());
    let title = match std::str::from_utf8(&rest[..end]) {
        Ok(title) => title.to_owned(),
        Err(_) => rest[..end].iter().map(|byte| char::from(*byte)).collect(),
    };
    let title: String = title.chars().filter(|c| !c.is_control()).take(TITLE_LIMIT).collect();
    Some(title.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(said: &str) -> Vec<u8> {
        let sixteens = said.len().div_ceil(16);
        let mut block = vec![sixteens as u8];
        block.extend_from_slice(said.as_bytes());
        block.resize(1 + sixteens * 16, 0);
        block
    }

    #[test]
    fn sound_and_titles_come_apart_whatever_the_segments() {
        let mut stream = vec![1, 2, 3, 4];
        stream.extend(text("StreamTitle='A - it''s B';StreamUrl='';"));
        stream.extend([5, 6, 7, 8, 0, 9, 10, 11, 12]);
        stream.extend(text("StreamTitle='C';"));
        stream.push(13);
        for cut in 0..stream.len() {
            let (mut demux, mut sound) = (Demux::new(4).expect("is there"), Vec::new());
            let first = demux.take(&stream[..cut], &mut sound);
            let second = demux.take(&stream[cut..], &mut sound);
            assert_eq!(sound, (1..=13).collect::<Vec<u8>>(), "cut at {cut}");
            assert_eq!(second.or(first).as_deref(), Some("C"));
        }
        let (mut demux, mut sound) = (Demux::new(4).expect("is there"), Vec::new());
        assert_eq!(demux.take(&stream[..60], &mut sound).as_deref(), Some("A - it''s B"));
    }

    #[test]
    fn intervals_that_cannot_be_are_none_and_texts_without_a_title_say_nothing() {
        assert!(Demux::new(0).is_none() && Demux::new(INTERVAL_LIMIT + 1).is_none());
        assert_eq!(title_of(b"StreamUrl='x';"), None);
        assert_eq!(title_of(b"StreamTitle='").as_deref(), Some(""));
        assert_eq!(title_of(b"StreamTitle='caf\xe9 \x07x'\0\0").as_deref(), Some("café x"));
        assert_eq!(
            title_of(&[b"StreamTitle='", vec![b'a'; 4_000].as_slice()].concat()),
            Some("a".repeat(500))
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for seed in 0..2_000u32 {
            let mut state = seed;
            let bytes: Vec<u8> = (0..300)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let mut demux = Demux::new(1 + seed as usize % 40).expect("is there");
            let mut sound = Vec::new();
            demux.take(&bytes, &mut sound);
            assert!(sound.len() <= bytes.len() && demux.text.len() <= 255 * 16);
            title_of(&bytes);
        }
    }
}
