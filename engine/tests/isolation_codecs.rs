//! Outputs that suffer, beside mounts and relays in each lossy codec that share their encoders:
//! what these give sounds as the programme does, window by window, to its end.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::MountId;
use grimnir_events::handover::EngineConfig;
use grimnir_events::output::*;
use grimnir_events::station::{Mount, MountFormat};
use std::io::Write;
use std::net::TcpStream;
use support::icecast::{Icecast, resetting};
use support::*;

/// Each codec with the end of its mounts' names.
const CODECS: [(MountFormat, &str, u16); 4] = [
    (MountFormat::Mp3, "mp3", 320),
    (MountFormat::AacLc, "aac", 192),
    (MountFormat::Opus, "opus", 128),
    (MountFormat::Vorbis, "ogg", 192),
];

fn mounts() -> EngineConfig {
    let mount = |(n, (format, end, bitrate_kbps)): (u8, (MountFormat, &str, u16))| Mount {
        id: MountId([n; 16]),
        name: "Main".into(),
        path: format!("/live.{end}"),
        format,
        bitrate_kbps,
    };
    EngineConfig { mounts: (1..).zip(CODECS).map(mount).collect(), ..config(1) }
}

/// An output of each codec to this port, numbered from `first` on.
fn to_server(first: u8, port: u16, name: &str) -> Vec<EngineOutput> {
    let output = |(n, (format, end, kbps)): (u8, (MountFormat, &str, u16))| {
        icecast_output(n, port, &format!("/{name}.{end}"), encoding(format, kbps))
    };
    (first..).zip(CODECS).map(output).collect()
}

/// Until each of four outputs was reported so many times.
async fn reported(client: &mut Client, first: u8, times: usize) {
    facts_until(client, 1, |facts| (first..first + 4).all(|n| healths(facts, n).len() >= times))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lossy_outputs_lose_and_repeat_nothing_while_others_of_their_codec_suffer() {
    let (well, sick) = (Icecast::start(), Icecast::start());
    let mut rig = Rig::new();
    let programme = climbing(&rig, 60);
    rig.start_on_small_disk(96);
    let (mut client, port) = rig.client().await;
    let config = mounts();
    let relays = to_server(10, well.port, "relay");
    set_outputs(&mut client, &config, relays.clone()).await;
    reported(&mut client, 10, 1).await;
    let mut ears = Vec::new();
    for (_, end, _) in CODECS {
        ears.push((format!("mount {end}"), end, listen_to(port, &format!("/live.{end}"))));
        ears.push((format!("relay {end}"), end, well.listen(&format!("/relay.{end}"))));
    }
    set_timeline(&mut client, 1, chain(&[programme], now(), 0)).await;
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    let began = started(&facts)[0].1;

    // Nobody there, one who resets, one who will stand still, and a disk that will be full.
    let archive = RecordingOutput {
        encoding: encoding(MountFormat::Mp3, 320),
        folder: "archive".into(),
        keep_days: 30,
        keep_bytes: 0,
    };
    let mut all = relays;
    all.extend(to_server(20, support::ports::one(), "none"));
    all.extend(to_server(30, resetting(8_000), "reset"));
    all.extend(to_server(40, sick.port, "still"));
    all.push(output(50, OutputKind::Recording(archive), ""));
    set_outputs(&mut client, &config, all).await;
    reported(&mut client, 40, 1).await;
    sick.stand_still();
    let slow: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let path = format!("/live.{}", CODECS[n % 4].1);
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    reported(&mut client, 20, 1).await;
    reported(&mut client, 30, 2).await;
    let is_full = |reason: &str| reason.contains("No space left");
    facts_until(&mut client, 1, |facts| healths(facts, 50).iter().any(|(_, why)| is_full(why)))
        .await;
    // The one with the most bytes is the first whose server is seen to stand still.
    let stands = |(health, _): &(OutputHealth, String)| *health != OutputHealth::Up;
    let facts = facts_until(&mut client, 1, |facts| healths(facts, 40).iter().any(stands)).await;
    assert!((10..14).all(|n| healths(&facts, n).len() == 1), "the relays stayed well");
    sick.go_on();
    drop(slow);
    pass(&mut client, 1).await;

    let aired = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner().air_frame;
    let aired = (aired - began.0) as usize;
    let bodies: Vec<_> =
        ears.into_iter().map(|(whose, end, ear)| (whose, end, ear.take())).collect();
    let turns = Turns::new();
    for (whose, end, (head, body)) in bodies {
        assert!(head.contains("200"), "{whose}: {head}");
        let body = if end == "aac" { whole_adts(&body) } else { body };
        let frames = decoded(rig.dir.path(), "heard", &body);
        let whole = turns.whole(&frames).unwrap_or_else(|why| panic!("{whose}: {why}"));
        println!("{whose}: {whole} of {aired} frames");
        // What lies in queues at the end is not heard any more.
        assert!(
            whole + 3 * 48_000 > aired && whole < aired + 48_000,
            "{whose}: {whole} of {aired}"
        );
    }
}

/// The judge of the test above, of sound whose truth is known.
#[test]
fn one_packet_that_is_missing_or_there_twice_is_heard() {
    let rig = Rig::new();
    climbing(&rig, 9);
    let whole = decode(&rig.dir.path().join("climbing.wav"));
    let turns = Turns::new();
    assert!(turns.whole(&whole).is_ok_and(|frames| frames > 8 * 48_000));
    let packet = 200_000..200_960;
    let missing = [&whole[..packet.start], &whole[packet.end..]].concat();
    let twice = [&whole[..packet.end], &whole[packet.start..]].concat();
    let swapped = [
        &whole[..packet.start],
        &whole[packet.end..packet.end + 960],
        &whole[packet.clone()],
        &whole[packet.end + 960..],
    ]
    .concat();
    let mut silent = whole;
    silent[packet].fill([0.0; 2]);
    for (what, heard) in
        [("missing", missing), ("twice", twice), ("swapped", swapped), ("silent", silent)]
    {
        assert!(turns.whole(&heard).is_err(), "{what}");
    }
}
