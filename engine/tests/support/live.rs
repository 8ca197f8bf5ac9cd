//! What tests of live inputs share: sessions handed over, encoders that are real, and one of our
//! own that keeps time.

use super::*;
use grimnir_engine_proto::bounds::ENVIRONMENT;
use grimnir_events::codec::decode_bytes;
use grimnir_events::live::*;
use std::net::TcpStream;

/// A session for `/mount-N` with the secret `secret-N`, valid for an hour.
pub fn grant(number: u8, take: TakePolicy) -> LiveGrant {
    let id = LiveSessionId([number; 16]);
    let session = LiveSession {
        id,
        name: format!("DJ {number}"),
        username: String::new(),
        digest: secret_digest(id, &format!("secret-{number}")),
        mount: format!("/mount-{number}"),
        validity: LiveValidity::Shows { show_id: None },
        tier: Tier::LiveOverride,
        take,
        mode: LiveMode::Replace,
    };
    let (from, until) = (now().plus(-1_000_000), now().plus(3_600_000_000));
    LiveGrant { session, windows: vec![(from, until)], take: (0, take), disconnect: 0 }
}

/// Hands over who may come in, and which claims there are.
pub async fn set_inputs(client: &mut Client, revision: u64, grants: &[LiveGrant]) {
    set_live(client, revision, grants, vec![]).await;
}

