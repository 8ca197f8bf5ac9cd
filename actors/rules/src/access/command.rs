//! What can be asked of access. Secrets and plain names never come this far.

use grimnir_events::access::Role;
use grimnir_events::sealed::Sealed;
use grimnir_events::{ContentHash, CredentialId, Payload, UserId};
use serde::{Deserialize, Serialize};

/// A command to access.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessCommand {
    /// Make a user.
    RegisterUser {
        /// Its id, random.
        user_id: UserId,
        /// The sign-in name, sealed.
        name: Sealed,
        /// Which stored secret signs it in.
        credential_id: CredentialId,
        /// SHA-256 of the stored password hash.
        fingerprint: ContentHash,
        /// What it may do.
        role: Role,
    },
    /// Change what it may do.
    GrantRole {
        /// Who.
        user_id: UserId,
        /// What it may do.
        role: Role,
    },
    /// Enter another secret.
    ChangeCredential {
        /// Who.
        user_id: UserId,
        /// Which.
        credential_id: CredentialId,
        /// SHA-256 of the stored password hash.
        fingerprint: ContentHash,
    },
    /// Erase a user.
    EraseUser {
        /// Who.
        user_id: UserId,
    },
}

impl Payload for AccessCommand {
    const NAME: &'static str = "access.command";
    const VERSION: u16 = 1;
}
