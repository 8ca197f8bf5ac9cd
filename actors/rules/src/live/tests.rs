//! Live sessions: made, handed over, revoked; and what the engine saw of them.

use super::*;
use crate::Reject;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::{ReleaseReason, Tier};
use grimnir_events::line::{LiveLine, RtpSound};
use grimnir_events::live::{
    LiveAirEvent, LiveMode, LiveSession, LiveValidity, TakePolicy, live_claim, secret_digest,
};
use grimnir_events::{AirFrame, ClaimId, EngineRunId, LiveSessionId, UtcMicros};

const NOW: UtcMicros = UtcMicros(1_000_000);

fn session(number: u8, until: i64) -> LiveSession {
    let id = LiveSessionId([number; 16]);
    LiveSession {
        id,
        name: "Anna".into(),
        username: String::new(),
        digest: secret_digest(id, "secret"),
        mount: "/live".into(),
        validity: LiveValidity::Window { from: UtcMicros(0), until: UtcMicros(until) },
        tier: Tier::LiveOverride,
        take: TakePolicy::NextItem,
        mode: LiveMode::Replace,
    }
}

fn ask(state: &mut LiveSessions, seen: &Seen, command: LiveCommand) -> Result<usize, &'static str> {
    let events = decide(state, seen, &command, NOW).map_err(|rejection| rejection.code())?;
    events.iter().for_each(|event| evolve(state, event));
    Ok(events.len())
}

fn create(session: LiveSession) -> LiveCommand {
    LiveCommand::Create { session: Box::new(session) }
}

fn see(seen: &mut Seen, event: AirEvent) {
    let (run, frame, at) = (EngineRunId([1; 16]), AirFrame(0), NOW);
    witness(seen, &AirFact { run, journal_seq: 1, frame, at, event });
}

fn live(seen: &mut Seen, event: LiveAirEvent) {
    see(seen, AirEvent::Live(Box::new(event)));
}

#[test]
fn what_makes_no_sense_is_refused_by_its_field() {
    let whole = session(1, 2_000_000);
    let bad = [
        (LiveSession { name: "a\nb".into(), ..whole.clone() }, "bad_text"),
        (LiveSession { username: "x".repeat(101), ..whole.clone() }, "bad_text"),
        (LiveSession { mount: "live".into(), ..whole.clone() }, "bad_live_mount"),
        (LiveSession { mount: "/a b".into(), ..whole.clone() }, "bad_live_mount"),
        (LiveSession { tier: Tier::Emergency, ..whole.clone() }, "bad_live_tier"),
        (LiveSession { take: TakePolicy::Faded { fade_ms: 20_001 }, ..whole }, "fade_too_long"),
        (session(1, NOW.0), "bad_window"),
    ];
    for (session, code) in bad {
        let told = format!("{session:?}");
        let (mut state, seen) = (LiveSessions::default(), Seen::default());
        assert_eq!(ask(&mut state, &seen, create(session)), Err(code), "{told}");
    }
}

#[test]
fn sessions_that_are_over_make_room_for_others() {
    let (mut state, seen) = (LiveSessions::default(), Seen::default());
    for number in 0..SESSIONS_MAX {
        let mut session = session(0, if number == 7 { 1_000_001 } else { 9_000_000 });
        session.id = LiveSessionId((number as u128 + 1).to_be_bytes());
        assert_eq!(ask(&mut state, &seen, create(session)), Ok(1));
    }
    let command = create(session(255, 9_000_000));
    assert_eq!(ask(&mut state, &seen, command.clone()), Err("too_many_live_sessions"));
    let later = UtcMicros(1_000_001);
    let events = decide(&state, &seen, &command, later).expect("room");
    assert_eq!(events.len(), 2, "one revoked, one made");
    events.iter().for_each(|event| evolve(&mut state, event));
    assert_eq!(state.sessions.len(), SESSIONS_MAX);
    assert_eq!(decide(&state, &seen, &command, later), Ok(vec![]), "it is there");
}

