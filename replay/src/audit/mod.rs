//! Audit: whether a ledger is what was signed, and packs that prove it to somebody else.
//!
//! Upstream: `grimnir-ledger` (segments and the proof beside them). Reading order: `source` (what
//! is audited), `checks` (the rules of a history), `evidence` (what was signed), `verify`,
//! `affected` (what a fault touches), `prove`, `export` and `pack`. Not here: the command line.

mod affected;
mod checks;
mod evidence;
mod export;
mod pack;
mod prove;
mod source;
mod verify;

pub use affected::{Affected, AffectedStream};
pub use evidence::Evidence;
pub use export::{ExportRequest, Exported, export};
pub use pack::{Pack, PackStream, VerifiedPack, is_pack, verify_pack};
pub use prove::{InclusionProof, prove};
pub use source::{AuditSource, LedgerSource, RemoteSource};
pub use verify::{Audit, AuditFault, Progress, audit};
