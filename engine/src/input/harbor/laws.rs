//! What holds of any bytes at the harbor: the fuzz target (`make fuzz`) and the tests run it.

use super::chunks::Chunks;
use super::request::{HEAD_LIMIT, HEADER_LIMIT, IcyLine, Parsed, head, icy_headers, icy_line};
use super::sniff::{SNIFF_LIMIT, sniff};
use bytes::BytesMut;

/// Bytes of a body that are read in small parts: more of it says nothing new, and takes as long as
/// a thousand other inputs.
const BODY: usize = 4 * 1024;

/// Runs every reader over the bytes, whole and cut.
pub fn hold(bytes: &[u8]) {
    let whole = head(bytes);
    judged(&whole, bytes);
    if let Parsed::Whole(head, used) = &whole {
        assert!(head.headers.len() <= HEADER_LIMIT && *used <= HEAD_LIMIT);
        assert!(head.headers.iter().all(|(name, _)| !name.contains(char::is_uppercase)));
        let _ = (head.basic(), head.length(), head.value("song"), head.value("pass"));
        // What follows a head changes nothing of it, and no part of it is one.
        assert_eq!(super::request::head(&bytes[..*used]), whole);
        assert_eq!(super::request::head(&bytes[..*used - 1]), Parsed::More);
    }
    let line = icy_line(bytes);
    judged(&line, bytes);
    if let Parsed::Whole(IcyLine::Password { password, mount, .. }, used) = &line {
        assert!(!password.is_empty() && mount.as_ref().is_none_or(|m| m.starts_with('/')));
        judged(&icy_headers(&bytes[*used..]), bytes);
    }
    let part = &bytes[..bytes.len().min(BODY)];
    assert_eq!(body(part, 3), body(part, part.len().max(1)), "a body is the same in parts");
    if bytes.len() >= SNIFF_LIMIT {
        assert!(sniff(bytes).is_some(), "at last it is known, or nothing");
    }
    if let Some(Some(sound)) = sniff(bytes) {
        let _ = sound.needs_child();
    }
}

/// The sound of a body in chunks that comes in parts of so many bytes, and whether it is over.
fn body(bytes: &[u8], step: usize) -> Result<(Vec<u8>, bool), &'static str> {
    let (mut chunks, mut held, mut sound) = (Chunks::default(), BytesMut::new(), Vec::new());
    for part in bytes.chunks(step) {
        held.extend_from_slice(part);
        while let Some(more) = chunks.take(&mut held)? {
            sound.extend_from_slice(&more);
        }
    }
    assert!(sound.len() <= bytes.len());
    Ok((sound, chunks.is_over()))
}

fn judged<T>(parsed: &Parsed<T>, bytes: &[u8]) {
    match parsed {
        Parsed::More => assert!(bytes.len() < HEAD_LIMIT, "it waits for ever"),
        Parsed::Whole(_, used) => assert!(*used <= bytes.len()),
        Parsed::Bad(why) => assert!(!why.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_repeats_as_long_as_it_is_looked_at_holds_on_a_small_stack() {
        for part in [&b"ID3\x04\0\0\0\0\0\0"[..], b"OggS", b"\xff\xfb\x90\0", b"1\r\n!\r\n"] {
            let bytes = part.repeat(super::SNIFF_LIMIT / part.len() + 1);
            let small = std::thread::Builder::new().stack_size(2 << 20);
            let held = small.spawn(move || super::hold(&bytes)).expect("starts").join();
            assert!(held.is_ok(), "{part:?}");
        }
    }

    #[test]
    #[expect(clippy::unwrap_used, reason = "a test fails where it stands")]
    fn the_committed_corpus_holds_and_so_does_every_part_of_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/harbor");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            (0..=bytes.len()).for_each(|cut| super::hold(&bytes[..cut]));
            let mut turned = bytes.clone();
            for place in 0..turned.len() {
                turned[place] ^= 0x80;
                super::hold(&turned);
                turned[place] ^= 0x81;
                super::hold(&turned);
                turned[place] ^= 1;
            }
            count += 1;
        }
        assert!(count >= 10, "{count} files in {folder}");
    }
}
