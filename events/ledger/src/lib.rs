//! The ledger: an append-only, hash-chained store of commits; the source of all state.
//!
//! Upstream: `grimnir-events`. Downstream: shells, projections, replay. Backends pass one contract
//! suite. Not here: domain rules.

mod ledger;

pub use ledger::*;
