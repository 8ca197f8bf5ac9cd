//! A server of webstreams that fails on command, and the webstreams that are made of it.

use super::live::*;
use super::*;
use grimnir_events::codec::decode_bytes;
use grimnir_events::live::TakePolicy;
use grimnir_events::webstream::*;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What the server does, for whoever is connected and whoever comes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mode {
    /// Sends sound in real time.
    Plays,
    /// Keeps connections and sends nothing.
    Stalls,
    /// Ends connections, and answers a page with a good status.
    Lies,
    /// Ends connections and takes no new ones.
    Dead,
    /// Sends silence.
    Silent,
}

/// One address.
pub struct Origin {
    pub port: u16,
    mode: Arc<Mutex<Mode>>,
    title: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
    /// Connections that were taken.
    pub taken: Arc<std::sync::atomic::AtomicU32>,
}

impl Origin {
    /// Serves this sound over and over; `answer` is its status line and headers.
    pub fn start(sound: Arc<Vec<u8>>, silence: Arc<Vec<u8>>, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = Self {
            port: listener.local_addr().unwrap().port(),
            mode: Arc::new(Mutex::new(Mode::Plays)),
            title: Arc::default(),
            stop: Arc::default(),
            taken: Arc::default(),
        };
        let (mode, stop, taken) = (origin.mode.clone(), origin.stop.clone(), origin.taken.clone());
        let title = origin.title.clone();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        taken.fetch_add(1, Ordering::Relaxed);
                        let of = (mode.clone(), title.clone(), stop.clone());
                        let sounds = [sound.clone(), silence.clone()];
                        std::thread::spawn(move || serve(stream, &of, &sounds, answer));
                    }
                    Err(_) => pause(),
                }
            }
        });
        origin
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    pub fn say(&self, title: &str) {
        *self.title.lock().unwrap() = title.into();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/live", self.port)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Keeps the pace of sound; no outcome hangs on it.
fn pause() {
    let (_tx, rx) = std::sync::mpsc::channel::<()>();
    let _ = rx.recv_timeout(Duration::from_millis(20));
}

type Of = (Arc<Mutex<Mode>>, Arc<Mutex<String>>, Arc<AtomicBool>);

/// Bytes between two titles.
const METAINT: usize = 4_096;

fn serve(
    mut stream: TcpStream,
    (mode, title, stop): &Of,
    sounds: &[Arc<Vec<u8>>; 2],
    answer: &str,
) {
    let mut request = [0; 2_048];
    stream.set_nonblocking(false).unwrap();
    let count = stream.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..count]).to_lowercase();
    match *mode.lock().unwrap() {
        Mode::Dead => return,
        Mode::Lies => {
            let page = "<!doctype html><html><body>This stream is offline.</body></html>";
            let length = page.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {length}\r\n\r\n{page}").as_bytes());
            return;
        }
        Mode::Plays | Mode::Stalls | Mode::Silent => {}
    }
    assert!(request.contains("icy-metadata: 1"), "{request}");
    let head = format!("{answer}\r\nicy-metaint: {METAINT}\r\n\r\n");
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    let (mut at, mut owed, mut last) = (0usize, 0.0, Instant::now());
    let (mut until_title, mut told) = (METAINT, String::new());
    while !stop.load(Ordering::Relaxed) {
        pause();
        let passed = last.elapsed().as_secs_f64();
        last = Instant::now();
        let now = *mode.lock().unwrap();
        let sound = match now {
            Mode::Plays => &sounds[0],
            Mode::Silent => &sounds[1],
            Mode::Stalls => continue,
            Mode::Dead | Mode::Lies => return,
        };
        owed += passed * 16_000.0;
        let count = (owed / 384.0) as usize * 384;
        owed -= count as f64;
        let mut out = Vec::new();
        for _ in 0..count {
            if until_title == 0 {
                until_title = METAINT;
                let title = title.lock().unwrap().clone();
                let text = format!("StreamTitle='{title}';");
                let text = if title == told { String::new() } else { text };
                told = title;
                out.push(text.len().div_ceil(16) as u8);
                out.extend_from_slice(text.as_bytes());
                out.resize(out.len() + (16 - text.len() % 16) % 16, 0);
            }
            out.push(sound[at % sound.len()]);
            at += 1;
            until_title -= 1;
        }
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

pub const STREAM: WebstreamId = WebstreamId([0x55; 16]);

/// A webstream of these addresses that is on air from now on.
pub fn playing(urls: Vec<String>) -> WebstreamGrant {
    let webstream = Webstream {
        id: STREAM,
        name: "Elsewhere".into(),
        urls,
        enabled: true,
        take: TakePolicy::Immediate,
        passthrough: true,
        probe: ProbeSettings { interval_s: 0, ..ProbeSettings::default() },
        failover: FailoverSettings {
            recover_after_ms: 1_500,
            silence_ms: 1_500,
            ..FailoverSettings::default()
        },
    };
    let (from, until) = (now().plus(-1_000_000), now().plus(3_600_000_000));
    let start = WebstreamStart { number: 1, from, until, take: TakePolicy::Immediate };
    WebstreamGrant { webstream, windows: vec![], start, stop: 0, probe: 0 }
}

pub async fn set_streams(client: &mut Client, revision: u64, grants: Vec<WebstreamGrant>) {
    let streams = EngineWebstreams { revision, station_id: STATION, grants };
    let claims = EngineClaims {
        revision,
        claims: vec![],
        ended: vec![],
        owner: AUTOMATION_CLAIM,
        skips: vec![],
    };
    let request = v1::SetClaimsRequest {
        claims_payload: bytes(&claims),
        webstreams_payload: bytes(&streams),
        epoch: 1,
        ..Default::default()
    };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

pub fn stream_facts(facts: &[AirFact]) -> Vec<WebstreamAirEvent> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::Webstream(event) => Some((**event).clone()),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

/// Which address was heard, each time it changed, and why.
pub fn switches(facts: &[AirFact]) -> Vec<(Option<u16>, SwitchReason)> {
    let of = |event| match event {
        WebstreamAirEvent::Switched { to, reason, .. } => Some((to, reason)),
        _ => None,
    };
    stream_facts(facts).into_iter().filter_map(of).collect()
}

/// How long, in seconds, none of `own` was heard at a time, between the first and the last time
/// that one was.
pub fn longest_gap(frames: &[Frame], own: &[u32]) -> f64 {
    let heard = |window: &[Frame]| own.iter().any(|tone| power(window, *tone) > 0.01);
    let all: Vec<bool> = frames.chunks_exact(2_400).map(heard).collect();
    let first = all.iter().position(|heard| *heard).expect("it was heard");
    let last = all.iter().rposition(|heard| *heard).unwrap();
    let gaps = all[first..=last].split(|heard| *heard).map(<[bool]>::len);
    gaps.max().unwrap_or(0) as f64 * 0.05
}
