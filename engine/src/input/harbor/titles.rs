//! Titles that a sender puts into its sound: comments of Vorbis, Opus and FLAC, an ID3 tag before.
//!
//! Pure: bytes in, titles out. It holds little of any stream, and never waits for what is damaged.
//! Not here: titles that are told beside the sound (`request`).

use super::request::{text, title_from};
use super::sniff::tag_length;

/// Most that is held of what a stream says of itself: pictures are longer, titles are not.
const LIMIT: usize = 64 * 1024;
/// Bytes of an Ogg page before its table.
const HEADER: usize = 27;
/// Entries of a page's table, and what each may stand for.
const SEGMENTS: usize = 255;
/// The packet of a stream that holds its comments; the first says what it is.
const COMMENTS: u32 = 1;
/// The kind of FLAC's block of comments.
const FLAC_COMMENTS: u8 = 4;

/// Reads along with what comes.
#[derive(Default)]
pub struct Titles {
    /// What it is, and a page or tag that is not whole yet.
    kind: Kind,
    held: Vec<u8>,
}

/// Finds the title in the head of a stream, however much of it there is.
type Reader = fn(&[u8]) -> Option<String>;

#[derive(Default)]
enum Kind {
    /// Too little came.
    #[default]
    Unknown,
    Ogg(Ogg),
    /// Nothing more is looked for.
    Done,
}

/// The stream of a chain that is under way.
#[derive(Default)]
struct Ogg {
    serial: Option<[u8; 4]>,
    packet: u32,
    comments: Vec<u8>,
}

impl Titles {
    /// Reads on; the title that was found, the last of several.
    pub fn read(&mut self, bytes: &[u8]) -> Option<String> {
        if matches!(self.kind, Kind::Done) {
            return None;
        }
        self.held.extend_from_slice(bytes);
        if matches!(self.kind, Kind::Unknown) {
            match self.held.first_chunk() {
                None => return None,
                Some(b"OggS") => self.kind = Kind::Ogg(Ogg::default()),
                Some(b"fLaC") => return self.once(flac_length(&self.held), flac),
                Some([b'I', b'D', b'3', _]) => return self.once(tag_length(&self.held), id3),
                Some(_) => return self.done(None),
            }
        }
        let Kind::Ogg(ogg) = &mut self.kind else { return None };
        let (mut at, mut found) = (0, None);
        while let Some(length) = page_length(&self.held[at..]) {
            match length {
                // Out of step: the next page is looked for.
                0 => at += 1,
                length if at + length > self.held.len() => break,
                length => {
                    found = ogg.page(&self.held[at..at + length]).or(found);
                    at += length;
                }
            }
        }
        self.held.drain(..at);
        found
    }

    /// The head of a stream that says it once, and ends here as far as it is looked at.
    fn once(&mut self, length: Option<usize>, read: Reader) -> Option<String> {
        if length.is_none_or(|length| self.held.len() < length) && self.held.len() < LIMIT {
            return None;
        }
        let found = read(&self.held);
        self.done(found)
    }

    fn done(&mut self, found: Option<String>) -> Option<String> {
        (self.kind, self.held) = (Kind::Done, Vec::new());
        found
    }
}

/// The length of the page that begins here: 0 where none does, `None` while that is not known.
fn page_length(bytes: &[u8]) -> Option<usize> {
    let begin = &bytes[..bytes.len().min(4)];
    if !b"OggS".starts_with(begin) {
        return Some(0);
    }
    let count = usize::from(*bytes.get(HEADER - 1)?);
    let table = bytes.get(HEADER..HEADER + count)?;
    Some(HEADER + count + table.iter().map(|entry| usize::from(*entry)).sum::<usize>())
}

