//! What a process costs, and what a bare encoder does: as benches measure it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Ticks of a second in `/proc` (Linux's USER_HZ).
const TICKS: f64 = 100.0;

/// Processor seconds a process has used (user and system, with its threads).
pub fn cpu_seconds(pid: u32) -> f64 {
    let fields = stat(&format!("/proc/{pid}/stat"));
    (fields[11] + fields[12]) / TICKS
}

/// The same by name of the thread: ended ones are not among them.
pub fn cpu_by_thread(pid: u32) -> Vec<(String, f64)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let of = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let fields = stat(task.path().join("stat").to_str()?);
        Some((name.trim().to_owned(), (fields[11] + fields[12]) / TICKS))
    };
    tasks.flatten().filter_map(of).collect()
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}

/// Processor seconds of the children that ended and were waited for.
fn children_cpu() -> f64 {
    let fields = stat("/proc/self/stat");
    (fields[13] + fields[14]) / TICKS
}

/// The numbers behind the name.
fn stat(path: &str) -> Vec<f64> {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let number = |field: &str| field.parse().unwrap_or(0.0);
    let mut fields: Vec<f64> = after_name.split_whitespace().map(number).collect();
    fields.resize(fields.len().max(15), 0.0);
    fields
}

/// An encoder alone, as GStreamer drives it.
pub struct Bare<'a> {
    /// The element and its properties.
    pub encoder: &'a str,
    /// Sample rate that it is given.
    pub rate: u32,
    /// Samples as it takes them.
    pub samples: &'a str,
    /// What stands before it: nothing, or a [`live`] pace.
    pub pace: &'a [String],
}

impl Bare<'_> {
    /// LAME at 48 kHz and a bit rate, at the quality that it chooses itself.
    pub fn lame(kbps: u32) -> String {
        format!("lamemp3enc target=bitrate cbr=true bitrate={kbps}")
    }

    /// Processor seconds per second of sound, over these files of so many seconds each: a pipeline
    /// with it, less the same pipeline without it.
    pub fn cost(&self, files: &[PathBuf], seconds: f64) -> f64 {
        let all = seconds * files.len() as f64;
        (self.run(self.encoder, files) - self.run("identity", files)) / all
    }

    fn run(&self, encoder: &str, files: &[PathBuf]) -> f64 {
        let before = children_cpu();
        let caps = format!("audio/x-raw,format={},rate={},channels=2", self.samples, self.rate);
        for file in files {
            let status = Command::new("gst-launch-1.0")
                .args(["-q", "filesrc"])
                .arg(format!("location={}", file.display()))
                .args(["!", "wavparse", "!", "audioconvert", "!", "audioresample", "!"])
                .args([caps.as_str(), "!"])
                .args(self.pace)
                .args(encoder.split(' '))
                .args(["!", "fakesink", "sync=false"])
                .stdout(Stdio::null())
                .status()
                .expect("gst-launch-1.0 runs");
            assert!(status.success(), "{encoder}");
        }
        children_cpu() - before
    }
}

/// Sound comes as it does on air, so many milliseconds at a time, instead of all at once.
pub fn live(ms: u32) -> Vec<String> {
    let split = format!("output-buffer-duration={ms}/1000");
    ["audiobuffersplit", &split, "!", "identity", "sync=true", "!"].map(str::to_owned).into()
}
