//! The register of what a decision is recorded with: every command, and the context.
//!
//! Upstream: `grimnir_events::schema`, which says how a shape may change. Downstream: golden tests,
//! verification.

use crate::Context;
use crate::access::command::AccessCommand;
use crate::executor::command::ExecutorCommand;
use crate::ladder::command::LadderCommand;
use crate::library::command::LibraryCommand;
use crate::station::command::StationCommand;
use crate::timeline::command::TimelineCommand;
use crate::webstream::WebstreamCommand;
use grimnir_events::schema::Registered;

/// Every command there is, and the context.
pub const REGISTER: &[Registered] = &[
    Registered::of::<Context>(),
    Registered::of::<StationCommand>(),
    Registered::of::<LadderCommand>(),
    Registered::of::<ExecutorCommand>(),
    Registered::of::<TimelineCommand>(),
    Registered::of::<LibraryCommand>(),
    Registered::of::<AccessCommand>(),
    Registered::of::<WebstreamCommand>(),
];
