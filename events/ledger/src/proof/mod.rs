//! What proves that nothing was changed: the tree over all commits.
//!
//! Upstream: stored commits. Downstream: segment footers, checkpoints, auditors.

pub mod tree;
