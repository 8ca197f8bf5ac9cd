//! What a connection gets before any route is asked.

use super::*;
use axum::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn run(router: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        let closing = watch::Sender::new(false);
        let shutdown = async {
            let _ = stopped.await;
        };
        serve_router(router, &closing, Duration::from_secs(5), listener, shutdown).await;
    });
    Running { address, stop, ended }
}

async fn ask(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut text = String::new();
    let mut buffer = [0u8; 4096];
    // Answers of these tests are one word and end in a dot.
    while !text.ends_with('.') {
        let n = stream.read(&mut buffer).await.expect("reads");
        assert!(n > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..n]).expect("is text"));
    }
    text
}

#[tokio::test]
async fn only_the_first_request_of_a_connection_counts_from_its_accept() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let notes = seen.clone();
    let note = move |AcceptedAt(at): AcceptedAt, Extension(Peer(ip)): Extension<Peer>| {
        let notes = notes.clone();
        async move {
            notes.lock().expect("not poisoned").push((at, Instant::now()));
            format!("{}.", ip.is_loopback())
        }
    };
    let running = run(Router::new().route("/", get(note))).await;
    let mut stream = TcpStream::connect(running.address).await.expect("connects");
    for _ in 0..2 {
        assert!(ask(&mut stream, "/").await.ends_with("true."));
    }
    let seen = seen.lock().expect("not poisoned").clone();
    let [(first, first_seen), (second, _)] = seen[..] else { panic!("two requests") };
    assert!(first <= first_seen);
    assert!(second >= first_seen, "the second one counts from its own head");
}

#[tokio::test]
async fn closing_lets_an_open_request_end_and_takes_no_new_connection() {
    let (entered, mut inside) = tokio::sync::mpsc::channel::<()>(1);
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let slow = move || {
        let (entered, held) = (entered.clone(), held.clone());
        async move {
            entered.send(()).await.expect("is awaited");
            let _permit = held.acquire().await.expect("is open");
            "done."
        }
    };
    let running = run(Router::new().route("/slow", get(slow))).await;
    let mut stream = TcpStream::connect(running.address).await.expect("connects");
    let asked = tokio::spawn(async move { ask(&mut stream, "/slow").await });
    inside.recv().await.expect("is inside");
    running.stop.send(()).expect("is running");
    gate.add_permits(1);
    assert!(asked.await.expect("ends").ends_with("done."));
    running.ended.await.expect("ends");
    assert!(TcpStream::connect(running.address).await.is_err());
}
