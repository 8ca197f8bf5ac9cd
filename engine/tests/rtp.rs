//! Outputs by RTP of a running engine, as GStreamer and ffmpeg receive them: over a good network
//! every frame of the programme, over a bad one every frame at its place.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::OutputId;
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::*;
use grimnir_events::rtp::{RtpOutput, RtpPayload};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::weather::{BAD, Relay};
use support::*;

const HOST: &str = "127.0.0.1";
const L16: RtpPayload = RtpPayload::L16 { packet_ms: 5 };

/// An even port with the one above it.
fn even() -> u16 {
    let first = ports::adjacent(3);
    first + first % 2
}

fn rtp(n: u8, port: u16, payload: RtpPayload) -> EngineOutput {
    let payload_type = if matches!(payload, RtpPayload::Mp3 { .. }) { 14 } else { 97 };
    let to = RtpOutput { host: HOST.into(), port, payload, payload_type, ttl: 1 };
    let (id, name) = (OutputId([n; 16]), format!("Output {n}"));
    let output = Output { id, name, kind: OutputKind::Rtp(to), enabled: true };
    EngineOutput { output, secret: None }
}

/// Somebody who receives into a file until dropped.
struct Receiver {
    child: Child,
    file: PathBuf,
}

impl Receiver {
    fn start(program: &str, arguments: &[&str], file: PathBuf) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e} (see deploy/setup.sh test)"));
        Self { child, file }
    }

    /// GStreamer, with what its tool is told of the payload and what becomes of it.
    fn gstreamer(dir: &Path, port: u16, payload: &str, order: &str, depay: &str) -> Self {
        let file = dir.join(format!("gst-{port}"));
        let text = format!(
            "-q udpsrc port={port} buffer-size=1000000 \
             caps=application/x-rtp,media=audio,payload=97,{payload} \
             ! rtpjitterbuffer latency=300 {order} ! {depay} ! filesink location={} buffer-mode=2",
            file.display()
        );
        Self::start("gst-launch-1.0", &text.split_whitespace().collect::<Vec<_>>(), file)
    }

    /// ffmpeg, which is given the document that the API serves.
    fn ffmpeg(dir: &Path, of: &EngineOutput, format: &str) -> Self {
        let name = of.output.id.to_string();
        let (document, file) = (dir.join(format!("{name}.sdp")), dir.join(format!("{name}.raw")));
        std::fs::write(&document, grimnir_rules::station::sdp(&of.output).unwrap()).unwrap();
        let document = document.to_str().unwrap();
        let whitelist = ["-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp"];
        let pace = ["-fflags", "nobuffer", "-analyzeduration", "200000", "-i", document];
        let place = file.to_str().unwrap();
        let out = ["-f", format, "-ac", "2", "-ar", "48000", "-flush_packets", "1", place];
        Self::start("ffmpeg", &[&whitelist[..], &pace[..], &out[..]].concat(), file.clone())
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// What it received.
    fn end(mut self) -> Vec<u8> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::read(&self.file).unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_arrive_whole_and_over_a_bad_network_each_at_its_place() {
    let mut rig = Rig::new();
    let programme = coded(&rig, 60 * 48_000);
    rig.start();
    let (mut client, _) = rig.client().await;
    let ports = [even(), even(), even(), even(), even()];
    let outputs: Vec<EngineOutput> = [
        rtp(1, ports[0], L16),
        rtp(2, ports[1], RtpPayload::L24 { packet_ms: 1 }),
        rtp(3, ports[2], L16),
        rtp(4, ports[4], L16),
    ]
    .into();
    let (dir, l16) = (rig.dir.path(), "clock-rate=48000,encoding-name=L16,channels=2");
    let good = Receiver::gstreamer(dir, ports[0], l16, "", "rtpL16depay");
    let by_document = Receiver::ffmpeg(dir, &outputs[1], "s16le");
    let fills = "rtpL16depay ! audiorate skip-to-first=true tolerance=1000000";
    // By the sender's clock alone, to the sample; it drops what comes late.
    let bad = Receiver::gstreamer(dir, ports[3], l16, "mode=none", fills);
    let relay = Relay::begin(ports[2], ports[3], BAD);
    let config = EngineConfig { mounts: vec![], ..config(1) };
    set_outputs(&mut client, &config, outputs).await;
    // Nobody is at the last one's port.
    let facts = facts_until(&mut client, 1, |facts| {
        (1..=3).all(|n| healths(facts, n).iter().any(|(health, _)| *health == OutputHealth::Up))
            && healths(facts, 4).iter().any(|(_, reason)| reason.contains("nobody takes it"))
    })
    .await;
    assert!(healths(&facts, 4).iter().all(|(health, _)| *health == OutputHealth::Down));
    set_timeline(&mut client, 1, chain(&[programme], now(), 0)).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    // Somebody is.
    let late = Receiver::gstreamer(dir, ports[4], l16, "", "rtpL16depay");
    let from = facts.len() as u64 + 1;
    let up = |facts: &[_]| healths(facts, 4).iter().any(|(health, _)| *health == OutputHealth::Up);
    facts_until(&mut client, from, up).await;
    pass(&mut client, 5).await;
    let enough = |receiver: &Receiver| receiver.size() > 4 * 5 * 48_000;
    pass_until(&mut client, "all receive", || {
        [&good, &by_document, &bad].into_iter().all(enough) && late.size() > 0
    })
    .await;
    let state = target(&mut client, 1).await;
    assert_eq!((state.health.as_str(), state.lost_bytes), ("up", 0), "{state:?}");
    let whole = assert_whole("L16", &said(&good.end(), i16::from_be_bytes));
    let by_document = assert_whole("L24", &said(&by_document.end(), i16::from_le_bytes));
    let (there, missing) = assert_in_place(&said(&bad.end(), i16::from_be_bytes));
    assert_whole("who came late", &said(&late.end(), i16::from_be_bytes));
    let [lost, swapped] = relay.end();
    assert!(whole > 3 * 48_000 && by_document > 3 * 48_000, "{whole}, {by_document} frames");
    assert!(lost > 10 && swapped > 5, "{lost} lost, {swapped} swapped");
    let share = missing as f64 / (there + missing) as f64;
    assert!((0.01..0.12).contains(&share), "{missing} of {} frames are missing", there + missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encoded_arrives_whole_at_ffmpeg_and_gstreamer() {
    let mut rig = Rig::new();
    let programme = climbing(&rig, 60);
    rig.start();
    let (mut client, _) = rig.client().await;
    let ports = [even(), even()];
    let outputs: Vec<EngineOutput> = [
        rtp(1, ports[0], RtpPayload::Mp3 { bitrate_kbps: 192 }),
        rtp(2, ports[1], RtpPayload::Opus { bitrate_kbps: 128 }),
    ]
    .into();
    let dir = rig.dir.path();
    let opus = "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=F32LE,channels=2";
    let caps = "clock-rate=48000,encoding-name=OPUS";
    let receivers = [
        ("MP3", Receiver::ffmpeg(dir, &outputs[0], "f32le")),
        ("Opus", Receiver::gstreamer(dir, ports[1], caps, "", opus)),
    ];
    set_timeline(&mut client, 1, chain(&[programme], now(), 0)).await;
    set_outputs(&mut client, &config(1), outputs.clone()).await;
    let up = |facts: &[_], n| healths(facts, n).iter().any(|(h, _)| *h == OutputHealth::Up);
    facts_until(&mut client, 1, |facts| started(facts).len() == 1 && up(facts, 1) && up(facts, 2))
        .await;
    let enough = |(_, receiver): &(_, Receiver)| receiver.size() > 8 * 6 * 48_000;
    pass_until(&mut client, "all receive", || receivers.iter().all(enough)).await;
    let turns = Turns::new();
    for (whose, receiver) in receivers {
        let bytes = receiver.end();
        let sample = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let heard: Vec<_> =
            (0..bytes.len() / 8).map(|n| [sample(n * 8), sample(n * 8 + 4)]).collect();
        let frames = turns.whole(&heard).unwrap_or_else(|wrong| panic!("{whose}: {wrong}"));
        assert!(frames > 4 * 48_000, "{whose}: {frames} frames");
    }
}
