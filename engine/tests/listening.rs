//! Who listens, and how many heard an item.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::handover::EngineConfig;
use grimnir_events::listening::{MountListened, OutputListened};
use grimnir_events::output::{EngineOutput, HlsContainer, HlsOutput, OutputKind};
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::Mount;
use grimnir_events::{AirFrame, MountId, OutputId, UtcMicros};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

/// A player looks for segments this often.
const POLL: std::time::Duration = std::time::Duration::from_millis(200);
/// Frames of an item.
const ITEM: i64 = 5 * 48_000;

fn listened(facts: &[AirFact]) -> Vec<(u64, Vec<MountListened>)> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::Sound(SoundEvent::ItemListened { play, mounts }) => Some((*play, mounts.clone())),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

/// The same of those who listen by segments.
fn streamed(facts: &[AirFact]) -> Vec<(u64, OutputListened)> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::Sound(SoundEvent::ItemStreamed { play, outputs }) => {
            assert_eq!(outputs.len(), 1, "{outputs:?}");
            Some((*play, outputs[0]))
        }
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

fn segments() -> EngineOutput {
    let hls = HlsOutput {
        path: "/web".into(),
        container: HlsContainer::PackedAac,
        bitrates_kbps: vec![64],
        segment_ms: 1_000,
        window: 3,
        folder: None,
    };
    output(4, OutputKind::Hls(hls), "")
}

fn ask(port: u16, agent: &str, name: &str) -> String {
    get(port, &format!("GET /web/{name} HTTP/1.1\r\nUser-Agent: {agent}"))
}

/// Names of the segments that a player is offered, each with its first frame and its length.
fn offered(port: u16, agent: &str) -> Vec<(String, AirFrame, i64)> {
    let (mut first, mut frames, mut all) = (AirFrame(0), 0, Vec::new());
    for line in ask(port, agent, "64.m3u8").lines() {
        if let Some(at) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            let at: jiff::Timestamp = at.parse().unwrap();
            first = UtcMicros(at.as_microsecond()).frame();
        } else if let Some(seconds) = line.strip_prefix("#EXTINF:") {
            frames = (seconds.trim_end_matches(',').parse::<f64>().unwrap() * 48_000.0) as i64;
        } else if line.ends_with(".aac") {
            all.push((line.to_owned(), first, frames));
        }
    }
    all
}

