//! What the engine's tests share: media made by ffmpeg, one engine process, its client, its sound.
#![allow(dead_code, missing_docs, unused_imports, clippy::unwrap_used)]

pub mod clients;
mod climb;
mod ear;
pub mod icecast;
mod outputs;
#[path = "../../../tests/src/damage.rs"]
pub mod damage;
#[path = "../../../tests/src/ports.rs"]
pub mod ports;
pub mod relay;

pub use climb::*;
pub use ear::*;
pub use outputs::*;
pub use shape::*;

pub mod live;
mod shape;
pub mod streams;
pub mod weather;

use grimnir_engine_proto::{Client, dial, v1};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::codec::{Payload, encode};
use grimnir_events::control::EngineControl;
use grimnir_events::handover::{EngineClaims, EngineConfig, EngineFarewell};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, ClaimItem, Tier};
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::station::{FadeCurve, Mount, MountFormat, StationSettings};
use grimnir_events::timeline::{Anchor, HourPlan, Line, Transition};
use grimnir_events::*;
use grimnir_mix::Frame;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const STATION: StationId = StationId([7; 16]);
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_grimnir-engine");

/// One engine in a folder of its own, ended with the test.
pub struct Rig {
    pub dir: tempfile::TempDir,
    pub child: Option<Child>,
}

