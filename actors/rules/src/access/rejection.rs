//! Why access says no.

use crate::{Reject, RejectClass};
use grimnir_events::access::Role;
use grimnir_events::{CredentialId, UserId};

/// Why access says no. No name is in it: only ids.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccessRejection {
    /// The all-zero id names nothing.
    #[error("{field} is the nil id, expected one that names something")]
    NilId {
        /// Which field.
        field: &'static str,
    },
    /// No such user.
    #[error("there is no user {user_id}")]
    UnknownUser {
        /// Who.
        user_id: UserId,
    },
    /// The id belongs to a user already.
    #[error("user {user_id} exists already with other properties")]
    UserExists {
        /// Who.
        user_id: UserId,
    },
    /// The id belonged to a user that was erased.
    #[error("user {user_id} was erased, and its id is not given out again")]
    Erased {
        /// Who.
        user_id: UserId,
    },
    /// The name is sealed under another person's key.
    #[error("the name of {user_id} is sealed for {found}")]
    SealedForAnother {
        /// Who.
        user_id: UserId,
        /// Whose key it is under.
        found: UserId,
    },
    /// The sealed name is empty or too long.
    #[error("the sealed name has {found} bytes, expected 1 to {max}")]
    SealedLength {
        /// Bytes found.
        found: usize,
        /// Most.
        max: usize,
    },
    /// The secret belongs to somebody else.
    #[error("credential {credential_id} signs in another user already")]
    CredentialTaken {
        /// Which.
        credential_id: CredentialId,
    },
    /// Nobody could be asked for more rights afterwards.
    #[error("user {user_id} is the only admin left, expected another one first")]
    LastAdmin {
        /// Who.
        user_id: UserId,
    },
    /// Nobody could register the next one.
    #[error("the first user is a {found:?}, expected an Admin")]
    FirstIsAdmin {
        /// The role asked for.
        found: Role,
    },
    /// No room for more.
    #[error("the site has {found} users, limit {limit}")]
    TooManyUsers {
        /// How many there are.
        found: usize,
        /// How many may be.
        limit: usize,
    },
}

impl Reject for AccessRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NilId { .. } => "nil_id",
            Self::UnknownUser { .. } => "user_not_found",
            Self::UserExists { .. } => "user_exists",
            Self::Erased { .. } => "user_erased",
            Self::SealedForAnother { .. } => "sealed_for_another",
            Self::SealedLength { .. } => "bad_sealed_name",
            Self::CredentialTaken { .. } => "credential_taken",
            Self::LastAdmin { .. } => "last_admin",
            Self::FirstIsAdmin { .. } => "first_user_not_admin",
            Self::TooManyUsers { .. } => "too_many_users",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NilId { field } => Some(field),
            Self::SealedForAnother { .. } | Self::SealedLength { .. } => Some("name"),
            Self::CredentialTaken { .. } => Some("credential_id"),
            Self::FirstIsAdmin { .. } => Some("role"),
            Self::UnknownUser { .. }
            | Self::UserExists { .. }
            | Self::Erased { .. }
            | Self::LastAdmin { .. }
            | Self::TooManyUsers { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::UnknownUser { .. } => RejectClass::NotFound,
            Self::UserExists { .. }
            | Self::Erased { .. }
            | Self::CredentialTaken { .. }
            | Self::LastAdmin { .. }
            | Self::TooManyUsers { .. } => RejectClass::Conflict,
            Self::NilId { .. }
            | Self::SealedForAnother { .. }
            | Self::SealedLength { .. }
            | Self::FirstIsAdmin { .. } => RejectClass::Invalid,
        }
    }
}
