//! Decides what is asked about live sessions.

use super::command::LiveCommand;
use super::line;
use super::recording;
use super::state::{LiveSessions, Seen};
use crate::text::{self, TextFault};
use crate::{Reject, RejectClass};
use grimnir_events::ladder::Tier;
use grimnir_events::live::{LiveEvent, LiveSession, LiveValidity, TakePolicy};
use grimnir_events::{LiveSessionId, UtcMicros};

/// Sessions that a station may have; they are handed to the engine as a whole.
pub const SESSIONS_MAX: usize = 200;
/// Longest name, user name and mount, in characters.
const NAME_MAX: usize = 100;
/// Longest fade, in ms.
const FADE_MAX_MS: u32 = 20_000;

/// Why it is not done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LiveRejection {
    /// A name is empty, too long or holds a control character.
    #[error("{field} {fault}")]
    Text {
        /// Which.
        field: &'static str,
        /// What is wrong.
        fault: TextFault,
    },
    /// A mount is a slash and a name.
    #[error("mount is {found:?}, expected a slash and a name without blanks")]
    Mount {
        /// As given.
        found: String,
    },
    /// Only two tiers are for people who are live.
    #[error("tier is {found:?}, expected LiveOverride or LiveScheduled")]
    Tier {
        /// As given.
        found: Tier,
    },
    /// The window is empty or over.
    #[error("the session is valid until {until}, expected after {least}")]
    Window {
        /// Its end.
        until: UtcMicros,
        /// The later of its start and now.
        least: UtcMicros,
    },
    /// The fade is too long.
    #[error("fade is {found} ms, limit {FADE_MAX_MS} ms")]
    Fade {
        /// As given.
        found: u32,
    },
    /// As many as can be handed over.
    #[error("there are {found} live sessions, limit {SESSIONS_MAX}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// No such session.
    #[error("there is no live session {session_id}")]
    Unknown {
        /// Which.
        session_id: LiveSessionId,
    },
    /// A line cannot be opened so.
    #[error("{field} of the line is {found}, expected {expected}")]
    Line {
        /// Which part.
        field: &'static str,
        /// As given.
        found: String,
        /// What it can be.
        expected: &'static str,
    },
    /// It cannot be recorded so.
    #[error("{field} of the recording is {found}, expected {expected}")]
    Recording {
        /// Which part.
        field: &'static str,
        /// As given.
        found: String,
        /// What it can be.
        expected: &'static str,
    },
    /// Nobody is connected with it.
    #[error("nobody is connected with live session {session_id}")]
    NotConnected {
        /// Which.
        session_id: LiveSessionId,
    },
}

impl Reject for LiveRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Text { .. } => "bad_text",
            Self::Mount { .. } => "bad_live_mount",
            Self::Tier { .. } => "bad_live_tier",
            Self::Window { .. } => "bad_window",
            Self::Fade { .. } => "fade_too_long",
            Self::TooMany { .. } => "too_many_live_sessions",
            Self::Unknown { .. } => "live_session_not_found",
            Self::Line { .. } => "bad_live_line",
            Self::Recording { .. } => "bad_live_recording",
            Self::NotConnected { .. } => "live_not_connected",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Text { field, .. } => Some(field),
            Self::Mount { .. } => Some("mount"),
            Self::Tier { .. } => Some("tier"),
            Self::Window { .. } => Some("until"),
            Self::Fade { .. } => Some("take"),
            Self::Line { field, .. } | Self::Recording { field, .. } => Some(field),
            Self::TooMany { .. } | Self::Unknown { .. } | Self::NotConnected { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::Unknown { .. } => RejectClass::NotFound,
            Self::TooMany { .. } | Self::NotConnected { .. } => RejectClass::Conflict,
            Self::Text { .. }
            | Self::Mount { .. }
            | Self::Tier { .. }
            | Self::Window { .. }
            | Self::Fade { .. }
            | Self::Line { .. }
            | Self::Recording { .. } => RejectClass::Invalid,
        }
    }
}

