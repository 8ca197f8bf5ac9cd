//! The fold of a site's access stream.

use grimnir_events::access::Role;
use grimnir_events::{ContentHash, CredentialId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who may do what.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccessState {
    /// Users that may sign in.
    pub users: BTreeMap<UserId, User>,
    /// Users that were erased; their ids are not given out again.
    pub erased: BTreeSet<UserId>,
}

/// One user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Which stored secret signs it in.
    pub credential_id: CredentialId,
    /// SHA-256 of the stored password hash.
    pub fingerprint: ContentHash,
    /// What it may do.
    pub role: Role,
}

impl AccessState {
    /// How many users may do everything.
    pub fn admins(&self) -> usize {
        self.users.values().filter(|user| user.role == Role::Admin).count()
    }
}
