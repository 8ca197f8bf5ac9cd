//! The words of ownership: which node decides for a stream from here on.
//!
//! They stand in the decided streams themselves, in commits of their own without a command: the
//! version they take is what makes a former owner's next append fail. No aggregate folds them.

use crate::codec::{self, CodecError, Encoded, Payload};
use crate::envelope::Commit;
use crate::ids::{CommitId, LogId, derive_id};
use crate::stream::StreamId;
use serde::{Deserialize, Serialize};

/// Longest name of a node in bytes.
pub const MAX_NODE_BYTES: usize = 64;

/// What happened to the ownership of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerEvent {
    /// A node decides from here on. A lower epoch in a commit after it is corruption.
    OwnershipTaken {
        /// Epoch of the owner, stamped into its commits; it only rises.
        epoch: u64,
        /// Name of the node.
        node: String,
    },
}

impl Payload for OwnerEvent {
    const NAME: &'static str = "owner.event";
    const VERSION: u16 = 1;
}

impl OwnerEvent {
    /// True for stored payloads of ownership, of whatever version.
    pub fn is(stored: &Encoded) -> bool {
        stored.name == Self::NAME
    }
    /// The last word on ownership in a commit, where it has one.
    pub fn in_commit(commit: &Commit) -> Result<Option<Self>, CodecError> {
        commit.events.iter().rev().find(|event| Self::is(event)).map(codec::decode).transpose()
    }
}

/// The events of a commit that its aggregate folds.
pub fn folded(commit: &Commit) -> impl Iterator<Item = &Encoded> {
    commit.events.iter().filter(|event| !OwnerEvent::is(event))
}

/// Identity of the commit by which an owner takes a stream: asked twice, it is taken once.
pub fn commit_id(log: LogId, stream: StreamId, epoch: u64) -> CommitId {
    let kind = [stream.kind as u8];
    CommitId(derive_id("owner", &[&log.0, &kind, &stream.id, &epoch.to_be_bytes()]))
}
