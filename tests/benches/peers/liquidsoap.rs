//! Liquidsoap beside us: the same music, outputs of the same encodings, taken by a sink of ours.

use grimnir_tests::Heard;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Quality at which GStreamer's LAME runs where nothing is said: LAME's own.
const LAME_QUALITY: u32 = 3;

/// What it is to play and to send.
pub struct Wanted<'a> {
    /// The music, in order.
    pub files: &'a [PathBuf],
    /// Sample rate of the programme and of MP3.
    pub rate: u32,
    /// AAC-LC of 64 kbit/s and Opus of 96 beside MP3 of 128.
    pub three: bool,
    /// Compressor and limiter.
    pub shaped: bool,
}

/// A running Liquidsoap, ended with this.
pub struct Liquidsoap {
    child: Child,
    dir: tempfile::TempDir,
    taken: Arc<Mutex<Taken>>,
}

/// What came on the MP3 output: bytes, and how many there were when.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    arrivals: Vec<(usize, Instant)>,
    streams: usize,
}

impl Liquidsoap {
    /// Its version, as it says it; `None` where it is not installed.
    pub fn version() -> Option<String> {
        let out = Command::new("liquidsoap").arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines().next().map(str::to_owned)
    }

    /// Starts it, and waits until every output is sent.
    pub fn start(wanted: &Wanted) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let taken = Arc::new(Mutex::new(Taken::default()));
        let sink = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = sink.clone();
                std::thread::spawn(move || take(stream, &taken));
            }
        });
        let script = dir.path().join("peer.liq");
        std::fs::write(&script, text(wanted, dir.path(), port)).expect("the script is written");
        let log = std::fs::File::create(dir.path().join("log")).expect("the log is made");
        let child = Command::new("liquidsoap")
            .arg(&script)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .spawn()
            .expect("liquidsoap runs");
        let peer = Self { child, dir, taken };
        let outputs = if wanted.three { 3 } else { 1 };
        let until = Instant::now() + Duration::from_secs(60);
        while peer.taken.lock().expect("whole").streams < outputs {
            let log = || std::fs::read_to_string(peer.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "Liquidsoap does not send:\n{}", log());
            std::thread::park_timeout(Duration::from_millis(100));
        }
        peer
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Seconds of MP3 of 128 kbit/s that came.
    pub fn seconds(&self) -> f64 {
        self.taken.lock().expect("whole").bytes.len() as f64 / 16_000.0
    }

    /// Skips what plays; returns when it has said so.
    pub fn skip(&self) {
        let mut socket = UnixStream::connect(self.dir.path().join("socket")).expect("it serves");
        socket.write_all(b"main.skip\nquit\n").expect("it reads");
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).expect("it answers");
        assert!(answer.contains("Done"), "{answer}");
    }

    /// Ends it; what was heard.
    pub fn stop(mut self) -> Heard {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let taken = self.taken.lock().expect("whole");
        Heard::of(&taken.bytes, &taken.arrivals)
    }
}

impl Drop for Liquidsoap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(wanted: &Wanted, dir: &Path, port: u16) -> String {
    let list: Vec<String> = wanted.files.iter().map(|f| f.display().to_string()).collect();
    let playlist = dir.join("music.m3u");
    std::fs::write(&playlist, list.join("\n")).expect("the playlist is written");
    let rate = wanted.rate;
    let shape = match wanted.shaped {
        true => {
            "s = compress(threshold=-18., ratio=3., attack=10., release=200., gain=3., s)\n\
                 s = limit(threshold=-1., s)\n"
        }
        false => "",
    };
    let to = format!("host=\"127.0.0.1\", port={port}, password=\"peer\"");
    let mut out = format!(
        "settings.init.allow_root.set(true)\n\
         settings.frame.audio.samplerate.set({rate})\n\
         settings.server.socket.set(true)\n\
         settings.server.socket.path.set(\"{dir}/socket\")\n\
         s = playlist(mode=\"normal\", \"{playlist}\")\n\
         s = crossfade(duration=3., fade_in=3., fade_out=3., smart=true, s)\n{shape}\
         s = mksafe(s)\n\
         output.icecast(id=\"main\", mount=\"main.mp3\", {to}, %mp3(bitrate=128, \
         samplerate={rate}, stereo=true, internal_quality={LAME_QUALITY}), s)\n",
        dir = dir.display(),
        playlist = playlist.display(),
    );
    if wanted.three {
        out.push_str(&format!(
            "output.icecast(mount=\"main.aac\", format=\"audio/aac\", {to}, \
             %ffmpeg(format=\"adts\", %audio(codec=\"aac\", b=\"64k\")), s)\n\
             output.icecast(mount=\"main.opus\", format=\"application/ogg\", {to}, \
             %ffmpeg(format=\"opus\", %audio(codec=\"libopus\", samplerate=48000, b=\"96k\")), s)\n"
        ));
    }
    out
}

/// Takes one source as an Icecast server does.
fn take(mut stream: TcpStream, taken: &Mutex<Taken>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if !head.starts_with("SOURCE ") || stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").is_err() {
        return;
    }
    taken.lock().expect("whole").streams += 1;
    let main = head.starts_with("SOURCE /main.mp3");
    let mut some = vec![0; 16_384];
    while let Ok(n) = stream.read(&mut some) {
        if n == 0 {
            return;
        }
        if main {
            let mut taken = taken.lock().expect("whole");
            taken.bytes.extend_from_slice(&some[..n]);
            let so_far = taken.bytes.len();
            taken.arrivals.push((so_far, Instant::now()));
        }
    }
}
