//! Decides what is asked of access.

use super::command::AccessCommand;
use super::{AccessRejection as No, AccessState, User};
use grimnir_events::access::{AccessEvent, Role};
use grimnir_events::sealed::Sealed;
use grimnir_events::{CredentialId, UserId};

/// Users of one site.
pub const USERS_MAX: usize = 10_000;
/// Longest sealed name: 100 characters of UTF-8 (400 bytes) and the 16-byte tag.
pub const SEALED_NAME_MAX: usize = 416;

/// Decides one command.
pub fn decide(state: &AccessState, command: &AccessCommand) -> Result<Vec<AccessEvent>, No> {
    match command {
        AccessCommand::RegisterUser { user_id, name, credential_id, fingerprint, role } => {
            let user =
                User { credential_id: *credential_id, fingerprint: *fingerprint, role: *role };
            register(state, *user_id, name, user)
        }
        AccessCommand::GrantRole { user_id, role } => {
            let user = known(state, *user_id)?;
            if user.role == *role {
                return Ok(vec![]);
            }
            keep_an_admin(state, *user_id, user)?;
            Ok(vec![AccessEvent::RoleGranted { user_id: *user_id, role: *role }])
        }
        AccessCommand::ChangeCredential { user_id, credential_id, fingerprint } => {
            let user = known(state, *user_id)?;
            if (user.credential_id, user.fingerprint) == (*credential_id, *fingerprint) {
                return Ok(vec![]);
            }
            free_credential(state, *user_id, *credential_id)?;
            let (user_id, credential_id, fingerprint) = (*user_id, *credential_id, *fingerprint);
            Ok(vec![AccessEvent::CredentialChanged { user_id, credential_id, fingerprint }])
        }
        AccessCommand::EraseUser { user_id } => {
            if state.erased.contains(user_id) {
                return Ok(vec![]);
            }
            let user = known(state, *user_id)?;
            keep_an_admin(state, *user_id, user)?;
            Ok(vec![AccessEvent::UserErased { user_id: *user_id }])
        }
    }
}

fn register(
    state: &AccessState,
    user_id: UserId,
    name: &Sealed,
    user: User,
) -> Result<Vec<AccessEvent>, No> {
    if user_id.is_nil() {
        return Err(No::NilId { field: "user_id" });
    }
    if state.erased.contains(&user_id) {
        return Err(No::Erased { user_id });
    }
    if let Some(held) = state.users.get(&user_id) {
        return if *held == user { Ok(vec![]) } else { Err(No::UserExists { user_id }) };
    }
    if name.person != user_id {
        return Err(No::SealedForAnother { user_id, found: name.person });
    }
    let found = name.ciphertext.len();
    if found == 0 || found > SEALED_NAME_MAX {
        return Err(No::SealedLength { found, max: SEALED_NAME_MAX });
    }
    free_credential(state, user_id, user.credential_id)?;
    if state.users.len() >= USERS_MAX {
        return Err(No::TooManyUsers { found: state.users.len(), limit: USERS_MAX });
    }
    if state.users.is_empty() && user.role != Role::Admin {
        return Err(No::FirstIsAdmin { found: user.role });
    }
    Ok(vec![AccessEvent::UserRegistered {
        user_id,
        name: name.clone(),
        credential_id: user.credential_id,
        fingerprint: user.fingerprint,
        role: user.role,
    }])
}

fn known(state: &AccessState, user_id: UserId) -> Result<&User, No> {
    state.users.get(&user_id).ok_or(No::UnknownUser { user_id })
}

fn free_credential(
    state: &AccessState,
    user_id: UserId,
    credential_id: CredentialId,
) -> Result<(), No> {
    if credential_id.is_nil() {
        return Err(No::NilId { field: "credential_id" });
    }
    let mut holders = state.users.iter().filter(|(_, user)| user.credential_id == credential_id);
    match holders.find(|(id, _)| **id != user_id) {
        Some(_) => Err(No::CredentialTaken { credential_id }),
        None => Ok(()),
    }
}

fn keep_an_admin(state: &AccessState, user_id: UserId, user: &User) -> Result<(), No> {
    if user.role == Role::Admin && state.admins() == 1 {
        return Err(No::LastAdmin { user_id });
    }
    Ok(())
}
