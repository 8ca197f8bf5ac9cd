//! Packs and single proofs for somebody who has nothing else.

use crate::audit::sign;
use crate::house::*;
use grimnir_events::CommitId;
use grimnir_events::air::EndReason;
use grimnir_events::ladder::Tier;
use grimnir_ledger::SegmentReader;
use grimnir_ledger::proof::checkpoint::{SignedCheckpoint, parse_hash};
use grimnir_ledger::proof::path::verify_inclusion;
use grimnir_ledger::proof::tree::hash_leaf;
use grimnir_replay::ReplayError;
use grimnir_replay::audit::{ExportRequest, export, prove, verify_pack};
use std::path::{Path, PathBuf};

/// Items at each minute of two hours; the middle of them is exported.
async fn exported() -> (House, PathBuf) {
    let mut house = House::new().await;
    for n in 0..120 {
        // Recorded as it happens.
        let at = utc("2026-11-21T13:00:00Z").plus(n * 60 * SECOND);
        house.clock.set(at);
        let play = house.start(at, 60, "Song", Tier::Automation).await;
        house.clock.set(at.plus(60 * SECOND));
        house.end(at.plus(60 * SECOND), play, 60, EndReason::Completed).await;
    }
    sign(house.path());
    let out = house.path().join("pack");
    let request = request(&out);
    let done = export(house.path(), &request).expect("exports");
    let air = &done.pack.streams[0];
    assert!(air.stream.starts_with("air/") || done.pack.streams.len() == 2, "{done:?}");
    (house, out)
}

fn request(out: &Path) -> ExportRequest {
    ExportRequest {
        station: "one".into(),
        from: "2026-11-21T14:30:00".into(),
        to: "2026-11-21T14:40:00".into(),
        out: out.to_owned(),
    }
}

#[tokio::test]
async fn a_pack_proves_some_minutes_of_one_station_by_itself() {
    let (house, out) = exported().await;
    // Away from the ledger: nothing else is needed.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let moved = elsewhere.path().join("pack");
    std::fs::rename(&out, &moved).expect("moves");
    drop(house);
    let found = verify_pack(&moved, &[]).expect("reads");
    assert!(found.holds, "{found:?}");
    let air = found.pack.streams.iter().find(|s| s.stream.starts_with("air/")).expect("is there");
    // Ten items begin and ten end in ten minutes; one commit more on either side.
    assert_eq!((air.commits_in_time, air.last_version - air.first_version + 1), (20, 22));
    assert_eq!(found.pack.from, utc("2026-11-21T13:30:00Z"));
    assert!(found.commits >= 22, "{found:?}");
}

#[tokio::test]
async fn nothing_in_a_pack_can_be_changed_or_left_out() {
    let (_house, out) = exported().await;
    for name in ["commits.rec", "proofs.jsonl", "checkpoint", "checkpoints", "keys", "pack.json"] {
        let path = out.join(name);
        let good = std::fs::read(&path).expect("reads");
        let step = (good.len() / 60).max(1);
        for at in (0..good.len()).step_by(step) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("writes");
            let held = verify_pack(&out, &[]).is_ok_and(|found| found.holds);
            let harmless = name == "pack.json" && only_words(&good, &bad);
            assert!(!held || harmless, "{name}: byte {at} went unnoticed");
        }
        // Not at a line's or a note's end: a pack may well hold less.
        std::fs::write(&path, &good[..good.len() / 2 + 3]).expect("writes");
        assert!(!verify_pack(&out, &[]).is_ok_and(|found| found.holds), "{name} cut in half");
        std::fs::remove_file(&path).expect("removes");
        assert!(!verify_pack(&out, &[]).is_ok_and(|found| found.holds), "{name} missing");
        std::fs::write(&path, good).expect("writes");
    }
    assert!(verify_pack(&out, &[]).expect("reads").holds);
}

