//! The harbor's sockets without a station behind them: whoever says nothing is sent away, whoever
//! only looks takes no place, and sound is taken wherever it begins.

use super::*;
use crate::input::harbor::bind;
use crate::input::harbor::seats::OF_ADDRESS;
use grimnir_events::ladder::Tier;
use grimnir_events::live::{EngineInputs, LiveGrant, LiveMode, LiveSession, LiveValidity};
use grimnir_events::live::{TakePolicy, secret_digest};
use grimnir_events::{LiveSessionId, StationId, UtcMicros};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// What is waited for has happened by then.
const DEADLINE: Duration = Duration::from_secs(10);
/// `source:secret`.
const LOGIN: &str = "Authorization: Basic c291cmNlOnNlY3JldA==\r\n";

/// A harbor that lets in one session at `/live`; its port and what it tells.
async fn harbor(head: Duration, source: Duration) -> (u16, UnboundedReceiver<InputWord>) {
    let id = LiveSessionId([1; 16]);
    let session = LiveSession {
        id,
        name: "DJ".into(),
        username: String::new(),
        digest: secret_digest(id, "secret"),
        mount: "/live".into(),
        validity: LiveValidity::Shows { show_id: None },
        tier: Tier::LiveOverride,
        take: TakePolicy::Immediate,
        mode: LiveMode::Replace,
    };
    let windows = vec![(UtcMicros(0), UtcMicros(i64::MAX))];
    let grants = vec![LiveGrant { session, windows, take: Default::default(), disconnect: 0 }];
    let gate = Arc::new(Gate::default());
    gate.set(EngineInputs { revision: 1, station_id: StationId([1; 16]), grants });
    let (tx, words) = unbounded_channel();
    let tell = Box::new(move |word| {
        let _ = tx.send(word);
    });
    let (records, patience) = (Records::unused(), Patience { head, source });
    let harbor = Arc::new(Harbor { gate, records, tell, certificate: None, patience });
    let (listener, _) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("ports");
    let port = listener.local_addr().expect("a port").port();
    tokio::spawn(serve(listener, harbor, false));
    (port, words)
}

/// Connects and says something.
async fn say(port: u16, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    stream.write_all(text.as_bytes()).await.expect("is said");
    stream
}

/// All that is answered until the connection is closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // One that is torn ends as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut all)).await.expect("it is closed");
    String::from_utf8_lossy(&all).into_owned()
}

/// The first line of what is answered.
async fn first_line(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\n") {
        all.push(timeout(DEADLINE, stream.read_u8()).await.expect("in time").expect("is answered"));
    }
    String::from_utf8_lossy(&all).trim_end().to_owned()
}

/// How many bytes of its sound came, once the source is gone.
async fn ended(words: &mut UnboundedReceiver<InputWord>) -> u64 {
    loop {
        let word = timeout(DEADLINE, words.recv()).await.expect("in time").expect("it serves");
        if let InputWord::Ended { bytes, .. } = word {
            return bytes;
        }
    }
}

#[tokio::test]
async fn whoever_does_not_come_to_an_end_is_sent_away() {
    let (port, _words) = harbor(Duration::from_millis(40), LONG).await;
    let answer = rest(say(port, "PUT /live HTTP/1.1\r\nHost: h\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.0 400 ") && answer.contains("in time"), "{answer}");
}

#[tokio::test]
async fn a_source_that_sends_nothing_any_more_is_gone_and_another_may_come() {
    let (port, mut words) = harbor(LONG, Duration::from_millis(40)).await;
    let head = format!("SOURCE /live HTTP/1.0\r\n{LOGIN}\r\n");
    let mut first = say(port, &head).await;
    assert_eq!(first_line(&mut first).await, "HTTP/1.0 200 OK");
    assert_eq!(ended(&mut words).await, 0);
    let mut second = say(port, &head).await;
    assert_eq!(first_line(&mut second).await, "HTTP/1.0 200 OK");
}

#[tokio::test]
async fn an_encoder_that_only_looks_takes_no_place() {
    let (port, mut words) = harbor(LONG, LONG).await;
    let looks = format!("PUT /live HTTP/1.1\r\n{LOGIN}Content-Length: 0\r\n\r\n");
    for _ in 0..2 {
        let answer = rest(say(port, &looks).await).await;
        assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    }
    assert!(words.try_recv().is_err(), "nobody is connected");
    let waits = format!("PUT /live HTTP/1.1\r\n{LOGIN}Expect: 100-continue\r\n\r\n");
    let mut source = say(port, &waits).await;
    assert_eq!(first_line(&mut source).await, "HTTP/1.1 100 Continue");
}

#[tokio::test]
async fn sound_in_the_segment_of_the_head_is_taken() {
    let (port, mut words) = harbor(LONG, LONG).await;
    let body = "x".repeat(1_001);
    let text = format!("PUT /live HTTP/1.1\r\n{LOGIN}\r\n{body}");
    let mut stream = say(port, &text).await;
    stream.shutdown().await.expect("is told");
    assert_eq!(ended(&mut words).await, 1_001);
}

#[tokio::test]
async fn a_body_in_chunks_is_over_with_its_last_chunk() {
    let (port, mut words) = harbor(LONG, LONG).await;
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    let text = format!("PUT /live HTTP/1.1\r\n{LOGIN}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    // The connection stays open.
    let _stream = say(port, &text).await;
    assert_eq!(ended(&mut words).await, chunks.len() as u64);
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_those_who_are_in_stay() {
    let (port, _words) = harbor(LONG, LONG).await;
    let mut seated = Vec::new();
    for _ in 0..OF_ADDRESS {
        seated.push(say(port, "OPTIONS").await);
    }
    assert_eq!(rest(say(port, "").await).await, "");
    let mut first = seated.remove(0);
    first.write_all(b" * HTTP/1.1\r\n\r\n").await.expect("is said");
    assert!(rest(first).await.starts_with("HTTP/1.1 204 "));
}
