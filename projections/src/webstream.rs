//! Webstreams in the change feed: what was decided about them, and how well they are.

use crate::change::Changes;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::webstream::{WebstreamAirEvent, WebstreamEvent};

/// Tells what was decided.
pub(crate) fn tell(out: &mut Changes, event: &WebstreamEvent) {
    let word = match event {
        WebstreamEvent::Set { .. } => "webstream.set",
        WebstreamEvent::Removed { .. } => "webstream.removed",
        WebstreamEvent::StartRequested { .. } => "webstream.start",
        WebstreamEvent::StopRequested { .. } => "webstream.stop",
        WebstreamEvent::ProbeRequested { .. } => "webstream.probe",
    };
    out.push(word, event);
}

/// Tells what the engine saw.
pub(crate) fn seen(out: &mut Changes, fact: &AirFact) {
    let AirEvent::Webstream(event) = &fact.event else { return };
    let word = match &**event {
        WebstreamAirEvent::Probed { .. } | WebstreamAirEvent::HealthChanged { .. } => {
            "webstream.health"
        }
        WebstreamAirEvent::Switched { .. } => "webstream.switched",
        WebstreamAirEvent::Ready { .. }
        | WebstreamAirEvent::Claimed { .. }
        | WebstreamAirEvent::Titled { .. }
        | WebstreamAirEvent::RanDry { .. }
        | WebstreamAirEvent::Closed { .. } => "webstream.air",
    };
    out.push(word, event);
}