/// Takes every segment until it is told to go.
fn web_player(port: u16, gone: Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let (mut pause, mut taken) = (tokio::time::interval(POLL), BTreeSet::new());
        while !gone.load(Ordering::Relaxed) {
            for (name, ..) in offered(port, "Web/1.0") {
                if taken.insert(name.clone()) {
                    assert!(ask(port, "Web/1.0", &name).starts_with("HTTP/1.1 200"), "{name}");
                }
            }
            // Only spares the processor between two questions.
            pause.tick().await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_is_told_with_how_many_were_handed_it_and_listeners_are_shown_as_they_are() {
    let mut rig = Rig::new();
    let items = [440, 660, 880, 1_000].map(|hertz| rig.tone(hertz, 5.0, "wav"));
    rig.start();
    let (mut client, port) = rig.client().await;
    set_timeline(&mut client, 1, chain(&items, now(), 0)).await;
    set_outputs(&mut client, &config(1), vec![segments()]).await;
    let gone = Arc::new(AtomicBool::new(false));
    let taking = web_player(port, gone.clone());
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;
    let first = listen_to(port, "/live.mp3 HTTP/1.1\r\nUser-Agent: Player/1.0\r\nX:");
    facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    // What a new listener is given at once is then of the second item alone.
    pass(&mut client, 3).await;
    let second = listen(port);
    pass(&mut client, 1).await;
    let (_, one_first, one_frames) = {
        let one = offered(port, "Web/2.0").pop().unwrap();
        assert!(ask(port, "Web/2.0", &one.0).starts_with("HTTP/1.1 200"), "{one:?}");
        one
    };
    let shown =
        client.list_listeners(v1::ListenersRequest {}).await.unwrap().into_inner().listeners;
    let (web, shown): (Vec<_>, Vec<_>) = shown.into_iter().partition(|one| one.mount_id.is_empty());
    let of_web = |one: &v1::Listener| (one.path.clone(), one.user_agent.clone());
    let web_path = |agent: &str| ("/web".to_owned(), agent.to_owned());
    assert_eq!(
        web.iter().map(of_web).collect::<Vec<_>>(),
        [web_path("Web/1.0"), web_path("Web/2.0")]
    );
    assert!(web[0].output_id == [4; 16] && web[0].heard_frames > 3 * 48_000, "{web:?}");
    assert!((web[1].heard_frames - one_frames).abs() < 3, "{web:?}");
    assert_eq!(shown.len(), 2, "{shown:?}");
    let player = &shown[0];
    assert_eq!((player.path.as_str(), player.user_agent.as_str()), ("/live.mp3", "Player/1.0"));
    assert!(!player.ipv6 && !player.tls && player.mount_id == [9; 16], "{player:?}");
    assert!((now().0 - player.since_us) < 60_000_000 && player.since_us < shown[1].since_us);
    // 128 kbit/s: three frames of the air in a byte.
    let by_bytes = player.bytes_sent as i64 * 3;
    assert!((player.heard_frames - by_bytes).abs() < 24_000, "{player:?}");
    assert!(player.heard_frames > shown[1].heard_frames + 2 * 48_000, "{shown:?}");
    drop(first.take());
    // The state of outputs is looked at now and then.
    for look in 0.. {
        if target(&mut client, 4).await.listeners == 2 {
            break;
        }
        assert!(look < 8, "{:?}", target(&mut client, 4).await);
        pass(&mut client, 1).await;
    }
    facts_until(&mut client, 1, |facts| listened(facts).len() == 3).await;
    // While the fourth item is heard, its mount is changed: who listened is cut, another comes.
    let slower = config(2).mounts.into_iter().map(|m| Mount { bitrate_kbps: 64, ..m }).collect();
    configure(&mut client, &EngineConfig { mounts: slower, ..config(2) }).await;
    drop(second.take());
    let third = listen(port);
    gone.store(true, Ordering::Relaxed);
    taking.await.unwrap();
    let facts = facts_until(&mut client, 1, |facts| {
        listened(facts).len() == 4 && streamed(facts).len() >= 3
    })
    .await;
    drop(third.take());
    by_segments(&facts, one_first, one_frames);

    let told = listened(&facts);
    let plays: Vec<u64> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::ItemStarted(item) if item.title.starts_with("Line") => Some(item.play),
            _ => None,
        })
        .collect();
    assert_eq!(told.iter().map(|(play, _)| *play).collect::<Vec<_>>(), plays[..4], "in order");
    let of = |n: usize| told[n].1[0];
    assert_eq!(of(0).mount_id, MountId([9; 16]));
    assert_eq!((of(0).sessions, of(0).most), (1, 1), "only the first was there");
    assert_eq!((of(1).sessions, of(1).most), (2, 2), "{told:?}");
    assert_eq!((of(2).sessions, of(2).most), (1, 1), "the first had left");
    assert!(of(0).frames <= ITEM && of(1).frames > ITEM + 48_000, "{told:?}");
    assert_eq!(of(2).frames, ITEM, "the one that stayed heard all of it");
    assert_eq!(told[3].1.len(), 1, "a mount is told once: {told:?}");
    assert_eq!((of(3).sessions, of(3).most), (2, 1), "before the change and behind it: {told:?}");
    assert!(of(3).frames > 48_000 && of(3).frames <= ITEM, "{told:?}");
    let now = client.list_listeners(v1::ListenersRequest {}).await.unwrap().into_inner();
    let of_mounts = now.listeners.iter().filter(|one| !one.mount_id.is_empty()).count();
    assert!(of_mounts <= 1, "{now:?}");
}

/// One player took all segments, another a single one.
fn by_segments(facts: &[AirFact], one_first: AirFrame, one_frames: i64) {
    let starts: Vec<(u64, AirFrame)> = facts
        .iter()
        .filter_map(|fact| match &fact.event {
            AirEvent::ItemStarted(item) => Some((item.play, fact.frame)),
            _ => None,
        })
        .collect();
    let mut seen = 0;
    for (n, (play, told)) in streamed(facts).into_iter().take(3).enumerate() {
        let (_, from) = *starts.iter().find(|(of, _)| *of == play).expect("it began");
        let to = from.plus(ITEM);
        let within = |at: AirFrame| at.clamp(from, to);
        let part = within(one_first.plus(one_frames)).since(within(one_first));
        let sessions = 1 + u32::from(part > 2);
        seen += sessions - 1;
        assert_eq!((told.output_id, told.sessions), (OutputId([4; 16]), sessions), "item {n}");
        assert_eq!(told.most, sessions, "item {n}: {told:?}");
        match n {
            // Its first frames may be in a segment that the first look did not offer any more.
            0 => assert!((ITEM - 96_000..=ITEM + part + 2).contains(&told.frames), "{told:?}"),
            1 => assert!((told.frames - ITEM - part).abs() <= 2, "{told:?}, {part} of another"),
            _ => assert!(told.frames > 0 && told.frames <= ITEM + part + 2, "{told:?}"),
        }
    }
    assert!((1..=2).contains(&seen), "the single segment was heard in {seen} items");
}
