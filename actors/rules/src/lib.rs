//! The pure core: per aggregate its commands, its state, its decisions; the resolver and the
//! planner. Upstream: `grimnir-events`. Downstream: shells, engine, replay. Not here: async, I/O,
//! clocks, unseeded randomness.

pub mod aggregate;
pub mod station;
pub mod ladder;
pub mod executor;
pub mod timeline;
pub mod library;
pub mod access;
pub mod planner;

pub use aggregate::{Aggregate, Context, RULES_VERSION, Reject, RejectClass};
pub use timeline::Timeline;
