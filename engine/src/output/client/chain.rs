//! Titles in Ogg: each begins a stream of its own, chained to the one before, because comments
//! stand only in the headers.
//!
//! Pages come from the encoder that others share, so they are written again: another serial, their
//! own count, the new title in the comment header. A decoder starts anew with each stream; what it
//! needs to get going is the last page before, sent once more, and told to be thrown away where the
//! format can say so (Opus). Vorbis gives nothing for its first packet anyway.

use super::super::ogg::{self, Page};
use super::queue::Piece;
use bytes::Bytes;

/// Name in the comment header.
const VENDOR: &str = "Grimnir";

/// What the stream is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Opus,
    Vorbis,
    Flac,
}

/// Writes the pages of one connection.
#[derive(Default)]
pub struct Chain {
    /// Header packets of the encoder's stream.
    head: Vec<Vec<u8>>,
    title: String,
    serial: u32,
    pages: u32,
    /// Where the last page ends.
    granule: u64,
    /// Packets of the last page.
    last: Vec<Vec<u8>>,
    begun: bool,
}

impl Chain {
    /// The bytes to send for a piece, while `title` is heard.
    pub fn push(&mut self, piece: Piece, title: &str) -> Bytes {
        let mut out = Vec::new();
        match piece {
            Piece::Head(bytes) => {
                self.end(&mut out);
                self.head = ogg::read(&bytes).into_iter().flat_map(|page| page.packets).collect();
                self.last.clear();
                title.clone_into(&mut self.title);
                self.begin(&mut out);
            }
            Piece::Sound(bytes, _) => {
                if title != self.title && self.kind().is_some() {
                    title.clone_into(&mut self.title);
                    self.end(&mut out);
                    self.begin(&mut out);
                }
                for page in ogg::read(&bytes) {
                    self.page(&mut out, 0, page.granule, &page.packets);
                    self.granule = page.granule;
                    self.last = page.packets;
                }
            }
        }
        out.into()
    }

    fn kind(&self) -> Option<Kind> {
        let first = self.head.first()?;
        [
            (&b"OpusHead"[..], Kind::Opus),
            (&b"\x01vorbis"[..], Kind::Vorbis),
            (&b"\x7fFLAC"[..], Kind::Flac),
        ]
        .into_iter()
        .find_map(|(mark, kind)| first.starts_with(mark).then_some(kind))
    }

    /// The stream before is over: a page without packets says so.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            self.page(out, ogg::LAST, self.granule, &[]);
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        (self.serial, self.pages, self.begun) = (self.serial.wrapping_add(1), 0, true);
        let mut head = self.head.clone();
        let kind = self.kind();
        let lead_in = std::mem::take(&mut self.last);
        if let (Some(kind), Some(comments)) = (kind, head.get_mut(1)) {
            *comments = comment_packet(kind, comments, &self.title);
        }
        if kind == Some(Kind::Opus)
            && !lead_in.is_empty()
            && let Some(skip) = head.first_mut().and_then(|first| first.get_mut(10..12))
        {
            // What the lead-in holds was heard before.
            let held = lead_in.len() as u64 * ogg::OPUS_SAMPLES;
            skip.copy_from_slice(&u16::try_from(held).unwrap_or(u16::MAX).to_le_bytes());
        }
        for (n, packet) in head.iter().enumerate() {
            let flags = if n == 0 { ogg::FIRST } else { 0 };
            self.page(out, flags, 0, std::slice::from_ref(packet));
        }
        match kind {
            Some(Kind::Opus) if !lead_in.is_empty() => {
                self.page(out, 0, self.granule, &lead_in);
            }
            Some(Kind::Vorbis) if !lead_in.is_empty() => {
                let last = &lead_in[lead_in.len() - 1..];
                self.page(out, 0, self.granule, last);
            }
            _ => {}
        }
    }

    fn page(&mut self, out: &mut Vec<u8>, flags: u8, granule: u64, packets: &[Vec<u8>]) {
        let page = Page { flags, granule, packets: packets.to_vec() };
        match ogg::write(out, &page, self.serial, self.pages) {
            Ok(()) => self.pages = self.pages.wrapping_add(1),
            Err(reason) => tracing::warn!(reason, "a page of a chained stream is left out"),
        }
    }
}

