//! What the air costs: processor and memory of an engine, and how fast an emergency is heard.
//!
//! Every figure stands beside the raw thing, measured in the same run. Absolute times depend on
//! the machine; ratios less so.

use grimnir_mix::tone::tone_level;
use grimnir_tests::cost::{Bare, cpu_seconds, live, resident_mib};
use grimnir_tests::ear::WINDOW;
use grimnir_tests::figure::Figure;
use grimnir_tests::programs::until;
use grimnir_tests::stage::KBPS;
use grimnir_tests::{Ear, Server, Setting, Stage, tracks};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
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

/// LAME alone, at the mount's rate and quality.
fn bare_lame(files: &[PathBuf], seconds: f64, pace: &[String]) -> f64 {
    let encoder = Bare::lame(KBPS);
    Bare { encoder: &encoder, rate: 48_000, samples: "S16LE", pace }.cost(files, seconds)
}

async fn cost_of_an_engine() {
    let server = Server::start().await;
    let seconds = 60.0;
    let setting = Setting {
        seconds,
        tracks: 6,
        crossfade_ms: 4_000,
        rate: 44_100,
        music: true,
        ..Setting::default()
    };
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
    let live = bare_lame(&stage.files[..1], seconds, &live(48));
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
