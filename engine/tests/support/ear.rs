//! A listener of the engine's tests: takes what comes on a thread, decodes it at the end.

use grimnir_mix::{FileSource, Frame, FrameSource, SourceState};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Listens to a mount on a thread; what came is decoded at the end.
pub struct Ear {
    thread: std::thread::JoinHandle<()>,
    came: Arc<Mutex<Vec<u8>>>,
    stop: std::net::TcpStream,
}

pub fn listen(port: u16) -> Ear {
    listen_to(port, "/live.mp3")
}

pub fn listen_to(port: u16, path: &str) -> Ear {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let stop = stream.try_clone().unwrap();
    let came = Arc::<Mutex<Vec<u8>>>::default();
    let all = came.clone();
    let thread = std::thread::spawn(move || {
        let mut some = [0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut some) {
            all.lock().unwrap().extend_from_slice(&some[..read]);
        }
    });
    Ear { thread, came, stop }
}

impl Ear {
    /// Hangs up; the sound that came, at 48 kHz.
    pub fn hang_up(self, dir: &Path) -> Vec<Frame> {
        let (head, body) = self.take();
        assert!(head.contains("200") && head.contains("audio/mpeg"), "{head}");
        let path = dir.join("heard.mp3");
        std::fs::write(&path, body).unwrap();
        decode(&path)
    }

    /// Hangs up; the head of the answer and the bytes after it.
    pub fn take(self) -> (String, Vec<u8>) {
        let _ = self.stop.shutdown(std::net::Shutdown::Both);
        self.thread.join().unwrap();
        let mut all = std::mem::take(&mut *self.came.lock().unwrap());
        let body = all.split_off(after_head(&all).unwrap());
        (String::from_utf8_lossy(&all).into_owned(), body)
    }

    /// The sound that came so far, still coded.
    pub fn so_far(&self) -> Vec<u8> {
        let all = self.came.lock().unwrap();
        after_head(&all).map_or(Vec::new(), |at| all[at..].to_vec())
    }
}

pub fn decode(path: &Path) -> Vec<Frame> {
    let mut source = FileSource::open(path, 0, None).unwrap();
    let mut frames = Vec::new();
    let mut chunk = vec![[0.0f32; 2]; 4_800];
    loop {
        let got = source.read(&mut chunk);
        frames.extend_from_slice(&chunk[..got.frames]);
        if got.state != SourceState::More {
            return frames;
        }
    }
}

impl Ear {
    /// Waits until the server ends the stream; all that came.
    pub fn until_closed(self) -> Vec<u8> {
        self.thread.join().unwrap();
        std::mem::take(&mut *self.came.lock().unwrap())
    }
}

/// Where the body begins in what a server sent.
fn after_head(all: &[u8]) -> Option<usize> {
    Some(all.windows(4).position(|w| w == b"\r\n\r\n")? + 4)
}

/// What ffmpeg makes of the bytes.
pub fn decoded(dir: &Path, name: &str, body: &[u8]) -> Vec<Frame> {
    let (coded, raw) = (dir.join(name), dir.join("heard.raw"));
    std::fs::write(&coded, body).unwrap();
    let (coded, out) = (coded.to_str().unwrap(), ["-f", "f32le", "-ac", "2", "-ar", "48000"]);
    super::ffmpeg(&[&["-i", coded][..], &out[..]].concat(), &raw);
    let bytes = std::fs::read(&raw).unwrap();
    let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect()
}
