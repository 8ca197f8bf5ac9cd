//! Processor time and memory, beside Liquidsoap's over the same minute.

use crate::liquidsoap::{Liquidsoap, Wanted};
use crate::{pass, report, setting};
use grimnir_tests::cost::{Bare, cpu_by_thread, cpu_seconds, live, resident_mib};
use grimnir_tests::stage::KBPS;
use grimnir_tests::{Ear, Server, Setting, Stage};
use reqwest::Method;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Length of each item.
const ITEM: f64 = 30.0;
/// A crossfade, as long as Liquidsoap's.
const CROSSFADE_MS: u32 = 3_000;

/// Crossfades, compressor and limiter, and MP3 of 128 kbit/s.
pub async fn one_output() {
    let server = Server::start().await;
    let (stage, _ears) = on_air(&server, 0, &[]).await;
    let files = stage.files.clone();
    let at = |rate| Wanted { files: &files, rate, three: false, shaped: true };
    // As it is where nothing is said, which spares it resampling the music, and as we send.
    let [usual, alike] = [at(44_100), at(48_000)].map(|wanted| Liquidsoap::start(&wanted));
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    let [ours, usual_cpu, alike_cpu] = window([pid, usual.pid(), alike.pid()]).await;
    report("one_mp3_cpu", ours, "s/s", "liquidsoap", usual_cpu);
    report("one_mp3_cpu_same_rate", ours, "s/s", "liquidsoap_48k", alike_cpu);
    let memory = resident_mib(pid);
    report("one_mp3_resident", memory, "MiB", "aim", 60.0);
    report("one_mp3_resident", memory, "MiB", "liquidsoap", resident_mib(usual.pid()));
    drop((usual, alike));
    let bare = |rate, pace: &[String], files: &[PathBuf]| {
        let encoder = Bare::lame(KBPS);
        Bare { encoder: &encoder, rate, samples: "S16LE", pace }.cost(files, ITEM)
    };
    let [ours_bare, theirs_bare] = [48_000, 44_100].map(|rate| bare(rate, &[], &files));
    report("bare_lame_48k", ours_bare, "s/s", "bare_lame_44k1", theirs_bare);
    let (left, their_left) = (ours - ours_bare, usual_cpu - theirs_bare);
    report("one_mp3_cpu_beside_lame", left, "s/s", "liquidsoap_beside_lame", their_left);
    for ms in [24, 48, 96, 144, 240] {
        let fed = bare(48_000, &live(ms), &files[..1]);
        report(&format!("lame_fed_{ms}_ms"), fed, "s/s", "bare_lame_48k", ours_bare);
    }
}

/// The same with AAC-LC of 64 kbit/s and Opus of 96.
pub async fn three_outputs() {
    let server = Server::start().await;
    let (stage, _ears) = on_air(&server, 0, &[("aac_lc", 64), ("opus", 96)]).await;
    let peer =
        Liquidsoap::start(&Wanted { files: &stage.files, rate: 44_100, three: true, shaped: true });
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    let [ours, theirs] = window([pid, peer.pid()]).await;
    report("three_outputs_cpu", ours, "s/s", "liquidsoap", theirs);
    let (memory, their_memory) = (resident_mib(pid), resident_mib(peer.pid()));
    report("three_outputs_resident", memory, "MiB", "liquidsoap", their_memory);
}

/// A station with crossfades and a compressor on air, with listeners to its first mount and to
/// these beside it.
pub async fn on_air(server: &Server, number: usize, more: &[(&str, u32)]) -> (Stage, Vec<Ear>) {
    let setting = Setting {
        seconds: ITEM,
        tracks: 6,
        crossfade_ms: CROSSFADE_MS,
        rate: 44_100,
        music: true,
        number,
        ..Setting::default()
    };
    let stage = Stage::set(server, setting).await;
    let own = format!("/api/v1/stations/{}", stage.station);
    let nodes = json!([{ "type": "COMPRESSOR", "params": {
        "threshold_db": -18, "ratio": 3, "attack_ms": 10, "release_ms": 200, "makeup_gain_db": 3,
    } }]);
    let graph = stage.client.request(Method::PUT, &format!("{own}/dsp-graph"));
    stage.client.ok(graph.json(&json!({ "nodes": nodes }))).await;
    let mut paths = Vec::new();
    for (format, kbps) in more {
        let body = json!({ "name": *format, "format": format, "bitrate_kbps": kbps });
        let mount = stage.client.post(&format!("{own}/mounts"), body).await;
        paths.push(mount["path"].as_str().expect("a mount has a path").to_owned());
    }
    let url = stage.start(server).await;
    let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    let beside = paths.into_iter().map(|path| format!("http://{host}{path}"));
    let mut ears = Vec::new();
    for url in std::iter::once(url.clone()).chain(beside) {
        let ear = || Ear::connect(&url);
        ears.push(grimnir_tests::programs::until(&url, Duration::from_secs(10), ear).await);
    }
    (stage, ears)
}

/// Processor seconds per second of each, over the same minute, once all have settled.
async fn window<const N: usize>(pids: [u32; N]) -> [f64; N] {
    let seconds = setting("GRIMNIR_BENCH_SECONDS", 60) as u64;
    pass(10).await;
    let (before, began) = (pids.map(cpu_seconds), Instant::now());
    let threads = cpu_by_thread(pids[0]);
    pass(seconds).await;
    let elapsed = began.elapsed().as_secs_f64();
    for (name, cpu) in cpu_by_thread(pids[0]) {
        let earlier = threads.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, cpu)| *cpu);
        println!("  thread {name}: {:.4} s/s", (cpu - earlier) / elapsed);
    }
    let after = pids.map(cpu_seconds);
    std::array::from_fn(|n| (after[n] - before[n]) / elapsed)
}