#[test]
fn only_who_is_connected_is_put_on_air_and_each_request_has_a_number() {
    let (mut state, mut seen) = (LiveSessions::default(), Seen::default());
    let session_id = LiveSessionId([1; 16]);
    let handover = LiveCommand::Handover { session_id, take: TakePolicy::Immediate };
    assert_eq!(ask(&mut state, &seen, handover.clone()), Err("live_session_not_found"));
    assert_eq!(ask(&mut state, &seen, create(session(1, 2_000_000))), Ok(1));
    assert_eq!(ask(&mut state, &seen, handover.clone()), Err("live_not_connected"));
    let word = String::new;
    let connected =
        LiveAirEvent::Connected { session_id, address: word(), client: word(), protocol: word() };
    live(&mut seen, connected.clone());
    assert_eq!(ask(&mut state, &seen, handover.clone()), Ok(1));
    assert_eq!(ask(&mut state, &seen, LiveCommand::Disconnect { session_id }), Ok(1));
    assert_eq!(ask(&mut state, &seen, handover.clone()), Ok(1));
    assert_eq!(state.handovers[&session_id].0, 3);
    assert_eq!(state.disconnects[&session_id], 2);
    live(&mut seen, LiveAirEvent::Disconnected { session_id, reason: word(), bytes: 1 });
    assert_eq!(ask(&mut state, &seen, handover.clone()), Err("live_not_connected"));
    live(&mut seen, connected);
    see(&mut seen, AirEvent::EngineStopped {});
    assert_eq!(ask(&mut state, &seen, handover), Err("live_not_connected"));
    let revoke = LiveCommand::Revoke { session_id, note: word() };
    assert_eq!(ask(&mut state, &seen, revoke), Ok(1));
    let kept = LiveSessions { requests: 3, ..LiveSessions::default() };
    assert_eq!(state, kept, "nothing is left of it");
}

#[test]
fn what_a_connection_claims_and_plays_is_known_until_its_claim_ends() {
    let (mut seen, session) = (Seen::default(), session(1, 2_000_000));
    let (session_id, claim_id) = (session.id, ClaimId([9; 16]));
    let claim = Box::new(live_claim(claim_id, &session, NOW, UtcMicros(2_000_000), 10));
    live(
        &mut seen,
        LiveAirEvent::Connected {
            session_id,
            address: "a".into(),
            client: "c".into(),
            protocol: "put".into(),
        },
    );
    live(&mut seen, LiveAirEvent::Ready { session_id, format: "mp3".into() });
    live(&mut seen, LiveAirEvent::Claimed { session_id, claim });
    live(&mut seen, LiveAirEvent::Titled { session_id, title: "T".into() });
    let connection = &seen.connected[&session_id];
    assert_eq!((connection.format.as_str(), connection.title.as_str()), ("mp3", "T"));
    assert_eq!(connection.claim_id, Some(claim_id));
    see(&mut seen, AirEvent::ClaimEnded { claim_id, reason: ReleaseReason::Completed });
    assert_eq!(seen.connected[&session_id].claim_id, None);
}

#[test]
fn a_djs_account_is_valid_in_the_windows_that_name_it() {
    use crate::show::{Window, WindowKind};
    use grimnir_events::show::LiveAccess;
    use grimnir_events::{InstanceId, ShowId};
    let show = ShowId([3; 16]);
    let window = |from, names: &[&str], kind| Window {
        kind,
        from: UtcMicros(from),
        until: UtcMicros(from + 10),
        live: LiveAccess { users: vec![], names: names.iter().map(|n| (*n).to_owned()).collect() },
        urls: vec![],
        of: Some((if from < 3_000_000 { show } else { ShowId([4; 16]) }, InstanceId([0; 16]))),
        name: String::new(),
    };
    let windows = [
        window(1, &[], WindowKind::Live),
        window(1_000_000, &["Anna"], WindowKind::Live),
        window(2_000_000, &["Bert"], WindowKind::Live),
        window(2_500_000, &[], WindowKind::Webstream),
        window(3_000_000, &[], WindowKind::Live),
    ];
    let spans = |show_id| {
        let (mut state, seen) = (LiveSessions::default(), Seen::default());
        let account = LiveSession { validity: LiveValidity::Shows { show_id }, ..session(1, 0) };
        assert_eq!(ask(&mut state, &seen, create(account)), Ok(1));
        let found = grants(&state, &windows, NOW);
        found[0].windows.iter().map(|(from, _)| from.0).collect::<Vec<_>>()
    };
    assert_eq!(spans(None), [1_000_000, 3_000_000]);
    assert_eq!(spans(Some(show)), [1_000_000]);
}

