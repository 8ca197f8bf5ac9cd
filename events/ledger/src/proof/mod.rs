//! What proves that nothing was changed: the tree over all commits, and what is signed about it.
//!
//! Upstream: stored commits. Downstream: segment footers, the running site, auditors, witnesses.
//! Reading order: `tree` (leaves and roots), `path` (inclusion and consistency), `tile` and
//! `growth` (the tree as files), `note`, `checkpoint` and `keys` (what is signed, by whom),
//! `folder` (all of it on disk), `reading` and `reread` (the ledger against it), `rotate`, `notary`
//! and `runner` (who signs, and when), `request`, `submit` and `witness` (what another site
//! countersigns). Not here: HTTP.
//!
//! Formats are those of C2SP: signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature,
//! tlog-witness and tlog-proof, over the tree of RFC 6962.

pub mod error;
pub mod tree;
pub mod path;
pub mod tile;
pub mod growth;
pub mod note;
pub mod checkpoint;
pub mod keys;
pub mod folder;
mod reading;
mod reread;
pub mod rotate;
pub mod notary;
pub mod runner;
pub mod request;
pub mod submit;
pub mod witness;
