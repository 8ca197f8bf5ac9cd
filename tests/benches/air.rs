//! What the air costs: processor and memory of an engine, and how fast an emergency is heard.
//!
//! Every figure stands beside the raw thing, measured in the same run. Absolute times depend on
//! the machine; ratios less so.

use grimnir_mix::tone::tone_level;
use grimnir_tests::ear::WINDOW;
use grimnir_tests::figure::Figure;
use grimnir_tests::programs::until;
use grimnir_tests::stage::KBPS;
use grimnir_tests::{Ear, Server, Setting, Stage, tracks};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let rounds = rounds();
        cost_of_an_engine().await;
        if rounds > 0 {
            emergency(rounds, 0).await;
            emergency(rounds, 4).await;
        }
    });
}

fn rounds() -> usize {
    std::env::var("GRIMNIR_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

fn report(name: &str, value: f64, unit: &'static str, reference: &'static str, beside: f64) {
    Figure::beside(name, value, unit, (reference, beside)).report();
}

/// Processor seconds a process has used (user and system, with its threads).
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 =
        fields[11].parse::<f64>().unwrap_or(0.0) + fields[12].parse::<f64>().unwrap_or(0.0);
    ticks / 100.0
}

/// Resident memory in MiB.
fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}

/// Processor seconds per second of audio of LAME alone, over the same files, at the mount's rate
/// and quality: a pipeline with it, less the same pipeline without it. `pace` stands before it.
fn bare_lame(files: &[PathBuf], seconds: f64, pace: &[&str]) -> f64 {
    let run = |encoder: &str| {
        let before = children_cpu();
        for file in files {
            let status = Command::new("gst-launch-1.0")
                .args(["-q", "filesrc"])
                .arg(format!("location={}", file.display()))
                .args(["!", "wavparse", "!", "audioconvert", "!", "audioresample", "!"])
                .args(["audio/x-raw,format=S16LE,rate=48000,channels=2", "!"])
                .args(pace)
                .args(encoder.split(' '))
                .args(["!", "fakesink", "sync=false"])
                .stdout(Stdio::null())
                .status()
                .expect("gst-launch-1.0 runs");
            assert!(status.success());
        }
        children_cpu() - before
    };
    let with = run(&format!("lamemp3enc target=bitrate cbr=true bitrate={KBPS}"));
    let without = run("identity");
    (with - without) / (seconds * files.len() as f64)
}

/// Sound comes as it does on air, 48 ms at a time, instead of all at once.
const LIVE: [&str; 6] =
    ["audiobuffersplit", "output-buffer-duration=6/125", "!", "identity", "sync=true", "!"];

fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("our own figures");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 =
        fields[13].parse::<f64>().unwrap_or(0.0) + fields[14].parse::<f64>().unwrap_or(0.0);
    ticks / 100.0
}

async fn cost_of_an_engine() {
    let server = Server::start().await;
    let seconds = 60.0;
    let setting = Setting { seconds, tracks: 6, crossfade_ms: 4_000, rate: 44_100, music: true };
    let stage = Stage::set(&server, setting).await;
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(10.0, KBPS).await;
    let pid = server.engine_pid(&stage.station).expect("the engine runs");
    let (cpu, began) = (cpu_seconds(pid), Instant::now());
    ear.listen(ear.seconds(KBPS) + 120.0, KBPS).await;
    let used = (cpu_seconds(pid) - cpu) / began.elapsed().as_secs_f64();
    let memory = resident_mib(pid);
    let lame = bare_lame(&stage.files, seconds, &[]);
    report("engine_cpu", used, "s/s", "bare_lame_cpu", lame);
    report("engine_cpu_added", used - lame, "s/s", "bare_lame_cpu", lame);
    let live = bare_lame(&stage.files[..1], seconds, &LIVE);
    report("engine_cpu_added_live", used - live, "s/s", "bare_lame_fed_live_cpu", live);
    report("engine_resident", memory, "MiB", "aim", 60.0);
}

