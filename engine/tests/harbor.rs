//! Encoders at the harbor of a running engine: who is let in, who is heard, and what is heard when
//! they go. With the encoders that people have.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason, ReleaseReason};
use grimnir_events::live::{LiveAirEvent, LiveGrant, LiveMode, TakePolicy};
use support::live::*;
use support::*;

type Client = grimnir_engine_proto::Client;

/// An engine on air with a tone of 440 Hz.
async fn on_air(grants: &[LiveGrant]) -> (Rig, Client, u16) {
    let mut rig = Rig::new();
    let tone = rig.tone(440, 120.0, "flac");
    rig.start();
    let (mut client, port) = rig.client().await;
    configure(&mut client, &config(1)).await;
    set_timeline(&mut client, 1, chain(&[tone], now(), 0)).await;
    set_inputs(&mut client, 1, grants).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    (rig, client, port)
}

fn claims(facts: &[AirFact]) -> Vec<ClaimId> {
    let claimed = |event| match event {
        LiveAirEvent::Claimed { claim, .. } => Some(claim.id),
        _ => None,
    };
    live_facts(facts).into_iter().filter_map(claimed).collect()
}

fn count(facts: &[AirFact], wanted: impl Fn(&LiveAirEvent) -> bool) -> usize {
    live_facts(facts).iter().filter(|event| wanted(event)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_answered_as_a_real_server_answers() {
    let mut closed = grant(3, TakePolicy::OnCue);
    closed.windows = vec![(now().plus(-2_000_000), now().plus(-1_000_000))];
    let (rig, mut client, _) = on_air(&[grant(1, TakePolicy::OnCue), closed]).await;
    let (base, icy) = (rig.harbor(), rig.harbor() + 1);
    let basic = |number: u8| base64(&format!("source:secret-{number}"));
    let put = |mount: &str, more: &str| format!("PUT {mount} HTTP/1.1\r\nHost: h\r\n{more}\r\n");
    let with = |number| format!("Authorization: Basic {}\r\n", basic(number));

    let answer = say(base, b"OPTIONS * HTTP/1.1\r\nConnection: Upgrade\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.contains("Allow: GET, PUT, SOURCE"));
    let answer = say(base, put("/mount-1", "Content-Length: 0\r\n").as_bytes());
    assert!(answer.starts_with("HTTP/1.0 401 Authentication Required\r\nWWW-Authenticate: Basic"));
    let answer = say(base, put("/mount-1", &with(2)).as_bytes());
    assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
    let answer = say(base, put("/mount-9", &with(1)).as_bytes());
    assert!(answer.starts_with("HTTP/1.0 401 "), "another mount: {answer}");
    let answer = say(base, put("/mount-3", &with(3)).as_bytes());
    assert!(answer.starts_with("HTTP/1.0 403 Forbidden"), "{answer}");
    assert!(say(base, b"\x16\x03\x01\x02\x00\n\n").starts_with("HTTP/1.0 400 "));
    assert!(say(base, b"GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 404 "));
    assert_eq!(say(icy, b"!POKE\nicy-name:x\n\n"), "");
    assert_eq!(say(icy, b"secret-2\r\n"), "invalid password\r\n");

    let sound = tone_mp3(&rig, 880);
    let update = |number| {
        let path = "/admin/metadata?mode=updinfo&mount=%2fmount-1&song=A+-+b";
        format!("GET {path} HTTP/1.0\r\n{}\r\n", with(number))
    };
    assert!(say(base, update(2).as_bytes()).starts_with("HTTP/1.0 401 "));
    let answer = say(base, update(1).as_bytes());
    assert!(answer.starts_with("HTTP/1.0 400 ") && answer.contains("Source does not exist"));
    let sender = Sender::connect(base, 1, &sound);
    let answer = say(base, put("/mount-1", &with(1)).as_bytes());
    assert!(answer.starts_with("HTTP/1.0 403 Mountpoint in use"), "{answer}");
    assert_eq!(say(icy, b"secret-1:#/mount-1\n"), "invalid password\r\n");
    let answer = say(base, update(1).as_bytes());
    assert!(answer.contains("Metadata update successful"), "{answer}");
    let answer = say(base, b"GET /admin.cgi?mode=updinfo&pass=secret-1&song=C HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    let facts = facts_until(&mut client, 1, |facts| {
        is_ready(facts, 1).is_some()
            && count(facts, |e| matches!(e, LiveAirEvent::Titled { .. })) > 0
    })
    .await;
    assert!(is_ready(&facts, 1).unwrap().starts_with("mp3 48000 Hz"));
    assert_eq!(claims(&facts), [], "nobody gave the cue");
    assert!(count(&facts, |e| matches!(e, LiveAirEvent::Refused { .. })) > 0);
    sender.hang_up();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dj_is_heard_goes_comes_back_into_the_same_claim_and_nothing_is_missing() {
    let (rig, mut client, port) = on_air(&[grant(1, TakePolicy::Immediate)]).await;
    let ear = listen(port);
    let address = format!("icecast://source:secret-1@127.0.0.1:{}/mount-1", rig.harbor());
    let play = || Encoder::ffmpeg(880, &["-b:a", "128k", "-f", "mp3", &address]);
    let encoder = play();
    let owned = |facts: &[AirFact], times| owners(facts).len() == times;
    facts_until(&mut client, 1, |facts| owned(facts, 2) && started(facts).len() == 2).await;
    drop(encoder);
    facts_until(&mut client, 1, |facts| owned(facts, 3)).await;
    let encoder = play();
    facts_until(&mut client, 1, |facts| owned(facts, 4)).await;
    drop(encoder);
    let facts = facts_until(&mut client, 1, |facts| owned(facts, 5)).await;
    let claims = claims(&facts);
    assert_eq!(claims.len(), 1, "it came back into its claim");
    let live = claims[0];
    assert_eq!(
        owners(&facts),
        [
            (AUTOMATION_CLAIM, OwnerReason::SignOn),
            (live, OwnerReason::Preempted),
            (AUTOMATION_CLAIM, OwnerReason::Failed),
            (live, OwnerReason::Preempted),
            (AUTOMATION_CLAIM, OwnerReason::Failed),
        ]
    );
    assert_eq!(count(&facts, |e| matches!(e, LiveAirEvent::RanDry { .. })), 2);
    assert_eq!(count(&facts, |e| matches!(e, LiveAirEvent::Disconnected { .. })), 2);
    let ended = facts.iter().filter(|fact| match &fact.event {
        AirEvent::ItemEnded { reason: EndReason::Failed { reason }, .. } => {
            reason == "its sound ran out"
        }
        _ => false,
    });
    assert!(ended.count() <= 2);
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880]);
    assert_eq!(&heard[heard.len() - 5..], [440, 880, 440, 880, 440].map(Some), "{heard:?}");
}
