//! What the engine says of its own sound: telemetry as it plays, a summary when an item ends, an
//! alarm for a source that is silent.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM};
use grimnir_events::output::{OutputKind, RecordingOutput};
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::MountFormat;
use support::*;

fn sounds(facts: &[AirFact]) -> Vec<&SoundEvent> {
    let sound = |fact| match fact {
        &AirFact { event: AirEvent::Sound(ref sound), .. } => Some(sound),
        _ => None,
    };
    facts.iter().filter_map(sound).collect()
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
    let params = [("listens", "sources"), ("duration_sec", "0.5"), ("restore_sec", "0.2")];
    shape(&mut client, &[("SILENCE_DETECTOR", &params)]).await;
    set_timeline(&mut client, 1, chain(&items, now(), 0)).await;
    let encoding = encoding(MountFormat::Flac, 0);
    let kind = RecordingOutput { encoding, folder: "tape".into(), keep_days: 30, keep_bytes: 0 };
    let tape = output(1, OutputKind::Recording(kind), "");
    set_outputs(&mut client, &config(1), vec![tape]).await;
    facts_until(&mut client, 1, |facts| !started(facts).is_empty()).await;

    let request = v1::TelemetryRequest { interval_ms: 0 };
    let mut telemetry = client.stream_telemetry(request).await.unwrap().into_inner();
    let mut stamps: Vec<i64> = Vec::new();
    let reading = loop {
        let reading = telemetry.message().await.unwrap().unwrap();
        stamps.push(reading.air_frame);
        if reading.position_frames > 3 * 48_000 {
            break reading;
        }
    };
    // Ten in each second of sound, by their own positions; a busy machine may leave some out.
    let seconds = (stamps[stamps.len() - 1] - stamps[0]) as f64 / 48_000.0;
    let rate = (stamps.len() - 1) as f64 / seconds;
    assert!((7.0..=11.0).contains(&rate), "{rate:.1} a second over {seconds:.2} s");
    let [recording] = &reading.targets[..] else { panic!("{reading:?}") };
    assert_eq!((recording.kind.as_str(), recording.health.as_str()), ("recording", "up"));
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

/// A track of silence is told, leaves the air for the last rung, and that ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_track_is_told_and_the_fallback_takes_the_air_until_it_is_over() {
    let mut rig = Rig::new();
    let silent = rig.dir.path().join("silent.wav");
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "30"], &silent);
    let items = [rig.tone(1_000, 2.0, "wav"), (rig.store(&silent), 30 * 48_000)];
    let (fallback, rotation) = (rig.tone(300, 3.0, "wav"), rig.tone(700, 20.0, "wav"));
    rig.start();
    let (mut client, port) = rig.client().await;
    let listens = [("duration_sec", "0.5"), ("restore_sec", "0.2")];
    let acts = [&listens[..], &[("action", "failover_to_fallback")]].concat();
    shape(&mut client, &[("silence_detector", &acts)]).await;
    let mut config = config(1);
    (config.fallback, config.rotation) = (Some(item(20, fallback)), vec![item(21, rotation)]);
    set_timeline(&mut client, 1, chain(&items, now(), 0)).await;
    configure(&mut client, &config).await;
    let ear = listen(port);
    let back = |facts: &[AirFact]| live::owners(facts).len() == 3 && started(facts).len() == 4;
    let facts = live::facts_within(&mut client, 1, 40, back).await;
    let silences: Vec<bool> = facts
        .iter()
        .filter_map(|fact| match fact.event {
            AirEvent::ProgrammeSilent { .. } => Some(true),
            AirEvent::ProgrammeHeard {} => Some(false),
            _ => None,
        })
        .collect();
    assert_eq!(silences, [true, false], "told, and taken back: {facts:#?}");
    let reason = facts.iter().find_map(|fact| match &fact.event {
        AirEvent::ItemEnded { play: 2, reason, .. } => Some(format!("{reason:?}")),
        _ => None,
    });
    assert!(reason.unwrap().contains("silent for 5"), "{facts:#?}");
    let owners: Vec<ClaimId> = live::owners(&facts).into_iter().map(|(to, _)| to).collect();
    assert_eq!(owners, [AUTOMATION_CLAIM, FALLBACK_CLAIM, AUTOMATION_CLAIM]);
    live::heard_for(&mut client, 4 * 48_000).await;
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[1_000, 300, 700]);
    let heard: Vec<u32> = heard.into_iter().flatten().collect();
    assert!(heard.ends_with(&[300, 700]), "{heard:?}; {facts:#?}");
}
