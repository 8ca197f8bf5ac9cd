//! The encoders that people have, at the harbor: every one is let in, recognised and told of, comes
//! back where it can, and hears where it may not.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::Client;
use grimnir_events::LiveSessionId;
use grimnir_events::air::AirFact;
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason};
use grimnir_events::live::{LiveAirEvent, LiveGrant, TakePolicy};
use support::clients::{Desk, NOISE};
use support::live::*;
use support::relay::Relay;
use support::*;

/// What each sends, by its session.
const EXPECTED: [(u8, &str); 11] = [
    (1, "mp3"),
    (2, "aac"),
    (3, "vorbis"),
    (4, "opus"),
    (5, "flac"),
    (6, "mp3"),
    (7, "mp3"),
    (8, "mp3"),
    (9, "mp3"),
    (10, "mp3"),
    (11, "vorbis"),
];
/// ADTS has no place for a title, and ffmpeg tells none beside it.
const UNTITLED: u8 = 2;
const DARKICE: u8 = 12;

/// What was told of a session.
fn told(facts: &[AirFact], number: u8, wanted: impl Fn(&LiveAirEvent) -> bool) -> usize {
    let id = LiveSessionId([number; 16]);
    count(facts, |event| whose(event) == Some(id) && wanted(event))
}

fn whose(event: &LiveAirEvent) -> Option<LiveSessionId> {
    match event {
        LiveAirEvent::Connected { session_id, .. }
        | LiveAirEvent::Ready { session_id, .. }
        | LiveAirEvent::Claimed { session_id, .. }
        | LiveAirEvent::Titled { session_id, .. }
        | LiveAirEvent::Disconnected { session_id, .. } => Some(*session_id),
        _ => None,
    }
}

fn is_titled(facts: &[AirFact], number: u8) -> bool {
    let song = format!("DJ {number} - Song {number}");
    told(facts, number, |e| matches!(e, LiveAirEvent::Titled { title, .. } if *title == song)) > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encoders_that_people_have_are_let_in_recognised_and_tell_their_titles() {
    let grants: Vec<LiveGrant> = (1..=12).map(|number| grant(number, TakePolicy::OnCue)).collect();
    let (rig, mut client, _) = on_air(&grants).await;
    let (base, dir) = (rig.harbor(), rig.dir.path());
    let desk = |number| Desk::new(base, dir, number);
    // What ffmpeg says of its sound is not always true.
    let lies = ["-af", NOISE, "-c:a", "libvorbis", "-f", "ogg", "-content_type", "audio/mpeg"];
    let encoders = [
        desk(1).ffmpeg(&["-b:a", "128k", "-f", "mp3"]),
        desk(2).ffmpeg(&["-legacy_icecast", "1", "-c:a", "aac", "-f", "adts"]),
        desk(3).ffmpeg(&lies),
        desk(4).ffmpeg(&["-c:a", "libopus", "-f", "ogg", "-content_type", "application/ogg"]),
        desk(5).ffmpeg(&["-c:a", "flac", "-f", "ogg", "-content_type", "audio/ogg"]),
        desk(6).shout2send("http"),
        desk(7).shout2send("icy"),
        desk(8).ezstream(),
        Desk::liquidsoap(&[(desk(9), "icecast"), (desk(10), "shoutcast")]),
        desk(11).ices(),
        desk(DARKICE).darkice(),
    ];
    let shook = |facts: &[AirFact]| {
        let source = |event: &LiveAirEvent| match event {
            LiveAirEvent::Connected { protocol, .. } => protocol == "source",
            _ => false,
        };
        told(facts, DARKICE, source) > 0
    };
    let all = |facts: &[AirFact]| {
        let both = |number| number == UNTITLED || is_titled(facts, number);
        let mut numbers = EXPECTED.iter().map(|(number, _)| *number);
        shook(facts) && numbers.all(|number| is_ready(facts, number).is_some() && both(number))
    };
    // Liquidsoap takes its time to begin.
    let facts = facts_within(&mut client, 1, 120, all).await;
    for (number, codec) in EXPECTED {
        let format = is_ready(&facts, number).unwrap();
        assert!(format.starts_with(codec), "{number}: {format}");
    }
    drop(encoders);
}

/// ffmpeg and GStreamer's element end with their connection; these do not.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_comes_back_by_itself_is_let_in_again_and_has_its_claim() {
    let grants: Vec<LiveGrant> =
        (1..=4).map(|number| grant(number, TakePolicy::Immediate)).collect();
    let (rig, mut client, _) = on_air(&grants).await;
    let relays = [1, 2, 3, 4].map(|number| Relay::start(rig.harbor(), 10 + number));
    let desk = |n: usize| Desk::new(relays[n].port, rig.dir.path(), n as u8 + 1);
    let encoders = [
        desk(0).ezstream(),
        desk(1).ices(),
        Desk::liquidsoap(&[(desk(2), "icecast"), (desk(3), "shoutcast")]),
    ];
    let is_ready = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Ready { .. });
    let is_claimed = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Claimed { .. });
    let times = |facts: &[AirFact], times| (1..=4).all(|n| told(facts, n, is_ready) == times);
    let claimed = |facts: &[AirFact]| (1..=4).all(|n| told(facts, n, is_claimed) == 1);
    facts_within(&mut client, 1, 120, |facts| times(facts, 1) && claimed(facts)).await;
    relays.iter().for_each(Relay::tear);
    let facts = facts_within(&mut client, 1, 120, |facts| times(facts, 2)).await;
    assert!(claimed(&facts), "each has the claim that it had: {facts:#?}");
    let gone = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Disconnected { .. });
    assert!((1..=4).all(|n| told(&facts, n, gone) == 1), "{facts:#?}");
    let claim_ended =
        |fact: &AirFact| matches!(fact.event, grimnir_events::air::AirEvent::ClaimEnded { .. });
    assert!(!facts.iter().any(claim_ended), "{facts:#?}");
    drop(encoders);
}

