//! Lines and pushes over networks that lose packets, to and from GStreamer's own tools: SRT loses
//! nothing, and what RTP loses is silence of its length. Lines are asked as the engine starts them:
//! a process that writes frames.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::line::{LiveLine, RtpSound};
use grimnir_events::output::*;
use grimnir_events::station::MountFormat;
use grimnir_events::{ContentHash, CredentialId, LiveSessionId};
use grimnir_mix::Frame;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::live::Encoder;
use support::weather::{BAD, Relay};
use support::*;

const HOST: &str = "127.0.0.1";
const KEY: &str = "a_winter_evening";
const OTHER_KEY: &str = "a_summer_evening";
/// What comes late on a busy machine is no loss.
const LATENCY_MS: u32 = 1_000;

fn named() -> SecretRef {
    SecretRef { id: CredentialId([1; 16]), fingerprint: ContentHash([1; 32]) }
}

/// The process of a line, and what it wrote.
struct Process {
    child: Child,
    frames: Arc<Mutex<Vec<u8>>>,
    words: Arc<Mutex<Vec<String>>>,
}

impl Process {
    fn start(line: &LiveLine, passphrase: &str) -> Self {
        let (session, digest) = (LiveSessionId([1; 16]), ContentHash([0; 32]));
        let task = serde_json::json!({ "line": line, "session_id": session, "digest": digest })
            .to_string();
        let mut child = Command::new(PROGRAM)
            .args(["line", "--task", &task])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(passphrase.as_bytes()).unwrap();
        let (frames, words) =
            (Arc::<Mutex<Vec<u8>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (mut out, said) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (came, told) = (frames.clone(), words.clone());
        std::thread::spawn(move || {
            let mut some = [0; 16 * 1024];
            while let Ok(read @ 1..) = out.read(&mut some) {
                came.lock().unwrap().extend_from_slice(&some[..read]);
            }
        });
        std::thread::spawn(move || {
            let lines = BufReader::new(said).lines();
            lines.map_while(Result::ok).for_each(|line| told.lock().unwrap().push(line));
        });
        Self { child, frames, words }
    }

    /// Waits until so many seconds of sound came, with a sender that begins anew when it ends.
    fn until_seconds(&self, seconds: usize, sender: impl Fn() -> Encoder) {
        let enough = || self.frames.lock().unwrap().len() >= seconds * 48_000 * 8;
        again_until(enough, sender, &self.words);
    }

    fn said(&self, word: &str) -> bool {
        self.words.lock().unwrap().iter().any(|line| line == word)
    }

    fn heard(&self) -> Vec<Frame> {
        let bytes = self.frames.lock().unwrap();
        let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Until then senders are started one after the other: one that came too early ends.
fn again_until(
    enough: impl Fn() -> bool,
    sender: impl Fn() -> Encoder,
    words: &Mutex<Vec<String>>,
) {
    let until = Instant::now() + Duration::from_secs(60);
    let mut running = sender();
    while !enough() {
        assert!(Instant::now() < until, "not seen; said: {:?}", words.lock().unwrap());
        if running.0.try_wait().unwrap().is_some() {
            running = sender();
        }
        let (_tx, rx) = std::sync::mpsc::channel::<()>();
        let _ = rx.recv_timeout(Duration::from_millis(20));
    }
}

/// GStreamer's tool with a file, as fast as it sounds.
fn gstreamer(file: &Path, rest: &str) -> Encoder {
    let text = format!(
        "-q filesrc location={} ! wavparse ! audioconvert ! audioresample ! {rest}",
        file.display()
    );
    Encoder::start("gst-launch-1.0", &text.split_whitespace().collect::<Vec<_>>())
}

const TO_SRT: &str = "lamemp3enc target=bitrate bitrate=192 cbr=true ! mpegaudioparse \
                      ! mpegtsmux alignment=7 ! srtsink";

/// What calls a port over SRT, encrypted.
fn calling(port: u16, key: &str) -> String {
    let uri = format!("srt://{HOST}:{port}?mode=caller");
    format!("{TO_SRT} uri={uri} latency={LATENCY_MS} auto-reconnect=false passphrase={key}")
}

#[test]
fn what_rtp_loses_is_silence_of_its_length_and_the_rest_is_at_its_place() {
    let rig = Rig::new();
    coded(&rig, 20 * 48_000);
    let (file, sent, comes) = (rig.dir.path().join("coded.wav"), ports::one(), ports::one());
    let sound = RtpSound::L16 { rate: 48_000, channels: 2 };
    let (address, latency_ms) = (HOST.into(), LATENCY_MS);
    let process = Process::start(&LiveLine::Rtp { address, port: comes, sound, latency_ms }, "");
    let relay = Relay::begin(sent, comes, BAD);
    let packed = "rtpL16pay min-ptime=1000000 max-ptime=1000000";
    let sink = format!("{packed} ! udpsink host={HOST} port={sent}");
    process.until_seconds(6, || gstreamer(&file, &sink));
    let samples = process.heard().into_iter().flatten();
    let bytes: Vec<u8> =
        samples.flat_map(|sample| ((sample * 32_768.0) as i16).to_le_bytes()).collect();
    let (there, missing) = assert_in_place(&said(&bytes, i16::from_le_bytes));
    let [lost, swapped] = relay.end();
    assert!(lost > 10 && swapped > 5, "{lost} lost, {swapped} swapped");
    let share = missing as f64 / (there + missing) as f64;
    assert!((0.01..0.06).contains(&share), "{missing} of {} frames are missing", there + missing);
}

#[test]
fn an_encrypted_listener_hears_who_has_its_passphrase_over_a_bad_network() {
    let rig = Rig::new();
    climbing(&rig, 20);
    let (file, called, comes) = (rig.dir.path().join("climbing.wav"), ports::one(), ports::one());
    let (address, latency_ms) = (HOST.into(), LATENCY_MS);
    let line = LiveLine::SrtListener { address, port: comes, latency_ms }.encrypted(named());
    let process = Process::start(&line, KEY);
    let refused = || process.said("another passphrase");
    again_until(refused, || gstreamer(&file, &calling(comes, OTHER_KEY)), &process.words);
    assert!(process.heard().is_empty(), "who has another passphrase is heard");
    let relay = Relay::begin(called, comes, BAD);
    process.until_seconds(6, || gstreamer(&file, &calling(called, KEY)));
    let frames = Turns::new().whole(&process.heard()).unwrap();
    assert!(frames > 3 * 48_000, "{frames} frames");
    let [lost, swapped] = relay.end();
    assert!(lost > 2, "{lost} lost, {swapped} swapped");
}

#[test]
fn an_encrypted_caller_hears_a_listener_that_has_its_passphrase() {
    let rig = Rig::new();
    climbing(&rig, 20);
    let (file, port) = (rig.dir.path().join("climbing.wav"), ports::one());
    let line = |port| LiveLine::SrtCaller {
        host: HOST.into(),
        port,
        stream_id: String::new(),
        latency_ms: LATENCY_MS,
    };
    let uri = format!("srt://{HOST}:{port}?mode=listener");
    let to = format!("{TO_SRT} uri={uri} latency={LATENCY_MS} passphrase={KEY}");
    let _sender = gstreamer(&file, &to);
    let until = Instant::now() + Duration::from_secs(60);
    // Each process calls once; the engine begins another, and so is it here.
    let called = |key: &str, enough: &dyn Fn(&Process) -> bool| loop {
        let mut process = Process::start(&line(port).encrypted(named()), key);
        while process.child.try_wait().unwrap().is_none() && !enough(&process) {
            assert!(Instant::now() < until, "said: {:?}", process.words.lock().unwrap());
            std::thread::yield_now();
        }
        if enough(&process) {
            return process;
        }
    };
    let in_vain = |process: &Process| process.said("called in vain");
    called(OTHER_KEY, &in_vain);
    let enough = |process: &Process| process.frames.lock().unwrap().len() > 3 * 48_000 * 8;
    let heard = called(KEY, &enough).heard();
    let frames = Turns::new().whole(&heard).unwrap();
    assert!(frames > 48_000, "{frames} frames");
}

fn srt(n: u8, port: u16, key: &str) -> EngineOutput {
    let to = SrtOutput {
        host: HOST.into(),
        port,
        encoding: encoding(MountFormat::AacLc, 128),
        latency_ms: LATENCY_MS,
        stream_id: String::new(),
        passphrase: Some(named()),
    };
    output(n, OutputKind::Srt(to), key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_by_srt_is_whole_at_gstreamer_over_a_bad_network_and_refused_by_a_passphrase() {
    let mut rig = Rig::new();
    let programme = climbing(&rig, 60);
    rig.start();
    let (mut client, _) = rig.client().await;
    set_timeline(&mut client, 1, chain(&[programme], now(), 0)).await;
    let (called, comes, other) = (ports::one(), ports::one(), ports::one());
    let file = rig.dir.path().join("heard.ts");
    let listener = |port: u16, key: &str, rest: &str| {
        let uri = format!("srt://{HOST}:{port}?mode=listener");
        let text = format!("-q srtsrc uri={uri} latency={LATENCY_MS} passphrase={key} ! {rest}");
        Encoder::start("gst-launch-1.0", &text.split_whitespace().collect::<Vec<_>>())
    };
    let to_file = format!("filesink location={} buffer-mode=2", file.display());
    let _listeners = [listener(comes, KEY, &to_file), listener(other, OTHER_KEY, "fakesink")];
    let relay = Relay::begin(called, comes, BAD);
    let outputs = vec![srt(1, called, KEY), srt(2, other, KEY)];
    set_outputs(&mut client, &config(1), outputs).await;
    let facts = facts_until(&mut client, 1, |facts| {
        let up = |n| healths(facts, n).iter().any(|(health, _)| *health == OutputHealth::Up);
        assert!(!up(2), "who has another passphrase listens");
        up(1) && !healths(facts, 2).is_empty()
    })
    .await;
    let (health, reason) = &healths(&facts, 2)[0];
    assert_eq!((*health, reason.is_empty()), (OutputHealth::Down, false), "{reason}");
    let bytes = || std::fs::metadata(&file).map_or(0, |file| file.len());
    pass_until(&mut client, "6 s come", || bytes() > 7 * 16_000).await;
    let body = std::fs::read(&file).unwrap();
    let heard = decoded(rig.dir.path(), "cut.ts", &body);
    let frames = Turns::new().whole(&heard).unwrap();
    let [lost, swapped] = relay.end();
    assert!(frames > 3 * 48_000, "{frames} frames");
    assert!(lost > 2, "{lost} lost, {swapped} swapped");
}
