//! Webstreams on a running engine: what is heard while the first address stalls, lies, falls
//! silent, dies, flaps and returns, measured in what a listener got.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::AirFact;
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason, Tier};
use grimnir_events::webstream::{SwitchReason, WebstreamAirEvent, WebstreamHealth};
use std::sync::Arc;
use support::live::*;
use support::streams::*;
use support::*;

/// An engine on air, and an address for each tone.
async fn elsewhere(tones: &[u32]) -> (Rig, Client, u16, Vec<Origin>) {
    let (rig, client, port) = on_air(&[]).await;
    let silence = {
        let path = rig.dir.path().join("silence.mp3");
        let encode = ["-t", "10", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];
        let source = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"];
        ffmpeg(&[&source[..], &encode].concat(), &path);
        Arc::new(std::fs::read(path).unwrap())
    };
    // Old servers, and new ones that say something else than they send.
    let answers = ["ICY 200 OK\r\nicy-name: x", "HTTP/1.0 200 OK\r\nContent-Type: text/html"];
    let origin = |(n, tone): (usize, &u32)| {
        Origin::start(tone_mp3(&rig, *tone), silence.clone(), answers[n % 2])
    };
    let origins = tones.iter().enumerate().map(origin).collect();
    (rig, client, port, origins)
}

fn urls(origins: &[Origin]) -> Vec<String> {
    origins.iter().map(Origin::url).collect()
}

/// Waits until so many frames more have aired.
async fn heard_for(client: &mut Client, frames: i64) {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let mut until = None;
    loop {
        let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
        if status.air_frame >= *until.get_or_insert(status.air_frame + frames) {
            return;
        }
        look.tick().await;
    }
}

async fn switched(client: &mut Client, times: usize) -> Vec<AirFact> {
    facts_until(client, 1, |facts| switches(facts).len() >= times).await
}

async fn on_air_now(client: &mut Client) {
    facts_until(client, 1, |facts| owners(facts).len() == 2).await;
}

/// The first address gets into trouble twice, and comes back each time: what the switches away from
/// it were for.
async fn there_and_back(troubles: [Mode; 2]) -> Vec<SwitchReason> {
    let (rig, mut client, port, origins) = elsewhere(&[880, 1_200]).await;
    set_streams(&mut client, 2, vec![playing(urls(&origins))]).await;
    let ear = listen(port);
    on_air_now(&mut client).await;
    let mut times = 1;
    for trouble in troubles {
        heard_for(&mut client, 96_000).await;
        origins[0].set(trouble);
        times += 1;
        switched(&mut client, times).await;
        origins[0].set(Mode::Plays);
        times += 1;
        switched(&mut client, times).await;
    }
    heard_for(&mut client, 4 * 48_000).await;
    let mut grant = playing(urls(&origins));
    grant.stop = 2;
    set_streams(&mut client, 3, vec![grant]).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 3).await;
    let seen = switches(&facts);
    let (first, second) = (Some(0), Some(1));
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!(seen[0], (first, SwitchReason::Opened));
    for pair in [&seen[1..3], &seen[3..5]] {
        assert_eq!((pair[0].0, pair[1]), (second, (first, SwitchReason::Recovered)), "{seen:?}");
    }
    let order: Vec<_> = owners(&facts).into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(order, [OwnerReason::SignOn, OwnerReason::Preempted, OwnerReason::Released]);
    heard_for(&mut client, 96_000).await;
    let frames = ear.hang_up(rig.dir.path());
    let gap = longest_gap(&frames, &[880, 1_200]);
    println!("{troubles:?}: longest time without the stream {gap:.2} s");
    assert!(gap <= 3.0, "{gap} s without the stream");
    let heard = tones_heard(&frames, &[440, 880, 1_200]);
    let tones: Vec<u32> = heard.iter().copied().flatten().collect();
    let ups = tones.windows(2).filter(|pair| *pair == [880, 1_200]).count();
    assert_eq!(ups, 2, "{heard:?}");
    assert_eq!(tones.last(), Some(&440), "automation goes on");
    vec![seen[1].1, seen[3].1]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_address_that_stalls_and_lies_is_left_in_time_and_returned_to() {
    let reasons = there_and_back([Mode::Stalls, Mode::Lies]).await;
    assert_eq!(reasons[0], SwitchReason::Stalled);
    // What it gives when it is asked again is known before the sound runs out, or is not.
    assert!([SwitchReason::NotSound, SwitchReason::Ended].contains(&reasons[1]), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_address_that_dies_and_falls_silent_is_left_in_time_and_returned_to() {
    let reasons = there_and_back([Mode::Dead, Mode::Silent]).await;
    assert_eq!(reasons, [SwitchReason::Ended, SwitchReason::Silent]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_flaps_is_left_alone() {
    let (rig, mut client, port, origins) = elsewhere(&[880, 1_200]).await;
    set_streams(&mut client, 2, vec![playing(urls(&origins))]).await;
    let ear = listen(port);
    on_air_now(&mut client).await;
    for _ in 0..6 {
        heard_for(&mut client, 40_000).await;
        origins[0].set(Mode::Dead);
        heard_for(&mut client, 24_000).await;
        origins[0].set(Mode::Plays);
    }
    let facts = switched(&mut client, 2).await;
    let seen = switches(&facts);
    assert_eq!(seen[..2], [(Some(0), SwitchReason::Opened), (Some(1), SwitchReason::Ended)]);
    assert_eq!(seen.len(), 2, "no ping-pong: {seen:?}");
    assert_eq!(owners(&facts).len(), 2, "nobody else was on air");
    // Once it stays, it is heard again.
    let facts = switched(&mut client, 3).await;
    assert_eq!(switches(&facts)[2], (Some(0), SwitchReason::Recovered));
    heard_for(&mut client, 4 * 48_000).await;
    let frames = ear.hang_up(rig.dir.path());
    let gap = longest_gap(&frames, &[880, 1_200]);
    println!("longest time without the stream {gap:.2} s");
    assert!(gap <= 3.0, "{gap} s without the stream");
}

/// All addresses are gone: automation goes on at once, and lets the stream back on air.
#[tokio::test(flavor = "multi_thread")]
async fn with_no_address_left_automation_goes_on_and_titles_are_those_of_the_stream() {
    let (rig, mut client, port, origins) = elsewhere(&[880]).await;
    origins[0].say("Someone - Something");
    let list = {
        let path = rig.dir.path().join("list.m3u");
        std::fs::write(&path, format!("#EXTM3U\n{}\n", origins[0].url())).unwrap();
        files(rig.dir.path())
    };
    let url = format!("http://127.0.0.1:{list}/list.m3u");
    set_streams(&mut client, 2, vec![playing(vec![url])]).await;
    let ear = listen(port);
    on_air_now(&mut client).await;
    let titled = |event: &WebstreamAirEvent| match event {
        WebstreamAirEvent::Titled { title, .. } => title == "Someone - Something",
        _ => false,
    };
    facts_until(&mut client, 1, |facts| stream_facts(facts).iter().any(titled)).await;
    origins[0].set(Mode::Dead);
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 3).await;
    assert_eq!(owners(&facts)[2], (AUTOMATION_CLAIM, OwnerReason::Failed));
    heard_for(&mut client, 48_000).await;
    origins[0].set(Mode::Plays);
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 4).await;
    let claims = stream_facts(&facts)
        .iter()
        .filter(|event| match event {
            WebstreamAirEvent::Claimed { claim, .. } => claim.tier == Tier::LiveOverride,
            _ => false,
        })
        .count();
    assert_eq!(claims, 1, "it came back into its claim");
    assert_eq!(switches(&facts).last(), Some(&(Some(0), SwitchReason::Recovered)));
    let unhealthy = |event: &WebstreamAirEvent| {
        matches!(event, WebstreamAirEvent::HealthChanged { to: WebstreamHealth::Unhealthy, .. })
    };
    assert_eq!(stream_facts(&facts).iter().filter(|event| unhealthy(event)).count(), 1);
    heard_for(&mut client, 2 * 48_000).await;
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880]);
    let order = [440, 880, 440, 880].map(Some);
    assert!(heard.windows(4).any(|part| part == order), "{heard:?}");
    assert!(!heard[1..heard.len() - 1].contains(&None), "a gap: {heard:?}");
}

