//! What goes with a command, and what comes back.

use grimnir_events::{Actor, CommitId, CorrelationId};

/// Who asks, in which conversation, and under which identity.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Who asks.
    pub actor: Actor,
    /// The conversation.
    pub correlation: CorrelationId,
    /// The commit that caused it; zero for none.
    pub causation: CommitId,
    /// The commit's identity: derived from an idempotency key or a cause, or fresh.
    pub commit_id: CommitId,
}

/// What an accepted command led to.
#[derive(Clone, Debug)]
pub struct Receipt<E> {
    /// Its commit; zero when nothing changed.
    pub commit_id: CommitId,
    /// Ledger position after it.
    pub seq: u64,
    /// Stream version after it.
    pub version: u64,
    /// The same command was answered before.
    pub repeated: bool,
    /// What followed; empty when nothing changed.
    pub events: Vec<E>,
}
