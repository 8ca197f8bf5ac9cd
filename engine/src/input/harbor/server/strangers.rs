//! People who hold connections open, ask for what there is not, and leave.

use super::*;
use crate::input::gate::tests::{grant, shown};
use crate::input::harbor::bind;
use grimnir_events::live::EngineInputs;
use grimnir_events::{StationId, UtcMicros};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;

/// A harbor with sessions 1 to 9 on `/mount-N`, and what it tells: each word, and for one that is
/// gone, whether its mount could be had when that was told.
async fn harbor() -> (SocketAddr, UnboundedReceiver<(InputWord, Option<Denial>)>) {
    let gate = Arc::new(Gate::default());
    let always = |number: u8| {
        let mut grant = grant(number, "", &format!("/mount-{number}"));
        grant.windows = vec![(UtcMicros(0), UtcMicros(i64::MAX))];
        grant
    };
    let grants = (1..=9).map(always).collect();
    gate.set(EngineInputs { revision: 1, station_id: StationId([1; 16]), grants });
    let (tx, rx) = tokio::sync::mpsc::unbounded_channel();
    let asked = gate.clone();
    let tell = move |word: InputWord| {
        let again = || asked.admit(&shown("", "secret-1", Some("/mount-1")), clock::utc_now());
        let denied = matches!(word, InputWord::Ended { .. }).then(again).and_then(Result::err);
        let _ = tx.send((word, denied));
    };
    let harbor = Arc::new(Harbor::new(gate, Records::unused(), Box::new(tell), None));
    let (listener, _) = bind("127.0.0.1:0".parse().expect("an address")).await.expect("binds");
    let at = listener.local_addr().expect("is bound");
    tokio::spawn(serve(listener, harbor, false));
    (at, rx)
}

async fn connected(from: u8, at: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).expect("binds");
    socket.connect(at).await.expect("connects")
}

/// Asks for a mount with the secret of session 1 to 9; what is answered.
async fn asks(stream: &mut TcpStream, path: &str, number: u8) -> String {
    use base64::Engine;
    let secret = format!("source:secret-{number}");
    let secret = base64::engine::general_purpose::STANDARD.encode(secret);
    let asked = format!("SOURCE {path} HTTP/1.0\r\nAuthorization: Basic {secret}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.expect("is sent");
    let mut answer = [0; 64];
    let read = timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let count = read.expect("is answered").unwrap_or(0);
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

#[tokio::test]
async fn who_only_holds_connections_open_keeps_nobody_out() {
    let (at, _words) = harbor().await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(connected(1, at).await);
    }
    let mut source = connected(2, at).await;
    let answer = asks(&mut source, "/mount-1", 1).await;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer:?}");
    assert_eq!(asks(&mut idle[63], "/mount-2", 2).await, "", "an address has its share");
}

#[tokio::test]
async fn who_is_signed_in_takes_no_seat() {
    let (at, _words) = harbor().await;
    let mut sources = Vec::new();
    for number in 1..=9 {
        let mut source = connected(1, at).await;
        let answer = asks(&mut source, &format!("/mount-{number}"), number).await;
        assert!(answer.starts_with("HTTP/1.0 200"), "{number}: {answer:?}");
        sources.push(source);
    }
}

#[tokio::test]
async fn a_mount_that_a_stranger_asks_for_is_told_clipped() {
    let (at, mut words) = harbor().await;
    let mut stranger = connected(1, at).await;
    let path = format!("/{}", "x".repeat(10_000));
    let answer = asks(&mut stranger, &path, 1).await;
    assert!(answer.starts_with("HTTP/1.0 401"), "{answer:?}");
    let Some((InputWord::Refused { mount, .. }, _)) = words.recv().await else { panic!() };
    assert_eq!(mount.chars().count(), MOUNT_CHARS);
    assert!(path.starts_with(&mount));
}

#[tokio::test]
async fn that_a_source_is_gone_is_told_before_another_can_be_there() {
    let (at, mut words) = harbor().await;
    let mut source = connected(1, at).await;
    asks(&mut source, "/mount-1", 1).await;
    drop(source);
    let mut ended = None;
    while ended.is_none() {
        let (word, denied) = words.recv().await.expect("is told");
        ended = matches!(word, InputWord::Ended { .. }).then_some(denied);
    }
    assert_eq!(ended, Some(Some(Denial::Busy)));
}
