//! What can be asked about webstreams.

use grimnir_events::live::TakePolicy;
use grimnir_events::webstream::Webstream;
use grimnir_events::{Payload, WebstreamId};
use serde::{Deserialize, Serialize};

/// A command about the webstreams of a station.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebstreamCommand {
    /// Have it, or have it as this says.
    Set {
        /// The webstream.
        webstream: Box<Webstream>,
    },
    /// Have it no more.
    Remove {
        /// Which.
        webstream_id: WebstreamId,
    },
    /// Put it on air from now on.
    Start {
        /// Which.
        webstream_id: WebstreamId,
        /// How it takes the air.
        take: TakePolicy,
        /// For so long at most, in microseconds.
        lasts_us: i64,
    },
    /// Take it off the air.
    Stop {
        /// Which.
        webstream_id: WebstreamId,
    },
    /// Try out all its addresses now.
    Probe {
        /// Which.
        webstream_id: WebstreamId,
    },
}

impl Payload for WebstreamCommand {
    const NAME: &'static str = "webstream.command";
    const VERSION: u16 = 1;
}
