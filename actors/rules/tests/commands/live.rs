//! Commands about live sessions.

use super::samples::{self, Labelled, labelled, raw};
use grimnir_events::LiveSessionId;
use grimnir_events::line::LiveLine;
use grimnir_events::live::{LiveEvent, TakePolicy};
use grimnir_events::live_recording::LiveRecording;
use grimnir_events::output::Encoding;
use grimnir_events::station::MountFormat;
use grimnir_rules::live::LiveCommand;

/// By their words, as a ladder's command holds them.
pub fn live() -> Labelled<LiveCommand> {
    use LiveCommand::*;
    let session_id = LiveSessionId(raw(125));
    let session = samples::live().into_iter().find_map(|(_, event)| match event {
        LiveEvent::SessionCreated { session } => Some(session),
        _ => None,
    });
    let plain = |command| (String::new(), command);
    let line = LiveLine::SrtListener { address: "::".into(), port: 9_000, latency_ms: 125 };
    let encoding = Encoding { format: MountFormat::Opus, bitrate_kbps: 96 };
    let recording = LiveRecording { encoding, keep_days: 7, keep_bytes: 9_000_000_001 };
    let take = TakePolicy::Faded { fade_ms: 300 };
    let samples = vec![
        plain(Create { session: session.expect("a sample") }),
        plain(Revoke { session_id, note: "lost laptop".into() }),
        plain(Handover { session_id, take }),
        plain(Disconnect { session_id }),
        ("none".into(), SetLine { session_id, line: None }),
        ("srt".into(), SetLine { session_id, line: Some(Box::new(line)) }),
        ("none".into(), SetRecording { session_id, recording: None }),
        ("opus".into(), SetRecording { session_id, recording: Some(recording) }),
    ];
    labelled!(LiveCommand: [Create, Revoke, Handover, Disconnect, SetLine, SetRecording], samples)
}