impl Ogg {
    /// A whole page; the title, where its comments end in it.
    fn page(&mut self, page: &[u8]) -> Option<String> {
        let serial = [page[14], page[15], page[16], page[17]];
        if page[5] & 2 != 0 {
            *self = Self { serial: Some(serial), ..Self::default() };
        }
        if self.serial != Some(serial) || self.packet > COMMENTS {
            return None;
        }
        let mut at = HEADER + usize::from(page[HEADER - 1]);
        for entry in &page[HEADER..at] {
            let part = &page[at..at + usize::from(*entry)];
            at += part.len();
            if self.packet == COMMENTS && self.comments.len() < LIMIT {
                self.comments.extend_from_slice(part);
            }
            if part.len() == SEGMENTS {
                continue;
            }
            self.packet += 1;
            if self.packet > COMMENTS {
                let packet = std::mem::take(&mut self.comments);
                return title_of(packet_comments(&packet)?);
            }
        }
        None
    }
}

/// The comments of the packet that has them.
fn packet_comments(packet: &[u8]) -> Option<&[u8]> {
    let known = packet.strip_prefix(b"\x03vorbis").or_else(|| packet.strip_prefix(b"OpusTags"));
    known.or_else(|| packet.get(4..).filter(|_| packet[0] & 0x7f == FLAC_COMMENTS))
}

/// Artist and title among comments; what is cut off at their end is left out.
fn title_of(comments: &[u8]) -> Option<String> {
    let mut rest = comments;
    // The program that wrote them, and their number.
    part(&mut rest)?;
    rest = rest.get(4..)?;
    let (mut artist, mut title) = (None, None);
    while let Some(comment) = part(&mut rest) {
        let Some(at) = comment.iter().position(|byte| *byte == b'=') else { continue };
        let found = match &comment[..at] {
            name if name.eq_ignore_ascii_case(b"ARTIST") => &mut artist,
            name if name.eq_ignore_ascii_case(b"TITLE") => &mut title,
            _ => continue,
        };
        // The first of several counts.
        found.get_or_insert_with(|| text(&comment[at + 1..]));
    }
    title_from(None, artist, title)
}

/// Bytes behind their length, which is told with the lowest byte first.
fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let found = behind.get(..length)?;
    *rest = &behind[length..];
    Some(found)
}

/// The blocks in front of FLAC: kind, and what is in each as far as it is there.
fn flac_blocks(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8], usize)> {
    let mut next = Some(4);
    std::iter::from_fn(move || {
        let at = next?;
        let head = bytes.get(at..at + 4)?;
        let end = at + 4 + u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        next = (head[0] & 0x80 == 0).then_some(end);
        Some((head[0], &bytes[at + 4..end.min(bytes.len())], end))
    })
}

/// Where the last of them ends, once its head is there.
fn flac_length(bytes: &[u8]) -> Option<usize> {
    flac_blocks(bytes).find(|(head, ..)| head & 0x80 != 0).map(|(.., end)| end)
}

fn flac(bytes: &[u8]) -> Option<String> {
    let (_, block, _) = flac_blocks(bytes).find(|(head, ..)| head & 0x7f == FLAC_COMMENTS)?;
    title_of(block)
}

/// Artist and title of an ID3 tag of version 3 or 4.
fn id3(bytes: &[u8]) -> Option<String> {
    let newest = match bytes.get(3)? {
        3 => false,
        4 => true,
        _ => return None,
    };
    let tag = &bytes[10..tag_length(bytes)?.min(bytes.len())];
    let (mut rest, mut artist, mut title) = (tag, None, None);
    while let Some((head, behind)) = rest.split_first_chunk::<10>() {
        let length = [head[4], head[5], head[6], head[7]].into_iter();
        let bits = if newest { 7 } else { 8 };
        let length = length.fold(0usize, |sum, byte| sum << bits | usize::from(byte));
        let Some(body) = behind.get(..length) else { break };
        rest = &behind[length..];
        match &head[..4] {
            b"TPE1" => artist = id3_text(body),
            b"TIT2" => title = id3_text(body),
            _ => {}
        }
    }
    title_from(None, artist, title)
}

