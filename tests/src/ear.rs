//! A listener: takes an MP3 mount over HTTP, keeps when each byte came, and decodes it.

use crate::tracks;
use grimnir_mix::{BLOCK, FileSource, Frame, FrameSource, SourceState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Frames in one judged window (20 ms).
pub const WINDOW: usize = 960;

/// Bytes and frames of one MPEG-1 layer III frame at 48 kHz and [`crate::stage::KBPS`]: no padding
/// is needed there.
const MP3_BYTES: usize = 384;
const MP3_FRAMES: usize = 1_152;

#[derive(Default)]
struct Tape {
    bytes: Vec<u8>,
    /// (bytes so far, when)
    arrivals: Vec<(usize, Instant)>,
    ended: bool,
}

/// A connected listener.
pub struct Ear {
    tape: Arc<Mutex<Tape>>,
    task: tokio::task::JoinHandle<()>,
    /// Head of the response.
    pub head: String,
}

/// What was heard.
pub struct Heard {
    /// Decoded audio at 48 kHz.
    pub frames: Vec<Frame>,
    /// Every arrival: frames that could be decoded from then on, and when.
    pub arrivals: Vec<(usize, Instant)>,
}

impl Ear {
    /// Connects to a mount; `None` when it cannot be reached.
    pub async fn connect(url: &str) -> Option<Self> {
        let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
        let mut socket = TcpStream::connect(host).await.ok()?;
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ear\r\n\r\n");
        socket.write_all(request.as_bytes()).await.ok()?;
        let (head, rest) = read_head(&mut socket).await?;
        if !head.starts_with("HTTP/1.1 200") && !head.starts_with("HTTP/1.0 200") {
            return None;
        }
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let tape = Arc::new(Mutex::new(Tape::default()));
        let task = tokio::spawn(record(socket, rest, chunked, tape.clone()));
        Some(Self { tape, task, head })
    }

    /// Seconds of audio taken so far at `kbps`.
    pub fn seconds(&self, kbps: u32) -> f64 {
        self.tape.lock().expect("not poisoned").bytes.len() as f64 * 8.0
            / (f64::from(kbps) * 1_000.0)
    }

    /// True when the server closed the connection.
    pub fn ended(&self) -> bool {
        self.tape.lock().expect("not poisoned").ended
    }

    /// Longest time between two arrivals so far.
    pub fn longest_pause(&self) -> Duration {
        let tape = self.tape.lock().expect("not poisoned");
        tape.arrivals.windows(2).map(|w| w[1].1 - w[0].1).max().unwrap_or_default()
    }

    /// Waits until `seconds` of audio at `kbps` were taken.
    pub async fn listen(&self, seconds: f64, kbps: u32) {
        let patience = Duration::from_secs_f64(seconds * 2.0 + 30.0);
        crate::programs::until("enough was heard", patience, || async {
            (self.seconds(kbps) >= seconds || self.ended()).then_some(())
        })
        .await;
    }

    /// Stops listening and decodes what came.
    pub async fn stop(self) -> Heard {
        self.task.abort();
        let (bytes, arrivals) = {
            let mut tape = self.tape.lock().expect("not poisoned");
            (std::mem::take(&mut tape.bytes), std::mem::take(&mut tape.arrivals))
        };
        let decoding = tokio::task::spawn_blocking(move || Heard::of(&bytes, &arrivals));
        decoding.await.expect("decoding ends")
    }
}

async fn read_head(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let n = socket.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            return Some((head, bytes[at + 4..].to_vec()));
        }
    }
}

async fn record(mut socket: TcpStream, rest: Vec<u8>, chunked: bool, tape: Arc<Mutex<Tape>>) {
    let mut body = Body { chunked, raw: Vec::new() };
    let mut out = Vec::new();
    body.feed(&rest, &mut out);
    let mut buffer = vec![0u8; 16_384];
    loop {
        {
            let mut tape = tape.lock().expect("not poisoned");
            tape.bytes.append(&mut out);
            let so_far = tape.bytes.len();
            tape.arrivals.push((so_far, Instant::now()));
        }
        match socket.read(&mut buffer).await {
            Ok(n) if n > 0 => body.feed(&buffer[..n], &mut out),
            _ => break,
        }
    }
    tape.lock().expect("not poisoned").ended = true;
}

/// Takes chunked transfer coding off.
struct Body {
    chunked: bool,
    raw: Vec<u8>,
}

impl Body {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.chunked {
            out.extend_from_slice(bytes);
            return;
        }
        self.raw.extend_from_slice(bytes);
        while let Some(line) = self.raw.windows(2).position(|w| w == b"\r\n") {
            let text = String::from_utf8_lossy(&self.raw[..line]).into_owned();
            let Ok(size) = usize::from_str_radix(text.trim(), 16) else { return };
            let end = line + 2 + size + 2;
            if self.raw.len() < end {
                return;
            }
            out.extend_from_slice(&self.raw[line + 2..line + 2 + size]);
            self.raw.drain(..end);
        }
    }
}