/// One of each kind that signs in with this password at mount 1, each by a relay of its own.
fn one_of_each(rig: &Rig, first: u8, secret: &str) -> (Vec<Relay>, Vec<Encoder>) {
    let relays: Vec<Relay> = (0..9).map(|n| Relay::start(rig.harbor(), first + n)).collect();
    let desk = |n: usize| Desk { secret, ..Desk::new(relays[n].port, rig.dir.path(), 1) };
    let encoders = vec![
        desk(0).ffmpeg(&["-b:a", "128k", "-f", "mp3"]),
        desk(1).ffmpeg(&["-legacy_icecast", "1", "-b:a", "128k", "-f", "mp3"]),
        desk(2).shout2send("http"),
        desk(3).shout2send("icy"),
        desk(4).ezstream(),
        desk(5).ices(),
        desk(6).darkice(),
        Desk::liquidsoap(&[(desk(7), "icecast"), (desk(8), "shoutcast")]),
    ];
    (relays, encoders)
}

/// Waits until each was told no.
async fn all_hear(client: &mut Client, relays: &[Relay], no: &str) {
    let hears = |relay: &Relay| {
        let answers = relay.answers();
        // Shoutcast has one word for it.
        answers.contains(no) || answers.contains("invalid password")
    };
    for _ in 0..120 {
        if relays.iter().all(hears) {
            return;
        }
        pass(client, 1).await;
    }
    let deaf: Vec<_> = relays.iter().filter(|relay| !hears(relay)).map(Relay::answers).collect();
    panic!("{no:?} was not heard: {deaf:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn encoders_that_are_wrong_late_or_send_no_sound_are_told_and_who_is_on_air_goes_on() {
    let grants = [1, 2, 3].map(|number| grant(number, TakePolicy::Immediate));
    let (rig, mut client, port) = on_air(&grants).await;
    let (ear, sound) = (listen(port), tone_mp3(&rig, 880));
    let relay = Relay::start(rig.harbor(), 2);
    let sender = Sender::connect(relay.port, 1, &sound);
    facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;

    let refused = |facts: &[AirFact], why: &str| {
        let by = |e: &LiveAirEvent| {
            matches!(e, LiveAirEvent::Refused { reason, mount, .. }
                if reason == why && mount == "/mount-1")
        };
        count(facts, by) > 0
    };
    for (first, secret, no, why) in [
        (10, "wrong-", "wrong user name or password\n", "wrong user name or password"),
        (20, "secret-", "403 Mountpoint in use", "another source is on the mount"),
    ] {
        let (relays, encoders) = one_of_each(&rig, first, secret);
        all_hear(&mut client, &relays, no).await;
        // Seldom the more there are; some of them try again and again.
        facts_within(&mut client, 1, 120, |facts| refused(facts, why)).await;
        drop(encoders);
        let welcome = relays.iter().filter(|relay| relay.answers().contains(" 200 "));
        assert_eq!(welcome.count(), 0, "{why}");
    }
    let noise = rig.dir.path().join("noise");
    let byte = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8;
    std::fs::write(&noise, (0..400_000).map(byte).collect::<Vec<u8>>()).unwrap();
    let desk = |number| Desk::new(rig.harbor(), rig.dir.path(), number);
    let (noise, url) = (noise.to_string_lossy(), desk(2).url());
    let from = ["-v", "error", "-f", "data", "-i", &noise, "-map", "0", "-c", "copy"];
    let to = ["-f", "data", "-content_type", "audio/mpeg", &url];
    let encoders =
        [Encoder::start("ffmpeg", &[&from[..], &to].concat()), desk(3).shout2send_noise()];
    let no_sound = |event: &LiveAirEvent| match event {
        LiveAirEvent::Disconnected { reason, .. } => reason.contains("neither MP3"),
        _ => false,
    };
    facts_within(&mut client, 1, 60, |facts| {
        [2, 3].into_iter().all(|number| told(facts, number, no_sound) == 1)
    })
    .await;
    drop(encoders);

    sender.hang_up();
    let gone = |event: &LiveAirEvent| match event {
        LiveAirEvent::Disconnected { bytes, session_id, .. } if session_id.0 == [1; 16] => {
            Some(*bytes)
        }
        _ => None,
    };
    let facts = facts_within(&mut client, 1, 60, |facts| {
        live_facts(facts).iter().any(|event| gone(event).is_some()) && owners(facts).len() == 3
    })
    .await;
    heard_for(&mut client, 96_000).await;
    let bytes: Vec<u64> = live_facts(&facts).iter().filter_map(gone).collect();
    assert_eq!(bytes, [relay.sent() - Sender::head(1).len() as u64], "not a byte was lost");
    let connected = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Connected { .. });
    let one = (1..=3).map(|number| told(&facts, number, connected));
    assert_eq!(one.collect::<Vec<_>>(), [1, 1, 1]);
    let reasons: Vec<_> = owners(&facts).into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, [OwnerReason::SignOn, OwnerReason::Preempted, OwnerReason::Failed]);
    assert_eq!(owners(&facts)[2].0, AUTOMATION_CLAIM);
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880]);
    let middle = &heard[1..heard.len() - 1];
    assert!(!middle.contains(&None) && middle.contains(&Some(880)), "{heard:?}");
    assert_eq!(heard.iter().flatten().filter(|tone| **tone == 880).count(), 1, "{heard:?}");
}
