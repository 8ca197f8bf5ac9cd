//! What a ledger of many commits takes in memory: what is sealed is on the disk, not here.
//!
//! Run with `GRIMNIR_SOAK=1` it has ten million commits in segments of the usual size.

mod support;

use grimnir_events::UtcMicros;
use grimnir_ledger::{EmbeddedLedger, Expected, Footer, Ledger, Options};
use std::fs;
use std::path::Path;
use support::segments::segments;
use support::*;

const TOGETHER: u64 = 1_000;
const MB: u64 = 1_000_000;

/// Commits, bytes of a segment, the most memory it may ever take, and the most that the last
/// three quarters of the commits may add to it.
struct Size {
    commits: u64,
    rotate_bytes: u64,
    limit: u64,
    growth: u64,
}

/// Twenty segments of ten thousand commits. An index of everything in memory would add 12 MB
/// behind the first quarter, and a store of everything more than 45.
const SHORT: Size =
    Size { commits: 200_000, rotate_bytes: 4 << 20, limit: 100 * MB, growth: 9 * MB };
const SOAK: Size =
    Size { commits: 10_000_000, rotate_bytes: 64 << 20, limit: 600 * MB, growth: 225 * MB };

/// A figure of this process, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("is there");
    let kilobytes = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    kilobytes.trim().parse::<u64>().expect("a number") * 1_024
}

async fn fill(ledger: &EmbeddedLedger, from: u64, to: u64) {
    let mut next = from;
    while next <= to {
        let end = (next + TOGETHER).min(to + 1);
        let many = (next..end).map(|number| {
            let new = commit(number, stream((number % 64) as u8));
            (new, Expected::Any)
        });
        for answer in put_together(ledger, many.collect()).await {
            assert!(!answer.expect("appends").repeated);
        }
        next = end;
    }
}

async fn check(ledger: &EmbeddedLedger, commits: u64) {
    assert_eq!(ledger.head().await.expect("reads").seq, commits);
    for number in (1..=commits).step_by(commits as usize / 50) {
        let found = ledger.find(id(number)).await.expect("reads").expect("is there");
        let again = ledger.append(commit(number, stream((number % 64) as u8)), Expected::Any).await;
        assert!(again.is_ok_and(|a| a.repeated && a.recorded == found), "commit {number}");
        assert_eq!(ledger.position_of(found.recorded_at).await, Ok(found.seq));
        let at = ledger.read_all(found.seq, 2).await.expect("reads");
        assert_eq!(at[0], found);
    }
    assert_eq!(ledger.position_of(UtcMicros(i64::MAX)).await, Ok(commits + 1));
}

fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("lists"));
    let sizes = entries.map(|entry| match entry.path() {
        path if path.is_dir() => bytes_in(&path),
        path => fs::metadata(path).expect("is there").len(),
    });
    sizes.sum()
}

fn on_disk(dir: &Path) -> (u64, u64) {
    let sealed = segments(dir).into_iter().filter_map(|path| {
        let footer = Footer::load(&path).expect("reads")?;
        Some((fs::metadata(&path).expect("is there").len(), footer.payload_bytes))
    });
    sealed.fold((0, 0), |(disk, payload), (d, p)| (disk + d, payload + p))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_disk_stay_bounded_however_many_commits_there_are() {
    let size = if std::env::var_os("GRIMNIR_SOAK").is_some() { SOAK } else { SHORT };
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { rotate_bytes: size.rotate_bytes, ..Options::default() };
    let ledger = EmbeddedLedger::open(dir.path(), options.clone()).expect("opens");
    fill(&ledger, 1, size.commits / 4).await;
    let quarter = memory("VmHWM");
    fill(&ledger, size.commits / 4 + 1, size.commits).await;
    let whole = memory("VmHWM");
    check(&ledger, size.commits).await;
    assert_eq!(ledger.store_degraded(), None);
    assert!(ledger.close());
    drop(ledger);
    // The store has the active segment, and room that sled takes ahead.
    let store = bytes_in(&dir.path().join("store"));
    let limit = 2 * size.rotate_bytes + (24 << 20);
    assert!(store < limit, "the store takes {store} bytes, limit {limit}");
    let _ = fs::remove_file(dir.path().join("clean"));
    let ledger = EmbeddedLedger::open(dir.path(), options).expect("opens");
    check(&ledger, size.commits).await;
    let peak = memory("VmHWM");
    let (disk, payload) = on_disk(dir.path());
    println!(
        "VmHWM at a quarter {quarter}, filled {whole}, reopened {peak}; disk {disk} of {payload}"
    );
    assert!(peak < size.limit, "took {peak} bytes, limit {}", size.limit);
    let growth = whole - quarter;
    assert!(
        growth < size.growth,
        "the other three quarters took {growth} bytes, limit {}",
        size.growth
    );
    assert!(disk * 100 < payload * 125, "{disk} bytes on disk for {payload} of commits");
}