impl Rig {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("media")).unwrap();
        Self { dir, child: None }
    }

    pub fn engine_dir(&self) -> PathBuf {
        self.dir.path().join("engine")
    }

    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with more arguments.
    pub fn start_with(&mut self, more: &[&str]) {
        self.start_in(more, &[]);
    }

    /// Starts it with more arguments, and more in its environment.
    pub fn start_in(&mut self, more: &[&str], environment: &[(&str, &Path)]) {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.dir.path().join("engine.log"))
            .unwrap();
        let child = Command::new(PROGRAM)
            .arg("run")
            .arg("--dir")
            .arg(self.engine_dir())
            .arg("--media")
            .arg(self.dir.path().join("media"))
            .args(["--station", &STATION.to_string(), "--listen", "127.0.0.1:0"])
            .args(more)
            .args(["--harbor", "127.0.0.1:0"])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("engine.log")).unwrap_or_default()
    }

    /// Connects once the engine serves; its HTTP port comes along.
    pub async fn client(&mut self) -> (Client, u16) {
        let socket = self.engine_dir().join("engine.sock");
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(mut client) = dial(&socket).await
                && let Ok(status) = client.get_status(v1::StatusRequest {}).await
            {
                let port = status.into_inner().http_port as u16;
                if port != 0 {
                    return (client, port);
                }
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "no engine: {}", self.log());
            // Only spares the processor between two questions: no outcome hangs on it.
            let mut pause = tokio::time::interval(Duration::from_millis(5));
            pause.tick().await;
            pause.tick().await;
        }
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap().code()
    }

    /// Makes a sine of `hertz` and puts it into the store.
    pub fn tone(&self, hertz: u32, seconds: f64, extension: &str) -> (ContentHash, i64) {
        let path = self.dir.path().join(format!("{hertz}.{extension}"));
        make_tone(&path, hertz, seconds);
        (self.store(&path), (seconds * 48_000.0) as i64)
    }

    pub fn store(&self, file: &Path) -> ContentHash {
        let bytes = std::fs::read(file).unwrap();
        let hash = ContentHash(Sha256::digest(&bytes).into());
        let name = hash.to_string();
        let folder = self.dir.path().join("media").join(&name[..2]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        hash
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Amplitude of a tone as `make_tone` makes it: a half, spread over two channels at equal power.
pub const AMPLITUDE: f64 = 0.5 * std::f64::consts::FRAC_1_SQRT_2;

pub fn make_tone(path: &Path, hertz: u32, seconds: f64) {
    let source = format!("sine=frequency={hertz}:sample_rate=48000:duration={seconds}");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-af", "volume=4", "-ac", "2"], path);
}

/// A certificate for `localhost` that nobody else vouches for, and its key.
pub fn certificate(dir: &Path) -> [PathBuf; 2] {
    let [chain, key] = ["chain.pem", "key.pem"].map(|name| dir.join(name));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    [chain, key]
}

pub fn ffmpeg(arguments: &[&str], out: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .arg(out)
        .stdin(Stdio::null())
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg {arguments:?}");
}

pub fn now() -> UtcMicros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UtcMicros(since.as_micros() as i64)
}

pub fn item(n: u8, (hash, frames): (ContentHash, i64)) -> ClaimItem {
    ClaimItem {
        media_id: MediaId([n; 16]),
        play_hash: hash,
        title: format!("Item {n}"),
        artist: "Test".into(),
        kind: ItemKind::Music,
        cues: CueMarks { cue_in: 0, segue: frames, cue_out: frames },
        gain_db_x100: 0,
    }
}

/// A line that overlaps the next by `overlap` frames.
pub fn line(n: u8, (hash, frames): (ContentHash, i64), at: UtcMicros, overlap: i64) -> Line {
    Line {
        id: LineId([n; 16]),
        media_id: MediaId([n; 16]),
        play_hash: hash,
        title: format!("Line {n}"),
        artist: "Test".into(),
        kind: ItemKind::Music,
        planned_at: at,
        anchor: Anchor::AfterPrevious,
        cues: CueMarks { cue_in: 0, segue: frames - overlap, cue_out: frames },
        gain_db_x100: 0,
        transition: Transition::Crossfade { curve: FadeCurve::EqualPower },
        min_airtime: 24_000,
        must_air: false,
        long_form: false,
    }
}

/// Lines one after the other from `at` on.
pub fn chain(items: &[(ContentHash, i64)], at: UtcMicros, overlap: i64) -> Vec<Line> {
    let mut start = at.frame();
    let mut lines = Vec::new();
    for (n, item) in items.iter().enumerate() {
        lines.push(line(n as u8 + 1, *item, start.utc(), overlap));
        start = start.plus(item.1 - overlap);
    }
    lines
}

pub fn hour(lines: Vec<Line>) -> HourPlan {
    HourPlan {
        hour: lines[0].planned_at,
        lines,
        input_seq: 1,
        seed: [0; 32],
        planner_version: 1,
        tzdb: "test".into(),
        notes: Vec::new(),
    }
}

pub fn config(revision: u64) -> EngineConfig {
    EngineConfig {
        revision,
        station_id: STATION,
        name: "Test FM".into(),
        on_air: true,
        settings: StationSettings { sign_off_ms: 100, ..StationSettings::default() },
        mounts: vec![Mount {
            id: MountId([9; 16]),
            name: "Main".into(),
            path: "/live.mp3".into(),
            format: MountFormat::Mp3,
            bitrate_kbps: 128,
        }],
        fallback: None,
        rotation: Vec::new(),
        preload: Vec::new(),
    }
}

pub fn claim(n: u8, tier: Tier, items: Vec<ClaimItem>) -> Claim {
    Claim {
        id: ClaimId([n; 16]),
        tier,
        items,
        raised_at: now(),
        window_start: None,
        window_end: None,
        max_length_us: 60_000_000,
        fade_ms: 200,
        label: "Test".into(),
        repeat: false,
    }
}

pub fn bytes<P: Payload>(payload: &P) -> Vec<u8> {
    encode(payload).unwrap().bytes
}

pub async fn configure(client: &mut Client, config: &EngineConfig) -> v1::HandoverResponse {
    let request =
        v1::ConfigureRequest { config_payload: bytes(config), epoch: 1, ..Default::default() };
    client.configure(request).await.unwrap().into_inner()
}

pub async fn set_timeline(client: &mut Client, revision: u64, lines: Vec<Line>) {
    let request =
        v1::SetTimelineRequest { revision, hour_payload: vec![bytes(&hour(lines))], epoch: 1 };
    assert!(client.set_timeline(request).await.unwrap().into_inner().accepted);
}

pub async fn set_claims(client: &mut Client, claims: &EngineClaims) {
    let claims_payload = bytes(claims);
    let request = v1::SetClaimsRequest { claims_payload, epoch: 1, ..Default::default() };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

/// Hands over how lines are started, with no claims.
pub async fn set_control(client: &mut Client, revision: u64, control: &EngineControl) {
    let claims = EngineClaims {
        revision,
        claims: vec![],
        ended: vec![],
        owner: AUTOMATION_CLAIM,
        skips: vec![],
    };
    let (claims_payload, control_payload) = (bytes(&claims), bytes(control));
    let request =
        v1::SetClaimsRequest { claims_payload, control_payload, epoch: 1, ..Default::default() };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

/// Hands over what is heard last at sign-off, with no claims.
pub async fn set_farewell(client: &mut Client, legal_id: ClaimItem) {
    let (ended, owner) = (vec![], AUTOMATION_CLAIM);
    let claims = EngineClaims { revision: 1, claims: vec![], ended, owner, skips: vec![] };
    let farewell_payload = bytes(&EngineFarewell { legal_id: Some(legal_id) });
    let claims_payload = bytes(&claims);
    let epoch = 1;
    let request =
        v1::SetClaimsRequest { claims_payload, farewell_payload, epoch, ..Default::default() };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

/// Follows the journal from `from` until `enough`; fails after 20 s.
pub async fn facts_until(
    client: &mut Client,
    from: u64,
    enough: impl FnMut(&[AirFact]) -> bool,
) -> Vec<AirFact> {
    live::facts_within(client, from, 20, enough).await
}

pub fn started(facts: &[AirFact]) -> Vec<(String, AirFrame)> {
    let title = |fact: &AirFact| match &fact.event {
        AirEvent::ItemStarted(item) => Some((item.title.clone(), fact.frame)),
        _ => None,
    };
    facts.iter().filter_map(title).collect()
}

/// Which of `tones` is loudest in each 50 ms; `None` where it is quiet. Repeats are folded.
pub fn tones_heard(frames: &[Frame], tones: &[u32]) -> Vec<Option<u32>> {
    let mut heard: Vec<Option<u32>> = Vec::new();
    for window in frames.chunks_exact(2_400) {
        let best = tones
            .iter()
            .map(|tone| (power(window, *tone), *tone))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap();
        let now = (best.0 > 0.01).then_some(best.1);
        if heard.last() != Some(&now) {
            heard.push(now);
        }
    }
    heard
}

/// Amplitude of a tone in a window, by correlation.
pub fn power(window: &[Frame], hertz: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, frame) in window.iter().enumerate() {
        let phase = std::f64::consts::TAU * f64::from(hertz) * n as f64 / 48_000.0;
        re += f64::from(frame[0]) * phase.cos();
        im += f64::from(frame[0]) * phase.sin();
    }
    2.0 * (re * re + im * im).sqrt() / window.len() as f64
}

/// One request with the connection closed after it; the whole answer.
pub fn get(port: u16, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "{request}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
