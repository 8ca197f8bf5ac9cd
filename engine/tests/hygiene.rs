//! The engine as a process: its memory is bounded, and it leaves no dead child behind.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::live::{LiveAirEvent, TakePolicy};
use support::live::*;
use support::*;

/// Children of a process: pid and state.
fn children(parent: u32) -> Vec<(u32, char)> {
    let of = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything; what follows its last bracket does not.
        let mut rest = text[text.rfind(')')? + 2..].split(' ');
        let state = rest.next()?.chars().next()?;
        (rest.next()?.parse() == Ok(parent)).then_some((pid, state))
    };
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn bound(pid: u32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line[name.len()..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_as_it_is_set() {
    let mut rig = Rig::new();
    rig.start();
    rig.client().await;
    let usual = bound(rig.child.as_ref().unwrap().id(), "Max data size");
    assert_eq!(usual, (2_048u64 << 20).to_string());
    rig.kill();
    rig.start_with(&["--memory-mib", "512"]);
    rig.client().await;
    let set = bound(rig.child.as_ref().unwrap().id(), "Max data size");
    assert_eq!(set, (512u64 << 20).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoder_that_dies_leaves_no_zombie() {
    let (rig, mut client, _) = on_air(&[grant(1, TakePolicy::OnCue)]).await;
    let engine = rig.child.as_ref().unwrap().id();
    let url = format!("icecast://source:secret-1@127.0.0.1:{}/mount-1", rig.harbor());
    let coded = ["-c:a", "libopus", "-f", "ogg", "-content_type", "application/ogg", &url];
    for round in 1..=3 {
        let encoder = Encoder::ffmpeg(880, &coded);
        let ready = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Ready { .. });
        let gone = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Disconnected { .. });
        let count = |facts: &[_], kind: &dyn Fn(&LiveAirEvent) -> bool| {
            live_facts(facts).iter().filter(|event| kind(event)).count()
        };
        facts_until(&mut client, 1, |facts| count(facts, &ready) == round).await;
        let decoders = children(engine);
        assert!(!decoders.is_empty(), "Opus is decoded in a process of its own");
        for (pid, _) in decoders {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        facts_until(&mut client, 1, |facts| count(facts, &gone) == round).await;
        drop(encoder);
    }
    // The last one may be on its way to be waited for.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while children(engine).iter().any(|(_, state)| *state == 'Z') {
        assert!(std::time::Instant::now() < deadline, "{:?}", children(engine));
        std::thread::yield_now();
    }
}
