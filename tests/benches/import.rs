//! Taking in 100,000 tagged files by their tags, and what a library of them holds of memory.

use grimnir_tests::figure::Figure;
use grimnir_tests::programs::{program, until};
use grimnir_tests::stage::rows;
use grimnir_tests::{Client, Server, Setting, Stage, files};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const AIM_S: f64 = 60.0;
const AIM_MB: f64 = 200.0;

fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("is told");
    let kb: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kb / 1_024.0
}

/// Reading and hashing every file, one after the other, and nothing else.
fn hashed(folder: &Path) -> f64 {
    let begun = Instant::now();
    for inner in std::fs::read_dir(folder).expect("lists").flatten() {
        for file in std::fs::read_dir(inner.path()).expect("lists").flatten() {
            let bytes = std::fs::read(file.path()).expect("reads");
            std::hint::black_box(Sha256::digest(&bytes));
        }
    }
    begun.elapsed().as_secs_f64()
}

async fn done(client: &Client, import: &str) {
    // Looking is not to be what is measured.
    let mut pause = tokio::time::interval(Duration::from_millis(500));
    loop {
        pause.tick().await;
        let request = client.request(Method::GET, &format!("/api/v1/imports/{import}"));
        let (_, found) = client.try_send(request).await.expect("it answers");
        if found["done"] == true {
            return;
        }
    }
}

async fn run(count: u32) {
    let keep = tempfile::tempdir().expect("a folder");
    let (data, root) = (keep.path().join("data"), keep.path().join("music"));
    files::write_many(&root, count);
    let reference = hashed(&root);
    let mut command = Command::new(program("grimnir"));
    command.env("GRIMNIR_IMPORT_ROOTS", &root);
    let mut server = Server::start_with(&data, 0, &mut command).await;
    let stage = Stage::set(&server, Setting { tracks: 0, ..Setting::default() }).await;
    let before = resident_mb(server.pid());
    let begun = Instant::now();
    let path = format!("/api/v1/stations/{}/media/import", stage.station);
    let taken = stage.client.post(&path, json!({"path": root.display().to_string()})).await;
    done(&stage.client, taken["id"].as_str().expect("an id")).await;
    let seconds = begun.elapsed().as_secs_f64();
    let grown = resident_mb(server.pid()) - before;
    server.stop();
    server.restart().await;
    let client = server.admin().await;
    let path = format!("/api/v1/media?station_id={}&limit=1", stage.station);
    until("the library answers", Duration::from_secs(600), || async {
        let (_, found) = client.try_send(client.request(Method::GET, &path)).await?;
        (rows(found).len() == 1).then_some(())
    })
    .await;
    let held = resident_mb(server.pid()) - before;
    Figure::beside("metadata_import_100k", seconds, "s", ("aim", AIM_S)).report();
    let hashing = ("hashing_the_files", reference);
    Figure::beside("metadata_import_100k_of_hashing", seconds, "s", hashing).report();
    Figure::beside("library_100k_resident", held, "MB", ("aim", AIM_MB)).report();
    Figure::beside("library_100k_resident_after_import", grown, "MB", ("aim", AIM_MB)).report();
}

fn main() {
    // Fewer are for trying it out; the figures' names are those of 100,000.
    let count = std::env::var("GRIMNIR_IMPORT_FILES").ok().and_then(|n| n.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(run(count.unwrap_or(100_000)));
}
