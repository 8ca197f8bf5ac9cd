//! The ledger: an append-only, hash-chained store of commits; the source of all state.
//!
//! Upstream: `grimnir-events`. Downstream: shells, projections, replay. Backends pass one contract
//! suite. Not here: domain rules.

mod ledger;
pub mod clock;
mod stage;
mod hashing;
mod index;
mod follow;
mod memory;
mod files;
mod directory;
mod segment;
mod remote;
mod embedded;
pub mod lease;
pub mod archive;
pub mod repair;
pub mod jetstream;
pub mod proof;
pub mod secrets;
pub mod snapshot;

pub use clock::{Clock, ManualClock, SystemClock};
pub use directory::{DIRECTORY_FORMAT, Identity, OpenError};
pub use embedded::{EmbeddedLedger, Options};
pub use jetstream::{JetStreamLedger, JetStreamOptions};
pub use lease::{Lease, LeaseError, Leases, MemoryLeases};
pub use ledger::*;
pub use memory::MemoryLedger;
pub use remote::Remote;
pub use secrets::{Secrets, SecretsError, SignedIn};
pub use segment::file::SegmentFile;
pub use segment::footer::{
    FOOTER_FORMAT, FOOTER_MAGIC, Footer, StreamRange, TRAILER_BYTES, TRAILER_MAGIC,
};
pub use segment::reader::{End, SegmentReader};
pub use segment::{SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader};
pub use snapshot::{Snapshot, SnapshotHead};
