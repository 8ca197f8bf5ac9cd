//! Outputs of the engine's tests: how they are handed over, what is reported of them, and material
//! whose every frame says which it is.

use super::*;
use grimnir_events::output::*;

pub fn encoding(format: MountFormat, bitrate_kbps: u16) -> Encoding {
    Encoding { format, bitrate_kbps }
}

pub fn output(n: u8, kind: OutputKind, secret: &str) -> EngineOutput {
    let name = format!("Output {n}");
    let output = Output { id: OutputId([n; 16]), name, kind, enabled: true };
    EngineOutput { output, secret: Some(secret.into()) }
}

pub fn icecast_output(n: u8, port: u16, mount: &str, encoding: Encoding) -> EngineOutput {
    let to = IcecastOutput {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        mount: mount.into(),
        user: "source".into(),
        password: None,
        encoding,
        method: SourceMethod::Auto,
        public: false,
        description: "All day".into(),
        genre: "Test".into(),
        url: String::new(),
        chain_titles: false,
    };
    output(n, OutputKind::Icecast(to), icecast::PASSWORD)
}

pub async fn set_outputs(client: &mut Client, config: &EngineConfig, outputs: Vec<EngineOutput>) {
    let request = v1::ConfigureRequest {
        config_payload: bytes(config),
        outputs_payload: bytes(&EngineOutputs { outputs }),
        epoch: 1,
    };
    assert!(client.configure(request).await.unwrap().into_inner().accepted);
}

/// Health of an output, each time it changed, and why.
pub fn healths(facts: &[AirFact], n: u8) -> Vec<(OutputHealth, String)> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::OutputReported { output_id, report } if *output_id == OutputId([n; 16]) => {
            match &**report {
                OutputReport::Health { health, reason } => Some((*health, reason.clone())),
                OutputReport::Recording(_) => None,
            }
        }
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

pub async fn target(client: &mut Client, n: u8) -> v1::TargetStatus {
    let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
    status.targets.into_iter().find(|target| target.output_id == [n; 16]).unwrap()
}