async fn emergency(rounds: usize, burners: usize) {
    let server = Server::start().await;
    let setting = Setting { seconds: 40.0, tracks: 4, crossfade_ms: 4_000, ..Setting::default() };
    let mut stage = Stage::set(&server, setting).await;
    let (alert, alert_id) = stage.extra(&server, 0.4, &[("kind", "emergency")]).await;
    let url = stage.start(&server).await;
    let ready = stage.client.get("/readyz").await;
    let realtime = ready["engines"][0]["realtime"] == true;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(3.0, KBPS).await;
    let load: Vec<_> = (0..burners).map(|_| burner()).collect();
    let (mut to_mix, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let body = json!({"station_id": stage.station, "media_id": alert_id});
        let request = stage
            .client
            .request(reqwest::Method::POST, "/api/v1/priority/emergency")
            .header("Connection", "close")
            .json(&body);
        let at = Instant::now();
        let raised = stage.client.ok(request).await;
        assert_eq!(raised["on_air"], true, "{raised}");
        to_mix.push(raised["accept_to_mix_us"].as_f64().expect("a time") / 1_000.0);
        asked.push(at);
        let claim = raised["claim_id"].as_str().unwrap_or_default().to_owned();
        until("the alert is over", Duration::from_secs(20), || async {
            let path = format!("/api/v1/priority/active?station_id={}", stage.station);
            let active = stage.client.get(&path).await;
            (!active.to_string().contains(&claim)).then_some(())
        })
        .await;
        ear.listen(ear.seconds(KBPS) + 0.3, KBPS).await;
    }
    ear.listen(ear.seconds(KBPS) + 1.0, KBPS).await;
    drop(load);
    let arrivals = onsets(ear, alert).await;
    assert_eq!(arrivals.len(), asked.len(), "each alert is heard once");
    let heard: Vec<f64> = asked
        .iter()
        .zip(&arrivals)
        .map(|(asked, heard)| heard.saturating_duration_since(*asked).as_secs_f64() * 1e3)
        .collect();
    let with = if burners == 0 { "idle".to_owned() } else { format!("{burners}_burners") };
    let with = if realtime { with } else { format!("{with}_without_sched_rr") };
    quantiles(&format!("emergency_to_mix_{with}"), to_mix, 30.0);
    quantiles(&format!("emergency_to_socket_{with}"), heard, 250.0);
}

fn quantiles(name: &str, mut values: Vec<f64>, aim: f64) {
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        println!("{name}: nothing was measured");
        return;
    }
    let at =
        |q: f64| values[((values.len() as f64 * q).ceil() as usize).clamp(1, values.len()) - 1];
    report(&format!("{name}_p50"), at(0.5), "ms", "aim_p99", aim);
    report(&format!("{name}_p99"), at(0.99), "ms", "aim_p99", aim);
    report(&format!("{name}_max"), at(1.0), "ms", "aim_p99", aim);
}

/// When the bytes that carry each onset of a track's tone came.
async fn onsets(ear: Ear, track: usize) -> Vec<Instant> {
    let heard = ear.stop().await;
    let mut times = Vec::new();
    let mut sounding = false;
    // 20 ms tell tones that are 150 Hz apart; a quarter of them filled is 12 dB below the whole.
    let threshold = tracks::LEVEL_DB as f32 - 13.0;
    for at in (0..heard.frames.len().saturating_sub(WINDOW)).step_by(WINDOW / 4) {
        let end = at + WINDOW;
        let level = tone_level(&heard.frames[at..end], tracks::hz(track));
        if level > threshold && !sounding {
            sounding = true;
            times.extend(heard.arrivals.iter().find(|(so_far, _)| *so_far >= end).map(|(_, t)| *t));
        } else if level < threshold - 15.0 {
            sounding = false;
        }
    }
    times
}

/// A process that keeps a core busy until it is dropped.
struct Burner(std::process::Child);

fn burner() -> Burner {
    let child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn();
    Burner(child.expect("a shell runs"))
}

impl Drop for Burner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
