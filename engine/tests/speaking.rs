//! Who speaks over the programme: how deep the bed is, when it comes back, and what nobody speaks
//! over.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::ladder::Tier;
use grimnir_events::live::{LiveAirEvent, LiveMode, TakePolicy};
use support::live::*;
use support::*;

/// Somebody speaks over the programme: it goes on 12 dB lower, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn over_the_programme_it_goes_on_twelve_decibels_lower() {
    let mut grants = [grant(1, TakePolicy::Immediate)];
    grants[0].session.mode = LiveMode::Over;
    let (rig, mut client, port) = on_air(&grants).await;
    let ear = listen(port);
    let sender = Sender::connect(rig.harbor(), 1, &tone_mp3(&rig, 880));
    let began = |event: &LiveAirEvent| matches!(event, LiveAirEvent::OverBegan { .. });
    let ended = |event: &LiveAirEvent| matches!(event, LiveAirEvent::OverEnded { .. });
    facts_until(&mut client, 1, |facts| count(facts, began) == 1).await;
    heard_for(&mut client, 96_000).await;
    sender.hang_up();
    let facts = facts_until(&mut client, 1, |facts| count(facts, ended) == 1).await;
    assert_eq!(owners(&facts).len(), 1, "automation owned the air all along");
    heard_for(&mut client, 120_000).await;
    let heard = ear.hang_up(rig.dir.path());
    let levels: Vec<(f64, f64)> =
        heard.chunks_exact(4_800).map(|part| (power(part, 440), power(part, 880))).collect();
    let most = levels.iter().map(|(bed, _)| *bed).fold(0.0, f64::max);
    let under: Vec<f64> =
        levels.iter().filter(|(_, voice)| *voice > 0.1).map(|(bed, _)| *bed).collect();
    let least = under.iter().copied().fold(f64::MAX, f64::min);
    assert!((20.0 * (least / most).log10() + 12.0).abs() < 0.5, "{least} of {most}");
    let last = levels[levels.len() - 3].0;
    assert!((20.0 * (last / most).log10()).abs() < 0.5, "it came back: {last} of {most}");
}

/// Who pauses gives the programme its level back, and takes it again; how deep, a DUCK says.
#[tokio::test(flavor = "multi_thread")]
async fn the_bed_comes_back_while_the_voice_over_it_pauses() {
    let mut grants = [grant(1, TakePolicy::Immediate)];
    grants[0].session.mode = LiveMode::Over;
    let (rig, mut client, port) = on_air(&grants).await;
    shape(&mut client, &[("DUCK", &[("reduction_db", "-18"), ("hold_ms", "200")])]).await;
    let ear = listen(port);
    // Two seconds of speech, two of a pause, over and over.
    let path = rig.dir.path().join("phrases.mp3");
    let speech = "aevalsrc='0.4*sin(2*PI*880*t)*lt(mod(t,4),2)':s=48000:d=8";
    let encode = ["-ac", "2", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];
    ffmpeg(&[&["-f", "lavfi", "-i", speech][..], &encode].concat(), &path);
    let sound = std::sync::Arc::new(std::fs::read(path).unwrap());
    let sender = Sender::connect(rig.harbor(), 1, &sound);
    let began = |event: &LiveAirEvent| matches!(event, LiveAirEvent::OverBegan { .. });
    let ended = |event: &LiveAirEvent| matches!(event, LiveAirEvent::OverEnded { .. });
    let facts = facts_until(&mut client, 1, |facts| count(facts, began) == 1).await;
    heard_for(&mut client, 11 * 48_000).await;
    assert_eq!(count(&facts, ended), 0, "one connection, one play");
    let heard = ear.hang_up(rig.dir.path());
    sender.hang_up();
    let parts: Vec<&[grimnir_mix::Frame]> = heard.chunks_exact(4_800).collect();
    let levels: Vec<(f64, f64)> =
        parts.iter().map(|part| (power(part, 440), power(part, 880))).collect();
    let db = |level: f64| 20.0 * (level / levels[2].0).log10();
    // Each state once it has settled: a second in one of them, in the order they come.
    let state = |window: &[(f64, f64)]| {
        let spoken = window.iter().all(|(_, voice)| *voice > 0.1);
        let paused = window.iter().all(|(_, voice)| *voice < 0.01);
        let level = db(window[window.len() - 1].0);
        match (spoken, paused) {
            (true, _) => Some((true, level)),
            (_, true) => Some((false, level)),
            _ => None,
        }
    };
    let mut states: Vec<(bool, f64)> = Vec::new();
    for found in levels.windows(17).filter_map(state) {
        if states.last().is_none_or(|(spoken, _)| *spoken != found.0) {
            states.push(found);
        } else if let Some(last) = states.last_mut() {
            last.1 = found.1;
        }
    }
    let spoken: Vec<bool> = states.iter().map(|(spoken, _)| *spoken).collect();
    // How soon the first is heard is the connection's.
    let first = spoken.iter().position(|spoken| *spoken).expect("somebody spoke");
    assert_eq!(spoken[first..first + 4], [true, false, true, false], "{states:?}");
    for (place, level) in [-18.0, 0.0, -18.0, 0.0].into_iter().enumerate() {
        assert!((states[first + place].1 - level).abs() < 1.0, "{place}: {states:?}");
    }
}

/// Whoever speaks over the programme is silent while there is an emergency, and goes on after it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_over_an_emergency() {
    let mut grants = [grant(1, TakePolicy::Immediate)];
    grants[0].session.mode = LiveMode::Over;
    let (rig, mut client, port) = on_air(&grants).await;
    let alarm = rig.tone(1_500, 2.0, "wav");
    let sender = Sender::connect(rig.harbor(), 1, &tone_mp3(&rig, 880));
    let began = |event: &LiveAirEvent| matches!(event, LiveAirEvent::OverBegan { .. });
    facts_until(&mut client, 1, |facts| count(facts, began) == 1).await;
    let ear = listen(port);
    let alert = claim(62, Tier::Emergency, vec![item(50, alarm)]);
    let request = v1::InsertEmergencyRequest { claim_payload: bytes(&alert) };
    let aired = client.insert_emergency(request).await.unwrap().into_inner();
    assert!(aired.on_air, "{}", aired.reason);
    facts_until(&mut client, 1, |facts| count(facts, began) == 2).await;
    heard_for(&mut client, 96_000).await;
    sender.hang_up();
    let heard = ear.hang_up(rig.dir.path());
    let parts = heard.chunks_exact(2_400).map(|part| (power(part, 1_500), power(part, 880)));
    let alarm: Vec<f64> = parts.filter(|part| part.0 > 0.1).map(|part| part.1).collect();
    // A twentieth of a second at either end may be of both.
    assert!(alarm.len() > 20, "{} twentieths of a second of alarm", alarm.len());
    assert!(alarm[2..alarm.len() - 2].iter().all(|voice| *voice < 0.01), "{alarm:.3?}");
    assert!(heard.chunks_exact(4_800).rev().take(15).any(|part| power(part, 880) > 0.1));
}
