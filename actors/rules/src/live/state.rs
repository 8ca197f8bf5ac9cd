//! The fold of live sessions, and of what the engine saw of them.

use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::line::LiveLine;
use grimnir_events::live::{LiveAirEvent, LiveEvent, LiveSession, LiveValidity, TakePolicy};
use grimnir_events::live_recording::LiveRecording;
use grimnir_events::{ClaimId, LiveSessionId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The sessions of a station.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LiveSessions {
    /// Those that are not revoked.
    pub sessions: BTreeMap<LiveSessionId, LiveSession>,
    /// Requests so far: the number of the last.
    pub requests: u64,
    /// The last handover that was asked for.
    pub handovers: BTreeMap<LiveSessionId, (u64, TakePolicy)>,
    /// The last disconnect that was asked for.
    pub disconnects: BTreeMap<LiveSessionId, u64>,
    /// Lines that sound comes over, for those sessions that have one.
    pub lines: BTreeMap<LiveSessionId, LiveLine>,
    /// How those are recorded that are.
    pub recordings: BTreeMap<LiveSessionId, LiveRecording>,
}

/// What the engine saw.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Who is connected.
    pub connected: BTreeMap<LiveSessionId, Connection>,
}

/// An encoder that is connected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// Since when.
    pub since: UtcMicros,
    /// Its address.
    pub address: String,
    /// What it calls itself.
    pub client: String,
    /// How it speaks.
    pub protocol: String,
    /// What it sends; empty until it could go on air.
    pub format: String,
    /// What it said last that it plays.
    pub title: String,
    /// What it claims the air with.
    pub claim_id: Option<ClaimId>,
}

/// Folds one event.
pub fn evolve(state: &mut LiveSessions, event: &LiveEvent) {
    match event {
        LiveEvent::SessionCreated { session } => {
            state.sessions.insert(session.id, (**session).clone());
        }
        LiveEvent::SessionRevoked { session_id, .. } => {
            state.sessions.remove(session_id);
            state.handovers.remove(session_id);
            state.disconnects.remove(session_id);
            state.lines.remove(session_id);
            state.recordings.remove(session_id);
        }
        LiveEvent::HandoverRequested { session_id, number, take } => {
            state.requests = *number;
            state.handovers.insert(*session_id, (*number, *take));
        }
        LiveEvent::DisconnectRequested { session_id, number } => {
            state.requests = *number;
            state.disconnects.insert(*session_id, *number);
        }
        LiveEvent::LineSet { session_id, line } => {
            match line {
                Some(line) => state.lines.insert(*session_id, (**line).clone()),
                None => state.lines.remove(session_id),
            };
        }
        LiveEvent::RecordingSet { session_id, recording } => {
            match recording {
                Some(recording) => state.recordings.insert(*session_id, *recording),
                None => state.recordings.remove(session_id),
            };
        }
    }
}

impl LiveSessions {
    /// Sessions for one occasion that is over, so that they need not be kept.
    pub fn over(&self, now: UtcMicros) -> Vec<LiveSessionId> {
        let over = |session: &&LiveSession| match session.validity {
            LiveValidity::Window { until, .. } => until <= now,
            LiveValidity::Shows { .. } => false,
        };
        self.sessions.values().filter(over).map(|session| session.id).collect()
    }
}

/// Folds one fact.
pub fn witness(seen: &mut Seen, fact: &AirFact) {
    if matches!(fact.event, AirEvent::EngineStarted { .. } | AirEvent::EngineStopped {}) {
        // Whoever was connected was so to a run that is over.
        seen.connected.clear();
    }
    if let AirEvent::ClaimEnded { claim_id, .. } = &fact.event {
        let ended = |c: &&mut Connection| c.claim_id == Some(*claim_id);
        seen.connected.values_mut().filter(ended).for_each(|c| c.claim_id = None);
    }
    if let AirEvent::Live(event) = &fact.event {
        heard(seen, event, fact.at);
    }
}

fn heard(seen: &mut Seen, event: &LiveAirEvent, at: UtcMicros) {
    match event {
        LiveAirEvent::Connected { session_id, address, client, protocol } => {
            let claim_id = seen.connected.get(session_id).and_then(|before| before.claim_id);
            let connection = Connection {
                since: at,
                address: address.clone(),
                client: client.clone(),
                protocol: protocol.clone(),
                format: String::new(),
                title: String::new(),
                claim_id,
            };
            seen.connected.insert(*session_id, connection);
        }
        LiveAirEvent::Ready { session_id, format } => {
            if let Some(connection) = seen.connected.get_mut(session_id) {
                connection.format.clone_from(format);
            }
        }
        LiveAirEvent::Claimed { session_id, claim } => {
            if let Some(connection) = seen.connected.get_mut(session_id) {
                connection.claim_id = Some(claim.id);
            }
        }
        LiveAirEvent::Titled { session_id, title } => {
            if let Some(connection) = seen.connected.get_mut(session_id) {
                connection.title.clone_from(title);
            }
        }
        LiveAirEvent::Disconnected { session_id, .. } => {
            seen.connected.remove(session_id);
        }
        LiveAirEvent::OverBegan { .. }
        | LiveAirEvent::OverEnded { .. }
        | LiveAirEvent::RanDry { .. }
        | LiveAirEvent::Refused { .. }
        | LiveAirEvent::Recording { .. } => {}
    }
}
