//! The language of Grimnir: typed ids, integer units, the commit envelope and its codec, and one
//! event enum per aggregate.
//!
//! Reading order: [`units`], [`ids`], [`stream`], [`envelope`], [`codec`], [`schema`], then the
//! words of each aggregate. Downstream: every other crate. Not here: decisions, I/O, clocks,
//! randomness.
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod units;
pub mod ids;
pub mod actor;
pub mod stream;
pub mod sealed;
pub mod codec;
pub mod schema;
pub mod envelope;
pub mod frame;

pub mod station;
pub mod output;
pub mod recording;
pub mod rtp;
pub mod dsp;
pub mod ladder;
pub mod executor;
pub mod control;
pub mod crash;
pub mod grid;
pub mod template;
pub mod edit;
pub mod clock;
pub mod show;
pub mod timeline;
pub mod library;
pub mod details;
pub mod analysis;
pub mod stock;
pub mod smart_block;
pub mod roll;
pub mod access;
pub mod site;
pub mod listening;
pub mod sound;
pub mod line;
pub mod live_recording;
pub mod live;
pub mod webstream;
pub mod air;
pub mod handover;
pub mod owner;

pub use actor::Actor;
pub use codec::{Encoded, Payload};
pub use envelope::{Commit, Header};
pub use ids::*;
pub use stream::{StreamId, StreamKind};
pub use units::{AirFrame, UtcMicros};
