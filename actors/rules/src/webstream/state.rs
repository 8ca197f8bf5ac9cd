//! The fold of webstreams, and of what the engine saw of them.

use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::ReleaseReason;
use grimnir_events::webstream::{
    Webstream, WebstreamAirEvent, WebstreamEvent, WebstreamHealth, WebstreamStart,
};
use grimnir_events::{ClaimId, UtcMicros, WebstreamId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Webstreams that are kept in sight; those of slots come and go.
const SEEN_MAX: usize = 200;

/// The webstreams of a station.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Webstreams {
    /// Those that are not removed.
    pub webstreams: BTreeMap<WebstreamId, Webstream>,
    /// Requests so far: the number of the last.
    pub requests: u64,
    /// The last wish to have one on air.
    pub starts: BTreeMap<WebstreamId, WebstreamStart>,
    /// The last wish to have one off the air.
    pub stops: BTreeMap<WebstreamId, u64>,
    /// The last wish to have one tried out.
    pub probes: BTreeMap<WebstreamId, u64>,
    /// What the engine saw, of those that only slots name, too.
    pub seen: BTreeMap<WebstreamId, Sight>,
}

/// What the engine saw of a webstream.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sight {
    /// How it is.
    pub health: WebstreamHealth,
    /// Since when it is.
    pub since: UtcMicros,
    /// How its addresses are, by the address.
    pub addresses: BTreeMap<String, Address>,
    /// The address that gives its sound; empty for none.
    pub current: String,
    /// Times that another address was heard.
    pub switches: u64,
    /// Codec and container; empty while it is not known.
    pub format: String,
    /// What it said last that it plays.
    pub title: String,
    /// What it claims the air with.
    pub claim_id: Option<ClaimId>,
    /// The wish that the claim follows.
    pub start: u64,
    /// The last wish that is over.
    pub done_start: u64,
}

/// What the engine saw of an address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Address {
    /// How it is.
    pub health: WebstreamHealth,
    /// Since when it is.
    pub since: UtcMicros,
    /// What was found.
    pub found: String,
}

/// Folds one event.
pub fn evolve(state: &mut Webstreams, event: &WebstreamEvent) {
    match event {
        WebstreamEvent::Set { webstream } => {
            state.webstreams.insert(webstream.id, (**webstream).clone());
        }
        WebstreamEvent::Removed { webstream_id } => {
            state.webstreams.remove(webstream_id);
            state.starts.remove(webstream_id);
            state.stops.remove(webstream_id);
            state.probes.remove(webstream_id);
        }
        WebstreamEvent::StartRequested { webstream_id, start } => {
            state.requests = start.number;
            state.starts.insert(*webstream_id, *start);
        }
        WebstreamEvent::StopRequested { webstream_id, number } => {
            state.requests = *number;
            state.stops.insert(*webstream_id, *number);
        }
        WebstreamEvent::ProbeRequested { webstream_id, number } => {
            state.requests = *number;
            state.probes.insert(*webstream_id, *number);
        }
    }
}

/// Folds one fact.
pub fn witness(seen: &mut BTreeMap<WebstreamId, Sight>, fact: &AirFact) {
    match &fact.event {
        AirEvent::EngineStarted { .. } | AirEvent::EngineStopped {} => {
            // What was open was so in a run that is over; how it was is what is known last.
            for sight in seen.values_mut() {
                (sight.current, sight.claim_id) = (String::new(), None);
            }
        }
        AirEvent::ClaimEnded { claim_id, reason } => {
            let held = seen.values_mut().find(|sight| sight.claim_id == Some(*claim_id));
            let Some(sight) = held else { return };
            sight.claim_id = None;
            // One that ran out of sound comes back, and so does one whose engine ended; one that
            // was sent away does not.
            if !matches!(reason, ReleaseReason::Completed | ReleaseReason::SignOff) {
                sight.done_start = sight.done_start.max(sight.start);
            }
        }
        AirEvent::Webstream(event) => {
            let id = event.webstream_id();
            if seen.len() >= SEEN_MAX && !seen.contains_key(&id) {
                let oldest = seen.iter().min_by_key(|(_, sight)| sight.since).map(|(id, _)| *id);
                oldest.and_then(|oldest| seen.remove(&oldest));
            }
            heard(seen.entry(id).or_default(), event, fact.at);
        }
        AirEvent::AirInterrupted { .. }
        | AirEvent::ItemStarted(_)
        | AirEvent::ItemEnded { .. }
        | AirEvent::LineDropped { .. }
        | AirEvent::LineMoved { .. }
        | AirEvent::EmergencyInserted { .. }
        | AirEvent::OwnerChanged { .. }
        | AirEvent::SourceFailed { .. }
        | AirEvent::SourceRecovered { .. }
        | AirEvent::SilenceEntered { .. }
        | AirEvent::SilenceLeft {}
        | AirEvent::AirStalled { .. }
        | AirEvent::NonFiniteSamples { .. }
        | AirEvent::OutputUp { .. }
        | AirEvent::OutputDown { .. }
        | AirEvent::ProgrammeSilent { .. }
        | AirEvent::ProgrammeHeard {}
        | AirEvent::Sound(_)
        | AirEvent::OutputReported { .. }
        | AirEvent::Live(_) => {}
    }
}

fn heard(sight: &mut Sight, event: &WebstreamAirEvent, at: UtcMicros) {
    match event {
        WebstreamAirEvent::Probed { url, health, found, .. } => {
            let address = Address { health: *health, since: at, found: found.clone() };
            // Those of a chain that was changed go with the next that is new.
            if sight.addresses.len() >= 20 && !sight.addresses.contains_key(url) {
                sight.addresses.clear();
            }
            sight.addresses.insert(url.clone(), address);
        }
        WebstreamAirEvent::HealthChanged { to, .. } => {
            (sight.health, sight.since) = (*to, at);
        }
        WebstreamAirEvent::Switched { url, .. } => {
            sight.current.clone_from(url);
            sight.switches += 1;
        }
        WebstreamAirEvent::Ready { format, .. } => sight.format.clone_from(format),
        WebstreamAirEvent::Claimed { start, claim, .. } => {
            (sight.claim_id, sight.start) = (Some(claim.id), *start);
        }
        WebstreamAirEvent::Titled { title, .. } => sight.title.clone_from(title),
        WebstreamAirEvent::RanDry { .. } => {}
        WebstreamAirEvent::Closed { .. } => {
            (sight.current, sight.title) = (String::new(), String::new());
        }
    }
}
