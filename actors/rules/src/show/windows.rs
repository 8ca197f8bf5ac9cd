//! Windows: stretches of time in which a live source or a stream may take the air. Automation is
//! planned underneath as if they were not there.

use super::Programme;
use super::programme::ruled;
use crate::planner::hours::hours_between;
use grimnir_events::show::LiveAccess;
use grimnir_events::timeline::SlotSource;
use grimnir_events::{InstanceId, ShowId, UtcMicros};
use serde::Serialize;

/// Who a window is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// A live source.
    Live,
    /// A stream from elsewhere.
    Webstream,
}

/// A stretch of time in which something beside automation may take the air.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// For whom.
    pub kind: WindowKind,
    /// First instant.
    pub from: UtcMicros,
    /// Instant after the last.
    pub until: UtcMicros,
    /// With a live window: who may go live.
    pub live: LiveAccess,
    /// With a webstream: its addresses, the first one first.
    pub urls: Vec<String>,
    /// The show that it is of, and its instance.
    pub of: Option<(ShowId, InstanceId)>,
    /// What the show is called.
    pub name: String,
}

impl Programme<'_> {
    /// The windows in `from..until`, as far as they lie in it, in order. Windows of the same kind
    /// may overlap: of a show, and of a slot of a clock.
    pub fn windows_between(&self, from: UtcMicros, until: UtcMicros) -> Vec<Window> {
        let mut windows = Vec::new();
        // A show without live sources keeps those of a lower priority off the air, too.
        let instances = self.instances(from, until);
        for ruled in ruled(&instances, from, until, |_| true) {
            let Some(instance) = ruled.instance else { continue };
            let Some(live) = instance.live else { continue };
            let (from, until) = (ruled.from, ruled.until);
            let of = Some((instance.show_id, instance.id));
            let (kind, urls, name) = (WindowKind::Live, Vec::new(), instance.name);
            windows.push(Window { kind, from, until, live, urls, of, name });
        }
        for hour in hours_between(&self.zone, from, until) {
            let composed = self.composed_of(&hour, &instances);
            for (place, slot) in composed.slots.iter().enumerate() {
                let (kind, live, urls) = match &slot.source {
                    SlotSource::LiveWindow { live, .. } => {
                        (WindowKind::Live, live.clone(), Vec::new())
                    }
                    SlotSource::Webstream { urls, .. } => {
                        (WindowKind::Webstream, LiveAccess::default(), urls.clone())
                    }
                    SlotSource::Playlist { .. }
                    | SlotSource::Category { .. }
                    | SlotSource::HardItem { .. }
                    | SlotSource::SmartBlock { .. }
                    | SlotSource::PlaylistBy { .. }
                    | SlotSource::Stopset { .. }
                    | SlotSource::Imaging { .. }
                    | SlotSource::VoiceTrack { .. } => continue,
                };
                let at = |offset_ms: u32| hour.from.plus(i64::from(offset_ms) * 1_000);
                let next = composed.slots[place + 1..].iter().find_map(|next| next.offset_ms);
                let (ends, begins) =
                    (next.map_or(hour.until, at), slot.offset_ms.map_or(hour.from, at));
                let (from, until) = (begins.max(from), ends.min(until));
                let instance = composed.shows.get(&place);
                let of = instance.map(|instance| (instance.show_id, instance.id));
                let name = instance.map(|instance| instance.name.clone()).unwrap_or_default();
                if from < until {
                    windows.push(Window { kind, from, until, live, urls, of, name });
                }
            }
        }
        joined(windows)
    }
}

/// In order; what goes on from one hour to the next is one window.
fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_by_key(|window| (window.from, window.until, window.kind));
    let mut joined: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        let goes_on = |last: &&mut Window| {
            let until = last.until;
            until == window.from
                && Window { from: last.from, ..window.clone() }
                    == Window { until: window.until, ..(**last).clone() }
        };
        match joined.iter_mut().rev().take(8).find(goes_on) {
            Some(last) => last.until = window.until,
            None => joined.push(window),
        }
    }
    joined
}
