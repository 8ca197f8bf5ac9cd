//! What is said to Icecast and Shoutcast servers, and what their answers mean.

use super::super::format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grimnir_events::output::{Encoding, IcecastOutput, ShoutcastOutput};

/// How we name ourselves.
const AGENT: &str = concat!("Grimnir/", env!("CARGO_PKG_VERSION"));
/// Longest title that is told, in bytes of UTF-8.
const TITLE_LIMIT: usize = 500;

/// How a connection to an Icecast server is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `PUT`, with `Expect: 100-continue`.
    Put,
    /// `SOURCE`, as servers before 2.4 know it.
    Source,
}

/// Asks an Icecast server for a mount.
pub fn icecast(to: &IcecastOutput, password: &str, name: &str, method: Method) -> String {
    let mut head = match method {
        Method::Put => format!("PUT {} HTTP/1.1\r\nHost: {}\r\n", to.mount, host(to)),
        Method::Source => format!("SOURCE {} HTTP/1.0\r\n", to.mount),
    };
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            head.push_str(&format!("{name}: {}\r\n", clean(value)));
        }
    };
    say("Authorization", &authorization(&to.user, password));
    say("User-Agent", AGENT);
    say("Content-Type", content_type(to.encoding));
    say("Ice-Name", name);
    say("Ice-Description", &to.description);
    say("Ice-Genre", &to.genre);
    say("Ice-URL", &to.url);
    say("Ice-Public", if to.public { "1" } else { "0" });
    let bitrate = to.encoding.bitrate_kbps;
    if bitrate > 0 {
        say("Ice-Bitrate", &bitrate.to_string());
        say("Ice-Audio-Info", &format!("{};bitrate={bitrate}", format::SOUND));
    } else {
        say("Ice-Audio-Info", format::SOUND);
    }
    if method == Method::Put {
        say("Expect", "100-continue");
    }
    head.push_str("\r\n");
    head
}

/// What an Icecast server calls the formats.
fn content_type(encoding: Encoding) -> &'static str {
    match format::subtype(encoding.format) {
        // Of Icecast before 2.4 `audio/ogg` is not known.
        Some(_) => "application/ogg",
        None => format::content_type(encoding.format),
    }
}

/// Tells an Icecast server what is heard on a mount.
pub fn icecast_title(to: &IcecastOutput, password: &str, title: &str) -> String {
    format!(
        "GET /admin/metadata?mode=updinfo&charset=UTF-8&mount={}&song={} HTTP/1.0\r\n\
         Host: {}\r\nAuthorization: {}\r\nUser-Agent: {AGENT}\r\n\r\n",
        escaped(&to.mount),
        escaped(cut(title)),
        host(to),
        authorization(&to.user, password),
    )
}

/// What a Shoutcast server wants to know once the password is right.
pub fn shoutcast(to: &ShoutcastOutput, name: &str) -> String {
    let public = u8::from(to.public);
    let (name, genre, url) = (clean(name), clean(&to.genre), clean(&to.url));
    format!(
        "icy-name:{name}\r\nicy-genre:{genre}\r\nicy-url:{url}\r\nicy-pub:{public}\r\n\
         icy-br:{}\r\ncontent-type:{}\r\n\r\n",
        to.encoding.bitrate_kbps,
        // As these servers call ADTS.
        if content_type(to.encoding) == "audio/aac" { "audio/aacp" } else { "audio/mpeg" },
    )
}

/// Tells a Shoutcast server what is heard. It takes browsers only.
pub fn shoutcast_title(to: &ShoutcastOutput, password: &str, title: &str) -> String {
    format!(
        "GET /admin.cgi?mode=updinfo&pass={}&song={} HTTP/1.0\r\nHost: {}:{}\r\n\
         User-Agent: {AGENT} (Mozilla compatible)\r\n\r\n",
        escaped(password),
        escaped(cut(title)),
        to.host,
        to.port,
    )
}

fn host(to: &IcecastOutput) -> String {
    // An address of IPv6 stands in brackets before a port.
    let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
    format!("{host}:{}", to.port)
}

fn authorization(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Nothing may end a line.
fn clean(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

fn cut(title: &str) -> &str {
    let mut end = title.len().min(TITLE_LIMIT);
    while !title.is_char_boundary(end) {
        end -= 1;
    }
    &title[..end]
}

/// Everything but letters, digits and `-._~/` by its bytes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The first line of an answer: its status.
pub fn status(line: &str) -> Option<u16> {
    let mut words = line.split_ascii_whitespace();
    let version = words.next()?;
    if !version.starts_with("HTTP/") && version != "ICY" {
        return None;
    }
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::output::SourceMethod;
    use grimnir_events::station::MountFormat;

    fn to() -> IcecastOutput {
        IcecastOutput {
            host: "::1".into(),
            port: 8_000,
            tls: false,
            mount: "/ygg.mp3".into(),
            user: "source".into(),
            password: None,
            encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 },
            method: SourceMethod::Auto,
            public: false,
            description: "a\r\nX-Injected: b".into(),
            genre: String::new(),
            url: String::new(),
            chain_titles: false,
        }
    }

    #[test]
    fn a_request_names_its_mount_and_no_value_can_end_a_line() {
        let head = icecast(&to(), "hackme", "Ygg\n", Method::Put);
        assert!(head.starts_with("PUT /ygg.mp3 HTTP/1.1\r\nHost: [::1]:8000\r\n"), "{head}");
        assert!(head.contains("\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n"), "{head}");
        assert!(head.contains("\r\nIce-Description: aX-Injected: b\r\n"), "{head}");
        assert!(head.ends_with("\r\nExpect: 100-continue\r\n\r\n"), "{head}");
        let head = icecast(&to(), "hackme", "Ygg", Method::Source);
        assert!(head.starts_with("SOURCE /ygg.mp3 HTTP/1.0\r\n") && !head.contains("Expect"));
        let encoding = Encoding { format: MountFormat::Opus, bitrate_kbps: 96 };
        let head = icecast(&IcecastOutput { encoding, ..to() }, "hackme", "Ygg", Method::Put);
        assert!(head.contains("\r\nContent-Type: application/ogg\r\n"), "{head}");
    }

    #[test]
    fn titles_are_escaped_and_cut_between_characters() {
        let line = icecast_title(&to(), "hackme", "Ä & B=C");
        assert!(line.contains("&mount=/ygg.mp3&song=%C3%84%20%26%20B%3DC HTTP/1.0\r\n"), "{line}");
        assert!(cut(&"ä".repeat(400)).len() == 500 && cut("ä").len() == 2);
        assert_eq!(cut(&format!("x{}", "ä".repeat(400))).len(), 499);
    }

    #[test]
    fn the_status_is_read_from_what_servers_say() {
        assert_eq!(status("HTTP/1.1 100 Continue"), Some(100));
        assert_eq!(status("HTTP/1.0 403 Mountpoint in use"), Some(403));
        assert_eq!(status("ICY 200 OK"), Some(200));
        assert_eq!(status("invalid password"), None);
    }
}
