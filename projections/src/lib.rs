//! Read models: folds of the ledger that answer the API, and the change feed.
//!
//! Upstream: `grimnir-ledger`. Downstream: `actors`, `api`, `replay`. Not here: commands, HTTP.

pub mod rows;
