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

impl Meta {
    /// Of the system itself, in a conversation of its own.
    pub fn own() -> Self {
        Self::own_under(CommitId(crate::clock::fresh_id()))
    }

    /// The same under an identity that follows from what it is about, so that it is told once.
    pub fn own_under(commit_id: CommitId) -> Self {
        Self {
            actor: Actor::System,
            correlation: CorrelationId(commit_id.0),
            causation: CommitId::default(),
            commit_id,
        }
    }
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
