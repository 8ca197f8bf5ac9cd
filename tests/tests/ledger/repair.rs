//! `grimnir ledger repair`: what was wrong, what came back, and what stays lost, by its names.

use crate::house::*;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const COUNT: u64 = 60;

/// A ledger, and an archive of its sealed segments.
async fn case() -> (TempDir, TempDir) {
    let (dir, to) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    filled(dir.path(), COUNT).await;
    let to_url = url(to.path());
    let said = grimnir(&["ledger", "archive", "--ledger", text(dir.path()), "--to", &to_url]);
    assert!(said.ok, "{said:?}");
    (dir, to)
}

fn repair(dir: &Path, more: &[&str]) -> (Said, Value) {
    let args = ["ledger", "repair", "--ledger", text(dir), "--format", "json"];
    let said = grimnir(&[&args, more].concat());
    let value = if said.out.is_empty() { Value::Null } else { said.json() };
    (said, value)
}

fn first_seq(path: &Path) -> u64 {
    path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).expect("seq")
}

#[tokio::test]
async fn damage_and_missing_segments_come_back_from_an_archive() {
    let (dir, to) = case().await;
    let before = history(dir.path());
    let paths = segments(dir.path());
    flip(&paths[1], 200);
    std::fs::remove_file(&paths[0]).expect("removes");
    std::fs::remove_file(&paths[3]).expect("removes");
    let (said, without) = repair(dir.path(), &[]);
    assert!(!said.ok && said.err.contains("nothing was changed"), "{said:?}");
    assert_eq!(
        (&without["repaired"], &without["restored"]),
        (&false.into(), &Vec::<u8>::new().into())
    );
    let from = url(to.path());
    let (said, done) = repair(dir.path(), &["--from", &from]);
    assert!(said.ok, "{said:?}");
    assert_eq!(done["head_seq"], COUNT);
    let damaged: Vec<_> = done["damaged"].as_array().expect("a list").iter().collect();
    assert_eq!(damaged.len(), 3, "{done}");
    assert_eq!(damaged[1]["from_seq"], first_seq(&paths[1]), "{done}");
    let restored = done["restored"].as_array().expect("a list");
    assert!(restored.iter().all(|row| row["from"] == from.as_str()), "{done}");
    assert_eq!(history(dir.path()), before);
    let ledger = open(dir.path());
    assert_eq!(all(&ledger).await.len() as u64, COUNT);
    assert!(ledger.close());
    let (said, nothing) = repair(dir.path(), &["--from", &from]);
    assert!(said.ok && nothing["damaged"] == Value::Array(vec![]), "{said:?}");
}

#[tokio::test]
async fn what_is_nowhere_is_named_by_positions_streams_and_times() {
    let (dir, to) = case().await;
    let before = history(dir.path());
    let paths = segments(dir.path());
    // Two commits in the middle of a sealed segment, and the end of another, here and there.
    let first = first_seq(&paths[1]) as usize;
    let log = std::fs::read_dir(to.path()).expect("lists").next().expect("one").expect("lists");
    for dir in [dir.path().to_owned(), log.path()] {
        let record = |n: usize| 28 + before[n].bytes.len();
        let at = 96 + record(first - 1) + 40;
        flip(&segments(&dir)[1], at);
        flip(&segments(&dir)[1], at + record(first));
    }
    let seqs = (first as u64 + 1, first as u64 + 2);
    let (said, found) = repair(dir.path(), &["--from", &url(to.path())]);
    assert!(!said.ok, "{said:?}");
    let lost = &found["lost"][0];
    assert_eq!((&lost["from_seq"], &lost["to_seq"]), (&seqs.0.into(), &seqs.1.into()), "{found}");
    let at = |seq: u64| serde_json::to_value(before[seq as usize - 1].recorded_at).expect("a time");
    assert_eq!((&lost["after"], &lost["before"]), (&at(seqs.0 - 1), &at(seqs.1 + 1)), "{found}");
    let mut streams: Vec<_> = [seqs.0, seqs.1]
        .map(|seq| {
            let header = &before[seq as usize - 1].commit.header;
            (header.stream.to_string(), header.version)
        })
        .to_vec();
    streams.sort();
    let named = lost["streams"].as_array().expect("a list").iter().map(|row| {
        assert_eq!(row["from_version"], row["to_version"], "{found}");
        let version = row["from_version"].as_u64().expect("a version");
        (row["stream"].as_str().expect("a name").to_owned(), version)
    });
    assert_eq!(named.collect::<Vec<_>>(), streams, "{found}");
    assert!(found["source_faults"].to_string().contains("is archived with SHA-256"), "{found}");
    let plain = ["ledger", "repair", "--ledger", text(dir.path()), "--from", &url(to.path())];
    let plain = grimnir(&plain);
    let row = format!("seq {} to {}, recorded after", seqs.0, seqs.1);
    assert!(!plain.ok && plain.out.contains(&row), "{plain:?}");
    let (said, cut) = repair(dir.path(), &["--from", &url(to.path()), "--accept-loss"]);
    assert!(!said.ok && said.err.contains("was cut"), "{said:?}");
    assert_eq!((&cut["repaired"], &cut["head_seq"]), (&true.into(), &(seqs.0 - 1).into()));
    assert_eq!(history(dir.path()), before[..seqs.0 as usize - 1]);
}

#[tokio::test]
async fn a_ledger_that_a_process_holds_is_not_touched() {
    let (dir, to) = case().await;
    let ledger = open(dir.path());
    let (said, _) = repair(dir.path(), &["--from", &url(to.path())]);
    let own = format!("is held by process {}", std::process::id());
    assert!(!said.ok && said.err.contains(&own), "{said:?}");
    assert!(!dir.path().join("store.copy").exists());
    assert!(ledger.close());
}
