//! The pure core: per aggregate its commands, its state, its decisions; the resolver and the
//! planner. Upstream: `grimnir-events`. Downstream: shells, engine, replay. Not here: async, I/O,
//! clocks, unseeded randomness.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod aggregate;
pub mod common;
pub mod text;
pub mod recurrence;
pub mod show;
pub mod station;
pub mod live;
pub mod ladder;
pub mod executor;
pub mod timeline;
pub mod library;
pub mod access;
pub mod planner;
pub mod process;
pub mod schema;
#[cfg(test)]
mod given;

pub use access::Access;
pub use aggregate::{Aggregate, Context, FOLD_FINGERPRINT, RULES_VERSION, Reject, RejectClass};
pub use executor::Executor;
pub use ladder::Ladder;
pub use library::Library;
pub use station::Station;
pub use timeline::Timeline;
