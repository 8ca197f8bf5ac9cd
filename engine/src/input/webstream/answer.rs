//! The head of a server's answer, and bodies that come in chunks. HTTP/1, and the status line that
//! old Shoutcast servers have instead: `ICY 200 OK`.
//!
//! Plain functions of bytes: nothing here panics or grows without a bound, whatever comes.

/// Longest head, in bytes.
pub const HEAD_LIMIT: usize = 16 * 1024;
/// Longest line that tells the length of a chunk, in bytes.
const CHUNK_LINE: usize = 256;

/// What a server says before its body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Its number.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The answer and the bytes that its head took; `None` while more are needed.
pub fn answer(bytes: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    // What is no answer at all is not waited for.
    let start = &bytes[..bytes.len().min(4)];
    if !b"HTTP".starts_with(start) && !b"ICY ".starts_with(start) {
        return Err("it does not speak HTTP".into());
    }
    let end = end_of_head(bytes);
    if end.unwrap_or(bytes.len()) > HEAD_LIMIT {
        return Err(format!("its answer's head is longer than {HEAD_LIMIT} bytes"));
    }
    let Some(end) = end else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split_ascii_whitespace();
    let tongue = words.next().unwrap_or_default();
    if tongue != "ICY" && !tongue.starts_with("HTTP/") {
        return Err("it does not speak HTTP".into());
    }
    let status = words.next().and_then(|word| word.parse().ok());
    let status = status.filter(|status| (100..600).contains(status));
    let status = status.ok_or("its answer has no status")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok(Some((Answer { status, headers: lines.filter_map(header).collect() }, end)))
}

/// The first byte behind the empty line; lines end in LF, with or without CR.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(length) = bytes.get(at..)?.iter().position(|byte| *byte == b'\n') {
        let line = &bytes[at..at + length];
        let first = at == 0;
        at += length + 1;
        if !first && (line.is_empty() || line == b"\r") {
            return Some(at);
        }
    }
    None
}

/// A body in chunks, as it is taken apart.
#[derive(Debug, Default)]
pub struct Chunks {
    line: Vec<u8>,
    left: u64,
    /// The line end behind a chunk is still to come.
    behind: bool,
    ended: bool,
}

impl Chunks {
    /// Takes bytes as they come; what is in them goes to `out`.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        while !bytes.is_empty() && !self.ended {
            if self.left > 0 {
                let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                out.extend_from_slice(&bytes[..count]);
                bytes = &bytes[count..];
                self.left -= count as u64;
                self.behind = self.left == 0;
                continue;
            }
            let byte = bytes[0];
            bytes = &bytes[1..];
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() > CHUNK_LINE {
                    return Err(format!("a chunk's length is longer than {CHUNK_LINE} bytes"));
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if std::mem::take(&mut self.behind) {
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            let digits = text.split(';').next().unwrap_or_default().trim();
            let length = u64::from_str_radix(digits, 16);
            self.left = length.map_err(|_| "a chunk has no length".to_owned())?;
            self.ended = self.left == 0;
        }
        Ok(())
    }

    /// The last chunk was there.
    pub fn ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_old_and_new_servers_are_read_whatever_the_segments() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nIcy-MetaInt:16000\r\n\r\n\xff";
        for cut in 0..bytes.len() - 1 {
            assert_eq!(answer(&bytes[..cut]), Ok(None), "{cut} bytes");
        }
        let (head, used) = answer(bytes).unwrap().unwrap();
        assert_eq!((head.status, used), (200, bytes.len() - 1));
        assert_eq!(head.header("icy-metaint"), Some("16000"));
        let (head, used) =
            answer(b"ICY 404 Resource Not Found\nicy-name:x\n\nrest").unwrap().unwrap();
        assert_eq!((head.status, used), (404, 39));
        assert_eq!(head.header("icy-name"), Some("x"));
    }

    #[test]
    fn what_is_no_answer_is_said_at_once_and_a_long_head_is_bounded() {
        for wrong in [&b"\xff\xfb\x90\x00"[..], b"SSH-2.0-x", b"HTTP/1.1 one OK\r\n\r\n", b"ICX"] {
            assert!(answer(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(answer(b"HTT"), Ok(None));
        let long = [b"HTTP/1.1 200 OK\r\n".as_slice(), &vec![b'a'; HEAD_LIMIT]].concat();
        assert!(answer(&long).unwrap_err().contains("16384"));
    }

    #[test]
    fn a_body_in_chunks_is_put_together_whatever_the_segments() {
        let bytes = b"5;x=y\r\nhello\r\n1\r\n \r\n00A\r\nwide world\r\n0\r\n\r\n";
        for cut in 0..bytes.len() {
            let (mut chunks, mut out) = (Chunks::default(), Vec::new());
            chunks.take(&bytes[..cut], &mut out).unwrap();
            chunks.take(&bytes[cut..], &mut out).unwrap();
            assert_eq!(out, b"hello wide world", "cut at {cut}");
            assert!(chunks.ended());
        }
        let mut out = Vec::new();
        assert!(Chunks::default().take(b"nothing\r\n", &mut out).is_err());
        assert!(Chunks::default().take(&[b'1'; 300], &mut out).is_err());
        assert!(Chunks::default().take(b"fffffffffffffffff\r\n", &mut out).is_err(), "too long");
    }
}