/// The comment header of a format with this title, its last-block flag and padding as they were.
fn comment_packet(kind: Kind, before: &[u8], title: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |text: &str| {
        body.extend_from_slice(&(text.len() as u32).to_le_bytes());
        body.extend_from_slice(text.as_bytes());
    };
    put(VENDOR);
    let comment = format!("TITLE={title}");
    let mut comments = Vec::new();
    if !title.is_empty() {
        comments.extend_from_slice(&(comment.len() as u32).to_le_bytes());
        comments.extend_from_slice(comment.as_bytes());
    }
    body.extend_from_slice(&u32::from(!title.is_empty()).to_le_bytes());
    body.extend_from_slice(&comments);
    match kind {
        Kind::Opus => [&b"OpusTags"[..], &body[..]].concat(),
        Kind::Vorbis => [&b"\x03vorbis"[..], &body[..], &[1][..]].concat(),
        Kind::Flac => {
            let flags = before.first().copied().unwrap_or(0x84);
            let length = (body.len() as u32).to_be_bytes();
            [&[flags][..], &length[1..], &body[..]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opus() -> Piece {
        let mut out = Vec::new();
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend_from_slice(&[0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]);
        for (n, packet) in [head, b"OpusTags\0\0\0\0\0\0\0\0".to_vec()].into_iter().enumerate() {
            let page = Page { flags: 2 * u8::from(n == 0), granule: 0, packets: vec![packet] };
            ogg::write(&mut out, &page, 77, n as u32).expect("fits");
        }
        Piece::Head(out.into())
    }

    fn sound(n: u8, granule: u64) -> Piece {
        let mut out = Vec::new();
        let page = Page { flags: 0, granule, packets: vec![vec![n; 100], vec![n; 300]] };
        ogg::write(&mut out, &page, 77, u32::from(n) + 2).expect("fits");
        Piece::Sound(out.into(), 1_920)
    }

    #[test]
    fn a_title_ends_one_stream_and_begins_another_that_skips_what_was_heard() {
        let mut chain = Chain::default();
        let mut bytes = chain.push(opus(), "One").to_vec();
        bytes.extend_from_slice(&chain.push(sound(1, 1_920), "One"));
        bytes.extend_from_slice(&chain.push(sound(2, 3_840), "Two"));
        let pages = ogg::read(&bytes);
        let flags: Vec<u8> = pages.iter().map(|page| page.flags).collect();
        assert_eq!(flags, [ogg::FIRST, 0, 0, ogg::LAST, ogg::FIRST, 0, 0, 0]);
        assert!(pages[1].packets[0].ends_with(b"TITLE=One"));
        assert_eq!(pages[0].packets[0][10..12], [0x38, 1], "the first skips what the encoder says");
        assert_eq!(pages[4].packets[0][10..12], 1_920u16.to_le_bytes());
        assert!(pages[5].packets[0].ends_with(b"TITLE=Two"));
        assert_eq!((pages[6].granule, &pages[6].packets), (1_920, &pages[2].packets), "once more");
        assert_eq!((pages[7].granule, pages[7].packets[0][0]), (3_840, 2));
    }

    #[test]
    fn comments_of_flac_keep_their_block_header() {
        let packet = comment_packet(Kind::Flac, &[0x84, 0, 0, 0], "T");
        assert_eq!(packet[..4], [0x84, 0, 0, 4 + 7 + 4 + 4 + 7]);
        let packet = comment_packet(Kind::Vorbis, &[], "");
        assert_eq!(packet, b"\x03vorbis\x07\0\0\0Grimnir\0\0\0\0\x01");
    }
}
