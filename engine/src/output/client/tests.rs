//! A source client before a server of ours: what it tells, and how often.

use super::*;
use crate::output::http::SharedOffer;
use grimnir_events::output::{Encoding, Output, SourceMethod};
use grimnir_events::station::MountFormat;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// A server that takes every source, and keeps what titles it was told.
fn server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let titles = Arc::new(Mutex::new(Vec::new()));
    let told = titles.clone();
    std::thread::spawn(move || {
        let mut sources: Vec<TcpStream> = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            if let Some((_, song)) = line.split_once("&song=") {
                let song = song.split(' ').next().unwrap_or_default();
                told.lock().expect("whole").push(song.to_owned());
            }
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            if line.starts_with("PUT") {
                sources.push(stream);
            }
        }
    });
    (port, titles)
}

fn handed(port: u16) -> EngineOutput {
    let to = IcecastOutput {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        mount: "/ygg.mp3".into(),
        user: "source".into(),
        password: None,
        encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 },
        method: SourceMethod::Auto,
        public: false,
        description: String::new(),
        genre: String::new(),
        url: String::new(),
        chain_titles: false,
    };
    let (id, name) = (OutputId([1; 16]), "Relay".into());
    let output = Output { id, name, kind: OutputKind::Icecast(to), enabled: true };
    EngineOutput { output, secret: Some("hackme".into()) }
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_title_is_told_once_and_of_many_in_a_hurry_only_the_last() {
    let (port, titles) = server();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("runtime");
    let tell: Tell = Arc::new(|_| {});
    let client = SourceClient::start(&handed(port), SharedOffer::default(), tell, runtime.handle());
    let client = client.expect("a client");
    let told = || titles.lock().expect("whole").clone();
    client.set_title("One");
    client.set_on_air(true);
    wait("the first title", || told() == ["One"]);
    for title in ["One", "Two", "Three", "Two", "Four"] {
        client.set_title(title);
    }
    wait("the last title", || told().len() > 1);
    client.set_title("Four");
    assert_eq!(told(), ["One", "Four"]);
    assert_eq!(client.state().health, OutputHealth::Up);
}