/// Decodes MP3 bytes from their first whole frame on.
pub fn decode(bytes: &[u8]) -> Vec<Frame> {
    let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
    std::io::Write::write_all(&mut file, bytes).expect("the file can be written");
    let Ok(mut source) = FileSource::open(file.path(), 0, None) else { return Vec::new() };
    let mut frames = Vec::new();
    let mut block = [[0.0; 2]; BLOCK];
    loop {
        let got = source.read(&mut block);
        frames.extend_from_slice(&block[..got.frames]);
        if got.state != SourceState::More {
            return frames;
        }
    }
}

impl Heard {
    /// What these bytes of MP3 say, and when it could be heard: (bytes so far, when).
    pub fn of(bytes: &[u8], arrivals: &[(usize, Instant)]) -> Self {
        let frames = decode(bytes);
        // A decoder may give nothing for the first frame of a stream that it joins.
        let missing = (bytes.len() / MP3_BYTES * MP3_FRAMES).saturating_sub(frames.len());
        let decodable = |so_far: usize| {
            (so_far / MP3_BYTES * MP3_FRAMES).saturating_sub(missing).min(frames.len())
        };
        let arrivals = arrivals.iter().map(|(so_far, at)| (decodable(*so_far), *at)).collect();
        Self { frames, arrivals }
    }

    /// After each of these instants, how long it took until another of `count` tracks than the one
    /// before reached the listener: as far as 12 dB below its level, within 20 ms.
    pub fn changes(&self, count: usize, asked: &[Instant]) -> Vec<Option<Duration>> {
        let level = |at: usize, track: usize| {
            grimnir_mix::tone::tone_level(&self.frames[at..at + WINDOW], tracks::hz(track))
        };
        let loud = tracks::LEVEL_DB as f32 - 13.0;
        let change = |asked: &Instant| {
            // What came before it was asked is of the track before.
            let so_far = self.arrivals.iter().rev().find(|(_, at)| at <= asked)?.0;
            let from = so_far.checked_sub(WINDOW)?;
            let before = (0..count).max_by(|a, b| level(from, *a).total_cmp(&level(from, *b)))?;
            let last = self.frames.len().checked_sub(WINDOW)?;
            let other = |at: &usize| (0..count).any(|t| t != before && level(*at, t) > loud);
            let at = (so_far..last).step_by(WINDOW / 4).find(other)?;
            let came = self.arrivals.iter().find(|(n, _)| *n >= at + WINDOW)?.1;
            Some(came.saturating_duration_since(*asked))
        };
        asked.iter().map(change).collect()
    }

    /// When frame 0 sounded for a player without a buffer, in seconds after `zero`: told by the
    /// arrival that waited least after its last frame. Older ones, as in the burst that a new
    /// listener is given, do not count.
    pub fn began(&self, zero: Instant) -> f64 {
        let waited = |(frames, at): &(usize, Instant)| {
            at.saturating_duration_since(zero).as_secs_f64() - *frames as f64 / 48_000.0
        };
        self.arrivals.iter().filter(|(n, _)| *n > 0).map(waited).fold(f64::INFINITY, f64::min)
    }

    /// Seconds heard.
    pub fn seconds(&self) -> f64 {
        self.frames.len() as f64 / 48_000.0
    }

    /// For each window of 20 ms, which of `count` tracks were heard.
    pub fn tracks(&self, count: usize) -> Vec<Vec<usize>> {
        self.frames.chunks_exact(WINDOW).map(|w| tracks::heard(w, count, -40.0)).collect()
    }

    /// Which track was loudest, window by window, with equal neighbours joined:
    /// (track, first window, windows). `None` stands for silence.
    pub fn runs(&self, count: usize) -> Vec<(Option<usize>, usize, usize)> {
        let mut runs: Vec<(Option<usize>, usize, usize)> = Vec::new();
        for (index, window) in self.frames.chunks_exact(WINDOW).enumerate() {
            let loudest = (0..count)
                .map(|t| (t, grimnir_mix::tone::tone_level(window, tracks::hz(t))))
                .filter(|(_, level)| *level > -45.0)
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(t, _)| t);
            match runs.last_mut() {
                Some(run) if run.0 == loudest => run.2 += 1,
                _ => runs.push((loudest, index, 1)),
            }
        }
        runs
    }

    /// Longest silence in seconds between the first sound and the last: a decoder that joins in the
    /// middle of a stream gives silence until it has what its first frames lean on.
    pub fn longest_silence(&self) -> f64 {
        let sounds: Vec<usize> = self
            .frames
            .chunks_exact(WINDOW / 4)
            .enumerate()
            .filter(|(_, w)| w.iter().flatten().any(|s| s.abs() >= 0.003))
            .map(|(index, _)| index)
            .collect();
        let longest = sounds.windows(2).map(|w| w[1] - w[0] - 1).max().unwrap_or(usize::MAX);
        longest as f64 * (WINDOW / 4) as f64 / 48_000.0
    }
}
