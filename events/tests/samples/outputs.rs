//! Samples of outputs: one of each kind, as they stand in events, commands and hand-overs.

use super::{Labelled, hash, plain, raw, words};
use grimnir_events::air::AirEvent;
use grimnir_events::output::*;
use grimnir_events::recording::*;
use grimnir_events::rtp::{MPEG_AUDIO_TYPE, RtpOutput, RtpPayload};
use grimnir_events::station::{MountFormat, StationEvent};
use grimnir_events::{AirFrame, CredentialId, OutputId};

fn secret(number: u8) -> SecretRef {
    SecretRef { id: CredentialId(raw(number)), fingerprint: hash(number + 1) }
}

fn icecast(method: SourceMethod) -> OutputKind {
    OutputKind::Icecast(IcecastOutput {
        host: "icecast.example".into(),
        port: 8_443,
        tls: true,
        mount: "/grimnir.ogg".into(),
        user: "source".into(),
        password: Some(secret(200)),
        encoding: Encoding { format: MountFormat::Opus, bitrate_kbps: 96 },
        method,
        public: false,
        description: "All day".into(),
        genre: "Various".into(),
        url: "https://grimnir.example/".into(),
        chain_titles: true,
    })
}

fn hls(container: HlsContainer, folder: Option<&str>) -> OutputKind {
    OutputKind::Hls(HlsOutput {
        path: "/hls".into(),
        container,
        bitrates_kbps: vec![64, 128],
        segment_ms: 4_001,
        window: 7,
        folder: folder.map(str::to_owned),
    })
}

fn rtp() -> Vec<(String, OutputKind)> {
    let payloads = [
        ("l16", RtpPayload::L16 { packet_ms: 5 }),
        ("l24", RtpPayload::L24 { packet_ms: 1 }),
        ("mp3", RtpPayload::Mp3 { bitrate_kbps: 192 }),
        ("opus", RtpPayload::Opus { bitrate_kbps: 128 }),
    ];
    let kind = |(word, payload)| {
        let mp3 = matches!(payload, RtpPayload::Mp3 { .. });
        let payload_type = if mp3 { MPEG_AUDIO_TYPE } else { 97 };
        let to = RtpOutput { host: "239.1.2.3".into(), port: 5_004, payload, payload_type, ttl: 8 };
        (format!("rtp.{word}"), OutputKind::Rtp(to))
    };
    payloads.into_iter().map(kind).collect()
}

/// Each kind, and each word within it.
pub fn outputs() -> Vec<(String, Output)> {
    let mut kinds: Vec<(String, OutputKind)> = Vec::new();
    for (word, method) in words!(SourceMethod: Auto, Put, Source) {
        kinds.push((format!("icecast.{word}"), icecast(method)));
    }
    let shoutcast = ShoutcastOutput {
        host: "203.0.113.5".into(),
        port: 8_000,
        password: None,
        encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 },
        public: true,
        genre: "Talk".into(),
        url: "http://talk.example/".into(),
    };
    kinds.push(("shoutcast".into(), OutputKind::Shoutcast(shoutcast)));
    for (word, container) in words!(HlsContainer: PackedAac, Fmp4) {
        kinds.push((format!("hls.{word}"), hls(container, None)));
    }
    kinds.push(("hls.folder".into(), hls(HlsContainer::Fmp4, Some("web"))));
    let srt = SrtOutput {
        host: "srt.example".into(),
        port: 9_000,
        encoding: Encoding { format: MountFormat::AacLc, bitrate_kbps: 192 },
        latency_ms: 201,
        stream_id: "publish:one".into(),
        passphrase: Some(secret(202)),
    };
    kinds.push(("srt".into(), OutputKind::Srt(srt)));
    let recording = RecordingOutput {
        encoding: Encoding { format: MountFormat::Flac, bitrate_kbps: 0 },
        folder: "compliance".into(),
        keep_days: 42,
        keep_bytes: 50_000_000_003,
    };
    kinds.push(("recording".into(), OutputKind::Recording(recording)));
    let monitor = MonitorOutput {
        path: "/studio.flac".into(),
        encoding: Encoding { format: MountFormat::Flac, bitrate_kbps: 0 },
        password: Some(secret(208)),
    };
    kinds.push(("monitor".into(), OutputKind::Monitor(monitor)));
    kinds.extend(rtp());
    // A new kind does not compile here until it stands above.
    let _ = |kind: OutputKind| match kind {
        OutputKind::Icecast(_) | OutputKind::Shoutcast(_) | OutputKind::Hls(_) => (),
        OutputKind::Srt(_) | OutputKind::Recording(_) | OutputKind::Monitor(_) => (),
        OutputKind::Rtp(_) => (),
    };
    let output =
        |kind| Output { id: OutputId(raw(204)), name: "Relay".into(), kind, enabled: true };
    kinds.into_iter().map(|(label, kind)| (label, output(kind))).collect()
}

