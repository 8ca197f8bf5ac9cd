//! Encoders at the harbor of a running engine: who is let in, who is heard, and what is heard when
//! they go. With the encoders that people have.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::v1;
use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::handover::EngineClaims;
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason};
use grimnir_events::live::{LiveAirEvent, TakePolicy};
use support::live::*;
use support::*;

fn claims(facts: &[AirFact]) -> Vec<ClaimId> {
    let claimed = |event| match event {
        LiveAirEvent::Claimed { claim, .. } => Some(claim.id),
        _ => None,
    };
    live_facts(facts).into_iter().filter_map(claimed).collect()
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
    heard_for(&mut client, 96_000).await;
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

/// A source that is faster than time waits, one that is slower runs dry; neither takes more air
/// than it has sound.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_has_its_own_pace_and_the_air_keeps_time() {
    let mut grants = [grant(1, TakePolicy::Immediate), grant(2, TakePolicy::Immediate)];
    let (rig, mut client, port) = on_air(&grants).await;
    let ear = listen(port);
    let (fast, slow) = (tone_mp3(&rig, 880), tone_mp3(&rig, 660));
    let sender = Sender::at_pace(rig.harbor(), 1, Pace::Play(fast, 1_000.0));
    let facts = facts_until(&mut client, 1, |facts| started(facts).len() == 2).await;
    let live = claims(&facts)[0];
    // Two seconds of air later it has not run dry, and has sent little more than was heard.
    heard_for(&mut client, 2 * 48_000).await;
    grants[0].disconnect = 1;
    set_live(&mut client, 2, &grants, vec![live]).await;
    let gone = |event: &LiveAirEvent| match event {
        LiveAirEvent::Disconnected { bytes, .. } => Some(*bytes),
        _ => None,
    };
    let facts = facts_until(&mut client, 1, |facts| {
        live_facts(facts).iter().any(|event| gone(event).is_some()) && owners(facts).len() == 3
    })
    .await;
    assert_eq!(count(&facts, |e| matches!(e, LiveAirEvent::RanDry { .. })), 0);
    sender.hang_up();
    let bytes = live_facts(&facts).iter().find_map(gone).unwrap();
    assert!(bytes < 16_000 * 60, "{bytes} bytes were taken in a few seconds");

    let sender = Sender::at_pace(rig.harbor(), 2, Pace::Play(slow, 0.5));
    let dry = |event: &LiveAirEvent| matches!(event, LiveAirEvent::RanDry { .. });
    facts_until(&mut client, 1, |facts| count(facts, dry) == 2 && owners(facts).len() == 7).await;
    heard_for(&mut client, 96_000).await;
    sender.hang_up();
    let heard = tones_heard(&ear.hang_up(rig.dir.path()), &[440, 880, 660]);
    let order = [440, 880, 440, 660, 440, 660, 440].map(Some);
    assert!(heard.windows(7).any(|part| part == order), "{heard:?}");
    assert!(!heard[1..heard.len() - 1].contains(&None), "a gap: {heard:?}");
}

