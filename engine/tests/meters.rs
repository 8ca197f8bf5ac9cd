//! What the engine says of its own sound: telemetry as it plays, a summary when an item ends, an
//! alarm for a source that is silent.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1::{self, GraphEdge, GraphNode};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::sound::SoundEvent;
use support::*;

fn sounds(facts: &[AirFact]) -> Vec<&SoundEvent> {
    let sound = |fact| match fact {
        &AirFact { event: AirEvent::Sound(ref sound), .. } => Some(sound),
        _ => None,
    };
    facts.iter().filter_map(sound).collect()
}

async fn watch_sources(client: &mut grimnir_engine_proto::Client) {
    let node = |id: &str, kind: &str, params: &[(&str, &str)]| GraphNode {
        id: id.into(),
        r#type: kind.into(),
        params: params.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    };
    let edge = |from: &str, to: &str| GraphEdge { from: from.into(), to: to.into() };
    let params = [("listens", "sources"), ("duration_sec", "0.5"), ("restore_sec", "0.2")];
    let request = v1::LoadGraphRequest {
        nodes: vec![
            node("in", "INPUT", &[]),
            node("s", "SILENCE_DETECTOR", &params),
            node("out", "OUTPUT", &[]),
        ],
        edges: vec![edge("in", "s"), edge("s", "out")],
        epoch: 1,
    };
    let answer = client.load_graph(request).await.unwrap().into_inner();
    assert!(answer.accepted, "{}", answer.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn loudness_is_shown_as_it_plays_and_kept_when_the_item_ends() {
    let mut rig = Rig::new();
    let silent = rig.engine_dir().join("silent.wav");
    std::fs::create_dir_all(rig.engine_dir()).unwrap();
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "4"], &silent);
    let items = [rig.tone(1_000, 5.0, "wav"), (rig.store(&silent), 4 * 48_000)];
    rig.start();
    let (mut client, _) = rig.client().await;
    watch_sources(&mut client).await;
    set_timeline(&mut client, 1, chain(&items, now(), 0)).await;
    configure(&mut client, &config(1)).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;

    let request = v1::TelemetryRequest { interval_ms: 100 };
    let mut telemetry = client.stream_telemetry(request).await.unwrap().into_inner();
    let reading = loop {
        let reading = telemetry.message().await.unwrap().unwrap();
        if reading.position_frames > 3 * 48_000 {
            break reading;
        }
    };
    // A sine of 1 kHz on both sides is as many LUFS as its peak has dBFS: 3.01 dB above its RMS.
    let level = reading.level_left_db + 3.01;
    for lufs in [reading.momentary_lufs, reading.integrated_lufs] {
        assert!((lufs - level).abs() < 0.2, "{reading:?}");
    }
    for peak in [reading.true_peak_dbtp, reading.item_true_peak_dbtp] {
        assert!((peak - level).abs() < 0.2, "{reading:?}");
    }
    assert!(reading.cpu_share > 0.0 && !reading.outputs.is_empty(), "{reading:?}");
    assert_eq!((reading.silent_sources, reading.programme_silent), (0, false));
    let status = client.get_status(v1::StatusRequest {}).await.unwrap().into_inner();
    assert!(status.telemetry.unwrap().short_term_lufs > level - 1.0);

    let facts = facts_until(&mut client, 1, |facts| sounds(facts).len() >= 2).await;
    let found = sounds(&facts);
    let hundredths = (level * 100.0) as i32;
    let measured = found.iter().find_map(|sound| match sound {
        SoundEvent::ItemMeasured { play, loudness_lufs_x100, true_peak_dbtp_x100 } => {
            Some((*play, loudness_lufs_x100.unwrap(), true_peak_dbtp_x100.unwrap()))
        }
        _ => None,
    });
    let (play, loudness, peak) = measured.expect("was measured");
    assert_eq!(play, 1);
    assert!((loudness - hundredths).abs() < 30 && (peak - hundredths).abs() < 30, "{found:?}");
    let since = found.iter().find_map(|sound| match sound {
        SoundEvent::SourceSilent { play: 2, since } => Some(*since),
        _ => None,
    });
    let second = started(&facts).get(1).expect("the silent one started").1;
    assert_eq!(since, Some(second), "silent from its first frame on");
    let told = async { while telemetry.message().await.unwrap().unwrap().silent_sources != 1 {} };
    let timely = tokio::time::timeout(std::time::Duration::from_secs(10), told).await;
    assert!(timely.is_ok(), "the silent source is in the telemetry");
}
