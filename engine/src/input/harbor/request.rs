//! What an encoder says before its sound, as a pure function over the bytes that came so far.
//!
//! Three tongues: HTTP (`PUT`, `OPTIONS`, `GET` of the metadata addresses), Icecast's own `SOURCE`
//! with `HTTP/1.0` or `ICE/1.0`, and Shoutcast v1, which begins with a password. Lines may end in
//! a bare LF. Not here: sockets, who may come in.

/// Most bytes of a head.
pub const HEAD_LIMIT: usize = 16 * 1024;
/// Most headers of one.
pub const HEADER_LIMIT: usize = 100;

/// How far the bytes go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parsed<T> {
    /// More are needed.
    More,
    /// Something whole, and the bytes it took; what follows is the body's.
    Whole(T, usize),
    /// It will never be anything.
    Bad(&'static str),
}

/// The head of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// Its method, as written.
    pub method: String,
    /// Its target up to the question mark.
    pub path: String,
    /// What follows that.
    pub query: String,
    /// E.g. `HTTP/1.1`.
    pub version: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// User name and password of its `Authorization: Basic`.
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, rest) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(base64(rest.trim())?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// A value of the query, decoded.
    pub fn value(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value, true)).next()
    }

    /// Bytes that are said to follow.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

/// What a Shoutcast source says first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IcyLine {
    /// It only looks whether somebody is there.
    Poke,
    /// Its password line: user where one is named, the password, the mount where one is named.
    Password {
        /// E.g. of `dj:secret`.
        user: String,
        /// The secret.
        password: String,
        /// E.g. of `secret:#/live`, with its slash.
        mount: Option<String>,
    },
    /// It speaks HTTP.
    Http,
}

/// Reads the head of a request.
pub fn head(bytes: &[u8]) -> Parsed<Head> {
    let (lines, used) = match lines(bytes) {
        Parsed::Whole(lines, used) => (lines, used),
        Parsed::More => return Parsed::More,
        Parsed::Bad(why) => return Parsed::Bad(why),
    };
    let Some((first, rest)) = lines.split_first() else { return Parsed::Bad("no request line") };
    let mut words = first.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Parsed::Bad("the request line is not METHOD TARGET VERSION");
    };
    let version = words.next().unwrap_or("HTTP/1.0");
    if words.next().is_some() || !(version.starts_with("HTTP/") || version.starts_with("ICE/")) {
        return Parsed::Bad("the request line is not METHOD TARGET VERSION");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = match headers(rest) {
        Ok(headers) => headers,
        Err(why) => return Parsed::Bad(why),
    };
    let head = Head {
        method: method.to_owned(),
        path: decoded(path, false),
        query: query.to_owned(),
        version: version.to_owned(),
        headers,
    };
    Parsed::Whole(head, used)
}

/// Reads the first line on the Shoutcast port.
pub fn icy_line(bytes: &[u8]) -> Parsed<IcyLine> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > 1_024 {
            Parsed::Bad("the password has no end")
        } else {
            Parsed::More
        };
    };
    if end > 1_024 {
        return Parsed::Bad("the password has no end");
    }
    let line = text(&bytes[..end]);
    let line = line.trim_end_matches('\r');
    if line == "!POKE" {
        return Parsed::Whole(IcyLine::Poke, end + 1);
    }
    let last = line.rsplit(' ').next().unwrap_or_default();
    if line.contains(' ') && (last.starts_with("HTTP/") || last.starts_with("ICE/")) {
        return Parsed::Whole(IcyLine::Http, 0);
    }
    let (line, mount) = match line.rsplit_once(":#") {
        Some((line, mount)) => (line, Some(mount_of(mount))),
        None => (line, None),
    };
    let (user, password) = line.split_once(':').unwrap_or(("", line));
    if password.is_empty() {
        return Parsed::Bad("no password");
    }
    let (user, password) = (user.to_owned(), password.to_owned());
    Parsed::Whole(IcyLine::Password { user, password, mount }, end + 1)
}

/// Reads the headers behind a Shoutcast password.
pub fn icy_headers(bytes: &[u8]) -> Parsed<Vec<(String, String)>> {
    match lines(bytes) {
        Parsed::Whole(lines, used) => match headers(&lines) {
            Ok(headers) => Parsed::Whole(headers, used),
            Err(why) => Parsed::Bad(why),
        },
        Parsed::More => Parsed::More,
        Parsed::Bad(why) => Parsed::Bad(why),
    }
}

/// A mount with its slash; nothing but the slash is nothing named.
pub fn mount_of(path: &str) -> String {
    format!("/{}", path.trim().trim_start_matches('/'))
}

/// The title of an update: as a whole, or artist and title.
pub fn title_of(head: &Head) -> Option<String> {
    title_from(head.value("song"), head.value("artist"), head.value("title"))
}

/// A title as people read it, of what there is.
pub fn title_from(
    song: Option<String>,
    artist: Option<String>,
    title: Option<String>,
) -> Option<String> {
    let part = |found: Option<String>| {
        found.map(|found| found.trim().to_owned()).filter(|found| !found.is_empty())
    };
    let title = part(song).or_else(|| match (part(artist), part(title)) {
        (Some(artist), Some(title)) => Some(format!("{artist} - {title}")),
        (artist, title) => title.or(artist),
    })?;
    Some(title.chars().filter(|c| !c.is_control()).take(300).collect())
}

/// Lines up to the empty one, and the bytes to behind it.
fn lines(bytes: &[u8]) -> Parsed<Vec<String>> {
    let (mut found, mut at) = (Vec::new(), 0);
    // Empty lines before the first are left out, as HTTP allows.
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return match bytes.len() >= HEAD_LIMIT {
                true => Parsed::Bad("the head is longer than 16 KiB"),
                false => Parsed::More,
            };
        };
        let line = &rest[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at += end + 1;
        if at > HEAD_LIMIT {
            return Parsed::Bad("the head is longer than 16 KiB");
        }
        match (line.is_empty(), found.is_empty()) {
            (true, true) if at < 8 => {}
            (true, _) => return Parsed::Whole(found, at),
            (false, _) if found.len() > HEADER_LIMIT => {
                return Parsed::Bad("more than 100 headers");
            }
            (false, _) => found.push(text(line)),
        }
    }
}

fn headers(lines: &[String]) -> Result<Vec<(String, String)>, &'static str> {
    let mut found = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a header's name is not a word");
        }
        found.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(found)
}

/// UTF-8, else as Latin-1: titles come in both. Controls are left out.
pub fn text(bytes: &[u8]) -> String {
    let clean = |c: &char| !c.is_control() || *c == '\t' || *c == '\r';
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().filter(clean).collect(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).filter(clean).collect(),
    }
}

/// Undoes percent signs, and plus signs where they stand for blanks.
pub fn decoded(value: &str, plus: bool) -> String {
    let bytes = value.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[at], byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) if plus => out.push(b' '),
            (other, _) => out.push(other),
        }
        at += 1;
    }
    text(&out)
}

/// Base64, with or without padding; `None` for anything else.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, held) = ((bits << 6) | u32::from(value), held + 6);
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
