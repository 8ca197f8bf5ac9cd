//! The contract between control plane and engine: generated gRPC code and the client's dial.
//!
//! Upstream: `proto/engine.proto`. Downstream: `actors` (client), `engine` (server).

/// Generated from `proto/engine.proto`.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("grimnir.engine.v1");
}

mod dial;
pub mod bounds;
pub mod death;
pub mod report;

pub use dial::{Client, DialError, dial};
