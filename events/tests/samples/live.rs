//! Samples of live inputs: decided, seen by the engine, handed to it.

use super::{Labelled, at, claim, hash, labelled, raw};
use grimnir_events::ladder::Tier;
use grimnir_events::line::{EngineLineSecrets, EngineLines, LiveLine, RtpSound};
use grimnir_events::live::*;
use grimnir_events::live_recording::*;
use grimnir_events::output::{Encoding, SecretRef};
use grimnir_events::recording::{Recorded, RecordingEnd, RemovalReason};
use grimnir_events::station::MountFormat;
use grimnir_events::{AirFrame, ClaimId, CredentialId, LiveSessionId, ShowId, StationId};

const fn id(bytes: [u8; 16]) -> LiveSessionId {
    LiveSessionId(bytes)
}

fn session(validity: LiveValidity, take: TakePolicy, mode: LiveMode) -> LiveSession {
    LiveSession {
        id: id(raw(70)),
        name: "Morning DJ".into(),
        username: "morning".into(),
        digest: hash(71),
        mount: "/live".into(),
        validity,
        tier: Tier::LiveScheduled,
        take,
        mode,
    }
}

/// By their words, as a ladder's event holds them.
pub fn live() -> Labelled<LiveEvent> {
    use LiveEvent::*;
    let session_id = id(raw(72));
    let created =
        |validity, take, mode| SessionCreated { session: Box::new(session(validity, take, mode)) };
    let window = LiveValidity::Window { from: at(70), until: at(71) };
    let show = |show_id| LiveValidity::Shows { show_id };
    let samples = vec![
        ("window".into(), created(window, TakePolicy::Immediate, LiveMode::Replace)),
        ("shows".into(), created(show(None), TakePolicy::NextItem, LiveMode::Over)),
        ("show".into(), created(show(Some(ShowId(raw(73)))), TakePolicy::OnCue, LiveMode::Replace)),
        ("".into(), SessionRevoked { session_id, note: "lost laptop".into() }),
        (
            "".into(),
            HandoverRequested { session_id, number: 7, take: TakePolicy::Faded { fade_ms: 800 } },
        ),
        ("".into(), DisconnectRequested { session_id, number: 8 }),
        ("none".into(), LineSet { session_id, line: None }),
        ("srt_listener".into(), LineSet { session_id, line: Some(Box::new(lines()[0].clone())) }),
        ("srt_caller".into(), LineSet { session_id, line: Some(Box::new(lines()[1].clone())) }),
        ("rtp".into(), LineSet { session_id, line: Some(Box::new(lines()[2].clone())) }),
        ("srt_listener.encrypted".into(), encrypted_line(0)),
        ("srt_caller.encrypted".into(), encrypted_line(1)),
        ("none".into(), RecordingSet { session_id, recording: None }),
        ("flac".into(), RecordingSet { session_id, recording: Some(recording()) }),
    ];
    labelled!(LiveEvent: [
        SessionCreated, SessionRevoked, HandoverRequested, DisconnectRequested, LineSet,
        RecordingSet,
    ], samples)
}

const FLAC: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };

fn recording() -> LiveRecording {
    LiveRecording { encoding: FLAC, keep_days: 42, keep_bytes: 90_000_000_001 }
}

pub fn engine_live_recordings() -> Labelled<EngineLiveRecordings> {
    let recordings = vec![(id(raw(86)), recording())];
    let station_id = StationId(raw(88));
    vec![("whole".into(), EngineLiveRecordings { revision: 87, station_id, recordings })]
}

fn recording_reports() -> Labelled<LiveRecordingReport> {
    let (file, first) = ("2026-11-22/anna_20261122T140000Z.flac", AirFrame(86_172_940_848_013));
    let recorded = Recorded {
        file: file.into(),
        encoding: FLAC,
        first,
        frames: 960_001,
        lead: 0,
        bytes: 480_003,
        hash: hash(89),
        end: RecordingEnd::EngineLost,
    };
    let aired = vec![Aired { first: first.plus(48_000), frames: 500_007, offset: 47_999 }];
    vec![
        ("begun".into(), LiveRecordingReport::Begun { file: file.into(), encoding: FLAC, first }),
        ("finished".into(), LiveRecordingReport::Finished { recorded, aired }),
        (
            "removed".into(),
            LiveRecordingReport::Removed { file: file.into(), reason: RemovalReason::Age },
        ),
        ("failed".into(), LiveRecordingReport::Failed { reason: "no space left".into() }),
    ]
}

