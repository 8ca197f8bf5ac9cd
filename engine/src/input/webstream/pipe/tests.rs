//! Addresses that lead elsewhere, and to nothing.

use super::*;
use std::io::{Read, Write};

/// Serves redirects: of `/loop` to itself, of `/old/a` to `b` beside it, of `/out` to another
/// scheme; all else is a text. Its port.
fn redirects() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("connects");
            let mut request = [0; 1_024];
            let count = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]);
            let to = match request.split(' ').nth(1) {
                Some("/loop") => Some("/loop"),
                Some("/old/a") => Some("b"),
                Some("/out") => Some("file:///etc/passwd"),
                _ => None,
            };
            let answer = match to {
                Some(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n"),
                None if request.starts_with("GET /old/b ") => "HTTP/1.1 200 OK\r\n\r\nmoved".into(),
                None => "HTTP/1.1 404 Not Found\r\n\r\n".into(),
            };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// Why an address gives nothing.
async fn fault(port: u16, path: &str) -> Fault {
    let pipe = Pipe::open(&Handle::current(), &format!("http://127.0.0.1:{port}{path}"));
    let over = async {
        loop {
            match pipe.look().fault {
                Some(fault) => return fault,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), over).await.expect("it is over")
}

#[tokio::test]
async fn redirects_are_followed_from_where_they_stand_but_not_for_ever_or_out_of_the_web() {
    let port = redirects();
    let wrong = Fault::Ended("more than 6 redirects and playlists".into());
    assert_eq!(fault(port, "/loop").await, wrong);
    assert_eq!(fault(port, "/old/a").await, Fault::NotSound("it gives text, not sound".into()));
    assert_eq!(fault(port, "/gone").await, Fault::Ended("the server answers 404".into()));
    let Fault::NotSound(why) = fault(port, "/out").await else { panic!("no address of the web") };
    assert!(why.contains("not http or https"), "{why}");
}

/// A second of silence in MPEG 1 layer 3.
fn mp3() -> Bytes {
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
    frame.repeat(39).into()
}

#[test]
fn the_end_of_sound_is_an_end_and_no_wish_of_ours() {
    let (tx, rx) = mpsc::channel(QUEUE);
    tx.try_send(mp3()).expect("there is room");
    drop(tx);
    let shared = Arc::new(Shared::default());
    decode(Incoming::plain(rx), &shared);
    // What a fetch that cannot hand over its bytes says after that.
    shared.over(Fault::Closed);
    let fault = held(&shared.said).fault.clone();
    assert_eq!(fault, Some(Fault::Ended("its sound ended".into())));
    assert!(shared.frames.load(Ordering::Relaxed) > 40_000);
}

#[test]
fn the_first_reason_is_the_one_that_is_told_and_clipped() {
    let shared = Shared::default();
    shared.over(Fault::Closed);
    shared.over(Fault::NotSound(format!("its playlist:\n{}", "x".repeat(9_000))));
    shared.over(Fault::Ended("later".into()));
    let fault = held(&shared.said).fault.clone();
    let Some(Fault::NotSound(why)) = fault else { panic!("{fault:?}") };
    assert!(why.starts_with("its playlist:xx") && why.len() == TOLD_CHARS);
}
