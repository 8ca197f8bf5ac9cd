//! Heads as real encoders write them, and as nobody should.

use super::*;

fn whole(bytes: &[u8]) -> (Head, usize) {
    match head(bytes) {
        Parsed::Whole(head, used) => (head, used),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_put_is_read_whatever_the_segments() {
    let bytes = b"PUT /live.mp3?x=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Basic \
        c291cmNlOnA6dw==\r\nExpect: 100-continue\r\nContent-Type: audio/mpeg\r\n\r\nID3\x04";
    for cut in 0..bytes.len() - 4 {
        assert_eq!(head(&bytes[..cut]), Parsed::More, "{cut} bytes");
    }
    let (head, used) = whole(bytes);
    assert_eq!(&bytes[used..], b"ID3\x04", "what follows is the body's");
    assert_eq!((head.method.as_str(), head.path.as_str()), ("PUT", "/live.mp3"));
    assert_eq!((head.query.as_str(), head.version.as_str()), ("x=1", "HTTP/1.1"));
    assert_eq!(head.basic(), Some(("source".into(), "p:w".into())));
    assert_eq!(head.header("expect"), Some("100-continue"));
}

#[test]
fn icecasts_own_tongue_and_bare_line_ends_are_read() {
    let (head, used) = whole(b"SOURCE /m ICE/1.0\nContent-type: audio/mpeg\nice-bitrate:128\n\nX");
    assert_eq!((head.method.as_str(), head.version.as_str()), ("SOURCE", "ICE/1.0"));
    assert_eq!(head.header("content-type"), Some("audio/mpeg"));
    assert_eq!((head.header("ice-bitrate"), used), (Some("128"), 60));
    assert_eq!(mount_of("live"), "/live");
    assert_eq!(mount_of("//live"), "/live");
}

#[test]
fn shoutcast_first_lines_are_told_apart() {
    let password = |user: &str, password: &str, mount: Option<&str>| IcyLine::Password {
        user: user.into(),
        password: password.into(),
        mount: mount.map(str::to_owned),
    };
    let cases: [(&[u8], Parsed<IcyLine>); 8] = [
        (b"!POKE\nicy-name:x\n\n", Parsed::Whole(IcyLine::Poke, 6)),
        (b"hackme\r\n", Parsed::Whole(password("", "hackme", None), 8)),
        (b"dj:pw\n", Parsed::Whole(password("dj", "pw", None), 6)),
        (b"pw:#/live\n", Parsed::Whole(password("", "pw", Some("/live")), 10)),
        (b"dj:pw:#live\n", Parsed::Whole(password("dj", "pw", Some("/live")), 12)),
        (b"SOURCE /m HTTP/1.0\r\n", Parsed::Whole(IcyLine::Http, 0)),
        (b"hack", Parsed::More),
        (b"\n", Parsed::Bad("no password")),
    ];
    for (bytes, expected) in cases {
        assert_eq!(icy_line(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(
        icy_headers(b"icy-name:a b\nicy-br:128\n\n\xFF\xFB"),
        Parsed::Whole(vec![("icy-name".into(), "a b".into()), ("icy-br".into(), "128".into())], 25)
    );
}

#[test]
fn a_title_is_read_in_either_encoding() {
    let title = |query: &str| Head { query: query.into(), ..Head::default() }.value("song");
    assert_eq!(title("mode=updinfo&song=A+b%20%c3%a9").as_deref(), Some("A b é"));
    assert_eq!(title("song=caf%e9").as_deref(), Some("café"));
    assert_eq!(title("song=100%25%zz%").as_deref(), Some("100%%zz%"));
    assert_eq!(title("song=a%0d%0ab%00").as_deref(), Some("a\rb"), "controls are left out");
    assert_eq!(title("songs=1"), None);
}

#[test]
fn what_is_too_much_is_refused() {
    let long = [b"PUT / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; HEAD_LIMIT]].concat();
    assert!(matches!(head(&long), Parsed::Bad(_)));
    let many = format!("PUT / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADER_LIMIT + 1));
    assert_eq!(head(many.as_bytes()), Parsed::Bad("more than 100 headers"));
    assert!(matches!(icy_line(&[b'a'; 2_000]), Parsed::Bad(_)));
    for bad in
        ["\x16\x03\x01\n\n", "GET\n\n", "a b c d\n\n", "PUT / FTP/1\n\n", "PUT / HTTP/1.1\nx\n\n"]
    {
        assert!(matches!(head(bad.as_bytes()), Parsed::Bad(_)), "{bad:?}");
    }
}

#[test]
fn a_password_in_no_encoding_is_none() {
    let basic = |value: &str| {
        let headers = vec![("authorization".to_owned(), value.to_owned())];
        Head { headers, ..Head::default() }.basic()
    };
    assert_eq!(basic("basic YTpi"), Some(("a".into(), "b".into())));
    assert_eq!(basic("Basic YTo"), Some(("a".into(), String::new())));
    for bad in ["Bearer YTpi", "Basic", "Basic a:b", "Basic YWI=", "Basic /////w=="] {
        assert_eq!(basic(bad), None, "{bad}");
    }
}