/// Puts sound of 16 bits into the store, made frame by frame.
pub fn store_wav(
    rig: &Rig,
    name: &str,
    frames: u32,
    of: impl Fn(u32) -> [i16; 2],
) -> (ContentHash, i64) {
    let mut wav = Vec::new();
    let data = frames * 4;
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(data + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend_from_slice(&48_000u32.to_le_bytes());
    wav.extend_from_slice(&192_000u32.to_le_bytes());
    wav.extend_from_slice(b"\x04\0\x10\0data");
    wav.extend_from_slice(&data.to_le_bytes());
    for n in 0..frames {
        of(n).iter().for_each(|sample| wav.extend_from_slice(&sample.to_le_bytes()));
    }
    let path = rig.dir.path().join(name).with_extension("wav");
    std::fs::write(&path, wav).unwrap();
    (rig.store(&path), i64::from(frames))
}

/// A factor and its inverse in 24 bits: what follows one another looks drawn, so that no codec
/// makes it small.
const SCATTER: u32 = 0x9E_3779;
const GATHER: u32 = 0xB3_82C9;

/// Sound whose frame n says n: twelve bits in each channel, a quarter of full scale.
pub fn coded(rig: &Rig, frames: u32) -> (ContentHash, i64) {
    let sample = |bits: u32| ((bits & 0xFFF) as i16 - 2_048) * 4;
    let scattered = |n: u32| n.wrapping_mul(SCATTER);
    store_wav(rig, "coded", frames, |n| [sample(scattered(n)), sample(scattered(n) >> 12)])
}

/// What each frame of a lossless stream says.
pub fn codes(dir: &Path, name: &str, body: &[u8]) -> Vec<u32> {
    let (coded, raw) = (dir.join(name), dir.join("codes.raw"));
    std::fs::write(&coded, body).unwrap();
    let coded = coded.to_str().unwrap();
    ffmpeg(&["-i", coded, "-f", "s16le", "-ac", "2", "-ar", "48000"], &raw);
    said(&std::fs::read(&raw).unwrap(), i16::from_le_bytes)
}

/// What frames of samples of 16 bits say.
pub fn said(bytes: &[u8], sample: fn([u8; 2]) -> i16) -> Vec<u32> {
    let part = |at: usize| {
        let value = sample(bytes[at..at + 2].try_into().unwrap());
        ((f32::from(value) / 4.0).round() as i32 + 2_048) as u32 & 0xFFF
    };
    let scattered = |n: usize| part(n * 4) | part(n * 4 + 2) << 12;
    (0..bytes.len() / 4).map(|n| scattered(n).wrapping_mul(GATHER) & 0xFF_FFFF).collect()
}

/// What silence says.
pub const SILENT: u32 = (2_048u32 | 2_048 << 12).wrapping_mul(GATHER) & 0xFF_FFFF;

/// Asserts that each frame that is there stands as far behind the first as it is in the programme;
/// how many are there, and how many silent ones are between them.
pub fn assert_in_place(codes: &[u32]) -> (usize, usize) {
    let sound = |code: &u32| *code != SILENT;
    let in_order =
        |at: &usize| (0..64).all(|n| codes.get(at + n) == Some(&(codes[*at] + n as u32)));
    let first = (0..codes.len()).find(in_order).expect("some sound came");
    let last = codes.iter().rposition(sound).unwrap();
    let codes = &codes[first..=last];
    for (n, code) in codes.iter().enumerate().filter(|(_, code)| sound(code)) {
        assert_eq!(*code, codes[0] + n as u32, "frame {n} after the first, of {}", codes.len());
    }
    let there = codes.iter().filter(|code| sound(code)).count();
    (there, codes.len() - there)
}

/// Asserts that every frame from the first one heard on is there once, in order; how many.
pub fn assert_whole(whose: &str, codes: &[u32]) -> usize {
    let begins =
        |at: usize| codes[at..].iter().take(64).zip(0u32..).all(|(c, n)| *c == codes[at] + n);
    let first = (0..codes.len().saturating_sub(64)).find(|at| begins(*at));
    let first = first.unwrap_or_else(|| panic!("{whose}: no programme in {} frames", codes.len()));
    for (n, code) in codes[first..].iter().enumerate() {
        let expected = codes[first] + n as u32;
        assert_eq!(
            *code,
            expected,
            "{whose}: frame {n} after the first, of {}",
            codes.len() - first
        );
    }
    codes.len() - first
}

/// Waits for something that no fact tells, for 20 s of the programme at most.
pub async fn pass_until(client: &mut Client, what: &str, done: impl Fn() -> bool) {
    for _ in 0..20 {
        if done() {
            return;
        }
        pass(client, 1).await;
    }
    assert!(done(), "{what}");
}

/// Lets so much of the air pass.
pub async fn pass(client: &mut Client, seconds: i64) {
    let request = v1::TelemetryRequest { interval_ms: 100 };
    let mut telemetry = client.stream_telemetry(request).await.unwrap().into_inner();
    let first = telemetry.message().await.unwrap().unwrap().air_frame;
    while telemetry.message().await.unwrap().unwrap().air_frame < first + seconds * 48_000 {}
}

/// Somebody who asks for a mount and takes nothing of it.
pub fn slow_listener(port: u16, path: &str) -> std::net::TcpStream {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let line = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&line, 1_024).unwrap();
    let to = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
    connect(&line, &to).unwrap();
    let mut line = std::net::TcpStream::from(line);
    write!(line, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    line
}

/// Waits until so many listen to the mounts.
pub async fn until_listeners(client: &mut Client, enough: impl Fn(usize) -> bool) {
    for _ in 0..120 {
        let answer = client.list_listeners(v1::ListenersRequest {}).await.unwrap().into_inner();
        if enough(answer.listeners.len()) {
            return;
        }
        pass(client, 1).await;
    }
    panic!("the listeners are others");
}

impl Rig {
    /// Starts it with its recordings on a disk of their own, of so many kilobytes.
    pub fn start_on_small_disk(&mut self, kilobytes: u32) {
        let recordings = self.engine_dir().join("recordings");
        std::fs::create_dir_all(&recordings).unwrap();
        let mount = format!("mount -t tmpfs -o size={kilobytes}k none '{}'", recordings.display());
        let log = std::fs::File::create(self.dir.path().join("engine.log")).unwrap();
        let child = Command::new("unshare")
            .args(["-rm", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh", PROGRAM])
            .args(["run", "--listen", "127.0.0.1:0", "--station", &STATION.to_string(), "--dir"])
            .arg(self.engine_dir())
            .arg("--media")
            .arg(self.dir.path().join("media"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("unshare is installed");
        self.child = Some(child);
    }
}