#[test]
fn a_line_is_of_a_session_has_a_port_of_its_own_and_goes_with_it() {
    let (mut state, seen) = (LiveSessions::default(), Seen::default());
    let listener = |port| LiveLine::SrtListener { address: "::".into(), port, latency_ms: 200 };
    let set = |number: u8, line: Option<LiveLine>| LiveCommand::SetLine {
        session_id: session(number, 9_000_000).id,
        line: line.map(Box::new),
    };
    assert_eq!(
        ask(&mut state, &seen, set(1, Some(listener(9_000)))),
        Err("live_session_not_found")
    );
    for number in [1, 2] {
        assert_eq!(ask(&mut state, &seen, create(session(number, 9_000_000))), Ok(1));
    }
    let rtp = |address: &str, port, sound, latency_ms| {
        Some(LiveLine::Rtp { address: address.into(), port, sound, latency_ms })
    };
    let caller = |host: &str, port, stream_id: String| {
        Some(LiveLine::SrtCaller { host: host.into(), port, stream_id, latency_ms: 200 })
    };
    let bad = [
        Some(listener(1_023)),
        rtp("localhost", 5_004, RtpSound::Opus, 200),
        rtp("0.0.0.0", 5_004, RtpSound::Opus, 19),
        rtp("0.0.0.0", 5_004, RtpSound::Opus, 8_001),
        rtp("0.0.0.0", 5_004, RtpSound::L16 { rate: 7_999, channels: 2 }, 200),
        rtp("0.0.0.0", 5_004, RtpSound::L16 { rate: 48_000, channels: 3 }, 200),
        caller("", 9_000, String::new()),
        caller("a b", 9_000, String::new()),
        caller("studio.example", 0, String::new()),
        caller("studio.example", 9_000, "x".repeat(501)),
        caller("studio.example", 9_000, "a\nb".into()),
    ];
    for line in bad {
        let told = format!("{line:?}");
        assert_eq!(ask(&mut state, &seen, set(1, line)), Err("bad_live_line"), "{told}");
    }
    assert_eq!(ask(&mut state, &seen, set(1, Some(listener(9_000)))), Ok(1));
    assert_eq!(ask(&mut state, &seen, set(1, Some(listener(9_000)))), Ok(0), "it is so already");
    let same_port = rtp("0.0.0.0", 9_000, RtpSound::Opus, 200);
    assert_eq!(ask(&mut state, &seen, set(2, same_port)), Err("bad_live_line"));
    assert_eq!(ask(&mut state, &seen, set(2, caller("h", 9_000, String::new()))), Ok(1));
    assert_eq!(ask(&mut state, &seen, set(2, None)), Ok(1));
    let revoke = LiveCommand::Revoke { session_id: session(1, 0).id, note: String::new() };
    assert_eq!(ask(&mut state, &seen, revoke), Ok(1));
    assert!(state.lines.is_empty(), "{:?}", state.lines);
}

#[test]
fn a_session_is_recorded_in_what_can_be_closed_after_a_crash_and_goes_with_its_recording() {
    use grimnir_events::live_recording::LiveRecording;
    use grimnir_events::output::Encoding;
    use grimnir_events::station::MountFormat::{self, AacLc, Flac, Mp3, Opus, Vorbis};
    let (mut state, seen) = (LiveSessions::default(), Seen::default());
    let session_id = session(1, 9_000_000).id;
    let set = |recording| LiveCommand::SetRecording { session_id, recording };
    let as_is = |format: MountFormat, bitrate_kbps| {
        let encoding = Encoding { format, bitrate_kbps };
        set(Some(LiveRecording { encoding, keep_days: 0, keep_bytes: 0 }))
    };
    assert_eq!(ask(&mut state, &seen, as_is(Flac, 0)), Err("live_session_not_found"));
    assert_eq!(ask(&mut state, &seen, create(session(1, 9_000_000))), Ok(1));
    let bad = [(AacLc, 128), (Vorbis, 128), (Flac, 1), (Mp3, 0), (Mp3, 112), (Mp3, 129), (Opus, 0)];
    for (format, kbps) in bad {
        let refused = ask(&mut state, &seen, as_is(format, kbps));
        assert_eq!(refused, Err("bad_live_recording"), "{format:?} {kbps}");
    }
    for (format, kbps) in [(Mp3, 128), (Opus, 24), (Flac, 0)] {
        assert_eq!(ask(&mut state, &seen, as_is(format, kbps)), Ok(1), "{format:?} {kbps}");
    }
    assert_eq!(ask(&mut state, &seen, as_is(Flac, 0)), Ok(0), "it is so already");
    assert_eq!(ask(&mut state, &seen, set(None)), Ok(1));
    assert!(state.recordings.is_empty());
    assert_eq!(ask(&mut state, &seen, as_is(Flac, 0)), Ok(1));
    let revoke = LiveCommand::Revoke { session_id, note: String::new() };
    assert_eq!(ask(&mut state, &seen, revoke), Ok(1));
    assert!(state.recordings.is_empty());
}
