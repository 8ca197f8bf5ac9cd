//! What the first bytes of a body are: sound, a playlist, or something else. What a server says of
//! them is not believed.

use super::playlist;
use crate::input::harbor::sniff::{SNIFF_LIMIT, sniff};

/// Bytes of text that are looked at.
const TEXT: usize = 512;
/// A packet of an MPEG transport stream.
const PACKET: usize = 188;

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It may be sound: it is no text.
    Bytes,
    /// A playlist, to be read whole.
    Playlist,
    /// A page, where sound was expected.
    Page,
    /// Other text.
    Text,
}

/// What the bytes are; `None` while more are needed, of which there are more unless `ended`.
pub fn kind(bytes: &[u8], ended: bool) -> Option<Kind> {
    let head = &bytes[..bytes.len().min(TEXT)];
    let readable = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A letter may be cut at the end.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Some(Kind::Bytes),
    };
    if !readable(text.trim_start_matches('\u{feff}')) {
        return Some(Kind::Bytes);
    }
    if head.len() < TEXT && !ended {
        return None;
    }
    Some(match text.trim_start_matches('\u{feff}').trim_start() {
        text if playlist::is_playlist(text) => Kind::Playlist,
        text if text.starts_with('<') => Kind::Page,
        text if text.is_empty() && !ended => Kind::Bytes,
        // These begin with letters.
        text if ["OggS", "fLaC", "ID3"].iter().any(|magic| text.starts_with(magic)) => Kind::Bytes,
        _ => Kind::Text,
    })
}

/// How sound is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// In this process.
    Own,
    /// In a process of its own: only a decoder in C makes it.
    Child(&'static str),
}

/// How these bytes are decoded: `None` while more are needed, `Some(None)` for what is not known.
pub fn way(bytes: &[u8]) -> Option<Option<Way>> {
    if bytes.len() < 12 {
        return None;
    }
    if matches!(&bytes[4..8], b"ftyp" | b"styp" | b"moof") {
        return Some(Some(Way::Child("mp4")));
    }
    if bytes[0] == 0x47 {
        match bytes.get(PACKET) {
            Some(0x47) => return Some(Some(Way::Child("mpeg-ts"))),
            None => return None,
            Some(_) => {}
        }
    }
    match sniff(bytes) {
        Some(Some(sound)) => Some(Some(match sound.needs_child() {
            true => Way::Child("gstreamer"),
            false => Way::Own,
        })),
        None if bytes.len() <= SNIFF_LIMIT => None,
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_a_good_status_is_a_page() {
        let page = b"<!DOCTYPE html><html><body>Stream is offline</body></html>";
        assert_eq!(kind(page, true), Some(Kind::Page));
        assert_eq!(kind(page, false), None, "short, and more may come");
        assert_eq!(kind(&page.repeat(20), false), Some(Kind::Page));
        assert_eq!(kind(b"{\"error\":\"offline\"}", true), Some(Kind::Text));
        assert_eq!(kind(b"", true), Some(Kind::Text));
        assert_eq!(kind(b"#EXTM3U\nhttp://a/\n", true), Some(Kind::Playlist));
        assert_eq!(kind(b"http://a.example/live\n", true), Some(Kind::Playlist));
    }

    #[test]
    fn sound_is_no_text_whatever_its_first_letters() {
        assert_eq!(kind(b"\xff\xfb\x90\x00", false), Some(Kind::Bytes));
        assert_eq!(kind(b"OggS\0\x02\0\0", false), Some(Kind::Bytes));
        assert_eq!(kind(b"ID3\x04\0\0", false), Some(Kind::Bytes));
        assert_eq!(kind(b"\0\0\0\x1cftyp", false), Some(Kind::Bytes));
        assert_eq!(way(b"\0\0\0\x1cftypisom....").flatten(), Some(Way::Child("mp4")));
        let mut packets = vec![0u8; 400];
        (packets[0], packets[188]) = (0x47, 0x47);
        assert_eq!(way(&packets).flatten(), Some(Way::Child("mpeg-ts")));
        assert_eq!(way(&packets[..100]), None);
    }
}
