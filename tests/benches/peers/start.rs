//! How soon an engine sounds that is started anew: from its process to the first block of the mix
//! and to the first byte at a listener.

use crate::{quantiles, setting};
use grimnir_tests::programs::{kill, program};
use grimnir_tests::{Ear, Server, Setting, Stage, ports};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// To the first sound at a listener, in ms.
const AIM: f64 = 300.0;

pub async fn first_audio() {
    let mut server = Server::start().await;
    let setting_of = Setting { tracks: 2, seconds: 600.0, ..Setting::default() };
    let stage = Stage::set(&server, setting_of).await;
    let url = stage.start(&server).await;
    let path = format!("/{}", url.rsplit('/').next().unwrap_or_default());
    Ear::connect(&url).await.expect("the mount can be reached").listen(3.0, 128).await;
    let engine = server.engine_pid(&stage.station).expect("the engine runs");
    server.kill();
    kill(engine);
    gone(engine);
    let dir = server.station_dir(&stage.station);
    let media = server.data.join("media");
    let (mut mixed, mut heard) = (Vec::new(), Vec::new());
    for _ in 0..setting("GRIMNIR_BENCH_STARTS", 20) {
        let (to_mix, to_listener) = once(&dir, &media, &stage.station, &path);
        mixed.push(to_mix);
        heard.push(to_listener);
    }
    quantiles("engine_start_to_mix", mixed, "aim", AIM);
    quantiles("engine_start_to_first_audio", heard, "aim", AIM);
}

/// Waits until a killed process holds nothing any more, whoever buries it.
fn gone(pid: u32) {
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    while stat().rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z")) {
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an engine on what it holds; milliseconds to the first block, and to the first sound.
fn once(dir: &Path, media: &Path, station: &str, path: &str) -> (f64, f64) {
    let address = SocketAddr::from(([127, 0, 0, 1], ports::one()));
    let page = dir.join("position.page");
    let before = std::fs::read(&page).unwrap_or_default();
    let began = Instant::now();
    let child = Command::new(program("grimnir-engine"))
        .args(["run", "--station", station, "--listen", &address.to_string(), "--dir"])
        .arg(dir)
        .arg("--media")
        .arg(media)
        .env("GRIMNIR_LOG", "error")
        .stdin(Stdio::null())
        .spawn()
        .expect("the engine starts");
    let engine = Engine(child);
    let listener = std::thread::spawn({
        let path = path.to_owned();
        move || first_sound(address, &path)
    });
    while std::fs::read(&page).unwrap_or_default() == before {
        assert!(began.elapsed() < Duration::from_secs(10), "no block was mixed");
        std::thread::park_timeout(Duration::from_micros(500));
    }
    let mixed = began.elapsed();
    let heard = listener.join().expect("the listener ends").duration_since(began);
    drop(engine);
    (mixed.as_secs_f64() * 1e3, heard.as_secs_f64() * 1e3)
}

/// When a listener that tries again and again gets the first byte of sound.
fn first_sound(address: SocketAddr, path: &str) -> Instant {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        let Ok(mut stream) = TcpStream::connect(address) else {
            std::thread::park_timeout(Duration::from_micros(500));
            continue;
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut bytes = Vec::new();
        let mut some = [0; 4_096];
        let mut ended = stream.write_all(request.as_bytes()).is_err();
        while !ended {
            let n = stream.read(&mut some).unwrap_or(0);
            ended = n == 0;
            bytes.extend_from_slice(&some[..n]);
            let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
            if end.is_some_and(|end| bytes.len() > end + 4) && bytes[9..].starts_with(b"200") {
                return Instant::now();
            }
        }
    }
    panic!("nothing was heard within 10 s")
}