/// Serves a folder; the port.
fn files(dir: &std::path::Path) -> u16 {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, dir) = (listener.local_addr().unwrap().port(), dir.to_path_buf());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 2_048];
            let count = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
            let answer = match std::fs::read(dir.join(path)) {
                Ok(bytes) => {
                    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                    let mut all = head.as_bytes().to_vec();
                    for part in bytes.chunks(3_000) {
                        all.extend(format!("{:x}\r\n", part.len()).as_bytes());
                        all.extend_from_slice(part);
                        all.extend(b"\r\n");
                    }
                    all.extend(b"0\r\n\r\n");
                    all
                }
                Err(_) => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            let _ = stream.write_all(&answer);
        }
    });
    port
}

/// HLS as others make it: transport streams and fragments of MP4 through a process of their own,
/// found through a redirecting master playlist.
#[tokio::test(flavor = "multi_thread")]
async fn http_live_streaming_is_heard_in_each_kind_of_piece() {
    let (rig, mut client, port) = on_air(&[]).await;
    let dir = rig.dir.path().to_path_buf();
    let encoder = |hertz: u32, name: &str, more: &[&str]| {
        let list = dir.join(format!("{name}.m3u8"));
        let live = ["-c:a", "aac", "-b:a", "96k", "-f", "hls", "-hls_time", "1"];
        let flags = ["-hls_list_size", "6", "-hls_flags", "delete_segments"];
        let all = [&live[..], &flags, more, &[list.to_str().unwrap()]].concat();
        Encoder::ffmpeg(hertz, &all)
    };
    let fragments = ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"];
    let _running = [encoder(880, "ts", &[]), encoder(1_200, "mp4", &fragments)];
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=96000,CODECS=\"mp4a.40.2\"\nts.m3u8\n";
    std::fs::write(dir.join("master.m3u8"), master).unwrap();
    let web = files(&dir);
    let url = |name: &str| format!("http://127.0.0.1:{web}/{name}.m3u8");
    let grant = playing(vec![url("master"), url("mp4")]);
    set_streams(&mut client, 2, vec![grant]).await;
    let ear = listen(port);
    on_air_now(&mut client).await;
    heard_for(&mut client, 4 * 48_000).await;
    std::fs::remove_file(dir.join("master.m3u8")).unwrap();
    let mut second = playing(vec![url("master"), url("mp4")]);
    second.webstream.failover.grace_ms = 900;
    set_streams(&mut client, 3, vec![second]).await;
    facts_until(&mut client, 1, |facts| switches(facts).contains(&(Some(1), SwitchReason::Opened)))
        .await;
    heard_for(&mut client, 8 * 48_000).await;
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880, 1_200]);
    let tones: Vec<u32> = heard.iter().copied().flatten().collect();
    assert!(tones.contains(&880) && tones.last() == Some(&1_200), "{heard:?}");
}
