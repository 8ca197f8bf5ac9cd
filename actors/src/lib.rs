//! The running control plane of one site: a supervised actor for every aggregate.
//!
//! Upstream: rules, ledger, projections, engine contract. Downstream: `api`, `cli`.
//! Not here: decisions (they are in `grimnir-rules`), HTTP, sound.

pub mod error;
pub mod meta;
pub mod clock;
mod fault;
pub mod shell;
pub mod snapshots;
pub mod directory;
pub mod ownership;
pub mod process;
pub mod gather;
mod folds;
pub mod live;
pub mod webstream;
mod rebroadcast;
pub mod planner;
pub mod preflight;
pub mod legal_id;
pub mod alarms;
pub mod engine;
pub mod tryout;
mod analysis;
pub mod edits;
pub mod versions;
pub mod templates;
pub mod ingest;
pub mod import;
pub mod media;
pub mod supervisor;
pub mod site;

pub use error::CommandError;
pub use meta::{Meta, Receipt};
pub use site::{LedgerPlace, Site, SiteConfig};
