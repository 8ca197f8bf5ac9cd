//! What a process that reads untrusted bytes may do, and how long.
#![allow(missing_docs, clippy::unwrap_used)]

use grimnir_engine_proto::report::AnalysisRefusal;
use grimnir_events::analysis::FailureKind;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_grimnir-engine");

/// The kernel filters its calls, and it gains no privileges any more.
fn is_confined(id: u32) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let says = |line: &str| {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        text.lines().any(|found| found == line)
    };
    while !(says("Seccomp:\t2") && says("NoNewPrivs:\t1")) {
        assert!(std::time::Instant::now() < deadline, "process {id} is not confined within 20 s");
        std::thread::yield_now();
    }
}

#[test]
fn every_process_that_reads_untrusted_bytes_is_confined() {
    for command in ["decode", "scan"] {
        let mut child = Command::new(PROGRAM);
        child.arg(command).stdin(std::process::Stdio::piped());
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        is_confined(child.id());
        assert_eq!(bound(child.id(), "Max address space").as_deref(), Some("2147483648"));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A soft limit of a process.
fn bound(id: u32, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

#[test]
fn the_measuring_process_has_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("never-ending");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
        .unwrap();
    let mut child = Command::new(PROGRAM).args(["analyze", "--file"]).arg(&fifo).spawn().unwrap();
    let bounds = |name: &str| bound(child.id(), name);
    let set = || bounds("Max address space").as_deref() == Some("2147483648");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !set() {
        assert!(std::time::Instant::now() < deadline, "the bounds are not set within 20 s");
        std::thread::yield_now();
    }
    assert_eq!(bounds("Max cpu time").as_deref(), Some("20"), "of a file without a size");
    assert_eq!(bounds("Max core file size").as_deref(), Some("0"));
    is_confined(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What nobody ends: a decoder that waits for more of a file is not waited for.
#[test]
fn a_decoder_that_stands_still_is_given_up_with_what_it_had_done() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("stands-still");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
        .unwrap();
    let mut file = std::fs::File::options().read(true).write(true).open(&fifo).unwrap();
    std::io::Write::write_all(&mut file, b"OggS and no more").unwrap();
    let mut transcode = Command::new(PROGRAM);
    transcode.arg("transcode").arg("--file").arg(&fifo).arg("--out").arg(dir.path().join("out"));
    let output = transcode.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let refusal: AnalysisRefusal = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(refusal.kind, FailureKind::TimedOut);
    assert!(refusal.error.contains("stood still for 10 s after"), "{}", refusal.error);
}
