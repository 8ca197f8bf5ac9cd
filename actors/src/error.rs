//! Why a command was not carried out.

use grimnir_events::CommitId;
use grimnir_rules::{Reject, RejectClass};

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The domain says no.
    #[error("{message}")]
    Rejected {
        /// Stable code.
        code: &'static str,
        /// What a person should read.
        message: String,
        /// The field at fault.
        field: Option<&'static str>,
        /// How it is answered.
        class: RejectClass,
    },
    /// Too many commands wait for this aggregate already.
    #[error("{waiting} commands wait already, limit {limit}")]
    Busy {
        /// How many wait.
        waiting: usize,
        /// How many may.
        limit: usize,
    },
    /// The commit id was used with another body.
    #[error("the idempotency key was used for another request (commit {commit_id})")]
    KeyReused {
        /// The commit id.
        commit_id: CommitId,
    },
    /// The ledger takes nothing now; nothing was stored.
    #[error("the ledger is not writable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It may be stored or not; ask again with the same idempotency key.
    #[error("the outcome is not known yet: {reason}")]
    Uncertain {
        /// Why.
        reason: String,
    },
    /// The world failed (engine, file, child process).
    #[error("{what} failed: {reason}")]
    Failed {
        /// What failed.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Another node decides for this; nothing was stored.
    #[error("{node} owns it{}", at(url))]
    NotOwner {
        /// Name of the node.
        node: String,
        /// Address of its API; empty where not known.
        url: String,
    },
    /// No node decides for this at the moment; nothing was stored.
    #[error("no node owns it at the moment")]
    NoOwner,
    /// The site is closing.
    #[error("the site is closing")]
    Closing,
}

fn at(url: &str) -> String {
    if url.is_empty() { String::new() } else { format!(", at {url}") }
}

impl CommandError {
    /// The error for a domain's no.
    pub fn rejected<R: Reject>(rejection: &R) -> Self {
        Self::Rejected {
            code: rejection.code(),
            message: rejection.to_string(),
            field: rejection.field(),
            class: rejection.class(),
        }
    }
    /// The error for something that is not there.
    pub fn not_found(code: &'static str, message: String) -> Self {
        Self::Rejected { code, message, field: None, class: RejectClass::NotFound }
    }
    /// The error for a value that cannot be taken.
    pub fn invalid(code: &'static str, field: &'static str, message: String) -> Self {
        Self::Rejected { code, message, field: Some(field), class: RejectClass::Invalid }
    }
    /// The error for a value that another holds already.
    pub fn taken(code: &'static str, field: &'static str, message: String) -> Self {
        Self::Rejected { code, message, field: Some(field), class: RejectClass::Conflict }
    }
}