/// The same, and claims that are released.
pub async fn set_live(
    client: &mut Client,
    revision: u64,
    grants: &[LiveGrant],
    ended: Vec<ClaimId>,
) {
    let inputs = EngineInputs { revision, station_id: STATION, grants: grants.to_vec() };
    let claims =
        EngineClaims { revision, claims: vec![], ended, owner: AUTOMATION_CLAIM, skips: vec![] };
    let request = v1::SetClaimsRequest {
        claims_payload: bytes(&claims),
        inputs_payload: bytes(&inputs),
        epoch: 1,
        ..Default::default()
    };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

/// What the engine says of live inputs.
pub fn live_facts(facts: &[AirFact]) -> Vec<LiveAirEvent> {
    let live = |fact: &AirFact| match &fact.event {
        AirEvent::Live(event) => Some((**event).clone()),
        _ => None,
    };
    facts.iter().filter_map(live).collect()
}

pub fn is_ready(facts: &[AirFact], number: u8) -> Option<String> {
    let id = LiveSessionId([number; 16]);
    live_facts(facts).into_iter().find_map(|event| match event {
        LiveAirEvent::Ready { session_id, format } if session_id == id => Some(format),
        _ => None,
    })
}

/// Owners in the order in which they were heard, with their reasons.
pub fn owners(facts: &[AirFact]) -> Vec<(ClaimId, grimnir_events::ladder::OwnerReason)> {
    let owner = |fact: &AirFact| match fact.event {
        AirEvent::OwnerChanged { to, reason, .. } => Some((to, reason)),
        _ => None,
    };
    facts.iter().filter_map(owner).collect()
}

/// Follows the journal from `from` until `enough`; fails after `seconds`.
pub async fn facts_within(
    client: &mut Client,
    from: u64,
    seconds: u64,
    mut enough: impl FnMut(&[AirFact]) -> bool,
) -> Vec<AirFact> {
    let mut facts: Vec<AirFact> = Vec::new();
    let request = v1::PullJournalRequest { from_seq: from };
    let mut stream = client.pull_journal(request).await.unwrap().into_inner();
    let all = async {
        while !enough(&facts) {
            let record = stream.message().await.unwrap().expect("journal goes on");
            let fact: AirFact = decode_bytes(&record.fact_payload).unwrap();
            assert_eq!(fact.journal_seq, record.seq);
            facts.push(fact);
        }
    };
    let timely = tokio::time::timeout(Duration::from_secs(seconds), all).await;
    assert!(timely.is_ok(), "not seen; facts so far: {facts:#?}");
    facts
}

impl Rig {
    /// The port of the harbor; Shoutcast's is the next.
    pub fn harbor(&self) -> u16 {
        let card = std::fs::read(self.engine_dir().join("engine.json")).unwrap();
        let card: serde_json::Value = serde_json::from_slice(&card).unwrap();
        card["harbor_port"].as_u64().unwrap() as u16
    }
}

/// A program that is ended with the test.
pub struct Encoder(pub Child);

impl Encoder {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|e| panic!("{program}: {e} (see deploy/setup.sh test)")))
    }

    /// ffmpeg in real time, with a tone.
    pub fn ffmpeg(hertz: u32, output: &[&str]) -> Self {
        let source = format!("sine=frequency={hertz}:sample_rate=44100");
        let mut all = vec!["-v", "error", "-re", "-f", "lavfi", "-i", &source];
        all.extend(["-af", "volume=4", "-ac", "2"]);
        all.extend(output);
        Self::start("ffmpeg", &all)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Says something to a port; all that comes back until the other side closes.
pub fn say(port: u16, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(text).unwrap();
    let (mut all, mut part) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        all.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// An encoder of our own: constant bitrate MP3 of tones, at a pace that can be changed.
pub struct Sender {
    stop: std::sync::mpsc::Sender<Pace>,
    line: TcpStream,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the sender is to do from now on.
#[derive(Clone)]
pub enum Pace {
    /// Send this sound, over and over, at so many times real time.
    Play(std::sync::Arc<Vec<u8>>, f64),
    /// Keep the connection and send nothing; what would have been sent waits if true.
    Hold(bool),
}

/// Bytes of MP3 in a second: 128 kbit/s.
const BYTE_RATE: f64 = 16_000.0;

/// Ten seconds of a tone as MP3.
pub fn tone_mp3(rig: &Rig, hertz: u32) -> std::sync::Arc<Vec<u8>> {
    let path = rig.dir.path().join(format!("live-{hertz}.mp3"));
    let source = format!("sine=frequency={hertz}:sample_rate=48000:duration=10");
    let encode = ["-ac", "2", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];
    let all = [&["-f", "lavfi", "-i", &source, "-af", "volume=4"][..], &encode].concat();
    ffmpeg(&all, &path);
    std::sync::Arc::new(std::fs::read(path).unwrap())
}

impl Sender {
    /// Signs in as `number` and plays.
    pub fn connect(port: u16, number: u8, sound: &std::sync::Arc<Vec<u8>>) -> Self {
        Self::at_pace(port, number, Pace::Play(sound.clone(), 1.0))
    }

    pub fn at_pace(port: u16, number: u8, first: Pace) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(Self::head(number).as_bytes()).unwrap();
        let mut answer = [0; 19];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.0 200 OK\r\n\r\n");
        let (stop, orders) = std::sync::mpsc::channel();
        let line = stream.try_clone().unwrap();
        let thread = std::thread::spawn(move || send(&mut stream, first, &orders));
        Self { stop, line, thread: Some(thread) }
    }

    /// What it signs in with.
    pub fn head(number: u8) -> String {
        let login = base64(&format!("source:secret-{number}"));
        format!(
            "SOURCE /mount-{number} HTTP/1.0\r\nAuthorization: Basic {login}\r\n\
             Content-Type: audio/mpeg\r\nUser-Agent: test\r\n\r\n"
        )
    }

    pub fn set(&self, pace: Pace) {
        let _ = self.stop.send(pace);
    }

    pub fn hang_up(mut self) {
        let (gone, _) = std::sync::mpsc::channel();
        self.stop = gone;
        let _ = self.line.shutdown(std::net::Shutdown::Both);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn send(stream: &mut TcpStream, first: Pace, orders: &std::sync::mpsc::Receiver<Pace>) {
    let (mut pace, mut owed, mut at) = (first, 0.0, 0usize);
    let mut last = Instant::now();
    let mut sound = std::sync::Arc::new(Vec::new());
    loop {
        match orders.recv_timeout(Duration::from_millis(20)) {
            Ok(next) => pace = next,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
        }
        let passed = last.elapsed().as_secs_f64();
        last = Instant::now();
        match &pace {
            Pace::Play(next, speed) => {
                if !std::sync::Arc::ptr_eq(next, &sound) {
                    (sound, at) = (next.clone(), 0);
                }
                owed += passed * speed * BYTE_RATE;
            }
            Pace::Hold(waits) => {
                if *waits {
                    owed += passed * BYTE_RATE;
                }
                continue;
            }
        }
        // Whole frames of 384 bytes.
        let count = (owed / 384.0) as usize * 384;
        owed -= count as f64;
        let part: Vec<u8> = sound.iter().cycle().skip(at).take(count).copied().collect();
        at = (at + count) % sound.len();
        if stream.write_all(&part).is_err() {
            return;
        }
    }
}

pub fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in text.as_bytes().chunks(3) {
        let word = part.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
        let word = word << (8 * (3 - part.len()));
        for place in 0..4 {
            let sign = SIGNS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= part.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

/// An engine on air with a tone of 440 Hz.
pub async fn on_air(grants: &[LiveGrant]) -> (Rig, Client, u16) {
    on_air_in(&[], grants).await
}

/// The same, with more in its environment.
pub async fn on_air_in(environment: &[(&str, &Path)], grants: &[LiveGrant]) -> (Rig, Client, u16) {
    let mut rig = Rig::new();
    let tone = rig.tone(440, 120.0, "flac");
    rig.start_in(&[], environment);
    let (mut client, port) = rig.client().await;
    let mut config = config(1);
    config.rotation = vec![item(10, tone), item(11, tone)];
    configure(&mut client, &config).await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    set_inputs(&mut client, 1, grants).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    (rig, client, port)
}

/// Processes of the engine with this command: the kernel confines them, and of the variables of
/// who started it they have those that a decoder needs.
pub fn children(rig: &Rig, command: &str) -> Vec<u32> {
    let parent = format!("PPid:\t{}", rig.child.as_ref().unwrap().id());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let (status, words) = (read("status"), read("cmdline"));
        let is = |wanted: &str| status.lines().any(|line| line == wanted);
        if is(&parent) && words.split('\0').nth(1) == Some(command) {
            assert!(is("Seccomp:\t2") && is("NoNewPrivs:\t1"), "{status}");
            let variables = read("environ");
            for variable in variables.split('\0').filter(|variable| !variable.is_empty()) {
                let name = variable.split('=').next().unwrap();
                assert!(ENVIRONMENT.contains(&name), "{command} is given {name}");
            }
            found.push(entry.file_name().to_str().unwrap().parse().unwrap());
        }
    }
    found
}

/// Waits until none of these processes is there.
pub fn until_gone(processes: &[u32]) {
    let until = Instant::now() + Duration::from_secs(10);
    let is_there = |id: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        // What waits for its end to be read is gone.
        !status.is_empty() && !status.contains("State:\tZ")
    };
    while processes.iter().any(is_there) {
        assert!(Instant::now() < until, "of {processes:?} some are still there");
        std::thread::yield_now();
    }
}

/// How many facts of live sessions are such.
pub fn count(facts: &[AirFact], wanted: impl Fn(&LiveAirEvent) -> bool) -> usize {
    live_facts(facts).iter().filter(|event| wanted(event)).count()
}

/// Waits until so many frames more have aired.
pub async fn heard_for(client: &mut Client, frames: i64) {
    let request = || v1::StatusRequest {};
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let mut until = None;
    loop {
        let now = client.get_status(request()).await.unwrap().into_inner().air_frame;
        if now >= *until.get_or_insert(now + frames) {
            return;
        }
        look.tick().await;
    }
}
