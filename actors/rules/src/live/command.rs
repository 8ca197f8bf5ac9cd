//! What can be asked about live sessions.

use grimnir_events::LiveSessionId;
use grimnir_events::line::LiveLine;
use grimnir_events::live::{LiveSession, TakePolicy};
use grimnir_events::live_recording::LiveRecording;
use serde::{Deserialize, Serialize};

/// A command about live sessions; nested in a ladder's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveCommand {
    /// Let somebody in. The secret was made by the caller, and only its digest comes here.
    Create {
        /// The session.
        session: Box<LiveSession>,
    },
    /// Let them in no more.
    Revoke {
        /// Which.
        session_id: LiveSessionId,
        /// Why.
        note: String,
    },
    /// Put a connected session on air.
    Handover {
        /// Which.
        session_id: LiveSessionId,
        /// How.
        take: TakePolicy,
    },
    /// Disconnect it; it may come back.
    Disconnect {
        /// Which.
        session_id: LiveSessionId,
    },
    /// Have its sound come over a line, or over none.
    SetLine {
        /// Whose.
        session_id: LiveSessionId,
        /// The line.
        line: Option<Box<LiveLine>>,
    },
    /// Have what comes in with it recorded, or not any more.
    SetRecording {
        /// Whose.
        session_id: LiveSessionId,
        /// How.
        recording: Option<LiveRecording>,
    },
}