/// Takes one commit with its proof out of a pack, and makes the description say so.
fn without(out: &Path, which: usize) {
    let bytes = std::fs::read(out.join("commits.rec")).expect("reads");
    let (mut kept, mut rest, mut at) = (Vec::new(), &bytes[..], 0);
    while let Ok((_, length)) = grimnir_events::frame::read(rest) {
        if at != which {
            kept.extend_from_slice(&rest[..length]);
        }
        (rest, at) = (&rest[length..], at + 1);
    }
    std::fs::write(out.join("commits.rec"), kept).expect("writes");
    let proofs = std::fs::read_to_string(out.join("proofs.jsonl")).expect("reads");
    let lines = proofs.lines().enumerate().filter(|(at, _)| *at != which);
    let proofs: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    std::fs::write(out.join("proofs.jsonl"), proofs).expect("writes");
    // The air stream's first commit in the pack is the second record: the station's is first.
    let path = out.join("pack.json");
    let mut pack: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("reads")).expect("is JSON");
    let air = pack["streams"].as_array_mut().expect("has streams");
    let air = air.iter_mut().find(|s| s["stream"].as_str().expect("text").starts_with("air/"));
    let air = air.expect("is there");
    let (first, last) = (air["first_version"].as_u64(), air["last_version"].as_u64());
    match which {
        1 => air["first_version"] = (first.expect("a number") + 1).into(),
        22 => air["last_version"] = (last.expect("a number") - 1).into(),
        _ => {
            air["commits_in_time"] = (air["commits_in_time"].as_u64().expect("a number") - 1).into()
        }
    }
    std::fs::write(&path, pack.to_string()).expect("writes");
}

#[tokio::test]
async fn a_commit_that_is_left_out_of_a_pack_is_missed() {
    for which in [1, 2, 11, 21] {
        let (_house, out) = exported().await;
        assert!(verify_pack(&out, &[]).expect("reads").open_ended.len() < 2);
        without(&out, which);
        let fault = verify_pack(&out, &[]).expect("reads").fault.expect("is found");
        let expected = if which == 1 { "begins inside the hours" } else { "goes from version" };
        assert!(fault.reason.contains(expected), "record {which}: {}", fault.reason);
    }
    // The one after the hours shows that nothing is left out before it; without it that is told.
    let (_house, out) = exported().await;
    let before = verify_pack(&out, &[]).expect("reads").open_ended.len();
    without(&out, 22);
    let found = verify_pack(&out, &[]).expect("reads");
    assert!(found.holds, "{found:?}");
    assert_eq!(found.open_ended.len(), before + 1);
}

/// The description is signed by nobody: the station's name and blanks may be others.
fn only_words(good: &[u8], bad: &[u8]) -> bool {
    let parse = |bytes: &[u8]| -> Option<serde_json::Value> {
        let mut value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        for field in ["name", "site_id", "from", "to"] {
            value[field] = serde_json::Value::Null;
        }
        Some(value)
    };
    parse(good).is_some() && parse(good) == parse(bad)
}

#[tokio::test]
async fn a_pack_without_its_last_commits_says_that_its_end_is_open() {
    let mut house = House::new().await;
    house.play(utc("2026-11-21T13:31:00Z"), 60, "Song").await;
    let out = house.path().join("none");
    let found = export(house.path(), &request(&out));
    assert!(matches!(found, Err(ReplayError::Unsigned { .. })), "{found:?}");
    sign(house.path());
    house.play(utc("2026-11-21T13:33:00Z"), 60, "Song").await;
    let done = export(house.path(), &request(&out)).expect("exports");
    assert_eq!(done.not_covered, 2, "newer than the checkpoint");
    let found = verify_pack(&out, &[]).expect("reads");
    assert!(found.holds && !found.open_ended.is_empty(), "{found:?}");
    let again = export(house.path(), &request(&out));
    assert!(matches!(again, Err(ReplayError::Io { .. })), "never into a folder that is there");
}

#[tokio::test]
async fn one_commit_is_proven_by_its_id() {
    let (house, _out) = exported().await;
    let recorded = SegmentReader::open(house.path()).expect("opens").nth(99).expect("is there");
    let recorded = recorded.expect("reads");
    let id = recorded.commit.header.commit_id;
    let proof = prove(house.path(), id).expect("proves");
    assert_eq!((proof.seq, proof.version), (100, recorded.commit.header.version));
    let (head, checkpoint) = proof.tlog_proof.split_once("\n\n").expect("has two parts");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some("index 99"));
    let hashes: Option<Vec<_>> = lines.map(parse_hash).collect();
    let signed: SignedCheckpoint = checkpoint.parse().expect("is a checkpoint");
    let leaf: Vec<u8> = (0..64)
        .map(|n| u8::from_str_radix(&proof.leaf[n * 2..n * 2 + 2], 16).expect("hex"))
        .collect();
    let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
    verify_inclusion(&hash_leaf(&leaf), 99, size, &root, &hashes.expect("hashes")).expect("holds");
    let missing = prove(house.path(), CommitId([9; 16]));
    assert_eq!(missing, Err(ReplayError::NoCommit { found: CommitId([9; 16]) }));
}
