//! A body that comes in chunks (RFC 9112, 7.1), as a pure function over the bytes that came so far.
//!
//! `curl -T -` sends one, and whatever else has no length to tell. Not here: sockets.

use bytes::{Buf, Bytes, BytesMut};

/// Longest line between two chunks, in bytes.
const LINE_LIMIT: usize = 1_024;
/// Most digits of a chunk's length.
const DIGITS: usize = 8;

/// Where the reading is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum At {
    #[default]
    Length,
    Sound(usize),
    End,
    Trailer,
    Over,
}

/// Reads a body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Chunks {
    at: At,
}

impl Chunks {
    /// The last chunk has come.
    pub fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// Takes the next sound out of what is held; none where more has to come first.
    pub fn take(&mut self, held: &mut BytesMut) -> Result<Option<Bytes>, &'static str> {
        loop {
            match self.at {
                At::Sound(left) => {
                    let count = left.min(held.len());
                    if count == 0 {
                        return Ok(None);
                    }
                    self.at = if count == left { At::End } else { At::Sound(left - count) };
                    return Ok(Some(held.split_to(count).freeze()));
                }
                At::Over => return Ok(None),
                At::Length | At::End | At::Trailer => {
                    let Some(line) = line(held)? else { return Ok(None) };
                    self.at = self.behind(&line)?;
                }
            }
        }
    }

    /// Where the reading is behind a line.
    fn behind(&self, line: &[u8]) -> Result<At, &'static str> {
        match self.at {
            At::End if line.is_empty() => Ok(At::Length),
            At::End => Err("a chunk is longer than it says"),
            At::Trailer if line.is_empty() => Ok(At::Over),
            At::Trailer => Ok(At::Trailer),
            At::Length | At::Sound(_) | At::Over => match length(line)? {
                0 => Ok(At::Trailer),
                length => Ok(At::Sound(length)),
            },
        }
    }
}

/// What follows the length behind a semicolon is for nobody here.
fn length(line: &[u8]) -> Result<usize, &'static str> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    if !plain || digits.len() > DIGITS {
        return Err("the length of a chunk is no number");
    }
    let text = std::str::from_utf8(digits).map_err(|_| "the length of a chunk is no number")?;
    usize::from_str_radix(text, 16).map_err(|_| "the length of a chunk is no number")
}

fn line(held: &mut BytesMut) -> Result<Option<Bytes>, &'static str> {
    let end = held.iter().take(LINE_LIMIT).position(|byte| *byte == b'\n');
    let Some(end) = end else {
        return if held.len() < LINE_LIMIT { Ok(None) } else { Err("a chunk has no length") };
    };
    let mut line = held.split_to(end).freeze();
    held.advance(1);
    if line.ends_with(b"\r") {
        line.truncate(line.len() - 1);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a body that comes in parts of `step` bytes, and whether it is over.
    fn read(body: &[u8], step: usize) -> Result<(Vec<u8>, bool), &'static str> {
        let (mut chunks, mut held, mut sound) = (Chunks::default(), BytesMut::new(), Vec::new());
        for part in body.chunks(step) {
            held.extend_from_slice(part);
            while let Some(bytes) = chunks.take(&mut held)? {
                assert!(!bytes.is_empty());
                sound.extend_from_slice(&bytes);
            }
        }
        Ok((sound, chunks.is_over()))
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let body =
            b"5\r\nhello\r\nA;name=value\r\n 0123456\r\n\r\n1\n!\n0\r\nTrailer: x\r\n\r\nmore";
        for step in 1..=body.len() {
            assert_eq!(read(body, step), Ok((b"hello 0123456\r\n!".to_vec(), true)), "{step}");
        }
        assert_eq!(read(&body[..12], 3), Ok((b"hello".to_vec(), false)));
    }

    #[test]
    fn what_is_no_chunk_is_refused_and_nothing_waits_for_ever() {
        for bad in [&b"hello\r\n"[..], b"\r\n", b"-5\r\n", b"123456789\r\n", b"2\r\nabc\r\n"] {
            assert!(read(bad, 4).is_err(), "{bad:?}");
        }
        assert!(read(&[b'1'; 2 * LINE_LIMIT], 7).is_err());
    }
}
