//! The words of access: users, credentials and roles. No secret and no plain name is in them.

use crate::codec::Payload;
use crate::ids::{ContentHash, CredentialId, UserId};
use crate::sealed::Sealed;
use serde::{Deserialize, Serialize};

/// What happened to access.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessEvent {
    /// A user exists from here on.
    UserRegistered {
        /// Its id, random: never derived from a name.
        user_id: UserId,
        /// The sign-in name, sealed.
        name: Sealed,
        /// Which stored secret signs it in.
        credential_id: CredentialId,
        /// SHA-256 of the stored password hash, so that a change of it shows.
        fingerprint: ContentHash,
        /// What it may do.
        role: Role,
    },
    /// It may do something else now.
    RoleGranted {
        /// Who.
        user_id: UserId,
        /// What it may do.
        role: Role,
    },
    /// Another secret signs it in.
    CredentialChanged {
        /// Who.
        user_id: UserId,
        /// Which.
        credential_id: CredentialId,
        /// SHA-256 of the stored password hash.
        fingerprint: ContentHash,
    },
    /// It may not sign in any more, and its personal fields cannot be opened again.
    UserErased {
        /// Who.
        user_id: UserId,
    },
}

impl Payload for AccessEvent {
    const NAME: &'static str = "access.event";
    const VERSION: u16 = 1;
}

/// What a user may do; each role may do what those after it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Everything about stations but users and emergencies.
    Manager,
    /// Upload, override, skip.
    Dj,
}
