//! A ledger of ten million commits: positions of times, opening, memory and disk.
//!
//! It is made once and kept in the target directory (4.5 GB). `GRIMNIR_BENCH_COMMITS` sets another
//! size; the names of the figures say which.

mod support;

use grimnir_events::UtcMicros;
use grimnir_ledger::{EmbeddedLedger, Footer, Ledger, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use support::{Figure, made, median, processor_seconds};

const COMMITS: u64 = 10_000_000;
const QUESTIONS: i64 = 2_000;
/// Changes when the ledgers that are made do.
const MADE: &str = "1";

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let commits = std::env::var("GRIMNIR_BENCH_COMMITS").ok().and_then(|text| text.parse().ok());
    let commits = commits.unwrap_or(COMMITS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let dir = kept(commits);
    runtime.expect("a runtime starts").block_on(ask(&dir, commits));
}

/// The ledger of so many commits, from an earlier run or made now.
fn kept(commits: u64) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ledger-{commits}"));
    let made = dir.join("made");
    if fs::read_to_string(&made).is_ok_and(|found| found == MADE) {
        return dir;
    }
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("makes");
    let begun = Instant::now();
    made::make(&dir, commits);
    println!("made a ledger of {commits} commits in {:.0} s", begun.elapsed().as_secs_f64());
    fs::write(&made, MADE).expect("writes");
    dir
}

async fn ask(dir: &Path, commits: u64) {
    let name = |what: &str| match commits {
        COMMITS => format!("{what}_10m"),
        other => format!("{what}_{other}"),
    };
    let (begun, idle) = (Instant::now(), processor_seconds());
    let ledger = EmbeddedLedger::open(dir, Options::default()).expect("opens");
    let (opened, work) = (begun.elapsed().as_secs_f64() * 1e3, processor_seconds() - idle);
    assert_eq!(ledger.head().await.expect("reads").seq, commits);
    let took = positions(&ledger, commits).await;
    Figure::beside(&name("ledger_position_of_time"), median(took), "us", ("limit", 1e3)).report();
    // The promise is for a million; what is sealed adds little to it.
    let limit = ("limit_1m", 1_500.0);
    Figure::beside(&name("ledger_reopen_after_kill"), opened, "ms", limit).report();
    let worked = name("ledger_reopen_after_kill_processor_time");
    Figure::beside(&worked, work * 1e3, "ms", limit).report();
    memory(&name("ledger_memory_peak"));
    drop(ledger);
    disk(&name("sealed_segments_on_disk"), dir);
    made::kill(dir);
}

/// Microseconds that each question for a time took, anywhere in the ledger.
async fn positions(ledger: &EmbeddedLedger, commits: u64) -> Vec<f64> {
    let mut took = Vec::new();
    // The first half of them warms up.
    for round in 0..2 * QUESTIONS {
        let wanted = 2 + (round as u64 * 7_919_317) % (commits - 2);
        let time = UtcMicros(made::recorded_at(wanted).0 - made::EVERY_US / 2);
        let begun = Instant::now();
        let seq = ledger.position_of(time).await.expect("reads");
        if round >= QUESTIONS {
            took.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        assert_eq!(seq, wanted);
    }
    took
}

/// The most memory that opening and asking ever took, against the limit.
fn memory(name: &str) {
    let status = fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("is there");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    Figure::beside(name, kilobytes * 1_024.0 / 1e6, "MB", ("limit", 600.0)).report();
}

/// What the segments take on the disk, against the bytes of the commits; limit 1.25.
fn disk(name: &str, dir: &Path) {
    let (mut disk, mut payload) = (0, 0);
    for path in made::segments(dir) {
        if let Some(footer) = Footer::load(&path).expect("reads") {
            disk += fs::metadata(&path).expect("is there").len();
            payload += footer.payload_bytes;
        }
    }
    let payload = payload as f64;
    Figure::beside(name, disk as f64, "bytes", ("bytes_of_commits", payload)).report();
}
