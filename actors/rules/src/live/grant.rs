//! Sessions as an engine needs them: with the stretches of time in which each may be used.

use super::LiveSessions;
use crate::show::{Window, WindowKind};
use grimnir_events::UtcMicros;
use grimnir_events::live::{LiveGrant, LiveSession, LiveValidity};

/// Most stretches of a session that are handed over, the nearest first.
const WINDOWS_MAX: usize = 64;

/// The sessions that may be used at `now` or later, among the windows of the plan.
pub fn grants(state: &LiveSessions, windows: &[Window], now: UtcMicros) -> Vec<LiveGrant> {
    let grant = |session: &LiveSession| LiveGrant {
        session: session.clone(),
        windows: spans(session, windows, now),
        take: state.handovers.get(&session.id).copied().unwrap_or((0, session.take)),
        disconnect: state.disconnects.get(&session.id).copied().unwrap_or(0),
    };
    // One without a window now is told as well: its encoder hears that it is not the time.
    state.sessions.values().map(grant).collect()
}

fn spans(session: &LiveSession, windows: &[Window], now: UtcMicros) -> Vec<(UtcMicros, UtcMicros)> {
    match session.validity {
        LiveValidity::Window { from, until } => vec![(from, until)],
        LiveValidity::Shows { show_id } => {
            let of_show = |window: &&Window| {
                let named = window.of.map(|(id, _)| id);
                window.until > now
                    && window.kind == WindowKind::Live
                    && show_id.is_none_or(|id| named == Some(id))
                    && lets_in(session, window)
            };
            let spans = windows.iter().filter(of_show).take(WINDOWS_MAX);
            spans.map(|window| (window.from, window.until)).collect()
        }
    }
}

/// Nobody named means everybody; else one of the names is the session's, or its encoder's.
fn lets_in(session: &LiveSession, window: &Window) -> bool {
    let access = &window.live;
    let nobody = access.names.is_empty() && access.users.is_empty();
    let named = |name: &String| *name == session.name || *name == session.username;
    nobody || access.names.iter().any(named)
}
