//! Handshakes with servers that answer in every way there is.

use super::*;
use grimnir_events::output::Encoding;
use grimnir_events::station::MountFormat;
use tokio::net::TcpListener;

const ENCODING: Encoding = Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 };

/// What it was asked, and the connections that stay open until then.
type Served = tokio::task::JoinHandle<(Vec<String>, Vec<TcpStream>)>;

/// A server that answers each connection in turn with one of `answers`, and closes it where that
/// is empty.
async fn server(answers: Vec<&'static str>) -> (u16, Served) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let task = tokio::spawn(async move {
        let (mut asked, mut open) = (Vec::new(), Vec::new());
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            let mut held = vec![0; 4_096];
            let count = stream.read(&mut held).await.expect("reads");
            asked.push(String::from_utf8_lossy(&held[..count]).into_owned());
            stream.write_all(answer.as_bytes()).await.expect("writes");
            if !answer.is_empty() {
                open.push(stream);
            }
        }
        (asked, open)
    });
    (port, task)
}

fn to(port: u16, method: SourceMethod) -> IcecastOutput {
    IcecastOutput {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        mount: "/ygg.mp3".into(),
        user: "source".into(),
        password: None,
        encoding: ENCODING,
        method,
        public: false,
        description: String::new(),
        genre: String::new(),
        url: String::new(),
        chain_titles: false,
    }
}

async fn asked(answers: Vec<&'static str>) -> (Result<(), Refused>, Vec<String>) {
    let (port, task) = server(answers).await;
    let answer = icecast(&to(port, SourceMethod::Auto), "hackme", "Ygg").await.map(drop);
    (answer, task.await.expect("served").0)
}

#[tokio::test]
async fn put_is_taken_with_both_answers_at_once_or_with_one_of_them() {
    let both = "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
    for answer in [both, "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (taken, asked) = asked(vec![answer]).await;
        assert!(taken.is_ok(), "{taken:?} by {answer}");
        assert!(asked[0].starts_with("PUT /ygg.mp3 HTTP/1.1\r\n"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_put_is_asked_by_source() {
    for unknown in ["", "HTTP/1.0 405 Method Not Allowed\r\n\r\n", "what?\r\n\r\n"] {
        let (taken, asked) = asked(vec![unknown, "HTTP/1.0 200 OK\r\n\r\n"]).await;
        assert!(taken.is_ok(), "{taken:?} by {unknown}");
        assert!(asked[1].starts_with("SOURCE /ygg.mp3 HTTP/1.0\r\n"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_and_not_taken_for_another_method() {
    let wrong = "HTTP/1.0 401 Authentication Required\r\n\r\n";
    let used = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 403 Mountpoint in use\r\n\r\n";
    for (answer, told) in [(wrong, "user or password"), (used, "403 Mountpoint in use")] {
        let (refused, asked) = asked(vec![answer]).await;
        assert!(refused.expect_err("refused").reason.contains(told));
        assert_eq!(asked.len(), 1);
    }
    let long = Box::leak(format!("HTTP/1.0 200 {}", "x".repeat(9_000)).into_boxed_str());
    let (refused, _) = asked(vec![long]).await;
    let reason = refused.expect_err("too long").reason;
    assert!(reason.contains("limit 8192"), "{reason}");
}

#[tokio::test]
async fn shoutcast_signs_in_with_the_password_alone() {
    let (port, task) = server(vec!["OK2\r\nicy-caps:11\r\n\r\n"]).await;
    let to = ShoutcastOutput {
        host: "127.0.0.1".into(),
        port: port - 1,
        password: None,
        encoding: ENCODING,
        public: false,
        genre: String::new(),
        url: String::new(),
    };
    assert!(shoutcast(&to, "hackme", "Ygg").await.is_ok());
    assert_eq!(task.await.expect("served").0, ["hackme\r\n"]);
    let (port, task) = server(vec!["invalid password\r\n"]).await;
    let refused = shoutcast(&ShoutcastOutput { port: port - 1, ..to }, "no", "Ygg").await;
    assert!(refused.err().expect("refused").reason.contains("invalid password"));
    drop(task);
}