/// A body in chunks, as `curl -T -` sends one, and encryption on the same port.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_may_speak_in_chunks_and_in_private() {
    let mut rig = Rig::new();
    let (chain, key) = (rig.dir.path().join("chain.pem"), rig.dir.path().join("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = |path: &std::path::Path| path.display().to_string();
    rig.start_with(&["--mount-tls-cert", &text(&chain), "--mount-tls-key", &text(&key)]);
    let (mut client, _) = rig.client().await;
    configure(&mut client, &config(1)).await;
    set_inputs(&mut client, 1, &[grant(1, TakePolicy::OnCue), grant(2, TakePolicy::OnCue)]).await;
    let sound = rig.dir.path().join("sound.mp3");
    std::fs::write(&sound, &tone_mp3(&rig, 880)[..]).unwrap();
    let send = |number: u8, scheme: &str| {
        let url = format!("{scheme}://127.0.0.1:{}/mount-{number}", rig.harbor());
        let login = format!("source:secret-{number}");
        // Without a length it is sent in chunks, at the speed of sound.
        let all = ["-sk", "--limit-rate", "32k", "-H", "Transfer-Encoding: chunked", "-u", &login];
        Encoder::start("curl", &[&all[..], &["-T", &text(&sound), &url]].concat())
    };
    let _encoders = [send(1, "http"), send(2, "https")];
    let both = |facts: &[AirFact]| is_ready(facts, 1).is_some() && is_ready(facts, 2).is_some();
    let facts = facts_until(&mut client, 1, both).await;
    assert!(is_ready(&facts, 2).unwrap().starts_with("mp3 48000 Hz"), "{facts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_on_air_when_the_engine_died_comes_back_into_the_same_claim() {
    let grants = [grant(1, TakePolicy::NextItem), grant(2, TakePolicy::OnCue)];
    let mut asked = grants.clone();
    asked[0].take = (1, TakePolicy::Immediate);
    let (mut rig, mut client, _) = on_air(&grants).await;
    let sound = tone_mp3(&rig, 880);
    let sender = Sender::connect(rig.harbor(), 1, &sound);
    facts_until(&mut client, 1, |facts| is_ready(facts, 1).is_some()).await;
    set_inputs(&mut client, 2, &asked).await;
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;
    let claim = live_facts(&facts).into_iter().find_map(|event| match event {
        LiveAirEvent::Claimed { claim, .. } => Some(*claim),
        _ => None,
    });
    let claim = claim.unwrap();
    // The ladder took it in, and handed it over with the others.
    let held = EngineClaims {
        revision: 3,
        claims: vec![claim.clone()],
        ended: vec![],
        owner: claim.id,
        skips: vec![],
    };
    let request =
        v1::SetClaimsRequest { claims_payload: bytes(&held), epoch: 1, ..Default::default() };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
    rig.kill();
    sender.hang_up();
    rig.start();
    let (mut client, _) = rig.client().await;
    let before = facts.len() as u64;
    let sender = Sender::connect(rig.harbor(), 1, &sound);
    let back = |facts: &[AirFact]| owners(facts).iter().any(|(to, _)| *to == claim.id);
    let after = facts_until(&mut client, before + 1, back).await;
    assert_eq!(claims(&after), [claim.id], "no other claim was made: {after:#?}");
    heard_for(&mut client, 48_000).await;
    sender.hang_up();
}

/// What it says of its sound is not believed; it is decoded apart, and goes with its time.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_lies_is_heard_until_its_window_is_over() {
    let mut grants = [grant(1, TakePolicy::Immediate)];
    let (rig, mut client, _) = on_air(&grants).await;
    let address = format!("icecast://source:secret-1@127.0.0.1:{}/mount-1", rig.harbor());
    let lies = ["-c:a", "libopus", "-content_type", "audio/mpeg", "-f", "ogg", &address];
    let _encoder = Encoder::ffmpeg(880, &lies);
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 2).await;
    assert_eq!(is_ready(&facts, 1).as_deref(), Some("opus"));
    let decoders = children(&rig, "decode");
    assert_eq!(decoders.len(), 1);
    for number in 0..6 {
        let song = format!("/admin.cgi?mode=updinfo&pass=secret-1&song=Song+{number}");
        say(rig.harbor(), format!("GET {song} HTTP/1.0\r\n\r\n").as_bytes());
    }
    // Not each of them is told, but the last is.
    let last = |event: &LiveAirEvent| match event {
        LiveAirEvent::Titled { title, .. } => title == "Song 5",
        _ => false,
    };
    facts_until(&mut client, 1, |facts| count(facts, last) == 1).await;
    grants[0].windows[0].1 = now();
    set_inputs(&mut client, 2, &grants).await;
    let gone = |event: &LiveAirEvent| matches!(event, LiveAirEvent::Disconnected { .. });
    let facts =
        facts_until(&mut client, 1, |facts| count(facts, gone) == 1 && owners(facts).len() == 3)
            .await;
    until_gone(&decoders);
    let titled = |fact: &&AirFact| match &fact.event {
        AirEvent::Live(event) => matches!(**event, LiveAirEvent::Titled { .. }),
        _ => false,
    };
    let told: Vec<i64> = facts.iter().filter(titled).map(|fact| fact.frame.0).collect();
    assert!(!told.is_empty());
    // Once a second; it is told a moment after it was looked at.
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 40_000), "{told:?}");
}