/// Text as its first byte says: Latin-1, UTF-16 or UTF-8; the first of several.
fn id3_text(body: &[u8]) -> Option<String> {
    let (kind, bytes) = body.split_first()?;
    let wide = |of: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units = bytes.as_chunks().0.iter().map(|unit| of(*unit));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        String::from_utf16_lossy(&units)
    };
    Some(match (kind, bytes) {
        (1, [0xff, 0xfe, bytes @ ..]) => wide(u16::from_le_bytes, bytes),
        (1, [0xfe, 0xff, bytes @ ..]) | (2, bytes) => wide(u16::from_be_bytes, bytes),
        (_, bytes) => text(bytes.split(|byte| *byte == 0).next()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A moment of sound by ffmpeg, with what it is told.
    fn sound(format: &[&str], tags: &[&str]) -> Vec<u8> {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "sine=duration=0.3", "-ac", "2"]);
        ffmpeg.args(tags.iter().flat_map(|tag| ["-metadata", tag]));
        let made = ffmpeg.args(format).arg("-").output().expect("ffmpeg starts");
        assert!(made.status.success(), "{made:?}");
        made.stdout
    }

    const FORMATS: [&[&str]; 6] = [
        &["-c:a", "libvorbis", "-f", "ogg"],
        &["-c:a", "libopus", "-f", "ogg"],
        &["-c:a", "flac", "-f", "ogg"],
        &["-f", "flac"],
        &["-f", "mp3"],
        &["-id3v2_version", "3", "-f", "mp3"],
    ];

    /// All titles of what comes in parts of so many bytes.
    fn titles(bytes: &[u8], step: usize) -> Vec<String> {
        let mut titles = Titles::default();
        bytes.chunks(step).filter_map(|part| titles.read(part)).collect()
    }

    #[test]
    fn every_kind_of_stream_tells_its_title_however_it_is_cut() {
        for format in FORMATS {
            let both = sound(format, &["title=Tïtle", "artist=Ärtist", "comment=x"]);
            for step in [1, 7, 1_000, both.len()] {
                assert_eq!(titles(&both, step), ["Ärtist - Tïtle"], "{format:?} in {step}");
            }
            assert_eq!(titles(&sound(format, &["title=T"]), 99), ["T"], "{format:?}");
            assert_eq!(titles(&sound(format, &[]), 99), [""; 0], "{format:?}");
        }
    }

    #[test]
    fn a_chain_tells_the_title_of_each_of_its_streams() {
        let chain: Vec<u8> = FORMATS[..3]
            .iter()
            .enumerate()
            .flat_map(|(n, format)| sound(format, &[&format!("title={n}")]))
            .collect();
        assert_eq!(titles(&chain, 500), ["0", "1", "2"]);
        // Out of step at first, and in its middle.
        let torn = [&chain[..3_000], &b"OggSOgg"[..], &chain[3_000..]].concat();
        assert_eq!(titles(&torn, 500).last().map(String::as_str), Some("2"));
    }

    #[test]
    fn little_is_held_of_what_never_ends_and_nothing_damaged_stops_it() {
        let never: [&[u8]; 3] = [b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"fLaC\x04\xff\xff\xff", b"OggS"];
        for head in never {
            let mut titles = Titles::default();
            titles.read(head);
            for _ in 0..200 {
                titles.read(&[255; 1_000]);
                assert!(titles.held.len() < 2 * LIMIT, "{head:?}");
            }
        }
        let mut number = 1u32;
        for format in FORMATS {
            let whole = sound(format, &["title=Title", "artist=Artist"]);
            for _ in 0..200 {
                let mut bytes = whole.clone();
                for _ in 0..4 {
                    number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let at = number as usize >> 8;
                    let reach = bytes.len().min(400);
                    bytes[at % reach] = number as u8;
                }
                let step = 1 + number as usize % 500;
                assert!(titles(&bytes, step).iter().all(|title| !title.is_empty()));
            }
        }
    }
}