/// The events of a station's outputs.
pub fn output_events() -> Labelled<StationEvent> {
    let set = |(label, output)| (label, StationEvent::OutputSet { output: Box::new(output) });
    let mut events: Vec<_> = outputs().into_iter().map(set).collect();
    events.push(plain(StationEvent::OutputRemoved { output_id: OutputId(raw(205)) }));
    events
}

/// What an engine reports of an output.
pub fn output_reports() -> Labelled<AirEvent> {
    let reported = |(word, health): (&str, OutputHealth)| {
        let report = OutputReport::Health { health, reason: "connection refused".into() };
        let (output_id, report) = (OutputId(raw(206)), Box::new(report));
        (format!("health.{word}"), AirEvent::OutputReported { output_id, report })
    };
    let mut reports: Labelled<AirEvent> =
        words!(OutputHealth: Up, Degraded, Down).map(reported).collect();
    for (label, report) in recording_reports() {
        let (output_id, report) = (OutputId(raw(206)), OutputReport::Recording(report).into());
        reports.push((label, AirEvent::OutputReported { output_id, report }));
    }
    reports
}

fn recording_reports() -> Labelled<RecordingReport> {
    let encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
    let first = AirFrame(86_172_940_848_011);
    let file = || "2026-11-21/archive_20261121T140000Z.flac".to_owned();
    let opened = RecordingReport::Opened { file: file(), encoding, first };
    let mut reports = vec![("recording.opened".to_owned(), opened)];
    let fault = RecordingEnd::Fault { reason: "no space left".into() };
    let ends = [
        ("hour_turn", RecordingEnd::HourTurn),
        ("stopped", RecordingEnd::Stopped),
        ("engine_lost", RecordingEnd::EngineLost),
        ("gap", RecordingEnd::Gap),
        ("fault", fault),
    ];
    for (word, end) in ends {
        let recorded = Recorded {
            file: file(),
            encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 192 },
            first,
            frames: 172_800_001,
            lead: 1_105,
            bytes: 86_400_207,
            hash: hash(208),
            end,
        };
        reports.push((format!("recording.closed.{word}"), RecordingReport::Closed(recorded)));
    }
    for (word, reason) in words!(RemovalReason: Age, Size) {
        let removed = RecordingReport::Removed { file: file(), reason };
        reports.push((format!("recording.removed.{word}"), removed));
    }
    reports
}

/// What an engine is handed of them.
pub fn engine_outputs() -> Labelled<EngineOutputs> {
    let handed = |(n, (_, output)): (usize, (String, Output))| EngineOutput {
        output: Output { enabled: n % 2 == 0, ..output },
        secret: (n % 3 == 0).then(|| "hackme".into()),
    };
    let (rtp, first): (Vec<_>, Vec<_>) =
        outputs().into_iter().partition(|(label, _)| label.starts_with("rtp"));
    let (monitors, first): (Vec<_>, Vec<_>) =
        first.into_iter().partition(|(label, _)| label == "monitor");
    let all = |outputs: Vec<(String, Output)>| EngineOutputs {
        outputs: outputs.into_iter().enumerate().map(handed).collect(),
    };
    // Kinds that came later stand in a sample of their own.
    vec![("whole".into(), all(first)), ("monitor".into(), all(monitors)), ("rtp".into(), all(rtp))]
}
