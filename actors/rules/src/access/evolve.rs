//! Folds access events.

use super::{AccessState, User};
use grimnir_events::access::AccessEvent;

/// Folds one event.
pub fn evolve(state: &mut AccessState, event: &AccessEvent) {
    match event {
        AccessEvent::UserRegistered { user_id, name: _, credential_id, fingerprint, role } => {
            let user =
                User { credential_id: *credential_id, fingerprint: *fingerprint, role: *role };
            state.users.insert(*user_id, user);
        }
        AccessEvent::RoleGranted { user_id, role } => {
            if let Some(user) = state.users.get_mut(user_id) {
                user.role = *role;
            }
        }
        AccessEvent::CredentialChanged { user_id, credential_id, fingerprint } => {
            if let Some(user) = state.users.get_mut(user_id) {
                user.credential_id = *credential_id;
                user.fingerprint = *fingerprint;
            }
        }
        AccessEvent::UserErased { user_id } => {
            state.users.remove(user_id);
            state.erased.insert(*user_id);
        }
    }
}