fn lines() -> Vec<LiveLine> {
    let rtp =
        |sound| LiveLine::Rtp { address: "239.1.2.3".into(), port: 5_004, sound, latency_ms: 100 };
    vec![
        LiveLine::SrtListener { address: "0.0.0.0".into(), port: 9_000, latency_ms: 200 },
        LiveLine::SrtCaller {
            host: "studio.example".into(),
            port: 9_001,
            stream_id: "outside".into(),
            latency_ms: 300,
        },
        rtp(RtpSound::L16 { rate: 44_100, channels: 2 }),
        rtp(RtpSound::Opus),
        rtp(RtpSound::MpegAudio),
        rtp(RtpSound::MpegTs),
    ]
}

fn secured() -> SecretRef {
    SecretRef { id: CredentialId(raw(90)), fingerprint: hash(91) }
}

fn encrypted_line(which: usize) -> LiveEvent {
    let line = Some(Box::new(lines()[which].clone().encrypted(secured())));
    LiveEvent::LineSet { session_id: id(raw(72)), line }
}

pub fn engine_line_secrets() -> Labelled<EngineLineSecrets> {
    let secrets = vec![(secured().id, "hackme hackme".into())];
    let station_id = StationId(raw(92));
    vec![("whole".into(), EngineLineSecrets { revision: 93, station_id, secrets })]
}

pub fn engine_lines() -> Labelled<EngineLines> {
    let lines = lines().into_iter().map(|line| (id(raw(82)), line)).collect();
    let station_id = StationId(raw(84));
    let clear = EngineLines { revision: 83, station_id, lines };
    let encrypted = |line: LiveLine| (id(raw(82)), line.encrypted(secured()));
    let lines = self::lines().into_iter().take(2).map(encrypted).collect();
    vec![("whole".into(), clear.clone()), ("encrypted".into(), EngineLines { lines, ..clear })]
}

/// By their words, as a fact of the air holds them.
pub fn live_air() -> Labelled<LiveAirEvent> {
    use LiveAirEvent::*;
    let (session_id, claim_id) = (id(raw(74)), ClaimId(raw(75)));
    let plain = |event| (String::new(), event);
    let mut samples = vec![
        plain(Connected {
            session_id,
            address: "192.0.2.7:50412".into(),
            client: "butt 0.1.37".into(),
            protocol: "source".into(),
        }),
        plain(Ready { session_id, format: "mp3 44100 Hz 2 ch".into() }),
        plain(Claimed { session_id, claim: Box::new(claim(Tier::LiveOverride)) }),
        plain(OverBegan { session_id }),
        plain(OverEnded { session_id }),
        plain(Titled { session_id, title: "Someone - Something".into() }),
        plain(RanDry { session_id, claim_id }),
        plain(Disconnected { session_id, reason: "the sender ended".into(), bytes: 9_000_001 }),
        plain(Refused {
            address: "192.0.2.9:1".into(),
            mount: "/live".into(),
            reason: "wrong user name or password".into(),
            others: 3,
        }),
    ];
    for (label, report) in recording_reports() {
        samples.push((label, Recording { session_id, report: Box::new(report) }));
    }
    labelled!(LiveAirEvent: [
        Connected, Ready, Claimed, OverBegan, OverEnded, Titled, RanDry, Disconnected, Refused,
        Recording,
    ], samples)
}

pub fn engine_inputs() -> Labelled<EngineInputs> {
    let grant = |take, disconnect| LiveGrant {
        session: session(
            LiveValidity::Shows { show_id: None },
            TakePolicy::NextItem,
            LiveMode::Replace,
        ),
        windows: vec![(at(76), at(77)), (at(78), at(79))],
        take,
        disconnect,
    };
    let station_id = StationId(raw(80));
    let grants = vec![grant((9, TakePolicy::Immediate), 0), grant((0, TakePolicy::default()), 10)];
    vec![("whole".into(), EngineInputs { revision: 81, station_id, grants })]
}