/// Decides one command.
pub fn decide(
    state: &LiveSessions,
    seen: &Seen,
    command: &LiveCommand,
    now: UtcMicros,
) -> Result<Vec<LiveEvent>, LiveRejection> {
    match command {
        LiveCommand::Create { session } => create(state, session, now),
        LiveCommand::Revoke { session_id, note } => {
            known(state, *session_id)?;
            let note = text::clip(note, NAME_MAX);
            Ok(vec![LiveEvent::SessionRevoked { session_id: *session_id, note }])
        }
        LiveCommand::Handover { session_id, take } => {
            connected(state, seen, *session_id)?;
            fade(*take)?;
            let number = state.requests + 1;
            let (session_id, take) = (*session_id, *take);
            Ok(vec![LiveEvent::HandoverRequested { session_id, number, take }])
        }
        LiveCommand::Disconnect { session_id } => {
            connected(state, seen, *session_id)?;
            let (session_id, number) = (*session_id, state.requests + 1);
            Ok(vec![LiveEvent::DisconnectRequested { session_id, number }])
        }
        LiveCommand::SetLine { session_id, line } => {
            known(state, *session_id)?;
            if state.lines.get(session_id) == line.as_deref() {
                return Ok(vec![]);
            }
            if let Some(line) = line {
                line::check(state, *session_id, line)?;
            }
            Ok(vec![LiveEvent::LineSet { session_id: *session_id, line: line.clone() }])
        }
        LiveCommand::SetRecording { session_id, recording } => {
            known(state, *session_id)?;
            if state.recordings.get(session_id) == recording.as_ref() {
                return Ok(vec![]);
            }
            if let Some(recording) = recording {
                recording::check(recording.encoding)?;
            }
            let (session_id, recording) = (*session_id, *recording);
            Ok(vec![LiveEvent::RecordingSet { session_id, recording }])
        }
    }
}

fn create(
    state: &LiveSessions,
    session: &LiveSession,
    now: UtcMicros,
) -> Result<Vec<LiveEvent>, LiveRejection> {
    if state.sessions.contains_key(&session.id) {
        return Ok(vec![]);
    }
    check(session, now)?;
    // Sessions whose time is over make room.
    let over = state.over(now);
    let found = state.sessions.len() - over.len();
    if found >= SESSIONS_MAX {
        return Err(LiveRejection::TooMany { found });
    }
    let gone =
        |session_id| LiveEvent::SessionRevoked { session_id, note: "its time is over".into() };
    let created = LiveEvent::SessionCreated { session: Box::new(session.clone()) };
    Ok(over.into_iter().map(gone).chain([created]).collect())
}

fn check(session: &LiveSession, now: UtcMicros) -> Result<(), LiveRejection> {
    let named = |field, value: &str| {
        text::check(value, 1, NAME_MAX).map_err(|fault| LiveRejection::Text { field, fault })
    };
    named("name", &session.name)?;
    if !session.username.is_empty() {
        named("username", &session.username)?;
    }
    let name = session.mount.strip_prefix('/').unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if name.is_empty() || session.mount.len() > NAME_MAX || !name.chars().all(plain) {
        return Err(LiveRejection::Mount { found: text::clip(&session.mount, NAME_MAX) });
    }
    if !matches!(session.tier, Tier::LiveOverride | Tier::LiveScheduled) {
        return Err(LiveRejection::Tier { found: session.tier });
    }
    if let LiveValidity::Window { from, until } = session.validity
        && until <= from.max(now)
    {
        return Err(LiveRejection::Window { until, least: from.max(now) });
    }
    fade(session.take)
}

fn fade(take: TakePolicy) -> Result<(), LiveRejection> {
    match take {
        TakePolicy::Faded { fade_ms } if fade_ms > FADE_MAX_MS => {
            Err(LiveRejection::Fade { found: fade_ms })
        }
        TakePolicy::Faded { .. }
        | TakePolicy::Immediate
        | TakePolicy::NextItem
        | TakePolicy::OnCue => Ok(()),
    }
}

fn known(state: &LiveSessions, session_id: LiveSessionId) -> Result<(), LiveRejection> {
    match state.sessions.contains_key(&session_id) {
        true => Ok(()),
        false => Err(LiveRejection::Unknown { session_id }),
    }
}

fn connected(
    state: &LiveSessions,
    seen: &Seen,
    session_id: LiveSessionId,
) -> Result<(), LiveRejection> {
    known(state, session_id)?;
    match seen.connected.contains_key(&session_id) {
        true => Ok(()),
        false => Err(LiveRejection::NotConnected { session_id }),
    }
}
