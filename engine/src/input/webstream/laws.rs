//! What holds of any bytes that a server sends instead of a webstream: the fuzz targets
//! (`make fuzz`) and the tests run it.

use super::answer::{Chunks, HEAD_LIMIT, answer};
use super::icy::Demux;
use super::playlist::{self, ENTRIES, Listing};

/// Runs the readers of an answer, of chunks and of titles over the bytes, whole and in parts.
pub fn stream(bytes: &[u8]) {
    match answer(bytes) {
        Ok(None) => assert!(bytes.len() <= HEAD_LIMIT, "it waits for ever"),
        Ok(Some((head, used))) => {
            assert!(used <= bytes.len().min(HEAD_LIMIT) && (100..600).contains(&head.status));
            assert!(
                head.headers.iter().all(|(n, _)| !n.contains(|c: char| c.is_ascii_uppercase()))
            );
            assert_eq!(answer(&bytes[..used - 1]), Ok(None), "no part of a head is one");
        }
        Err(why) => assert!(!why.is_empty()),
    }
    let whole = bytes.len().max(1);
    assert_eq!(body(bytes, 3), body(bytes, whole), "a body is the same in parts");
    let interval = bytes.first().map_or(1, |first| 1 + usize::from(*first));
    assert_eq!(sound(bytes, interval, 7), sound(bytes, interval, whole), "sound is, too");
}

/// What is in chunks that come in parts of so many bytes, whether they are over, and are right.
fn body(bytes: &[u8], step: usize) -> (Vec<u8>, bool, bool) {
    let (mut chunks, mut out) = (Chunks::default(), Vec::new());
    let right = bytes.chunks(step).all(|part| chunks.take(part, &mut out).is_ok());
    assert!(out.len() <= bytes.len());
    (out, chunks.ended(), right)
}

/// The sound and the last title of a stream that comes in parts of so many bytes.
fn sound(bytes: &[u8], interval: usize, step: usize) -> (Vec<u8>, Option<String>) {
    let (mut out, mut title) = (Vec::new(), None);
    let Some(mut demux) = Demux::new(interval) else { return (out, title) };
    for part in bytes.chunks(step) {
        title = demux.take(part, &mut out).or(title);
    }
    assert!(out.len() <= bytes.len());
    (out, title)
}

/// Runs the reader of playlists over the bytes.
pub fn listing(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = playlist::is_playlist(&text);
    match playlist::read(&text) {
        Ok(Listing::Streams(all)) => {
            assert!((1..=ENTRIES).contains(&all.len()) && all.iter().all(|one| !one.is_empty()));
        }
        Ok(Listing::Master(all)) => assert!((1..=ENTRIES).contains(&all.len())),
        Ok(Listing::Media(media)) => {
            assert!(media.segments.len() <= ENTRIES);
        }
        Err(why) => assert!(!why.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    #[expect(clippy::unwrap_used, reason = "a test fails where it stands")]
    fn held(target: &str, hold: fn(&[u8])) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/");
        let mut count = 0;
        for entry in std::fs::read_dir(format!("{folder}{target}")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            (0..=bytes.len()).for_each(|cut| hold(&bytes[..cut]));
            let mut turned = bytes.clone();
            for place in 0..turned.len() {
                for mask in [0x80, 0x01, 0x0f] {
                    turned[place] ^= mask;
                    hold(&turned);
                    turned[place] ^= mask;
                }
            }
            count += 1;
        }
        assert!(count >= 5, "{count} files of {target}");
    }

    #[test]
    fn the_committed_corpora_hold_and_so_does_every_part_of_them() {
        held("icy", super::stream);
        held("playlist", super::listing);
    }
}
