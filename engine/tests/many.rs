//! Ten stations with three outputs each on one machine, in real time: no listener waits for the
//! next bytes by half a second more than the machine kept a thread like an encoder's waiting. An
//! hour of it with `GRIMNIR_SOAK=1`.
//!
//! Alone in its program, so that no other test is at work beside it.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::MountId;
use grimnir_events::handover::EngineConfig;
use grimnir_events::station::{Mount, MountFormat};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::*;

const STATIONS: usize = 10;
const MOUNTS: [(&str, MountFormat, u16); 3] = [
    ("/live.mp3", MountFormat::Mp3, 128),
    ("/live.aac", MountFormat::AacLc, 64),
    ("/live.opus", MountFormat::Opus, 96),
];
/// No listener waits longer for the next bytes, beside what the machine stalls; and where that
/// stalls for as long, nothing is measured.
const LONGEST_GAP: Duration = Duration::from_millis(500);
/// Length of an item, and how far the next one overlaps it.
const ITEM_SECONDS: f64 = 20.0;
const OVERLAP: i64 = 3 * 48_000;

fn seconds() -> u64 {
    if std::env::var_os("GRIMNIR_SOAK").is_some() { 3_600 } else { 60 }
}

/// What a listener got.
struct Got {
    bytes: u64,
    gap: Duration,
}

/// Listens until told to stop.
fn watch(port: u16, path: &'static str, stop: Arc<AtomicBool>) -> JoinHandle<Got> {
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut some = vec![0; 65_536];
        let mut got = Got { bytes: stream.read(&mut some).unwrap() as u64, gap: Duration::ZERO };
        let mut last = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let count = stream.read(&mut some).unwrap_or(0);
            got.gap = got.gap.max(last.elapsed());
            last = Instant::now();
            got.bytes += count as u64;
            assert!(count > 0, "{path}: the stream ended after {} bytes", got.bytes);
        }
        got
    })
}

/// What a thread does that works like an encoder: a few milliseconds at a time.
const WORK: u32 = 100_000;
/// How often it does.
const EVERY: Duration = Duration::from_millis(144);
/// So many of them, of which the one that waited longest tells.
const WORKERS: usize = 3;

fn work() -> Duration {
    let began = Instant::now();
    std::hint::black_box((0..WORK).map(|n| f64::from(n).sqrt().sin()).sum::<f64>());
    began.elapsed()
}

/// How much longer than it needs the machine kept such a thread: others are at work on it, and no
/// fault of the stations.
fn stalls(stop: Arc<AtomicBool>) -> JoinHandle<Duration> {
    std::thread::spawn(move || {
        let needed = (0..5).map(|_| work()).min().unwrap();
        let mut longest = Duration::ZERO;
        while !stop.load(Ordering::Relaxed) {
            let due = Instant::now() + EVERY;
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                std::thread::park_timeout(left);
            }
            work();
            longest = longest.max(due.elapsed().saturating_sub(needed));
        }
        longest
    })
}

fn three_mounts() -> EngineConfig {
    let mount = |(n, (path, format, bitrate_kbps)): (u8, (&str, MountFormat, u16))| Mount {
        id: MountId([n; 16]),
        name: path.into(),
        path: path.into(),
        format,
        bitrate_kbps,
    };
    EngineConfig { mounts: (1..).zip(MOUNTS).map(mount).collect(), ..config(1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_listener_of_ten_stations_waits_half_a_second_beyond_what_the_machine_stalls() {
    let mut stations: Vec<(Rig, Client, u16)> = Vec::new();
    let stop = Arc::new(AtomicBool::new(false));
    let items = (seconds() as f64 / (ITEM_SECONDS - 3.0)) as usize + 2;
    let kept = tempfile::tempdir().unwrap();
    let tones = [440, 660].map(|hertz| {
        let path = kept.path().join(format!("{hertz}.flac"));
        make_tone(&path, hertz, ITEM_SECONDS);
        path
    });
    let mut listeners = Vec::new();
    for _ in 0..STATIONS {
        let mut rig = Rig::new();
        let stored: Vec<_> =
            tones.iter().map(|file| (rig.store(file), (ITEM_SECONDS * 48_000.0) as i64)).collect();
        rig.start();
        let (mut client, port) = rig.client().await;
        shape(&mut client, &[("AGC", &[]), ("COMPRESSOR", &[])]).await;
        let programme: Vec<_> = stored.iter().cycle().take(items).copied().collect();
        set_timeline(&mut client, 1, chain(&programme, now(), OVERLAP)).await;
        configure(&mut client, &three_mounts()).await;
        facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
        for (path, ..) in MOUNTS {
            listeners.push((path, watch(port, path, stop.clone())));
        }
        stations.push((rig, client, port));
    }
    let machine = [(); WORKERS].map(|()| stalls(stop.clone()));
    // The control plane asks as well.
    let request = || v1::TelemetryRequest { interval_ms: 100 };
    let mut telemetry = Vec::new();
    for (_, client, _) in &mut stations {
        telemetry.push(client.stream_telemetry(request()).await.unwrap().into_inner());
    }
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut last = vec![v1::Telemetry::default(); STATIONS];
    while Instant::now() < end {
        for (stream, last) in telemetry.iter_mut().zip(&mut last) {
            *last = stream.message().await.unwrap().unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let machine = machine.map(|thread| thread.join().unwrap()).into_iter().max().unwrap();
    let got: Vec<(&str, Got)> =
        listeners.into_iter().map(|(path, thread)| (path, thread.join().unwrap())).collect();
    let late: Vec<u64> = last.iter().map(|telemetry| telemetry.late_blocks).collect();
    let longest = got.iter().map(|(_, got)| got.gap).max().unwrap();
    println!("longest gap {longest:?}; the machine stalled {machine:?}; late blocks {late:?}");
    assert!(machine < LONGEST_GAP, "others are at work here: a thread waited for {machine:?}");
    for (path, got) in got {
        let whose = format!("{path}: {} bytes", got.bytes);
        assert!(got.gap <= LONGEST_GAP + machine, "{whose}, a gap of {:?}", got.gap);
        // A constant rate: what is not on its way has come.
        let least = if path == "/live.mp3" { (seconds() - 2) * 16_000 } else { 1 };
        assert!(got.bytes >= least, "{whose}, expected {least}");
    }
    let underruns: u64 = last.iter().map(|telemetry| telemetry.underruns).sum();
    assert_eq!(underruns, 0, "every file is read in time");
}
