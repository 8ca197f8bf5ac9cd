//! Webstreams: the streams from elsewhere that a station may hear, and how well they are.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `Set` | `Set`; none for what it is already | a malformed webstream, `TooMany`, `NilId` |
//! | `Remove` | `Removed` | `Unknown` |
//! | `Start` | `StartRequested` | `Unknown`, `Disabled`, `Setting` |
//! | `Stop` | `StopRequested` | `Unknown` |
//! | `Probe` | `ProbeRequested` | `Unknown`, `Disabled` |
//!
//! Which address is heard, how each of them is, and the claim by which one takes the air are
//! witnessed by the engine. Not here: the claim itself, which is the ladder's.

mod command;
mod decide;
mod grant;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub use command::WebstreamCommand;
pub use decide::{LASTS_MAX_US, WEBSTREAMS_MAX};
pub use grant::grants;
pub use rejection::WebstreamRejection;
pub use state::{Address, Sight, Webstreams};

use crate::{Aggregate, Context};
use grimnir_events::StreamKind;
use grimnir_events::air::AirFact;
use grimnir_events::webstream::WebstreamEvent;

/// The webstreams of a station.
pub struct Webstream;

impl Aggregate for Webstream {
    const KIND: StreamKind = StreamKind::Webstream;
    type Command = WebstreamCommand;
    type Event = WebstreamEvent;
    type State = Webstreams;
    type Rejection = WebstreamRejection;

    fn decide(
        state: &Webstreams,
        command: &WebstreamCommand,
        ctx: &Context,
    ) -> Result<Vec<WebstreamEvent>, WebstreamRejection> {
        decide::decide(state, command, ctx.now)
    }
    fn evolve(state: &mut Webstreams, event: &WebstreamEvent) {
        state::evolve(state, event);
    }
    fn witness(state: &mut Webstreams, fact: &AirFact) {
        state::witness(&mut state.seen, fact);
    }
}
