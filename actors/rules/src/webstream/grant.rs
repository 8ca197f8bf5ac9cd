//! Webstreams as an engine needs them: with the times of the plan in which each is to be on air.

use super::Webstreams;
use crate::show::{Window, WindowKind};
use grimnir_events::UtcMicros;
use grimnir_events::webstream::{Webstream, WebstreamGrant};

/// Most stretches of a webstream that are handed over, the nearest first.
const WINDOWS_MAX: usize = 64;
/// Most webstreams that only slots of clocks name.
const OF_SLOTS_MAX: usize = 20;

/// The webstreams that may be heard at `now` or later, among the windows of the plan. A slot whose
/// first address is that of a webstream means that webstream, with all that is set of it.
pub fn grants(state: &Webstreams, windows: &[Window], now: UtcMicros) -> Vec<WebstreamGrant> {
    let own = state.webstreams.values().map(|webstream| WebstreamGrant {
        webstream: webstream.clone(),
        windows: vec![],
        start: state
            .starts
            .get(&webstream.id)
            .copied()
            .filter(|start| {
                let done = state.seen.get(&webstream.id).map_or(0, |sight| sight.done_start);
                start.until > now && start.number > done
            })
            .unwrap_or_default(),
        stop: state.stops.get(&webstream.id).copied().unwrap_or(0),
        probe: state.probes.get(&webstream.id).copied().unwrap_or(0),
    });
    let mut all: Vec<WebstreamGrant> = own.collect();
    let own = all.len();
    for window in windows {
        if window.kind != WindowKind::Webstream || window.until <= now || window.urls.is_empty() {
            continue;
        }
        let first = window.urls.first();
        let named = |grant: &WebstreamGrant| grant.webstream.urls.first() == first;
        let of_slot = Webstream::of_slot(&window.urls);
        let found = all[..own].iter().position(named);
        let found = found.or_else(|| all.iter().position(|g| g.webstream.id == of_slot.id));
        let place = match found {
            Some(place) => place,
            None if all.len() - own >= OF_SLOTS_MAX => continue,
            None => {
                all.push(WebstreamGrant {
                    webstream: of_slot,
                    windows: vec![],
                    start: Default::default(),
                    stop: 0,
                    probe: 0,
                });
                all.len() - 1
            }
        };
        if all[place].windows.len() < WINDOWS_MAX {
            all[place].windows.push((window.from, window.until));
        }
    }
    all
}
